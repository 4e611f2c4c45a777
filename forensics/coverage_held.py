"""How many records of which hour each object holds: read once of each object, and kept in the case."""

from __future__ import annotations

import hashlib

import duckdb

from forensics import scanned
from forensics.scanned import Scan
from forensics.source import Source
from forensics.sources import sources

LONGEST_NAME = 64
"""Characters of an account id or a Region: AWS's have 12 and at most 16."""

_UPTO = """sum(p.records) OVER (PARTITION BY p.object_id ORDER BY p.hour, p.source, p.account_id, p.region
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"""

_COPIED = """
CREATE TABLE IF NOT EXISTS kept.copied_hour (
  source VARCHAR, object_id VARCHAR, account_id VARCHAR, region VARCHAR, hour TIMESTAMP,
  records BIGINT, quiet BIGINT, lost BIGINT, copies BIGINT
)
"""
"""What of `kept.object_hour` are further copies of events; `copies` are all those of the object."""

_CHANGED = """
CREATE OR REPLACE TEMP TABLE copied_object AS
SELECT x.copy_object_id AS object_id, count(*) AS copies
FROM superseded AS x
LEFT JOIN (
  SELECT object_id, max(copies) AS copies
  FROM kept.copied_hour
  WHERE source = $source
  GROUP BY object_id
) AS k ON k.object_id = x.copy_object_id
WHERE x.source = $source
GROUP BY x.copy_object_id
HAVING count(*) <> coalesce(max(k.copies), 0)
"""
"""Objects with more copies than before: a copy stays one, whatever is added."""

_WITH_COPIES = "SELECT source FROM superseded UNION SELECT source FROM kept.copied_hour"

_PARTS = """
CREATE OR REPLACE TEMP TABLE parted_object AS
SELECT object_id
FROM kept.object_hour
WHERE NOT alone
UNION
SELECT object_id
FROM kept.copied_hour
"""
"""Objects with records of several logs, or with copies: their share of bytes is told from all of them together."""


def _rows(source: Source, rows: str) -> str:
    """SQL: what the count needs of those rows of a source, as the view `event` has it."""
    kinds = {"account_id": "VARCHAR", "region": "VARCHAR", "time": "TIMESTAMP", "action": "VARCHAR"}
    mapped = [
        _mapped(name, f"CAST({source.event.columns.get(name, 'NULL')} AS {kind})") for name, kind in kinds.items()
    ]
    joined = "\n  LEFT JOIN evidence AS e ON e.object_id = s.object_id" if source.event.evidence else ""
    return f"SELECT '{source.name}' AS source, s.object_id, {', '.join(mapped)}\n  FROM {rows} AS s{joined}"


def _mapped(name: str, sql: str) -> str:
    """SQL of a column; a text too long for what it names would stand in every hour of the case."""
    if name not in ("account_id", "region"):
        return f"{sql} AS {name}"
    return f"CASE WHEN length({sql}) <= {LONGEST_NAME} THEN {sql} END AS {name}"


def _counted(rows: str) -> str:
    return f"""
SELECT r.source, r.object_id, r.account_id, r.region, date_trunc('hour', r.time) AS hour, count(*) AS records,
  count(CASE WHEN r.action LIKE '%:nodata' THEN 1 END) AS quiet,
  count(CASE WHEN r.action LIKE '%:skipdata' THEN 1 END) AS lost
FROM (
  {rows}
) AS r
WHERE r.time IS NOT NULL
GROUP BY r.source, r.object_id, r.account_id, r.region, date_trunc('hour', r.time)
"""


def _shared(pieces: str) -> str:
    """SQL: each piece of an object with its share of the object's stored size, by records: together they are its size."""
    return f"""
SELECT w.source, w.object_id, w.account_id, w.region, w.hour, w.records, w.quiet, w.lost,
  CAST(round(v.size * w.upto / w.total) - round(v.size * (w.upto - w.records) / w.total) AS BIGINT) AS bytes,
  v.source IS NOT DISTINCT FROM w.source AS alone
FROM (
  SELECT p.*, sum(p.records) OVER (PARTITION BY p.object_id) AS total,
    {_UPTO} AS upto
  FROM ({pieces}) AS p
) AS w
LEFT JOIN evidence AS v ON v.object_id = w.object_id
"""


def _objects() -> Scan:
    return Scan("object_hour", {name: _shared(_counted(_rows(item, "{rows}"))) for name, item in sources().items()})


_REST = """
SELECT a.source, a.object_id, a.account_id, a.region, a.hour, CAST(sum(a.records) AS BIGINT) AS records,
  CAST(sum(a.quiet) AS BIGINT) AS quiet, CAST(sum(a.lost) AS BIGINT) AS lost
FROM (
  SELECT source, object_id, account_id, region, hour, records, quiet, lost
  FROM kept.object_hour
  UNION ALL
  SELECT source, object_id, account_id, region, hour, -records, -quiet, -lost
  FROM kept.copied_hour
) AS a
JOIN parted_object AS o ON o.object_id = a.object_id
GROUP BY a.source, a.object_id, a.account_id, a.region, a.hour
HAVING sum(a.records) > 0
"""

_COLUMNS = "source, account_id, region, hour, records, quiet, lost, bytes"

_WHOLE = f"CREATE OR REPLACE TEMP VIEW piece AS\nSELECT {_COLUMNS}\nFROM kept.object_hour"

_BOTH = f"""
{_WHOLE}
WHERE object_id NOT IN (SELECT object_id FROM parted_object)
UNION ALL
SELECT {_COLUMNS}
FROM parted_piece
"""


def find(con: duckdb.DuckDBPyConnection) -> None:
    """Make `piece`: records of `event` by object, hour and whose they are, with their bytes; needs `superseded`."""
    scanned.take(con, _objects())
    con.execute(_COPIED)
    copied = {row[0] for row in con.execute(_WITH_COPIES).fetchall()}
    for item in sources().values():
        if item.name in copied:
            _copies(con, item)
    con.execute(_PARTS)
    if con.execute("SELECT 1 FROM parted_object LIMIT 1").fetchall():
        con.execute(f"CREATE OR REPLACE TEMP TABLE parted_piece AS {_shared(_REST)}")
        con.execute(_BOTH)
    else:
        con.execute(_WHOLE)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Leave nothing that `find` made for a while."""
    con.execute("DROP VIEW temp.piece")
    for name in ("parted_object", "parted_piece"):
        con.execute(f"DROP TABLE IF EXISTS temp.{name}")


def _copies(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Bring `kept.copied_hour` up to date with `superseded`."""
    counted = _counted(_rows(source, _COPIES.format(source=source.name)))
    name = f"copied_hour {hashlib.sha256(counted.encode()).hexdigest()[:16]}"
    fresh = scanned.fresh(con, name, [source.name]).get(source.name)
    if fresh is None:
        return
    if fresh.whole:
        con.execute("DELETE FROM kept.copied_hour WHERE source = ?", [source.name])
    con.execute(_CHANGED, {"source": source.name})
    if con.execute("SELECT 1 FROM copied_object LIMIT 1").fetchall():
        con.execute(_OUTDATED, [source.name])
        con.execute(
            "INSERT INTO kept.copied_hour\n"
            f"SELECT c.*, o.copies\nFROM ({counted}) AS c\nJOIN copied_object AS o ON o.object_id = c.object_id"
        )
    con.execute("DROP TABLE temp.copied_object")


_COPIES = """(
  SELECT t.*
  FROM "{source}" AS t
  JOIN superseded AS x ON x.source = '{source}' AND x.copy_object_id = t.object_id AND x.copy_record = t.record
  JOIN copied_object AS o ON o.object_id = t.object_id
)"""
"""The further copies in objects of which their number has changed."""

_OUTDATED = """
DELETE FROM kept.copied_hour
WHERE source = ? AND object_id IN (SELECT object_id FROM copied_object)
"""
