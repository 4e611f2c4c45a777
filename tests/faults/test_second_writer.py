"""Whoever finds a case in use is told who uses it, for what, and what to do."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.cli import main
from forensics.errors import CaseLocked
from tests.faults import confined
from tests.fresh import fresh_case

HOLD = "import sys; from forensics.case import Case; k = Case.open(sys.argv[1], read_only=sys.argv[2] == 'read'); print('held', flush=True); input()"

Holder = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A case that nobody has open."""
    fresh_case(tmp_path / "case").close()
    return tmp_path / "case"


@pytest.fixture
def hold(root: Path) -> Iterator[Holder]:
    """Another process that has the case open, to read or to write."""
    held: list[subprocess.Popen[str]] = []

    def start(how: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(root), how],
            env=confined.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        held.append(process)
        assert process.stdout and process.stdout.readline() == "held\n"
        return process

    yield start
    for process in held:
        process.communicate("\n")


def test_a_writer_keeps_out_writers_and_readers_and_is_named(
    root: Path, hold: Holder, capsys: pytest.CaptureFixture[str]
) -> None:
    pid = hold("write").pid
    said = rf"is being written by process {pid} \(.*python.* -c import sys.*: wait until it is done, or end it"
    with pytest.raises(CaseLocked, match=said):
        Case.open(root, read_only=False)
    with pytest.raises(CaseLocked, match=said):
        Case.open(root)
    assert [main(["load", str(root)]), main(["sql", str(root), "SELECT 1"])] == [1, 1]
    assert capsys.readouterr().err.count(f"is being written by process {pid}") == 2


def test_a_reader_keeps_out_writers_alone_and_is_named(root: Path, hold: Holder) -> None:
    pid = hold("read").pid
    Case.open(root).close()
    with pytest.raises(CaseLocked, match=rf"open for reading in process {pid} .*close the case there"):
        Case.open(root, read_only=False)


def test_the_same_process_is_told_to_close_its_own_case(root: Path) -> None:
    with Case.open(root), pytest.raises(CaseLocked, match=r"open in this process .*close that case first"):
        Case.open(root, read_only=False)
