"""What a Sigma rule calls a field, as SQL over a source table: a column, or a path into a JSON column, lists included."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from forensics.source import Column, Source

LONGEST = 200
"""Characters that a field's name may have."""
DEEPEST = 20
"""Steps that a path into JSON may have."""

_NAME = re.compile(r"[^\x00-\x1f\x7f\"\\]+")
_LIST = re.compile(r"\{\}|\[\]|\[\*\]")


@dataclass(frozen=True)
class Field:
    """A field of a rule as SQL over a source table (alias `s`): text, or where `many` a list of texts; NULL if absent.

    `column` is the table's column that it is read from; "" where it is of several.
    """

    sql: str
    many: bool = False
    column: str = ""


def field(source: Source, name: str, declared: Mapping[str, str], lists: Collection[str] = ()) -> Field | None:
    """Where the table of a source has what a rule calls `name`; None where nowhere.

    `declared` are the logsource's own names, each with SQL over the table, of those in `lists` a list. Then come AWS's names of the columns, then
    paths into the JSON column of the longest name that the path begins with, then `unmapped`.
    """
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        return None
    if name in declared:
        return Field(declared[name], name in lists)
    path = _LIST.sub("", name)
    return _column(source, path) or _in_json(source, path)


def _column(source: Source, name: str) -> Field | None:
    own = {column.field: column for column in source.columns}
    folded = {key.lower(): column for key, column in own.items()}
    if found := own.get(name) or folded.get(name.lower()):
        if found.type == "JSON":
            return Field(_whole(f's."{found.name}"'), True, found.name)
        return Field(_text(found), column=found.name)
    kinds = dict(source.table_columns)
    if name in kinds:
        many = kinds[name].endswith("[]")
        return Field(f's."{name}"' if many else f'CAST(s."{name}" AS VARCHAR)', many, name)
    return None


def _text(column: Column) -> str:
    return f's."{column.name}"' if column.type == "VARCHAR" else f'CAST(s."{column.name}" AS VARCHAR)'


def _in_json(source: Source, path: str) -> Field | None:
    """A path below the JSON column whose name is the longest that it begins with; else below `unmapped`."""
    above = [item for item in source.columns if item.type == "JSON" and path.startswith(f"{item.field}.")]
    if above:
        nearest = max(above, key=lambda item: len(item.field))
        return _path(nearest.name, path[len(nearest.field) + 1 :])
    if "unmapped" in dict(source.table_columns):
        return _path("unmapped", path)
    return None


def _path(column: str, path: str) -> Field | None:
    steps = path.split(".")
    if not all(steps) or len(steps) > DEEPEST:
        return None
    value, text = f's."{column}"', f'CAST(s."{column}" AS VARCHAR)'
    name, dotted = literal(f'"{steps[-1]}"'), literal(f'"{path}"')
    around = f"WHEN contains({text}, {name}) AND contains({text}, '[') THEN {_through_lists(value, steps)}"
    if len(steps) > 1:
        whole = literal(f'$."{path}"')
        around = f"WHEN contains({text}, {dotted}) THEN [json_extract_string({value}, {whole})] {around}"
    return Field(f"coalesce({_straight(value, steps)}, CASE {around} END)", True, column)


def _at(steps: Sequence[str], after: str = "") -> str:
    """A JSON path as SQL."""
    return literal("$" + "".join(f'."{step}"' for step in steps) + after)


def _straight(value: str, steps: Sequence[str] = ()) -> str:
    """What lies at a path as a list: the elements of a list, else itself; NULL where it is null or absent."""
    one = f"json_extract_string({value}, {_at(steps)})"
    return (
        f"CASE WHEN json_type({value}, {_at(steps)}) = 'ARRAY' THEN json_extract_string({value}, {_at(steps, '[*]')})"
        f" WHEN {one} IS NOT NULL THEN [{one}] END"
    )


def _whole(value: str) -> str:
    """A JSON column as a list: the elements of a list, else its text; and that without the backslashes of texts in it."""
    text = f"CAST({value} AS VARCHAR)"
    both = f"""[{text}, replace({text}, '\\"', '"')]"""
    return (
        f"CASE WHEN json_type({value}) = 'OBJECT' AND contains({text}, '\\\"') THEN {both} ELSE {_straight(value)} END"
    )


def _through_lists(value: str, steps: Sequence[str]) -> str:
    """The values at a path on which lists lie: from the first list on, each element is followed."""
    lists = []
    for place in range(len(steps)):
        elements = f"json_extract({value}, {_at(steps[:place], '[*]')})"
        found = _below(elements, steps[place:])
        lists.append(f"WHEN json_type({value}, {_at(steps[:place])}) = 'ARRAY' THEN {found}")
    return f"CASE {' '.join(lists)} END"


def _below(level: str, steps: Sequence[str]) -> str:
    """Of a list of JSON values the texts at a path below each; NULL where there are none."""
    for place, step in enumerate(steps):
        take = "json_extract_string" if place == len(steps) - 1 else "json_extract"
        level = (
            f"flatten(list_transform({level}, lambda j: CASE json_type(j, {_at([step])}) WHEN 'ARRAY'"
            f" THEN {take}(j, {_at([step], '[*]')}) ELSE [{take}(j, {_at([step])})] END))"
        )
    return f"nullif(list_filter({level}, lambda v: v IS NOT NULL), [])"


def literal(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"
