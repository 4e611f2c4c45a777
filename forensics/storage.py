"""How source tables lie in the file: a table of the columns that ever had a value, under a view of all columns.

A column that is always NULL still costs DuckDB 20 ns a row to append: for flow logs, whose format has 54 fields of
which a flow log chooses some, a third of the time. So the schema `stored` has a table per source that grows a column
when the first value for it comes, and the view of the same name in `main` shows every column of the source.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from forensics.source import Source

_COLUMNS = "SELECT column_name FROM duckdb_columns() WHERE schema_name = 'stored' AND table_name = ?"
_SHOWN = """
SELECT table_name, list(column_name || ' ' || data_type ORDER BY column_index)
FROM duckdb_columns()
WHERE schema_name = 'main'
GROUP BY table_name
"""


def prepare(con: duckdb.DuckDBPyConnection, sources: Iterable[Source]) -> None:
    """Make the tables and views of sources, where they are not there yet or show other columns."""
    con.execute("CREATE SCHEMA IF NOT EXISTS stored")
    shown = {str(name): list(columns) for name, columns in con.execute(_SHOWN).fetchall()}
    lacking = [
        item for item in sources if shown.get(item.name) != [f"{name} {kind}" for name, kind in item.table_columns]
    ]
    for source in lacking:
        con.execute(f'CREATE TABLE IF NOT EXISTS stored."{source.name}" (object_id VARCHAR, record BIGINT)')
        show(con, source)


def present(con: duckdb.DuckDBPyConnection, source: Source) -> set[str]:
    """The columns that the stored table has."""
    return {str(row[0]) for row in con.execute(_COLUMNS, [source.name]).fetchall()}


def grow(con: duckdb.DuckDBPyConnection, source: Source, names: Iterable[str]) -> None:
    """Give the stored table those columns too, and show them; of a source that had none, as events too."""
    from forensics import event

    before = present(con, source)
    missing = set(names) - before
    for name, kind in source.table_columns:
        if name in missing:
            con.execute(f'ALTER TABLE stored."{source.name}" ADD COLUMN "{name}" {kind}{source.compression(name)}')
    if missing:
        show(con, source)
    if missing and before <= {"object_id", "record"}:
        event.create_view(con)


def shown(con: duckdb.DuckDBPyConnection, source: Source) -> str:
    """SQL: every column of the source, of the columns that the stored table has."""
    there = present(con, source)
    return ",\n  ".join(
        f'"{name}"' if name in there else f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in source.table_columns
    )


def show(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Make the view of all columns."""
    con.execute(
        f'CREATE OR REPLACE VIEW "{source.name}" AS\nSELECT\n  {shown(con, source)}\nFROM stored."{source.name}"'
    )
    if said := comments(source):
        con.execute(said)


def comments(source: Source) -> str:
    """Statements that say in the database what the table and each column holds: a view made anew has no comments."""
    table = f'COMMENT ON VIEW "{source.name}" IS {_quoted(f"{source.title} (AWS: {source.reference})")}'
    said = [
        f'COMMENT ON COLUMN "{source.name}"."{name}" IS {_quoted(doc)}'
        for name, doc in source.documented.items()
        if doc
    ]
    return ";\n".join([table, *said])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
