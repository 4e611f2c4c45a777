"""CloudTrail files into the very columns of our table by plain DuckDB SQL: the baseline that does the same work."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from forensics.source import Source
from forensics.sources import sources

UNUSED = frozenset(
    (
        *("api_version", "service_event_details", "shared_event_id", "vpc_endpoint_account_id", "addendum"),
        *("session_credential_from_console", "event_context", "edge_device_details", "unmapped"),
        *("user_identity_user_name", "user_identity_invoked_by", "user_identity_identity_provider"),
        *("on_behalf_of_user_id", "on_behalf_of_identity_store_arn", "credentials_issued_to"),
        *("session_source_identity", "session_ec2_role_delivery", "session_assumed_root"),
    )
)
"""Columns that no made-up event has a value for: our table grows none of them, so this one lacks them too."""

_OBJECT = """
CREATE TEMP TABLE object AS
SELECT filename, substr(sha256(content), 1, 16) AS object_id
FROM read_blob(?)"""

Shape = dict[str, Any]


def fill(database: Path, files: list[str], longest: int) -> int:
    """Read the files into the table and return the number of rows; `longest` is the length of the longest text."""
    source = sources()["cloudtrail"]
    with duckdb.connect(str(database)) as con:
        con.execute("SET preserve_insertion_order = false")
        con.execute(f"CREATE TABLE cloudtrail ({_declared(source)})")
        con.execute(_OBJECT, [files])
        con.execute(_insert(source, longest), [files])
        return int(con.execute("SELECT count(*) FROM cloudtrail").fetchall()[0][0])


def stored(source: Source) -> list[tuple[str, str]]:
    """Name and type of the columns that made-up events fill."""
    return [(name, kind) for name, kind in source.table_columns if name not in UNUSED]


def _declared(source: Source) -> str:
    return ", ".join(f'"{name}" {kind}{source.compression(name)}' for name, kind in stored(source))


def _insert(source: Source, longest: int) -> str:
    """Records by `from_json` in their types, members with columns inside by a second one; then what is derived."""
    derived = {name: sql for name, _, sql in source.derived}
    key = source.identity.key if source.identity else "NULL"
    made = derived | {"identity_key": key}
    columns = ", ".join(f"{made.get(name, f's.{name}')} AS {name}" for name, _ in stored(source))
    top, nested = _shapes(source)
    inside = ", ".join(f"from_json(r.\"{first}\", '{json.dumps(shape)}') AS {first}" for first, shape in nested.items())
    return f"""
INSERT INTO cloudtrail
SELECT {columns}
FROM (
  SELECT o.object_id, t.record, {", ".join(_fields(source))}
  FROM (
    SELECT filename, record, r, {inside}
    FROM (
      SELECT filename, unnest(records) AS r, generate_subscripts(records, 1) - 1 AS record
      FROM (
        SELECT filename, from_json(json->'Records', '{json.dumps([top])}') AS records
        FROM read_json_objects(?, format = 'unstructured', filename = true, maximum_object_size = {longest})
      )
    )
  ) AS t
  JOIN object AS o ON o.filename = t.filename
) AS s"""


def _shapes(source: Source) -> tuple[Shape, dict[str, Shape]]:
    """What `from_json` is told of a record, and of its members with columns inside."""
    top: Shape = {}
    nested: dict[str, Shape] = {}
    for column in _filled(source):
        first, *rest = column.field.split(".")
        if not rest:
            top[first] = column.type
            continue
        top.setdefault(first, "JSON")
        inner = nested.setdefault(first, {})
        for step in rest[:-1]:
            inner = inner.setdefault(step, {})
        inner[rest[-1]] = column.type
    return top, nested


def _fields(source: Source) -> Iterable[str]:
    """Every column of ours, those of no made-up event as NULL: what is derived may ask for them."""
    filled = {column.name for column in _filled(source)}
    for column in source.columns:
        first, *rest = column.field.split(".")
        path = f"t.{first}.{'.'.join(rest)}" if rest else f't.r."{first}"'
        yield f"{path if column.name in filled else f'CAST(NULL AS {column.type})'} AS {column.name}"


def _filled(source: Source) -> list[Any]:
    return [column for column in source.columns if column.name not in UNUSED]
