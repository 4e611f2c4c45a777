"""Scenario: a leaked key puts a layer and other code under a function, which then gives its own keys away."""

from dataclasses import replace
from random import Random

from forensics.simulate import guardduty
from forensics.simulate.cloudtrail import access_denied, s3_object
from forensics.simulate.config_item import ConfigItems
from forensics.simulate.decoys import barred, recreated_role, spoofed_session
from forensics.simulate.guardduty import Finding
from forensics.simulate.intruder import AGENT, Intruder, conclude, found, stolen_key
from forensics.simulate.invocation import Invoker, secret
from forensics.simulate.lambda_log import Environment, Run
from forensics.simulate.responses import function_body
from forensics.simulate.shop import Shop
from forensics.simulate.shop_morning import ordinary_morning, start_environment
from forensics.simulate.shop_noise import Noise
from forensics.simulate.stage import Scenario, Stage
from forensics.simulate.vpc_flow import Talk
from forensics.simulate.world import (
    ACCOUNT,
    REGION,
    Caller,
    Function,
    Json,
    Role,
    User,
    at,
    caller,
    function_session,
    user_credential,
)

HOST = "203.0.113.77"
DROP = "203.0.113.80"
LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:utils"
_CHANGED = at("09:32:10")
_READS = 12


def play(stage: Stage) -> None:
    """The shop's ordinary morning, the change and its fruits within it, then the day's noise window by window."""
    shop, invoker, runners = ordinary_morning(stage)
    intruder = Intruder(stage, Random(stage.ids.hex(16)))
    config = ConfigItems(stage.storage, stage.own_ids("config_item"), stage.ledger)
    stage.more.append(config)
    victim = shop.functions["orders-fn"]
    leaked = user_credential(User("contractor", stage.ids.unique("AIDA", 10)), stage.ids.unique("AKIA"))
    stage.truth.credential(leaked, malicious=True)
    who = caller(leaked, HOST, AGENT)
    _look(intruder, who, victim)
    changed = _change(intruder, who, victim, config)
    environment = _begin(intruder, invoker, changed)
    thief = _use(intruder, environment)
    _detect(stage, thief, environment)
    _decoys(stage, shop, victim)
    stolen = stolen_key(stage, environment.credential, first_foreign_use=at("09:41:10"), addresses=[DROP])
    conclude(stage, playbook="lambda-code-tampering", parameters={"workload": victim.arn}, stolen=stolen)
    noise = Noise(stage, shop, invoker, runners)
    for window in stage.windows():
        noise.add(window)
    stage.truth.attack_flows = sorted(stage.flows.facts, key=lambda fact: str(fact["event_id"]))


def _look(intruder: Intruder, who: Caller, victim: Function) -> None:
    """What functions there are, and the code of one: the download itself is in no trail of the account."""
    act, named = intruder.act, {"functionName": victim.name}
    act(who, "sts:GetCallerIdentity", at("09:27:02"), "discovery")
    act(who, "lambda:ListFunctions20150331", at("09:27:20"), "discovery")
    act(who, "lambda:GetFunction20150331v2", at("09:28:01"), "discovery", ask=named)
    denied = access_denied(who, "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/support2")
    act(who, "iam:CreateUser", at("09:28:40"), "persistence", ask={"userName": "support2"}, failed=denied)


def _change(intruder: Intruder, who: Caller, victim: Function, config: ConfigItems) -> Function:
    """A layer is published and laid under the function, then its code is changed; Config sees both states."""
    act, ids = intruder.act, intruder.stage.ids
    before = function_body(victim, at("06:05:12"), ids)
    config.function(victim, before, at("06:05:12"), "ResourceDiscovered")
    content = {"codeSha256": f"{ids.text(40)}EXA=", "codeSize": 1_834}
    ask: Json = {"layerName": "utils", "compatibleRuntimes": ["python3.12"], "content": {}}
    answer = {"layerArn": LAYER, "layerVersionArn": f"{LAYER}:7", "version": 7, "content": content}
    act(who, "lambda:PublishLayerVersion20181031", at("09:30:00"), "persistence", ask=ask, answer=answer)
    layered = function_body(victim, at("09:31:02"), ids) | {"layers": [{"arn": f"{LAYER}:7", "codeSize": 1_834}]}
    ask = {"functionName": victim.arn, "layers": [f"{LAYER}:7"]}
    name = "lambda:UpdateFunctionConfiguration20150331v2"
    act(who, name, at("09:31:02"), "persistence", ask=ask, answer=layered)
    changed = replace(victim, code_sha256=f"{ids.text(40)}EXA=")
    body = function_body(changed, _CHANGED, ids) | {"layers": layered["layers"]}
    ask = {"functionName": victim.name, "publish": False, "dryRun": False}
    act(who, "lambda:UpdateFunctionCode20150331v2", _CHANGED, "persistence", ask=ask, answer=body)
    config.function(changed, body, _CHANGED)
    return changed


def _begin(intruder: Intruder, invoker: Invoker, changed: Function) -> Environment:
    """New code, new environment, new key: which it sends home when it starts."""
    stage, started = intruder.stage, at("09:35:20")
    stream = f"2026/11/05/[$LATEST]{stage.ids.hex(32)}"
    key = function_session(changed, stage.ids.unique("ASIA"), created=started)
    environment = Environment(changed, stream, key, started, at("11:20"))
    start_environment(invoker, environment, intruder.rng, suspicious=True)
    sharers = sorted(invoker.shop.functions[name].arn for name in ("orders-fn", "billing-fn"))
    fact = {"workloads": sharers, "certainty": "shared"}
    lines = (("INFO", "order 44120 stored"), ("INFO", "utils: telemetry sent"))
    for place, clock in enumerate(("09:35:22", "09:36:02", "09:48:19", "10:12:40")):
        run = Run(
            stage.logs.ids.uuid(), at(clock) * 1000 + 117, 3_904.0, 301, lines, init_ms=None if place else 1_871.0
        )
        invoker.plan(environment, run, intruder.rng, suspicious=True)
        talk = Talk(DROP, 47_900 + place, 443, 3_100, 900, at(clock) + 1, at(clock) + 3, fact, changed.arn)
        if changed.interface:
            stage.flows.through_nat(changed.interface, invoker.shop.nat, talk)
            stage.truth.bytes_out["flow"] += 3_100
    return environment


def _use(intruder: Intruder, environment: Environment) -> Caller:
    """The key that the function sent home, used from there."""
    thief, act = caller(environment.credential, DROP, AGENT), intruder.act
    act(thief, "sts:GetCallerIdentity", at("09:41:10"), "discovery")
    act(thief, "s3:ListBuckets", at("09:41:31"), "discovery", ask={"Host": "s3.amazonaws.com"})
    listing = s3_object("orders-data", "exports/", sent=9_114, listing=True)
    act(thief, "s3:ListObjects", at("09:42:02"), "collection", **listing)
    for place in range(_READS):
        name = f"exports/2026-{1 + place:02d}/all.parquet"
        intruder.read(thief, "orders-data", name, at("09:43:00") + 19 * place + intruder.rng.randrange(9))
    event = secret(intruder.stage, thief, "orders/database", at("09:50:40"), malicious=True)
    intruder.state(thief, "secretsmanager:GetSecretValue", at("09:50:40"), "credential-access", event=event)
    return thief


def _detect(stage: Stage, thief: Caller, environment: Environment) -> None:
    theft = Finding(
        "UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS",
        8.0,
        "Credentials for a Lambda function were used from an external IP address.",
        f"Credentials created exclusively for a Lambda function were used from {thief.address}.",
        guardduty.access_key_resource(environment.credential, environment.function.role.name),
        guardduty.api_call("s3", "ListBuckets", thief.address, AGENT),
    )
    found(stage, theft, at("09:41:31"), [(at("09:47:40"), 4), (at("10:02:41"), 15)], key=environment.credential)


def _decoys(stage: Stage, shop: Shop, victim: Function) -> None:
    spoofed_session(stage, shop.dev, shop.roles["dev-readonly"], victim.arn, when=at("09:38:00"))
    old = Role("build-helper", stage.ids.unique("AROA", 10))
    used, _ = stage.assume(shop.dev, old, "deploy", at("07:20:00"))
    stage.trail.call(caller(used, shop.dev.address, shop.dev.agent), "s3:ListBuckets", at("07:21:00"))
    recreated_role(stage, shop.dev, old, when=at("08:05:00"))
    body = function_body(shop.functions["thumbs-fn"], at("09:30:40"), stage.ids)
    ask = {"functionName": "thumbs-fn", "publish": False}
    event = stage.trail.call(shop.dev, "lambda:UpdateFunctionCode20150331v2", at("09:30:40"), ask=ask, answer=body)
    statement = "A developer changed another function in the same minutes, from the office, as every week."
    bars = [barred(event, "issued_to", victim.arn)]
    stage.truth.decoy("harmless_change_of_code", statement, [event], bars)


SCENARIO = Scenario(
    name="lambda-malicious-layer",
    title="A layer and code put under a Lambda function",
    question="Who changed orders-fn, and what did it do from then on?",
    run=play,
)
