"""Scenario: a function is made to run a client's code, which reads a bucket from within and sends it away."""

from random import Random

from forensics.simulate import guardduty
from forensics.simulate.alb import Balancer, Request
from forensics.simulate.cloudtrail import s3_object
from forensics.simulate.decoys import barred, same_name_elsewhere, spoofed_session
from forensics.simulate.guardduty import Finding
from forensics.simulate.intruder import Intruder, conclude, found
from forensics.simulate.invocation import Invoker
from forensics.simulate.lambda_log import Environment, Run
from forensics.simulate.resolver import QueryLog
from forensics.simulate.responses import function_body
from forensics.simulate.s3_access import Access, AccessLogs
from forensics.simulate.shop import CI_AGENT, VPC, Shop
from forensics.simulate.shop_morning import CI_ADDRESSES, ordinary_morning
from forensics.simulate.shop_noise import Noise
from forensics.simulate.stage import Scenario, Stage
from forensics.simulate.truth import in_order
from forensics.simulate.vpc_flow import Talk
from forensics.simulate.world import Caller, Credential, Function, Interface, Json, at, caller

CLIENT = "203.0.113.77"
DROP = "203.0.113.99"
_WAVES = (("09:19:58", 12), ("09:24:10", 16), ("09:31:47", 14))
"""When the code ran, and how many objects it read then."""


def play(stage: Stage) -> None:
    """The shop's ordinary morning, the injection within it, then the day's noise window by window."""
    shop, invoker, runners = ordinary_morning(stage)
    intruder = Intruder(stage, Random(stage.ids.hex(16)))
    victim = shop.environment("orders-fn", 1)
    third = _third_function(stage, shop, runners[0])
    balancer = Balancer(stage.storage, stage.own_ids("alb"), stage.ledger, "shop", VPC, "10.0.0.9")
    queries = QueryLog(stage.storage, stage.own_ids("resolver"), stage.ledger, VPC)
    accesses = AccessLogs(stage.storage, stage.own_ids("s3_access"), stage.ledger, stage.trail.endpoints)
    stage.more.extend((balancer, queries, accesses))
    _probe(balancer)
    for clock, count in _WAVES:
        _wave(intruder, invoker, victim, (at(clock), count))
        _requested(balancer, at(clock))
        queries.ask(_interface(victim.function), "drop.example.net", at(clock) + 1, answer=DROP, malicious=True)
    _access_log(stage, accesses, victim)
    _detect(stage, victim.credential)
    spoofed_session(stage, shop.dev, shop.roles["dev-readonly"], victim.function.arn, when=at("09:28:10"))
    same_name_elsewhere(stage, victim.function.role.name, "orders-fn", victim.function.arn, when=at("09:26:00"))
    conclude(stage, playbook="edge-attack", parameters={"workload": victim.function.arn}, stolen={})
    stage.truth.credentials[victim.credential.access_key_id]["malicious"] = True
    noise = Noise(stage, shop, invoker, runners)
    for window in stage.windows():
        noise.add(window)
        _visitors(stage, balancer, window)
    stage.truth.attack_flows = in_order(stage.flows.facts)
    stage.truth.attack_records = in_order(balancer.facts, queries.facts)
    _shared(stage, (victim.function, shop.functions["billing-fn"], third))


def _third_function(stage: Stage, shop: Shop, runner: Credential) -> Function:
    """A third function is made in the subnet and group that two share: its traffic is the same interface's."""
    orders = shop.functions["orders-fn"]
    role = shop.roles["thumbs-exec"]
    audit = Function("audit-fn", role, orders.runtime, 256, 30, orders.interface, f"{stage.ids.text(40)}EXA=")
    when = at("06:20:10")
    body = function_body(audit, when, stage.ids)
    ask: Json = {"functionName": audit.name, "publish": False}
    ask |= {key: body[key] for key in ("role", "timeout", "memorySize", "vpcConfig")}
    stage.trail.call(
        caller(runner, CI_ADDRESSES[3], CI_AGENT), "lambda:CreateFunction20150331", when, ask=ask, answer=body
    )
    truth, card = stage.truth, _interface(audit)
    truth.workload(audit.arn, kind="lambda", name=audit.name, role=role.arn)
    truth.holds(audit.arn, "eni", card.interface_id, since=when, opened=True)
    truth.holds(audit.arn, "private_ip", card.private_ip, since=when, opened=True, network=card.vpc_id)
    return audit


def _interface(function: Function) -> Interface:
    if function.interface is None:
        raise ValueError(f"{function.name} is in no VPC")
    return function.interface


def _probe(balancer: Balancer) -> None:
    for place, page in enumerate(("/api/import?debug=1", "/api/import?template={{7*7}}", "/.env")):
        moment = at("09:12:05") + 40 * place
        balancer.request(
            Request(
                f"{CLIENT}:51500", "-", "GET", page, "python-requests/2.31", moment, 0.03, 502 if place == 1 else 404
            ),
            malicious=True,
        )


def _requested(balancer: Balancer, moment: int) -> None:
    balancer.request(
        Request(
            f"{CLIENT}:51544", "-", "POST", "/api/import", "python-requests/2.31", moment, 8.9, 200, 2_311, 812, "fn"
        ),
        malicious=True,
    )


def _wave(intruder: Intruder, invoker: Invoker, victim: Environment, times: tuple[int, int]) -> None:
    """One long invocation, and within it everything the code did: from the function's own usual place."""
    moment, count = times
    stage, who = intruder.stage, invoker.shop.caller_of(victim)
    lines = (("INFO", "import of 1 order requested"), ("WARNING", "template took 8.1 s"))
    run = Run(stage.logs.ids.uuid(), moment * 1000 + 214, 8_911.0 + count, 498, lines, "error")
    invoker.plan(victim, run, intruder.rng, suspicious=True)
    listing = s3_object("orders-data", "customers/", sent=9_114, listing=True)
    intruder.act(who, "s3:ListObjects", moment + 1, "collection", **listing)
    before = len(stage.truth.objects_read)
    for place in range(count):
        intruder.read(who, "orders-data", f"customers/2026/part-{before + place:04d}.parquet", moment + 2 + place // 3)
    context = {"aws:s3:arn": "arn:aws:s3:::orders-data"}
    stage.forwarded(who, "s3.amazonaws.com", moment + 2, context, malicious=True)
    sent = sum(fact["bytes"] for fact in stage.truth.objects_read[before:]) // 3
    fact = {"workloads": _sharers(invoker.shop), "certainty": "shared"}
    talk = Talk(DROP, 47_811, 443, sent, 2_966, moment + 2, moment + 8, fact, victim.function.arn)
    stage.flows.through_nat(_interface(victim.function), invoker.shop.nat, talk)
    stage.truth.bytes_out["flow"] += sent


def _sharers(shop: Shop) -> list[str]:
    orders = shop.functions["orders-fn"].arn
    return sorted(orders.replace("orders-fn", name) for name in ("orders-fn", "billing-fn", "audit-fn"))


def _access_log(stage: Stage, accesses: AccessLogs, victim: Environment) -> None:
    """The bucket's own log has what the function's key read, by session and by request id."""
    queued = {
        record["eventID"]: record
        for records in stage.trail.pending.values()
        for record in records
        if record["requestID"]
    }
    for fact in stage.truth.objects_read:
        record = queued[fact["event_id"]]
        who = Caller(
            victim.credential.identity, record["sourceIPAddress"], "Boto3/1.35.0", credential=victim.credential
        )
        moment = next(step["time"] for step in stage.truth.attack_events if step["event_id"] == fact["event_id"])
        size, request = fact["bytes"], record["requestID"]
        access = Access(fact["bucket"], fact["key"], "REST.GET.OBJECT", at(moment[11:19]), 200, size, size, request)
        accesses.access(who, access)


def _visitors(stage: Stage, balancer: Balancer, window: int) -> None:
    for _ in range(stage.many(6.0)):
        moment = window + stage.rng.randrange(300)
        client = f"203.0.113.{stage.rng.randrange(1, 60)}:{stage.rng.randrange(1025, 65000)}"
        balancer.request(Request(client, "-", "POST", "/api/orders", "ShopApp/4.2 iOS/17.5", moment, 0.2, group="fn"))


def _detect(stage: Stage, key: Credential) -> None:
    reading = Finding(
        "Exfiltration:S3/AnomalousBehavior",
        8.0,
        "An IAM entity invoked S3 GetObject in an unusual way.",
        "APIs commonly used in Exfiltration tactics were invoked under unusual circumstances.",
        guardduty.access_key_resource(key, "orders-exec", buckets=("orders-data",)),
        guardduty.api_call("s3", "GetObject", "198.51.100.10", "Boto3/1.35.0"),
    )
    found(stage, reading, at("09:20:00"), [(at("09:29:11"), 12), (at("09:44:12"), 42)], key=key)


def _shared(stage: Stage, functions: tuple[Function, ...]) -> None:
    """State that the flows are three functions' interface's, and nobody's alone."""
    flows = [fact["event_id"] for fact in stage.truth.attack_flows if fact["workloads"]]
    statement = "Traffic of an interface that three functions share: it is not one function's, nor its namesake's."
    bars = [barred(flow, "endpoint", function.arn, "inferred") for flow in flows for function in functions]
    stage.truth.decoy("interface_of_three_functions", statement, flows, bars)


SCENARIO = Scenario(
    name="lambda-code-injection",
    title="Code injected into a Lambda function reads a bucket",
    question="What did code injected into orders-fn read and send away, in which invocations?",
    run=play,
)
