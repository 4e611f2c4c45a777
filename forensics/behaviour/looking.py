"""Running behaviours over a case: what each could look at, what it found, what kept it from looking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from forensics.behaviour.behaviour import COLUMNS, Behaviour
from forensics.behaviour.fragments import AGENT, HABIT
from forensics.behaviour.report import Hit, Looked, Report
from forensics.sources import source
from forensics.theft_place import ADDRESS

if TYPE_CHECKING:
    import duckdb

    from forensics.case import Case
    from forensics.geography import Geography, Place

HITS = 1000
"""Hits kept of one behaviour, the most severe; the count is of all."""

ADDRESSES = 100_000
"""Addresses whose place is asked for: those with the most calls."""

_KNOWN_PLACE = """
CREATE OR REPLACE TEMP TABLE known_place (
  address VARCHAR, latitude DOUBLE, longitude DOUBLE, place VARCHAR, of_aws BOOLEAN, network VARCHAR
)
"""

_ADDRESSES = f"""
SELECT source_ip
FROM event
WHERE source = 'cloudtrail'
  AND regexp_matches(source_ip, '{ADDRESS}')
GROUP BY source_ip
ORDER BY count(*) DESC, source_ip
LIMIT {ADDRESSES}
"""

_HELD = """
WITH hour AS (
  SELECT account_id, hour, max(CASE WHEN status IN ('present', 'silent') THEN 1 ELSE 0 END) AS held,
    max(CASE WHEN status IN ('missing', 'tampered', 'switched_off') THEN 1 ELSE 0 END) AS lost
  FROM coverage
  WHERE source = $source
  GROUP BY account_id, hour
), account AS (
  SELECT account_id, sum(held) AS held, sum(lost) AS lost
  FROM hour
  GROUP BY account_id
)
SELECT coalesce(max(held), 0) AS held, coalesce(sum(lost), 0) AS lost
FROM account
"""


def look(case: Case, chosen: Sequence[Behaviour], geography: Geography | None = None) -> Report:
    """Run each behaviour's statement on the case's own connection. Raises QueryError."""
    con = case.connection
    _tell_places(con, geography)
    shared = sum(HABIT in item.sql for item in chosen) > 1 and _has_records(con, "cloudtrail")
    try:
        if shared:
            con.execute(_AGENT)
            con.execute(_HABIT)
        looked = tuple(_look(con, item, geography, _without(item.sql) if shared else item.sql) for item in chosen)
    finally:
        for table in ("known_place", "agent", "habit"):
            con.execute(f"DROP TABLE IF EXISTS temp.{table}")
    return Report(looked)


_AGENT = f"CREATE OR REPLACE TEMP TABLE agent AS WITH {AGENT} SELECT user_agent, client FROM agent"

_HABIT = f"""
CREATE OR REPLACE TEMP TABLE habit AS
WITH {HABIT}
SELECT principal, account_id, action, address, region, client, first, last, calls
FROM habit
"""
"""What several statements begin with is worked out once for all of them."""


def _without(sql: str) -> str:
    """A statement that finds `agent` and `habit` as tables, where it has them as parts of its own."""
    return sql.replace(f", {HABIT}", "").replace(f", {AGENT}", "")


def _look(con: duckdb.DuckDBPyConnection, item: Behaviour, geography: Geography | None, sql: str) -> Looked:
    absent = [name for name in item.sources if not _has_records(con, name)]
    instead = [name for name in item.instead if _has_records(con, name)] if absent else []
    if absent and not instead:
        return Looked(item, "no records", f"the case holds no records of {', '.join([*absent, *item.instead])}")
    logs = instead[0] if absent else item.sources[0]
    held, lost = con.execute(_HELD, {"source": logs}).fetchall()[0]
    if held <= item.past:
        need = f"a hit needs {item.past:g} hours before it"
        return Looked(item, "not enough past", f"{_hours(held)} of {logs} held; {need}")
    hits, count = _hits(con, item, sql)
    doubts = "; ".join(_doubts(item, logs, lost, geography))
    return Looked(item, "found" if hits else "nothing found", doubts, hits, count)


def _doubts(item: Behaviour, logs: str, lost: int, geography: Geography | None) -> Iterator[str]:
    if lost:
        yield f"{_hours(lost)} of {logs} not in the logs: what was then is not known"
    if "known_place" in item.sql and not (geography and geography.files):
        yield "no file says where addresses are, or whose (--geoip): judged by the addresses alone"


def _hours(number: int) -> str:
    return f"{number} hour{'' if number == 1 else 's'}"


def _has_records(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    return bool(con.execute(f'SELECT 1 FROM "{source(name).name}" LIMIT 1').fetchall())


def _hits(con: duckdb.DuckDBPyConnection, item: Behaviour, statement: str) -> tuple[tuple[Hit, ...], int]:
    sql = f"""
SELECT {", ".join(f"f.{name}" for name in COLUMNS)}, count(*) OVER () AS hits
FROM ({statement}) AS f
ORDER BY f.severity DESC, f.time, f.title
LIMIT {HITS}
"""
    rows = con.execute(sql, dict(item.values)).fetchall()
    return tuple(_hit(item, row[:-1]) for row in rows), int(rows[0][-1]) if rows else 0


def _hit(item: Behaviour, row: Sequence[Any]) -> Hit:
    named = dict(zip(COLUMNS, row, strict=True))
    lists = {name: tuple(named[name] or ()) for name in ("resources", "reasons", "evidence_event_ids")}
    return Hit(behaviour=item.name, type=item.type, **named | lists)


def _tell_places(con: duckdb.DuckDBPyConnection, geography: Geography | None) -> None:
    con.execute(_KNOWN_PLACE)
    if not geography or not geography.files:
        return
    import pyarrow as pa

    addresses = [str(row[0]) for row in con.execute(_ADDRESSES).fetchall()]
    rows = [_place_row(address, geography.place(address)) for address in addresses]
    if rows:
        columns = ("address", "latitude", "longitude", "place", "of_aws", "network")
        con.register("told_place", pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))))
        con.execute(
            "INSERT INTO known_place SELECT address, latitude, longitude, place, of_aws, network FROM told_place"
        )
        con.unregister("told_place")


def _place_row(address: str, place: Place) -> list[Any]:
    named = ", ".join(part for part in (place.city, place.country) if part) or address
    return [address, place.latitude, place.longitude, named, bool(place.aws), place.network or None]
