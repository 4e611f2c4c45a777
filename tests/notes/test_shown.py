"""Notes where people read them: on the terminal, in files, in a notebook and in reports; hostile text stays text."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pyarrow.parquet as pq
import pytest

from forensics.analysis.statement import Statement, cite, write
from forensics.case import Case
from forensics.cli import main
from forensics.notes import Notes
from forensics.report.display import show_statements
from forensics.report.notes import SHOWN, TEXT, notes_section, show_notes
from forensics.report.run import run_report
from tests.notes.worlds import five_calls
from tests.playbooks.runs import parsed

nbf: Any = nbformat
HOSTILE = "</div><script>alert(1)</script><a class=\"fx-record\" href='#record-x'>\x1b[31m\u202e=cmd()"
MARKUP = "<b>exfil</b>"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return five_calls(tmp_path_factory.mktemp("shown"))


@pytest.fixture
def path(made: Path) -> Path:
    """A case without notes."""
    (made / "notes.jsonl").unlink(missing_ok=True)
    return made


@pytest.fixture
def case(path: Path) -> Iterator[Case]:
    with Case.open(path) as opened:
        yield opened


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `forensics note`: exit status, standard output, standard error."""

    def command(*arguments: object, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        try:
            status = main(["note", *map(str, arguments)])
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


# On the command line


def test_events_are_tagged_listed_and_untagged(path: Path, run: Run) -> None:
    assert run(path, "tag", "exfil", "event-1", "event-2", "--by", "anna") == (0, "tagged exfil: 2\n", "")
    assert run(path, "tag", "exfil", "event-1", "--by", "anna")[1] == "tagged exfil: 0, 1 had it from you before\n"
    lines = run(path, "list", "--tag", "exfil")[1].splitlines()
    assert [line.split()[3:] for line in lines[2:]] == [
        ["anna", "event", "event-1", "exfil"],
        ["anna", "event", "event-2", "exfil"],
    ]
    assert run(path, "untag", "exfil", "event-1", "event-2")[1] == "taken off: 2\n"
    assert Notes.of(path).rows() == []


def test_a_timeline_is_narrowed_to_a_tag(path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(path, "tag", "exfil", "event-1")
    assert main(["timeline", str(path), "--tag", "exfil", "--format", "csv"]) == 0
    assert [row["event_id"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))] == ["event-1"]


def test_event_ids_and_texts_are_read_from_standard_input(path: Path, run: Run) -> None:
    run(path, "tag", "exfil", "-", typed="event-1\n\nevent-2\n")
    run(path, "add", "-", typed="two\nlines")
    assert [item.tag or item.text for item in Notes.of(path).rows()] == ["exfil", "exfil", "two\nlines"]


def test_a_thing_is_noted_by_its_name_which_is_looked_up(path: Path, run: Run) -> None:
    assert run(path, "add", "who is she?", "--about", "principal=anna")[0] == 0
    assert str(Notes.of(path).rows()[0].about) == "principal arn:aws:iam::111122223333:user/anna"


def test_a_note_is_edited_and_withdrawn_by_the_beginning_of_its_id(path: Path, run: Run) -> None:
    note = run(path, "add", "first", "--by", "anna")[1].split()[1]
    later = run(path, "edit", note, "second", "--by", "ben")[1].split()[1]
    assert [item.text for item in Notes.of(path).rows()] == ["second"]
    assert run(path, "withdraw", later)[1].startswith("withdrawn: 1;")
    assert len(json.loads(run(path, "list", "--history", "--format", "json")[1])) == 3


def test_anothers_notes_are_merged(path: Path, tmp_path: Path, run: Run) -> None:
    Notes.of(tmp_path).tag("event-1", "exfil", by="ben")
    assert run(path, "merge", tmp_path) == (0, "1 of 1 entries are new\n", "")


def test_notes_are_taken_while_another_process_writes_to_the_case_and_that_is_said(path: Path, run: Run) -> None:
    with Case.open(path, read_only=False):
        status, out, err = in_another_process(path, "tag", "exfil", "event-1")
    assert (status, out) == (0, "tagged exfil: 1\n")
    assert "the case is being written" in err


def in_another_process(*arguments: object) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "forensics.cli", "note", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tag", "exfil", "no-such"], "no event named 'no-such'"),
        (["tag", "exfil"], "there is no"),
        (["add", "x", "--about", "principal=zoe"], "no principal named 'zoe'"),
        (["add", "x", "--about", "person=zoe"], "a note cannot be about 'person'"),
        (["add", "x" * 1_000_000], "at most 20,000 are kept"),
        (["edit", "123456", "x"], "no note named '123456'"),
        (["merge", "no-such"], "no notes file named 'no-such'"),
        (["tag", "x", "event-1", "--by", "a\nb"], "a name is one line"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    path: Path, run: Run, arguments: list[str], said: str
) -> None:
    status, out, err = run(path, *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert Notes.of(path).history() == []


def test_where_there_is_no_case_none_is_made(tmp_path: Path, run: Run) -> None:
    assert run(tmp_path, "add", "x")[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_hostile_notes_do_no_harm_on_a_terminal_or_in_a_spreadsheet(path: Path, run: Run) -> None:
    notes = Notes.of(path)
    notes.write(HOSTILE)
    notes.tag(("resource", "=HYPERLINK(1)\x1b"), "=cmd()")
    for form in ("table", "csv", "json", "jsonl"):
        out = run(path, "list", "--format", form)[1]
        assert "\x1b" not in out and "\u202e" not in out
    row = list(csv.DictReader(io.StringIO(run(path, "list", "--format", "csv")[1])))[1]
    assert (row["tag"], row["key"]) == ("'=cmd()", "'=HYPERLINK(1)\\x1b")


def test_parquet_has_every_column_also_without_notes(path: Path, tmp_path: Path, run: Run) -> None:
    run(path, "list", "--format", "parquet", "--out", tmp_path / "notes.parquet")
    assert pq.read_table(tmp_path / "notes.parquet").column_names[:4] == ["id", "kind", "key", "tag"]


def test_lines_that_cannot_be_read_are_told_and_the_others_listed(path: Path, run: Run) -> None:
    Notes.of(path).tag("event-1", "exfil")
    with (path / "notes.jsonl").open("ab") as file:
        file.write(b'{"id": "x\x1b"}\n' + b"[" * 100_000 + b"\n" + b'"' + b"x" * 2_000_000 + b"\n")
    status, out, err = run(path, "list")
    assert status == 0 and "exfil" in out and "\x1b" not in err
    assert [line.split(":")[2] for line in err.splitlines()] == [f" notes.jsonl line {number}" for number in (2, 3, 4)]


# In a notebook and in reports


def test_a_notebook_shows_notes_and_tags_as_text(case: Case) -> None:
    case.notes.write(HOSTILE, by="anna")
    case.notes.tag("event-1", MARKUP, by="anna")
    shown = show_notes(case.notes)
    page = parsed(shown.html)
    assert not any(tag in ("script", "a", "b") for tag, _ in page.elements)
    assert MARKUP in " ".join(page.words)
    assert "\x1b" not in shown.html + shown.text
    assert parsed(case.notes._repr_html_()).words[-len(page.words) :] == page.words


def test_a_notebook_shows_that_there_are_none(case: Case) -> None:
    assert "no rows" in show_notes(case.notes).text


def test_a_case_without_notes_has_no_appendix_of_them(case: Case) -> None:
    assert notes_section(case) == []


def report(case: Case, root: Path) -> str:
    """A report of one statement that cites event-1."""
    statement = Statement("call-01", "A call", "It was made.", None, "recorded", cite(case, ["event-1"]))
    data, metadata = show_statements([statement])._repr_mimebundle_()
    output = nbf.v4.new_output("display_data", data, metadata=metadata)
    notebook = nbf.v4.new_notebook(cells=[nbf.v4.new_code_cell("x", outputs=[output])])
    return run_report(notebook, title="T", facts={}, case=case.path, files={"findings": write([statement], root)})


def test_a_report_has_the_notes_with_author_time_and_a_link_to_the_cited_record(case: Case, tmp_path: Path) -> None:
    case.notes.write("not one of ours", "event-1", by="anna")
    case.notes.write("seen too late", "event-2", by="ben")
    page = report(case, tmp_path)
    section = page[page.index('<h2 id="notes">') :].partition("</section>")[0]
    assert "<strong>anna</strong>" in section and "not one of ours" in section
    assert section.count('<a class="fx-record" href="#record-') == 1
    assert ">event-1</a>" in section and "event event-2" in section


def test_a_statement_shows_the_tags_of_what_it_cites_and_the_findings_stay_as_they_were(
    case: Case, tmp_path: Path
) -> None:
    before = report(case, tmp_path), (tmp_path / "findings.json").read_bytes()
    case.notes.tag("event-1", MARKUP, "night")
    case.notes.tag("event-2", "other")
    after = report(case, tmp_path), (tmp_path / "findings.json").read_bytes()
    head = after[0].partition('<li id="statement-call-01">')[2].partition("</div>")[0]
    assert head.count('<span class="fx-tag">') == 2
    assert "&lt;b&gt;exfil&lt;/b&gt;" in head and "other" not in head
    assert '<span class="fx-tag">' not in before[0]
    assert before[1] == after[1]


def test_a_hostile_note_is_text_in_a_report_and_links_nowhere(case: Case, tmp_path: Path) -> None:
    case.notes.write(HOSTILE, by="<i>anna</i>")
    case.notes.tag("no-such-event", "x")
    before = parsed(report(case, tmp_path))
    assert not [tag for tag, said in before.elements if tag == "i" or said.get("href") == "#record-x"]
    assert "alert(1)" in " ".join(before.words)
    assert "not in this case" in " ".join(before.words)


def test_a_report_of_more_notes_than_it_has_room_for_says_how_many_more(case: Case) -> None:
    case.notes.tag([f"e{number}" for number in range(SHOWN + 7)], "x")
    for number in range(TEXT // 20_000 + 2):
        case.notes.write(f"{number} ".ljust(20_000, "x"))
    body = str(notes_section(case)[0].body)
    assert "… 7 more: " in body and "… 2 more: " in body


def test_a_notes_file_that_cannot_be_read_costs_no_report(path: Path, tmp_path: Path) -> None:
    (path / "notes.jsonl").mkdir()
    try:
        with Case.open(path) as case:
            page = report(case, tmp_path)
    finally:
        (path / "notes.jsonl").rmdir()
    assert "What of the notes file cannot be read" in page
    assert "A call" in page
