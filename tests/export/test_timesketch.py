"""Timesketch takes the export whole, and what is tagged, starred and commented there comes back into the notes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.cli import main
from forensics.errors import EvidenceError, UsageError
from forensics.export.format import UNTIMED
from forensics.export.forms.timesketch import UNREADABLE
from forensics.timeline import Timeline
from forensics.timesketch import take_in
from tests.export.timesketch_check import client_export, imported, web_export
from tests.worlds import add, call


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of four calls, one of them with an id that looks like a formula."""
    folder = tmp_path_factory.mktemp("sketch")
    with Case.create(folder / "case") as made:
        names = ("one", "two", "three", "=four()")
        calls = [call({}, "s3:GetObject", at=f"09:0{place}:00", eventID=name) for place, name in enumerate(names)]
        add(made.connection, "cloudtrail", calls)
    return folder / "case"


@pytest.fixture
def case(template: Path, tmp_path: Path) -> Iterator[Case]:
    """That case, with notes of its own."""
    with Case.open(shutil.copytree(template, tmp_path / "case")) as opened:
        yield opened


def said(case: Case) -> set[tuple[str, str]]:
    """Event and tag or text of everything noted."""
    return {(item.about.key, str(item.tag or item.text)) for item in case.notes.rows()}


# Out


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("world", ["hostile", "specimens"])
def test_timesketch_takes_every_event_that_has_a_time(
    request: pytest.FixtureRequest, tmp_path: Path, world: str, suffix: str
) -> None:
    events: Timeline = request.getfixturevalue(world)
    done = events.export(tmp_path / f"t.{suffix}", format="timesketch")
    found = imported(done.files[0].path)
    assert len(found) == done.rows > 10
    assert done.rows + sum(done.left_out.values()) == events.count()
    assert done.left_out[UNTIMED] == events.select("SELECT count(*) FROM timeline WHERE time IS NULL").rows()[0][0]
    ids = events.select(
        "SELECT event_id FROM timeline WHERE time IS NOT NULL ORDER BY time, event_id, object_id, record"
    )
    if suffix == "jsonl":
        assert [event["event_id"] for event in found] == [row[0] for row in ids.rows()]


def test_a_time_that_timesketch_drops_is_left_out_and_counted(case: Case, tmp_path: Path) -> None:
    case.close()
    times = {"one": "9000-01-01", "two": "infinity", "three": "1500-01-01"}
    with Case.open(case.path, read_only=False) as opened:
        for name, time in times.items():
            opened.connection.execute("UPDATE stored.cloudtrail SET event_time = ? WHERE event_id = ?", [time, name])
        done = Timeline(opened).export(tmp_path / "t.jsonl", format="timesketch")
    assert (done.rows, done.left_out) == (1, {UNREADABLE: 3})


def test_the_tags_of_the_case_go_with_the_events(case: Case, tmp_path: Path) -> None:
    case.notes.tag("two", "exfil", "key, theft", by="ada")
    case.notes.tag("two", "exfil", by="bo")
    for suffix in ("csv", "jsonl"):
        done = Timeline(case).export(tmp_path / f"t.{suffix}", format="timesketch")
        tags = {event["event_id"]: event["tag"] for event in imported(done.files[0].path)}
        assert tags.pop("two") == ["exfil", "key, theft"] and set(map(tuple, tags.values())) == {()}


def test_what_rules_say_of_events_goes_with_them_and_is_no_tag(case: Case, tmp_path: Path) -> None:
    case.close()
    with Case.open(case.path, read_only=False) as opened:
        for number, title in enumerate(("Keys taken", "<b>Buckets</b> read")):
            opened.connection.execute(
                "INSERT INTO finding (finding_id, source, title) VALUES (?, 'sigma', ?)", [f"hit-{number}", title]
            )
            opened.connection.execute("INSERT INTO finding_evidence VALUES (?, 'three', 'rule')", [f"hit-{number}"])
        done = Timeline(opened).export(tmp_path / "t.jsonl", format="timesketch")
    events = {event["event_id"]: event for event in map(json.loads, done.files[0].path.read_text().splitlines())}
    assert (events["three"]["hits"], events["three"]["tag"]) == (["<b>Buckets</b> read", "Keys taken"], [])
    assert events["two"]["hits"] == []


def test_a_name_that_timesketch_does_not_take_is_refused(case: Case, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in '\.json'.*\.jsonl, \.csv"):
        Timeline(case).export(tmp_path / "t.json", format="timesketch")
    assert [path.name for path in tmp_path.iterdir()] == ["case"]


# Back


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("back", [web_export, client_export])
def test_tags_stars_and_comments_made_there_come_back(case: Case, tmp_path: Path, suffix: str, back) -> None:
    out = Timeline(case).export(tmp_path / f"t.{suffix}", format="timesketch")
    events = imported(out.files[0].path)
    events[0] |= {"tag": ["exfil", "s3"], "label": ["__ts_star"]}
    events[1] |= {"label": ["__ts_comment", "known good"], "comment": ["seen, and asked bo", "it's [fine]"]}
    events[3] |= {"tag": ["formula"], "comment": ["=1+1"]}
    done = take_in(case, back(events, tmp_path / "back.csv"), by="ada")
    assert said(case) == {
        ("one", "exfil"),
        ("one", "s3"),
        ("one", "starred"),
        ("two", "known good"),
        ("two", "seen, and asked bo"),
        ("two", "it's [fine]"),
        ("=four()", "formula"),
        ("=four()", "=1+1"),
    }
    assert (done.rows, done.tags, done.comments, done.unknown, done.refused) == (4, 5, 3, (), {})
    assert {item.by for item in case.notes.rows()} == {"ada"}


def test_lines_of_json_come_back_too_and_twice_adds_nothing(case: Case, tmp_path: Path) -> None:
    label = [{"name": "__ts_star", "sketch_id": 1, "user_id": 1}]
    rows = [
        {"event_id": "one", "tag": ["a"], "timesketch_label": label, "comment": "why"},
        {"event_id": "two", "tag": None, "label": [], "comment": None},
    ]
    path = tmp_path / "back.jsonl"
    path.write_text("\ufeff" + "\n\n".join(map(json.dumps, rows)))
    assert str(take_in(case, path, by="ada")) == "2 rows read: 2 tags and 1 comments are new"
    assert str(take_in(case, path, by="ada")) == "2 rows read: 0 tags and 0 comments are new"
    assert said(case) == {("one", "a"), ("one", "starred"), ("one", "why")}


def test_ids_of_no_event_and_rows_without_one_are_counted_and_named(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "back.csv"
    path.write_text("event_id,tag,comment\none,a,\n\x1b[31mgone,b,\nalso gone,,why\n,c,\nnot tagged,,\n")
    done = take_in(case, path, by="ada")
    assert (done.tags, done.unknown, done.unnamed) == (1, ("\x1b[31mgone", "also gone"), 1)
    assert str(done).splitlines()[1:] == [
        "not taken in: 2 ids of no event of this case: \\x1b[31mgone, also gone",
        "not taken in: 1 rows with tags or comments but no event_id",
    ]


def test_a_tag_that_notes_cannot_hold_is_counted_and_the_others_are_taken(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "back.jsonl"
    path.write_text(json.dumps({"event_id": "one", "tag": ["\x1b[2J", "good", "x" * 200], "comment": "y" * 30_000}))
    done = take_in(case, path, by="ada")
    assert said(case) == {("one", "good")}
    assert sum(done.refused.values()) == 3 and all("\x1b" not in why for why in done.refused)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"message,tag\na,b\n", UsageError, "has no column event_id"),
        (b"", UsageError, "has no column event_id"),
        (b'{"event_id": "one"}\n{"event_id"', EvidenceError, "line 2 is no JSON object: the file is cut off"),
        (b"event_id,tag\n\xff\xfe,a\n", EvidenceError, "is no text in UTF-8"),
    ],
)
def test_what_is_no_export_is_refused_and_nothing_is_noted(
    case: Case, tmp_path: Path, content: bytes, error: type[Exception], message: str
) -> None:
    path = tmp_path / "back.csv"
    path.write_bytes(content)
    with pytest.raises(error, match=message):
        take_in(case, path, by="ada")
    assert said(case) == set()


def test_the_command_takes_them_in_and_says_what_it_could_not(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "back.csv"
    path.write_text("event_id,tag\none,a\n\x1b[31mgone,b\n")
    assert main(["note", str(case.path), "from-timesketch", str(path), "--by", "ada"]) == 0
    assert capsys.readouterr().out == (
        "2 rows read: 1 tags and 0 comments are new\nnot taken in: 1 ids of no event of this case: \\x1b[31mgone\n"
    )
    assert said(case) == {("one", "a")}


def test_a_file_that_is_not_there_is_said(case: Case, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*gone\.csv: No such file"):
        take_in(case, tmp_path / "gone.csv")
