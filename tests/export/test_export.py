"""What every export keeps to: declared in one place, whole or not there, never over another, and told of beside it."""

import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from forensics.case import Case
from forensics.cli import main
from forensics.cli import timeline as cli_timeline
from forensics.errors import ForensicsError, UnknownName, UsageError
from forensics.export import Format, formats, stream
from forensics.export.format import UNTIMED
from forensics.timeline import Timeline
from tests.worlds import add, call

Run = Callable[..., tuple[int, str, str]]
EVERY = list(formats().values())
PATHS = {"csv": "e.csv", "jsonl": "e.jsonl", "parquet": "e.parquet", "timesketch": "t.jsonl", "ocsf": "folder"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of two calls and one without a time; an hour of CloudTrail that is missing."""
    folder = tmp_path_factory.mktemp("exports")
    with Case.create(folder / "case") as made:
        calls = [call({}, "s3:GetObject", eventID=name, userAgent="=1+1") for name in ("a", "b")]
        add(made.connection, "cloudtrail", [*calls, call({}, eventID="c", eventTime=None)])
        made.connection.execute(
            "INSERT INTO coverage (source, account_id, region, hour, records, status, cause) VALUES"
            " ('cloudtrail', '111122223333', 'us-east-1', TIMESTAMP '2026-11-05 09:00', 2, 'present', NULL),"
            " ('cloudtrail', '111122223333', 'us-east-1', TIMESTAMP '2026-11-05 10:00', 0, 'missing', 'StopLogging \x1b[31m')"
        )
    return folder / "case"


@pytest.fixture
def case(place: Path) -> Iterator[Case]:
    with Case.open(place) as opened:
        yield opened


@pytest.fixture
def out(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


@pytest.fixture
def run(place: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `forensics timeline` over the case: exit status, standard output, standard error."""

    def command(*arguments: object) -> tuple[int, str, str]:
        try:
            status = main(["timeline", str(place), *map(str, arguments)])
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# The registry


@pytest.mark.parametrize("form", EVERY, ids=lambda form: form.name)
def test_a_format_says_what_it_is_for_and_what_it_cannot_hold(form: Format) -> None:
    assert re.fullmatch(r"[a-z]+", form.name)
    assert form.title and form.loses and not form.title.endswith(".")
    assert all(re.fullmatch(r"\.[a-z]+", suffix) for suffix in form.suffixes)
    assert form.name in PATHS


def test_a_suffix_means_one_format() -> None:
    found = [suffix for form in EVERY for suffix in form.suffixes]
    assert len(found) == len(set(found))


def test_the_command_and_the_method_name_every_format(run: Run) -> None:
    _, text, _ = run("--help")
    assert "{" + ",".join(("table", *formats())) + "}" in text
    assert cli_timeline.formats() is formats()
    assert all(form.title in text for form in EVERY)
    assert all(form.name in str(Timeline.export.__doc__) for form in EVERY)


# Whole, and told of


@pytest.mark.parametrize("form", EVERY, ids=lambda form: form.name)
def test_an_export_says_what_it_came_to_and_so_does_the_file_beside_it(case: Case, out: Path, form: Format) -> None:
    done = Timeline(case).export(out / PATHS[form.name], format=form.name)
    said = json.loads(done.about.read_text())
    assert done.rows + done.left_out.get(UNTIMED, 0) == 3 and done.rows == sum(file.rows for file in done.files)
    for file, told in zip(done.files, said["files"], strict=True):
        data = file.path.read_bytes()
        assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert told == {"name": file.path.name, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256}
    assert (said["rows"], said["left_out"], said["altered"]) == (done.rows, dict(done.left_out), dict(done.altered))
    assert done.coverage.startswith("Coverage: partly logged: cloudtrail: logged 50 % of 2 h; 1 h missing (StopLogging")
    (gap,) = said["coverage"]["not_logged"]
    assert (gap["status"], gap["from"], gap["hours"]) == ("missing", "2026-11-05T10:00:00Z", 1)
    assert said["timeline"]["sql"] == Timeline(case).sql
    assert "\x1b" not in done.about.read_text()
    assert listed(out) == sorted({done.about.name, PATHS[form.name]} - ({"about.json"} if form.folder else set()))


def test_the_suffix_means_the_format_and_none_is_asked_for(case: Case, out: Path) -> None:
    assert Timeline(case).export(str(out / "E.CSV")).format == "csv"
    with pytest.raises(
        UsageError, match=r"nothing says how to write .*e\.xlsx: give a format, one of csv, jsonl, ocsf"
    ):
        Timeline(case).export(out / "e.xlsx")
    with pytest.raises(UnknownName, match="no export format named 'xlsx'; known: csv"):
        Timeline(case).export(out / "e.csv", format="xlsx")
    assert listed(out) == ["E.CSV", "E.CSV.about.json"]


def test_an_export_is_shown_with_its_remarks(case: Case, out: Path) -> None:
    done = Timeline(case).export(out / "t.jsonl", format="timesketch")
    assert done.remarks[0] == "left out: events without a time: 1"
    html = done._repr_html_()
    assert "left out: events without a time: 1" in html and done.sha256 in html and "\x1b" not in html


@pytest.mark.parametrize("form", EVERY, ids=lambda form: form.name)
def test_a_path_in_use_is_refused_unless_it_may_be_overwritten(case: Case, out: Path, form: Format) -> None:
    path = out / PATHS[form.name]
    first = Timeline(case).export(path, format=form.name)
    with pytest.raises(UsageError, match="is there already: name another"):
        Timeline(case).where("event_id = 'a'").export(path, format=form.name)
    second = Timeline(case).where("event_id = 'a'").export(path, format=form.name, overwrite=True)
    assert (first.rows > 1, second.rows) == (True, 1)
    assert json.loads(second.about.read_text())["rows"] == 1


def test_a_folder_that_no_export_made_is_never_overwritten(case: Case, out: Path) -> None:
    (out / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="is no folder that an export made"):
        Timeline(case).export(out, format="ocsf", overwrite=True)
    with pytest.raises(UsageError, match="is there already"):
        Timeline(case).export(out, format="csv", overwrite=True)
    assert listed(out) == ["mine.txt"]


@pytest.mark.parametrize("form", EVERY, ids=lambda form: form.name)
def test_a_place_that_cannot_be_written_is_said_and_nothing_is_left(case: Case, out: Path, form: Format) -> None:
    (out / "file").write_text("")
    path = out / "file" / PATHS[form.name]
    with pytest.raises(ForensicsError, match=rf"cannot write {re.escape(str(path))}: Not a directory"):
        Timeline(case).export(path, format=form.name)
    with pytest.raises(ForensicsError, match="No such file or directory"):
        Timeline(case).export(out / "gone" / PATHS[form.name], format=form.name)
    assert listed(out) == ["file"]


class FullDisk:
    """A file on a disk that is full."""

    def __init__(self, handle: IO[bytes]) -> None:
        self.handle = handle

    def __getattr__(self, name: str) -> Any:
        return getattr(self.handle, name)

    def write(self, _: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def __enter__(self) -> "FullDisk":
        return self

    def __exit__(self, *_: object) -> None:
        self.handle.close()


@pytest.mark.parametrize("form", EVERY, ids=lambda form: form.name)
def test_a_full_disk_leaves_what_was_there_and_nothing_else(
    case: Case, out: Path, monkeypatch: pytest.MonkeyPatch, form: Format
) -> None:
    path = out / PATHS[form.name]
    before = [file.sha256 for file in Timeline(case).export(path, format=form.name).files]
    opened = Path.open
    with monkeypatch.context() as patch:
        patch.setattr(
            Path,
            "open",
            lambda self, mode="r", *more, **named: (
                FullDisk(opened(self, mode, *more, **named)) if mode == "wb" else opened(self, mode, *more, **named)
            ),
        )
        with pytest.raises(ForensicsError, match="No space left on device"):
            Timeline(case).export(path, format=form.name, overwrite=True)
    again = json.loads((path / "about.json" if form.folder else out / f"{path.name}.about.json").read_text())
    assert [file["sha256"] for file in again["files"]] == before
    assert len(listed(out)) == (1 if form.folder else 2)


def test_an_interrupted_export_leaves_nothing(case: Case, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("forensics.export.target._say", interrupt)
    for form in EVERY:
        with pytest.raises(KeyboardInterrupt):
            Timeline(case).export(out / PATHS[form.name], format=form.name)
    assert listed(out) == []


def test_a_folder_cannot_be_streamed(case: Case) -> None:
    with pytest.raises(UsageError, match="ocsf is a folder of files: name it with --out"):
        stream(Timeline(case), None, format="ocsf")  # type: ignore[arg-type]


# The command


def test_the_command_writes_a_file_and_says_what_is_not_in_it(run: Run, out: Path) -> None:
    status, said, err = run("--format", "timesketch", "--out", out / "t.csv")
    assert (status, said) == (0, "")
    first, *rest = err.splitlines()
    assert re.fullmatch(rf"forensics: {out}/t\.csv: 2 rows, [\d,]+ bytes, SHA-256 [0-9a-f]{{64}}", first)
    assert rest == [
        "forensics: left out: events without a time: 1",
        "forensics: altered: texts that a spreadsheet takes for a formula (a ' stands before): 2",
        "forensics: Coverage: partly logged: cloudtrail: logged 50 % of 2 h; 1 h missing (StopLogging \\x1b[31m).",
        f"forensics: all this is in {out}/t.csv.about.json",
    ]


def test_the_command_refuses_to_overwrite_until_it_is_asked_to(run: Run, out: Path) -> None:
    assert run("--format", "csv", "--out", out / "e.csv")[0] == 0
    status, _, err = run("--format", "csv", "--out", out / "e.csv")
    assert status == 2 and "is there already" in err and err.count("\n") == 1
    assert run("--format", "csv", "--out", out / "e.csv", "--overwrite")[0] == 0


@pytest.mark.parametrize("form", ["csv", "jsonl", "timesketch"])
def test_standard_output_has_the_events_and_standard_error_the_remarks(run: Run, form: str) -> None:
    status, said, err = run("--format", form)
    assert status == 0 and len(said.splitlines()) == {"csv": 4, "jsonl": 3, "timesketch": 2}[form]
    assert err.splitlines()[-1].startswith("forensics: Coverage: partly logged")


def test_the_command_says_why_ocsf_needs_a_name_and_raw_needs_ocsf(run: Run, out: Path) -> None:
    assert "name it with --out" in run("--format", "ocsf")[2]
    assert "has no place for raw records: ask for ocsf" in run("--format", "jsonl", "--raw")[2]
    assert run("--format", "ocsf", "--out", out / "o")[0] == 0
    assert listed(out / "o") == ["about.json", "api_activity.parquet"]
