"""What happens in the shop whatever the scale: deployment, starts of workloads, logins, and the decoys."""

from dataclasses import replace
from random import Random

from forensics.simulate.cloudtrail import access_denied
from forensics.simulate.invocation import Invoker, secret
from forensics.simulate.lambda_log import Environment
from forensics.simulate.responses import create_interface, function_body, run_instances
from forensics.simulate.shop import CI_AGENT, DEV_AGENT, HOME, OFFICE, WORKER_AGENT, Shop, open_shop
from forensics.simulate.stage import KMS_KEY, Stage, assumed, role_resource
from forensics.simulate.world import (
    ACCOUNT,
    PARTNER_ACCOUNT,
    REGION,
    Caller,
    Credential,
    Function,
    Interface,
    Json,
    at,
    caller,
    iso,
    role_session,
    service_caller,
)

CI_STARTS = ("06:03:10", "07:29:40", "08:44:02", "09:19:30", "10:30:15", "11:14:50")
CI_ADDRESSES = tuple(f"203.0.113.{last}" for last in range(128, 192))
_LAMBDA = "lambda.amazonaws.com"


def ordinary_morning(stage: Stage) -> tuple[Shop, Invoker, list[Credential]]:
    """Opens the shop and plays its planned events; returns it and the CI sessions that noise goes on with."""
    shop = open_shop(stage)
    rng = Random(stage.ids.hex(16))
    invoker = Invoker(stage, shop)
    _state_workloads(stage, shop)
    runners = [_ci_session(stage, shop, at(start), rng) for start in CI_STARTS]
    _deploy(stage, shop, caller(runners[0], CI_ADDRESSES[3], CI_AGENT))
    for environment in shop.environments:
        start_environment(invoker, environment, rng)
    _instances(stage, shop, caller(runners[1], CI_ADDRESSES[21], CI_AGENT))
    _people(stage, shop)
    _partner(stage, shop)
    _decoys(stage, shop)
    return shop, invoker, runners


def ci_caller(session: Credential, rng: Random) -> Caller:
    """Build runners share a session and call from many addresses."""
    return caller(session, rng.choice(CI_ADDRESSES), CI_AGENT)


def _state_workloads(stage: Stage, shop: Shop) -> None:
    truth = stage.truth
    holders = {"orders-fn": at("06:05:41"), "billing-fn": at("06:06:30"), "mailer-fn": at("06:07:12")}
    for name, function in shop.functions.items():
        truth.workload(function.arn, kind="lambda", name=name, role=function.role.arn)
        if function.interface:
            card, since = function.interface, holders[name]
            truth.holds(function.arn, "eni", card.interface_id, since=since, opened=True)
            truth.holds(function.arn, "private_ip", card.private_ip, since=since, opened=True, network=card.vpc_id)
    for instance in (shop.web_a, shop.web_b):
        truth.workload(instance.arn, kind="ec2", name=instance.name, role=shop.roles["web-instance"].arn)
        truth.carries(instance, launch_logged=instance is shop.web_b)
    functions = shop.functions
    shared, mailer = functions["orders-fn"].interface, functions["mailer-fn"].interface
    cards = (shop.nat, shared, mailer, shop.web_a.interface, shop.web_b.interface)
    stage.flows.interfaces += [card for card in cards if card]
    stage.flows.skipped.append((shop.web_b.interface, at("10:47")))


def _ci_session(stage: Stage, shop: Shop, when: int, rng: Random) -> Credential:
    role, name = shop.roles["ci-deploy"], "GitHubActions"
    made = role_session(role, name, stage.ids.unique("ASIA"), created=when, kind="web_identity", hours=1)
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.example.com"
    subject = "repo:example/shop:ref:refs/heads/main"
    identity = {
        "type": "WebIdentityUser",
        "principalId": f"{provider}:sts.amazonaws.com:{subject}",
        "userName": subject,
        "identityProvider": provider,
    }
    answer = assumed(made, role, name) | {
        "subjectFromWebIdentityToken": subject,
        "provider": provider,
        "audience": "sts.amazonaws.com",
    }
    ask = {"roleArn": role.arn, "roleSessionName": name, "durationSeconds": 3600}
    who = Caller(identity, rng.choice(CI_ADDRESSES), CI_AGENT)
    extra = {"resources": [role_resource(role)]}
    action = "sts:AssumeRoleWithWebIdentity"
    mint = stage.trail.call(who, action, when, ask=ask, answer=answer, extra=extra)
    stage.truth.credential(made, mint=mint, issuer={"kind": "federation", "name": subject})
    return made


def _deploy(stage: Stage, shop: Shop, runner: Caller) -> None:
    functions, call = shop.functions, stage.trail.call
    changes = (
        ("CreateFunction20150331", functions["orders-fn"], "06:05:12"),
        ("UpdateFunctionConfiguration20150331v2", functions["billing-fn"], "06:06:30"),
        ("UpdateFunctionConfiguration20150331v2", functions["mailer-fn"], "06:07:01"),
        ("UpdateFunctionCode20150331v2", functions["thumbs-fn"], "06:08:20"),
    )
    for name, function, clock in changes:
        body = function_body(function, at(clock), stage.ids)
        ask: Json = {"functionName": function.name, "publish": False}
        if "Code" not in name:
            ask |= {key: body[key] for key in ("role", "timeout", "memorySize", "vpcConfig")}
        call(runner, f"lambda:{name}", at(clock), ask=ask, answer=body)
    for name, clock in (("orders-fn", "06:05:41"), ("mailer-fn", "06:07:12")):
        interface = functions[name].interface
        if interface:
            _hyperplane(stage, functions[name], interface, at(clock))
    for name, clock in (("billing-fn", "06:06:44"), ("thumbs-fn", "06:08:31")):
        _control_plane(stage, functions[name], at(clock))


def _hyperplane(stage: Stage, function: Function, interface: Interface, when: int) -> None:
    who = _control_plane(stage, function, when - 3)
    description = f"AWS Lambda VPC ENI-{function.name}-{stage.ids.uuid()}"
    ask, answer = create_interface(interface, description, stage.ids)
    stage.trail.call(who, "ec2:CreateNetworkInterface", when, ask=ask, answer=answer)


def _control_plane(stage: Stage, function: Function, when: int) -> Caller:
    digits = "".join(figure for figure in iso(when) if figure.isdigit())
    name = f"awslambda_{stage.ids.rng.randrange(10, 990)}_{digits}417"
    key = stage.ids.unique("ASIA")
    made = role_session(function.role, name, key, created=when, kind="control_plane", hours=2)
    stage.issue(_LAMBDA, made, function.role, name)
    who = caller(made, _LAMBDA, _LAMBDA)
    key_use: Json = {"resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": KMS_KEY}]}
    ask = {
        "encryptionContext": {"aws:lambda:FunctionArn": function.arn},
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }
    stage.trail.call(who, "kms:Decrypt", when + 1, ask=ask, extra=key_use)
    return who


def start_environment(invoker: Invoker, environment: Environment, rng: Random, *, suspicious: bool = False) -> None:
    """An execution environment begins: its key is minted, its stream made, its first request served."""
    stage, shop = invoker.stage, invoker.shop
    function, key, started = environment.function, environment.credential, environment.started
    stage.issue(_LAMBDA, key, function.role, function.name)
    truth, expires = stage.truth, key.expires
    truth.holds(function.arn, "access_key_id", key.access_key_id, since=started, until=expires)
    truth.holds(function.arn, "session", str(key.session), since=started, until=expires, opened=True)
    until = environment.stopped
    truth.holds(function.arn, "execution_environment", environment.stream, since=started, until=until, opened=True)
    worker = replace(shop.caller_of(environment), address="192.0.2.210", agent=WORKER_AGENT)
    ask = {"logGroupName": f"/aws/lambda/{function.name}", "logStreamName": environment.stream}
    stage.trail.call(worker, "logs:CreateLogStream", started + 1, ask=ask)
    first = started * 1000 + 900
    invoker.plan(environment, invoker.usual(environment, first, rng, init=True), rng, suspicious=suspicious)


def _instances(stage: Stage, shop: Shop, runner: Caller) -> None:
    ask, answer = run_instances(shop.web_b, stage.ids, profile="web-instance")
    stage.trail.call(runner, "ec2:RunInstances", shop.web_b.launched, ask=ask, answer=answer)
    old, new, other = shop.web_keys
    stage.truth.credential(old)
    for key, instance in ((new, shop.web_a), (other, shop.web_b)):
        stage.issue("ec2.amazonaws.com", key, shop.roles["web-instance"], instance.instance_id)
    for key in shop.web_keys:
        since = key.created or 0
        stage.truth.holds(str(key.workload), "access_key_id", key.access_key_id, since=since, until=key.expires)
        stage.truth.holds(str(key.workload), "session", str(key.session), since=since, until=key.expires)


def _people(stage: Stage, shop: Shop) -> None:
    for who in (shop.dev, shop.admin):
        if who.credential:
            stage.truth.credential(who.credential)
    login = {
        "type": "IAMUser",
        "principalId": shop.jane.unique_id,
        "arn": shop.jane.arn,
        "accountId": ACCOUNT,
    }
    from_office = Caller(login | {"userName": "jane"}, OFFICE, "Mozilla/5.0 (X11; Linux x86_64; rv:130.0)")
    details = {
        "LoginTo": "https://console.aws.amazon.com/console/home",
        "MobileVersion": "No",
        "MFAUsed": "Yes",
    }
    for clock, result in (("08:01:52", "Failure"), ("08:02:10", "Success")):
        extra: Json = {"additionalEventData": details}
        extra |= {"errorMessage": "Failed authentication"} if result == "Failure" else {}
        answer = {"ConsoleLogin": result}
        stage.trail.call(from_office, "signin:ConsoleLogin", at(clock), answer=answer, extra=extra)
    user = {"userId": "54482488-0000-4000-8000-000000000001"}
    user["identityStoreArn"] = f"arn:aws:identitystore::{ACCOUNT}:identitystore/d-1234567890"
    identity = {
        "type": "IdentityCenterUser",
        "accountId": ACCOUNT,
        "onBehalfOf": user,
        "credentialId": "EXAMPLE-1",
    }
    extra = {
        "serviceEventDetails": {"role_name": "Admin", "account_id": ACCOUNT},
        "eventType": "AwsServiceEvent",
    }
    stage.trail.call(Caller(identity, HOME, DEV_AGENT), "sso:GetRoleCredentials", at("09:01:20"), extra=extra)


def _partner(stage: Stage, shop: Shop) -> None:
    when, role, theirs = at("08:20:31"), shop.roles["partner-readonly"], shop.roles["partner"]
    key = stage.ids.unique("ASIA")
    source = role_session(theirs, "nightly", key, created=at("08:00:04"), kind="assumed_role", hours=1)
    made = role_session(role, "nightly", stage.ids.unique("ASIA"), created=when, kind="assumed_role", hours=1)
    ask = {"roleArn": role.arn, "roleSessionName": "nightly", "externalId": "shop-42"}
    answer, shared = assumed(made, role, "nightly"), stage.ids.uuid()
    extra: Json = {"resources": [role_resource(role)], "sharedEventID": shared}
    agent, address = "Boto3/1.34.0 md/Botocore#1.34.0 lang/python#3.11", "198.51.100.90"
    outside = {
        "type": "AWSAccount",
        "principalId": source.identity["principalId"],
        "accountId": PARTNER_ACCOUNT,
    }
    here = Caller(outside, address, agent)
    there = caller(source, address, agent)
    call = stage.trail.call
    call(here, "sts:AssumeRole", when, ask=ask, answer=answer, extra=extra)
    mint = call(there, "sts:AssumeRole", when, ask=ask, answer=answer, extra=extra, account=PARTNER_ACCOUNT)
    stage.truth.credential(source)
    stage.truth.credential(made, mint=mint, parent=source.access_key_id)
    for minute in range(6):
        call(caller(made, address, agent), "s3:ListBuckets", when + 60 * minute + 9)
    call(
        caller(made, address, agent),
        "s3:GetBucketPolicy",
        when + 400,
        ask={"bucketName": "billing-data", "policy": ""},
    )


def _decoys(stage: Stage, shop: Shop) -> None:
    """What naive rules would flag: harmless, and near the incident in time or form."""
    call = stage.trail.call
    for clock in ("07:14:40", "09:13:55"):
        call(shop.dev, "sts:GetCallerIdentity", at(clock))
        made, _ = stage.assume(shop.dev, shop.roles["dev-readonly"], "dev", at(clock) + 31)
        reader = caller(made, OFFICE, DEV_AGENT)
        for place, action in enumerate(("s3:ListBuckets", "iam:ListUsers", "lambda:ListFunctions20150331")):
            call(reader, action, at(clock) + 50 + 7 * place)
        user = {"userName": "dev-test"}
        denied = access_denied(reader, "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/dev-test")
        call(reader, "iam:CreateUser", at(clock) + 80, ask=user, failed=denied)
    secret(stage, shop.dev, "dev/sandbox", at("09:17:12"))
    call(shop.admin, "cloudtrail:GetTrailStatus", at("09:05:02"), ask={"name": "example-trail"})
    trail = service_caller("cloudtrail.amazonaws.com")
    twice = call(trail, "s3:GetBucketAcl", at("08:33:20"), ask={"bucketName": "example-trail-logs", "acl": ""})
    stage.trail.again(twice, late=1)
    denied = access_denied(shop.admin, "kms:DisableKey", KMS_KEY, code="AccessDeniedException")
    call(shop.admin, "kms:DisableKey", at("09:44:10"), ask={"keyId": KMS_KEY}, failed=denied)
    west = {"resourceArn": f"arn:aws:iam::{ACCOUNT}:role/{REGION}"}
    call(shop.admin.within("eu-west-1"), "config:ListTagsForResource", at("09:40:00"), ask=west)
