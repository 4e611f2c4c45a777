"""A loading process that is killed costs nothing but time; what kills it again is set aside, and the rest goes on."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import forensics.load as loading
from forensics import canonical, evidence, set_aside
from forensics.case import Case
from forensics.load import load
from tests.loading import FLOW, FLOW_HEADER, put, records, rejects, status, trail

DEADLY = b'"eventName": "deadly"'
KILLER = f"""
import os, pathlib, signal
_open = pathlib.Path.open
def killing(self, *args, **options):
    file = _open(self, *args, **options)
    if args == ("rb",):
        if {DEADLY!r} in file.read(4000):
            os.kill(os.getpid(), signal.SIGKILL)
        file.seek(0)
    return file
pathlib.Path.open = killing
"""


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Objects of two sources; reading one of them kills a process that has `KILLER`."""
    files = {f"{place}.json": records(*(trail(f"Call{place}-{call}") for call in range(6))) for place in range(8)}
    files |= {f"{place}.log": f"{FLOW_HEADER}\n{FLOW}{place}\n".encode() for place in range(8)}
    return put(tmp_path / "logs", files | {"x-deadly.json": records(trail("deadly"))})


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading processes are used, and die of `DEADLY`."""
    put(tmp_path / "path", {"sitecustomize.py": KILLER.encode()})
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    monkeypatch.setattr(loading, "ALONE_BYTES", 0)
    monkeypatch.setattr(loading, "TASK_OBJECTS", 4)


def undisturbed(root: Path, logs: Path) -> canonical.Tables:
    with Case.create(root) as case:
        evidence.add(case, logs)
        load(case, workers=1)
        return canonical.tables(case)


@pytest.mark.usefixtures("processes")
def test_what_ends_the_process_twice_is_set_aside_and_the_rest_is_loaded(tmp_path: Path, logs: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, logs)
        with pytest.raises(set_aside.ProcessEnded, match=r"killed, perhaps as memory ran out\) while .*x-deadly.json"):
            load(case, workers=2)
        found = load(case, workers=2)

        assert found.objects == {"loaded": 16, "rejected": 1}
        reason = "reading it ended the loading process twice (killed, perhaps as memory ran out)"
        assert rejects(case) == [(None, reason, "")]
        assert status(case)["x-deadly.json"] == ("rejected", 0, 1)
        assert set_aside.told(case.connection) == set()


@pytest.mark.usefixtures("processes")
def test_what_was_set_aside_is_read_on_a_machine_that_can(
    tmp_path: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, logs)
        with pytest.raises(set_aside.ProcessEnded):
            load(case, workers=2, resolve=False)
        load(case, workers=2)
        (tmp_path / "path" / "sitecustomize.py").unlink()
        assert load(case, workers=2).objects == {"loaded": 16, "rejected": 1}
        assert load(case, workers=2, retry=True).objects == {"loaded": 17}
        assert canonical.tables(case).differing(undisturbed(tmp_path / "other", logs)) == []


def test_objects_of_a_load_that_was_killed_itself_are_read_by_another_process(tmp_path: Path, logs: Path) -> None:
    put(tmp_path / "path", {"sitecustomize.py": KILLER.encode()})
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, logs)
    command = [sys.executable, "-m", "forensics.cli", "load", str(tmp_path / "case"), "--workers", "1"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "path"), *sys.path])}

    first = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert first.returncode == -signal.SIGKILL
    assert (second.returncode, "17 objects seen = 16 loaded" in second.stdout) == (0, True), second.stderr


def children(pid: int) -> list[int]:
    """The loading processes that a process started: it has others, which are not to be killed."""
    found = [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [number for number in found if b"forensics.worker" in Path(f"/proc/{number}/cmdline").read_bytes()]


def test_a_load_whose_processes_are_killed_at_any_moment_ends_with_the_same_tables(
    tmp_path: Path, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "ALONE_BYTES", 0)
    monkeypatch.setattr(loading, "TASK_OBJECTS", 2)
    chance = random.Random(7)

    def killing(moment: int) -> Callable[[int, int], None]:
        def progress(done: int, total: int) -> None:
            nonlocal moment
            moment -= 1
            if moment == 0 and (found := children(os.getpid())):
                time.sleep(chance.random() / 50)
                os.kill(chance.choice(found), signal.SIGKILL)

        return progress

    with Case.create(tmp_path / "case") as case:
        evidence.add(case, logs)
        for moment in (1, 3):
            with contextlib.suppress(set_aside.ProcessEnded):
                load(case, workers=2, progress=killing(moment), resolve=False)
        load(case, workers=2, retry=True)
        assert canonical.tables(case).differing(undisturbed(tmp_path / "other", logs)) == []
