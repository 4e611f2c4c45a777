"""Values of log records as text and as HTML: escaped, control characters shown, long text folded."""

import math
import re
import sys
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any

from forensics.views.labels import visible

FOLD = 140
"""Characters, and `FOLD_LINES` lines, from which a cell is folded."""
FOLD_LINES = 4
LONGEST = 4000
"""Characters of a folded cell at most; the rest is counted."""

_GROUPED = 100_000
_MONOSPACE = re.compile(
    r"(^|_)(id|ids|ip|arn|key|uri|sha256|principal|session|workload|resources?|holds|record|path|address|action)$"
)


def is_monospace(column: str) -> bool:
    """Whether a column of that name holds ids, addresses or other text that is compared letter by letter."""
    return bool(_MONOSPACE.search(column.lower()))


def is_missing(value: Any) -> bool:
    """Whether the value is NULL, in any of the ways pandas has for it."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    pandas = sys.modules.get("pandas")  # where it was not imported, nothing can be one of its values
    return pandas is not None and (value is pandas.NaT or value is pandas.NA)


def is_number(value: Any) -> bool:
    """Whether the value belongs on the right of its column."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def cell_text(value: Any) -> str:
    """A value as plain text: NULL is a dash, a list one item a line, numbers from 100,000 are grouped."""
    if is_missing(value):
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds" if value.microsecond else "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if is_number(value):
        return _number(value)
    if isinstance(value, list | tuple) or hasattr(value, "tolist"):
        return "\n".join(cell_text(item) for item in value)
    return visible(value, keep="\n")


def _number(value: Any) -> str:
    if value != int(value) if math.isfinite(value) else True:
        return f"{value:g}" if isinstance(value, float) else str(value)
    return f"{int(value):,}" if abs(value) >= _GROUPED else str(int(value))


def cell_html(value: Any) -> str:
    """A value as HTML: the text of `cell_text` escaped, folded behind its beginning when long."""
    if is_missing(value):
        return '<span class="fx-none">–</span>'
    text = cell_text(value)
    if len(text) <= FOLD and text.count("\n") < FOLD_LINES:
        return escape(text)
    return folded(text)


def folded(text: str) -> str:
    """The beginning of a long text, which opens to the rest. `text` has no control characters any more."""
    start = " ".join(text[: FOLD - 20].split())
    rest = len(text) - LONGEST
    more = f'<span class="fx-none"> … {rest:,} more characters</span>' if rest > 0 else ""
    return f"<details><summary>{escape(start)}…</summary>{escape(text[:LONGEST])}{more}</details>"
