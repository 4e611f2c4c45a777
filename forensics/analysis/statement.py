"""A statement of a report: what was found, how certain it is, and the records that show it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from forensics.case import Case
from forensics.sources import sources

CERTAINTIES = ("recorded", "matched", "bounded", "inferred", "shared")
"""From strongest to weakest; a chain is as certain as its weakest link."""


@dataclass(frozen=True)
class Citation:
    """One record: the object it stands in and its place there (0-based), and the event it is."""

    uri: str
    sha256: str
    record: int
    event_id: str


@dataclass(frozen=True)
class Statement:
    """One thing that was found. `time` is UTC without a zone; `technique` an ATT&CK id or empty."""

    id: str
    title: str
    statement: str
    time: datetime | None
    certainty: str
    evidence: tuple[Citation, ...]
    technique: str = ""
    principal: str | None = None
    workload: str | None = None
    resources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a statement without evidence or with an unknown word of certainty."""
        if self.certainty not in CERTAINTIES:
            raise ValueError(f"statement {self.id}: certainty {self.certainty!r} is none of {CERTAINTIES}")
        if not self.evidence:
            raise ValueError(f"statement {self.id}: cites no record")

    def as_dict(self) -> dict[str, Any]:
        """The item of findings.json."""
        made = asdict(self)
        made["time"] = self.time.isoformat(timespec="milliseconds") + "Z" if self.time else None
        return {key: made[key] for key in _ORDER}


_ORDER = (
    "id",
    "title",
    "statement",
    "time",
    "certainty",
    "technique",
    "principal",
    "workload",
    "resources",
    "evidence",
)

_PLACES = """
SELECT u.event_id, v.uri, v.sha256, CAST(regexp_extract(u.event_id, '/([0-9]+)$', 1) AS BIGINT) AS record
FROM unnest(CAST(? AS VARCHAR[])) AS u(event_id)
JOIN evidence AS v ON v.object_id = regexp_extract(u.event_id, '^([0-9a-f]{16})/[0-9]+$', 1)
"""
"""An event id of our own names its object and its place there."""

_UNIQUE = """
SELECT e.event_id, v.uri, v.sha256, e.record
FROM event AS e
JOIN evidence AS v ON v.object_id = e.object_id
WHERE e.source IN ({sources})
  AND e.event_id IN (SELECT u.event_id FROM unnest(CAST(? AS VARCHAR[])) AS u(event_id))
"""
"""AWS's own ids are looked for only in the sources that have them."""

_OWN = re.compile(r"[0-9a-f]{16}/[0-9]+")


_TOLD = """
SELECT e.finding_id, array_agg(e.event_id ORDER BY e.event_id) AS event_ids
FROM finding_evidence AS e
WHERE e.finding_id IN (SELECT u.finding_id FROM unnest(CAST(? AS VARCHAR[])) AS u(finding_id))
GROUP BY e.finding_id
"""
"""A finding that a rule or a behaviour made is no record: what it rests on is cited in its place."""

MOST_TOLD = 20
"""Records cited in place of one such finding."""


def cite(case: Case, event_ids: Iterable[str]) -> tuple[Citation, ...]:
    """The records behind those events, in their order. Raises ValueError for ids that are no event of the case."""
    wanted = list(dict.fromkeys(event_ids))
    found = _citations(case, wanted)
    return tuple(dict.fromkeys(place for item in wanted for place in found[item]))


def _citations(case: Case, wanted: Sequence[str]) -> dict[str, tuple[Citation, ...]]:
    found: dict[str, tuple[Citation, ...]] = {item: (place,) for item, place in _found(case, wanted).items()}
    if missing := [item for item in wanted if item not in found]:
        told = {str(item): ids[:MOST_TOLD] for item, ids in case.sql(_TOLD, (missing,)).rows()}
        behind = _found(case, list(dict.fromkeys(event_id for ids in told.values() for event_id in ids)))
        found |= {item: tuple(behind[event_id] for event_id in ids if event_id in behind) for item, ids in told.items()}
    if missing := [item for item in wanted if not found.get(item)]:
        raise ValueError(f"cited events that are not in the case: {missing[:5]}")
    return found


def _found(case: Case, wanted: Sequence[str]) -> dict[str, Citation]:
    own = [item for item in wanted if _OWN.fullmatch(item)]
    given = [item for item in wanted if not _OWN.fullmatch(item)]
    rows = case.sql(_PLACES, (own,)).rows() if own else []
    if given:
        names = ", ".join(f"'{item.name}'" for item in sources().values() if item.event.unique)
        rows += case.sql(_UNIQUE.format(sources=names), (given,)).rows()
    return {str(row[0]): Citation(uri=row[1], sha256=row[2], record=row[3], event_id=row[0]) for row in rows}


def records_of(case: Case, event_ids: Iterable[str]) -> dict[str, Citation]:
    """The record of each of those events; without those that are none of the case."""
    return _found(case, list(dict.fromkeys(event_ids)))


def named(event_ids: Iterable[str]) -> tuple[Citation, ...]:
    """Those events as citations still without their records; `cited` looks up those of many statements at once."""
    return tuple(Citation(uri="", sha256="", record=-1, event_id=item) for item in dict.fromkeys(event_ids))


def cited(case: Case, statements: Sequence[Statement]) -> list[Statement]:
    """The statements with the records behind every event they name, looked up together. Raises ValueError."""
    wanted = dict.fromkeys(item.event_id for statement in statements for item in statement.evidence)
    found = _citations(case, list(wanted))
    return [
        replace(item, evidence=tuple(dict.fromkeys(one for place in item.evidence for one in found[place.event_id])))
        for item in statements
    ]


def weakest(certainties: Iterable[str]) -> str:
    """The certainty of a chain of joins. Raises ValueError for none."""
    return max(certainties, key=CERTAINTIES.index)


def write(statements: Sequence[Statement], out: str | Path) -> Path:
    """Write findings.json into the directory `out`."""
    path = Path(out) / "findings.json"
    path.write_text(json.dumps([item.as_dict() for item in statements], indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path
