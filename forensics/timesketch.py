"""Tags, labels and comments made in Timesketch, read back from its export into the notes of the case the events came from."""

from __future__ import annotations

import ast
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.errors import EvidenceError, UsageError
from forensics.output import visible

if TYPE_CHECKING:
    from forensics.case import Case

STAR = "starred"
"""The tag of an event with a star."""
_LABELS = {"__ts_star": STAR, "__ts_comment": None}
"""Labels that Timesketch sets by itself; the second says that there is a comment, which comes in its own column."""
_NOTHING = ("", "-", "nan", "[]")
AT_ONCE = 50_000
"""Events that are tagged at once."""
NAMED = 20
"""Unknown ids that are named; the others are counted."""

_KNOWN = (
    "SELECT DISTINCT event_id FROM event WHERE event_id IN (SELECT u.id FROM unnest(CAST(? AS VARCHAR[])) AS u(id))"
)


@dataclass(frozen=True)
class Taken:
    """What came of an export: rows read, tags and comments that were new, and what could not be taken in.

    `unknown` are ids, with tags or comments, of no event of the case; `unnamed` rows with such but without an id (events
    of other timelines); `refused` tags and comments that notes cannot hold, by reason.
    """

    rows: int
    tags: int
    comments: int
    unknown: tuple[str, ...] = ()
    unnamed: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.rows:,} rows read: {self.tags:,} tags and {self.comments:,} comments are new"]
        if self.unknown:
            more = len(self.unknown) - NAMED
            named = ", ".join(map(visible, self.unknown[:NAMED])) + (f" and {more:,} more" if more > 0 else "")
            lines.append(f"not taken in: {len(self.unknown):,} ids of no event of this case: {named}")
        if self.unnamed:
            lines.append(f"not taken in: {self.unnamed:,} rows with tags or comments but no event_id")
        return "\n".join([*lines, *(f"not taken in: {why}: {count:,}" for why, count in self.refused.items())])


def take_in(case: Case, path: str | Path, *, by: str | None = None) -> Taken:
    """Put what an export of Timesketch (CSV or JSONL) says of events into the notes of the case, as `by`; twice adds nothing.

    Raises UsageError (no such file, no export with `event_id`), EvidenceError (a file that is cut off or none of these).
    """
    rows, unnamed = 0, 0
    tags: dict[str, set[str]] = {}
    comments: dict[str, list[str]] = {}
    for row in _rows(Path(path)):
        rows += 1
        found, said = _tags(row), _texts(row.get("comment"))
        if not (found or said):
            continue
        event_id = str(row.get("event_id") or "")
        unnamed += not event_id
        for tag in found if event_id else ():
            tags.setdefault(tag, set()).add(event_id)
        for text in said if event_id else ():
            comments.setdefault(event_id, []).append(text)
    known = _known(case, {item for ids in tags.values() for item in ids} | set(comments))
    unknown = tuple(sorted(item for item, event_id in known.items() if event_id is None))
    refused: Counter[str] = Counter()
    new = _put_tags(case, tags, known, refused, by=by)
    noted = _put_comments(case, comments, known, refused, by=by)
    return Taken(rows, new, noted, unknown, unnamed, dict(sorted(refused.items())))


def _put_tags(
    case: Case, tags: dict[str, set[str]], known: dict[str, str | None], refused: Counter[str], *, by: str | None
) -> int:
    new = 0
    for tag, ids in sorted(tags.items()):
        events = sorted(event_id for item in ids if (event_id := known[item]) is not None)
        for start in range(0, len(events), AT_ONCE):
            some = events[start : start + AT_ONCE]
            try:
                new += case.notes.tag(some, tag, by=by)
            except UsageError as error:
                refused[str(error)] += len(some)
    return new


def _put_comments(
    case: Case, comments: dict[str, list[str]], known: dict[str, str | None], refused: Counter[str], *, by: str | None
) -> int:
    there = {(item.about.key, item.text) for item in case.notes.rows() if item.text is not None}
    new = 0
    for item, texts in sorted(comments.items()):
        event_id = known[item]
        for text in texts if event_id is not None else ():
            if (event_id, text) not in there:
                try:
                    case.notes.write(text, event_id, by=by)
                    new += 1
                    there.add((str(event_id), text))
                except UsageError as error:
                    refused[str(error)] += 1
    return new


def _known(case: Case, ids: set[str]) -> dict[str, str | None]:
    """The event of each id, None where there is none; CSV may have a quote before an id that looks like a formula."""
    bare = {item: item.removeprefix("'") for item in ids}
    wanted = sorted(ids | set(bare.values()))
    there = {str(row[0]) for row in case.sql(_KNOWN, [wanted]).rows()} if wanted else set()
    return {item: item if item in there else bare[item] if bare[item] in there else None for item in ids}


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            first = lines.read(1)
            lines.seek(0)
            yield from _json_rows(lines, path) if first == "{" else _csv_rows(lines, path)
    except UnicodeDecodeError as error:
        raise EvidenceError(f"{path} is no text in UTF-8: {error.reason} at byte {error.start:,}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None


def _json_rows(lines: Iterable[str], path: Path) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise EvidenceError(f"{path} line {number:,} is no JSON object: the file is cut off, or no JSONL")
        yield row


def _csv_rows(lines: Iterable[str], path: Path) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(sys.maxsize)
    reader = csv.DictReader(lines)
    if "event_id" not in (reader.fieldnames or ()):
        raise UsageError(f"{path} has no column event_id: it is no export of events that came from here")
    try:
        yield from reader
    except csv.Error as error:
        raise EvidenceError(f"{path} line {reader.line_num:,}: {error}") from None


def _tags(row: Mapping[str, Any]) -> list[str]:
    labels = [*_texts(row.get("label")), *_texts(row.get("timesketch_label"))]
    tags = [tag.strip() for tag in _texts(row.get("tag"), split=True)]
    return [tag for tag in [*tags, *(_LABELS.get(label, label) for label in labels)] if tag]


def _texts(value: Any, *, split: bool = False) -> list[str]:
    """The texts of a cell: a list, a list as JSON or Python text; `split` also one with commas between."""
    if isinstance(value, str):
        if value.strip() in _NOTHING:
            return []
        value = _parsed(value) or (value.split(",") if split else [value])
    if not isinstance(value, list | tuple):
        return [] if value is None else [str(value)]
    named = [item.get("name") if isinstance(item, dict) else item for item in value]
    return [str(item) for item in named if item is not None and str(item).strip()]


def _parsed(text: str) -> list[Any] | None:
    """A list that was written as text, JSON or Python, else None."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            found = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return found if isinstance(found, list) else None
    return None
