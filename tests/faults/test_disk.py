"""A full or read-only disk leaves what was committed, says so in a sentence, and is no matter once there is room."""

import shutil
import subprocess
from pathlib import Path

import pytest

from forensics import canonical, evidence, verification
from forensics.case import Case
from forensics.load import load
from tests.faults import confined, killing
from tests.faults.confined import run
from tests.fresh import fresh_case

FULL = "No space left on device"


def fill(disk: Path, leaving: int = 0) -> Path:
    """Use all of the disk, but for some bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as out:
        left = shutil.disk_usage(disk).free - leaving
        out.write(bytes(max(left, 0)))
    return ballast


def told(outcome: confined.Outcome) -> str:
    """The one line that a command failed with."""
    assert outcome.status == 1, outcome
    assert "Traceback" not in outcome.err
    (line,) = (line for line in outcome.err.splitlines() if "unfinished" not in line)
    return line


def test_each_step_on_a_full_disk_says_so_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    folder = killing.logs(tmp_path / "logs")
    with fresh_case(tmp_path / "other") as case:
        evidence.add(case, folder)
        load(case, workers=1)
        expected = canonical.tables(case)
    with confined.small_disk(tmp_path / "disk", "16m") as disk:
        root = disk / "case"
        fresh_case(root).close()
        ballast = fill(disk)
        assert FULL in told(run("add", root, folder))
        ballast.unlink()
        assert run("add", root, folder).status == 0
        for leaving in (0, 20_000, 600_000):
            ballast = fill(disk, leaving)
            line = told(run("load", root))
            assert FULL in line and "run" in line, (leaving, line)
            with Case.open(root) as case:
                assert verification.verify(case).ok
            ballast.unlink()
        assert run("load", root).status == 0
        with Case.open(root) as case:
            assert canonical.tables(case).differing(expected) == []


def test_exports_and_notes_on_a_full_disk_leave_no_half_file(tmp_path: Path) -> None:
    with confined.small_disk(tmp_path / "disk", "16m") as disk:
        root = disk / "case"
        with fresh_case(root) as case:
            evidence.add(case, killing.logs(tmp_path / "logs"))
            load(case, workers=1)
            (event,) = case.sql("SELECT min(event_id) FROM event").rows()[0]
        fill(disk)
        assert FULL in told(run("timeline", root, "--format", "csv", "--out", disk / "x.csv"))
        assert FULL in told(run("note", root, "tag", "exfil", event, "--by", "ana"))
        assert {path.name for path in disk.iterdir()} == {"case", "ballast"}
        assert not (root / "notes.jsonl").exists() or (root / "notes.jsonl").read_bytes() == b""


@pytest.mark.long
def test_a_report_on_a_full_disk_is_not_there_by_half(tmp_path: Path) -> None:
    with fresh_case(tmp_path / "case") as case:
        evidence.add(case, killing.logs(tmp_path / "logs"))
        load(case, workers=1)
    with confined.small_disk(tmp_path / "disk", "1m") as disk:
        for leaving in (0, 100_000):
            ballast = fill(disk, leaving)
            assert FULL in told(run("run", "account-first-look", "--case", tmp_path / "case", "--out", disk / "report"))
            assert not (disk / "report" / "report.html").exists()
            ballast.unlink()


def test_a_file_that_may_not_grow_is_a_full_disk_too(tmp_path: Path) -> None:
    with fresh_case(tmp_path / "case") as case:
        evidence.add(case, killing.logs(tmp_path / "logs"))
    assert "File too large" in told(
        run("load", tmp_path / "case", file_size=(tmp_path / "case/case.duckdb").stat().st_size)
    )
    assert run("load", tmp_path / "case").status == 0


@pytest.fixture
def read_only(tmp_path: Path) -> Path:
    """A loaded case in which nothing may be written."""
    with fresh_case(tmp_path / "case") as case:
        evidence.add(case, killing.logs(tmp_path / "logs"))
        load(case, workers=1)
    subprocess.run(["chmod", "-R", "a-w", str(tmp_path / "case")], check=True)
    return tmp_path / "case"


def test_a_read_only_case_is_read_and_what_would_write_says_that_it_cannot(read_only: Path, tmp_path: Path) -> None:
    less = confined.unprivileged()
    read = run("sql", read_only, "SELECT count(*) AS n FROM event", "--format", "csv", before=less)
    assert (read.status, read.out, read.err) == (0, "n\n120\n", "")
    assert run("verify", read_only, before=less).status == 0
    for words in (("load", read_only), ("add", read_only, tmp_path / "logs"), ("new", read_only / "x")):
        assert "Permission denied" in told(run(*words, before=less))
    assert "Permission denied" in told(run("timeline", read_only, "--out", read_only / "x", before=less))
    subprocess.run(["chmod", "-R", "u+w", str(read_only)], check=True)
