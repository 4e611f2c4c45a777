"""Scenario: a function that a schedule runs makes itself new keys of a user as often as somebody deletes them."""

from dataclasses import dataclass, replace
from random import Random

from forensics.simulate import guardduty
from forensics.simulate.cloudtrail import access_denied
from forensics.simulate.guardduty import Finding
from forensics.simulate.intruder import AGENT, Intruder, conclude, found
from forensics.simulate.intruder_iam import ADMINISTRATOR, give_key, key_made, user_made
from forensics.simulate.lambda_log import Environment, Run
from forensics.simulate.responses import function_body
from forensics.simulate.shop import AWS_LAMBDA_ADDRESSES, CI_AGENT, FUNCTION_AGENT, WORKER_AGENT, Shop
from forensics.simulate.shop_morning import CI_ADDRESSES, ordinary_morning
from forensics.simulate.shop_noise import Noise
from forensics.simulate.stage import Scenario, Stage
from forensics.simulate.world import (
    ACCOUNT,
    PARTNER_ACCOUNT,
    REGION,
    Caller,
    Credential,
    Function,
    Ids,
    Json,
    Role,
    User,
    at,
    caller,
    function_session,
    iso_ms,
)

FIRST_HOST = "203.0.113.77"
SECOND_HOST = "203.0.113.80"
NAME = "metrics-sync"
RULE = "nightly-metrics"
EVERY = 1800
"""Seconds between two runs of the planted function."""

_LAMBDA = "lambda.amazonaws.com"
_FIRST_RUN, _RUNS = at("08:21:04"), 7
_MAKES = (0, 4)
"""Runs that make a key: the first, and the one after both earlier keys were deleted."""


@dataclass(frozen=True)
class Planted:
    """The function that the intruder left behind, its environment and the user that it looks after."""

    function: Function
    environment: Environment
    user: User
    ids: Ids

    @property
    def code(self) -> Caller:
        """The function's code: it is in no VPC, so AWS's own addresses call."""
        return caller(self.environment.credential, AWS_LAMBDA_ADDRESSES[0], FUNCTION_AGENT)


def play(stage: Stage) -> None:
    """The ordinary morning with a schedule of its own, the planting, what it does, then the day's noise."""
    shop, invoker, runners = ordinary_morning(stage)
    intruder = Intruder(stage, Random(stage.ids.hex(16)))
    _ordinary_schedule(stage, shop, caller(runners[0], CI_ADDRESSES[12], CI_AGENT))
    planted = _make(stage)
    first = _caller(shop)
    _plant(intruder, first, planted)
    _more_ways_back(intruder, first)
    _start(stage, planted)
    keys = [_run(intruder, planted, number) for number in range(_RUNS)]
    made = [key for key in keys if key]
    _use(intruder, made)
    _delete(stage, shop, planted, made[0])
    _detect(stage, first, planted)
    _decoys(stage, planted)
    parameters = {"workload": planted.function.arn}
    conclude(stage, playbook="iam-persistence", parameters=parameters, stolen={})
    noise = Noise(stage, shop, invoker, runners)
    for window in stage.windows():
        noise.add(window)


def _caller(shop: Shop) -> Caller:
    if shop.dev.credential is None:
        raise ValueError("dev has a key")
    return caller(shop.dev.credential, FIRST_HOST, AGENT)


def _make(stage: Stage) -> Planted:
    ids = stage.own_ids("planted")
    role = Role("metrics-exec", ids.unique("AROA", 10), "/service-role/")
    function = Function(NAME, role, "python:3.12", 128, 30, None, f"{ids.text(40)}EXA=")
    key = function_session(function, ids.unique("ASIA"), created=_FIRST_RUN - 1)
    stream = f"2026/11/05/[$LATEST]{ids.hex(32)}"
    environment = Environment(function, stream, key, _FIRST_RUN - 1, at("11:58"))
    return Planted(function, environment, User("support2", ids.unique("AIDA", 10)), ids)


def _rule(name: str, clock: str, **body: str) -> tuple[int, Json]:
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
    return at(clock), {"ask": {"name": name, "state": "ENABLED"} | body, "answer": {"ruleArn": arn}}


def _targets(rule: str, function_arn: str) -> Json:
    ask = {"rule": rule, "targets": [{"id": "1", "arn": function_arn}]}
    return {"ask": ask, "answer": {"failedEntryCount": 0, "failedEntries": []}}


def _permission(rule: str, function: str, sid: str) -> Json:
    source = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"
    ask = {"functionName": function, "statementId": sid, "action": "lambda:InvokeFunction"}
    ask |= {"principal": "events.amazonaws.com", "sourceArn": source}
    return {"ask": ask, "answer": {"statement": f'{{"Sid":"{sid}","Effect":"Allow"}}'}}


def _ordinary_schedule(stage: Stage, shop: Shop, runner: Caller) -> None:
    """The build gives mailer-fn its schedule."""
    function, call = shop.functions["mailer-fn"], stage.trail.call
    when, body = _rule("hourly-mail", "06:31:10", scheduleExpression="rate(1 hour)")
    events = [
        call(runner, "events:PutRule", when, **body),
        call(runner, "events:PutTargets", when + 3, **_targets("hourly-mail", function.arn)),
        call(runner, "lambda:AddPermission20150331v2", when + 6, **_permission("hourly-mail", function.name, "mail")),
    ]
    text = "a schedule of the build's own: the same calls, from the build's session and addresses."
    stage.truth.decoy("ordinary-schedule", text, events, [])


def _plant(intruder: Intruder, who: Caller, planted: Planted) -> None:
    act, function = intruder.act, planted.function
    act(who, "sts:GetCallerIdentity", at("08:10:31"), "discovery")
    act(who, "lambda:ListFunctions20150331", at("08:10:55"), "discovery")
    act(who, "events:ListRules", at("08:11:20"), "discovery", ask={})
    act(who, "iam:ListRoles", at("08:11:42"), "discovery")
    body = function_body(function, at("08:14:20"), planted.ids)
    ask = {"functionName": function.name, "runtime": "python3.12", "role": function.role.arn, "publish": False}
    act(who, "lambda:CreateFunction20150331", at("08:14:20"), "persistence", ask=ask, answer=body)
    when, rule = _rule(RULE, "08:15:02", scheduleExpression="rate(30 minutes)")
    act(who, "events:PutRule", when, "persistence", **rule)
    act(who, "events:PutTargets", when + 11, "persistence", **_targets(RULE, function.arn))
    allowed = _permission(RULE, function.name, "s")
    act(who, "lambda:AddPermission20150331v2", when + 17, "persistence", **allowed)
    truth = intruder.stage.truth
    truth.workload(function.arn, kind="lambda", name=function.name, role=function.role.arn)


def _more_ways_back(intruder: Intruder, who: Caller) -> None:
    act = intruder.act
    pattern = '{"source":["aws.iam"],"detail":{"eventName":["DeleteAccessKey","DeleteUser"]}}'
    when, rule = _rule("user-watch", "08:16:30", eventPattern=pattern)
    act(who, "events:PutRule", when, "persistence", **rule)
    bus: Json = {
        "eventBusName": "default",
        "statementId": "s",
        "action": "events:PutEvents",
        "principal": PARTNER_ACCOUNT,
    }
    act(who, "events:PutPermission", when + 20, "persistence", ask=bus)
    url = {"functionName": NAME, "authType": "NONE"}
    address = {"functionUrl": "https://exampleexampleexample.lambda-url.us-east-1.on.aws/", "authType": "NONE"}
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
    answer = address | {"functionArn": arn}
    act(who, "lambda:CreateFunctionUrlConfig", when + 48, "persistence", ask=url, answer=answer)
    ask = {"name": "sync", "scheduleExpression": "rate(6 hours)", "flexibleTimeWindow": {"mode": "OFF"}}
    denied = access_denied(who, "scheduler:CreateSchedule", code="AccessDeniedException")
    act(who, "scheduler:CreateSchedule", when + 75, "persistence", ask=ask, failed=denied)


def _start(stage: Stage, planted: Planted) -> None:
    function, environment = planted.function, planted.environment
    key, started = environment.credential, environment.started
    stage.issue(_LAMBDA, key, function.role, function.name)
    truth, expires = stage.truth, key.expires
    truth.credentials[key.access_key_id]["malicious"] = True
    truth.holds(function.arn, "access_key_id", key.access_key_id, since=started, until=expires)
    truth.holds(function.arn, "session", str(key.session), since=started, until=expires, opened=True)
    until = environment.stopped
    truth.holds(function.arn, "execution_environment", environment.stream, since=started, until=until, opened=True)
    worker = replace(planted.code, address="192.0.2.210", agent=WORKER_AGENT)
    ask = {"logGroupName": f"/aws/lambda/{function.name}", "logStreamName": environment.stream}
    stage.trail.call(worker, "logs:CreateLogStream", started + 1, ask=ask)


def _run(intruder: Intruder, planted: Planted, number: int) -> Credential | None:
    """One run: it looks at the user's keys and, where none is left, makes one; that one is returned."""
    stage, when = intruder.stage, _FIRST_RUN + number * EVERY + intruder.rng.randrange(3)
    warm = 214.4 if number == 0 else None
    run = Run(stage.logs.ids.uuid(), when * 1000, 2_100.0 + intruder.rng.random() * 300, 61, (), init_ms=warm)
    stage.logs.run(planted.environment, run)
    stage.truth.invocations.append(
        {
            "request_id": run.request_id,
            "function": NAME,
            "version": "$LATEST",
            "log_stream": planted.environment.stream,
            "started_at": iso_ms(run.started_ms),
            "ended_at": iso_ms(run.ended_ms),
            "suspicious": True,
        }
    )
    code, user = planted.code, planted.user
    if number == 0:
        intruder.act(code, "iam:CreateUser", when, "persistence", **user_made(user, when))
        policy = {"userName": user.name, "policyArn": ADMINISTRATOR}
        intruder.act(code, "iam:AttachUserPolicy", when + 1, "persistence", ask=policy)
    intruder.act(code, "iam:ListAccessKeys", when + 1, "persistence", ask={"userName": user.name})
    return give_key(intruder, code, user, when + 1, ids=planted.ids) if number in _MAKES else None


def _use(intruder: Intruder, keys: list[Credential]) -> None:
    for key, clock in zip(keys, ("08:40:12", "10:34:50"), strict=True):
        who, when = caller(key, SECOND_HOST, AGENT), at(clock)
        intruder.act(who, "sts:GetCallerIdentity", when, "discovery")
        intruder.act(who, "s3:ListBuckets", when + 21, "discovery", ask={"Host": "s3.amazonaws.com"})
        for place in range(5):
            intruder.read(who, "customer-exports", f"2026/10/customers-{place}.csv.gz", when + 40 + 13 * place)


def _delete(stage: Stage, shop: Shop, planted: Planted, key: Credential) -> None:
    """The administrator finds the key and deletes it; that the function comes back is not seen."""
    named = {"userName": planted.user.name}
    stage.trail.call(shop.admin, "iam:ListAccessKeys", at("10:08:10"), ask=named)
    gone = named | {"accessKeyId": key.access_key_id}
    event = stage.trail.call(shop.admin, "iam:DeleteAccessKey", at("10:08:44"), ask=gone)
    theirs = User("partner-ftp", planted.ids.unique("AIDA", 10))
    made = Credential(planted.ids.unique("AKIA"), "long_term", {}, theirs.arn, created=at("09:52:30"))
    ordinary = stage.trail.call(
        shop.admin, "iam:CreateAccessKey", at("09:52:30"), **key_made(theirs, made, at("09:52:30"))
    )
    parent = shop.admin.credential.access_key_id if shop.admin.credential else None
    stage.truth.credential(made, mint=ordinary, parent=parent)
    text = "the administrator deletes the intruder's key, and makes one for a partner: neither is the intruder's."
    stage.truth.decoy("administration", text, [event, ordinary], [])


def _detect(stage: Stage, who: Caller, planted: Planted) -> None:
    if who.credential is None:
        raise ValueError("the caller has a key")
    staying = Finding(
        "Persistence:IAMUser/AnomalousBehavior",
        5.0,
        "An IAM entity invoked CreateAccessKey in an unusual way.",
        "APIs commonly used in Persistence tactics were invoked under unusual circumstances.",
        guardduty.access_key_resource(planted.environment.credential, "metrics-exec"),
        guardduty.api_call("iam", "CreateAccessKey", AWS_LAMBDA_ADDRESSES[0], FUNCTION_AGENT),
    )
    listed = Finding(
        "Discovery:IAMUser/AnomalousBehavior",
        2.0,
        "An IAM entity invoked ListRoles in an unusual way.",
        "APIs commonly used in Discovery tactics were invoked under unusual circumstances.",
        guardduty.access_key_resource(who.credential, "dev"),
        guardduty.api_call("iam", "ListRoles", FIRST_HOST, AGENT),
    )
    updates = [(at("08:29:30"), 1), (at("10:31:00"), 2)]
    found(stage, staying, _FIRST_RUN + 1, updates, key=planted.environment.credential)
    found(stage, listed, at("08:11:42"), [(at("08:20:10"), 3)], key=who.credential)


def _decoys(stage: Stage, planted: Planted) -> None:
    """The calls that make and wire the function are about it; only its runs are its own."""
    about = [
        fact["event_id"]
        for fact in stage.truth.attack_events
        if fact["action"].startswith(("lambda:", "events:")) and fact["source_ip"] == FIRST_HOST
    ]
    arn = planted.function.arn
    must_not = [{"event_id": event, "question": "issued_to", "workload": arn, "certainty": None} for event in about]
    stage.truth.decoy("about-not-by", "calls that make and wire the function are not its own.", about, must_not)
    wiring = {"events:PutRule", "events:PutTargets"}
    events = [fact["event_id"] for fact in stage.truth.attack_events if fact["action"] in wiring]
    must_not = [{"event_id": event, "question": "used_from", "workload": arn, "certainty": None} for event in events]
    stage.truth.decoy("another-place", "the rule was put from outside, not by the function.", events, must_not)


SCENARIO = Scenario(
    name="eventbridge-persistence",
    title="A schedule that brings the intruder back",
    question="What makes the keys of support2 anew, who set it up, and what is left of it?",
    run=play,
)
