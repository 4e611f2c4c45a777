"""Scenario: the credentials of a Lambda function are stolen through the function and used from elsewhere."""

from dataclasses import replace
from random import Random

from forensics.simulate import guardduty
from forensics.simulate.cloudtrail import access_denied, s3_object
from forensics.simulate.guardduty import Finding
from forensics.simulate.intruder import AGENT, Intruder, conclude, found, stolen_key
from forensics.simulate.invocation import Invoker, secret
from forensics.simulate.lambda_log import Environment, Run
from forensics.simulate.responses import run_instances
from forensics.simulate.shop import PARTNER_ADDRESS, PUBLIC_SUBNET, VPC, WEB_GROUP
from forensics.simulate.shop_morning import ordinary_morning
from forensics.simulate.shop_noise import Noise
from forensics.simulate.stage import Scenario, Stage
from forensics.simulate.vpc_flow import Talk
from forensics.simulate.world import (
    ACCOUNT,
    REGION,
    SECOND_REGION,
    Caller,
    Credential,
    Instance,
    Interface,
    Json,
    Role,
    User,
    at,
    caller,
    us_text,
    user_credential,
)

FIRST_HOST = "203.0.113.77"
SECOND_HOST = "203.0.113.80"

_ORDERS = 40
_EXPORTS = 6


def play(stage: Stage) -> None:
    """The ordinary morning, the theft within it, then the day's noise window by window."""
    shop, invoker, runners = ordinary_morning(stage)
    intruder = Intruder(stage, Random(stage.ids.hex(16)))
    victim = shop.environment("orders-fn", 1)
    _planned_runs(invoker, intruder.rng)
    _exploit(invoker, victim, intruder.rng)
    first = _use_function_key(intruder, victim)
    admin = _use_admin_role(intruder, first, shop.roles["reporting-admin"])
    user = _use_new_user(intruder, admin)
    _launch(intruder, admin)
    _detect(intruder, victim.credential, admin.credential)
    _unrelated(stage, shop.web_a, replace(user, access_key_id="GeneratedFindingAccessKeyId"))
    _conclude(stage, victim)
    noise = Noise(stage, shop, invoker, runners)
    for window in stage.windows():
        noise.add(window)
    stage.truth.attack_flows = sorted(stage.flows.facts, key=lambda fact: str(fact["event_id"]))


def _planned_runs(invoker: Invoker, rng: Random) -> None:
    orders, billing = invoker.shop.environment("orders-fn", 1), invoker.shop.environment("billing-fn", 0)
    clocks = ("09:05:11", "09:15:20", "09:22:37", "09:30:05", "09:41:48", "10:02:19", "10:20:33")
    runs = [(orders, clock) for clock in clocks] + [(billing, clock) for clock in ("09:10:12", "09:31:40")]
    runs += [(invoker.shop.environment("orders-fn", 0), clock) for clock in ("08:58:30", "09:12:40", "09:50:02")]
    for environment, clock in runs:
        run = invoker.usual(environment, at(clock) * 1000 + rng.randrange(900), rng)
        invoker.plan(environment, replace(run, status="success", duration_ms=180.0 + rng.random()), rng)
    for clock in ("09:10:13", "09:31:41", "10:12:02"):
        invoker.talk(billing, PARTNER_ADDRESS, at(clock), (rng.randrange(200_000, 2_000_000), 6_100))


def _exploit(invoker: Invoker, victim: Environment, rng: Random) -> None:
    trace = "KeyError: 'items'\nTraceback (most recent call last):\n  File \"/var/task/app.py\", line 41"
    lines = (("INFO", "import of 1 order requested"), ("WARNING", "template took 2.4 s"), ("ERROR", trace))
    request = invoker.stage.logs.ids.uuid()
    run = Run(request, at("09:10:21") * 1000 + 204, 8_911.44, 498, lines, "error")
    invoker.plan(victim, run, rng, suspicious=True)
    inside, functions = victim.function.interface, invoker.shop.functions
    if inside is None:
        raise ValueError("the victim needs an interface of its own VPC")
    fact = {
        "workloads": sorted(functions[name].arn for name in ("orders-fn", "billing-fn")),
        "certainty": "shared",
    }
    sent = 7_413
    talk = Talk(FIRST_HOST, 47_811, 443, sent, 2_966, at("09:10:22"), at("09:10:29"), fact, victim.function.arn)
    invoker.stage.flows.through_nat(inside, invoker.shop.nat, talk)
    invoker.stage.truth.bytes_out["flow"] += sent


def _use_function_key(intruder: Intruder, victim: Environment) -> Caller:
    who = caller(victim.credential, FIRST_HOST, AGENT)
    act = intruder.act
    act(who, "sts:GetCallerIdentity", at("09:12:31"), "discovery")
    act(who, "s3:ListBuckets", at("09:12:44"), "discovery", ask={"Host": "s3.amazonaws.com"})
    user: Json = {"userName": "support2"}
    for action, clock, ask in (("iam:ListUsers", "09:12:52", None), ("iam:CreateUser", "09:13:02", user)):
        step = "persistence" if ask else "discovery"
        denied = access_denied(who, action, f"arn:aws:iam::{ACCOUNT}:user/{'support2' if ask else ''}")
        act(who, action, at(clock), step, ask=ask, failed=denied)
    act(who, "lambda:ListFunctions20150331", at("09:13:30"), "discovery")
    denied = access_denied(who, "secretsmanager:GetSecretValue", code="AccessDeniedException")
    ask = {"secretId": "billing/database"}
    act(who, "secretsmanager:GetSecretValue", at("09:14:03"), "credential-access", ask=ask, failed=denied)
    listing = s3_object("orders-data", "exports/", sent=9_114, listing=True)
    act(who, "s3:ListObjects", at("09:14:40"), "collection", **listing)
    names = [f"exports/2026-{1 + place % 12:02d}/part-{place:04d}.parquet" for place in range(_ORDERS - 2)]
    names += ['exports/"Q3, final" <b>draft</b>.csv', "exports/=SUM(A1:A9) überblick.csv"]
    for place, name in enumerate(names):
        intruder.read(who, "orders-data", name, at("09:15:04") + place * 9 + intruder.rng.randrange(8))
    return who


def _use_admin_role(intruder: Intruder, first: Caller, role: Role) -> Caller:
    when = at("09:21:40")
    made, event = intruder.stage.assume(first, role, "ops", when, malicious=True)
    intruder.state(first, "sts:AssumeRole", when, "privilege-escalation", event=event)
    here, there = caller(made, FIRST_HOST, AGENT), caller(made, SECOND_HOST, AGENT)
    intruder.act(here, "sts:GetCallerIdentity", at("09:21:52"), "discovery")
    intruder.act(here, "iam:ListUsers", at("09:22:10"), "discovery")
    for place, action in enumerate(("ec2:DescribeInstances", "ec2:DescribeVpcs", "rds:DescribeDBInstances")):
        intruder.act(there.within(SECOND_REGION), action, at("09:26:30") + 11 * place, "discovery")
    trail = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/example-trail"
    denied = access_denied(there, "cloudtrail:StopLogging", trail, code="AccessDeniedException")
    ask = {"name": trail}
    intruder.act(there, "cloudtrail:StopLogging", at("09:28:05"), "defense-evasion", ask=ask, failed=denied)
    return there


def _use_new_user(intruder: Intruder, admin: Caller) -> Credential:
    stage, here = intruder.stage, replace(admin, address=FIRST_HOST)
    user = User("support2", stage.ids.unique("AIDA", 10))
    key = user_credential(user, stage.ids.unique("AKIA"))
    born, minted = at("09:23:04"), at("09:23:31")
    made = {
        "path": "/",
        "userName": user.name,
        "userId": user.unique_id,
        "arn": user.arn,
        "createDate": us_text(born),
    }
    named: Json = {"userName": user.name}
    intruder.act(here, "iam:CreateUser", born, "persistence", ask=named, answer={"user": made})
    policy = named | {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    card = {
        "accessKeyId": key.access_key_id,
        "status": "Active",
        "userName": user.name,
        "createDate": us_text(minted),
    }
    mint = intruder.act(here, "iam:CreateAccessKey", minted, "persistence", ask=named, answer={"accessKey": card})
    intruder.act(here, "iam:AttachUserPolicy", at("09:23:58"), "persistence", ask=policy)
    parent = admin.credential.access_key_id if admin.credential else None
    stage.truth.credential(replace(key, created=minted), mint=mint, parent=parent, malicious=True)
    who = caller(key, SECOND_HOST, AGENT)
    intruder.act(who, "s3:ListBuckets", at("09:36:10"), "discovery")
    for place in range(_EXPORTS):
        intruder.read(who, "customer-exports", f"2026/10/customers-{place}.csv.gz", at("09:37:02") + 23 * place)
    event = secret(stage, who, "billing/database", at("09:43:20"), malicious=True)
    intruder.state(who, "secretsmanager:GetSecretValue", at("09:43:20"), "credential-access", event=event)
    return key


def _launch(intruder: Intruder, admin: Caller) -> None:
    stage, launched = intruder.stage, at("09:31:12")
    name = stage.ids.resource("i")
    eni = stage.ids.resource("eni")
    card = Interface(eni, "10.0.1.77", PUBLIC_SUBNET, VPC, name, "198.51.100.33", WEB_GROUP, launched)
    instance = Instance(name, "reporting-batch", None, card, launched)
    ask, answer = run_instances(instance, stage.ids, profile=None)
    intruder.act(admin, "ec2:RunInstances", launched, "execution", ask=ask, answer=answer)
    stage.flows.interfaces.append(card)
    stage.truth.workload(instance.arn, kind="ec2", name=instance.name, role=None)
    stage.truth.carries(instance, launch_logged=True)
    fact = {"workloads": [instance.arn], "certainty": "recorded"}
    for minute in range(at("09:34"), at("10:06"), 60):
        sent = intruder.rng.randrange(700_000, 2_400_000)
        start = minute + intruder.rng.randrange(6)
        stage.flows.connect(card, Talk(FIRST_HOST, 51_020, 443, sent, sent // 60, start, minute + 57, fact))
        stage.truth.bytes_out["flow"] += sent


def _detect(intruder: Intruder, stolen: Credential, admin: Credential | None) -> None:
    if admin is None:
        raise ValueError("the admin role's caller has a credential")
    stage, resource, api = intruder.stage, guardduty.access_key_resource, guardduty.api_call
    theft = Finding(
        "UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS",
        8.0,
        "Credentials for a Lambda function were used from an external IP address.",
        f"Credentials created exclusively for a Lambda function were used from {FIRST_HOST}.",
        resource(stolen, "orders-exec"),
        api("s3", "ListBuckets", FIRST_HOST, AGENT),
    )
    reading = Finding(
        "Exfiltration:S3/AnomalousBehavior",
        8.0,
        "An IAM entity invoked S3 GetObject in an unusual way.",
        "APIs commonly used in Exfiltration tactics were invoked under unusual circumstances.",
        resource(stolen, "orders-exec", buckets=("orders-data",)),
        api("s3", "GetObject", FIRST_HOST, AGENT),
    )
    staying = Finding(
        "Persistence:IAMUser/AnomalousBehavior",
        5.0,
        "An IAM entity invoked CreateAccessKey in an unusual way.",
        "APIs commonly used in Persistence tactics were invoked under unusual circumstances.",
        resource(admin, "reporting-admin"),
        api("iam", "CreateAccessKey", FIRST_HOST, AGENT),
    )
    updates = [(at("09:18:40"), 4), (at("09:33:41"), 31), (at("10:03:42"), 52)]
    found(stage, theft, at("09:12:31"), updates, key=stolen)
    found(stage, reading, at("09:15:04"), [(at("09:24:11"), 38), (at("09:39:12"), 40)], key=stolen)
    found(stage, staying, at("09:23:04"), [(at("09:31:05"), 3)], key=admin)


def _unrelated(stage: Stage, web: Instance, generated: Credential) -> None:
    probe = Finding(
        "Recon:EC2/PortProbeUnprotectedPort",
        2.0,
        "An unprotected port of an EC2 instance is being probed.",
        f"An unprotected port of {web.instance_id} is being probed by a known malicious host.",
        guardduty.instance_resource(web),
        guardduty.port_probe(web, "203.0.113.201", 22),
    )
    sample = Finding(
        "UnauthorizedAccess:IAMUser/TorIPCaller",
        5.0,
        "[SAMPLE] API GeneratedFindingAPIName was invoked from a Tor exit node.",
        "API GeneratedFindingAPIName was invoked from a Tor exit node IP address 198.51.100.0.",
        guardduty.access_key_resource(generated, "GeneratedFindingUserName"),
        guardduty.api_call("iam", "GeneratedFindingAPIName", "198.51.100.0", "GeneratedFindingUserAgent"),
        info={"sample": True},
    )
    sample.resource["accessKeyDetails"]["principalId"] = "GeneratedFindingPrincipalId"
    for clock in ("06:55:10", "10:14:31"):
        touch = Talk("203.0.113.201", 40_022, 22, 60, 44, at(clock), at(clock) + 1)
        stage.flows.accept(web.interface, touch)
    found(stage, probe, at("06:55:10"), [(at("07:02:30"), 1), (at("10:17:31"), 6)], malicious=False)
    found(stage, sample, at("08:10:00"), [(at("08:12:00"), 1)], malicious=False)


def _conclude(stage: Stage, victim: Environment) -> None:
    key = victim.credential
    stolen = stolen_key(stage, key, first_foreign_use=at("09:12:31"), addresses=[FIRST_HOST])
    conclude(stage, playbook=SCENARIO.name, parameters={"workload": victim.function.arn}, stolen=stolen)


SCENARIO = Scenario(
    name="lambda-credential-theft",
    title="Stolen credentials of a Lambda function",
    question="Which credential of orders-fn was used from outside, for what, and what came of it?",
    run=play,
)
