"""What a rule may ask at most, told before it is converted; and values as YAML has them, made what Sigma knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

MOST_VALUES = 20_000
"""Values that a rule may compare with, each counted as often as the condition names it."""
MOST_RULES = 40
"""Rules that a correlation may refer to."""


def plain(value: Any) -> Any:
    """A detection with dates as the texts they were written as, and `utf16le`, which pySigma knows as `wide`."""
    if isinstance(value, dict):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, date) else value


def _key(key: Any) -> Any:
    return re.sub(r"\|utf16le(?=\||$)", "|wide", key) if isinstance(key, str) else key


def values(detection: dict[str, Any]) -> int:
    """How many values a detection compares with, those of a selection as often as its conditions name it."""
    sizes = {str(name): _size(item) for name, item in detection.items() if name not in ("condition", "timeframe")}
    conditions = detection.get("condition")
    return sum(
        sizes.get(word, 0) or sum(size for name, size in sizes.items() if fnmatchcase(name, word))
        for condition in (conditions if isinstance(conditions, list) else [conditions])
        for word in _words(str(condition))
    )


def _words(condition: str) -> Iterator[str]:
    for found in re.finditer(r"[^\s()|]+", condition):
        yield "*" if found[0] == "them" else found[0]


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 1
