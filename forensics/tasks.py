"""What a loading process is given to read, and what it reports of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Item:
    """An object to read: its bytes at `path`, its key or path as acquired, the hash its bytes must have.

    `damage` is what its acquisition already found wrong, `named` the members of the stream the analyst named.
    """

    object_id: str
    path: str
    key: str
    sha256: str
    damage: str | None = None
    named: Sequence[str | None] | None = None


@dataclass
class Outcome:
    """What came of an object."""

    object_id: str
    source: str | None = None
    account_id: str | None = None
    region: str | None = None
    status: str = "loaded"
    records: int = 0
    rejected: int = 0
    reason: str | None = None


@dataclass
class Result:
    """A piece of what came of a task: Arrow files by source; the last piece has the outcome of each object."""

    files: list[tuple[str, str]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    rows: int = 0

    def dumps(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, line: str) -> Result:
        """From one line of JSON."""
        held = json.loads(line)
        return cls(
            [(name, path) for name, path in held["files"]], [Outcome(**item) for item in held["outcomes"]], held["rows"]
        )
