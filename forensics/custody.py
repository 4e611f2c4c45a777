"""The custody record: an append-only chain of who did what to the evidence of a case, and when.

`custody.jsonl` has one JSON object a line, each carrying the SHA-256 of the line before it. A line that a
crash cut off stays: the next entry begins on a line of its own, chains over the cut line's bytes and names it
in `torn`. Where the clock was set back, an entry says from when in `clock_set_back_from`: the order is that of the lines.
Rewriting the whole file is not detectable from inside: note the last line's SHA-256 (`head`) elsewhere.
"""

import getpass
import hashlib
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

FILE = "custody.jsonl"
START = "0" * 64
"""`previous` of the first entry."""


@dataclass(frozen=True)
class Problem:
    """Something not as it was recorded: `what` is an object's uri or a custody line, `kind` one word."""

    what: str
    kind: str
    detail: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.kind}: {self.what}: {self.detail}"


@dataclass(frozen=True)
class _Line:
    number: int
    data: bytes
    ended: bool

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def entry(self) -> dict[str, Any] | None:
        try:
            value = json.loads(self.data)
        except (ValueError, RecursionError):
            return None
        return value if _is_entry(value) else None


def _is_entry(value: Any) -> bool:
    """Whether a line holds what an entry must."""
    if not isinstance(value, dict) or not isinstance(value.get("seq"), int):
        return False
    objects = value.get("objects", [])
    return isinstance(objects, list) and all(isinstance(item, dict) for item in objects)


def append(
    case_path: Path,
    command: str,
    *,
    objects: Sequence[Mapping[str, Any]] = (),
    detail: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Add one entry, flushed to disk, and return it.

    Only for who has the case open for writing: the database's lock keeps others out.
    """
    file = Path(case_path) / FILE
    last = _last(file)
    time = now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    entry: dict[str, Any] = {
        "seq": last.number + 1 if last else 1,
        "time": time,
        "who": _user(),
        "host": socket.gethostname(),
        "version": _version(),
        "command": command,
        "objects": list(objects),
        "detail": dict(detail or {}),
        "previous": last.digest if last else START,
    }
    if last and last.entry is None:
        entry["torn"] = last.number
    if last and last.entry and str(last.entry.get("time", "")) > time:
        entry["clock_set_back_from"] = last.entry["time"]
    _write(file, b"" if last is None or last.ended else b"\n", entry)
    return entry


def now() -> datetime:
    """The time in UTC as this machine has it; where its clock was set back, the custody entry says so."""
    return datetime.now(UTC)


def set_back(case_path: Path) -> Iterator[str]:
    """Each place where an entry has an earlier time than the one before it: the clock had been set back, or before that forward."""
    before: dict[str, Any] | None = None
    for entry in entries(case_path):
        if before and str(entry.get("time", "")) < str(before.get("time", "")):
            yield (
                f"custody entry {entry['seq']} has the time {entry['time']}, the one before it {before['time']}: the"
                " clock of the machine was set in between, the order is that of the entries"
            )
        before = entry


def entries(case_path: Path) -> Iterator[dict[str, Any]]:
    """The readable entries in order."""
    for line in _lines(Path(case_path) / FILE):
        if (entry := line.entry) is not None:
            yield entry


def head(case_path: Path) -> str:
    """SHA-256 of the last line: kept elsewhere, it proves later that nothing before it was rewritten."""
    last = _last(Path(case_path) / FILE)
    return last.digest if last else START


def check(path: Path) -> list[Problem]:
    """What is wrong with the chain of a case directory or a custody file; empty when it holds."""
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        return [Problem(FILE, "missing", "there is no custody record")]
    problems: list[Problem] = []
    before: _Line | None = None
    for line in _lines(file):
        problems += _check_line(line, before)
        before = line
    if before and (before.entry is None or not before.ended):
        problems.append(Problem(_name(before), "torn", "cut off: run the command that was interrupted again"))
    return problems


def _check_line(line: _Line, before: _Line | None) -> list[Problem]:
    entry = line.entry
    if entry is None:
        return []
    found = []
    expected = before.digest if before else START
    if entry.get("previous") != expected:
        other = f"line {before.number} was altered, or lines between were taken out" if before else "lines are gone"
        found.append(Problem(_name(line), "chain", f"does not follow what stands before it: {other}"))
    if entry.get("seq") != line.number:
        found.append(Problem(_name(line), "sequence", f"says it is number {entry.get('seq')}"))
    if before and before.entry is None and entry.get("torn") != before.number:
        found.append(Problem(_name(before), "torn", "not readable, and the next entry does not account for it"))
    return found


def _lines(file: Path) -> Iterator[_Line]:
    if not file.is_file():
        return
    with file.open("rb") as handle:
        for number, data in enumerate(handle, start=1):
            yield _Line(number, data.rstrip(b"\n"), data.endswith(b"\n"))


def _last(file: Path) -> _Line | None:
    last = None
    for line in _lines(file):
        last = line
    return last


def _write(file: Path, before: bytes, entry: Mapping[str, Any]) -> None:
    text = json.dumps(entry, ensure_ascii=True, separators=(",", ":"))
    new = not file.exists()
    with file.open("ab") as handle:
        handle.write(before + text.encode("ascii") + b"\n")
        handle.flush()
        os.fsync(handle.fileno())
    if new:
        sync_directory(file.parent)


def sync_directory(path: Path) -> None:
    """Flush a directory, so that names made in it survive a power cut; nothing where the system cannot."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def _name(line: _Line) -> str:
    return f"{FILE} line {line.number}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _version() -> str:
    try:
        return metadata.version("forensics")
    except metadata.PackageNotFoundError:
        return "unknown"
