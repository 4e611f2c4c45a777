"""The notes file of a case: lines are only ever added, by any number of writers at once, and each is whole or told of.

Writers take turns by a lock on the file (flock), write all lines of a call at once and flush them to the disk. A line
that a crash cut off stays as it is; the next writer begins on a line of its own.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import BinaryIO

from forensics.custody import Problem, sync_directory
from forensics.errors import ForensicsError
from forensics.notes.entry import Entry, distinct, read

FILE = "notes.jsonl"

LONGEST_LINE = 1 << 19
"""Bytes of a line; an entry of the longest text, escaped, has fewer."""

LARGEST = 1 << 28
"""Bytes of a notes file: a million tags."""


MOST_TOLD = 100
"""Unreadable lines that are told one by one."""


@dataclass
class Ledger:
    """A notes file and what was read of it: lines that are added later, by whomever, are read when next asked for."""

    path: Path
    _entries: dict[str, Entry] = field(default_factory=dict)
    _wrong: list[Problem] = field(default_factory=list)
    _at: int = 0
    _lines: int = 0
    _file: tuple[int, int] = (0, 0)
    _turn: RLock = field(default_factory=RLock)

    def entries(self) -> Mapping[str, Entry]:
        """The entries by their ids, in the order written; the same object until there are more. Raises ForensicsError."""
        with self._turn:
            self._catch_up()
            return self._entries

    def problems(self) -> list[Problem]:
        """The lines that are no entry, each with its place in the file. Raises ForensicsError."""
        with self._turn:
            torn = self._catch_up()
            more = len(self._wrong) - MOST_TOLD
            told = [
                *self._wrong[:MOST_TOLD],
                *([Problem(FILE, "unreadable", f"{more:,} more lines")] if more > 0 else []),
            ]
            return told + ([self._problem(self._lines + 1, "is cut off at the end of the file")] if torn else [])

    def append(self, made: Callable[[Mapping[str, Entry]], Iterable[Entry]]) -> list[Entry]:
        """Add the entries that `made` gives for those that are there; what is there already is not added again.

        Nobody else writes in between. Raises ForensicsError.
        """
        with self._turn, self._writing() as handle:
            self._read_on(handle)
            new = [item for key, item in distinct(made(self._entries)).items() if key not in self._entries]
            if new:
                self._write(handle, b"".join(item.line() for item in new))
                self._read_on(handle)
            return new

    def _write(self, handle: BinaryIO, data: bytes) -> None:
        size = handle.seek(0, os.SEEK_END)
        if size + len(data) > LARGEST:
            raise ForensicsError(
                f"{self.path} would be larger than {LARGEST:,} bytes: tag fewer events, or note the query"
            )
        handle.seek(max(size - 1, 0))
        ended = handle.read(1) in (b"\n", b"")
        _whole(handle.fileno(), data if ended else b"\n" + data)
        os.fsync(handle.fileno())
        if not size:
            sync_directory(self.path.parent)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[BinaryIO]:
        with self._told("write"), _opened(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT) as handle:
            _lock(handle, write=True)
            yield handle

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ForensicsError(f"cannot {what} the notes {self.path}: {error.strerror or error}") from error

    def _catch_up(self) -> bool:
        """Read the lines that were added since; whether the file ends within one."""
        if not os.path.lexists(self.path):
            self._forget()
            return False
        with self._told("read"), _opened(self.path, os.O_RDONLY) as handle:
            _lock(handle)
            return self._read_on(handle)

    def _forget(self) -> None:
        self._entries, self._wrong, self._at, self._lines = {}, [], 0, 0

    def _read_on(self, handle: BinaryIO) -> bool:
        held = os.fstat(handle.fileno())
        if self._file != (held.st_dev, held.st_ino) or held.st_size < self._at:
            self._forget()
            self._file = (held.st_dev, held.st_ino)
        if held.st_size == self._at:
            return False
        if held.st_size > LARGEST:
            raise OSError(f"it has more than {LARGEST:,} bytes: no notes file of this package is so large")
        handle.seek(self._at)
        added: dict[str, Entry] = {}
        for size, line in _lines(handle):
            self._at, self._lines = self._at + size, self._lines + 1
            self._take(line, added)
        if added:
            self._entries = {**self._entries, **added}
        return held.st_size > self._at

    def _take(self, line: bytes, added: dict[str, Entry]) -> None:
        try:
            entry = read(line)
            added[entry.id] = entry
        except ValueError as error:
            if line.strip():
                self._wrong.append(self._problem(self._lines, str(error)))

    def _problem(self, number: int, detail: str) -> Problem:
        return Problem(f"{self.path.name} line {number}", "unreadable", detail)


def _lock(handle: BinaryIO, *, write: bool = False) -> None:
    """Wait for our turn, which ends when the file is closed. Raises OSError."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX if write else fcntl.LOCK_SH)
    elif write:
        raise OSError("this system has no flock, by which those who write take turns")


def _opened(path: Path, flags: int) -> BinaryIO:
    """The file, unbuffered where it is written; never what a link leads to, nor a device. Raises OSError."""
    safe = [getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")]
    handle = os.open(path, functools.reduce(operator.or_, safe, flags), 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"{path} is no regular file")
    return os.fdopen(handle, "r+b" if flags & os.O_RDWR else "rb")


def _whole(handle: int, data: bytes) -> None:
    """Write all of it, at the end of the file as it was opened."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _lines(handle: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines that have their end, each with its length in the file; of one too long only the beginning is kept."""
    while line := handle.readline(LONGEST_LINE):
        size, kept = len(line), line
        while not line.endswith(b"\n") and (line := handle.readline(LONGEST_LINE)):
            size += len(line)
        if line.endswith(b"\n"):
            yield size, kept
