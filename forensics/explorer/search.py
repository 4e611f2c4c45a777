"""Search: what in the case bears a text in its name: principals, workloads, keys, addresses, resources, findings."""

from __future__ import annotations

from typing import Any

from forensics.explorer.filters import KINDS
from forensics.explorer.index import Index
from forensics.views.labels import shorten, visible

EACH = 6
"""Suggestions of a kind."""

SAMPLE = 20_000
"""Events with a match that are looked at; of a name met more often than that the count is a lower bound."""

SHORTEST = 2
"""Letters from which on is searched."""

_COLUMN = """
WITH met AS (
  SELECT CAST({column} AS VARCHAR) AS name
  FROM event
  WHERE strpos(lower({column}), $text) > 0
  LIMIT {sample}
)
SELECT name, count(*) AS events, CAST(NULL AS VARCHAR) AS about
FROM met
GROUP BY name
ORDER BY lower(name) <> $text, strpos(lower(name), $text) > 1, events DESC, name
LIMIT {each}
"""

_ADDRESS = _COLUMN.replace(
    "event\n", "(SELECT source_ip AS address FROM event UNION ALL SELECT destination_ip FROM event) AS a\n"
)

_RESOURCE = """
WITH met AS (
  SELECT resources
  FROM event
  WHERE strpos(lower(array_to_string(resources, ' ')), $text) > 0
  LIMIT {sample}
)
SELECT u.name, count(*) AS events, CAST(NULL AS VARCHAR) AS about
FROM met AS m, unnest(m.resources) AS u(name)
WHERE strpos(lower(u.name), $text) > 0
GROUP BY u.name
ORDER BY lower(u.name) <> $text, events DESC, u.name
LIMIT {each}
"""

_WORKLOAD = """
SELECT workload, CAST(NULL AS BIGINT) AS events, kind AS about
FROM workload
WHERE strpos(lower(workload), $text) > 0 OR strpos(lower(name), $text) > 0
ORDER BY lower(name) <> $text, workload
LIMIT {each}
"""

_FINDING = """
SELECT finding_id, CAST(NULL AS BIGINT) AS events, title AS about
FROM finding
WHERE strpos(lower(concat_ws(' ', finding_id, type, title)), $text) > 0
ORDER BY severity DESC NULLS LAST, time, finding_id
LIMIT {each}
"""

STATEMENTS = {
    "finding": _FINDING,
    "workload": _WORKLOAD,
    "principal": _COLUMN.replace("{column}", "principal"),
    "access_key": _COLUMN.replace("{column}", "access_key_id"),
    "address": _ADDRESS.replace("{column}", "address"),
    "session": _COLUMN.replace("{column}", "session"),
    "action": _COLUMN.replace("{column}", "action"),
    "resource": _RESOURCE,
}
"""By kind of filter, in the order in which suggestions are shown."""


def search(index: Index, text: str) -> list[dict[str, Any]]:
    """Suggestions for a text, letter case aside: {kind, label, value, text, note}; a last one looks for it in every record.

    Raises QueryError.
    """
    wanted = text.strip().lower()
    if len(wanted) < SHORTEST:
        return []
    found: list[dict[str, Any]] = []
    for kind, statement in STATEMENTS.items():
        sql = statement.format(sample=SAMPLE, each=EACH)
        rows = index.connection.execute(sql, {"text": wanted}).fetchall()
        found += [_suggestion(kind, *row) for row in rows]
    whole = {"kind": "text", "label": "text", "value": text.strip(), "text": shorten(visible(text.strip()), 200)}
    return [*found, {**whole, "note": "in action, addresses, user agent, resources, summary"}]


def _suggestion(kind: str, name: str, events: int | None, about: str | None) -> dict[str, Any]:
    counted = "" if events is None else f"{events:,}{'+' if events >= SAMPLE else ''} events"
    note = shorten(visible(about), 90) if about else counted
    return {"kind": kind, "label": KINDS[kind].label, "value": name, "text": shorten(visible(name), 200), "note": note}
