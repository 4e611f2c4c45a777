"""Scenario: a privileged task is run on a container instance, breaks out, and takes the keys of host and neighbours."""

from random import Random

from forensics.simulate import guardduty
from forensics.simulate.cloudtrail import Denied, access_denied
from forensics.simulate.containers import Container, Definition, Task, make_task
from forensics.simulate.decoys import barred, late_and_twice, same_name_elsewhere, spoofed_session
from forensics.simulate.ecs import Ecs
from forensics.simulate.ecs_shapes import register
from forensics.simulate.guardduty import Finding
from forensics.simulate.intruder import AGENT, Intruder, conclude, found, stolen_key
from forensics.simulate.platform import open_platform
from forensics.simulate.platform_hosts import CLUSTER, Hosts, host_of, hosts_morning, run
from forensics.simulate.stage import Scenario, Stage
from forensics.simulate.truth import in_order
from forensics.simulate.vpc_flow import Talk
from forensics.simulate.world import REGION, Caller, Credential, Json, User, at, caller, user_credential

HOST = "203.0.113.77"
_READS = 18


def play(stage: Stage) -> None:
    """The platform's morning with the escape in it, then everybody's work, window by window."""
    platform = open_platform(stage)
    ecs = Ecs.open(stage, platform.flows, platform.config)
    world = hosts_morning(platform, ecs)
    intruder = Intruder(stage, Random(stage.ids.hex(16)))
    leaked = user_credential(User("contractor", stage.ids.unique("AIDA", 10)), stage.ids.unique("AKIA"))
    stage.truth.credential(leaked, malicious=True)
    who = caller(leaked, HOST, AGENT)
    escaped = _run(world, intruder, who)
    neighbour = next(task for task in world.tasks if task.definition.family == "etl" and task.created > at("09:29"))
    _on_host(world, intruder, escaped, neighbour)
    _outside(world, intruder, neighbour)
    _clean_up(world, intruder, who, escaped)
    _detect(world, escaped, neighbour)
    _decoys(world, escaped, neighbour)
    stolen = stolen_key(stage, _key(neighbour), first_foreign_use=at("09:49:10"), addresses=[HOST])
    conclude(stage, playbook="container-escape", parameters={"workload": neighbour.arn}, stolen=stolen)
    for window in stage.windows():
        world.noise(window)
    stage.truth.attack_flows = sorted(world.flows.facts, key=lambda fact: str(fact["event_id"]))
    stage.truth.attack_records = in_order(stage.truth.attack_records, world.platform.accesses.facts)


def _run(world: Hosts, intruder: Intruder, who: Caller) -> Task:
    """A definition that mounts the host's root, and one task of it."""
    platform, act = world.platform, intruder.act
    for place, action in enumerate(("sts:GetCallerIdentity", "ecs:ListClusters", "ecs:ListContainerInstances")):
        act(who, action, at("09:31:02") + 11 * place, "discovery")
    image = Container.make(platform.ids, "d", "public.ecr.aws/docker/library/alpine:3")
    diag = Definition("diag", 1, (image,), None, platform.role("ecs-execution"), "host")
    root = [{"name": "root", "host": {"sourcePath": "/"}}]
    ask, answer = register(diag, pidMode="host", volumes=root)
    mounts = [{"sourceVolume": "root", "containerPath": "/host"}]
    ask["containerDefinitions"][0] |= {"privileged": True, "mountPoints": mounts, "command": ["sleep", "3600"]}
    act(who, "ecs:RegisterTaskDefinition", at("09:35:00"), "execution", ask=ask, answer=answer)
    task = make_task(world.ecs.ids, diag, CLUSTER, at("09:36:10"), stopped=at("10:41:20"), host=world.hosts[0])
    event = str(run(world, task, who))
    intruder.state(who, "ecs:RunTask", task.created, "execution", event=event)
    return task


def _on_host(world: Hosts, intruder: Intruder, escaped: Task, neighbour: Task) -> None:
    """From the host: the neighbour's credentials from the agent, the instance's own role from its metadata service."""
    host, act = host_of(escaped), intruder.act
    fact: Json = {"event_id": "", "source": "ecs_agent_log"}
    world.fetched(neighbour, at("09:41:30"), "curl/8.5.0", by="172.17.0.1", fact=fact)
    intruder.stage.truth.attack_records.append(fact)
    inside = caller(world.keys[host.number], world.address(host), "aws-cli/2.17.0 md/Botocore#1.34")
    act(inside, "sts:GetCallerIdentity", at("09:42:10"), "privilege-escalation")
    refused = Denied("Client.UnauthorizedOperation", "You are not authorized to perform this operation.")
    act(inside, "ec2:DescribeInstances", at("09:42:40"), "discovery", failed=refused)
    denied = access_denied(inside, "iam:ListRoles")
    act(inside, "iam:ListRoles", at("09:43:05"), "discovery", failed=denied)
    act(inside, "ecs:ListTasks", at("09:43:30"), "discovery", ask={"cluster": CLUSTER})
    fact = {"workloads": [host.instance.arn], "certainty": "recorded"}
    for minute in range(at("09:44"), at("10:12"), 60):
        sent = intruder.rng.randrange(3_000, 240_000)
        world.talk(host, Talk(HOST, 46_210, 4_444, sent, 1_100, minute + 2, minute + 56, fact))
        intruder.stage.truth.bytes_out["flow"] += sent


def _outside(world: Hosts, intruder: Intruder, neighbour: Task) -> None:
    """The neighbour's key, from elsewhere."""
    thief, platform = caller(_key(neighbour), HOST, AGENT), world.platform
    intruder.act(thief, "sts:GetCallerIdentity", at("09:49:10"), "discovery")
    intruder.act(thief, "s3:ListBuckets", at("09:49:24"), "discovery", ask={"Host": "s3.amazonaws.com"})
    for place in range(_READS):
        moment, key = at("09:50:05") + 13 * place, f"ledger/2026/batch-{place:03d}.csv.gz"
        size = intruder.rng.randrange(200_000, 1_400_000)
        event = platform.read(thief, "orders-data", key, moment, sent=size, malicious=True)
        intruder.state(thief, "s3:GetObject", moment, "collection", event=event)
        fact = {"bucket": "orders-data", "key": key, "bytes": size, "event_id": event}
        intruder.stage.truth.objects_read.append(fact)
        intruder.stage.truth.bytes_out["s3"] += size


def _clean_up(world: Hosts, intruder: Intruder, who: Caller, escaped: Task) -> None:
    event = world.ecs.stop(who, escaped, "done")
    intruder.state(who, "ecs:StopTask", (escaped.stopped or 0) - 31, "defense-evasion", event=event)
    ask = {"taskDefinition": escaped.definition.arn}
    intruder.act(who, "ecs:DeregisterTaskDefinition", at("10:42:10"), "defense-evasion", ask=ask)


def _detect(world: Hosts, escaped: Task, neighbour: Task) -> None:
    stage, host = world.platform.stage, host_of(escaped)
    resource = guardduty.instance_resource(host.instance)
    cluster = {
        "name": CLUSTER,
        "arn": f"arn:aws:ecs:{REGION}:111122223333:cluster/{CLUSTER}",
        "taskDetails": {"arn": escaped.arn, "definitionArn": escaped.definition.arn, "version": "3"},
    }
    resource["instanceDetails"]["networkInterfaces"][0]["publicIp"] = world.address(host)
    escape = Finding(
        "PrivilegeEscalation:Runtime/ContainerMountsHostDirectory",
        5.0,
        "A container mounted a directory of its host.",
        "A container has mounted a directory from the host it runs on.",
        resource | {"resourceType": "ECSCluster", "ecsClusterDetails": cluster},
        {},
    )
    found(stage, escape, at("09:37:02"), [(at("09:44:10"), 1)])
    key = _key(neighbour)
    theft = Finding(
        "UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS",
        8.0,
        "Credentials for an ECS task were used from an external IP address.",
        f"Credentials created exclusively for an ECS task were used from {HOST}.",
        guardduty.access_key_resource(key, "etl-task-role"),
        guardduty.api_call("s3", "ListBuckets", HOST, AGENT),
    )
    found(stage, theft, at("09:49:24"), [(at("09:56:00"), 2), (at("10:11:00"), 20)], key=key)


def _decoys(world: Hosts, escaped: Task, neighbour: Task) -> None:
    platform, stage = world.platform, world.platform.stage
    role = neighbour.definition.task_role
    if role is None:
        raise ValueError("the neighbour has a role")
    instance = world.hosts[2].instance
    spoofed_session(stage, platform.ops, platform.role("ecsInstanceRole"), instance.arn, when=at("09:26:10"))
    spoofed_session(stage, platform.ops, role, world.tasks[0].arn, when=at("10:05:40"))
    same_name_elsewhere(stage, role.name, neighbour.task_id, neighbour.arn, when=at("10:01:00"))
    event = world.ecs.change(world.tasks[2], "RUNNING", world.tasks[2].started + 2, made=True)
    late_and_twice(stage, world.ecs, event, world.tasks[2].started + 2)
    calls = [
        fact["event_id"] for fact in stage.truth.attack_events if fact["source_ip"] == world.address(world.hosts[0])
    ]
    statement = "Calls with the instance's own key from its own address, made by a container that broke out."
    must_not = [barred(call, "issued_to", escaped.arn) for call in calls]
    stage.truth.decoy("container_with_the_key_of_its_host", statement, calls, must_not)


def _key(task: Task) -> Credential:
    if task.key is None:
        raise ValueError(f"{task.arn} has no role")
    return task.key


SCENARIO = Scenario(
    name="ecs-container-escape",
    title="A container that broke out onto its host",
    question="Which task broke out of its container, whose credentials were taken there, and what came of it?",
    run=play,
)
