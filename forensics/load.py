"""Evidence into source tables: parallel over objects, in transactions, resumable; then everything is resolved."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import IO, cast

import duckdb

from forensics import custody, recovery, resolution, set_aside
from forensics.case import Case
from forensics.errors import CaseError, UsageError
from forensics.sources import from_outside
from forensics.tasks import Item, Result
from forensics.worker import run
from forensics.writer import Writer

TASK_BYTES = 2 << 20
"""Stored bytes that one task reads, at least one object."""

TASK_OBJECTS = 512
ALONE_BYTES = 2 << 20
"""Less evidence than this is read in this process: starting others takes longer."""

LOADING = {"memory_limit": "'300MB'", "checkpoint_threshold": "'4GB'", "threads": "1"}
"""Settings while source tables are filled: the memory of all processes together stays under 1 GB."""

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


@dataclass(frozen=True)
class Ledger:
    """What the case holds: a row per (source, status): objects, records, rejected; and what still waits."""

    rows: tuple[tuple[str | None, str, int, int, int], ...]

    @property
    def objects(self) -> dict[str, int]:
        """Objects by status."""
        found: dict[str, int] = {}
        for _, status, objects, _, _ in self.rows:
            found[status] = found.get(status, 0) + objects
        return found

    @property
    def records(self) -> int:
        """Records loaded."""
        return sum(row[3] for row in self.rows)

    @property
    def rejected(self) -> int:
        """Rows of `rejected_record`."""
        return sum(row[4] for row in self.rows)

    def __str__(self) -> str:
        """A table, and the sum that must hold."""
        lines = [f"{'source':<20} {'status':<13} {'objects':>8} {'records':>12} {'rejected':>9}"]
        lines += [
            f"{source or '-':<20} {status:<13} {objects:>8,} {records:>12,} {rejected:>9,}"
            for source, status, objects, records, rejected in self.rows
        ]
        count = self.objects
        parts = " + ".join(f"{count.get(status, 0):,} {status}" for status in _SETTLED)
        waiting = f"; {count['pending']:,} pending" if count.get("pending") else ""
        lines.append(f"{sum(count.values()):,} objects seen = {parts}{waiting}")
        lines.append(f"{self.records:,} records loaded, {self.rejected:,} rejected")
        return "\n".join(lines)


_SETTLED = ("loaded", "partial", "rejected", "unrecognised", "duplicate")


def ledger(case: Case) -> Ledger:
    """What came of every object seen."""
    rows = case.sql(
        "SELECT source, status, count(*), coalesce(sum(records), 0), coalesce(sum(rejected), 0)"
        " FROM evidence GROUP BY source, status ORDER BY source NULLS LAST, status"
    ).rows()
    return Ledger(tuple((row[0], row[1], int(row[2]), int(row[3]), int(row[4])) for row in rows))


def load(
    case: Case,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    resolve: bool = True,
    retry: bool = False,
) -> Ledger:
    """Parse what is pending into the source tables, then resolve. Interrupted, it goes on where the last commit was.

    `workers` are processes that read; by default one per processor. `retry` reads again what could not be read before
    because its bytes were gone or changed, or because reading it ended the loading process. Raises CaseError, UsageError.
    """
    if case.read_only:
        raise CaseError(f"the case {case.path} is open read-only: open it with read_only=False to load")
    if workers is not None and workers < 1:
        raise UsageError(f"workers must be 1 or more, not {workers}")
    with recovery.in_words(case.path):
        return recovery.once_more(case, lambda: _load(case, workers, progress, resolve=resolve, retry=retry))


def _load(case: Case, workers: int | None, progress: Progress | None, *, resolve: bool, retry: bool) -> Ledger:
    _forget_leftovers(case)
    if retry:
        set_aside.retry(case)
    pending = _pending(case)
    if pending:
        with _settings(case.connection, LOADING):
            _fill(case, pending, workers or os.cpu_count() or 1, progress)
    if resolve and (pending or resolution.is_stale(case.connection)):
        resolution.resolve(case.connection)
    made = ledger(case)
    if pending or not _recorded(case, made):
        custody.append(case.path, "load", detail={"objects": made.objects, "records": made.records, **_from_outside()})
    return made


def _from_outside() -> dict[str, dict[str, dict[str, str]]]:
    """For custody: which modules from outside the package took part in reading, if any."""
    used = {name: {"module": str(item.file), "sha256": item.sha256} for name, item in from_outside().items()}
    return {"sources_from_outside": used} if used else {}


def _recorded(case: Case, made: Ledger) -> bool:
    """Whether custody speaks of what is loaded: a load that was killed after its last commit could not say so."""
    told = [entry.get("detail") or {} for entry in custody.entries(case.path) if entry.get("command") == "load"]
    return not made.records or bool(told and told[-1].get("records") == made.records)


def _pending(case: Case) -> list[tuple[Item, int]]:
    rows = case.connection.execute(
        "SELECT e.object_id, e.stored_at, e.uri, e.sha256, e.reason, e.size,"
        " CASE WHEN n.object_id IS NOT NULL THEN [n.log_group, n.log_stream, n.owner, n.region] END"
        " FROM evidence AS e LEFT JOIN named_stream AS n ON n.object_id = e.object_id"
        " WHERE e.status = 'pending' ORDER BY e.object_id"
    ).fetchall()
    return [
        (Item(object_id, str(case.path / stored_at), uri, sha256, reason, named), int(size))
        for object_id, stored_at, uri, sha256, reason, size, named in rows
    ]


def _forget_leftovers(case: Case) -> None:
    for path in case.path.glob("loading-*"):
        set_aside.tell(case.connection, set_aside.under_way(path))
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _settings(con: duckdb.DuckDBPyConnection, settings: dict[str, str]) -> Iterator[None]:
    for name, value in settings.items():
        con.execute(f"SET {name} = {value}")
    try:
        yield
    finally:
        with contextlib.suppress(duckdb.FatalException):
            for name in settings:
                con.execute(f"RESET {name}")


def _tasks(pending: Sequence[tuple[Item, int]]) -> Iterator[tuple[list[Item], int]]:
    items: list[Item] = []
    size = 0
    for item, length in pending:
        if items and (size + length > TASK_BYTES or len(items) >= TASK_OBJECTS):
            yield items, size
            items, size = [], 0
        items.append(item)
        size += length
    if items:
        yield items, size


def _fill(case: Case, pending: Sequence[tuple[Item, int]], workers: int, progress: Progress | None) -> None:
    total = sum(size for _, size in pending)
    done = 0
    writer = Writer(case.connection)
    suspects = set_aside.told(case.connection)
    calm = [item for item in pending if item[0].object_id not in suspects]
    single = [item for item in pending if item[0].object_id in suspects]
    with tempfile.TemporaryDirectory(prefix="loading-", dir=case.path) as folder:
        alone = workers == 1 or total < ALONE_BYTES
        reading = _alone if alone else _Workers(workers).results
        with _telling(case), writer.undoing():
            for result, size in chain(reading(list(_tasks(calm)), folder), _one_by_one(single, folder, writer)):
                writer.take(result)
                done += size
                if progress:
                    progress(done, total)
            writer.commit()
    if suspects:
        set_aside.clear(case.connection)


@contextlib.contextmanager
def _telling(case: Case) -> Iterator[None]:
    """Objects whose reading ended a process are remembered, after what was open is undone."""
    try:
        yield
    except set_aside.ProcessEnded as ended:
        set_aside.tell(case.connection, [item.object_id for item in ended.items])
        raise


_ALLOCATION = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}
"""Loading processes keep the memory of one batch for the next instead of having it mapped anew."""

Tasks = Sequence[tuple[list[Item], int]]


def _alone(tasks: Tasks, folder: str) -> Iterator[tuple[Result, int]]:
    for place, (items, size) in enumerate(tasks):
        prefix = f"{folder}/{place}"
        _write_task(prefix, items)
        for result in run(prefix, items):
            yield result, size if result.outcomes else 0
        Path(f"{prefix}.task").unlink()


def _one_by_one(pending: Sequence[tuple[Item, int]], folder: str, writer: Writer) -> Iterator[tuple[Result, int]]:
    """Each object a task of its own in another process; what ends that process is set aside, and the rest goes on."""
    rest = list(pending)
    while rest:
        place = Path(folder) / f"{len(rest)}-left"
        place.mkdir()
        try:
            yield from _Workers(1).results([([item], size) for item, size in rest], str(place))
            return
        except set_aside.ProcessEnded as ended:
            writer.drop_unfinished()
            (item,) = ended.items
            at = next(number for number, (other, _) in enumerate(rest) if other == item)
            yield set_aside.refused(place, ended), rest[at][1]
            rest = rest[at + 1 :]


class _Workers:
    """Processes that run `forensics.worker`; results come in the order of the tasks."""

    def __init__(self, count: int) -> None:
        self._count = count

    def results(self, tasks: Tasks, folder: str) -> Iterator[tuple[Result, int]]:
        """Each task's result, piece by piece, its size with the last; at most two tasks a process are under way."""
        command = [sys.executable, "-P", "-m", "forensics.worker"]
        environment = {**os.environ, **_ALLOCATION, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        with contextlib.ExitStack() as stack:
            processes = [
                stack.enter_context(_process(command, environment)) for _ in range(min(self._count, len(tasks)))
            ]
            ahead = 2 * len(processes)
            for place in range(len(tasks) + ahead):
                if place < len(tasks):
                    _send(processes[place % len(processes)], f"{folder}/{place}", tasks[place][0])
                if (ready := place - ahead) >= 0 and ready < len(tasks):
                    items, size = tasks[ready]
                    for result in _receive(processes[ready % len(processes)], items):
                        yield result, size if result.outcomes else 0
                    Path(f"{folder}/{ready}.task").unlink()


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with _signals_blocked():
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, encoding="utf-8"
        )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """What is started meanwhile never gets them: Ctrl-C ends this process, and this process ends the others."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _write_task(prefix: str, items: list[Item]) -> None:
    """The objects of a task, in a file that is there until it is done."""
    Path(f"{prefix}.task").write_text(json.dumps([list(asdict(item).values()) for item in items]), encoding="utf-8")


def _send(process: subprocess.Popen[str], prefix: str, items: list[Item]) -> None:
    """Hand over a task; that a process has ended is seen when its result is waited for."""
    _write_task(prefix, items)
    pipe = cast(IO[str], process.stdin)
    with contextlib.suppress(BrokenPipeError):
        pipe.write(json.dumps(prefix) + "\n")
        pipe.flush()


def _receive(process: subprocess.Popen[str], items: Sequence[Item]) -> Iterator[Result]:
    pipe = cast(IO[str], process.stdout)
    while (line := pipe.readline()).endswith("\n"):
        result = Result.loads(line)
        yield result
        if result.outcomes:
            return
    raise set_aside.ProcessEnded(items, process.wait())
