"""What S3's server access logs show of an intrusion, beside CloudTrail or where CloudTrail shows nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forensics.analysis.intrusion import Intrusion
from forensics.analysis.statement import Statement, named, weakest
from forensics.analysis.technique import technique
from forensics.analysis.traces import MOST_CITED
from forensics.analysis.words import count, during, listed, size
from forensics.case import Query

LINES = """
SELECT e.event_id, e.time, s.bucket, s.key, s.operation, e.source_ip, e.principal, e.session, e.outcome,
  coalesce(e.bytes, 0) AS bytes, call.event_id AS call_id, theirs.access_key_id,
  CASE WHEN call.event_id IS NOT NULL THEN 'recorded' WHEN theirs.access_key_id IS NOT NULL THEN 'matched' ELSE 'inferred'
    END AS certainty
FROM event AS e
JOIN s3_access AS s ON s.object_id = e.object_id AND s.record = e.record
LEFT JOIN (
  SELECT c.request_id, min(t.event_id) AS event_id
  FROM timeline AS t
  JOIN cloudtrail AS c ON c.object_id = t.object_id AND c.record = t.record
  WHERE t.action LIKE 's3:%' AND c.request_id IS NOT NULL
  GROUP BY c.request_id
) AS call ON call.request_id = s.request_id
LEFT JOIN (
  SELECT k.session, min(k.access_key_id) AS access_key_id, min(coalesce(k.issued_at, k.session_created_at)) AS since,
    max(k.expires_at) AS until
  FROM credential AS k
  WHERE k.session IS NOT NULL
  GROUP BY k.session
  HAVING count(*) = count(*) FILTER (WHERE list_contains(CAST(? AS VARCHAR[]), k.access_key_id))
) AS theirs ON theirs.session = e.session AND e.time >= theirs.since AND (theirs.until IS NULL OR e.time < theirs.until)
WHERE e.source = 's3_access'
  AND (call.event_id IS NOT NULL OR theirs.access_key_id IS NOT NULL OR list_contains(CAST(? AS VARCHAR[]), e.source_ip))
"""
"""Entries of the same request as a call of the intrusion; of a session whose every credential came of it; from its addresses."""

_GROUPED = f"""
SELECT l.bucket, l.operation, l.source_ip, l.session, l.principal, l.outcome, count(*) AS lines, min(l.time) AS first,
  max(l.time) AS last, CAST(sum(l.bytes) AS BIGINT) AS bytes, count(l.call_id) AS known, array_agg(DISTINCT l.certainty) AS certainties,
  array_agg(DISTINCT l.key) AS keys, array_agg(l.event_id ORDER BY l.time, l.event_id) AS ids
FROM (\n{LINES}\n) AS l
GROUP BY l.bucket, l.operation, l.source_ip, l.session, l.principal, l.outcome
ORDER BY min(l.time), l.bucket, l.operation, l.source_ip
"""

_AS_CALLED = {
    "REST.GET.OBJECT": "s3:GetObject",
    "REST.DELETE.OBJECT": "s3:DeleteObject",
    "REST.COPY.OBJECT": "s3:CopyObject",
}


def lines(intrusion: Intrusion, sql: str, *params: object) -> Query:
    """A query over the entries of the intrusion, which `sql` calls `line`."""
    text = sql.replace("FROM line", f"FROM (\n{LINES}\n) AS line", 1)
    return intrusion.calls.select(text, list(intrusion.derived), intrusion.addresses, *params)


def statements(intrusion: Intrusion) -> Iterator[Statement]:
    """A statement for each bucket, operation, address, session and outcome of the entries."""
    rows = intrusion.calls.select(_GROUPED, list(intrusion.derived), intrusion.addresses).rows()
    for number, row in enumerate(rows, 1):
        yield _statement(f"access-{number:02d}", row)


def _statement(identifier: str, row: tuple[Any, ...]) -> Statement:
    bucket, operation, address, session, principal, outcome, found, first, last, octets, known, words, keys, ids = row
    names = sorted(str(key) for key in keys if key)
    unseen = found - known
    text = (
        f"The access log of the bucket {bucket} has {count(found, 'entry').replace('entrys', 'entries')} of {operation}"
        f" {during(first, last)} from {address or 'an address not recorded'} by {session or principal or 'nobody named'}"
        + ("" if outcome == "success" else f", {outcome or 'ended unknown'}")
        + (f"; S3 sent {size(octets)}." if octets else ".")
        + (f" Objects: {listed(names)}." if names else "")
    )
    if unseen:
        text += (
            f" Of {'them' if unseen == found else f'{unseen:,} of them'} CloudTrail has no event of the same request."
        )
    return Statement(
        id=identifier,
        title=f"{operation} in {bucket}, {found:,} times by its access log"
        if found > 1
        else f"{operation} in {bucket}",
        statement=text,
        time=first,
        certainty=weakest(words),
        technique=technique(_AS_CALLED.get(operation or "")),
        principal=principal,
        resources=(f"arn:aws:s3:::{bucket}",),
        evidence=named(ids[:MOST_CITED]),
    )
