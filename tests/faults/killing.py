"""Add and load in a process of its own that is killed at a moment of chance, and what must hold of its case then."""

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import forensics.load as loading
import forensics.writer as writing
from forensics import canonical, custody, evidence, resolution, verification
from forensics.case import Case
from forensics.load import load
from tests.fresh import fresh_case
from tests.loading import FLOW, FLOW_HEADER, put, records, trail

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.faults.killing", "forensics.resolution", "forensics.coverage"])


def logs(folder: Path) -> Path:
    """A few dozen objects: whole ones, copies, one that is cut off."""
    files = {f"{place}.json": records(*(trail(f"Call{place}-{call}") for call in range(8))) for place in range(12)}
    files |= {f"{place}.log": f"{FLOW_HEADER}\n{FLOW}{place}\n{FLOW}\n".encode() for place in range(12)}
    files |= {f"copy-{place}.json": files[f"{place}.json"] for place in range(3)}
    return put(folder, files | {"cut.json": files["0.json"][:-40]})


def work(root: Path, folder: Path, workers: int) -> None:
    """Add and load in many small commits, so that a kill meets each of them."""
    os.setsid()
    evidence.BATCH, writing.COMMIT_ROWS, loading.TASK_OBJECTS = 4, 20, 2
    loading.ALONE_BYTES = 0
    with Case.open(root, read_only=False) as case:
        evidence.add(case, folder)
        load(case, workers=workers)


def started(root: Path, folder: Path, workers: int = 1) -> BaseProcess:
    """`work` in another process."""
    process = _CONTEXT.Process(target=work, args=(root, folder, workers))
    process.start()
    return process


def undisturbed(root: Path, folder: Path) -> tuple[canonical.Tables, float]:
    """The tables of a case that nothing happened to, and how long a process took to make them."""
    fresh_case(root).close()
    begun = time.monotonic()
    process = started(root, folder)
    process.join()
    took = time.monotonic() - begun
    with Case.open(root) as case:
        return canonical.tables(case), took


def state(case: Case) -> str:
    """Within what the case was left: add, load, resolve, or done. Fails where it is not as a commit left it."""
    problems = verification.verify(case).problems
    assert {problem.kind for problem in problems} <= {"torn", "stray", "unlisted", "missing"}, problems
    assert {problem.kind for problem in custody.check(case.path)} <= {"torn", "missing"}
    told = verification.unfinished(case)
    (seen, pending) = case.sql("SELECT count(*), count(*) FILTER (WHERE status = 'pending') FROM evidence").rows()[0]
    stale = resolution.is_stale(case.connection)
    assert bool(told) == bool(pending or stale), told
    if seen < 28:
        return "add"
    return "load" if pending else "resolve" if stale else "done"


@dataclass
class Kills:
    """So many kills at moments of chance, a case after the other; `met` counts within what they came."""

    root: Path
    chance: random.Random
    met: Counter[str] = field(default_factory=Counter)
    cases: int = 0

    def run(self, times: int, folder: Path, differing: Callable[[Case], list[str]], took: float) -> None:
        """Kill and look; once a case is done, or was killed six times, add and load are run again undisturbed."""
        while sum(self.met.values()) < times:
            self.cases += 1
            root = self.root / f"case{self.cases}"
            fresh_case(root).close()
            for _ in range(min(6, times - sum(self.met.values()))):
                if self._kill(root, folder, took) == "done":
                    break
            with Case.open(root, read_only=False) as case:
                evidence.add(case, folder)
                load(case, workers=1)
                assert differing(case) == [], (self.cases, self.met)
                assert verification.verify(case).problems == ()
                assert [*root.glob("loading-*"), *(root / "evidence").glob(".incoming")] == []

    def _kill(self, root: Path, folder: Path, took: float) -> str:
        process = started(root, folder, self.chance.choice((1, 1, 2)))
        time.sleep(self.chance.random() * took * self.chance.choice((0.15, 1, 1)))
        if process.pid and process.is_alive():
            whole = self.chance.random() < 0.5
            try:
                (os.killpg if whole else os.kill)(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                process.kill()
        process.join()
        with Case.open(root) as case:
            left = state(case)
        self.met[left] += 1
        return left
