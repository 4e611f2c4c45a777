"""Who acted, as each source says it: what joins the principals of CloudTrail, and what is nobody of AWS."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics import identity, lineage
from forensics.case import Case
from tests.fresh import fresh_case
from tests.worlds import ACCOUNT, OTHER, Record, add, add_cloudtrail, call, role, service, user

ORDERS = f"arn:aws:iam::{ACCOUNT}:role/service-role/orders-exec"
ORDERS_ID = "AROAEXAMPLEORDERSEXEC"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-exec/orders-fn"
PATHLESS = f"arn:aws:iam::{ACCOUNT}:role/orders-exec"
DEV = f"arn:aws:iam::{ACCOUNT}:user/dev"


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with fresh_case(tmp_path / "case") as made:
        yield made


def orders(**more: Any) -> Record:
    return role("orders-exec", "orders-fn", key="ASIAEXAMPLEORDERS", path="/service-role/", **more)


def found(case: Case, source: str, *records: Record, calls: tuple[Record, ...] = ()) -> list[tuple[Any, ...]]:
    """(kind, principal, session, how) of the records of a source, beside those of CloudTrail."""
    add(case.connection, source, records)
    add_cloudtrail(case.connection, calls)
    return case.sql(
        f'SELECT i.kind, i.principal, i.session, i.how FROM "{source}" AS s'
        " LEFT JOIN identity AS i ON i.identity_key = s.identity_key ORDER BY s.record"
    ).rows()


# GuardDuty


def finding(**details: Any) -> Record:
    return {"id": "f1", "accountId": ACCOUNT, "resource": {"accessKeyDetails": details}}


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"userType": "AssumedRole", "principalId": f"{ORDERS_ID}:orders-fn"}, ("role", ORDERS, SESSION, "unique id")),
        ({"userType": "Role", "principalId": ORDERS_ID}, ("role", ORDERS, None, "unique id")),
        ({"userType": "IAMUser", "principalId": "AIDAEXAMPLEDEV"}, ("user", DEV, None, "unique id")),
        ({"userType": "Root", "principalId": ACCOUNT}, ("root", f"arn:aws:iam::{ACCOUNT}:root", None, "account")),
        ({"userType": "AWSAccount", "principalId": "AIDAEXAMPLEDEV"}, ("user", DEV, None, "unique id")),
        ({"userType": "IAMUser", "principalId": "AIDAEXAMPLEGONE", "userName": "dev"}, ("user", None, None, None)),
        ({"userType": "IAMUser", "userName": "dev"}, ("user", None, None, None)),
        ({}, (None, None, None, None)),
    ],
)
def test_a_finding_names_who_by_the_principal_id_alone(case: Case, details: Record, expected: tuple[Any, ...]) -> None:
    assert found(case, "guardduty", finding(**details), calls=(call(orders()), call(user()))) == [expected]


def test_the_only_actor_of_an_attack_sequence_is_its_principal(case: Case) -> None:
    actors = [{"user": {"uid": f"{ORDERS_ID}:orders-fn", "credentialUid": "ASIAEXAMPLEORDERS"}}]
    sequence = {"id": "s1", "accountId": ACCOUNT, "service": {"detection": {"sequence": {"actors": actors}}}}
    assert found(case, "guardduty", sequence, calls=(call(orders()),)) == [("role", ORDERS, SESSION, "unique id")]


# S3 access logs


@pytest.mark.parametrize(
    ("requester", "expected"),
    [
        (SESSION, ("role", ORDERS, SESSION, "same name")),
        (DEV, ("user", DEV, None, None)),
        ("svc:delivery.logs.amazonaws.com", ("service", "delivery.logs.amazonaws.com", None, None)),
        ("79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be", (None, None, None, None)),
        ("svc:evil.example.com", (None, None, None, None)),
        ("arn:<script>", (None, None, None, None)),
    ],
)
def test_the_requester_of_an_s3_request(case: Case, requester: str, expected: tuple[Any, ...]) -> None:
    assert found(case, "s3_access", {"requester": requester}, calls=(call(orders()), call(user()))) == [expected]


def test_a_session_of_a_role_that_no_other_record_shows_has_no_principal(case: Case) -> None:
    assert found(case, "s3_access", {"requester": SESSION}) == [("role", None, SESSION, None)]


# One name in turn


@pytest.mark.parametrize(
    ("at", "principal"),
    [
        ("07:00:00", ORDERS),
        ("08:30:00", ORDERS),
        ("09:30:00", None),
        ("10:30:00", f"{ORDERS}#AROAEXAMPLESECOND"),
        ("12:00:00", f"{ORDERS}#AROAEXAMPLESECOND"),
    ],
)
def test_a_session_without_unique_id_is_of_the_role_that_bore_the_name_then(
    case: Case, at: str, principal: str | None
) -> None:
    second = orders(uid="AROAEXAMPLESECOND")
    calls = [call(orders(), at="08:00:00"), call(orders(), at="09:00:00")]
    calls += [call(second, at="10:00:00"), call(second, at="11:00:00")]
    rows = found(case, "s3_access", {"requester": SESSION, "time": f"2026-11-05T{at}"}, calls=tuple(calls))
    assert [row[1] for row in rows] == [principal]


@pytest.mark.parametrize(
    ("at", "principal"), [("07:00:00", DEV), ("09:30:00", None), ("10:30:00", f"{DEV}#AIDAEXAMPLESECOND")]
)
def test_a_user_arn_without_unique_id_is_of_the_user_that_bore_it_then(
    case: Case, at: str, principal: str | None
) -> None:
    calls = (call(user(), at="09:00:00"), call(user(uid="AIDAEXAMPLESECOND"), at="10:00:00"))
    rows = found(case, "s3_access", {"requester": DEV, "time": f"2026-11-05T{at}"}, calls=calls)
    assert [row[1] for row in rows] == [principal]


def test_a_mention_without_time_does_not_choose_between_two_of_a_name(case: Case) -> None:
    calls = (call(user(), at="09:00:00"), call(user(uid="AIDAEXAMPLESECOND"), at="10:00:00"))
    assert found(case, "s3_access", {"requester": DEV}, calls=calls) == [("user", None, None, None)]


# EKS


def audit(username: str = "kubernetes-admin", uid: str = "", **extra: str) -> Record:
    members = {name: [value] for name, value in extra.items()}
    return {"user": {"username": username, "uid": uid, "extra": members}}


def vouched(unique_id: str) -> str:
    return f"aws-iam-authenticator:{ACCOUNT}:{unique_id}"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (audit(uid=vouched(ORDERS_ID), arn=SESSION, canonicalArn=PATHLESS), ("role", ORDERS, SESSION, "unique id")),
        (audit(uid=vouched(ORDERS_ID)), ("role", ORDERS, None, "unique id")),
        (audit(principalId=ORDERS_ID), ("role", ORDERS, None, "unique id")),
        (audit(arn=SESSION, canonicalArn=PATHLESS), ("role", ORDERS, SESSION, "same name")),
        (audit(canonicalArn=PATHLESS), ("role", ORDERS, None, "same name")),
        (audit(uid=vouched("AIDAEXAMPLEDEV"), arn=DEV, canonicalArn=DEV), ("user", DEV, None, None)),
        (audit("system:node:ip-10-0-0-9", uid=vouched(ORDERS_ID), arn=SESSION), ("role", ORDERS, SESSION, "unique id")),
        (audit("system:serviceaccount:pay:api", "5e44"), ("kubernetes_service_account", None, None, None)),
        (audit("system:kube-scheduler"), ("kubernetes_user", None, None, None)),
        ({}, (None, None, None, None)),
        ({"user": ["x"]}, (None, None, None, None)),
    ],
)
def test_the_user_of_a_cluster(case: Case, record: Record, expected: tuple[Any, ...]) -> None:
    assert found(case, "eks_audit", record, calls=(call(orders()), call(user()))) == [expected]


def test_an_arn_without_path_is_kept_where_no_record_shows_the_role(case: Case) -> None:
    row = ("role", PATHLESS, SESSION, "path not recorded")
    assert found(case, "eks_audit", audit(uid=vouched(ORDERS_ID), arn=SESSION, canonicalArn=PATHLESS)) == [row]


def test_an_arn_without_path_of_another_unique_id_is_not_the_role_of_that_name(case: Case) -> None:
    record = audit(uid=vouched("AROAEXAMPLESTRANGER"), arn=SESSION, canonicalArn=PATHLESS)
    assert found(case, "eks_audit", record, calls=(call(orders()),)) == [("role", None, SESSION, None)]


def test_an_arn_without_path_stands_beside_another_role_of_its_unique_id(case: Case) -> None:
    pathless = f"arn:aws:iam::{ACCOUNT}:role/dev"
    record = {"arn": pathless, "uid": vouched(ORDERS_ID)}
    rows = found(case, "eks_authenticator", record, calls=(call(orders()),))
    assert rows == [("role", pathless, None, "path not recorded")]


@pytest.mark.parametrize("uid", [ORDERS_ID, "AROAEXAMPLESTRANGER"])
def test_the_authenticator_names_a_role_without_its_path(case: Case, uid: str) -> None:
    record = {"arn": PATHLESS, "uid": vouched(uid)}
    principal = ORDERS if uid == ORDERS_ID else None
    rows = found(case, "eks_authenticator", record, calls=(call(orders()),))
    assert [row[:2] for row in rows] == [("role", principal)]


# Security Hub, OCSF, API Gateway, Insights


def in_asff(**details: Any) -> Record:
    resource = {"Type": "AwsIamAccessKey", "Id": "AWS::IAM::AccessKey:ASIAEXAMPLE", "Details": {}}
    return {"AwsAccountId": ACCOUNT, "Resources": [resource | {"Details": {"AwsIamAccessKey": details}}]}


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"PrincipalType": "Role", "PrincipalId": f"{ORDERS_ID}:orders-fn"}, ("role", ORDERS, SESSION, "unique id")),
        ({"PrincipalType": "IAMUser", "PrincipalId": "AIDAEXAMPLEDEV"}, ("user", DEV, None, "unique id")),
        ({"PrincipalType": "IAMUser", "PrincipalName": "dev"}, ("user", None, None, None)),
        (
            {"PrincipalType": "AssumedRole", "SessionContext": {"SessionIssuer": {"Arn": ORDERS}}},
            ("role", ORDERS, None, None),
        ),
        ({"PrincipalId": ["x"]}, (None, None, None, None)),
    ],
)
def test_the_access_key_of_a_security_hub_finding(case: Case, details: Record, expected: tuple[Any, ...]) -> None:
    assert found(case, "security_hub", in_asff(**details), calls=(call(orders()), call(user()))) == [expected]


def test_access_keys_of_two_principals_name_none(case: Case) -> None:
    both = in_asff(PrincipalType="IAMUser", PrincipalId="AIDAEXAMPLEDEV")
    both["Resources"] += in_asff(PrincipalType="IAMUser", PrincipalId="AIDAEXAMPLEEVE")["Resources"]
    assert found(case, "security_hub", both, calls=(call(user()),)) == [("user", None, None, None)]


def test_a_finding_is_no_act_of_its_principal(case: Case) -> None:
    record = in_asff(PrincipalType="IAMUser", PrincipalId="AIDAEXAMPLEDEV") | {"FirstObservedAt": "2026-11-05T01:00:00"}
    found(case, "security_hub", record, calls=(call(user()),))
    assert case.sql("SELECT hour(first_seen), hour(last_seen) FROM principal").rows() == [(9, 9)]


def in_ocsf(class_uid: int = 6003, **actor: Any) -> Record:
    return {"class_uid": class_uid, "time": "2026-11-05T08:00:00", "actor": actor}


OF_ROLE = {"type": "AssumedRole", "uid": SESSION, "uid_alt": f"{ORDERS_ID}:orders-fn", "account": {"uid": ACCOUNT}}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (in_ocsf(user=OF_ROLE, session={"issuer": ORDERS}), ("role", ORDERS, SESSION, None)),
        (in_ocsf(user={"type": "IAMUser", "uid": DEV, "uuid": "AIDAEXAMPLEDEV"}), ("user", DEV, None, None)),
        (
            in_ocsf(user={"type": "AWSService"}, invoked_by="a.amazonaws.com"),
            ("service", "a.amazonaws.com", None, None),
        ),
        (in_ocsf(4001, user=OF_ROLE, session={"issuer": ORDERS}), (None, None, None, None)),
        (in_ocsf(user={"type": "User", "uid": "jane"}), (None, None, None, None)),
        (in_ocsf(user=["x"], session="y"), (None, None, None, None)),
    ],
)
def test_the_actor_of_an_ocsf_event(case: Case, record: Record, expected: tuple[Any, ...]) -> None:
    assert found(case, "ocsf", record) == [expected]


def test_an_ocsf_finding_is_no_act_and_an_api_call_is(case: Case) -> None:
    sound = {"user": {"type": "IAMUser", "uid": DEV}}
    found(case, "ocsf", in_ocsf(**sound), in_ocsf(2004, **sound) | {"time": "2026-11-05T06:00:00"})
    assert case.sql("SELECT hour(first_seen) FROM principal").rows() == [(8,)]


def test_a_key_that_an_ocsf_finding_names_was_not_used_then(case: Case) -> None:
    sound = {"user": {"type": "IAMUser", "uid": DEV, "credential_uid": "AKIAEXAMPLEDEV"}}
    found(case, "ocsf", in_ocsf(**sound), in_ocsf(2004, **sound) | {"time": "2026-11-05T06:00:00"})
    lineage.resolve(case.connection)
    assert case.sql("SELECT access_key_id, hour(first_used), hour(last_used) FROM credential").rows() == [
        ("AKIAEXAMPLEDEV", 8, 8)
    ]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"userArn": SESSION, "caller": f"{ORDERS_ID}:orders-fn"}, ("role", ORDERS, SESSION, "unique id")),
        ({"user": f"{ORDERS_ID}:orders-fn"}, ("role", ORDERS, SESSION, "unique id")),
        ({"userArn": DEV, "caller": "AIDAEXAMPLEDEV"}, ("user", DEV, None, None)),
        ({"caller": "-", "user": "ALICE", "authorizerPrincipalId": DEV}, (None, None, None, None)),
    ],
)
def test_who_signed_a_request_to_an_api(case: Case, record: Record, expected: tuple[Any, ...]) -> None:
    assert found(case, "api_gateway", record, calls=(call(orders()),)) == [expected]


def insight(*arns: str) -> Record:
    values = [{"value": arn, "average": 2.0} for arn in arns]
    attributions = [
        {"attribute": "userIdentityArn", "insight": values, "baseline": []},
        {"attribute": "userAgent", "insight": [{"value": DEV, "average": 1.0}]},
    ]
    return {"insightDetails": {"state": "Start", "insightContext": {"attributions": attributions}}}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (insight(DEV), ("user", DEV, None, None)),
        (insight(SESSION), ("role", ORDERS, SESSION, "same name")),
        (insight(f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-exec"), ("role", ORDERS, None, "same name")),
        (insight(f"arn:aws:sts::{ACCOUNT}:assumed-role/other"), ("role", None, None, None)),
        (insight(DEV, SESSION), (None, None, None, None)),
        (insight("null"), (None, None, None, None)),
        ({"insightDetails": ["x"]}, (None, None, None, None)),
    ],
)
def test_an_insight_is_somebodys_where_it_is_put_down_to_one(
    case: Case, record: Record, expected: tuple[Any, ...]
) -> None:
    assert found(case, "cloudtrail_insight", record, calls=(call(orders()),)) == [expected]


# Network activity events, roots, and what the records of CloudTrail cannot mean


def test_a_caller_of_a_network_activity_event_is_explained_like_any_other(case: Case) -> None:
    caller = {"type": "AWSAccount", "principalId": f"{ORDERS_ID}:orders-fn", "accountId": ACCOUNT}
    event = call(caller, "s3:GetObject", eventCategory="NetworkActivity", eventType="AwsVpceEvent")
    rows = found(case, "cloudtrail", event, calls=(call(orders()),))
    assert rows[0] == ("role", ORDERS, SESSION, "unique id")


def test_a_root_without_arn_is_of_the_partition_that_its_account_is_in(case: Case) -> None:
    root = {"type": "Root", "principalId": OTHER, "accountId": OTHER}
    ours = {"type": "IAMUser", "arn": f"arn:aws-us-gov:iam::{OTHER}:user/x", "principalId": "AIDAEXAMPLEX"}
    rows = found(case, "cloudtrail", call(root), calls=(call(ours),))
    assert ("root", f"arn:aws-us-gov:iam::{OTHER}:root", None, "account") in rows


def test_two_roles_under_one_unique_id_stay_two(case: Case) -> None:
    other = role("billing", "b", key="ASIAEXAMPLE2", uid=ORDERS_ID)
    rows = found(case, "cloudtrail", call(orders()), call(other))
    assert [row[1] for row in rows] == [ORDERS, f"arn:aws:iam::{ACCOUNT}:role/billing"]


def test_a_unique_id_under_two_role_arns_explains_nobody_else(case: Case) -> None:
    other = role("billing", "b", key="ASIAEXAMPLE2", uid=ORDERS_ID)
    theirs = {"type": "AWSAccount", "principalId": f"{ORDERS_ID}:x", "accountId": ACCOUNT}
    assert found(case, "cloudtrail", call(orders()), call(other), call(theirs))[-1][1] is None


def test_a_directory_user_has_a_kind_and_no_principal(case: Case) -> None:
    record = call({"type": "Directory", "principalId": "d-1234567890", "accountId": ACCOUNT})
    assert found(case, "cloudtrail", record) == [("directory_user", None, None, None)]


@pytest.mark.parametrize("who", [None, [], "x", {"type": {}}, {"type": 7, "arn": ["x"], "principalId": {"a": 1}}])
def test_identities_of_any_shape_do_no_harm(case: Case, who: Any) -> None:
    record = call(service("a.amazonaws.com")) | {"userIdentity": who}
    text = json.loads(json.dumps(record), parse_int=str)
    assert len(found(case, "cloudtrail", _as_text(text))) == 1


def _as_text(record: Record) -> Record:
    """What the loader makes of members that are no text: text."""
    who = record["userIdentity"]
    if isinstance(who, dict):
        record["userIdentity"] = {
            name: held if isinstance(held, str) else json.dumps(held) for name, held in who.items()
        }
    return record


def test_sources_in_any_order_give_the_same_principals(tmp_path: Path) -> None:
    rows = []
    loads: list[tuple[str, list[Record]]] = [
        ("eks_audit", [audit(uid=vouched(ORDERS_ID), arn=SESSION, canonicalArn=PATHLESS)]),
        ("s3_access", [{"requester": SESSION, "time": "2026-11-05T09:00:00"}]),
        ("cloudtrail", [call(orders()), call(user())]),
        ("guardduty", [finding(userType="AssumedRole", principalId=f"{ORDERS_ID}:orders-fn")]),
    ]
    for name, order in (("one", 1), ("two", -1)):
        with Case.create(tmp_path / name) as case:
            for source, records in loads[::order]:
                add(case.connection, source, records)
                identity.resolve(case.connection)
            rows.append(sorted(map(str, case.sql("FROM identity").rows())))
    assert rows[0] == rows[1]
