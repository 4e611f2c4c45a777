"""Notes of several people: written at the same time, cut off in the middle, merged in any order."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import ForensicsError, UsageError
from forensics.notes import About, Notes
from forensics.notes.entry import Entry
from forensics.notes.notes import row
from forensics.report.notes import show_notes

LINES = 300

WRITER = f"""
import sys
from forensics.notes import Notes
notes = Notes.of(sys.argv[1])
for number in range({LINES}):
    notes.write("a text that is long enough for a write to be cut in two " * 100, by=sys.argv[2])
"""


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes.of(tmp_path)


def test_two_processes_that_write_at_once_lose_no_line_and_tear_none(notes: Notes) -> None:
    command = [sys.executable, "-c", WRITER, str(notes.path)]
    writers = [subprocess.Popen([*command, name]) for name in ("anna", "ben")]
    while any(writer.poll() is None for writer in writers):
        assert notes.problems() == []
    assert [writer.returncode for writer in writers] == [0, 0]
    by = [item.by for item in notes.rows()]
    assert (by.count("anna"), by.count("ben")) == (LINES, LINES)
    assert notes.path.read_bytes().count(b"\n") == 2 * LINES


@pytest.mark.parametrize("kept", [1, 40, -2, -1])
def test_a_write_that_was_cut_off_costs_its_own_line_alone_and_is_told_with_its_place(notes: Notes, kept: int) -> None:
    notes.tag("e1", "exfil", by="anna")
    whole = notes.path.read_bytes()
    notes.tag("e2", "exfil", by="anna")
    line = notes.path.read_bytes()[len(whole) :]
    notes.path.write_bytes(whole + line[:kept])
    again = Notes.of(notes.path)
    assert [item.about.key for item in again.rows()] == ["e1"]
    assert [str(item) for item in again.problems()] == [
        "unreadable: notes.jsonl line 2: is cut off at the end of the file"
    ]
    again.tag("e3", "exfil", by="anna")
    assert [item.about.key for item in again.rows()] == ["e1", "e3"] or kept == -1
    assert len(Notes.of(notes.path).problems()) == (0 if kept == -1 else 1)


def test_a_writer_that_is_killed_in_the_middle_leaves_the_lock_free_and_the_other_lines_whole(notes: Notes) -> None:
    notes.tag("e1", "exfil", by="anna")
    code = f"""
import os
from forensics.notes import Notes, ledger
whole = os.write
def cut(handle, data):
    whole(handle, data[:50])
    os.kill(os.getpid(), 9)
ledger.os.write = cut
Notes.of({str(notes.path)!r}).tag("e2", "exfil", by="ben")
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert notes.tag("e3", "exfil", by="anna") == 1
    assert [item.about.key for item in notes.rows()] == ["e1", "e3"]
    assert [item.what for item in notes.problems()] == ["notes.jsonl line 2"]


def test_a_line_that_was_altered_is_told_and_not_believed(notes: Notes) -> None:
    notes.tag(["e1", "e2"], "exfil", by="anna")
    notes.path.write_bytes(notes.path.read_bytes().replace(b'"anna"', b'"ben"', 1))
    assert [item.by for item in Notes.of(notes.path).rows()] == ["anna"]
    assert "line 1: was altered after it was written" in str(Notes.of(notes.path).problems()[0])


def test_edits_made_at_the_same_time_both_stand_and_say_so_until_one_edit_brings_them_together(tmp_path: Path) -> None:
    ours, theirs = (Notes.of(tmp_path / name) for name in ("a.jsonl", "b.jsonl"))
    first = ours.write("whose bucket?", by="anna")
    theirs.merge(ours)
    ours.edit(first, "ours", by="anna")
    theirs.edit(first, "theirs", by="ben")
    ours.merge(theirs)
    assert {(item.text, item.remark) for item in ours.rows()} == {
        ("ours", "also edited by ben"),
        ("theirs", "also edited by anna"),
    }
    ours.edit(first, "nobody's", by="carl")
    assert [(item.text, item.remark, item.versions) for item in ours.rows()] == [("nobody's", "", 4)]


def test_an_edit_of_what_another_withdrew_meanwhile_stands_and_says_so(tmp_path: Path) -> None:
    ours, theirs = (Notes.of(tmp_path / name) for name in ("a.jsonl", "b.jsonl"))
    first = ours.write("whose bucket?", by="anna")
    theirs.merge(ours)
    ours.withdraw(first, by="anna")
    theirs.edit(first, "ours after all", by="ben")
    ours.merge(theirs)
    (item,) = ours.rows()
    assert (item.text, item.remark) == ("ours after all", "withdrawn by anna, who had not seen this version")


def test_the_same_file_merged_again_adds_nothing(tmp_path: Path) -> None:
    ours, theirs = (Notes.of(tmp_path / name) for name in ("a.jsonl", "b.jsonl"))
    theirs.tag(["e1", "e2"], "exfil", by="ben")
    assert [str(ours.merge(theirs.path)) for _ in range(2)] == ["2 of 2 entries are new", "0 of 2 entries are new"]
    assert ours.merge(ours).new == 0


def test_a_merge_says_which_lines_of_the_other_file_it_could_not_read(tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    Notes.of(other).tag("e1", "exfil")
    with other.open("ab") as file:
        file.write(b"no note\n")
    added = Notes.of(tmp_path / "ours.jsonl").merge(other)
    assert str(added).splitlines()[1].startswith("unreadable: other.jsonl line 2: is not JSON")


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["tag", "untag", "write", "edit", "withdraw", "merge"]),
        st.integers(0, 3),
    ),
    max_size=14,
)


def act(people: Sequence[Notes], who: int, what: str, which: int) -> None:
    """One step of one of three people; edits and withdrawals are of a text that she sees."""
    mine, by = people[who], f"person {who}"
    texts = [item.id for item in mine.rows() if item.text is not None]
    steps: dict[str, Callable[[], object]] = {
        "tag": lambda: mine.tag(f"e{which}", "exfil", by=by),
        "untag": lambda: mine.untag(f"e{which}", "exfil", by=by),
        "write": lambda: mine.write(f"text {which}", f"e{which}", by=by),
        "merge": lambda: people[which % 3].path.is_file() and mine.merge(people[which % 3]),
        "edit": lambda: texts and mine.edit(texts[which % len(texts)], f"edit {which}", by=by),
        "withdraw": lambda: texts and mine.withdraw(texts[which % len(texts)], by=by),
    }
    steps[what]()


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_three_peoples_notes_are_the_same_whoever_merges_whose_first(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, int]]
) -> None:
    root = tmp_path_factory.mktemp("people")
    people = [Notes.of(root / f"{number}.jsonl") for number in range(3)]
    for step in steps:
        act(people, *step)
    whole = []
    for number, order in enumerate(permutations(item for item in people if item.path.is_file())):
        merged = Notes.of(root / f"merged-{number}.jsonl")
        for item in order:
            merged.merge(item)
        whole.append([row(item) for item in merged.rows()])
    assert all(item == whole[0] for item in whole)


def test_a_notes_file_that_is_a_link_or_a_pipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ForensicsError, match="cannot write the notes"):
        Notes.of(tmp_path).tag("e1", "exfil")
    (tmp_path / "notes.jsonl").unlink()
    os.mkfifo(tmp_path / "notes.jsonl")
    with pytest.raises(ForensicsError, match="no regular file"):
        Notes.of(tmp_path).rows()
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_larger_than_any_of_notes_is_not_read(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    notes.tag("e1", "exfil", by="anna")
    monkeypatch.setattr("forensics.notes.ledger.LARGEST", 100)
    with pytest.raises(ForensicsError, match="more than 100 bytes"):
        Notes.of(notes.path).rows()
    with pytest.raises(ForensicsError, match="would be larger than 100 bytes"):
        notes.tag("e2", "exfil", by="anna")
    assert notes.keys("exfil") == ["e1"]


def test_a_time_at_either_end_of_the_calendar_does_not_keep_others_from_being_shown(notes: Notes) -> None:
    for at in (datetime(1, 1, 1), datetime(9999, 12, 31)):
        with notes.path.open("ab") as file:
            file.write(Entry(at, "anna", About("case"), text="x").line())
    assert [str(at)[:4] for at in notes.df()["at"]] == ["0001", "9999"]
    assert "9999" in show_notes(notes).text


def test_names_of_objects_that_no_encoding_holds_are_refused(notes: Notes) -> None:
    with pytest.raises(UsageError, match="no text in UTF-8"):
        notes.tag("\ud800", "exfil")
    notes.write("\ud800 and \x00")
    assert notes.rows()[0].text == "\\ud800 and \\x00"
