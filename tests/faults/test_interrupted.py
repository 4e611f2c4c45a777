"""Signals, and a terminal or pipe that goes away, end a command cleanly: one line, nothing half done, nothing left."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from forensics import verification
from forensics.case import Case
from tests.faults import confined, killing
from tests.fresh import fresh_case


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case with events, loaded."""
    folder = tmp_path_factory.mktemp("interrupted")
    killing.logs(folder / "logs")
    fresh_case(folder / "case").close()
    assert confined.run("add", folder / "case", folder / "logs").status == 0
    assert confined.run("load", folder / "case").status == 0
    return folder / "case"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_all_processes_of_a_load_ends_it_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    from forensics import evidence

    with fresh_case(tmp_path / "case") as case:
        evidence.add(case, killing.logs(tmp_path / "logs"))
    code = "import sys, forensics.load as l; l.ALONE_BYTES = 0; l.TASK_OBJECTS = 1; from forensics.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [*confined.command()[:1], "-c", code, "load", str(tmp_path / "case"), "--workers", "2"],
        env=confined.environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while process.poll() is None and not list((tmp_path / "case").glob("loading-*/*")):
        time.sleep(0.002)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=120)

    assert (process.returncode, err) == (128 + number, "forensics: interrupted; run the command again to finish\n")
    assert list((tmp_path / "case").glob("loading-*")) == []
    with Case.open(tmp_path / "case") as case:
        assert verification.verify(case).ok and verification.unfinished(case)


PRINTING = (
    ("sql", "{case}", "SELECT range FROM range(300000)", "--format", "csv"),
    ("timeline", "{case}", "--format", "jsonl"),
    ("timeline", "{case}", "--format", "parquet"),
    ("coverage", "{case}"),
    ("verify", "{case}", "--tables"),
    ("sources",),
    ("--help",),
)


@pytest.mark.parametrize("words", PRINTING, ids=lambda words: " ".join(words[:1] + words[2:])[:30])
def test_a_pipe_that_nobody_reads_is_no_error(words: tuple[str, ...], loaded: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    made = subprocess.run(
        confined.command(*(word.format(case=loaded) for word in words)),
        env=confined.environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (made.returncode, made.stderr) == (0, "")


def test_output_that_is_closed_or_full_is_no_traceback(loaded: Path) -> None:
    words = confined.command("sql", loaded, "SELECT 1 AS one")
    shell = ["sh", "-c", '"$@" >&-', "sh", *words]
    closed = subprocess.run(shell, env=confined.environment(), capture_output=True, text=True, check=False)
    assert (closed.returncode, closed.stderr) == (0, "")
    with Path("/dev/full").open("w") as full:
        made = subprocess.run(
            words, env=confined.environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert made.returncode == 1
    assert made.stderr.startswith("forensics: the disk is full (No space left on device)")
    assert "Exception ignored" not in made.stderr
