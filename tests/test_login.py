"""Logins: keys of one sign-in together, logins that share a session apart, and the person behind Identity Center."""

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workload_worlds import DAY, world
from tests.worlds import ACCOUNT, Record, assume, call, role, service, user

ROOT: Record = {
    "type": "Root",
    "principalId": ACCOUNT,
    "arn": f"arn:aws:iam::{ACCOUNT}:root",
    "accountId": ACCOUNT,
}
DEV = f"arn:aws:iam::{ACCOUNT}:user/dev"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"
OPS = f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/ops"
RESERVED = "AWSReservedSSO_Admin_0123456789abcdef"
SSO_PATH = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
JANE = f"arn:aws:sts::{ACCOUNT}:assumed-role/{RESERVED}/jane@example.com"
STORE = f"arn:aws:identitystore::{ACCOUNT}:identitystore/d-1234567890"


def since(who: Record, moment: str) -> Record:
    """The identity with the creation date of its session."""
    context = who.get("sessionContext", {}) | {"attributes": {"creationDate": f"{DAY}{moment}Z"}}
    return who | {"sessionContext": context}


def console_login(who: Record, at: str, *, outcome: str = "Success", event_id: str = "login-1") -> Record:
    without_key = {name: value for name, value in who.items() if name != "accessKeyId"}
    return call(without_key, "signin:ConsoleLogin", at=at, responseElements={"ConsoleLogin": outcome}, eventID=event_id)


def by_console(who: Record, count: int, created: str) -> list[Record]:
    """Calls of one console session, each with a key of its own."""
    browser = {"userAgent": "Mozilla/5.0", "sessionCredentialFromConsole": "true"}
    keys = [f"ASIAEXAMPLECONSOLE{number:02}" for number in range(count)]
    return [
        call(since(who | {"accessKeyId": key}, created), at=f"09:{number + 10:02}:00", **browser)
        for number, key in enumerate(keys)
    ]


def logins(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    rows = con.execute(
        "SELECT principal, session, strftime(created_at, '%H:%M:%S'), kind, len(keys), login_event_id"
        " FROM login ORDER BY created_at, principal, session"
    )
    return rows.fetchall()


@pytest.mark.parametrize(("who", "arn"), [(ROOT, ROOT["arn"]), (user(), DEV)])
def test_all_keys_of_one_console_session_are_one_login(tmp_path: Path, who: Record, arn: str) -> None:
    calls = [console_login(who, "09:00:00"), *by_console(who, 24, "09:00:00")]
    with world(tmp_path, cloudtrail=calls) as con:
        assert logins(con) == [(arn, None, "09:00:00", "console", 24, "login-1")]
        first, last, keys = con.execute("SELECT first_seen, last_seen, keys FROM login").fetchall()[0]
    assert (first, last) == (datetime(2026, 11, 5, 9, 10), datetime(2026, 11, 5, 9, 33))
    assert keys == sorted(keys)


def test_two_console_sessions_of_one_user_are_two_logins(tmp_path: Path) -> None:
    later = [call(since(user(key="ASIAEXAMPLELATER"), "11:00:01"), at="11:05:00", userAgent="Mozilla/5.0")]
    signed_in = [console_login(user(), "09:00:00"), console_login(user(), "11:00:00", event_id="login-2")]
    with world(tmp_path, cloudtrail=[*signed_in, *by_console(user(), 2, "09:00:00"), *later]) as con:
        assert logins(con) == [
            (DEV, None, "09:00:00", "console", 2, "login-1"),
            (DEV, None, "11:00:01", "console", 1, "login-2"),
        ]


def test_a_console_session_whose_login_is_not_in_evidence_is_a_login_without_one(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=by_console(user(), 3, "09:00:00")) as con:
        assert logins(con) == [(DEV, None, "09:00:00", "console", 3, None)]


def test_a_login_after_which_no_key_was_used_is_there(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[console_login(user(), "09:00:00")]) as con:
        assert logins(con) == [(DEV, None, "09:00:00", "console", 0, "login-1")]


def test_a_failed_login_is_none(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[console_login(user(), "09:00:00", outcome="Failure")]) as con:
        assert logins(con) == []


def test_two_logins_in_the_same_second_leave_the_session_without_a_login_event(tmp_path: Path) -> None:
    both = [console_login(user(), "09:00:00"), console_login(user(), "09:00:00", event_id="login-2")]
    with world(tmp_path, cloudtrail=[*both, *by_console(user(), 1, "09:00:00")]) as con:
        assert (DEV, None, "09:00:00", "console", 1, None) in logins(con)


def test_another_users_login_in_the_same_second_does_not_matter(tmp_path: Path) -> None:
    eve = user("eve", key="AKIAEXAMPLEEVE", uid="AIDAEXAMPLEEVE")
    calls = [console_login(eve, "09:00:00", event_id="login-eve"), *by_console(user(), 1, "09:00:00")]
    with world(tmp_path, cloudtrail=calls) as con:
        assert (DEV, None, "09:00:00", "console", 1, None) in logins(con)


def test_sessions_of_one_name_are_told_apart_by_when_they_were_made(tmp_path: Path) -> None:
    mints = [
        assume(user(), "admin", "ops", key="ASIAEXAMPLE1", at="08:00:00"),
        assume(user(), "admin", "ops", key="ASIAEXAMPLE2", at="09:00:00"),
    ]
    use = call(since(role("admin", "ops", key="ASIAEXAMPLE1"), "08:00:00"), at="08:30:00")
    with world(tmp_path, cloudtrail=[*mints, use]) as con:
        assert logins(con) == [
            (ADMIN, OPS, "08:00:00", "role", 1, "mint-ASIAEXAMPLE1"),
            (ADMIN, OPS, "09:00:00", "role", 1, "mint-ASIAEXAMPLE2"),
        ]


def test_two_generations_of_a_role_do_not_share_a_login(tmp_path: Path) -> None:
    old = call(since(role("admin", "ops", key="ASIAEXAMPLE1", uid="AROAEXAMPLEOLD"), "08:00:00"), at="08:30:00")
    new = call(since(role("admin", "ops", key="ASIAEXAMPLE2", uid="AROAEXAMPLENEW"), "08:00:00"), at="09:30:00")
    with world(tmp_path, cloudtrail=[old, new]) as con:
        assert [row[:2] for row in logins(con)] == [(ADMIN, OPS), (f"{ADMIN}#AROAEXAMPLENEW", OPS)]


def test_a_key_for_a_call_on_behalf_is_no_login(tmp_path: Path) -> None:
    forwarded = since(user(key="ASIAEXAMPLEFAS"), "09:00:00") | {"invokedBy": "secretsmanager.amazonaws.com"}
    with world(tmp_path, cloudtrail=[call(forwarded, "kms:Decrypt"), call(user())]) as con:
        assert logins(con) == []


def sso(session: str = "jane@example.com", **more: Any) -> Record:
    who = role(RESERVED, session, key="ASIAEXAMPLESSO", uid="AROAEXAMPLESSO", path=SSO_PATH)
    return since(who, "09:00:00") | more


def portal_sign_in(name: str, user_id: str) -> Record:
    who = {"type": "Unknown", "accountId": ACCOUNT, "onBehalfOf": {"userId": user_id, "identityStoreArn": STORE}}
    more = {"additionalEventData": {"UserName": name}, "eventID": f"sign-in-{user_id}-{name}"}
    return call(who, "signin:UserAuthentication", at="08:59:00", **more)


def people(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT session, kind, person, person_id, person_id_how FROM login ORDER BY session").fetchall()


def test_the_person_of_an_identity_center_role_is_its_session_name(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[call(sso())]) as con:
        assert people(con) == [(JANE, "identity_center", "jane@example.com", None, None)]


def test_a_record_on_behalf_of_a_user_gives_the_persons_id(tmp_path: Path) -> None:
    propagated = sso(onBehalfOf={"userId": "user-1", "identityStoreArn": STORE})
    with world(tmp_path, cloudtrail=[call(sso()), call(propagated, at="09:30:00")]) as con:
        assert people(con) == [(JANE, "identity_center", "jane@example.com", "user-1", "onBehalfOf")]


def test_the_name_at_sign_in_gives_the_persons_id(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[call(sso()), portal_sign_in("jane@example.com", "user-1")]) as con:
        assert people(con) == [(JANE, "identity_center", "jane@example.com", "user-1", "name at sign-in")]


def test_one_name_of_two_users_gives_no_id(tmp_path: Path) -> None:
    signs = [portal_sign_in("jane@example.com", "user-1"), portal_sign_in("jane@example.com", "user-2")]
    with world(tmp_path, cloudtrail=[call(sso()), *signs]) as con:
        assert people(con) == [(JANE, "identity_center", "jane@example.com", None, None)]


def test_a_role_that_is_only_named_like_one_of_identity_center_has_no_person(tmp_path: Path) -> None:
    pretender = since(role(RESERVED, "jane@example.com", key="ASIAEXAMPLESSO"), "09:00:00")
    with world(tmp_path, cloudtrail=[call(pretender), portal_sign_in("jane@example.com", "user-1")]) as con:
        assert people(con) == [(JANE, "role", None, None, None)]


def test_a_case_without_records_has_no_logins(tmp_path: Path) -> None:
    with world(tmp_path) as con:
        assert logins(con) == []


@pytest.mark.parametrize("answer", ["Success", ["Success"], {"ConsoleLogin": ["Success"]}, {"ConsoleLogin": {}}, 7])
def test_answers_of_any_shape_do_no_harm(tmp_path: Path, answer: Any) -> None:
    record = console_login(user(), "09:00:00") | {"responseElements": answer}
    odd = portal_sign_in("x", "user-1") | {"additionalEventData": ["x"]}
    by_service = call(service("a.amazonaws.com"), "signin:ConsoleLogin", responseElements={"ConsoleLogin": None})
    with world(tmp_path, cloudtrail=[record, odd, by_service]) as con:
        assert logins(con) == []
