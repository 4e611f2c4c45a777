"""Rows of an OCSF export held against the schema as its makers publish it, and against Prowler's models of findings."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema
import pyarrow.parquet as pq
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from py_ocsf_models.events.findings.detection_finding import DetectionFinding

from forensics.export.ocsf import VERSION

Row = dict[str, Any]


@cache
def published() -> OcsfJsonSchemaEmbedded:
    """The schema of the version that exports are of."""
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))


@cache
def validator(uid: int, profiles: tuple[str, ...]) -> Callable[[Row], Row]:
    """What refuses a row that is not of the class: its JSON Schema, compiled."""
    name = published().lookup_class_name_from_uid(uid)
    formats: dict[str, Callable[[str], bool]] = {}
    schema = _by_format(published().get_class_schema(name, list(profiles)), formats)
    made: Callable[[Row], Row] = fastjsonschema.compile(schema, formats=formats)
    return made


def _by_format(schema: Any, formats: dict[str, Callable[[str], bool]]) -> Any:
    """The schema with its patterns as formats: the compiler alters patterns, and some do not survive it."""
    if isinstance(schema, list):
        return [_by_format(item, formats) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _by_format(item, formats) for name, item in schema.items()}
    if isinstance(pattern := made.pop("pattern", None), str):
        made["format"] = f"pattern-{len(formats)}"
        formats[made["format"]] = re.compile(pattern).search  # type: ignore[assignment]
    return made


def rows(path: Path) -> Iterator[Row]:
    """The rows of a Parquet file as OCSF's JSON: members that are NULL are not there, times are RFC 3339."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield from map(_present, batch.to_pylist())


def refusals(path: Path) -> list[str]:
    """What the schema, or Prowler's model of a finding, refuses of a file's rows."""
    found = []
    for row in rows(path):
        try:
            validator(row["class_uid"], tuple(row["metadata"]["profiles"]))(row)
            assert row["type_uid"] == row["class_uid"] * 100 + row["activity_id"]
            if row["class_uid"] == 2004:
                DetectionFinding(**row)
        except (fastjsonschema.JsonSchemaException, AssertionError, ValueError) as error:
            found.append(f"{row['metadata']['uid']}: {error}")
    return found


def _present(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _present(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_present(item) for item in value]
    return value.isoformat() + "Z" if isinstance(value, datetime) else value
