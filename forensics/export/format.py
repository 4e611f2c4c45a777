"""What a format of export declares, what it is asked, and what it counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from forensics.covered import Coverage
    from forensics.timeline import Timeline

UNTIMED = "events without a time"
"""A reason to leave events out."""


class Target(Protocol):
    """Where an export goes."""

    def open(self, name: str = "") -> AbstractContextManager[IO[bytes]]:
        """A file to write: the only one, or of a folder that of the name."""
        ...


@dataclass
class Counted:
    """What was written: rows by file, events left out, values altered and rows that are no events added, by reason."""

    files: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    altered: Counter[str] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return self.files.total()


@dataclass(frozen=True)
class Format:
    """One way to write a timeline.

    `title` says what it is for, `loses` what of an event it cannot hold. A path with one of `suffixes` means this format
    where none is named. `write` writes all files of it to a target and counts. `folder` says that it is several files,
    `raw` that it has a place for the records as they stand in the evidence.
    """

    name: str
    title: str
    loses: str
    write: Callable[[Asked, Target], Counted]
    suffixes: tuple[str, ...] = ()
    folder: bool = False
    raw: bool = False


@dataclass(frozen=True)
class Asked:
    """What is to be exported: the events, as what, with the suffix of the path, and with raw records or not."""

    timeline: Timeline
    form: Format
    suffix: str
    raw: bool

    @cached_property
    def coverage(self) -> Coverage:
        """What is logged of the timeline's window."""
        return self.timeline.coverage()

    def remark(self, counted: Counted) -> str:
        """The line to print on what the window cannot show; "" of a case without coverage."""
        return self.coverage.remark(empty=not counted.rows and not counted.left_out.total())

    def about(self, counted: Counted) -> dict[str, Any]:
        """What to say of the export, as JSON has it, as far as it is known before the files are closed."""
        import forensics
        from forensics.export.covering import covering

        events = self.timeline
        return {
            "what": f"events of a timeline of AWS logs, as {self.form.name}, by forensics {forensics.__version__}",
            "rows": counted.rows,
            "left_out": by_reason(counted.left_out),
            "altered": by_reason(counted.altered),
            "added": by_reason(counted.added),
            "cannot_hold": self.form.loses,
            "coverage": covering(self.coverage),
            "timeline": {"sql": events.sql, "params": list(events.params)},
        }


def by_reason(counts: Counter[str]) -> dict[str, int]:
    """The counts, sorted, without those of nothing."""
    return dict(sorted((+counts).items()))
