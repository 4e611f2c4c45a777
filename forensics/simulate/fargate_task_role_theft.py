"""Scenario: a web task is made to fetch its own credentials (SSRF), which are then used from elsewhere."""

from random import Random

from forensics.simulate import guardduty
from forensics.simulate.alb import Request
from forensics.simulate.cloudtrail import access_denied, s3_object
from forensics.simulate.containers import Task
from forensics.simulate.decoys import late_and_twice, recreated_role, same_name_elsewhere, spoofed_session
from forensics.simulate.guardduty import Finding
from forensics.simulate.intruder import AGENT, Intruder, conclude, found, stolen_key
from forensics.simulate.platform import Platform, open_platform
from forensics.simulate.platform_fargate import Fargate, fargate_morning
from forensics.simulate.stage import Scenario, Stage
from forensics.simulate.truth import in_order
from forensics.simulate.vpc_flow import Talk
from forensics.simulate.world import ACCOUNT, Caller, at, caller

HOST = "203.0.113.77"
RELAY = "203.0.113.80"
_READS = 30
_FETCH = "/fetch?url=http%3A%2F%2F169.254.170.2%2Fv2%2Fcredentials%2F{}"


def play(stage: Stage) -> None:
    """The platform's morning with the theft in it, then everybody's work, window by window."""
    platform = open_platform(stage)
    world = fargate_morning(platform)
    intruder = Intruder(stage, Random(stage.ids.hex(16)))
    victim = world.web[1]
    _exploit(world, victim)
    thief = _use_key(platform, intruder, victim)
    _shell(world, intruder, victim)
    _detect(stage, victim, thief)
    _decoys(world, victim)
    key = victim.key
    if key is None:
        raise ValueError("the victim has a role")
    stolen = stolen_key(stage, key, first_foreign_use=at("09:14:20"), addresses=[HOST, RELAY])
    conclude(stage, playbook="ecs-task-compromise", parameters={"workload": victim.arn}, stolen=stolen)
    for window in stage.windows():
        world.noise(window)
    stage.truth.attack_flows = in_order(platform.flows.facts)
    stage.truth.attack_records = in_order(platform.balancer.facts, platform.queries.facts, platform.accesses.facts)


def _exploit(world: Fargate, victim: Task) -> None:
    """Probes, then the request whose answer is the task's key: its size is all that tells."""
    platform, card = world.platform, world.card(victim)
    for clock, page, status, sent in (
        ("09:05:02", "/fetch?url=http%3A%2F%2Fexample.com%2F", 200, 1_256),
        ("09:07:41", "/fetch?url=http%3A%2F%2F169.254.169.254%2Flatest%2Fmeta-data%2F", 502, 157),
        ("09:11:58", _FETCH.format("0a1b2c3d-0000-4000-8000-000000000001"), 200, 1_402),
    ):
        request = Request(f"{HOST}:40110", "-", "GET", page, "curl/8.5.0", at(clock), 0.212, status, 310, sent)
        platform.visit(card, request, malicious=True)
        world.ecs.say(victim, at(clock) + 0.2, f"GET {page.split('?')[0]} {status} 212 ms from {HOST}")


def _use_key(platform: Platform, intruder: Intruder, victim: Task) -> Caller:
    if victim.key is None:
        raise ValueError("the victim has a role")
    who, relay = caller(victim.key, HOST, AGENT), caller(victim.key, RELAY, AGENT)
    act = intruder.act
    act(who, "sts:GetCallerIdentity", at("09:14:20"), "discovery")
    act(who, "s3:ListBuckets", at("09:14:31"), "discovery", ask={"Host": "s3.amazonaws.com"})
    for place, (action, resource) in enumerate(
        (
            ("iam:ListRoles", f"arn:aws:iam::{ACCOUNT}:role/"),
            ("ecs:ListClusters", "*"),
            ("ecr:DescribeRepositories", "*"),
            ("secretsmanager:ListSecrets", "*"),
        )
    ):
        denied = access_denied(who, action, resource, code="AccessDeniedException")
        act(who, action, at("09:15:02") + 8 * place, "discovery", failed=denied)
    listing = s3_object("orders-data", "customers/", sent=8_211, listing=True)
    act(who, "s3:ListObjects", at("09:16:40"), "collection", **listing)
    for place in range(_READS):
        moment, key = at("09:18:05") + 11 * place, f"customers/2026/part-{place:04d}.parquet"
        taker = relay if place % 3 == 2 else who
        size = intruder.rng.randrange(400_000, 2_600_000)
        event = platform.read(taker, "orders-data", key, moment, sent=size, malicious=True)
        intruder.state(taker, "s3:GetObject", moment, "collection", event=event)
        platform.stage.truth.objects_read.append(
            {"bucket": "orders-data", "key": key, "bytes": size, "event_id": event}
        )
        platform.stage.truth.bytes_out["s3"] += size
    return who


def _shell(world: Fargate, intruder: Intruder, victim: Task) -> None:
    """A reverse shell of the task: its flows name the task where traffic is from it."""
    card = world.card(victim)
    fact = {"workloads": [victim.arn], "certainty": "recorded"}
    for minute in range(at("09:30"), at("09:42"), 60):
        sent = intruder.rng.randrange(2_000, 90_000)
        talk = Talk(HOST, 43_122, 4_444, sent, 900, minute + 4, minute + 57, fact)
        world.platform.flows.through_nat(card, world.platform.nat.interface, talk)
        intruder.stage.truth.bytes_out["flow"] += sent


def _detect(stage: Stage, victim: Task, thief: Caller) -> None:
    if thief.credential is None or victim.definition.task_role is None:
        raise ValueError("the thief uses the task's key")
    theft = Finding(
        "UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS",
        8.0,
        "Credentials for an ECS task were used from an external IP address.",
        f"Credentials created exclusively for an ECS task were used from {HOST}.",
        guardduty.access_key_resource(thief.credential, victim.definition.task_role.name),
        guardduty.api_call("s3", "ListBuckets", HOST, AGENT),
    )
    found(stage, theft, at("09:14:31"), [(at("09:20:10"), 3), (at("09:35:10"), 33)], key=thief.credential)


def _decoys(world: Fargate, victim: Task) -> None:
    platform, stage = world.platform, world.platform.stage
    other = world.web[0]
    role = victim.definition.task_role
    if role is None:
        raise ValueError("the victim has a role")
    spoofed_session(stage, platform.ops, role, other.arn, when=at("09:25:11"))
    same_name_elsewhere(stage, role.name, victim.task_id, victim.arn, when=at("09:21:00"))
    old = platform.role("ops-helper")
    used, _ = stage.assume(platform.ops, old, "deploy", at("07:02:00"))
    stage.trail.call(caller(used, platform.ops.address, platform.ops.agent), "s3:ListBuckets", at("07:02:30"))
    recreated_role(stage, platform.ops, old, when=at("08:15:00"))
    call = stage.trail.call(platform.ops, "ecs:DescribeTasks", at("09:44:00"), ask={"cluster": "prod"})
    late = world.web[3]
    event = world.ecs.change(late, "RUNNING", late.started + 2, made=True)
    late_and_twice(stage, world.ecs, event, late.started + 2, call=call)


SCENARIO = Scenario(
    name="fargate-task-role-theft",
    title="Stolen credentials of a Fargate task",
    question="Which task's credentials were used from outside, for what, and how were they taken?",
    run=play,
)
