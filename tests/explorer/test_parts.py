"""What the parts of the explorer find: suggestions, facets, bars, pages, records, cards, tags."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from forensics.errors import UnknownName, UsageError
from forensics.explorer import State, brush, marks
from forensics.explorer.facets import facets
from forensics.explorer.index import PARTS, Index
from forensics.explorer.opening import named
from forensics.explorer.page import page
from forensics.explorer.record import pretty, record
from forensics.explorer.search import search
from forensics.explorer.things import thing
from forensics.timeline import Timeline
from tests.explorer.world import BUCKET, DENIED, FINDING, HIDDEN, HOSTILE, KEY, OUTSIDE, READS, ROLE, SESSION
from tests.fresh import fresh_case
from tests.views.worlds import add_many
from tests.workload_worlds import ORDERS

EVENTS = 16


def found(index: Index, text: str) -> list[tuple[str, str]]:
    return [(item["kind"], item["value"]) for item in search(index, text)]


def counted(index: Index, state: State, kind: str) -> dict[Any, int]:
    (facet,) = (item for item in facets(index, state)[1] if item["kind"] == kind)
    return {item["value"]: item["events"] for item in facet["items"]}


def rows(index: Index, state: State, **how: Any) -> list[dict[str, Any]]:
    index.show(state)
    return page(index, **{"at": 0, "rows": 50, "newest_first": False} | how)


# Search


def test_a_search_suggests_what_bears_the_text_in_its_name_whatever_the_case_of_its_letters(index: Index) -> None:
    assert found(index, "ORDERS") == [
        ("workload", ORDERS),
        ("principal", ROLE),
        ("session", SESSION),
        ("resource", BUCKET),
        ("text", "ORDERS"),
    ]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [(OUTSIDE, "address", OUTSIDE), ("exampleSTOLEN", "access_key", KEY), ("outside", "finding", FINDING)],
)
def test_addresses_keys_and_findings_are_suggested(index: Index, text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(index, text)


def test_a_suggestion_says_in_how_many_events_the_name_is(index: Index) -> None:
    assert search(index, OUTSIDE)[0]["note"] == f"{READS + DENIED + 1} events"


def test_one_letter_is_not_searched_for(index: Index) -> None:
    assert search(index, " a ") == []


def test_hostile_text_is_searched_for_as_it_is(index: Index) -> None:
    kinds = [kind for kind, value in found(index, HOSTILE) if HOSTILE in value]
    assert kinds == ["principal", "access_key", "address", "action", "resource", "text"]
    assert found(index, "%'; DROP TABLE event") == [("text", "%'; DROP TABLE event")]


# Facets


def test_facets_count_the_events_shown(index: Index) -> None:
    number, _ = facets(index, State())
    assert number == EVENTS
    assert counted(index, State(), "source") == {"cloudtrail": 13, "vpc_flow": 2, "guardduty": 1}
    assert counted(index, State(), "certainty") == {"recorded": READS + DENIED + 1, None: 4}
    assert counted(index, State(), "found") == {"yes": READS + DENIED + 1}
    assert counted(index, State(), "service")["s3"] == READS + 2


def test_the_counts_of_each_facet_agree_with_the_timeline_narrowed_by_it(index: Index, case: Case) -> None:
    for facet in facets(index, State())[1]:
        for item in facet["items"]:
            narrowed = State().narrow(facet["kind"], item["value"])
            assert narrowed.timeline(case).count() == item["events"], (facet["kind"], item["value"])


def test_beside_a_value_that_is_wanted_the_others_can_still_be_chosen(index: Index) -> None:
    state = State().narrow("source", "vpc_flow")
    assert counted(index, state, "source") == {"cloudtrail": 13, "vpc_flow": 2, "guardduty": 1}
    assert counted(index, state, "outcome") == {"accept": 1, "reject": 1}


def test_a_value_that_is_left_out_stays_listed(index: Index) -> None:
    (facet,) = (
        item
        for item in facets(index, State().narrow("source", "vpc_flow", excluded=True))[1]
        if item["kind"] == "source"
    )
    assert {"value": "vpc_flow", "text": "vpc_flow", "events": 0, "wanted": False} in facet["items"]


# The brush


def test_bars_count_every_event_of_the_window_by_source(index: Index) -> None:
    found = brush.bars(index, State(), by="source", names=brush.stacks(index, "source"))
    assert found is not None
    assert {name: sum(counts) for name, counts in found.counts.items()} == {
        "cloudtrail": 13,
        "vpc_flow": 2,
        "guardduty": 1,
    }
    assert found.start == datetime(2026, 11, 5, 8)


def test_the_findings_of_the_window_are_marked(index: Index) -> None:
    (mark,) = brush.marks(index, State())
    assert (mark.time, mark.severity) == (datetime(2026, 11, 5, 9, 10), 8.0)
    assert "<" not in mark.text
    assert brush.marks(index, State().between(None, "2026-11-05T09:00")) == []


@pytest.mark.parametrize("given", [None, [], ["x", "y"], ["2026-11-05", None], 7])
def test_an_axis_without_a_range_is_no_window(given: Any) -> None:
    assert brush.window_of(given) is None


def test_a_window_is_read_as_plotly_writes_it_and_has_a_second_at_least() -> None:
    assert brush.window_of(["2026-11-05 09:10:00.1234", "2026-11-05 09:10:00.2"]) == (
        datetime(2026, 11, 5, 9, 10),
        datetime(2026, 11, 5, 9, 10, 1),
    )


# The table


def test_a_row_has_its_cells_its_certainty_and_whether_a_finding_cites_it(index: Index) -> None:
    (row,) = rows(index, State().narrow("event", "read-0"))
    assert row["found"]
    assert row["cells"]["time"] == {"text": "2026-11-05 09:10:00"}
    assert row["cells"]["principal"] == {"text": ROLE}
    assert row["cells"]["resources"]["items"] == [{"text": BUCKET, "value": BUCKET}]
    assert (row["cells"]["workload"]["text"], row["cells"]["workload"]["certainty"]) == (ORDERS, "recorded")
    assert row["cells"]["workload"]["title"] == f"issued to: {ORDERS} (recorded)"


def test_pages_follow_each_other_in_order_of_time_or_against_it(index: Index, case: Case) -> None:
    wanted = [row[0] for row in Timeline(case).rows()]
    pages = [row["id"] for at in range(0, EVENTS, 5) for row in rows(index, State(), at=at, rows=5)]
    assert pages == wanted
    assert [row["id"] for row in rows(index, State(), newest_first=True)] == wanted[::-1]
    assert rows(index, State(), at=EVENTS) == []


def test_characters_that_cannot_be_seen_are_written_out_and_the_value_is_kept(index: Index, tmp_path: Path) -> None:
    hidden = "a\u202eb\x1b"
    with fresh_case(tmp_path / "case") as case:
        add_many(case, 4)
        case.connection.execute("UPDATE identity SET principal = ?", [hidden])
        row = page(Index(case), at=0, rows=1, newest_first=False)[0]
    assert row["cells"]["principal"] == {"text": "a\\u202eb␛", "value": hidden}


def test_many_events_are_taken_in_stretches_and_stay_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.explorer.index.FEW", 40)
    with fresh_case(tmp_path / "case") as case:
        add_many(case, 300)
        index = Index(case)
        assert len(index._stretches(f'"{case.sql("SELECT current_database()").rows()[0][0]}".main')) == PARTS + 1
        shown = [row[0] for row in index.rows("SELECT event_id FROM event ORDER BY rowid")]
        assert shown == [row[0] for row in Timeline(case).rows()]


def test_a_case_without_events_is_empty_and_nothing_fails(tmp_path: Path) -> None:
    with fresh_case(tmp_path / "case") as case:
        index = Index(case)
        assert facets(index, State()) == (0, [])
        assert rows(index, State()) == []
        assert search(index, "anything")[0]["kind"] == "text"
        assert brush.bars(index, State(), by="source", names={}) is None
        assert brush.marks(index, State()) == []


# The record


def test_the_record_is_the_one_in_the_evidence(index: Index) -> None:
    shown = record(index, "read-3")
    assert json.loads(shown["text"])["eventID"] == "read-3"
    assert json.loads(shown["pretty"]) == json.loads(shown["text"])
    assert shown["where"].startswith("record 3 of ")
    assert [(item["value"], item["certainty"]) for item in shown["attributed"]] == [(ORDERS, "recorded")]
    assert [(item["value"], item["why"]) for item in shown["cited"]] == [
        (FINDING, "same access key, address, API and window")
    ]


def test_an_event_that_is_not_there_is_refused(index: Index) -> None:
    with pytest.raises(UnknownName, match="no event named 'none'"):
        record(index, "none")


def test_evidence_that_is_gone_is_said(tmp_path: Path) -> None:
    with fresh_case(tmp_path / "case") as case:
        add_many(case, 1)
        assert record(Index(case), "00000000-0000-4000-8000-000000000000")["problem"].startswith("no object named")


@pytest.mark.parametrize("text", ["2 111122223333 eni-1", '{"a": 1, "a": 2}', "[" * 100_000, "7", ""])
def test_only_json_of_which_nothing_is_lost_is_indented(text: str) -> None:
    assert pretty(text) == ""


def test_characters_that_turn_the_direction_are_written_out_in_a_record(index: Index) -> None:
    shown = record(index, HOSTILE)
    assert "\u202e" not in shown["pretty"] + shown["text"]
    assert "\\u202egpj" in shown["pretty"]
    assert HIDDEN not in shown["text"]


# Cards


@pytest.mark.parametrize(
    ("kind", "value", "heading"),
    [
        ("principal", ROLE, ROLE),
        ("session", SESSION, SESSION),
        ("resource", BUCKET, BUCKET),
        ("address", OUTSIDE, OUTSIDE),
        ("access_key", KEY, KEY),
        ("workload", ORDERS, ORDERS),
    ],
)
def test_a_thing_has_its_card_with_links_to_narrow_to(index: Index, kind: str, value: str, heading: str) -> None:
    card = thing(index, kind, value)
    assert card["heading"] == heading
    assert card["call"].startswith("case.")
    assert card["parts"]
    linked = {cell["kind"] for part in card["parts"] for row in part["rows"] for cell in row if cell.get("kind")}
    assert linked


def test_the_card_says_what_it_says_of_the_case_itself(index: Index, case: Case) -> None:
    card = thing(index, "principal", ROLE)
    (actions,) = (part for part in card["parts"] if part["title"] == "Calls by action")
    assert [row[0]["value"] for row in actions["rows"]] == [row[0] for row in case.principal(ROLE).actions.rows()]


def test_who_held_an_address_is_asked_at_the_moment_of_the_event(index: Index) -> None:
    card = thing(index, "address", OUTSIDE, at=datetime(2026, 11, 5, 9, 10), held=True)
    assert card["kind"] == "who was"
    assert "2026-11-05 09:10" in card["heading"]
    with pytest.raises(UsageError, match="depends on the moment"):
        thing(index, "address", OUTSIDE, held=True)


# Tags and notes


def test_tags_and_notes_of_events_are_shown_and_can_be_narrowed_to(
    place: Path, tmp_path: Path, case: Case, index: Index
) -> None:
    notes = case.notes
    notes.tag(["read-1", "read-2"], "exfil", by="ana")
    written = notes.write("look here", "read-1", by="ben")
    try:
        assert marks.of_events(case, ["read-1", "read-2", "read-3"]) == {
            "read-1": {"tags": ["exfil"], "notes": 1},
            "read-2": {"tags": ["exfil"], "notes": 0},
        }
        shown = marks.of_event(case, "read-1")
        assert shown["tags"] == [{"tag": "exfil", "by": "ana"}]
        assert [(item["text"], item["by"]) for item in shown["notes"]] == [("look here", "ben")]
        index.forget()
        assert [row["id"] for row in rows(index, State().narrow("tag", "exfil"))] == ["read-1", "read-2"]
    finally:
        notes.untag(["read-1", "read-2"], "exfil", by="ana")
        notes.withdraw(written, by="ana")


# Opening


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        (ORDERS, "workload", ORDERS),
        ("orders-fn-role", "principal", ROLE),
        (KEY, "access_key", KEY),
        (SESSION, "session", SESSION),
        (OUTSIDE, "address", OUTSIDE),
        (BUCKET, "resource", BUCKET),
        (FINDING, "finding", FINDING),
        ("read-0", "event", "read-0"),
        ("iam:ListUsers", "action", "iam:ListUsers"),
    ],
)
def test_a_name_stands_for_the_thing_that_bears_it(case: Case, name: str, kind: str, value: str) -> None:
    assert named(case, name) == (kind, value)


def test_a_name_of_nothing_is_refused(case: Case) -> None:
    with pytest.raises(UnknownName, match="no thing named 'nothing at all'"):
        named(case, "nothing at all")
    with pytest.raises(UsageError, match="give the name of something"):
        named(case, "")


def test_a_wider_window_is_three_times_as_long_around_the_same_middle() -> None:
    start = datetime(2026, 11, 5, 9)
    assert brush.wider((start, start + timedelta(hours=1))) == (start - timedelta(hours=1), start + timedelta(hours=2))
