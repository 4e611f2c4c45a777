"""The platform's ECS on EC2: instances with addresses that move, tasks in bridge mode on them, and the agent's audit log."""

from dataclasses import dataclass, field, replace
from random import Random

from forensics.simulate.containers import Container, Definition, Host, Task, make_task
from forensics.simulate.decoys import barred
from forensics.simulate.ecs import Ecs
from forensics.simulate.ecs_shapes import register
from forensics.simulate.flow_fields import V3
from forensics.simulate.ledger import Ask
from forensics.simulate.log_groups import LogEvent, LogGroups, Place
from forensics.simulate.network import Elastic, Subnet, change_instance, launch, make_instance
from forensics.simulate.platform import S3_ADDRESS, VPC, Platform
from forensics.simulate.vpc_flow import FlowLog, Talk
from forensics.simulate.world import WINDOW_SECONDS, Caller, Credential, Json, at, caller, instance_session, iso

CLUSTER = "batch"
AGENT = "amazon-ecs-agent/1.89.0 aws-sdk-go/1.51.3 (go1.22.4; linux; amd64)"
ADDRESSES = ("198.51.100.141", "198.51.100.142")
MOVED = at("09:02:30")
"""When the second address goes from its host to the one that takes its place."""
_HOSTS = (("batch-a", "06:06:02", None), ("batch-b", "06:06:05", "09:20:30"), ("batch-c", "08:40:10", None))
_JOBS = ("06:30", "07:15", "08:00", "08:45", "09:30", "10:15", "11:00")
_JOB_SECONDS = 1_500


@dataclass
class Hosts:
    """The container instances with their keys and addresses, and the tasks on them."""

    platform: Platform
    ecs: Ecs
    flows: FlowLog
    audit: LogGroups
    hosts: list[Host] = field(default_factory=list)
    keys: dict[str, Credential] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)

    def address(self, host: Host) -> str:
        """The public address of a host, while it is connected."""
        return ADDRESSES[0] if host is self.hosts[0] else ADDRESSES[1]

    def connected(self, host: Host, moment: float) -> bool:
        """Whether the host has a public address then: the two that share one have it one after the other."""
        if host is self.hosts[1]:
            return moment < MOVED - 5
        return host is not self.hosts[2] or moment > MOVED + 25

    def code(self, task: Task) -> Caller:
        """The code of a task, from its host's address."""
        return self.ecs.code(task, self.address(host_of(task)))

    def agent(self, host: Host) -> Caller:
        """ECS's agent on a host, with the instance's role."""
        return caller(self.keys[host.number], self.address(host), AGENT)

    def fetched(self, task: Task, moment: int, agent: str, *, by: str = "172.17.0.3", fact: Json | None = None) -> None:
        """Somebody on the host asks for the credentials of a task, as the agent's audit log has it."""
        host = host_of(task)
        port = 40_000 + moment % 20_000
        head = f'{iso(moment)} 200 {by}:{port} "/v2/credentials" "{agent}"'
        line = f"{head} {task.arn} GetCredentials 2 {CLUSTER} {host.arn}"
        place = Place("/var/log/ecs/audit.log", host.instance.instance_id)
        self.audit.put(place, LogEvent(moment * 1000 + 311, line, (Ask("endpoint", "workload", task.arn),), fact=fact))

    def talk(self, host: Host, talk: Talk) -> None:
        """Traffic of a host or any container on it: the records cannot tell."""
        self.flows.connect(host.instance.interface, talk)

    def noise(self, window: int) -> None:
        """Everybody's ordinary work in five minutes."""
        rng = self.platform.stage.rng
        for host in self.hosts:
            if self._up(host, window):
                self._agent_works(host, window, rng)
        for task in self.tasks:
            ended = task.stopped is not None and task.stopped - 60 < window + WINDOW_SECONDS
            if task.key and task.started + 30 < window and not ended:
                self._task_works(task, window, rng)

    def _up(self, host: Host, window: int) -> bool:
        ended = self.ended.get(host.number, at("12:00"))
        return host.instance.launched + 200 < window and window + WINDOW_SECONDS < ended

    def _agent_works(self, host: Host, window: int, rng: Random) -> None:
        stage = self.platform.stage
        for _ in range(stage.many(1.5)):
            moment = window + rng.randrange(WINDOW_SECONDS)
            if self.connected(host, moment):
                who, ask = self.agent(host), {"containerInstance": host.arn, "cluster": CLUSTER}
                action = rng.choice(("ecs:DiscoverPollEndpoint", "ecr:GetAuthorizationToken"))
                stage.trail.call(who, action, moment, ask=ask)
        for minute in range(window, window + WINDOW_SECONDS, 60):
            for _ in range(stage.many(2.0)):
                start = minute + rng.randrange(50)
                peer = f"192.0.2.{rng.randrange(40, 60)}"
                self.talk(host, Talk(peer, rng.randrange(32768, 60999), 443, 1_900, 4_100, start, start + 4))

    def _task_works(self, task: Task, window: int, rng: Random) -> None:
        platform, host = self.platform, host_of(task)
        for _ in range(platform.stage.many(2.5)):
            moment = window + rng.randrange(WINDOW_SECONDS)
            if not self.connected(host, moment):
                continue
            size = rng.randrange(2_000, 300_000)
            key = f"batch/{rng.randrange(1_000, 9_999)}.csv"
            platform.read(self.code(task), "orders-data", key, moment, sent=size)
            self.talk(host, Talk(S3_ADDRESS, rng.randrange(32768, 60999), 443, 1_200, size, moment, moment + 2))
            if rng.random() < 0.3:
                platform.queries.ask(host.instance.interface, "s3.us-east-1.amazonaws.com", moment, answer=S3_ADDRESS)
            self.ecs.say(task, moment + 0.3, f"row {rng.randrange(100_000)} done")


def host_of(task: Task) -> Host:
    """The container instance of a task."""
    if task.host is None:
        raise ValueError(f"{task.arn} is on Fargate")
    return task.host


def hosts_morning(platform: Platform, ecs: Ecs) -> Hosts:
    """Instances come up and one is replaced, its address with it; a daemon runs on each, jobs now and then."""
    stage = platform.stage
    flows = FlowLog(stage.storage, stage.own_ids("host_flow"), stage.ledger, V3, "fl-0ccccccccccccccc3")
    audit = LogGroups(stage.storage, stage.own_ids("ecs_agent_log"), stage.ledger, "ecs_agent_log", "example-host-logs")
    stage.more.extend((flows, audit))
    world = Hosts(platform, ecs, flows, audit)
    subnet = Subnet("subnet-0ccccccccccccccc3", VPC, "10.20.3", "sg-0ccccccccccccccc3")
    for name, clock, ended in _HOSTS:
        _start(world, subnet, name, (at(clock), at(ended) if ended else None))
    _addresses(world)
    metrics = definition(platform, "metrics", "metrics-task-role")
    etl = definition(platform, "etl", "etl-task-role")
    for each in (metrics, etl):
        ask, answer = register(each)
        stage.trail.call(platform.deploy, "ecs:RegisterTaskDefinition", at("06:02:30"), ask=ask, answer=answer)
    for host in world.hosts:
        created, ended_at = host.instance.launched + 120, world.ended.get(host.number)
        stopped = ended_at - 90 if ended_at else None
        task = make_task(ecs.ids, metrics, CLUSTER, created, stopped=stopped, host=host, service="metrics")
        run(world, task)
    for place, clock in enumerate(_JOBS):
        host = world.hosts[0] if place % 2 == 0 else world.hosts[1 if at(clock) < at("08:40") else 2]
        when = at(clock) + platform.rng.randrange(40)
        stopped = when + 27 + _JOB_SECONDS
        task = make_task(ecs.ids, etl, CLUSTER, when, stopped=stopped, host=host, started_by="nightly-jobs")
        run(world, task, who=platform.ops)
    return world


def definition(platform: Platform, family: str, role: str, *, mode: str = "bridge") -> Definition:
    """A task definition for instances."""
    execution = platform.role("ecs-execution")
    return Definition(family, 3, (Container.make(platform.ids, family),), platform.role(role), execution, mode)


def run(world: Hosts, task: Task, who: Caller | None = None) -> str | None:
    """A task's life on its host, with its first fetch of credentials; the event id of `RunTask`, if somebody ran it."""
    event = None
    if who:
        event = world.ecs.run(who, [task])
    else:
        world.ecs.live(task)
    world.fetched(task, task.started + 3, "Boto3/1.35.0 md/Botocore#1.35.0")
    world.tasks.append(task)
    return event


def _start(world: Hosts, subnet: Subnet, name: str, times: tuple[int, int | None]) -> None:
    platform, (launched, ended) = world.platform, times
    stage, ids = platform.stage, platform.ids
    role = platform.role("ecsInstanceRole")
    made = make_instance(ids, subnet, name, role=role, launched=launched)
    instance = replace(made, interface=replace(made.interface, died=ended))
    host = Host(instance, ids.hex(32), CLUSTER)
    launch(stage, platform.ops, instance, profile="ecsInstanceRole", ended=ended)
    named = instance_session(instance, ids.unique("ASIA"), created=launched + 40)
    identity = {part: value for part, value in named.identity.items() if part != "inScopeOf"}
    key = replace(named, identity=identity)
    stage.issue("ec2.amazonaws.com", key, role, instance.instance_id)
    span: Json = {"since": launched + 40, "until": key.expires}
    stage.truth.holds(instance.arn, "access_key_id", key.access_key_id, **span)
    stage.truth.holds(instance.arn, "session", str(key.session), **span, opened=True)
    world.hosts.append(host)
    world.keys[host.number] = key
    world.flows.interfaces.append(instance.interface)
    world.ecs.host(host, launched + 95)
    if ended:
        world.ended[host.number] = ended
        change_instance(stage, platform.ops, instance, "TerminateInstances", when=ended)


def _addresses(world: Hosts) -> None:
    """The first host keeps its address; the second's goes to the third before the second is gone."""
    stage, ops, (first, second, third) = world.platform.stage, world.platform.ops, world.hosts
    kept = Elastic.allocate(stage, ops, ADDRESSES[0], at("06:05:10"))
    kept.hold(ops, first.instance, first.instance.launched + 30, None)
    moved = Elastic.allocate(stage, ops, ADDRESSES[1], at("06:05:20"))
    given, taken = moved.hold(ops, second.instance, second.instance.launched + 30, MOVED)
    anew, _ = moved.hold(ops, third.instance, MOVED + 20, None)
    calls = stage.trail.call
    before = calls(world.agent(second), "ecs:DiscoverPollEndpoint", MOVED - 200, ask={"cluster": CLUSTER})
    after = calls(world.agent(third), "ecs:DiscoverPollEndpoint", MOVED + 200, ask={"cluster": CLUSTER})
    statement = f"{ADDRESSES[1]} was {second.instance.name}'s until it was taken away, then {third.instance.name}'s."
    must_not = [
        barred(before, "used_from", third.instance.arn),
        barred(after, "used_from", second.instance.arn),
    ]
    stage.truth.decoy("address_moved", statement, [given, str(taken), anew, before, after], must_not)
