"""Network interfaces and whose they are by their own marks: what made them, and what uses them."""

import duckdb


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `interface`; the caller owns the transaction."""
    for table in ("interface",):
        con.execute(f"DELETE FROM {table}")
