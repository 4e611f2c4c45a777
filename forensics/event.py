"""The event view: every source's event map, side by side, copies and earlier versions left out."""

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


def create_view(con: duckdb.DuckDBPyConnection) -> None:
    """Make the view `event` over all source tables."""
    con.execute("CREATE OR REPLACE VIEW event AS\n" + "\nUNION ALL\n".join(select(item) for item in sources().values()))


def resolve_copies(con: duckdb.DuckDBPyConnection) -> None:
    """Find the rows that are further copies or earlier versions of one event; the first object's row stays.

    Only events whose id is among the rows that came since the last time are judged anew.
    """
    for item in sources().values():
        if item.event.unique and (fresh := scanned.fresh(con, "superseded", item.name)):
            if fresh.whole:
                con.execute("DELETE FROM superseded WHERE source = ?", [item.name])
            con.execute(_ranked(item, fresh))
            for statement in (_FORGET, _SUPERSEDED):
                con.execute(statement, [item.name])
            con.execute("DROP TABLE temp.ranked_copy")


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
