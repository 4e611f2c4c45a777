"""Records of different sources that carry the id of one request."""

import duckdb


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `request_link`; needs `workload` and `invocation`."""
    for table in ("request_link",):
        con.execute(f"DELETE FROM {table}")
