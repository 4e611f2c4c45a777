"""To whom a key was issued: what a chosen session name, address or identity must not make us believe."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workload_worlds import ORDERS, ROLE, WEB, WEB_ID, attributed, configured, in_scope, run, world
from tests.worlds import OTHER, Record, assume, call, role, service, user

KEY = "ASIAEXAMPLE1"


def used(name: str = "web", session: str = WEB_ID, **more: Any) -> Record:
    """The key is used."""
    begun = {"attributes": {"creationDate": "2026-11-05T08:00:00Z"}}
    return call(role(name, session, key=KEY, **begun), "s3:ListBuckets", at="09:00:00", eventID="use", **more)


def issued_by(con: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    columns = "issued_by_principal, issuance_certainty, workload"
    (row,) = con.execute(f"SELECT {columns} FROM credential WHERE access_key_id = ?", [KEY]).fetchall()
    return row


def minted(who: Record, session: str = WEB_ID, name: str = "web", **more: Any) -> Record:
    return assume(who, name, session, key=KEY, at="08:00:00", **more)


IMPOSTOR = {"type": "AWSService", "accountId": "111122223333"}
POSING = {"sourceIPAddress": "ec2.amazonaws.com", "userAgent": "ec2.amazonaws.com"}
FORWARDED = user() | {"invokedBy": "ec2.amazonaws.com"}
UNTYPED = {"type": None, "arn": "arn:aws:iam::111122223333:user/dev", "invokedBy": "ec2.amazonaws.com"}


@pytest.mark.parametrize(
    "mint",
    [
        minted(user()),
        minted(user(), **POSING),
        minted(user(), recipientAccountId=OTHER),
        minted(FORWARDED),
        minted(UNTYPED),
        minted(IMPOSTOR, **POSING),
        minted(service("rds.amazonaws.com")),
        minted(service("rds.amazonaws.com")) | {"responseElements": None},
        minted(user(), eventName="AssumeRoleWithSAML"),
        minted(user()) | {"responseElements": None},
    ],
    ids=[
        "user",
        "posing",
        "elsewhere",
        "forwarded",
        "untyped",
        "impostor",
        "another service",
        "another service without its key",
        "saml",
        "without its key",
    ],
)
def test_a_session_named_like_an_instance_is_not_the_instances_where_another_minted_it(
    tmp_path: Path, mint: Record
) -> None:
    with world(tmp_path, cloudtrail=[run(at="07:00:00"), mint, used()]) as con:
        assert attributed(con, "issued_to") == []
        assert issued_by(con)[2] is None


def test_a_spoofed_session_is_the_users_who_made_it(tmp_path: Path) -> None:
    dev = "arn:aws:iam::111122223333:user/dev"
    with world(tmp_path, cloudtrail=[run(at="07:00:00"), minted(user()), used()]) as con:
        assert issued_by(con) == (dev, "recorded", None)
    with world(
        tmp_path / "b", cloudtrail=[run(at="07:00:00"), minted(user()) | {"responseElements": None}, used()]
    ) as con:
        assert issued_by(con) == (dev, "matched", None)


def test_a_session_that_several_mints_explain_is_not_told_by_its_name(tmp_path: Path) -> None:
    mints = [minted(user()) | {"responseElements": None, "eventID": name} for name in ("one", "two")]
    with world(tmp_path, cloudtrail=[run(at="07:00:00"), *mints, used()]) as con:
        assert issued_by(con) == (None, "shared", None)


def test_the_same_session_minted_by_ec2_is_the_instances(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[run(at="07:00:00"), minted(service("ec2.amazonaws.com")), used()]) as con:
        assert attributed(con, "issued_to") == [("use", WEB, "recorded", 1)]


@pytest.mark.parametrize(
    "mint", [minted(user(), "orders-fn", "orders-fn-role"), minted(IMPOSTOR, "orders-fn", "orders-fn-role", **POSING)]
)
def test_a_session_named_like_a_function_is_not_the_functions_where_another_minted_it(
    tmp_path: Path, mint: Record
) -> None:
    with world(tmp_path, cloudtrail=[configured(at="07:00:00"), mint, used("orders-fn-role", "orders-fn")]) as con:
        assert attributed(con, "issued_to") == []


def test_without_a_mint_a_functions_name_is_inferred_and_its_scope_is_recorded(tmp_path: Path) -> None:
    make = configured(at="07:00:00")
    with world(tmp_path / "name", cloudtrail=[make, used("orders-fn-role", "orders-fn")]) as con:
        assert attributed(con, "issued_to") == [("use", ORDERS, "inferred", 1)]
    scoped = used("orders-fn-role", "orders-fn")
    scoped["userIdentity"] = in_scope(scoped["userIdentity"], ORDERS)
    with world(tmp_path / "scope", cloudtrail=[make, scoped]) as con:
        assert attributed(con, "issued_to") == [("use", ORDERS, "recorded", 1)]


def test_lambdas_own_use_of_a_role_is_not_the_functions(tmp_path: Path) -> None:
    own = used("orders-fn-role", "awslambda_1_20261105080000000")
    with world(tmp_path, cloudtrail=[configured(at="07:00:00"), own]) as con:
        assert attributed(con, "issued_to") == []
        assert ROLE + "orders-fn-role" in con.execute("SELECT principal FROM credential").fetchall()[0]


def test_a_mint_of_ec2_without_its_key_does_not_hide_whose_the_session_is(tmp_path: Path) -> None:
    mint = minted(service("ec2.amazonaws.com")) | {"responseElements": None}
    held = used()
    held["userIdentity"]["sessionContext"]["ec2RoleDelivery"] = "2.0"
    roles = call(user(), "iam:CreateRole", at="06:00:00")
    roles["responseElements"] = {"role": {"arn": ROLE + "web", "roleId": "AROAEXAMPLEWEB"}}
    with world(tmp_path, cloudtrail=[roles, run(at="07:00:00"), mint, held]) as con:
        assert issued_by(con) == ("ec2.amazonaws.com", "matched", WEB)
        assert attributed(con, "issued_to") == [("use", WEB, "recorded", 1)]
