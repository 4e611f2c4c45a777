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


def prepare(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Make the table and the view of a source, where they are not there yet or show fewer columns."""
    con.execute("CREATE SCHEMA IF NOT EXISTS stored")
    con.execute(f'CREATE TABLE IF NOT EXISTS stored."{source.name}" (object_id VARCHAR, record BIGINT)')
    show(con, source)


def present(con: duckdb.DuckDBPyConnection, source: Source) -> set[str]:
    """The columns that the stored table has."""
    return {str(row[0]) for row in con.execute(_COLUMNS, [source.name]).fetchall()}


def grow(con: duckdb.DuckDBPyConnection, source: Source, names: Iterable[str]) -> None:
    """Give the stored table those columns too, and show them."""
    missing = set(names) - present(con, source)
    for name, kind in source.table_columns:
        if name in missing:
            con.execute(f'ALTER TABLE stored."{source.name}" ADD COLUMN "{name}" {kind}{source.compression(name)}')
    if missing:
        show(con, source)


def show(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Make the view of all columns."""
    there = present(con, source)
    columns = ",\n  ".join(
        f'"{name}"' if name in there else f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in source.table_columns
    )
    con.execute(f'CREATE OR REPLACE VIEW "{source.name}" AS\nSELECT\n  {columns}\nFROM stored."{source.name}"')
