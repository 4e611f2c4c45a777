"""A timeline is refined without running, binds every value, and is in order of time."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.errors import AmbiguousName, UnknownName, UsageError
from forensics.timeline import Timeline, find_workload, parse_time
from tests.fresh import fresh_case
from tests.loading import FLOW, loaded, records, trail

CALLS = [
    trail(
        "B",
        eventTime="2026-11-05T10:00:00Z",
        userIdentity={
            "type": "IAMUser",
            "arn": "arn:aws:iam::111122223333:user/ana",
            "principalId": "AIDAEXAMPLE",
            "accountId": "111122223333",
            "accessKeyId": "AKIAEXAMPLE",
        },
    ),
    trail("A", eventTime="2026-11-05T09:00:00Z", sourceIPAddress="203.0.113.7"),
    trail("C", eventTime="2026-11-05T11:00:00Z", resources=[{"ARN": "arn:aws:s3:::it's"}]),
]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """Three calls and a flow."""
    folder = tmp_path_factory.mktemp("timeline")
    with Case.create(folder / "case") as made:
        loaded(made, folder / "logs", {"a.json": records(*CALLS), "b.log": FLOW.encode()})
        made.connection.execute(
            "INSERT INTO workload (workload, kind, name) VALUES ('w:1', 'k', 'twin'), ('w:2', 'k', 'twin')"
        )
        yield made


def ids(timeline: Timeline) -> list[str]:
    return [row[0] for row in timeline.source("cloudtrail").rows()]


def test_events_come_in_order_of_time(case: Case) -> None:
    assert ids(Timeline(case)) == ["event-A", "event-B", "event-C"]


def test_refining_runs_nothing_and_leaves_the_timeline_as_it_was(case: Case) -> None:
    whole = Timeline(case)
    narrow = whole.source("cloudtrail").access_key("AKIAEXAMPLE")
    assert (whole.conditions, narrow.params) == ((), ("cloudtrail", "AKIAEXAMPLE"))
    assert (whole.count(), narrow.count()) == (4, 1)
    assert narrow.sql.count("?") == len(narrow.params)


def test_accounts_and_regions_narrow_the_events_and_what_is_asked_of_coverage(case: Case) -> None:
    narrow = Timeline(case).account("111122223333", "444455556666").account("111122223333").region("us-east-1")
    assert ids(narrow) == ["event-A", "event-B", "event-C"]
    assert (narrow.scope.accounts, narrow.scope.regions) == (("111122223333",), ("us-east-1",))
    assert ids(Timeline(case).region("eu-west-1")) == []
    assert Timeline(case).account() == Timeline(case)


def test_a_window_has_its_start_and_not_its_end(case: Case) -> None:
    assert ids(Timeline(case).between("2026-11-05T10:00", "2026-11-05T11:00")) == ["event-B"]
    assert ids(Timeline(case).between(start=date(2026, 11, 6))) == []


def test_values_are_bound_whatever_they_hold(case: Case) -> None:
    assert ids(Timeline(case).resource("arn:aws:s3:::it's")) == ["event-C"]
    assert ids(Timeline(case).address("' OR 1=1 --")) == []
    assert ids(Timeline(case).session("'; DROP TABLE evidence; --")) == []


@pytest.mark.parametrize("name", ["eni-0example", "arn:aws:s3:::it's", "i-0", "?"])
def test_where_events_about_something_stand_is_where_their_resources_hold_it(case: Case, name: str) -> None:
    narrow = Timeline(case).resource(name).between("2026-11-05")
    held = case.sql(f"SELECT event_id FROM event WHERE {' AND '.join(narrow.conditions)} ORDER BY time", narrow.bound)
    assert [row[0] for row in narrow.rows()] == [row[0] for row in held.rows()]
    assert narrow.sql.count("?") == len(narrow.params)


def test_a_question_mark_in_a_condition_is_no_value(case: Case) -> None:
    narrow = Timeline(case).where("action <> '?'").workload("w:1").where("source <> ?", "vpc_flow")
    assert (narrow.rows(), narrow.params[-1], narrow.python.count("?")) == ([], "vpc_flow", 2)


def test_an_address_is_found_on_both_sides(case: Case) -> None:
    assert Timeline(case).address("203.0.113.7").count() == 2


def test_a_principal_goes_by_arn_or_name(case: Case) -> None:
    assert ids(Timeline(case).principal("ana")) == ids(Timeline(case).principal("AIDAEXAMPLE")) == ["event-B"]


def test_names_that_nobody_carries_are_errors_of_the_call(case: Case) -> None:
    for wrong in (Timeline(case).principal, Timeline(case).workload, Timeline(case).source):
        with pytest.raises(UnknownName):
            wrong("nobody")


def test_a_name_that_two_carry_asks_which(case: Case) -> None:
    with pytest.raises(AmbiguousName, match="w:1, w:2"):
        Timeline(case).workload("twin")
    assert find_workload(case, "w:1") == "w:1"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-05", datetime(2026, 11, 5)),
        ("2026-11-05T09:12", datetime(2026, 11, 5, 9, 12)),
        (" 2026-11-05T09:12:31Z ", datetime(2026, 11, 5, 9, 12, 31)),
        ("2026-11-05T09:12:31+02:00", datetime(2026, 11, 5, 7, 12, 31)),
        (date(2026, 11, 5), datetime(2026, 11, 5)),
        (datetime(2026, 11, 5, 9, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 11, 5, 8)),
    ],
)
def test_a_time_is_utc_unless_it_says(moment: object, expected: datetime) -> None:
    assert parse_time(moment) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("moment", ["", "yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00", "'; DROP TABLE x"])
def test_what_is_no_time_is_an_error_of_the_call(moment: str) -> None:
    with pytest.raises(UsageError, match="not a time"):
        parse_time(moment)


def test_a_window_that_ends_before_it_begins_is_refused(case: Case) -> None:
    with pytest.raises(UsageError, match="the window is empty"):
        Timeline(case).between("2026-11-06", "2026-11-05")


def test_an_or_within_a_condition_stays_within_it(tmp_path: Path) -> None:
    with fresh_case(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {"a.json": records(trail("A"), trail("B"), trail("C"))})
        either = Timeline(case).where("action LIKE '%A' OR action LIKE '%B'").where("action LIKE '%B'")

        assert [row[0] for row in either.select("SELECT count(*) FROM timeline").rows()] == [1]
