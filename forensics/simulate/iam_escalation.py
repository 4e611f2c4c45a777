"""Scenario: a developer's key widens its own rights, and ways back are left in users, roles and federation."""

from dataclasses import replace
from random import Random

from forensics.simulate import guardduty
from forensics.simulate.cloudtrail import access_denied
from forensics.simulate.guardduty import Finding
from forensics.simulate.intruder import AGENT, Intruder, conclude, found
from forensics.simulate.intruder_iam import (
    EVERYTHING,
    document,
    federated,
    key_made,
    new_user,
    role_made,
    trust,
)
from forensics.simulate.shop import CI_AGENT, DEV_AGENT, OFFICE, Shop
from forensics.simulate.shop_morning import CI_ADDRESSES, ordinary_morning
from forensics.simulate.shop_noise import Noise
from forensics.simulate.stage import Scenario, Stage, assumed, issued, role_resource
from forensics.simulate.world import (
    ACCOUNT,
    PARTNER_ACCOUNT,
    Caller,
    Credential,
    Ids,
    Json,
    Role,
    User,
    at,
    caller,
    role_session,
    us_text,
    user_credential,
)

FIRST_HOST = "203.0.113.77"
SECOND_HOST = "203.0.113.80"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/dev"

_OUTSIDER = f"arn:aws:iam::{PARTNER_ACCOUNT}:root"


def play(stage: Stage) -> None:
    """The ordinary morning, the escalation within it, then the day's noise."""
    shop, invoker, runners = ordinary_morning(stage)
    ids, intruder = stage.own_ids("iam"), Intruder(stage, Random(stage.ids.hex(16)))
    first = caller(_key(shop), FIRST_HOST, AGENT)
    _enumerate(intruder, first)
    _escalate(intruder, first)
    user, key = new_user(intruder, first, "support2", at("09:26:10"), ids=ids)
    _leave_ways_back(intruder, first, user, ids=ids)
    outside = _from_another_account(intruder, shop, ids)
    token = _federate(intruder, shop, first, ids)
    _use(intruder, caller(key, SECOND_HOST, AGENT), outside, token)
    _detect(stage, _key(shop), key)
    _decoys(stage, shop, caller(runners[3], CI_ADDRESSES[44], CI_AGENT), ids)
    principal = {"principal": _key(shop).principal}
    conclude(stage, playbook="iam-persistence", parameters=principal, stolen={})
    noise = Noise(stage, shop, invoker, runners)
    for window in stage.windows():
        noise.add(window)


def _key(shop: Shop) -> Credential:
    if shop.dev.credential is None:
        raise ValueError("dev has a key")
    return shop.dev.credential


def _enumerate(intruder: Intruder, who: Caller) -> None:
    """A wave of questions in many services, most of them refused: the earliest sign."""
    intruder.act(who, "sts:GetCallerIdentity", at("09:18:02"), "discovery")
    refused = (
        "iam:GetAccountAuthorizationDetails",
        "organizations:ListAccounts",
        "secretsmanager:ListSecrets",
        "kms:ListKeys",
        "ssm:DescribeParameters",
        "dynamodb:ListTables",
        "rds:DescribeDBSnapshots",
        "ecr:DescribeRepositories",
    )
    for place, action in enumerate(refused):
        denied = access_denied(
            who, action, code="AccessDenied" if action.startswith("iam") else "AccessDeniedException"
        )
        intruder.act(who, action, at("09:18:20") + 6 * place, "discovery", failed=denied)
    for place, action in enumerate(("iam:ListAttachedUserPolicies", "iam:ListPolicyVersions", "iam:ListRoles")):
        intruder.act(who, action, at("09:20:05") + 17 * place, "discovery")


def _escalate(intruder: Intruder, who: Caller) -> None:
    act, step = intruder.act, "privilege-escalation"
    user: Json = {"userName": "dev", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    denied = access_denied(who, "iam:AttachUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/dev")
    act(who, "iam:AttachUserPolicy", at("09:21:30"), step, ask=user, failed=denied)
    when = at("09:22:14")
    ask = {"policyArn": POLICY, "setAsDefault": True, "policyDocument": document(EVERYTHING)}
    version = {"versionId": "v2", "isDefaultVersion": True, "createDate": us_text(when)}
    act(who, "iam:CreatePolicyVersion", when, step, ask=ask, answer={"policyVersion": version})
    act(who, "iam:AttachUserPolicy", at("09:23:02"), step, ask=user)


def _leave_ways_back(intruder: Intruder, who: Caller, user: User, *, ids: Ids) -> None:
    act, step = intruder.act, "persistence"
    login = {"userName": user.name, "passwordResetRequired": False}
    made = {"loginProfile": {"userName": user.name, "createDate": us_text(at("09:28:01"))}}
    act(who, "iam:CreateLoginProfile", at("09:28:01"), step, ask=login, answer=made)
    opened = {"roleName": "reporting-admin", "policyDocument": trust({"AWS": _OUTSIDER})}
    act(who, "iam:UpdateAssumeRolePolicy", at("09:29:10"), step, ask=opened)
    role = Role("OrganizationAccountAccess2", ids.unique("AROA", 10))
    act(who, "iam:CreateRole", at("09:30:22"), step, **role_made(role, {"AWS": _OUTSIDER}, at("09:30:22")))
    wide = {"roleName": role.name, "policyName": "all", "policyDocument": document(EVERYTHING)}
    act(who, "iam:PutRolePolicy", at("09:30:50"), step, ask=wide)
    provider = f"arn:aws:iam::{ACCOUNT}:saml-provider/sso2"
    saml: Json = {"name": "sso2", "sAMLMetadataDocument": "<EntityDescriptor entityID='https://idp.example.net'/>"}
    act(who, "iam:CreateSAMLProvider", at("09:31:44"), step, ask=saml, answer={"sAMLProviderArn": provider})
    device = {"userName": "jane", "serialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/jane"}
    denied = access_denied(who, "iam:DeactivateMFADevice", f"arn:aws:iam::{ACCOUNT}:user/jane")
    act(who, "iam:DeactivateMFADevice", at("09:32:30"), step, ask=device, failed=denied)


def _from_another_account(intruder: Intruder, shop: Shop, ids: Ids) -> Caller:
    """The widened trust is used: only this account's half of the call is in the logs, so its caller is a number."""
    stage, role, when = intruder.stage, shop.roles["reporting-admin"], at("09:35:40")
    made = role_session(role, "ops", ids.unique("ASIA"), created=when, kind="assumed_role", hours=1)
    stranger = f"{ids.unique('AROA', 10)}:ci"
    identity: Json = {"type": "AWSAccount", "principalId": stranger, "accountId": PARTNER_ACCOUNT}
    ask = {"roleArn": role.arn, "roleSessionName": "ops", "durationSeconds": 3600}
    extra: Json = {"resources": [role_resource(role)], "sharedEventID": ids.uuid()}
    outsider = Caller(identity, SECOND_HOST, AGENT)
    answer = assumed(made, role, "ops")
    event = intruder.act(outsider, "sts:AssumeRole", when, "persistence", ask=ask, answer=answer, extra=extra)
    stage.truth.credential(made, mint=event, malicious=True)
    text = "the caller is a role of another account, of which these logs have a number and no name."
    stage.truth.decoy("stranger", text, [event], [])
    return caller(made, SECOND_HOST, AGENT)


def _federate(intruder: Intruder, shop: Shop, who: Caller, ids: Ids) -> Caller:
    """A token for 36 hours, which outlives the key that asked for it."""
    stage, when = intruder.stage, at("09:37:15")
    user = User("dev", _key(shop).identity["principalId"])
    made = federated(user, "svc", ids.unique("ASIA"), created=when, hours=36)
    card = {"federatedUserId": f"{ACCOUNT}:svc", "arn": made.principal}
    ask: Json = {"name": "svc", "durationSeconds": 129_600, "policy": document(EVERYTHING)}
    answer: Json = {"credentials": issued(made), "federatedUser": card, "packedPolicySize": 6}
    event = intruder.act(who, "sts:GetFederationToken", when, "persistence", ask=ask, answer=answer)
    stage.truth.credential(made, mint=event, parent=_key(shop).access_key_id, malicious=True)
    return caller(made, SECOND_HOST, AGENT)


def _use(intruder: Intruder, user: Caller, outside: Caller, token: Caller) -> None:
    for who, clock in ((user, "09:33:40"), (outside, "09:36:05"), (token, "09:38:20")):
        when = at(clock)
        intruder.act(who, "sts:GetCallerIdentity", when, "discovery")
        intruder.act(who, "s3:ListBuckets", when + 19, "discovery", ask={"Host": "s3.amazonaws.com"})
        for place in range(4):
            intruder.read(who, "customer-exports", f"2026/10/customers-{place}.csv.gz", when + 30 + 8 * place)


def _detect(stage: Stage, key: Credential, made: Credential) -> None:
    about = guardduty.access_key_resource(key, "dev")
    wider = Finding(
        "PrivilegeEscalation:IAMUser/AnomalousBehavior",
        5.0,
        "An IAM entity invoked CreatePolicyVersion in an unusual way.",
        "APIs commonly used in PrivilegeEscalation tactics were invoked under unusual circumstances.",
        about,
        guardduty.api_call("iam", "CreatePolicyVersion", FIRST_HOST, AGENT),
    )
    staying = Finding(
        "Persistence:IAMUser/AnomalousBehavior",
        5.0,
        "An IAM entity invoked CreateUser in an unusual way.",
        "APIs commonly used in Persistence tactics were invoked under unusual circumstances.",
        about,
        guardduty.api_call("iam", "CreateUser", FIRST_HOST, AGENT),
    )
    sample = Finding(
        "PrivilegeEscalation:IAMUser/AdministrativePermissions",
        5.0,
        "[SAMPLE] GeneratedFindingUserName attached a policy to itself.",
        "GeneratedFindingUserName attempted to assign a highly permissive policy to itself.",
        guardduty.access_key_resource(
            replace(made, access_key_id="GeneratedFindingAccessKeyId"), "GeneratedFindingUserName"
        ),
        guardduty.api_call("iam", "GeneratedFindingAPIName", "198.51.100.0", "GeneratedFindingUserAgent"),
        info={"sample": True},
    )
    sample.resource["accessKeyDetails"]["principalId"] = "GeneratedFindingPrincipalId"
    found(stage, wider, at("09:22:14"), [(at("09:30:20"), 2)], key=key)
    found(stage, staying, at("09:26:10"), [(at("09:34:11"), 5), (at("09:48:12"), 8)], key=key)
    found(stage, sample, at("08:10:00"), [(at("08:12:00"), 1)], malicious=False)


def _decoys(stage: Stage, shop: Shop, runner: Caller, ids: Ids) -> None:
    """The same calls by those who may: a role for a function, a second key from the administrator."""
    call, when = stage.trail.call, at("09:21:05")
    role = Role("prices-exec", ids.unique("AROA", 10), "/service-role/")
    trusted: Json = {"Service": "lambda.amazonaws.com"}
    policy = {"roleName": role.name, "policyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}
    built = [
        call(runner, "iam:CreateRole", when, **role_made(role, trusted, when)),
        call(runner, "iam:AttachRolePolicy", when + 4, ask=policy),
    ]
    stage.truth.decoy("ordinary-role", "the build makes a role that a service may assume.", built, [])
    dev, turned = User("dev", _key(shop).identity["principalId"]), at("10:12:30")
    fresh = replace(user_credential(dev, ids.unique("AKIA")), created=turned)
    mint = call(shop.admin, "iam:CreateAccessKey", turned, **key_made(dev, fresh, turned))
    stage.truth.credential(
        fresh, mint=mint, parent=shop.admin.credential.access_key_id if shop.admin.credential else None
    )
    rotated = [mint]
    own = caller(fresh, OFFICE, DEV_AGENT)
    rotated += [
        call(own, action, turned + 300 + 90 * place) for place, action in enumerate(("s3:ListBuckets", "iam:GetUser"))
    ]
    text = "the administrator gives the developer a second key: made by another, used by the developer, not the intruder's."
    stage.truth.decoy("second-key", text, rotated, [])


SCENARIO = Scenario(
    name="iam-escalation",
    title="Rights widened, ways back left",
    question="How did the developer's key get its rights, which ways back were left, and which keys came of it?",
    run=play,
)
