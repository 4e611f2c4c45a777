"""What rules of before 2024 still say: collections by `action`, and counts in the condition (`selection | count() by x > 9`).

Sigma specification 1.0, "Rule Collections" and "Aggregation expression"; replaced by correlation rules since.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from forensics.detect.rules import RuleText

_COUNTED = re.compile(
    r"(?P<search>[^|]+)\|\s*(?P<function>\w+)\s*\((?P<field>[^()|]*)\)"
    r"(?:\s+by\s++(?P<by>[^|<>=]+))?\s*(?P<sign>>=|<=|==|=|>|<)\s*(?P<number>\d+(?:\.\d+)?)\s*"
)
_SIGNS = {"==": "="}
WHOLE = 1_000_000_000
"""Seconds of the span of a count without `timeframe`: longer than any case, as the old tools counted over all they searched."""


def collected(documents: Iterable[RuleText]) -> list[RuleText]:
    """The documents of a file, with what `action: global` says put into those after it, up to `action: reset`.

    `action: repeat` is the document before it with changes. What only says what others share is no rule of its own.
    """
    found: list[RuleText] = []
    shared: dict[str, Any] = {}
    for item in documents:
        content = dict(item.content or {})
        action = content.pop("action", None)
        if item.content is None or action not in (None, "global", "reset", "repeat"):
            found.append(item)
        elif action == "global":
            shared = merged(shared, content)
        elif action == "reset":
            shared = {}
        else:
            before = found[-1].content if action == "repeat" and found else shared
            found.append(replace(item, content=merged(before or {}, content)))
    return found


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Mappings into one, level by level; what the second says holds."""
    both = dict(first)
    for key, value in second.items():
        held = both.get(key)
        both[key] = merged(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return both


def counted(content: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """A rule without the count in its condition, and that count as a correlation says it; None where it has none.

    Raises ValueError for what no correlation says: `near`, `min`, `max`.
    """
    detection = content.get("detection")
    condition = detection.get("condition") if isinstance(detection, dict) else None
    if not isinstance(detection, dict) or not isinstance(condition, str) or "|" not in condition:
        return content, None
    found = _COUNTED.fullmatch(condition)
    kind = _kind(found["function"].lower(), bool(found["field"].strip())) if found else ""
    if not found or not kind:
        raise ValueError(f"'{condition.partition('|')[2].strip()}' of old Sigma: write a correlation rule instead")
    span = detection.get("timeframe") or content.get("timeframe")
    plain = {key: value for key, value in detection.items() if key != "timeframe"} | {"condition": found["search"]}
    correlation = {
        "type": kind,
        "group-by": [name.strip() for name in (found["by"] or "").split(",") if name.strip()],
        "timespan": span or f"{WHOLE}s",
        "sign": _SIGNS.get(found["sign"], found["sign"]),
        "number": float(found["number"]),
        "field": found["field"].strip(),
    }
    return content | {"detection": plain}, correlation


def _kind(function: str, of_field: bool) -> str:
    """The type of correlation that counts so; "" for none."""
    if function == "count":
        return "value_count" if of_field else "event_count"
    return {"sum": "value_sum", "avg": "value_avg"}.get(function, "") if of_field else ""
