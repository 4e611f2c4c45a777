"""The event view: every source's event map, side by side, copies and earlier versions left out."""

import re

import duckdb

from forensics import scanned
from forensics.source import EVENT_COLUMNS, Source
from forensics.sources import sources

_FILLED = {"source", "object_id", "record"}


def select(source: Source) -> str:
    """The SELECT that reads one source's rows as events."""
    mapped = dict(source.event.columns)
    mapped.setdefault("event_id", "s.object_id || '/' || s.record")
    if source.identity:
        mapped.setdefault("principal", "i.principal")
        mapped.setdefault("session", "i.session")
    mapped |= {"source": f"'{source.name}'", "object_id": "s.object_id", "record": "s.record"}
    columns = ",\n  ".join(
        f"CAST({mapped.get(name, 'NULL')} AS {kind}) AS {name}" if name not in _FILLED else f"{mapped[name]} AS {name}"
        for name, kind in EVENT_COLUMNS.items()
    )
    return f"SELECT\n  {columns}\n{_from(source)}"


def _from(source: Source) -> str:
    joins = [f'FROM "{source.name}" AS s']
    if source.identity:
        joins.append("LEFT JOIN identity AS i ON i.identity_key = s.identity_key")
    if source.event.evidence:
        joins.append("LEFT JOIN evidence AS e ON e.object_id = s.object_id")
    if source.event.unique:
        joins.append(
            "WHERE NOT EXISTS (SELECT 1 FROM superseded AS x"
            f" WHERE x.source = '{source.name}' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)"
        )
    return "\n".join(joins)


_NO_EVENT = f"""
SELECT
  {", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in EVENT_COLUMNS.items())}
WHERE FALSE
"""

_GROWN = """
SELECT DISTINCT table_name
FROM duckdb_columns()
WHERE schema_name = 'stored'
  AND column_index > 2
"""


def create_view(con: duckdb.DuckDBPyConnection) -> None:
    """Make the view `event` over the source tables that hold anything: each of them costs every query its planning."""
    parts = [select(sources()[name]) for name in filled(con)]
    con.execute("CREATE OR REPLACE VIEW event AS\n" + "\nUNION ALL\n".join(parts or [_NO_EVENT]))


def filled(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The sources, sorted, that records were stored of, if only of records that say nothing."""
    grown = {str(row[0]) for row in con.execute(_GROWN).fetchall()}
    return [
        name for name in sources() if name in grown or con.execute(f'SELECT 1 FROM stored."{name}" LIMIT 1').fetchall()
    ]


_OWN_ID = re.compile(r"coalesce\(nullif\((s\.\w+), ''\), s\.object_id \|\| '/' \|\| s\.record\)")
"""An id of AWS's, and what stands for one that is not there."""


def places(ids: str, *, findings: bool = False) -> str:
    """SQL: the only places, `object_id` and `record`, where events can stand whose `event_id` that SELECT gives.

    An id that AWS did not make says where its record stands: no record of such sources has to be read to find it.
    `findings` says that the ids are of findings.
    """
    own = [
        item for item in sources().values() if "event_id" in item.event.columns and (item.event.finding or not findings)
    ]
    asked = [(item.name, _OWN_ID.sub(r"\1", item.event.columns["event_id"])) for item in own]
    return f"""
SELECT split_part(i.event_id, '/', 1) AS object_id, TRY_CAST(split_part(i.event_id, '/', 2) AS BIGINT) AS record
FROM ({ids}) AS i
WHERE TRY_CAST(split_part(i.event_id, '/', 2) AS BIGINT) IS NOT NULL""" + "".join(
        f"""
UNION ALL
SELECT s.object_id, s.record
FROM {name} AS s
WHERE {asked_id} IN ({ids})"""
        for name, asked_id in asked
    )


def at(place: str) -> str:
    """SQL: the conditions that an event stands at one of the places of a table, whose columns are never NULL.

    Each column is asked first: by one column DuckDB passes over the records whose texts it need not unpack.
    """
    return f"""object_id IN (SELECT object_id FROM {place})
  AND record IN (SELECT record FROM {place})
  AND (object_id, record) IN (SELECT object_id, record FROM {place})"""


def about(name: str) -> str:
    """SQL: the places of the events whose `resources` hold that; where lists are dear, of those that can alone."""
    dear = [item for item in sources().values() if item.event.named_by]
    named = ", ".join(f"'{item.name}'" for item in dear)
    rest = "".join(
        f"""
UNION ALL
SELECT s.object_id, s.record
FROM {item.name} AS s
WHERE ({" OR ".join(f"s.{column} = {name}" for column in item.event.named_by)})
  AND list_contains({item.event.columns["resources"]}, {name})"""
        for item in dear
    )
    return f"""
SELECT e.object_id, e.record
FROM event AS e
WHERE e.source NOT IN ({named})
  AND list_contains(e.resources, {name}){rest}"""


def resolve_copies(con: duckdb.DuckDBPyConnection) -> None:
    """Find the rows that are further copies or earlier versions of one event; the first object's row stays.

    Only events whose id is among the rows that came since the last time are judged anew.
    """
    con.execute(_GONE)
    unique = [item.name for item in sources().values() if item.event.unique]
    for name, fresh in scanned.fresh(con, "superseded", unique).items():
        if fresh.whole:
            con.execute("DELETE FROM superseded WHERE source = ?", [name])
        con.execute(_ranked(sources()[name], fresh))
        for statement in (_FORGET, _SUPERSEDED):
            con.execute(statement, [name])
        con.execute("DROP TABLE temp.ranked_copy")


_GONE = """
DELETE FROM superseded
WHERE source NOT IN (SELECT source FROM kept.scan WHERE name = 'superseded')
"""
"""Of a source that lost rows all are judged anew, if it has any left."""

_FORGET = """
DELETE FROM superseded
USING ranked_copy AS r
WHERE superseded.source = ? AND superseded.copy_object_id = r.object_id AND superseded.copy_record = r.record
"""

_SUPERSEDED = """
INSERT INTO superseded
SELECT ?, object_id, record
FROM ranked_copy
WHERE place > 1
"""


def _ranked(source: Source, fresh: scanned.Fresh) -> str:
    """The table `ranked_copy`: the records of each event that has several and is in those rows; the first is the event."""
    event_id = source.event.columns["event_id"]
    same = "".join(f", {expression}" for expression in source.event.same)
    among = f"""
  JOIN (SELECT DISTINCT {event_id} AS event_id FROM {fresh.rows} AS s) AS n ON n.event_id = {event_id}"""
    return f"""
CREATE OR REPLACE TEMP TABLE ranked_copy AS
WITH repeated AS (
  SELECT {event_id} AS event_id
  FROM "{source.name}" AS s{"" if fresh.whole else among}
  GROUP BY {event_id}
  HAVING count(*) > 1
)
SELECT s.object_id, s.record,
  row_number() OVER (
    PARTITION BY r.event_id{same} ORDER BY {source.event.version} DESC NULLS LAST, s.object_id, s.record) AS place
FROM "{source.name}" AS s
JOIN repeated AS r ON r.event_id = {event_id}
"""
