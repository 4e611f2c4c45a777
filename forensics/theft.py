"""The stolen credential test: each workload credential at each place it was used from, and what speaks for and against."""

import duckdb


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `credential_use` and `credential_use_reason`; needs `attribution`."""
    for table in ("credential_use", "credential_use_reason"):
        con.execute(f"DELETE FROM {table}")
