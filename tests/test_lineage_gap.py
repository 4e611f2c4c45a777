"""Why a key's issuance is not in evidence, where it would be recorded, where chains end, and what they carry."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from forensics import lineage
from forensics.case import Case
from tests.worlds import Record, add_cloudtrail, assume, call, credentials, role, service, user

ROLE = "arn:aws:iam::111122223333:role/"
DEV = "arn:aws:iam::111122223333:user/dev"
KEY = "ASIAEXAMPLE1"
READ = {"readOnly": True}
CHANGE = {"readOnly": False}


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


def used(created: str | None = "08:00:00", *, at: str = "09:00:00", key: str = KEY, **more: Any) -> Record:
    """A call of a role session begun at a time."""
    begun = {"attributes": {"creationDate": f"2026-11-05T{created}Z"}} if created else {}
    return call(role("a", "s", key=key, **begun), at=at, **more)


def gap(case: Case, key: str = KEY) -> tuple[Any, ...]:
    columns = "class, account_id, region, window_from, window_to"
    (row,) = case.sql(f"SELECT {columns} FROM lineage_gap WHERE access_key_id = $1", [key]).rows()
    return row


def statement(case: Case, key: str = KEY) -> str:
    (row,) = case.sql("SELECT statement FROM lineage_gap WHERE access_key_id = $1", [key]).rows()
    return str(row[0])


WINDOW = (datetime(2026, 11, 5, 7, 59, 58), datetime(2026, 11, 5, 8, 0, 2))


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], "before_logs"),
        ([call(user(), at="08:00:03", **READ)], "before_logs"),
        ([call(user(), at="07:50:00", **CHANGE)], "read_only_filtered"),
        ([call(user(), at="07:50:00", **CHANGE), call(user(), at="08:20:00", **READ)], "unknown"),
        ([call(user(), at="07:50:00")], "unknown"),
        ([call(user(), at="04:00:00", **READ)], "not_covered"),
        ([call(user(), at="07:50:00", **CHANGE, recipientAccountId="444455556666")], "before_logs"),
    ],
    ids=["alone", "first after", "changes only", "all", "old records", "a hole", "another account's"],
)
def test_why_a_minting_is_not_in_evidence_is_told_from_the_accounts_trail(
    case: Case, others: list[Record], expected: str
) -> None:
    add_cloudtrail(case.connection, [*others, used(at="10:30:00", **READ)])
    assert gap(case) == (expected, "111122223333", None, *WINDOW)
    assert statement(case).startswith("parent unknown: minting not in evidence")
    assert case.sql("SELECT class FROM credential WHERE access_key_id = $1", [KEY]).rows() == [(expected,)]


def test_an_account_without_a_trail_in_evidence_is_not_covered(case: Case) -> None:
    add_cloudtrail(case.connection, [used(recipientAccountId="444455556666")])
    assert gap(case)[:2] == ("not_covered", "111122223333")


def test_the_regions_that_were_looked_through_are_named(case: Case) -> None:
    others = [call(user(), at="07:50:00", awsRegion=region, **READ) for region in ("us-east-1", "eu-west-1")]
    add_cloudtrail(case.connection, [*others, used()])
    assert statement(case).endswith("although the account has records around then, of eu-west-1, us-east-1")


def test_other_mints_of_the_same_session_are_told_and_not_taken(case: Case) -> None:
    issuer = assume(user(), "a", "s", key="ASIAEXAMPLE9", at="07:00:00", **READ)
    add_cloudtrail(case.connection, [issuer, used(**READ)])
    assert statement(case).endswith("1 other mints of the same role and session name are in evidence, none of this key")
    assert case.sql("SELECT issued_by_principal FROM credential WHERE access_key_id = $1", [KEY]).rows() == [(None,)]


def test_without_a_time_of_creation_the_window_is_the_longest_life(case: Case) -> None:
    add_cloudtrail(case.connection, [call(user(), at="04:00:00", **READ), used(None, **READ)])
    assert gap(case)[0] == "unknown"
    assert gap(case)[3:] == (datetime(2026, 11, 4, 21), datetime(2026, 11, 5, 9))


def test_a_key_that_makes_the_accounts_first_record_is_older_than_the_logs(case: Case) -> None:
    add_cloudtrail(case.connection, [used(None, at="05:00:00"), call(user(), at="06:00:00")])
    assert gap(case)[0] == "before_logs"


def test_a_long_term_key_would_have_been_made_in_iams_region(case: Case) -> None:
    add_cloudtrail(case.connection, [call(user(), at="09:00:00")])
    assert gap(case, "AKIAEXAMPLEDEV") == ("long_term", "111122223333", "us-east-1", None, datetime(2026, 11, 5, 9))


def test_only_used_keys_whose_issuance_is_missing_have_a_gap(case: Case) -> None:
    issued = assume(service("lambda.amazonaws.com"), "a", "s", key=KEY, at="08:00:00")
    add_cloudtrail(
        case.connection, [issued, used(), assume(role("a", "s", key=KEY), "b", "t", key="ASIAEXAMPLE2", at="09:10:00")]
    )
    assert case.sql("FROM lineage_gap").rows() == []


@pytest.mark.parametrize("text", ["arn:aws:iam::<b>:role/x", "';--", "", "arn:aws:iam::a:b:c"])
def test_hostile_text_makes_no_gap_fail(case: Case, text: str) -> None:
    who = {
        "type": "AssumedRole",
        "principalId": text,
        "arn": text,
        "accountId": text,
        "accessKeyId": KEY,
        "invokedBy": text,
    }
    who |= {"sessionContext": {"sessionIssuer": {"arn": text, "principalId": text}, "signInSessionArn": [text]}}
    add_cloudtrail(case.connection, [call(who), call(who, "signin:CreateOAuth2Token", additionalEventData=[text])])
    assert case.sql("SELECT count(*) FROM lineage_gap").rows() == [(1,)]


# Queries


def test_keys_issued_and_never_used_and_used_and_never_issued(case: Case) -> None:
    add_cloudtrail(case.connection, [assume(user(), "a", "s", key="ASIAEXAMPLE9", at="08:30:00"), used()])
    assert [row[0] for row in lineage.issued_never_used(case).rows()] == ["ASIAEXAMPLE9"]
    rows = lineage.used_never_issued(case).rows()
    assert [(row[0], row[2]) for row in rows] == [("AKIAEXAMPLEDEV", "long_term"), (KEY, "before_logs")]


def test_a_call_after_the_keys_end_is_told(case: Case) -> None:
    issued = assume(user(), "a", "s", key=KEY, at="08:00:00")
    issued["responseElements"]["credentials"]["expiration"] = "Nov 5, 2026, 9:00:00 AM"
    calls = [used(at=at, eventID=at) for at in ("08:30:00", "09:00:02", "09:00:03", "10:00:00")]
    add_cloudtrail(case.connection, [issued, *calls])
    (row,) = lineage.used_after_expiry(case).rows()
    found = dict(zip(lineage.used_after_expiry(case).df().columns, row, strict=True))
    assert (found["access_key_id"], found["calls"], found["event_id"], found["expires_how"]) == (
        KEY,
        2,
        "09:00:03",
        None,
    )


def test_no_key_is_said_to_be_used_after_an_end_that_is_not_known(case: Case) -> None:
    add_cloudtrail(case.connection, [used(), call(user(), at="23:00:00")])
    assert lineage.used_after_expiry(case).rows() == []


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (
            [assume(service("lambda.amazonaws.com"), "a", "s", key=KEY, at="08:00:00")],
            ("service", 0, "lambda.amazonaws.com"),
        ),
        ([assume(user(), "a", "s", key=KEY, at="08:00:00")], ("long-term key", 1, DEV)),
        ([used()], ("gap", 0, ROLE + "a")),
        (
            [assume({"type": "SAMLUser", "userName": "jane"}, "a", "s", key=KEY, at="08:00:00")],
            ("human", 0, None),
        ),
        (
            [
                assume(
                    {"type": "WebIdentityUser", "userName": "repo:org/app:ref"},
                    "a",
                    "s",
                    key="ASIAEXAMPLE0",
                    at="07:00:00",
                ),
                assume(role("a", "s", key="ASIAEXAMPLE0"), "b", "t", key=KEY, at="08:00:00"),
            ],
            ("web identity", 1, None),
        ),
        (
            [
                assume(role("a", "s", key=KEY), "b", "t", key="ASIAEXAMPLE2", at="08:00:00"),
                assume(role("b", "t", key="ASIAEXAMPLE2"), "a", "s", key=KEY, at="08:00:00"),
            ],
            ("cycle", 1, ROLE + "a"),
        ),
    ],
    ids=["service", "user", "gap", "saml", "pipeline", "cycle"],
)
def test_a_chain_ends_in_a_human_a_pipeline_a_service_or_a_named_gap(
    case: Case, records: list[Record], expected: tuple[Any, ...]
) -> None:
    add_cloudtrail(case.connection, records)
    (row,) = lineage.origin(case, KEY).rows()
    assert (row[0], row[1], row[3]) == expected


def test_a_chain_that_ends_in_a_gap_says_which(case: Case) -> None:
    add_cloudtrail(
        case.connection, [used(), assume(role("a", "s", key=KEY), "b", "t", key="ASIAEXAMPLE2", at="09:10:00")]
    )
    (row,) = lineage.origin(case, "ASIAEXAMPLE2").rows()
    assert (row[0], row[2], row[7]) == ("gap", KEY, "before_logs")
    assert "before the first record" in row[8]


def test_the_origin_of_a_key_not_in_evidence_is_none(case: Case) -> None:
    add_cloudtrail(case.connection, [])
    assert lineage.origin(case, "ASIAEXAMPLE404").rows() == []


# Cycles


def test_a_walk_into_a_cycle_beside_its_start_lists_each_ancestor_once(case: Case) -> None:
    ring = [
        assume(role("a", "s", key="ASIAEXAMPLEA"), "b", "t", key="ASIAEXAMPLEB", at="08:00:00"),
        assume(role("b", "t", key="ASIAEXAMPLEB"), "a", "s", key="ASIAEXAMPLEA", at="08:01:00"),
    ]
    add_cloudtrail(
        case.connection, [*ring, assume(role("a", "s", key="ASIAEXAMPLEA"), "c", "u", key=KEY, at="08:02:00")]
    )
    rows = case.sql(
        "SELECT ancestor_access_key_id, hops FROM lineage WHERE access_key_id = $1 ORDER BY hops", [KEY]
    ).rows()
    assert rows == [("ASIAEXAMPLEA", 1), ("ASIAEXAMPLEB", 2)]


# Tags


def tagged(record: Record, tags: Record, *transitive: str, **more: Any) -> Record:
    asked = record["requestParameters"] | {"tags": [{"key": k, "value": v} for k, v in tags.items()]}
    return record | {"requestParameters": asked | {"transitiveTagKeys": list(transitive)} | more}


def test_tags_of_a_key_and_the_transitive_ones_of_its_ancestors(case: Case) -> None:
    first = tagged(assume(user(), "a", "s", key=KEY, at="08:00:00"), {"team": "pay", "ticket": "7"}, "team")
    second = tagged(assume(role("a", "s", key=KEY), "b", "t", key="ASIAEXAMPLE2", at="08:01:00"), {"job": "nightly"})
    add_cloudtrail(case.connection, [second, first])
    assert [row[:4] for row in lineage.tags(case, "ASIAEXAMPLE2").rows()] == [
        ("job", "nightly", False, 0),
        ("team", "pay", True, 1),
    ]
    assert [row[:3] for row in lineage.tags(case, KEY).rows()] == [("team", "pay", True), ("ticket", "7", False)]


def test_tags_that_came_in_from_a_chain_out_of_evidence_are_read_from_the_mint(case: Case) -> None:
    mint = tagged(
        assume(role("a", "s", key=KEY), "b", "t", key="ASIAEXAMPLE2", at="08:01:00"),
        {},
        incomingTransitiveTags={"team": "pay"},
    )
    add_cloudtrail(case.connection, [mint])
    assert [row[:4] for row in lineage.tags(case, "ASIAEXAMPLE2").rows()] == [("team", "pay", True, 0)]


@pytest.mark.parametrize("tags", [None, "text", 7, {"a": 1}, [1, "x", {"key": ["a"]}, {"value": "v"}]])
def test_tags_of_another_shape_are_none(case: Case, tags: Any) -> None:
    more = {"tags": tags, "principalTags": tags, "incomingTransitiveTags": tags, "transitiveTagKeys": tags}
    answer = {"credentials": credentials(KEY)}
    add_cloudtrail(case.connection, [call(user(), "sts:AssumeRole", requestParameters=more, responseElements=answer)])
    assert all(row[0] is not None for row in lineage.tags(case, KEY).rows())
