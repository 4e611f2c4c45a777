"""Facets: how many of the events shown have each value, counted in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from forensics.explorer.filters import FOUND_TEXT, KINDS, NONE_TEXT
from forensics.explorer.index import CERTAINTIES, Index
from forensics.explorer.state import State
from forensics.views.labels import visible

TOP = 8
"""Values of a facet that are listed, those with the most events first."""

COLUMNS = {
    "source": "source",
    "outcome": "outcome",
    "account": "account_id",
    "region": "region",
    "action": "action",
    "principal": "principal",
}
"""Kinds of filter that are a column each."""

ORDER = ("source", "outcome", "certainty", "found", "account", "region", "service", "action", "principal")
"""As they are shown."""

_COUNTED = """
WITH counted AS (
  SELECT grouping(source, outcome, account_id, region, action, principal, certainties, found) AS grouped,
    source, outcome, account_id, region, action, principal, certainties, found, count(*) AS events
  FROM {shown}
  GROUP BY GROUPING SETS ((source), (outcome), (account_id), (region), (action), (principal), (certainties), (found), ())
), said AS (
  SELECT CASE grouped WHEN 127 THEN 'source' WHEN 191 THEN 'outcome' WHEN 223 THEN 'account' WHEN 239 THEN 'region'
      WHEN 247 THEN 'action' WHEN 251 THEN 'principal' WHEN 253 THEN 'certainty' WHEN 254 THEN 'found' ELSE '' END AS facet,
    coalesce(CAST(source AS VARCHAR), CAST(outcome AS VARCHAR), CAST(account_id AS VARCHAR), CAST(region AS VARCHAR),
      CAST(action AS VARCHAR), CAST(principal AS VARCHAR), CAST(certainties AS VARCHAR), CAST(found AS VARCHAR)) AS value,
    events
  FROM counted
), with_services AS (
  SELECT facet, value, events FROM said
  UNION ALL
  SELECT 'service' AS facet, split_part(value, ':', 1) AS value, sum(events) AS events
  FROM said
  WHERE facet = 'action'
  GROUP BY split_part(value, ':', 1)
), placed AS (
  SELECT facet, value, events, row_number() OVER (PARTITION BY facet ORDER BY events DESC, value) AS place,
    count(*) OVER (PARTITION BY facet) AS number
  FROM with_services
)
SELECT facet, value, CAST(events AS BIGINT) AS events, number
FROM placed
WHERE place <= ? OR facet = 'certainty'
ORDER BY facet, place
"""

_OTHERS = """
SELECT CAST({column} AS VARCHAR) AS value, count(*) AS events
FROM event
{where}
GROUP BY {column}
ORDER BY events DESC, value
LIMIT ?
"""

Count = tuple[str | None, int]


def facets(index: Index, state: State) -> tuple[int, list[dict[str, Any]]]:
    """How many events are shown, and each facet as {kind, label, items, more}: what is chosen in one stays listed.

    An item is {value, text, events, wanted, excluded}. Counts of a facet in which something is wanted are without that
    choice, so that more can be chosen. Raises QueryError.
    """
    index.show(state)
    found: dict[str, list[tuple[str | None, int, int]]] = {}
    for facet, value, events, number in index.rows(_COUNTED.format(shown=index.shown), (TOP,)):
        found.setdefault(facet, []).append((value, events, number))
    made = [_facet(index, state, kind, found.get(kind, [])) for kind in ORDER]
    return sum(events for _, events, _ in found.get("", [])), [item for item in made if item["items"]]


def _facet(index: Index, state: State, kind: str, rows: Sequence[tuple[str | None, int, int]]) -> dict[str, Any]:
    counts = [(value, events) for value, events, _ in rows]
    more = max((number for _, _, number in rows), default=0) - len(rows)
    if kind == "certainty":
        counts, more = _certainties(counts), 0
    elif kind == "found":
        counts = [("yes", events) for value, events in counts if value == "true"]
    elif kind in COLUMNS and state.wanted(kind):
        counts = _beside(index, state, kind)
    chosen = [item for item in state.filters if item.kind == kind]
    listed = {value for value, _ in counts}
    counts += [(item.value, 0) for item in chosen if item.value not in listed]
    wanted = {item.value: not item.excluded for item in chosen}
    items = [
        {"value": value, "text": _text(kind, value), "events": events, "wanted": wanted.get(value)}
        for value, events in counts
    ]
    return {"kind": kind, "label": KINDS[kind].label, "items": items, "more": max(more, 0)}


def _text(kind: str, value: str | None) -> str:
    if kind == "found":
        return FOUND_TEXT
    absent = "not attributed" if kind == "certainty" else NONE_TEXT
    return absent if value is None else visible(value)


def _certainties(masks: Sequence[Count]) -> list[Count]:
    """Events by certainty: one that is attributed twice counts at each of its words."""
    parsed = [(int(mask or 0), events) for mask, events in masks]
    words: list[Count] = [
        (word, sum(events for mask, events in parsed if mask >> bit & 1)) for bit, word in enumerate(CERTAINTIES)
    ]
    words.append((None, sum(events for mask, events in parsed if not mask)))
    return [(word, events) for word, events in words if events]


def _beside(index: Index, state: State, kind: str) -> list[Count]:
    timeline = state.without(kind).timeline(index.case)
    where = "WHERE " + "\n  AND ".join(timeline.conditions) if timeline.conditions else ""
    rows = index.rows(_OTHERS.format(column=COLUMNS[kind], where=where), (*timeline.bound, TOP))
    return [(value, events) for value, events in rows]
