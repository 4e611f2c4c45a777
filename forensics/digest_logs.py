"""Log files held against the digests that list them: unchanged, altered, gone, or listed nowhere.

A log file that is listed and not in evidence was either deleted or never acquired. It is said to be missing where the
case holds others that the same digest lists, or log files of the same trail, account, Region and day delivered both
before and after it, or where an acquisition listed its place completely; otherwise it is `unverified`. RULE says it to the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from forensics.digest import bare, file_name
from forensics.digest_chain import Judged
from forensics.digest_files import UNREADABLE, hashes

RULE = (
    "A log file that a digest lists and that is not in evidence counts as missing if the case holds other log files of"
    " that digest, or log files of that trail, account, Region and day from before and after it, or if an acquisition"
    " listed its place completely; otherwise it may just not have been acquired, and is unverified."
)

_LOG_NAME = "^[0-9]{12}_CloudTrail(-Insight|-NetworkActivity|-Aggregated)?_[a-z0-9-]+_[0-9]{8}T[0-9]{4}Z_[^_]+[.]json$"
_PARTS = "'^([0-9]{12})_CloudTrail(?:-[A-Za-z]+)?_([a-z0-9-]+)_([0-9]{8}T[0-9]{4}Z)_'"

_LISTED = pa.schema(
    [
        ("place", pa.int64()),
        *((name, pa.string()) for name in ("account_id", "region", "trail", "digest_status", "digest", "chain")),
        ("period_start", pa.timestamp("us")),
        ("period_end", pa.timestamp("us")),
        *((name, pa.string()) for name in ("bucket", "key", "name", "hash", "algorithm")),
    ]
)

_HASH = pa.schema([("object_id", pa.string()), ("sha256", pa.string())])

_LISTED_HERE = """
CREATE OR REPLACE TEMP TABLE digest_listed AS
SELECT
  place, period_start, period_end, trail, digest_status, digest, bucket, key, name, hash, algorithm,
  coalesce(nullif(p.account, ''), account_id) AS account_id,
  coalesce(nullif(p.region, ''), a.region) AS region,
  coalesce(CAST(try_strptime(p.stamp, '%Y%m%dT%H%MZ') AS TIMESTAMP), period_start) AS stamp
FROM (
  SELECT *, regexp_extract(name, {parts}, ['account', 'region', 'stamp']) AS p
  FROM arrived_listing
) AS a
"""
_LOG_OBJECT = """
CREATE OR REPLACE TEMP TABLE log_object AS
SELECT
  object_id, uri, stored_at, location, name,
  regexp_extract(location, '^(.*)AWSLogs/', 1) AS root,
  nullif(p.account, '') AS account_id,
  nullif(p.region, '') AS region,
  CAST(try_strptime(p.stamp, '%Y%m%dT%H%MZ') AS TIMESTAMP) AS stamp,
  CAST(NULL AS VARCHAR) AS sha256
FROM (
  SELECT *, regexp_extract(name, {parts}, ['account', 'region', 'stamp']) AS p
  FROM (
    SELECT object_id, uri, stored_at, location,
      regexp_replace(regexp_extract(location, '[^/]*$'), '[.]gz$', '') AS name
    FROM (
      SELECT object_id, uri, stored_at, regexp_replace(uri, '[?]versionId=.*$', '') AS location
      FROM evidence
      WHERE stored_at IS NOT NULL
    ) AS v
  ) AS n
  WHERE regexp_matches(name, $log_name) OR name IN (SELECT l.name FROM digest_listed AS l)
) AS o
"""
_KNOWN = """
UPDATE log_object
SET sha256 = h.sha256
FROM content_hash AS h
WHERE h.object_id = log_object.object_id
"""
_UNKNOWN = """
SELECT o.object_id, o.stored_at
FROM log_object AS o
WHERE NOT EXISTS (SELECT 1 FROM {known} AS h WHERE h.object_id = o.object_id)
ORDER BY o.object_id
"""
_HASHED = """
CREATE OR REPLACE TEMP TABLE content_hashed AS
SELECT object_id, sha256
FROM arrived_hash
"""
_FRESH = _KNOWN.replace("content_hash", "content_hashed")

_MATCH = """
CREATE OR REPLACE TEMP TABLE digest_match AS
WITH found AS (
  SELECT l.place, o.object_id,
    CASE WHEN o.location = 's3://' || l.bucket || '/' || l.key THEN 0
      WHEN ends_with(o.location, '/' || l.key) OR ends_with(o.location || '.gz', '/' || l.key) THEN 1
      ELSE 2 END AS distance
  FROM digest_listed AS l
  JOIN log_object AS o ON o.name = l.name
), nearest AS (
  SELECT place, min(distance) AS distance
  FROM found
  GROUP BY place
)
SELECT f.place, f.object_id
FROM found AS f
JOIN nearest AS n ON n.place = f.place AND n.distance = f.distance
"""
_LACKING = """
CREATE OR REPLACE TEMP TABLE digest_lacking AS
SELECT l.place, min(coalesce(v.reason, 'unknown')) AS reason
FROM digest_listed AS l
JOIN (
  SELECT regexp_replace(uri, '[?]versionId=.*$', '') AS location, reason
  FROM evidence
  WHERE stored_at IS NULL
) AS v ON v.location = 's3://' || l.bucket || '/' || l.key
GROUP BY l.place
"""
"""Listed files that the case knows of without having their bytes, and why: deleted, archived, not to be read."""

_COMPARED = f"""
INSERT INTO digest_verdict
SELECT l.account_id, l.region, l.trail, l.period_start, l.period_end,
  CASE WHEN l.algorithm <> 'SHA-256' OR o.sha256 = '' THEN 'unverified'
    WHEN o.sha256 IS DISTINCT FROM l.hash THEN 'altered'
    WHEN l.digest_status = 'valid' THEN 'valid'
    ELSE 'unverified' END AS status,
  's3://' || l.bucket || '/' || l.key AS uri,
  o.object_id,
  CASE WHEN l.algorithm <> 'SHA-256' THEN 'log file: its hash is of an algorithm that is not known: ' || l.algorithm
    WHEN o.sha256 = '' THEN 'log file: {UNREADABLE}'
    WHEN o.sha256 IS NULL THEN 'log file: what is in evidence cannot be decompressed, so that it is not what was delivered'
    WHEN o.sha256 <> l.hash AND l.digest_status = 'valid'
      THEN 'log file: its SHA-256 is ' || o.sha256 || ', the digest names ' || l.hash
    WHEN o.sha256 <> l.hash
      THEN 'log file: its SHA-256 is ' || o.sha256 || ', a digest that proves nothing itself (' || l.digest_status || ') names ' || l.hash
    WHEN l.digest_status = 'valid' THEN 'log file: as its digest lists it' || coalesce('; since then ' || k.reason, '')
    ELSE 'log file: as its digest lists it, but that digest is ' || l.digest_status || ': ' || l.digest END AS detail
FROM digest_match AS m
JOIN digest_listed AS l ON l.place = m.place
JOIN log_object AS o ON o.object_id = m.object_id
LEFT JOIN digest_lacking AS k ON k.place = l.place
"""
_ABSENT = """
INSERT INTO digest_verdict
WITH absent AS (
  SELECT l.*
  FROM digest_listed AS l
  WHERE NOT EXISTS (SELECT 1 FROM digest_match AS m WHERE m.place = l.place)
), of_digest AS (
  SELECT DISTINCT l.digest
  FROM digest_listed AS l
  JOIN digest_match AS m ON m.place = l.place
), of_day AS (
  SELECT l.account_id, l.region, l.trail, date_trunc('day', l.stamp) AS day, min(l.stamp) AS first_stamp, max(l.stamp) AS last_stamp
  FROM digest_listed AS l
  JOIN digest_match AS m ON m.place = l.place
  GROUP BY l.account_id, l.region, l.trail, date_trunc('day', l.stamp)
), judged AS (
  SELECT a.*, k.reason,
    CASE WHEN k.reason NOT LIKE 'deleted%' THEN NULL
      WHEN k.reason IS NOT NULL THEN 'listed: ' || k.reason
      WHEN g.digest IS NOT NULL THEN 'others of that digest are in evidence'
      WHEN d.first_stamp < a.stamp AND a.stamp < d.last_stamp THEN 'log files of that trail and day from before and after it are in evidence'
      WHEN EXISTS (
        SELECT 1
        FROM listed_whole AS w
        WHERE w.bucket = a.bucket AND starts_with(a.key, w.prefix)
          AND coalesce(w.account_id, a.account_id) = a.account_id AND coalesce(w.region, a.region) = a.region
          AND (w.since IS NULL OR w.since <= a.stamp) AND (w.until IS NULL OR a.stamp < w.until)
      ) THEN 'an acquisition listed its place completely' END AS why
  FROM absent AS a
  LEFT JOIN digest_lacking AS k ON k.place = a.place
  LEFT JOIN of_digest AS g ON g.digest = a.digest
  LEFT JOIN of_day AS d ON d.account_id = a.account_id AND d.region = a.region AND d.trail = a.trail AND d.day = date_trunc('day', a.stamp)
)
SELECT account_id, region, trail, period_start, period_end,
  CASE WHEN why IS NULL THEN 'unverified' ELSE 'missing_log_file' END AS status,
  's3://' || bucket || '/' || key AS uri,
  CAST(NULL AS VARCHAR) AS object_id,
  CASE WHEN why IS NULL AND reason IS NOT NULL THEN 'log file: listed in the case without its bytes: ' || reason
    WHEN why IS NULL THEN 'log file: not in evidence, and nothing shows that it was to be: it may not have been acquired'
    ELSE 'log file: CloudTrail delivered it, and it is not in evidence although ' || why
      || CASE WHEN digest_status <> 'valid' THEN '; the digest that lists it is ' || digest_status ELSE '' END END AS detail
FROM judged
"""
_UNLISTED = """
INSERT INTO digest_verdict
WITH unlisted AS (
  SELECT o.*
  FROM log_object AS o
  WHERE o.stamp IS NOT NULL AND NOT EXISTS (SELECT 1 FROM digest_match AS m WHERE m.object_id = o.object_id)
), covered AS (
  SELECT account_id, region, min(period_start) AS first_start, max(period_end) AS last_end
  FROM digest_period
  WHERE held
  GROUP BY account_id, region
), place AS (
  SELECT DISTINCT o.account_id, o.region, o.root
  FROM log_object AS o
  JOIN digest_match AS m ON m.object_id = o.object_id
), judged AS (
  SELECT u.*, c.first_start, c.last_end,
    EXISTS (
      SELECT 1
      FROM place AS p
      WHERE p.account_id = u.account_id AND p.region = u.region AND p.root <> u.root
    ) AND NOT EXISTS (
      SELECT 1
      FROM place AS p
      WHERE p.account_id = u.account_id AND p.region = u.region AND p.root = u.root
    ) AS elsewhere,
    EXISTS (
      SELECT 1
      FROM digest_period AS h
      WHERE NOT h.held AND h.account_id = u.account_id AND h.region = u.region
        AND h.period_start <= u.stamp + INTERVAL 1 HOUR AND u.stamp < h.period_end
    ) AS in_hole
  FROM unlisted AS u
  JOIN covered AS c ON c.account_id = u.account_id AND c.region = u.region
)
SELECT account_id, region, CAST(NULL AS VARCHAR) AS trail,
  CASE WHEN stamp >= last_end THEN greatest(date_trunc('hour', stamp), last_end) ELSE date_trunc('hour', stamp) END AS period_start,
  date_trunc('hour', stamp) + INTERVAL 1 HOUR AS period_end,
  CASE WHEN elsewhere THEN 'not_covered'
    WHEN stamp < first_start OR in_hole THEN 'unverified'
    WHEN stamp >= last_end - INTERVAL 1 HOUR AND stamp < last_end + INTERVAL 1 HOUR THEN 'unverified'
    ELSE 'not_covered' END AS status,
  uri, object_id,
  CASE WHEN elsewhere THEN 'log file: no digest lists it, and it lies elsewhere than those that are listed: another trail''s, perhaps'
    WHEN stamp < first_start THEN 'log file: from before the first digest in evidence'
    WHEN in_hole THEN 'log file: the digest that would list it is not there, or is altered'
    WHEN stamp >= last_end + INTERVAL 1 HOUR THEN 'log file: no digest lists it, the newest in evidence ends before it: '
      || 'the later ones were deleted, not acquired, or validation was switched off'
    WHEN stamp >= last_end - INTERVAL 1 HOUR THEN 'log file: its digest was not yet there when the newest in evidence was written'
    ELSE 'log file: no digest lists it, though those of its hour are in evidence: it was planted, or delivered '
      || 'late, and then a later or a backfill digest must list it' END AS detail
FROM judged
"""
_WITHOUT = """
INSERT INTO digest_verdict
SELECT o.account_id, o.region, CAST(NULL AS VARCHAR) AS trail,
  date_trunc('hour', min(o.stamp)) AS period_start,
  date_trunc('hour', max(o.stamp)) + INTERVAL 1 HOUR AS period_end,
  'not_covered' AS status,
  CAST(NULL AS VARCHAR) AS uri, CAST(NULL AS VARCHAR) AS object_id,
  'of this account and Region not one digest is in evidence, and ' || CAST(count(*) AS VARCHAR) || ' of its log files are, '
    || 'while there are digests of others: they were deleted, not acquired, or the trail does not write them' AS detail
FROM log_object AS o
LEFT JOIN (SELECT DISTINCT account_id, region FROM digest_period WHERE held) AS p
  ON p.account_id = o.account_id AND p.region = o.region
WHERE o.stamp IS NOT NULL AND p.account_id IS NULL
GROUP BY o.account_id, o.region
"""


def prepare(con: duckdb.DuckDBPyConnection, root: Path, items: Sequence[Judged], *, fresh: bool) -> None:
    """Put what digests list beside the log files in evidence.

    With `fresh` every log file is hashed, else those of which no hash is kept; `content_hashed` has what was made now.
    """
    con.register("arrived_listing", _listing(items))
    con.execute(_LISTED_HERE.format(parts=_PARTS))
    con.unregister("arrived_listing")
    con.execute(_LOG_OBJECT.format(parts=_PARTS), {"log_name": _LOG_NAME})
    nothing = "(SELECT CAST(NULL AS VARCHAR) AS object_id)"
    if not fresh:
        con.execute(_KNOWN)
    unknown = con.execute(_UNKNOWN.format(known=nothing if fresh else "content_hash")).fetchall()
    made = list(hashes(root, unknown))
    con.register("arrived_hash", pa.table([[row[place] for row in made] for place in (0, 1)], schema=_HASH))
    con.execute(_HASHED)
    con.unregister("arrived_hash")
    con.execute(_FRESH)
    con.execute(_MATCH)
    con.execute(_LACKING)


def judge(con: duckdb.DuckDBPyConnection) -> None:
    """Add what is proved of log files to `digest_verdict`; needs `digest_period` and `listed_whole`."""
    for statement in (_COMPARED, _ABSENT, _UNLISTED, _WITHOUT):
        con.execute(statement)


def _listing(items: Iterable[Judged]) -> pa.Table:
    rows = []
    for item in items:
        one = item.digest
        about = (one.account_id, one.region, one.trail, item.status, one.named, "/".join(one.chain), one.start, one.end)
        rows += [
            (*about, log.bucket, log.key, bare(file_name(log.key)), log.hash, log.algorithm) for log in one.log_files
        ]
    columns = [list(range(len(rows))), *map(list, zip(*rows, strict=True))] if rows else [[] for _ in _LISTED]
    return pa.table(dict(zip(_LISTED.names, columns, strict=True)), schema=_LISTED)
