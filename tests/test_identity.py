"""Who acted: each shape of identity, names used twice, and identities that only another record explains."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from forensics import identity
from forensics.case import Case
from forensics.errors import AmbiguousName, UnknownName
from tests.fresh import fresh_case
from tests.worlds import OTHER, Record, add, add_cloudtrail, assume, call, role, service, user

ORDERS = "arn:aws:iam::111122223333:role/service-role/orders-exec"
ORDERS_SESSION = "arn:aws:sts::111122223333:assumed-role/orders-exec/orders-fn"
DEV = "arn:aws:iam::111122223333:user/dev"
ACCOUNT_SIDE = {"type": "AWSAccount", "accountId": OTHER}


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with fresh_case(tmp_path / "case") as made:
        yield made


def orders(session: str = "orders-fn", **more: Any) -> Record:
    return role("orders-exec", session, key="ASIAEXAMPLEORDERS", path="/service-role/", **more)


def bare(who: Record) -> Record:
    """The same identity without the context that gives the role's path, nor the unique id."""
    return {name: value for name, value in who.items() if name not in ("sessionContext", "principalId")}


def resolved(case: Case, *records: Record) -> list[tuple[Any, ...]]:
    add_cloudtrail(case.connection, records)
    return case.sql("SELECT kind, principal, session, how FROM identity ORDER BY principal, session, how").rows()


def finding(principal_id: str, **more: str) -> Record:
    details = {
        "accessKeyId": "ASIAEXAMPLEFOUND",
        "principalId": principal_id,
        "userType": "AssumedRole",
    } | more
    return {"id": "f1", "accountId": "111122223333", "resource": {"accessKeyDetails": details}}


def test_a_role_session_is_the_role_with_its_path(case: Case) -> None:
    assert resolved(case, call(orders())) == [("role", ORDERS, ORDERS_SESSION, None)]


@pytest.mark.parametrize(
    ("who", "kind", "principal"),
    [
        (user(path="/team/"), "user", "arn:aws:iam::111122223333:user/team/dev"),
        (user(key="ASIAEXAMPLESESSIONTOKEN"), "user", DEV),
        (user() | {"type": "User"}, "user", DEV),
        (
            {"type": "Root", "accountId": OTHER, "principalId": OTHER},
            "root",
            "arn:aws:iam::444455556666:root",
        ),
        (service("lambda.amazonaws.com"), "service", "lambda.amazonaws.com"),
        ({"accountId": OTHER, "invokedBy": "ec2.amazonaws.com"}, "service", "ec2.amazonaws.com"),
        ({"type": "SAMLUser", "principalId": "idp:jane", "userName": "jane"}, "saml_user", None),
        ({"type": "WebIdentityUser", "userName": "system:serviceaccount:pay:api"}, "web_identity_user", None),
        ({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}}, "identity_center_user", None),
        ({"type": "Unknown", "onBehalfOf": {"userId": "u-1"}}, "identity_center_user", None),
        ({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}, "anonymous", None),
        (ACCOUNT_SIDE | {"principalId": "AROAEXAMPLENOBODY:ci"}, "account", None),
        ({"type": "IAMUser", "accountId": OTHER, "userName": "dev"}, "user", None),
        ({}, None, None),
    ],
)
def test_each_shape_of_identity(case: Case, who: Record, kind: str | None, principal: str | None) -> None:
    assert [row[:2] for row in resolved(case, call(who))] == [(kind, principal)]


def test_an_assumed_root_session_is_root_of_the_member_account(case: Case) -> None:
    root: Record = {
        "type": "Root",
        "principalId": OTHER,
        "accountId": OTHER,
        "arn": "arn:aws-cn:iam::444455556666:root",
    }
    root |= {"accessKeyId": "ASIAEXAMPLEROOT", "sessionContext": {"assumedRoot": "true"}}
    assert resolved(case, call(root)) == [("root", "arn:aws-cn:iam::444455556666:root", None, None)]


def test_a_federated_user_is_its_own_session(case: Case) -> None:
    arn = "arn:aws:sts::111122223333:federated-user/svc"
    issuer = {"type": "IAMUser", "principalId": "AIDAEXAMPLEDEV", "arn": DEV, "accountId": "111122223333"}
    who: Record = {"type": "FederatedUser", "principalId": "111122223333:svc", "arn": arn}
    who |= {"accountId": "111122223333", "sessionContext": {"sessionIssuer": issuer}}
    assert resolved(case, call(who)) == [("federated_user", arn, arn, None)]


def test_a_pseudo_role_is_split_on_the_last_colon(case: Case) -> None:
    who = role("aws:ec2-instance", "i-0abc123def4567890", key="ASIAEXAMPLEI", uid="111122223333:aws:ec2-instance")
    del who["sessionContext"]["sessionIssuer"]["principalId"]
    add_cloudtrail(case.connection, [call(who)])
    assert case.sql("SELECT unique_id FROM identity").rows() == [("111122223333:aws:ec2-instance",)]


def test_a_call_on_behalf_is_still_the_users(case: Case) -> None:
    who = user(key="ASIAEXAMPLEFAS") | {"invokedBy": "secretsmanager.amazonaws.com"}
    assert resolved(case, call(who, "kms:Decrypt")) == [("user", DEV, None, None)]


def test_the_other_accounts_side_is_explained_by_the_unique_id(case: Case) -> None:
    ours = call(orders("ci"), "sts:GetCallerIdentity")
    theirs = call(ACCOUNT_SIDE | {"principalId": "AROAEXAMPLEORDERSEXEC:ci"}, recipientAccountId=OTHER)
    session = "arn:aws:sts::111122223333:assumed-role/orders-exec/ci"
    assert resolved(case, theirs, ours) == [
        ("role", ORDERS, session, "unique id"),
        ("role", ORDERS, session, None),
    ]


def test_an_identity_without_an_id_is_explained_by_the_shared_event(case: Case) -> None:
    ours = call(user(), "s3:GetObject", sharedEventID="shared-1")
    theirs = call(ACCOUNT_SIDE, "s3:GetObject", sharedEventID="shared-1", eventID="theirs-1")
    assert resolved(case, ours, theirs) == [("user", DEV, None, "sharedEventID"), ("user", DEV, None, None)]


def test_one_unexplained_record_leaves_an_identity_without_an_id_unresolved(case: Case) -> None:
    ours = call(user(), "s3:GetObject", sharedEventID="shared-1")
    theirs = [call(ACCOUNT_SIDE, sharedEventID=shared, eventID=shared) for shared in ("shared-1", "shared-2")]
    assert resolved(case, ours, *theirs) == [("user", DEV, None, None), ("account", None, None, None)]


def test_two_explanations_of_an_identity_without_an_id_leave_it_unresolved(case: Case) -> None:
    ours = [call(user(), sharedEventID="shared-1"), call(orders(), sharedEventID="shared-2")]
    theirs = [call(ACCOUNT_SIDE, sharedEventID=shared, eventID=shared) for shared in ("shared-1", "shared-2")]
    assert resolved(case, *ours, *theirs)[-1] == ("account", None, None, None)


def test_a_finding_is_explained_by_the_unique_id_and_is_not_an_act(case: Case) -> None:
    add(case.connection, "guardduty", [finding("AROAEXAMPLEORDERSEXEC:orders-fn", userName="orders-exec")])
    resolved(
        case,
        assume(user(), "orders-exec", "orders-fn", key="ASIAEXAMPLE1", at="08:00:00", path="/service-role/"),
    )
    found = case.sql("SELECT principal, session, how FROM identity WHERE unique_id = 'AROAEXAMPLEORDERSEXEC'").rows()
    assert found == [(ORDERS, ORDERS_SESSION, "unique id")]
    assert case.sql("SELECT first_seen FROM principal WHERE principal = $1", [ORDERS]).rows() == [(None,)]


def test_nothing_is_built_from_the_names_in_a_finding(case: Case) -> None:
    add(case.connection, "guardduty", [finding("AROAEXAMPLEUNSEEN:orders-fn", userName="orders-exec")])
    assert ("role", None, None, None) in resolved(case, call(orders()))


def test_a_session_without_the_path_takes_the_only_role_of_that_name(case: Case) -> None:
    rows = resolved(case, call(orders()), call(bare(orders("other"))))
    assert rows[1] == (
        "role",
        ORDERS,
        "arn:aws:sts::111122223333:assumed-role/orders-exec/other",
        "same name",
    )


def test_a_session_without_the_path_has_no_principal_when_two_roles_carry_the_name(case: Case) -> None:
    second = role("orders-exec", "b", key="ASIAEXAMPLE2", uid="AROAEXAMPLESECOND", path="/other/")
    rows = resolved(case, call(orders()), call(second), call(bare(orders("x"))))
    assert rows[-1] == ("role", None, "arn:aws:sts::111122223333:assumed-role/orders-exec/x", None)


def test_a_session_with_another_unique_id_is_not_the_role_of_the_same_name(case: Case) -> None:
    stranger = bare(orders("x")) | {"principalId": "AROAEXAMPLESTRANGER:x"}
    assert resolved(case, call(orders()), call(stranger))[-1][1] is None


def test_a_session_without_any_role_arn_in_evidence_has_no_principal(case: Case) -> None:
    assert resolved(case, call(bare(orders()))) == [("role", None, ORDERS_SESSION, None)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_later_role_of_the_same_arn_is_told_apart_by_its_unique_id(case: Case, order: int) -> None:
    first = call(orders(uid="AROAEXAMPLEZFIRST"), at="08:00:00")
    second = call(orders(uid="AROAEXAMPLEASECOND"), at="09:00:00")
    rows = resolved(case, *[first, second][::order])
    assert [row[1] for row in rows] == [ORDERS, f"{ORDERS}#AROAEXAMPLEASECOND"]
    assert case.sql("SELECT name FROM principal ORDER BY principal").rows() == [("orders-exec",)] * 2


def test_a_renamed_user_stays_one_principal(case: Case) -> None:
    resolved(case, call(user(), at="08:00:00"), call(user("dev2"), at="09:00:00"))
    assert case.sql("SELECT principal, unique_id, last_seen FROM principal").rows() == [
        (DEV, "AIDAEXAMPLEDEV", datetime(2026, 11, 5, 9))
    ]


def test_a_masked_unique_id_joins_nobody(case: Case) -> None:
    rows = resolved(case, call(user(uid="AIDA********")), call(user("eve", uid="AIDA********")))
    assert [row[1] for row in rows] == [DEV, "arn:aws:iam::111122223333:user/eve"]


def test_principals_say_when_they_acted(case: Case) -> None:
    resolved(case, call(orders(), at="08:00:00"), call(orders("second"), at="10:30:00"))
    first, last = datetime(2026, 11, 5, 8), datetime(2026, 11, 5, 10, 30)
    assert case.sql("SELECT * FROM principal").rows() == [
        (ORDERS, "role", "111122223333", "orders-exec", "AROAEXAMPLEORDERSEXEC", first, last)
    ]


def test_a_session_knows_its_issuer_and_source_identity(case: Case) -> None:
    mint = assume(user(), "admin", "ops", key="ASIAEXAMPLE1", at="08:00:00")
    act = call(role("admin", "ops", key="ASIAEXAMPLE1", sourceIdentity="jane"), at="08:10:00")
    add_cloudtrail(case.connection, [mint, act])
    when = datetime(2026, 11, 5, 8, 10)
    session = "arn:aws:sts::111122223333:assumed-role/admin/ops"
    admin = "arn:aws:iam::111122223333:role/admin"
    assert case.sql("SELECT * FROM session").rows() == [(session, admin, "ops", "jane", DEV, when, when)]


def test_a_session_issued_by_a_service_names_the_service(case: Case) -> None:
    mint = assume(service("lambda.amazonaws.com"), "admin", "fn", key="ASIAEXAMPLE1", at="08:00:00")
    add_cloudtrail(case.connection, [mint, call(role("admin", "fn", key="ASIAEXAMPLE1"))])
    assert case.sql("SELECT issuer FROM session").rows() == [("lambda.amazonaws.com",)]


def test_a_session_name_issued_by_two_has_no_single_issuer(case: Case) -> None:
    by_service = assume(service("ec2.amazonaws.com"), "web", "i-0abc", key="ASIAEXAMPLE1", at="08:00:00")
    by_user = assume(user(), "web", "i-0abc", key="ASIAEXAMPLE2", at="08:30:00")
    add_cloudtrail(case.connection, [by_service, by_user, call(role("web", "i-0abc", key="ASIAEXAMPLE2"))])
    assert case.sql("SELECT issuer FROM session").rows() == [(None,)]


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    records = [
        call(orders()),
        call(user(), at="07:00:00"),
        call(bare(orders("x"))),
        call(service("a.amazonaws.com")),
    ]
    tables = []
    for name, order in (("one", 1), ("two", -1)):
        with Case.create(tmp_path / name) as case:
            add_cloudtrail(case.connection, records[::order])
            tables.append([sorted(map(str, case.sql(f"FROM {table}").rows())) for table in ("identity", "principal")])
    assert tables[0] == tables[1]


def test_resolving_again_changes_nothing(case: Case) -> None:
    before = resolved(case, call(orders()), call(user()))
    identity.resolve(case.connection)
    assert case.sql("SELECT kind, principal, session, how FROM identity ORDER BY principal").rows() == before


def test_an_empty_case_has_nobody(case: Case) -> None:
    identity.resolve(case.connection)
    assert case.sql("FROM principal").rows() == []


@pytest.mark.parametrize("text", [ORDERS, "orders-exec", "AROAEXAMPLEORDERSEXEC", ORDERS_SESSION])
def test_a_principal_is_found_by_each_of_its_names(case: Case, text: str) -> None:
    resolved(case, call(orders()), call(user()))
    assert identity.find_principal(case, text) == ORDERS


def test_an_unknown_name_is_answered_with_the_nearest(case: Case) -> None:
    resolved(case, call(orders()))
    with pytest.raises(UnknownName, match=r"no principal named 'order-exec'; known: .*service-role/orders-exec"):
        identity.find_principal(case, "order-exec")


def test_an_ambiguous_name_lists_its_candidates(case: Case) -> None:
    resolved(case, call(user()), call(role("dev", "x", key="ASIAEXAMPLE1")))
    with pytest.raises(AmbiguousName, match=r"2 principals are named 'dev'; .*role/dev, .*user/dev"):
        identity.find_principal(case, "dev")
