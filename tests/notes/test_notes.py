"""Tags and notes of people: what is put on, taken off, written, edited and withdrawn, and what then stands."""

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics import Timeline
from forensics.case import Case
from forensics.errors import AmbiguousName, ForensicsError, UnknownName, UsageError
from forensics.notes import About, Notes
from forensics.notes.about import MOST
from forensics.notes.entry import LONGEST_TEXT
from forensics.verification import verify
from tests.notes.worlds import five_calls

ROLE = "arn:aws:iam::111122223333:role/orders"
KEY = "ASIAMADEUP0000000001"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return five_calls(tmp_path_factory.mktemp("notes"))


@pytest.fixture
def case(made: Path) -> Iterator[Case]:
    """The same, open read-only, with no notes."""
    (made / "notes.jsonl").unlink(missing_ok=True)
    with Case.open(made) as opened:
        yield opened


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes.of(tmp_path)


def test_events_of_a_case_that_is_open_read_only_are_tagged_and_found_by_their_tag(case: Case) -> None:
    assert case.notes.tag(["event-1", "event-3"], "exfil", by="anna") == 2
    assert [row[0] for row in Timeline(case).tagged("exfil").rows()] == ["event-1", "event-3"]
    assert case.notes.tags_of(["event-0", "event-1"]) == {"event-1": ("exfil",)}


def test_a_timeline_is_tagged_as_a_whole(case: Case) -> None:
    assert case.notes.tag(Timeline(case).between("2026-11-05T09:00:03"), "late") == 2
    assert case.notes.keys("late") == ["event-3", "event-4"]


def test_rows_are_tagged_by_their_event_id(case: Case) -> None:
    case.notes.tag(Timeline(case).df().head(1), "first")
    case.notes.tag(case.sql("SELECT event_id FROM event WHERE event_id = 'event-4'"), "last")
    assert (case.notes.keys("first"), case.notes.keys("last")) == (["event-0"], ["event-4"])


def test_rows_without_an_event_id_are_refused(case: Case) -> None:
    for rows in (case.sql("SELECT 1 AS one"), Timeline(case).df()[["time"]]):
        with pytest.raises(UsageError, match="no column event_id"):
            case.notes.tag(rows, "x")


def test_cards_and_the_case_itself_are_noted(case: Case) -> None:
    case.notes.tag([case.principal("anna"), case.credential("AKIAIOSFODNN7EXAMPLE"), case], "ours")
    assert [str(item.about) for item in case.notes.rows()] == [
        "case",
        "credential AKIAIOSFODNN7EXAMPLE",
        "principal arn:aws:iam::111122223333:user/anna",
    ]
    with pytest.raises(UsageError, match="cannot be about WhoWas"):
        case.notes.write("x", case.who_was("203.0.113.7", at="2026-11-05T09:00"))


def test_a_timeline_shows_its_tags(case: Case) -> None:
    case.notes.tag("event-1", "exfil", "night")
    rows = Timeline(case).where("event_id < 'event-2'").with_tags().df()
    assert [(row.event_id, list(row.tags)) for row in rows.itertuples()] == [
        ("event-0", []),
        ("event-1", ["exfil", "night"]),
    ]


def test_no_event_has_a_tag_that_nobody_gave(case: Case) -> None:
    assert Timeline(case).tagged("exfil").count() == 0
    assert Timeline(case).tagged("exfil").with_tags().rows() == []


def test_events_of_either_of_two_tags_are_found(case: Case) -> None:
    case.notes.tag("event-1", "exfil")
    case.notes.tag("event-2", "recon")
    assert Timeline(case).tagged("exfil", "recon").count() == 2


def test_a_tag_that_is_there_already_is_not_added_again_but_another_person_may_give_it_too(notes: Notes) -> None:
    assert [notes.tag("e1", "exfil", by=name) for name in ("anna", "anna", "ben")] == [1, 0, 1]
    assert [item.by for item in notes.rows()] == ["anna", "ben"]
    assert notes.tags() == {"exfil": 1}


def test_a_tag_is_taken_off_whoever_put_it_on_and_may_be_put_on_again(notes: Notes) -> None:
    notes.tag("e1", "exfil", by="anna")
    notes.tag("e1", "exfil", by="ben")
    assert notes.untag("e1", "exfil", by="carl") == 2
    assert notes.rows() == []
    notes.tag("e1", "exfil", by="anna")
    assert notes.keys("exfil") == ["e1"]


def test_taking_off_a_tag_that_is_not_there_changes_nothing(notes: Notes) -> None:
    assert notes.untag("e1", "exfil") == 0
    assert not notes.path.exists() or notes.path.read_bytes() == b""


def test_a_note_is_written_edited_and_withdrawn_and_all_of_it_stays_in_the_history(notes: Notes) -> None:
    first = notes.write("a bucket of ours?", ("resource", "arn:aws:s3:::made-up"), by="anna")
    notes.edit(first, "not ours", by="ben")
    (now,) = notes.rows()
    assert (now.text, now.by, now.versions, now.first_by, now.note) == ("not ours", "ben", 2, "anna", first)
    assert notes.withdraw(first, by="anna") == 1
    assert notes.rows() == []
    assert [item.text for item in notes.history()] == ["a bucket of ours?", "not ours", None]


def test_a_note_about_nothing_in_particular_is_about_the_case(notes: Notes) -> None:
    notes.write("handed over to the night shift")
    assert notes.rows()[0].about == About("case")
    assert len(notes.rows(None)) == 1


def test_notes_about_some_events_or_of_one_tag_are_chosen(notes: Notes) -> None:
    notes.tag(["e1", "e2"], "exfil")
    notes.write("why?", "e2")
    assert [item.tag for item in notes.rows("e2")] == ["exfil", None]
    assert [item.about.key for item in notes.rows(tag="exfil")] == ["e1", "e2"]


def test_a_finding_a_principal_and_a_key_are_noted_by_kind_and_key(notes: Notes) -> None:
    for about in (("principal", ROLE), {"kind": "credential", "key": KEY}, About("finding", "f-1")):
        notes.tag(about, "attacker")
    assert notes.keys("attacker", "credential") == [KEY]
    assert notes.keys("attacker") == []


def test_the_frame_has_a_row_for_what_stands_and_its_columns_also_without_any(notes: Notes) -> None:
    assert list(notes.df().columns)[:5] == ["id", "kind", "key", "tag", "text"]
    notes.tag("e1", "exfil", by="anna")
    assert notes.df()[["kind", "key", "tag", "by"]].values.tolist() == [["event", "e1", "exfil", "anna"]]


def test_the_author_is_the_one_given_else_that_of_the_environment_else_the_user_without_a_path(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "DOMAIN\\carl")
    notes.tag("e1", "a")
    monkeypatch.setenv("FORENSICS_AUTHOR", "ben")
    notes.tag("e1", "b")
    notes.tag("e1", "c", by="anna")
    assert [item.by for item in notes.rows()] == ["carl", "ben", "anna"]


def test_a_beginning_of_an_id_is_enough_where_it_is_the_only_one(notes: Notes) -> None:
    first = notes.write("a")
    notes.edit(first[:8], "b")
    assert [item.text for item in notes.rows()] == ["b"]
    with pytest.raises(UnknownName, match="note CASE list"):
        notes.edit(first[:5], "c")


def test_two_notes_whose_ids_begin_alike_are_told_apart(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.notes.notes.SHORT", 0)
    notes.write("a")
    notes.write("b")
    with pytest.raises(AmbiguousName):
        notes.edit("", "c")


def test_what_was_withdrawn_cannot_be_edited(notes: Notes) -> None:
    first = notes.write("a")
    notes.withdraw(first)
    with pytest.raises(UnknownName, match="it was withdrawn"):
        notes.edit(first, "b")


def test_a_tag_is_not_edited(notes: Notes) -> None:
    notes.tag("e1", "exfil")
    with pytest.raises(UsageError, match="taken off and another put on"):
        notes.edit(notes.rows()[0].id, "b")


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ([], "there is nothing to note"),
        ("", "a note of kind event needs its key"),
        ({"kind": "person", "key": "x"}, "a note cannot be about 'person'"),
        (3, "a note cannot be about int"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_noted_is_said(notes: Notes, about: object, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("(", "\\(")):
        notes.tag(about, "exfil")


def test_a_key_longer_than_any_arn_is_refused(notes: Notes) -> None:
    with pytest.raises(UsageError, match="at most 2,048"):
        notes.tag("x" * 2049, "exfil")


@pytest.mark.parametrize("tag", ["", " ", "x" * 101, "two\nlines", "\x1b[31mred", "\u202eright"])
def test_a_tag_that_is_not_one_line_that_can_be_seen_is_refused(notes: Notes, tag: str) -> None:
    with pytest.raises(UsageError, match="a tag"):
        notes.tag("e1", tag)


def test_no_tag_at_all_is_refused(notes: Notes) -> None:
    with pytest.raises(UsageError, match="there is no tag"):
        notes.tag("e1")


@pytest.mark.parametrize(("text", "said"), [(" ", "is empty"), ("x" * 1_000_000, f"at most {LONGEST_TEXT:,}")])
def test_a_note_of_nothing_and_one_of_a_megabyte_are_refused(notes: Notes, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        notes.write(text)
    assert not notes.path.exists()


def test_a_note_about_two_things_is_refused(notes: Notes) -> None:
    with pytest.raises(UsageError, match="about one thing, not 2"):
        notes.write("x", ["e1", "e2"])


def test_more_events_than_anybody_can_look_at_are_refused(notes: Notes) -> None:
    with pytest.raises(UsageError, match="more than 100,000 things"):
        notes.tag((f"e{number}" for number in range(MOST + 1)), "exfil")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ForensicsError, match=r"cannot write the notes .*no-such/notes.jsonl"):
        Notes.of(tmp_path / "no-such" / "notes.jsonl").tag("e1", "exfil")


def test_verification_of_the_evidence_is_as_it_was(case: Case) -> None:
    before = verify(case)
    case.notes.tag("event-1", "exfil")
    assert verify(case) == before
    assert before.ok


def test_what_is_added_by_another_is_seen_without_opening_again(case: Case) -> None:
    assert case.notes.rows() == []
    Notes.of(case.path).tag("event-1", "exfil", by="ben")
    assert case.notes.keys("exfil") == ["event-1"]


def test_notes_of_a_file_that_was_put_in_place_of_the_old_one_are_read_anew(notes: Notes, tmp_path: Path) -> None:
    notes.tag("e1", "exfil")
    other = Notes.of(tmp_path / "other.jsonl")
    other.tag("e2", "recon")
    other.path.replace(notes.path)
    assert notes.tags() == {"recon": 1}
