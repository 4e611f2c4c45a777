"""The event view: every source's event map, side by side, copies and earlier versions left out."""

import duckdb

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
    """Find the rows that are further copies or earlier versions of one event; the first object's row stays."""
    con.execute("DELETE FROM superseded")
    for item in sources().values():
        if item.event.unique:
            con.execute(_copies(item))


def _copies(source: Source) -> str:
    event_id = source.event.columns["event_id"]
    same = "".join(f", {expression}" for expression in source.event.same)
    return f"""
INSERT INTO superseded
WITH repeated AS (
  SELECT {event_id} AS event_id
  FROM "{source.name}" AS s
  GROUP BY {event_id}
  HAVING count(*) > 1
), ranked AS (
  SELECT s.object_id, s.record,
    row_number() OVER (
      PARTITION BY r.event_id{same} ORDER BY {source.event.version} DESC NULLS LAST, s.object_id, s.record) AS place
  FROM "{source.name}" AS s
  JOIN repeated AS r ON r.event_id = {event_id}
)
SELECT '{source.name}', object_id, record
FROM ranked
WHERE place > 1
"""
