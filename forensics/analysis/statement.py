"""A statement of a report: what was found, how certain it is, and the records that show it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from forensics.case import Case

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

_CITE = """
SELECT e.event_id, v.uri, v.sha256, e.record
FROM event AS e
JOIN evidence AS v ON v.object_id = e.object_id
WHERE e.event_id IN (SELECT u.event_id FROM unnest(CAST(? AS VARCHAR[])) AS u(event_id))
ORDER BY e.time, e.event_id
"""


def cite(case: Case, event_ids: Iterable[str]) -> tuple[Citation, ...]:
    """The records behind those events, in order of time; ids that are no event of the case are an error."""
    wanted = list(dict.fromkeys(event_ids))
    rows = case.sql(_CITE, (wanted,)).rows() if wanted else []
    found = tuple(Citation(uri=row[1], sha256=row[2], record=row[3], event_id=row[0]) for row in rows)
    if missing := set(wanted) - {citation.event_id for citation in found}:
        raise ValueError(f"cited events that are not in the case: {sorted(missing)[:5]}")
    return found


def weakest(certainties: Iterable[str]) -> str:
    """The certainty of a chain of joins. Raises ValueError for none."""
    return max(certainties, key=CERTAINTIES.index)


def write(statements: Sequence[Statement], out: str | Path) -> Path:
    """Write findings.json into the directory `out`."""
    path = Path(out) / "findings.json"
    path.write_text(json.dumps([item.as_dict() for item in statements], indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path
