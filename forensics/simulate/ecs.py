"""A task's life in every source at once: the calls that make it, its state changes, keys, interface, logs and truth."""

import json
from dataclasses import dataclass, field

from forensics.simulate import ecs_shapes as shapes
from forensics.simulate.config_item import ConfigItems
from forensics.simulate.containers import EXECUTION_ENDS, Host, Task, ecs_arn
from forensics.simulate.flow_fields import ECS_LAG, TaskFields
from forensics.simulate.ledger import Ask
from forensics.simulate.log_groups import LogEvent, LogGroups, Place
from forensics.simulate.stage import Stage, role_resource
from forensics.simulate.vpc_flow import FlowLog
from forensics.simulate.world import ACCOUNT, Caller, Ids, Json, Role, caller

EVENTS = Place("/aws/events/ecs", "0123456789abcdef-example")
FARGATE_AGENT = "Boto3/1.35.0 md/Botocore#1.35.0 ua/2.0 os/linux#5.10 lang/python#3.12 exec-env/AWS_ECS_FARGATE"
EC2_AGENT = "Boto3/1.35.0 md/Botocore#1.35.0 ua/2.0 os/linux#6.1 lang/python#3.12 exec-env/AWS_ECS_EC2"


@dataclass
class Ecs:
    """Plays tasks; `flows` is the flow log of their subnets, `config` records their interfaces if it is given.

    `skew_ms` is by how much the clocks of the containers are off, by task id.
    """

    stage: Stage
    ids: Ids
    flows: FlowLog
    config: ConfigItems | None
    linked_role: Role
    events: LogGroups
    logs: LogGroups
    skew_ms: dict[str, int] = field(default_factory=dict)

    @classmethod
    def open(cls, stage: Stage, flows: FlowLog, config: ConfigItems | None) -> "Ecs":
        """ECS of the account, with the log groups it writes to among the stage's writers."""
        ids = stage.own_ids("ecs")
        events = LogGroups(stage.storage, stage.own_ids("ecs_event"), stage.ledger, "ecs_event", "example-ecs-events")
        logs = LogGroups(
            stage.storage, stage.own_ids("container_log"), stage.ledger, "container_log", "example-app-logs"
        )
        stage.more.extend((events, logs))
        path = "/aws-service-role/ecs.amazonaws.com/"
        return cls(stage, ids, flows, config, Role("AWSServiceRoleForECS", ids.unique("AROA", 10), path), events, logs)

    def run(self, who: Caller, tasks: list[Task], *, public: bool = False, overrides: Json | None = None) -> str:
        """A principal runs tasks of one definition; returns the event id of `RunTask`."""
        ask, answer = shapes.run_task(tasks, public=public, overrides=overrides)
        event = self.stage.trail.call(who, "ecs:RunTask", tasks[0].created, ask=ask, answer=answer)
        for task in tasks:
            self.live(task)
        return event

    def live(self, task: Task, *, code: str = "ServiceSchedulerInitiated") -> None:
        """A task from its first state change to its last; the scheduler of a service leaves no `RunTask`."""
        truth, role = self.stage.truth, task.definition.task_role
        truth.workload(task.arn, kind="ecs_task", name=task.task_id, role=role.arn if role else None)
        if task.interface:
            self._interface(task)
        self._keys(task)
        for status, moment, made in (
            ("PROVISIONING", task.created + 1, False),
            ("PENDING", task.created + 5, True),
            ("RUNNING", task.started + 2, True),
        ):
            self.change(task, status, moment, made=made)
        if task.stopped:
            self.change(task, "DEPROVISIONING", task.stopped - 6, made=True, code=code)
            self.change(task, "STOPPED", task.stopped + 2, made=True, code=code)
        if task.host:
            until = task.stopped - EXECUTION_ENDS if task.stopped else None
            ends: Json = {"since": task.started + 0.2, "until": until, "opened": True, "closed": bool(task.stopped)}
            truth.holds(task.arn, "instance", task.host.instance.arn, **ends)

    def change(self, task: Task, status: str, moment: int, *, made: bool, code: str = "") -> Json:
        """One state change, a second or so after it; returns the event, to be delivered again if need be."""
        versions = {"PROVISIONING": 1, "PENDING": 2, "RUNNING": 3, "DEPROVISIONING": 5, "STOPPED": 6}
        detail = shapes.state_change(task, status, versions[status], made=made, code=code)
        kind = "ECS Task State Change"
        event = shapes.event(self.ids, kind, detail, time_ms=moment * 1000, resource=task.arn)
        self.tell(event, moment)
        return event

    def tell(self, event: Json, moment: int, *, late: int = 0) -> None:
        """Deliver an event of EventBridge."""
        text = json.dumps(event, separators=(",", ":"))
        self.events.put(EVENTS, LogEvent(moment * 1000 + 400, text), late=late)

    def host(self, host: Host, moment: int, *, status: str = "ACTIVE", version: int = 1) -> None:
        """A state change of a container instance."""
        detail = shapes.host_change(host, status, version)
        kind = "ECS Container Instance State Change"
        self.tell(shapes.event(self.ids, kind, detail, time_ms=moment * 1000, resource=host.arn), moment)

    def say(self, task: Task, moment: float, text: str, *, container: int = 0) -> None:
        """A line of a container; its time is the container's clock's."""
        group, name = f"/ecs/{task.definition.family}", task.definition.containers[container].name
        milliseconds = int(moment * 1000) + self.skew_ms.get(task.task_id, 0)
        place = Place(group, f"{task.definition.family}/{name}/{task.task_id}")
        self.logs.put(place, LogEvent(milliseconds, text, (Ask("endpoint", "workload", task.arn),), moment))

    def code(self, task: Task, address: str, endpoint: str | None = None) -> Caller:
        """The task's own code, calling from an address."""
        if task.key is None:
            raise ValueError(f"{task.arn} has no role")
        agent = EC2_AGENT if task.host else FARGATE_AGENT
        return Caller(task.key.identity, address, agent, credential=task.key, endpoint=endpoint)

    def agent(self, task: Task, address: str) -> Caller:
        """What fetches the task's images and writes its logs, with the execution role."""
        return caller(task.agent_key, address, "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 amazon-ecs-agent")

    def stop(self, who: Caller, task: Task, reason: str) -> str:
        """A principal asks to stop a task half a minute before it is gone; returns the event id."""
        ask = {"cluster": task.cluster, "task": task.arn, "reason": reason}
        answer = {"task": {"taskArn": task.arn, "desiredStatus": "STOPPED", "lastStatus": "RUNNING"}}
        return self.stage.trail.call(who, "ecs:StopTask", (task.stopped or 0) - 31, ask=ask, answer=answer)

    def _keys(self, task: Task) -> None:
        stage, definition = self.stage, task.definition
        for key, role in ((task.agent_key, definition.execution_role), (task.key, definition.task_role)):
            if key and role:
                stage.issue("ecs-tasks.amazonaws.com", key, role, task.task_id)
                span: Json = {"since": key.created or 0, "until": key.expires}
                stage.truth.holds(task.arn, "access_key_id", key.access_key_id, **span)
                stage.truth.holds(task.arn, "session", str(key.session), **span, opened=True)

    def _interface(self, task: Task) -> None:
        card = task.interface
        if card is None:
            return
        ask, answer = shapes.interface_card(task, self.ids)
        extra = {"resources": [role_resource(self.linked_role)]}
        self.stage.trail.call(self._scheduler(), "ec2:CreateNetworkInterface", card.born, ask=ask, answer=answer)
        if card.died:
            gone = {"networkInterfaceId": card.interface_id}
            self.stage.trail.call(self._scheduler(), "ec2:DeleteNetworkInterface", card.died, ask=gone, extra=extra)
        ends: Json = {"since": card.born, "until": card.died, "opened": True, "closed": card.died is not None}
        self.stage.truth.holds(task.arn, "eni", card.interface_id, **ends)
        self.stage.truth.holds(task.arn, "private_ip", card.private_ip, **ends, network=card.vpc_id)
        if card.public_ip:
            span: Json = {"since": card.born, "until": card.died, "closed": card.died is not None}
            self.stage.truth.holds(task.arn, "public_ip", card.public_ip, **span)
        if self.config:
            description = f"arn:aws:ecs:us-east-1:{ACCOUNT}:attachment/{task.attachment_id}"
            self.config.interface(card, description, owner="999988887777")
        self.flows.interfaces.append(card)
        self.flows.tasks[card.interface_id] = TaskFields(
            task.started + ECS_LAG,
            ecs_arn("cluster", task.cluster),
            task.service or "-",
            task.definition.arn,
            task.arn,
            tuple(shapes.runtime_id(task, place) for place in range(len(task.definition.containers))),
        )

    def _scheduler(self) -> Caller:
        role, service = self.linked_role, "ecs.amazonaws.com"
        issuer = {"type": "Role", "principalId": role.unique_id, "arn": role.arn, "accountId": ACCOUNT}
        identity: Json = {
            "type": "AssumedRole",
            "principalId": f"{role.unique_id}:ecs-eni-provisioning",
            "arn": role.session_arn("ecs-eni-provisioning"),
            "accountId": ACCOUNT,
            "sessionContext": {"sessionIssuer": issuer | {"userName": role.name}, "attributes": {}},
            "invokedBy": service,
        }
        return Caller(identity, service, service)
