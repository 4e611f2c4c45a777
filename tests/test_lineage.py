"""Credentials: who issued each, what came of it, and what it is where no issuance is in evidence."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from forensics import ancestry, lineage
from forensics.case import Case
from tests.fresh import fresh_case
from tests.worlds import OTHER, Record, add, add_cloudtrail, assume, call, credentials, role, service, user

ROLE = "arn:aws:iam::111122223333:role/"
SESSION = "arn:aws:sts::111122223333:assumed-role/"
DEV = "arn:aws:iam::111122223333:user/dev"
LAMBDA = service("lambda.amazonaws.com")


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with fresh_case(tmp_path / "case") as made:
        yield made


def session(name: str, key: str, **more: Any) -> Record:
    return role(name, f"{name}-1", key=key, **more)


def chained(*names: str) -> list[Record]:
    """A service opens a session of the first role, which assumes the next…; keys are ASIAEXAMPLE1, 2, …"""
    records = [assume(LAMBDA, names[0], f"{names[0]}-1", key="ASIAEXAMPLE1", at="08:00:00")]
    for place, (name, following) in enumerate(pairwise(names), 1):
        who = session(name, f"ASIAEXAMPLE{place}")
        to = {"key": f"ASIAEXAMPLE{place + 1}", "at": f"08:{place:02}:00"}
        records.append(assume(who, following, f"{following}-1", **to))
    return records


def one(case: Case, columns: str, key: str = "ASIAEXAMPLE1") -> tuple[Any, ...]:
    (row,) = case.sql(f"SELECT {columns} FROM credential WHERE access_key_id = $1", [key]).rows()
    return row


def ancestors(case: Case, key: str) -> list[tuple[Any, ...]]:
    columns = "ancestor_access_key_id, ancestor_principal, hops"
    return case.sql(f"SELECT {columns} FROM lineage WHERE access_key_id = $1 ORDER BY hops", [key]).rows()


def test_a_key_carries_the_facts_of_its_issuance(case: Case) -> None:
    issued = assume(user(), "admin", "ops", key="ASIAEXAMPLE1", at="08:00:00")
    add_cloudtrail(case.connection, [issued, call(role("admin", "ops", key="ASIAEXAMPLE1"), at="08:10:00")])
    used = datetime(2026, 11, 5, 8, 10)
    assert one(case, "*") == (
        *("ASIAEXAMPLE1", "temporary", ROLE + "admin", SESSION + "admin/ops"),
        *(datetime(2026, 11, 5, 8), datetime(2026, 11, 5, 20), DEV, "AKIAEXAMPLEDEV", "mint-ASIAEXAMPLE1"),
        *(used, used, None, None, None, None, "recorded", None, None),
    )


def test_a_key_never_used_is_known_from_its_issuance(case: Case) -> None:
    issued = assume(LAMBDA, "orders-exec", "orders-fn", key="ASIAEXAMPLE1", at="08:00:00", path="/service-role/")
    add_cloudtrail(case.connection, [issued])
    principal, held = ROLE + "service-role/orders-exec", SESSION + "orders-exec/orders-fn"
    assert one(case, "principal, session, first_used") == (principal, held, None)


@pytest.mark.parametrize(
    "expiration",
    [
        "Nov 5, 2026, 8:55:02 PM",
        "Nov 5, 2026 8:55:02 PM",
        "Nov 5, 2026, 8:55:02\u202fPM",
        "2026-11-05T20:55:02Z",
    ],
)
def test_expiry_is_read_in_each_form(case: Case, expiration: str) -> None:
    answer = {"credentials": credentials("ASIAEXAMPLE1", expiration)}
    add_cloudtrail(case.connection, [call(user(), "sts:GetSessionToken", responseElements=answer)])
    assert one(case, "expires_at") == (datetime(2026, 11, 5, 20, 55, 2),)


def test_a_denied_issuance_issues_nothing(case: Case) -> None:
    add_cloudtrail(
        case.connection,
        [assume(user(), "admin", "x", key="ASIAEXAMPLE1", at="08:00:00", errorCode="AccessDenied")],
    )
    assert case.sql("SELECT access_key_id FROM credential").rows() == [("AKIAEXAMPLEDEV",)]


def test_a_session_token_belongs_to_the_user(case: Case) -> None:
    answer = {"credentials": credentials("ASIAEXAMPLE1")}
    add_cloudtrail(case.connection, [call(user(), "sts:GetSessionToken", responseElements=answer)])
    assert one(case, "principal, session, issued_by_access_key_id") == (DEV, None, "AKIAEXAMPLEDEV")


def test_a_federation_token_belongs_to_the_federated_user(case: Case) -> None:
    arn = "arn:aws:sts::111122223333:federated-user/svc"
    answer = {"credentials": credentials("ASIAEXAMPLE1"), "federatedUser": {"arn": arn}}
    add_cloudtrail(case.connection, [call(user(), "sts:GetFederationToken", responseElements=answer)])
    assert one(case, "principal, session, issued_by_principal") == (arn, arn, DEV)


def test_an_assumed_root_key_belongs_to_root_of_the_member_account(case: Case) -> None:
    more: Record = {"requestParameters": {"targetPrincipal": OTHER}}
    more["responseElements"] = {"credentials": credentials("ASIAEXAMPLE1")}
    add_cloudtrail(case.connection, [call(user(), "sts:AssumeRoot", **more)])
    assert one(case, "principal") == ("arn:aws:iam::444455556666:root",)


def test_a_created_key_belongs_to_the_user_it_was_created_for(case: Case) -> None:
    made = {"user": {"arn": "arn:aws:iam::111122223333:user/team/eve", "userId": "AIDAEXAMPLEEVE"}}
    create = call(user(), "iam:CreateUser", at="08:00:00", responseElements=made)
    answer = {"accessKey": {"userName": "eve", "accessKeyId": "AKIAEXAMPLEEVE"}}
    key = call(user(), "iam:CreateAccessKey", at="08:01:00", responseElements=answer)
    add_cloudtrail(case.connection, [create, key])
    principal = "arn:aws:iam::111122223333:user/team/eve"
    assert one(case, "kind, principal", "AKIAEXAMPLEEVE") == ("long_term", principal)
    assert ancestors(case, "AKIAEXAMPLEEVE") == [("AKIAEXAMPLEDEV", DEV, 1)]


def test_a_created_key_of_an_unseen_user_has_no_principal(case: Case) -> None:
    answer = {"accessKey": {"userName": "eve", "accessKeyId": "AKIAEXAMPLEEVE"}}
    add_cloudtrail(case.connection, [call(user(), "iam:CreateAccessKey", responseElements=answer)])
    assert one(case, "principal", "AKIAEXAMPLEEVE") == (None,)


def test_every_ancestor_is_listed_up_to_the_service(case: Case) -> None:
    add_cloudtrail(case.connection, chained("a", "b", "c"))
    assert ancestors(case, "ASIAEXAMPLE3") == [
        ("ASIAEXAMPLE2", ROLE + "b", 1),
        ("ASIAEXAMPLE1", ROLE + "a", 2),
        (None, "lambda.amazonaws.com", 3),
    ]


def test_the_order_of_arrival_does_not_matter(tmp_path: Path) -> None:
    tables = []
    for name, order in (("one", 1), ("two", -1)):
        with Case.create(tmp_path / name) as case:
            add_cloudtrail(case.connection, chained("a", "b", "c", "d")[::order])
            tables.append([case.sql(f"FROM {table} ORDER BY ALL").rows() for table in ("credential", "lineage")])
    assert tables[0] == tables[1]


def test_a_cycle_ends(case: Case) -> None:
    there = assume(session("a", "ASIAEXAMPLE1"), "b", "b-1", key="ASIAEXAMPLE2", at="08:00:00")
    back = assume(session("b", "ASIAEXAMPLE2"), "a", "a-1", key="ASIAEXAMPLE1", at="08:01:00")
    add_cloudtrail(case.connection, [there, back])
    assert ancestors(case, "ASIAEXAMPLE1") == [("ASIAEXAMPLE2", ROLE + "b", 1)]
    assert ancestors(case, "ASIAEXAMPLE2") == [("ASIAEXAMPLE1", ROLE + "a", 1)]


def test_a_chain_is_followed_for_so_many_hops(case: Case) -> None:
    add_cloudtrail(case.connection, chained(*(f"r{place}" for place in range(40))))
    assert max(hops for _, _, hops in ancestors(case, "ASIAEXAMPLE40")) == ancestry.MAX_HOPS == 32


def test_a_key_that_issued_itself_has_no_ancestor(case: Case) -> None:
    add_cloudtrail(
        case.connection, [assume(session("a", "ASIAEXAMPLE1"), "a", "a-1", key="ASIAEXAMPLE1", at="08:00:00")]
    )
    assert ancestors(case, "ASIAEXAMPLE1") == []


def test_a_web_identity_ends_the_chain_without_a_principal(case: Case) -> None:
    pod = {"type": "WebIdentityUser", "userName": "system:serviceaccount:pay:api"}
    issued = assume(pod, "pay-api", "botocore", key="ASIAEXAMPLE1", at="08:00:00")
    add_cloudtrail(case.connection, [issued | {"eventName": "AssumeRoleWithWebIdentity"}])
    assert one(case, "issued_by_principal, issuance_event_id") == (None, "mint-ASIAEXAMPLE1")
    assert ancestors(case, "ASIAEXAMPLE1") == [(None, None, 1)]


def test_a_key_without_issuance_has_no_lineage_but_ends_others(case: Case) -> None:
    add_cloudtrail(case.connection, [assume(user(), "admin", "x", key="ASIAEXAMPLE1", at="08:00:00")])
    assert ancestors(case, "AKIAEXAMPLEDEV") == []
    assert ancestors(case, "ASIAEXAMPLE1") == [("AKIAEXAMPLEDEV", DEV, 1)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_cross_account_issuance_cites_the_callers_record(case: Case, order: int) -> None:
    caller = role("ci", "ci-1", key="ASIAEXAMPLECI", account=OTHER)
    ours = assume(caller, "partner", "ops", key="ASIAEXAMPLE1", at="08:00:00", sharedEventID="s", eventID="z-caller")
    theirs = ours | {"userIdentity": {"type": "AWSAccount", "principalId": "AROAEXAMPLECI:ci-1", "accountId": OTHER}}
    theirs |= {"eventID": "a-owner", "recipientAccountId": "111122223333"}
    add_cloudtrail(case.connection, [ours | {"responseElements": None}, theirs][::order])
    found = one(case, "issued_by_principal, issued_by_access_key_id, issuance_event_id, session")
    issuer = "arn:aws:iam::444455556666:role/ci"
    assert found == (issuer, "ASIAEXAMPLECI", "z-caller", SESSION + "partner/ops")


def test_copies_of_an_issuance_are_one(case: Case) -> None:
    add_cloudtrail(case.connection, chained("a", "b") * 2)
    assert case.sql("SELECT count(*) FROM credential").rows() == [(2,)]
    assert case.sql("SELECT count(*) FROM lineage").rows() == [(3,)]


def test_a_finding_names_a_key_but_does_not_use_it(case: Case) -> None:
    details = {"accessKeyId": "ASIAEXAMPLE9", "principalId": "AROAEXAMPLEA:a-1", "userType": "AssumedRole"}
    add(case.connection, "guardduty", [{"id": "f", "resource": {"accessKeyDetails": details}}])
    add_cloudtrail(case.connection, [call(session("a", "ASIAEXAMPLE1"))])
    found = one(case, "principal, session, first_used, class", "ASIAEXAMPLE9")
    assert found == (ROLE + "a", SESSION + "a/a-1", None, "unknown")


def test_a_sample_findings_key_is_none(case: Case) -> None:
    sample = {"id": "f", "resource": {"accessKeyDetails": {"accessKeyId": "GeneratedFindingAccessKeyId"}}}
    add(case.connection, "guardduty", [sample])
    add_cloudtrail(case.connection, [])
    assert case.sql("FROM credential").rows() == []


def test_a_masked_key_of_several_principals_belongs_to_none(case: Case) -> None:
    masked = [call(session(name, "ASIA********")) for name in ("a", "b")]
    add_cloudtrail(case.connection, masked)
    assert one(case, "principal, session", "ASIA********") == (None, None)


@pytest.mark.parametrize(
    ("who", "more", "expected"),
    [
        (user(key="ASIAEXAMPLE1") | {"invokedBy": "kms.amazonaws.com"}, {}, "forward_access"),
        (session("a", "ASIAEXAMPLE1") | {"invokedBy": "athena.amazonaws.com"}, {}, "forward_access"),
        (user(key="ASIAEXAMPLE1") | {"invokedBy": "signin.amazonaws.com"}, {}, "console"),
        (user(key="ASIAEXAMPLE1"), {"sessionCredentialFromConsole": "true"}, "console"),
        (user(key="ASIAEXAMPLE1"), {"userAgent": "[Mozilla/5.0 (X11; Linux x86_64)]"}, "console"),
        (session("a", "ASIAEXAMPLE1", path="/aws-service-role/ecs.amazonaws.com/"), {}, "service_linked"),
        (role("web", "i-0abc123def4567890", key="ASIAEXAMPLE1"), {}, "workload"),
        (role("task", "0123456789abcdef0123456789abcdef", key="ASIAEXAMPLE1"), {}, "workload"),
        (
            role("fn", "fn", key="ASIAEXAMPLE1") | {"inScopeOf": {"credentialsIssuedTo": "arn:x"}},
            {},
            "workload",
        ),
        (session("a", "ASIAEXAMPLE1"), {"userAgent": "aws-cli/2.17.0"}, "before_logs"),
    ],
)
def test_a_key_without_issuance_is_classified(case: Case, who: Record, more: Record, expected: str) -> None:
    add_cloudtrail(case.connection, [call(who, **more)])
    assert one(case, "class") == (expected,)


def test_a_session_begun_by_a_console_login_is_the_consoles(case: Case) -> None:
    nobody = {name: value for name, value in user().items() if name != "accessKeyId"}
    login = call(nobody, "signin:ConsoleLogin", at="08:00:00", responseElements={"ConsoleLogin": "Success"})
    begun = {"sessionContext": {"attributes": {"creationDate": "2026-11-05T08:00:00Z"}}}
    keys = [call(user(key=f"ASIAEXAMPLE{place}") | begun) for place in range(3)]
    add_cloudtrail(case.connection, [login, *keys])
    assert case.sql("SELECT DISTINCT class, session_created_at FROM credential").rows() == [
        ("console", datetime(2026, 11, 5, 8))
    ]


def test_the_class_is_left_out_where_the_issuance_is_in_evidence(case: Case) -> None:
    spoofed = assume(user(), "web", "i-0abc123def4567890", key="ASIAEXAMPLE1", at="08:00:00")
    add_cloudtrail(case.connection, [spoofed, call(role("web", "i-0abc123def4567890", key="ASIAEXAMPLE1"))])
    assert one(case, "class, issued_by_principal") == (None, DEV)


def test_no_session_token_is_stored(case: Case) -> None:
    add_cloudtrail(case.connection, chained("a", "b"))
    assert "SECRETTOKEN" not in str([case.sql(f"FROM {table}").rows() for table in ("credential", "lineage", "event")])


def test_a_chain_is_told_in_both_directions(case: Case) -> None:
    add_cloudtrail(case.connection, chained("a", "b", "c"))
    rows = lineage.chain(case, "ASIAEXAMPLE2").rows()
    assert [row[:4] for row in rows] == [
        ("ASIAEXAMPLE1", "ancestor", 1, ROLE + "a"),
        (None, "ancestor", 2, "lambda.amazonaws.com"),
        ("ASIAEXAMPLE3", "descendant", 1, ROLE + "c"),
    ]
    assert rows[2][4:] == (SESSION + "c/c-1", datetime(2026, 11, 5, 8, 2), "mint-ASIAEXAMPLE3")
