"""Issuances: each call that hands out keys, where its record names the key, and keys matched where it does not."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from tests.worlds import OTHER, Record, add_cloudtrail, assume, call, credentials, role, user

ROLE = "arn:aws:iam::111122223333:role/"
SESSION = "arn:aws:sts::111122223333:assumed-role/"
DEV = "arn:aws:iam::111122223333:user/dev"
KEY = "ASIAEXAMPLE1"
BEGUN = "2026-11-05T08:00:00Z"
BROWSER = {"userAgent": "Mozilla/5.0 (X11; Linux x86_64)"}
RESERVED = {"path": "/aws-reserved/sso.amazonaws.com/eu-west-1/", "uid": "AROAEXAMPLESSO"}
PERMISSIONS = "AWSReservedSSO_Admin_0123456789abcdef"


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


def used(name: str = "a", session: str = "s", *, created: str = BEGUN, key: str = KEY, **more: Any) -> Record:
    """A role session's identity, begun at a time."""
    return role(name, session, key=key, attributes={"creationDate": created}, **more)


def keyless(who: Record) -> Record:
    return {name: value for name, value in who.items() if name != "accessKeyId"}


def unkeyed(who: Record, name: str = "a", session: str = "s", *, at: str = "08:00:00", **more: Any) -> Record:
    """A mint whose record leaves the answer out."""
    return assume(who, name, session, key="ASIAEXAMPLELOST", at=at) | {"responseElements": None, "eventID": at} | more


def one(case: Case, columns: str = "issuance_certainty, issuance_event_id", key: str = KEY) -> tuple[Any, ...]:
    (row,) = case.sql(f"SELECT {columns} FROM credential WHERE access_key_id = $1", [key]).rows()
    return row


def statement(case: Case, key: str = KEY) -> str:
    rows = case.sql("SELECT statement FROM lineage_gap WHERE access_key_id = $1", [key]).rows()
    return str(rows[0][0]) if rows else ""


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("sts:AssumeRole", {"credentials": credentials(KEY)}),
        ("sts:AssumeRoleWithWebIdentity", {"credentials": credentials(KEY)}),
        ("sts:AssumeRoleWithSAML", {"credentials": credentials(KEY)}),
        ("sts:AssumeRoot", {"credentials": credentials(KEY)}),
        ("sts:GetSessionToken", {"credentials": credentials(KEY)}),
        ("sts:GetFederationToken", {"credentials": credentials(KEY)}),
        ("iam:CreateAccessKey", {"accessKey": {"accessKeyId": KEY, "userName": "dev"}}),
        ("cognito-identity:GetCredentialsForIdentity", {"credentials": credentials(KEY)}),
        ("rolesanywhere:CreateSession", {"credentialSet": [{"credentials": credentials(KEY)}]}),
        ("s3express:CreateSession", {"credentials": credentials(KEY)}),
        ("s3:CreateSession", {"credentials": credentials(KEY)}),
    ],
)
def test_every_call_that_names_the_key_it_hands_out_is_its_issuance(case: Case, name: str, answer: Record) -> None:
    add_cloudtrail(case.connection, [call(user(), name, responseElements=answer, eventID="mint")])
    found = one(case, "issuance_certainty, issuance_event_id, issued_by_principal, issued_by_access_key_id")
    assert found == ("recorded", "mint", DEV, "AKIAEXAMPLEDEV")


@pytest.mark.parametrize(
    "name", ["signin:GetSigninToken", "cloudshell:CreateSession", "sts:GetCallerIdentity", "kms:GenerateDataKey"]
)
def test_a_call_that_hands_out_no_key_is_no_issuance_of_what_it_names(case: Case, name: str) -> None:
    add_cloudtrail(case.connection, [call(user(), name, responseElements={"credentials": credentials(KEY)})])
    assert case.sql("SELECT access_key_id FROM credential").rows() == [("AKIAEXAMPLEDEV",)]


@pytest.mark.parametrize(
    "answer",
    [None, "text", [], {"credentials": "text"}, {"credentials": {"accessKeyId": ""}}, {"credentialSet": {"a": 1}}, 7],
)
def test_an_answer_of_another_shape_issues_nothing(case: Case, answer: Any) -> None:
    add_cloudtrail(case.connection, [call(user(), "sts:AssumeRole", requestParameters=answer, responseElements=answer)])
    assert case.sql("SELECT access_key_id FROM credential").rows() == [("AKIAEXAMPLEDEV",)]


def test_a_session_of_s3_is_the_callers_own(case: Case) -> None:
    mint = call(
        used("a", key="ASIAEXAMPLE0"), "s3express:CreateSession", responseElements={"credentials": credentials(KEY)}
    )
    add_cloudtrail(case.connection, [mint])
    assert one(case, "principal, session, issued_by_access_key_id") == (ROLE + "a", SESSION + "a/s", "ASIAEXAMPLE0")


def test_a_session_of_roles_anywhere_is_the_roles(case: Case) -> None:
    given = {
        "credentials": credentials(KEY),
        "assumedRoleUser": {"assumedRoleId": "AROAEXAMPLEA:0a1b", "arn": SESSION + "a/0a1b"},
        "sourceIdentity": "CN=build-7",
    }
    host = {"type": "Unknown", "principalId": "", "accountId": "111122223333"}
    more: Record = {
        "requestParameters": {"roleArn": ROLE + "a", "cert": "…"},
        "responseElements": {"credentialSet": [given]},
    }
    add_cloudtrail(case.connection, [call(host, "rolesanywhere:CreateSession", **more)])
    assert one(case, "principal, session, source_identity") == (ROLE + "a", SESSION + "a/0a1b", "CN=build-7")


# How long a key lives


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("AssumeRole", {"durationSeconds": 900}, (datetime(2026, 11, 5, 8, 15), "duration asked for")),
        ("AssumeRole", {}, (datetime(2026, 11, 5, 9), "default duration")),
        ("GetSessionToken", {}, (datetime(2026, 11, 5, 20), "default duration")),
        ("AssumeRoot", {}, (datetime(2026, 11, 5, 8, 15), "default duration")),
        ("AssumeRole", {"durationSeconds": "soon"}, (datetime(2026, 11, 5, 9), "default duration")),
        ("AssumeRole", {"durationSeconds": 10**9}, (None, None)),
    ],
)
def test_an_expiry_that_the_answer_leaves_out_is_reckoned_and_marked(
    case: Case, name: str, asked: Record, expected: tuple[Any, ...]
) -> None:
    answer = {"credentials": {"accessKeyId": KEY}}
    add_cloudtrail(
        case.connection,
        [call(user(), f"sts:{name}", at="08:00:00", requestParameters=asked, responseElements=answer)],
    )
    assert one(case, "expires_at, expires_how") == expected


def test_how_long_a_services_key_lives_is_not_guessed(case: Case) -> None:
    service = {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}
    record = assume(service, "a", "s", key=KEY, at="08:00:00") | {
        "responseElements": {"credentials": {"accessKeyId": KEY}}
    }
    add_cloudtrail(case.connection, [record])
    assert one(case, "expires_at, expires_how") == (None, None)


# Keys that no record names


def test_a_mint_without_its_answer_is_matched_by_role_session_and_moment(case: Case) -> None:
    add_cloudtrail(case.connection, [unkeyed(user(), at="08:00:01"), call(used(), at="08:30:00")])
    columns = "issuance_certainty, issuance_event_id, issued_at, issued_by_principal, issued_by_access_key_id, class"
    at = datetime(2026, 11, 5, 8, 0, 1)
    assert one(case, columns) == ("matched", "08:00:01", at, DEV, "AKIAEXAMPLEDEV", None)
    (row,) = case.sql(
        "SELECT ancestor_access_key_id, hops, certainty FROM lineage WHERE access_key_id = $1", [KEY]
    ).rows()
    assert row == ("AKIAEXAMPLEDEV", 1, "matched")
    assert statement(case) == ""


@pytest.mark.parametrize(
    "mint",
    [
        unkeyed(user(), at="08:00:03"),
        unkeyed(user(), session="other"),
        unkeyed(user(), "b"),
        unkeyed(user()) | {"errorCode": "AccessDenied"},
        assume(user(), "a", "s", key="ASIAEXAMPLE9", at="08:00:00"),
        unkeyed(used(key=KEY)),
    ],
    ids=["too late", "another session", "another role", "denied", "of another key", "made with the key itself"],
)
def test_what_only_resembles_the_mint_is_not_matched(case: Case, mint: Record) -> None:
    add_cloudtrail(case.connection, [mint, call(used(), at="08:30:00")])
    assert one(case) == (None, None)


def test_another_generation_of_the_role_is_not_matched(case: Case) -> None:
    made = call(
        user(),
        "iam:CreateRole",
        at="07:00:00",
        responseElements={"role": {"arn": ROLE + "a", "roleId": "AROAEXAMPLENEW"}},
    )
    old = call(used(uid="AROAEXAMPLEOLD", key="ASIAEXAMPLE0"), at="06:00:00")
    add_cloudtrail(case.connection, [old, made, unkeyed(user()), call(used(uid="AROAEXAMPLENEW"), at="08:30:00")])
    assert one(case) == (None, None)


def test_of_two_mints_that_could_be_it_none_is_taken(case: Case) -> None:
    rival = user("eve", key="AKIAEXAMPLEEVE", uid="AIDAEXAMPLEEVE")
    mints = [unkeyed(user()), unkeyed(rival, at="08:00:02")]
    add_cloudtrail(case.connection, [*mints, call(used(), at="08:30:00")])
    found = one(case, "issuance_certainty, issuance_event_id, issued_at, issued_by_principal, class")
    assert found == ("shared", None, None, None, "unknown")
    assert "2 mints of that session and moment" in statement(case)


@pytest.mark.parametrize("order", [1, -1])
def test_both_accounts_records_of_a_mint_are_one_candidate(case: Case, order: int) -> None:
    caller = role("ci", "ci-1", key="ASIAEXAMPLECI", account=OTHER)
    ours = unkeyed(caller, sharedEventID="shared") | {"eventID": "caller", "recipientAccountId": OTHER}
    theirs = ours | {"userIdentity": {"type": "AWSAccount", "principalId": "AROAEXAMPLECI:ci-1", "accountId": OTHER}}
    theirs |= {"eventID": "owner", "recipientAccountId": "111122223333"}
    add_cloudtrail(case.connection, [*[ours, theirs][::order], call(used(), at="08:30:00")])
    found = one(case, "issuance_certainty, issuance_event_id, issued_by_access_key_id")
    assert found == ("matched", "caller", "ASIAEXAMPLECI")


# The console


def login(who: Record, *, at: str = "08:00:00", **more: Any) -> Record:
    return call(keyless(who), "signin:ConsoleLogin", at=at, responseElements={"ConsoleLogin": "Success"}, **more)


def by_console(who: Record, key: str = KEY, created: str = BEGUN) -> Record:
    return who | {"accessKeyId": key, "sessionContext": {"attributes": {"creationDate": created}}}


def test_all_keys_of_a_console_session_come_of_its_sign_in(case: Case) -> None:
    keys = [call(by_console(user(), f"ASIAEXAMPLE{place}"), **BROWSER) for place in range(24)]
    add_cloudtrail(case.connection, [login(user(), eventID="login"), *keys])
    rows = case.sql("""
SELECT class, issuance_certainty, issuance_event_id, issued_by_principal, issued_by_access_key_id, count(*)
FROM credential GROUP BY ALL""").rows()
    assert rows == [("console", "matched", "login", DEV, None, 24)]
    assert case.sql("FROM lineage_gap").rows() == []


def test_a_failed_sign_in_begins_no_session(case: Case) -> None:
    failed = login(user()) | {"responseElements": {"ConsoleLogin": "Failure"}}
    add_cloudtrail(case.connection, [failed, call(by_console(user()), **BROWSER)])
    assert one(case, "class, issuance_certainty") == ("console", None)
    assert "sign-in is not in evidence" in statement(case)


def test_a_switched_role_leads_back_to_who_switched(case: Case) -> None:
    target = keyless(role("admin", "dev", key=""))
    said = {
        "responseElements": {"SwitchRole": "Success"},
        "additionalEventData": {"SwitchFrom": DEV},
        "eventID": "switch",
    }
    add_cloudtrail(
        case.connection,
        [
            call(user(), at="07:00:00"),
            call(target, "signin:SwitchRole", at="08:00:00", **said),
            call(used("admin", "dev"), at="08:01:00", **BROWSER),
        ],
    )
    columns = "class, issuance_certainty, issuance_event_id, issued_by_principal"
    assert one(case, columns) == ("console", "matched", "switch", DEV)


def test_a_switched_role_is_followed_to_the_key_of_the_session_it_came_of(case: Case) -> None:
    before = by_console(user(), "ASIAEXAMPLE0", "2026-11-05T07:00:00Z") | {"invokedBy": "AWS Internal"}
    mint = assume(before, "admin", "dev", key="ASIAEXAMPLE9", at="08:00:00", eventID="mint")
    add_cloudtrail(case.connection, [mint, call(used("admin", "dev"), at="08:01:00", **BROWSER)])
    found = one(case, "issuance_certainty, issuance_event_id, issued_by_access_key_id")
    assert found == ("matched", "mint", "ASIAEXAMPLE0")


def test_a_stolen_key_turned_into_a_console_is_its_parent(case: Case) -> None:
    stolen = used("fn-role", "fn", key="ASIAEXAMPLESTOLEN")
    token = call(stolen, "signin:GetSigninToken", at="08:10:00", responseElements={"GetSigninToken": "Success"})
    sign_in = login(stolen, at="08:12:00", eventID="login")
    later = used("fn-role", "fn", created="2026-11-05T08:12:00Z")
    add_cloudtrail(case.connection, [token, sign_in, call(later, at="08:15:00", **BROWSER)])
    found = one(case, "issuance_certainty, issuance_event_id, issued_by_access_key_id")
    assert found == ("matched", "login", "ASIAEXAMPLESTOLEN")


def test_a_console_that_keeps_the_sessions_time_has_the_token_as_its_issuance(case: Case) -> None:
    stolen = used("fn-role", "fn", key="ASIAEXAMPLESTOLEN")
    said = {"responseElements": {"GetSigninToken": "Success"}, "eventID": "token"}
    token = call(stolen, "signin:GetSigninToken", at="08:10:00", **said)
    mint = assume(user(), "fn-role", "fn", key="ASIAEXAMPLESTOLEN", at="08:00:00")
    add_cloudtrail(case.connection, [mint, token, call(used("fn-role", "fn"), at="08:15:00", **BROWSER)])
    assert one(case, "issuance_event_id, issued_by_access_key_id") == ("token", "ASIAEXAMPLESTOLEN")


def test_a_token_asked_for_after_the_keys_first_use_is_not_where_it_came_from(case: Case) -> None:
    stolen = used("fn-role", "fn", key="ASIAEXAMPLESTOLEN")
    token = call(stolen, "signin:GetSigninToken", at="08:10:00", responseElements={"GetSigninToken": "Success"})
    add_cloudtrail(case.connection, [token, call(used("fn-role", "fn"), at="08:05:00", **BROWSER)])
    assert one(case) == (None, None)


def test_keys_of_aws_login_come_of_the_token_of_their_sign_in_session(case: Case) -> None:
    arn = "arn:aws:signin:us-east-1:111122223333:session/0a"
    asked: Record = {"additionalEventData": {"success": "true", "signInSessionArn": arn}, "eventID": "token"}
    token = call(keyless(user()), "signin:CreateOAuth2Token", at="08:00:00", **asked)
    fresh = call(keyless(user()), "signin:CreateOAuth2Token", at="08:15:00", **asked | {"eventID": "token-2"})
    who = user(key=KEY) | {"sessionContext": {"signInSessionArn": arn, "attributes": {"creationDate": BEGUN}}}
    other = user(key="ASIAEXAMPLE2") | {"sessionContext": {"signInSessionArn": arn + "b"}}
    add_cloudtrail(case.connection, [fresh, token, call(who, at="08:01:00"), call(other, at="08:02:00")])
    assert one(case) == ("matched", "token")
    assert one(case, key="ASIAEXAMPLE2") == (None, None)


# IAM Identity Center, Cognito, Roles Anywhere, Pod Identity


def portal(user_id: str, *, account: str = "111122223333", permissions: str = "Admin") -> Record:
    who = {
        "type": "IdentityCenterUser",
        "accountId": OTHER,
        "onBehalfOf": {"userId": user_id, "identityStoreArn": "arn:x"},
    }
    details = {"serviceEventDetails": {"role_name": permissions, "account_id": account}, "eventID": "portal"}
    return call(who, "sso:GetRoleCredentials", at="08:00:00", **details)


def permitted(user_id: str) -> Record:
    """A session of IAM Identity Center."""
    return used(PERMISSIONS, "jane@example.com", **RESERVED) | {"onBehalfOf": {"userId": user_id}}


def test_a_key_of_the_portal_is_matched_by_user_account_permission_set_and_moment(case: Case) -> None:
    add_cloudtrail(case.connection, [portal("u-1"), call(permitted("u-1"), at="08:01:00")])
    assert one(case) == ("matched", "portal")


def test_a_key_of_the_portal_comes_of_the_saml_assumption_at_that_moment(case: Case) -> None:
    saml = {"type": "SAMLUser", "principalId": "x:jane@example.com", "userName": "jane@example.com"}
    path, uid = RESERVED["path"], RESERVED["uid"]
    mint = assume(saml, PERMISSIONS, "jane@example.com", key="ASIAEXAMPLE9", at="08:00:00", path=path, eventID="saml")
    mint |= {"eventName": "AssumeRoleWithSAML"}
    mint["responseElements"]["assumedRoleUser"]["assumedRoleId"] = f"{uid}:jane@example.com"
    add_cloudtrail(case.connection, [portal("u-1"), mint, call(permitted("u-1"), at="08:01:00")])
    assert one(case) == ("matched", "saml")


@pytest.mark.parametrize("given", [portal("u-2"), portal("u-1", account=OTHER), portal("u-1", permissions="Read")])
def test_credentials_of_another_user_account_or_permission_set_are_not_matched(case: Case, given: Record) -> None:
    add_cloudtrail(case.connection, [given, call(permitted("u-1"), at="08:01:00")])
    assert one(case) == (None, None)


def test_what_only_coincides_is_told_and_not_joined(case: Case) -> None:
    hidden: Record = {
        "responseElements": None,
        "requestParameters": {"identityId": "us-east-1:0a"},
        "eventID": "cognito",
    }
    nobody = {"type": "Unknown", "accountId": "111122223333"}
    given = call(nobody, "cognito-identity:GetCredentialsForIdentity", at="08:00:00", **hidden)
    add_cloudtrail(case.connection, [given, call(used("app", "CognitoIdentityCredentials"), at="08:01:00")])
    assert one(case, "issuance_certainty, issued_by_principal") == (None, None)
    assert statement(case).endswith("a call that hands out such keys coincides with it: cognito")


def test_the_pair_of_pod_identity_is_the_services_mint(case: Case) -> None:
    node = role("node", "i-0aaa111bbb222ccc3", key="ASIAEXAMPLENODE")
    asked = call(node, "eks-auth:AssumeRoleForPodIdentity", at="08:00:00", requestParameters={"clusterName": "prod"})
    pods = {"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"}
    mint = assume(pods, "pay", "eks-prod-api-0a1b2c3d-0000-4000-8000-000000000001", key=KEY, at="08:00:00")
    add_cloudtrail(case.connection, [asked, mint])
    found = one(case, "issuance_certainty, issued_by_principal, issued_by_access_key_id")
    assert found == ("recorded", "pods.eks.amazonaws.com", None)


# Source identity


def test_a_source_identity_goes_down_the_chain(case: Case) -> None:
    first = assume(user(), "a", "a-1", key="ASIAEXAMPLE1", at="08:00:00")
    first["requestParameters"]["sourceIdentity"] = "jane"
    second = assume(
        role("a", "a-1", key="ASIAEXAMPLE1", sourceIdentity="jane"), "b", "b-1", key="ASIAEXAMPLE2", at="08:01:00"
    )
    add_cloudtrail(case.connection, [second, first])
    assert [one(case, "source_identity", f"ASIAEXAMPLE{n}") for n in (1, 2)] == [("jane",), ("jane",)]
    assert one(case, "source_identity", "AKIAEXAMPLEDEV") == (None,)


def test_no_source_identity_is_taken_from_calls_that_differ(case: Case) -> None:
    masked = [
        call(role("a", "s", key=KEY, sourceIdentity=name), at=f"08:0{n}:00") for n, name in enumerate(("jane", "eve"))
    ]
    add_cloudtrail(case.connection, masked)
    assert one(case, "source_identity") == (None,)
