"""One line of a notes file: what was written is read back, and nothing else passes for a note."""

import contextlib
import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import UsageError
from forensics.notes import KINDS, About
from forensics.notes.entry import Entry, prose, read

AT = datetime(2026, 11, 5, 9, 12, 0, 7)
NOTE = Entry(AT, "anna", About("event", "e1"), text="why?")
SAID: dict[str, Any] = json.loads(NOTE.line())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda part: st.lists(part, max_size=3),
    max_leaves=5,
)


@given(
    at=st.datetimes(),
    kind=st.sampled_from([kind for kind in KINDS if kind != "case"]),
    key=st.text(min_size=1, max_size=50).filter(str.strip),
    text=st.text(min_size=1).filter(str.strip),
)
def test_whatever_was_written_is_read_back(at: datetime, kind: str, key: str, text: str) -> None:
    try:
        entry = Entry(at, "anna", About(kind, key), text=prose(text))
    except UsageError:
        return
    assert read(entry.line()) == entry
    assert entry.line().count(b"\n") == 1


@given(name=st.sampled_from([*SAID, "tag", "supersedes", "withdraws", "other"]), value=VALUES)
def test_a_note_with_another_value_in_it_is_none(name: str, value: Any) -> None:
    changed = {**SAID, name: value}
    with contextlib.suppress(ValueError):
        made = read(json.dumps(changed).encode())
        assert made == NOTE and (changed == SAID or value == [])


@given(line=st.binary(max_size=200))
def test_bytes_that_are_no_note_are_said_to_be_none(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"is not|was altered"):
        read(line)


@pytest.mark.parametrize(
    "said",
    [
        {"text": None},
        {"tag": "x"},
        {"text": None, "tag": "x", "supersedes": ["0" * 32]},
        {"withdraws": ["0" * 32]},
        {"supersedes": ["0" * 31]},
        {"supersedes": ["0" * 32] * 65},
        {"about": {"kind": "event"}},
        {"about": "event"},
        {"at": "2026-11-05"},
        {"at": "2026-13-05T09:12:00.000007Z"},
    ],
    ids=str,
)
def test_a_line_that_says_what_no_note_can_is_none(said: dict[str, Any]) -> None:
    line = {key: value for key, value in {**SAID, **said}.items() if value is not None}
    with pytest.raises(ValueError):  # noqa: PT011
        read(json.dumps(line).encode())


def test_the_same_entry_has_the_same_id_in_every_copy_and_another_has_another() -> None:
    assert Entry(AT, "anna", About("event", "e1"), text="why?").id == NOTE.id == SAID["id"]
    assert Entry(AT, "ben", About("event", "e1"), text="why?").id != NOTE.id
