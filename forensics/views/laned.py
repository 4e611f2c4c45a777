"""The events of a timeline by lane: by source, or by the workload that they are attributed to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forensics.errors import UsageError
from forensics.timeline import Timeline
from forensics.views.bins import BIN_SQL, Bins

LANES = 30
"""Lanes drawn at most: those with the most events."""

NO_WORKLOAD = "no workload"

_NOT_A_FINDING = """NOT EXISTS (
    SELECT 1 FROM finding AS f WHERE f.finding_id = t.event_id AND f.source = t.source)"""
"""Findings have a lane of their own."""

_BY = {
    "source": f"""
  SELECT t.source AS lane, t.time, t.action, t.principal, t.source_ip, t.outcome, t.event_id
  FROM timeline AS t
  WHERE {_NOT_A_FINDING}""",
    "workload": f"""
  SELECT coalesce(a.workload, '{NO_WORKLOAD}') AS lane, t.time, t.action, t.principal, t.source_ip, t.outcome, t.event_id
  FROM timeline AS t
  LEFT JOIN (SELECT DISTINCT event_id, workload FROM attribution) AS a ON a.event_id = t.event_id
  WHERE {_NOT_A_FINDING}""",
}
"""An event that is attributed to several workloads is in the lane of each."""

_LANES = """
SELECT lane, count(*) AS events, count(time) AS timed, min(time) AS first, max(time) AS last
FROM ({events}
) AS placed
GROUP BY lane
ORDER BY lane
"""

_TOTAL = "SELECT count(DISTINCT event_id) AS events FROM ({events}\n) AS placed"

_SINGLE = """
SELECT lane, time, action, principal, source_ip, outcome, event_id
FROM ({events}
) AS placed
WHERE time IS NOT NULL
  AND list_contains(CAST(? AS VARCHAR[]), lane)
ORDER BY time, event_id, lane
"""

_BINNED = f"""
SELECT lane, bin, count(*) AS events,
  count(CASE WHEN outcome IN ('denied', 'reject', 'error') THEN 1 END) AS failed,
  count(DISTINCT principal) AS principals, count(DISTINCT source_ip) AS addresses,
  min_by(event_id, row(time, event_id)) AS first_id, max_by(event_id, row(time, event_id)) AS last_id
FROM (
  SELECT lane, {BIN_SQL} AS bin, outcome, principal, source_ip, event_id, time
  FROM ({{events}}
  ) AS placed
  WHERE time IS NOT NULL
    AND list_contains(CAST(? AS VARCHAR[]), lane)
) AS binned
GROUP BY lane, bin
ORDER BY lane, bin
"""


@dataclass(frozen=True)
class Lane:
    """A lane and its events; `timed` are those with a time."""

    name: str
    events: int
    timed: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True)
class Lanes:
    """All lanes of a timeline; `events` counts each event once, whatever the number of its lanes."""

    timeline: Timeline
    by: str
    found: tuple[Lane, ...]
    events: int

    @classmethod
    def of(cls, timeline: Timeline, by: str) -> Lanes:
        """The lanes by source or by workload. Raises UsageError."""
        if by not in _BY:
            raise UsageError(f"a lane is by {' or by '.join(_BY)}, not by {by!r}")
        found = tuple(Lane(*row) for row in timeline.select(_LANES.format(events=_BY[by])).rows())
        total = sum(lane.events for lane in found)
        if by == "workload" and found:
            total = int(timeline.select(_TOTAL.format(events=_BY[by])).rows()[0][0])
        return cls(timeline, by, found, total)

    @property
    def drawn(self) -> list[Lane]:
        """Those with a time and the most events, by name; events of no workload come last."""
        timed = [lane for lane in self.found if lane.timed]
        kept = sorted(timed, key=lambda lane: (-lane.events, lane.name))[:LANES]
        return sorted(kept, key=lambda lane: (lane.name == NO_WORKLOAD, lane.name))

    def single(self) -> list[tuple[Any, ...]]:
        """Rows of lane, time, action, principal, source_ip, outcome, event_id: the drawn lanes' events one by one."""
        return self._rows(_SINGLE)

    def binned(self, bins: Bins) -> list[tuple[Any, ...]]:
        """Rows of lane, bin, events, failed, principals, addresses, first and last event id, of the drawn lanes."""
        return self._rows(_BINNED, bins.width)

    def _rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        names: Sequence[str] = [lane.name for lane in self.drawn]
        return self.timeline.select(sql.format(events=_BY[self.by]), *params, names).rows()
