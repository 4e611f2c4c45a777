"""A table's rows made anew where most stay the same: only those that differ are written, and looked up in its index."""

import duckdb


def replace(con: duckdb.DuckDBPyConnection, table: str, keys: tuple[str, ...], select: str) -> None:
    """Give a table of the case the rows of a SELECT of its columns, in order; `keys` are columns that tell rows apart."""
    if not con.execute(f"SELECT 1 FROM main.{table} LIMIT 1").fetchall():
        con.execute(f"INSERT INTO main.{table}\nSELECT * FROM ({select}) AS s\nORDER BY {', '.join(keys)}")
        return
    same = " AND ".join(f"gone.{key} = {table}.{key}" for key in keys)
    con.execute(f"CREATE OR REPLACE TEMP TABLE made_anew AS\n{select}")
    con.execute(f"""
DELETE FROM main.{table}
USING (
  SELECT * FROM main.{table}
  EXCEPT
  SELECT * FROM temp.made_anew
) AS gone
WHERE {same}
""")
    con.execute(f"""
INSERT INTO main.{table}
SELECT * FROM temp.made_anew
EXCEPT
SELECT * FROM main.{table}
""")
    con.execute("DROP TABLE temp.made_anew")
