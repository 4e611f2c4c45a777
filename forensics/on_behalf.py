"""Calls that services made for a principal, each linked with the call that caused it."""

import duckdb


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `on_behalf`; needs `identity` and `credential`."""
    for table in ("on_behalf",):
        con.execute(f"DELETE FROM {table}")
