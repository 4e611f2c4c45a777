"""Findings of our own: each act against a log, who did it and when, and the hours of which log it emptied."""

from __future__ import annotations

from typing import Any

import duckdb

from forensics import log_acts
from forensics.analysis.deeds import Deed
from forensics.analysis.tampering import effect
from forensics.analysis.weakening import REFUSED, severity
from forensics.analysis.words import capital, count
from forensics.sources import title_of

SOURCE = "tampering"
"""`finding.source` of these; `finding_id` is that, a slash, and the id of the act's event."""

_EMPTIED = """
INSERT INTO finding_coverage
SELECT 'tampering/' || c.event_id AS finding_id, c.source, c.account_id, c.region, min(c.hour) AS hour_from,
  max(c.hour) + INTERVAL 1 HOUR AS hour_to, count(*) AS hours
FROM coverage AS c
WHERE c.event_id IS NOT NULL AND c.status IN ('switched_off', 'missing')
  AND list_contains(CAST(? AS VARCHAR[]), c.event_id)
GROUP BY c.event_id, c.source, c.account_id, c.region
ORDER BY 1, 2, 3, 4
"""

_FINDING = "INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

_WHY = "INSERT INTO finding_evidence VALUES (?, ?, ?)"

_DELETED = f"""
SELECT min(e.event_id) AS event_id, min(e.time) AS first, max(e.time) AS last, e.principal, s.bucket,
  count(*) AS objects, array_agg(e.event_id ORDER BY e.time, e.event_id)[1:500] AS event_ids,
  count(CASE WHEN s.operation LIKE 'REST.PUT.OBJECT%' THEN 1 END) AS written, e.account_id
FROM s3_access AS s
JOIN event AS e ON e.source = 's3_access' AND e.object_id = s.object_id AND e.record = s.record
WHERE s.key LIKE '%AWSLogs/%'
  AND s.object_id IN (SELECT object_id FROM {log_acts.TOUCHED.table})
  AND e.object_id IN (SELECT object_id FROM {log_acts.TOUCHED.table})
  AND e.outcome = 'success'
  AND (s.operation LIKE 'REST.DELETE.OBJECT%' OR s.operation LIKE 'BATCH.DELETE.OBJECT%'
    OR (s.operation LIKE 'REST.PUT.OBJECT%' AND s.requester LIKE 'arn:%'))
GROUP BY e.principal, s.bucket, e.account_id, date_trunc('day', e.time)
ORDER BY 2, 1
"""
"""Log objects that somebody who is no service deleted or wrote, as S3's access logs tell: one finding a day, bucket, person."""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Add to `finding` and `finding_evidence`, rebuild `finding_coverage`; needs `coverage` and `finding`."""
    con.execute("DELETE FROM finding_coverage")
    every = log_acts.acts(con, log_acts.take(con))
    log_acts.drop(con)
    found = _distinct([(deed, number) for deed in every if (number := severity(deed, every)) is not None])
    con.execute(_EMPTIED, [[deed.event_id for deed, _ in found]])
    emptied = _in_words(con)
    rows = [_finding(deed, number, emptied.get(_id(deed.event_id), "")) for deed, number in found]
    why = [(row[0], deed.event_id, "the act itself") for row, (deed, _) in zip(rows, found, strict=True)]
    why += [
        (_id(deed.event_id), deed.end.event_id, "what undid it, or changed it again") for deed, _ in found if deed.end
    ]
    deleted = con.execute(_DELETED).fetchall() if log_acts.touched(con) else []
    for row, reasons in map(_deletion, deleted):
        rows.append(row)
        why += reasons
    if rows:
        con.executemany(_FINDING, rows)
        con.executemany(_WHY, why)


def _distinct(found: list[tuple[Deed, float]]) -> list[tuple[Deed, float]]:
    """One act for each event id, the gravest: samples of logs, and forgers, repeat an id in records that differ."""
    by_id: dict[str, tuple[Deed, float]] = {}
    for deed, number in found:
        if deed.event_id not in by_id or number > by_id[deed.event_id][1]:
            by_id[deed.event_id] = deed, number
    return list(by_id.values())


def _id(event_id: str) -> str:
    return f"{SOURCE}/{event_id}"


def _in_words(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What each finding emptied: hours of which logs."""
    rows = con.execute(
        "SELECT finding_id, source, sum(hours) FROM finding_coverage GROUP BY finding_id, source ORDER BY finding_id, source"
    ).fetchall()
    found: dict[str, list[str]] = {}
    for finding_id, source, hours in rows:
        found.setdefault(finding_id, []).append(f"{count(int(hours), 'hour')} of {title_of(source)}")
    return {finding_id: ", ".join(parts) for finding_id, parts in found.items()}


def _finding(deed: Deed, number: float, emptied: str) -> tuple[Any, ...]:
    tried = deed.outcome != "success"
    title = f"{'Tried, and refused: ' if tried else ''}{deed.kind.what} {deed.name}: {effect(deed)}"
    title += f"; emptied {emptied}" if emptied else ""
    return (
        _id(deed.event_id),
        SOURCE,
        f"Tampering:{deed.action}",
        REFUSED if tried else number,
        deed.time,
        deed.end.time if deed.end else deed.time,
        deed.principal,
        deed.access_key_id,
        None,
        list(deed.resources),
        capital(title),
    )


def _deletion(row: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[tuple[str, str, str]]]:
    event_id, first, last, principal, bucket, objects, event_ids, written, _ = row
    did = "written" if written == objects else "deleted" if not written else "deleted or written"
    title = f"{count(objects, 'log object')} of {bucket} {did} by {principal or 'somebody not named'}, as S3's access log tells"
    held = [f"arn:aws:s3:::{bucket}"]
    finding = (_id(event_id), SOURCE, "Tampering:s3:LogObjects", 8.0, first, last, principal, None, None, held, title)
    return finding, [(_id(event_id), name, "a log object deleted or written") for name in event_ids]
