"""The explorer without a browser: what a message of its panels does to the state, and what is then shown."""

import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from forensics.errors import UnknownName, UsageError
from forensics.explorer import State
from forensics.explorer.app import Explorer
from forensics.notes import Notes
from tests.explorer.world import BUCKET, DENIED, HOSTILE, OUTSIDE, READS, ROLE
from tests.fresh import fresh_case

EVENTS = 16


@pytest.fixture
def explorer(case: Case) -> Iterator[Explorer]:
    made = case.explore()
    yield made
    made.close()


def tell(explorer: Explorer, do: str, **said: Any) -> None:
    """A message as a panel sends it."""
    explorer._told(explorer.body, {"do": do, "serial": explorer.body.answered + 1, **said}, None)


def test_it_opens_on_the_whole_case(explorer: Explorer) -> None:
    assert explorer.state == State()
    assert (explorer.head.view["events"], explorer.head.view["total"]) == (EVENTS, EVENTS)
    assert explorer.code.endswith("timeline = Timeline(case)\ntimeline.df()")
    assert explorer.head.view["coverage"]["word"] == explorer.timeline.coverage().badge.word


def test_it_opens_on_a_thing_and_a_window(case: Case) -> None:
    explorer = case.explore(ROLE, start="2026-11-05T09:00", end="2026-11-05T09:19")
    assert explorer.state == State().narrow("principal", ROLE).between("2026-11-05T09:00", "2026-11-05T09:19")
    assert explorer.head.view["events"] == READS
    assert [chip["kind"] for chip in explorer.head.view["chips"]] == ["window", "principal"]
    explorer.close()


def test_it_narrows_leaves_out_goes_back_and_forward(explorer: Explorer) -> None:
    tell(explorer, "narrow", kind="address", value=OUTSIDE)
    tell(explorer, "narrow", kind="outcome", value="denied", excluded=True)
    assert explorer.head.view["events"] == READS + 1
    tell(explorer, "back")
    assert explorer.head.view["events"] == READS + DENIED + 1
    tell(explorer, "forward")
    tell(explorer, "drop", kind="address", value=OUTSIDE)
    assert explorer.head.view["events"] == EVENTS - DENIED
    tell(explorer, "clear")
    assert explorer.state == State()


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ({"do": "around", "at": "2026-11-05 09:10:00", "seconds": 60}, "09:09:30", "09:10:30"),
        ({"do": "window", "start": "2026-11-05 09:10:00"}, "09:10:00", None),
        ({"do": "window", "end": "2026-11-05 09:10:00"}, None, "09:10:00"),
        ({"do": "wider"}, "06:29:59", "11:00:02"),
        ({"do": "whole"}, None, None),
    ],
    ids=lambda said: said.get("do") if isinstance(said, dict) else None,
)
def test_windows_are_chosen_by_a_time_and_widened(explorer: Explorer, said: Any, start: str, end: str) -> None:
    tell(explorer, **said)
    wanted = [datetime.fromisoformat(f"2026-11-05T{time}") if time else None for time in (start, end)]
    assert [explorer.state.start, explorer.state.end] == wanted


def test_a_window_dragged_in_the_figure_is_the_states(explorer: Explorer) -> None:
    explorer.figure.widget.layout.xaxis.range = ["2026-11-05 09:20:00", "2026-11-05 09:25:00"]
    assert explorer.state == State().between("2026-11-05T09:20", "2026-11-05T09:25")
    assert explorer.head.view["events"] == DENIED + 1
    assert explorer.trail.has_before


def test_pages_have_the_rows_asked_for_and_a_new_state_begins_at_the_first(explorer: Explorer) -> None:
    explorer._rows = 5
    tell(explorer, "page", at=10)
    assert (explorer.body.view["at"], len(explorer.body.view["rows"])) == (10, 5)
    tell(explorer, "order", newest=True)
    assert (explorer.body.view["at"], explorer.body.view["rows"][0]["id"]) == (0, HOSTILE)
    tell(explorer, "narrow", kind="resource", value=BUCKET)
    assert explorer.body.view["at"] == 0
    tell(explorer, "size", rows=200)
    assert explorer.body.view["size"] == 200
    tell(explorer, "size", rows=10**9)
    assert explorer.body.view["size"] == 200


def test_bars_are_stacked_by_source_or_outcome(explorer: Explorer) -> None:
    tell(explorer, "stack", by="outcome")
    names = [trace.name for trace in explorer.figure.widget.data]
    assert names == ["success", "denied", "accept", "reject", "not recorded", "findings"]
    assert sum(sum(trace.y or ()) for trace in explorer.figure.widget.data[:-1]) == EVENTS


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"do": "narrow", "kind": "workload", "value": "nothing"}, "no workload named 'nothing'"),
        ({"do": "narrow", "kind": "colour", "value": "red"}, "nothing is narrowed by 'colour'"),
        ({"do": "window", "start": "yesterday"}, "not a time: 'yesterday'"),
        ({"do": "dance"}, "the explorer knows nothing called 'dance'"),
        ({"do": "record", "id": "none"}, "no event named 'none'"),
        ({"do": "card", "kind": "workload", "value": "none"}, "no workload named 'none'"),
        ({"do": "tag", "id": "read-0", "tag": "\x1b"}, "a tag is one line without control"),
    ],
    ids=lambda said: said.get("do") if isinstance(said, dict) else None,
)
def test_what_cannot_be_done_is_said_the_state_stays_and_the_busy_mark_goes(
    explorer: Explorer, said: Any, problem: str
) -> None:
    tell(explorer, "narrow", kind="address", value=OUTSIDE)
    before, serial = explorer.state, explorer.body.answered
    tell(explorer, **said)
    assert problem in explorer.head.view["problem"]
    assert (explorer.state, explorer.body.answered) == (before, serial + 1)
    tell(explorer, "page", at=0)
    assert explorer.head.view["problem"] == ""


def test_an_empty_result_says_whether_its_window_was_logged(explorer: Explorer) -> None:
    tell(explorer, "narrow", kind="source", value="guardduty")
    tell(explorer, "narrow", kind="outcome", value="denied")
    assert explorer.body.view["rows"] == []
    assert explorer.body.view["empty"] == explorer.timeline.coverage().badge.of_nothing


def test_a_case_without_events_is_shown_empty(tmp_path: Path) -> None:
    with fresh_case(tmp_path / "case") as case:
        explorer = case.explore()
        tell(explorer, "wider")
        assert (explorer.head.view["events"], explorer.body.view["rows"]) == (0, [])
        explorer.close()


def test_it_is_displayed_as_a_widget_of_two_panels_and_a_figure(explorer: Explorer) -> None:
    assert "application/vnd.jupyter.widget-view+json" in explorer._repr_mimebundle_()
    assert explorer.box.children == (explorer.head, explorer.figure.widget, explorer.body)


def test_explorers_of_one_case_share_what_is_in_memory_and_show_each_its_own(explorer: Explorer, case: Case) -> None:
    other = case.explore(OUTSIDE)
    assert other.index is explorer.index
    tell(explorer, "page", at=0)
    assert len(explorer.body.view["rows"]) == EVENTS
    tell(other, "order", newest=True)
    assert len(other.body.view["rows"]) == READS + DENIED + 1
    other.close()
    other.close()
    tell(explorer, "narrow", kind="address", value=OUTSIDE)
    assert explorer.head.view["problem"] == ""


def test_a_cell_that_is_run_again_gives_back_the_memory_of_what_it_showed_before(place: Path) -> None:
    with Case.open(place) as before, Case.open(place) as again:
        old = before.explore()
        new = again.explore()
        assert old.index.users == 0
        assert old.box.comm is None
        assert new.index.users == 1
        new.close()


def test_notes_of_two_people_that_are_merged_stand_beside_the_record(place: Path, tmp_path: Path) -> None:
    theirs = Notes.of(tmp_path / "notes.jsonl")
    theirs.tag("read-3", "theirs", by="ben")
    theirs.write("Seen by ben.", "read-3", by="ben")
    with Case.open(shutil.copytree(place, tmp_path / "case")) as case:
        case.notes.tag("read-3", "ours", by="ana")
        case.notes.merge(theirs)
        explorer = case.explore()
        tell(explorer, "record", id="read-3")
        tell(explorer, "narrow", kind="tag", value="theirs")
        shown = explorer.body.record["marks"]
        explorer.close()
    assert shown["tags"] == [{"tag": "theirs", "by": "ben"}, {"tag": "ours", "by": "ana"}]
    assert [item["text"] for item in shown["notes"]] == ["Seen by ben."]
    assert [row["id"] for row in explorer.body.view["rows"]] == ["read-3"]


def test_no_markup_is_ever_interpreted_by_the_panels() -> None:
    code = (Path(__file__).parents[2] / "forensics/explorer/explorer.js").read_text("utf-8")
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "http:",
        "https:",
        "import(",
    ):
        assert word not in code


def test_a_name_of_nothing_is_refused_before_anything_is_read(case: Case) -> None:
    with pytest.raises(UnknownName, match="no thing named"):
        case.explore("nothing at all")


def test_without_the_widgets_of_jupyterlab_it_says_what_to_install(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "forensics.explorer.app")
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(UsageError, match=r"ipywidgets is not installed\): pip install '\.\[lab\]'"):
        case.explore()
