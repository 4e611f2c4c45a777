"""What an export came to: rows, files with their digests, what was left out and altered, and what the logs cannot show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Written:
    """One file of an export."""

    path: Path
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Exported:
    """An export: `left_out` are events, `altered` values, `added` rows that are no events, all counted by reason.

    `rows` are those of all files, the added ones among them.

    `coverage` is the verdict over the window ("partly logged: …"), "" of a case without one. `about` is the JSON file
    that tells all this to whoever is given the export; None of a stream, which has no `files` either.
    """

    format: str
    rows: int
    left_out: Mapping[str, int]
    altered: Mapping[str, int]
    added: Mapping[str, int]
    coverage: str
    files: tuple[Written, ...] = ()
    about: Path | None = None

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file; "" where there is none or more than one: then each of `files` has its own."""
        return self.files[0].sha256 if len(self.files) == 1 else ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the reader of the export has to know, a line each: left out, altered, not logged."""
        return tuple(self._remarks())

    def _remarks(self) -> Iterator[str]:
        yield from (f"left out: {reason}: {count:,}" for reason, count in self.left_out.items())
        yield from (f"altered: {reason}: {count:,}" for reason, count in self.altered.items())
        yield from (f"added: {reason}: {count:,}" for reason, count in self.added.items())
        if self.coverage:
            yield self.coverage

    def __str__(self) -> str:
        """Each file with its rows, size and SHA-256."""
        lines = [f"{item.path}: {item.rows:,} rows, {item.bytes:,} bytes, SHA-256 {item.sha256}" for item in self.files]
        return "\n".join(lines or [f"{self.rows:,} rows"])

    def _repr_html_(self) -> str:
        from forensics.report.display import show_text

        beside = [f"all this is in {self.about}"] if self.about else []
        return str(show_text("\n".join([str(self), *self.remarks, *beside]))._repr_html_())
