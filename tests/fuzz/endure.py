"""Changed objects read as the loader reads them: for so long, or so many, with what it cost and what failed."""

from __future__ import annotations

import gc
import resource
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forensics.acquire import READ_ERRORS, folder, read_some
from forensics.columns import build
from forensics.readers import read
from forensics.readers.parts import Reject
from forensics.sources import sources
from tests.fuzz.corpus import Object, Reader, readers
from tests.fuzz.whole import load_whole

HANG = 20
"""Processor seconds after which reading one object is a hang: most take a thousandth of one."""
_FAILURES = 20
_LOADED = 60
"""Objects that go through a whole load together."""


class HangError(Exception):
    """Reading took longer than anything sound does."""


@dataclass
class Endured:
    """What came of it: objects read and loaded, processor seconds of the slowest and its number, KiB grown, failures.

    `growth` is what the process grew by at its peak, `kept` what it still held more at the end than after a tenth.
    """

    reader: str
    read: int = 0
    loaded: int = 0
    slowest: float = 0.0
    slowest_number: int = 0
    growth: int = 0
    kept: int = 0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.reader:<24} {self.read:>9,} read {self.loaded:>7,} loaded  slowest {self.slowest:6.2f} s"
            f" (#{self.slowest_number})  peak +{self.growth / 1024:5.0f} MiB  kept {self.kept / 1024:+5.0f} MiB"
            f"  {len(self.failures)} failed"
        )


@dataclass(frozen=True)
class Effort:
    """How long (processor seconds) or how often; which share of the time goes into whole loads; where failing inputs go."""

    seconds: float = 0.0
    count: int = 0
    loads: int = 0
    seed: str = "1"
    failed: Path | None = None


def endure(name: str, effort: Effort, scratch: str) -> Endured:
    """Read, type and load objects of one reader, changed. What fails is kept and told, never raised."""
    found, reader = Endured(name), readers()[name]
    place = Path(scratch) / name
    place.mkdir(parents=True, exist_ok=True)
    begin, number, loads, after_tenth = time.process_time(), 0, 0, 0
    before = _peak()
    while _goes_on(effort, found, begin):
        for _ in range(_LOADED * 5 if effort.seconds else effort.count):
            _read_one(reader, number, effort, found, place)
            number += 1
        if effort.seconds or loads < effort.loads:
            _load_some(reader, loads, effort, found, place)
            loads += 1
        if not after_tenth and time.process_time() - begin > effort.seconds / 10:
            after_tenth = _held()
    found.growth, found.kept = _peak() - before, _held() - after_tenth
    return found


def _goes_on(effort: Effort, found: Endured, begin: float) -> bool:
    if len(found.failures) >= _FAILURES:
        return False
    return time.process_time() - begin < effort.seconds if effort.seconds else found.read < effort.count


def _read_one(reader: Reader, number: int, effort: Effort, found: Endured, place: Path) -> None:
    key, text = reader.made(effort.seed, number)
    path = place / "object"
    path.write_bytes(text)
    (place / "object.key").write_text(f"{number} {key}", encoding="utf-8")
    start = time.process_time()
    try:
        with patience(HANG):
            _read_archive(place, path) if reader.archive else read_through(path, key)
    except Exception as error:  # noqa: BLE001 (whatever is raised is what is looked for)
        _failed(found, effort, f"{reader.name}-{effort.seed}-{number}", (key, text), error)
    found.read += 1
    if (took := time.process_time() - start) > found.slowest:
        found.slowest, found.slowest_number = took, number


def read_through(path: Path, key: str) -> None:
    """Read an object and type its records; every row must be under a known source."""
    for part in read(path, key):
        if not isinstance(part, Reject):
            assert build(part).source in sources()


def _read_archive(place: Path, path: Path) -> None:
    for item in folder.walk(path, scratch=place):
        if item.stream is None or item.container:
            continue
        member = place / "member"
        with member.open("wb") as out:
            try:
                while chunk := read_some(item.stream, 1 << 20):
                    out.write(chunk)
            except READ_ERRORS:
                pass
        read_through(member, item.uri)


def _load_some(reader: Reader, batch: int, effort: Effort, found: Endured, place: Path) -> None:
    """A whole load of some objects; where it fails, of each alone to find which."""
    objects = [reader.made(f"{effort.seed}-load-{batch}", number) for number in range(_LOADED)]
    if (error := _load_error(objects, place)) is not None:
        for number, item in enumerate(objects):
            if (own := _load_error([item], place)) is not None:
                _failed(found, effort, f"{reader.name}-{effort.seed}-load-{batch}-{number}", item, own)
                break
        else:
            _failed(found, effort, f"{reader.name}-{effort.seed}-load-{batch}-together", ("", b""), error)
    found.loaded += len(objects)


def _load_error(objects: list[Object], place: Path) -> Exception | None:
    try:
        with patience(HANG * 10):
            load_whole(objects, place / "whole")
    except Exception as error:  # noqa: BLE001 (whatever is raised is what is looked for)
        return error
    return None


def _failed(found: Endured, effort: Effort, name: str, item: Object, error: BaseException) -> None:
    told = "".join(traceback.format_exception(error))
    found.failures.append(f"{name}: {type(error).__name__}: {str(error)[:500]}")
    if effort.failed is not None:
        effort.failed.mkdir(parents=True, exist_ok=True)
        (effort.failed / f"{name}.object").write_bytes(item[1])
        (effort.failed / f"{name}.txt").write_text(f"key: {item[0]}\n\n{told}", encoding="utf-8", errors="replace")


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Raises HangError in what takes more processor time than that."""

    def over(*_: Any) -> None:
        raise HangError(f"more than {seconds} processor seconds")

    before = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _held() -> int:
    """KiB that the process holds now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() // 1024
