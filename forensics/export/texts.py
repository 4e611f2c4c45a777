"""Values of events as text: SQL that writes times and lists, and what makes texts harmless, batch by batch."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from forensics.source import EVENT_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

HIDDEN = r"\x{061c}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2069}\x{feff}"
"""Directions and marks that no one sees, as RE2 writes them; what acts on a terminal comes before: see `HIDDEN_CSV`."""
HIDDEN_JSON = rf"[\x7f-\x{{9f}}{HIDDEN}]"
"""Characters that JSON text may hold but that act on who looks at it; those below 0x20 JSON escapes by itself."""
UNSAFE_CSV = (
    rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{{9f}}{HIDDEN}]|\A[=+\-@\t\r\n\x{{ff1d}}\x{{ff0b}}\x{{ff0d}}\x{{ff20}}]"
)
"""Texts that `spreadsheet_text` may change."""

TIME = "strftime({}, '%Y-%m-%dT%H:%M:%S.%fZ')"

_JSON_HIDDEN = re.compile(r"[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def as_text(name: str) -> str:
    """The SQL of a column of `event` as CSV has it: times ISO 8601 with Z, lists as JSON."""
    kind = EVENT_COLUMNS[name]
    if kind == "TIMESTAMP":
        return TIME.format(name)
    return f"CASE WHEN {name} IS NOT NULL THEN CAST(to_json({name}) AS VARCHAR) END" if kind == "VARCHAR[]" else name


def as_json(name: str) -> str:
    """The SQL of a column of `event` as a member of JSON: a number that JSON has no word for is text."""
    kind = EVENT_COLUMNS[name]
    if kind == "TIMESTAMP":
        return TIME.format(name)
    if kind == "DOUBLE":
        return f"CASE WHEN isfinite({name}) THEN to_json({name}) ELSE to_json(CAST({name} AS VARCHAR)) END"
    return name


def changed(column: pa.Array, unsafe: str, change: Callable[[str], str]) -> tuple[pa.Array, Sequence[tuple[str, str]]]:
    """The column in which texts that match `unsafe` are changed; and those that were: (before, after)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    matched = pc.fill_null(pc.match_substring_regex(column, unsafe), False)
    if not pc.any(matched).as_py():
        return column, ()
    before = column.filter(matched).to_pylist()
    after = [change(text) for text in before]
    made = pc.replace_with_mask(column, matched, pa.array(after, column.type))
    return made, [(old, new) for old, new in zip(before, after, strict=True) if old != new]


def json_escaped(line: str) -> str:
    """A line of JSON that means the same, in which nothing acts on a terminal."""
    return _JSON_HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", line)
