"""When the machine fails while a case is written: what happened in words, and once more from the last commit."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import duckdb

from forensics.errors import CaseError

if TYPE_CHECKING:
    from forensics.case import Case

_T = TypeVar("_T")

_FULL = ("No space left on device", "Disk quota exceeded", "File too large")
_BARRED = ("Read-only file system", "Permission denied", "Operation not permitted")
_INSIDE = (duckdb.FatalException, duckdb.InternalException)
"""Errors after which DuckDB takes no further statement: its own assertions, and a disk that failed within a checkpoint."""


def words(error: BaseException) -> str | None:
    """What went wrong with the machine or the database, in a sentence; None of any other error."""
    if not isinstance(error, OSError | duckdb.Error):
        return None
    text = " ".join(str(error).split())
    if cause := next((item for item in _FULL if item in text), None):
        return f"the disk is full ({cause}{_file(text, error)}): make room there and run the command again"
    if cause := next((item for item in _BARRED if item in text), None):
        return f"cannot write ({cause}{_file(text, error)}): use a place that may be written"
    if isinstance(error, OSError):
        return f"the disk failed ({text})" if error.errno in (errno.EIO, errno.EROFS, errno.ESTALE) else None
    if isinstance(error, duckdb.OutOfMemoryException):
        return (
            f"memory ran out: end other programs, or use a larger machine, and run the command again ({_brief(text)})"
        )
    return f"the database stopped: {_brief(text)}"


def _file(text: str, error: BaseException) -> str:
    named = getattr(error, "filename", None) or next(iter(re.findall(r'file "([^"]+)"', text)), None)
    return f": {named}" if named else ""


def _brief(text: str) -> str:
    """A message of DuckDB without its stack and without what it says of reporting errors."""
    return re.split(r" ?(?:Stack Trace:|This error signals)", text)[0][:500].rstrip()


@contextlib.contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Failures of disk, memory and database while the case at `path` is written say what holds now. Raises CaseError."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        said = None if isinstance(error, BrokenPipeError) else words(error)
        if said is None:
            raise
        raise CaseError(
            f"{path}: {said}; what was committed before is whole, running it again goes on there"
        ) from error


def once_more(case: Case, work: Callable[[], _T]) -> _T:
    """Do the work; where DuckDB fails by itself, open the case anew and go on from the last commit, once."""
    try:
        return work()
    except _INSIDE as error:
        case.reopen()
        if any(item in str(error) for item in _FULL):
            raise
        return work()
