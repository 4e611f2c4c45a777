"""Rows as Presto writes them in CSV: `{type=AssumedRole, sessioncontext={attributes={…}}}`, without quotes."""

from __future__ import annotations

import re
from typing import Any

_KEY_BEGINS = re.compile(r"\s*([A-Za-z_]\w*)=")
_VALUE_ENDS = re.compile(r", [A-Za-z_]\w*=|\}|, (?=[A-Za-z_]\w*=\{)")
_DEEPEST = 8


def parse_row(text: str) -> dict[str, Any] | None:
    """The members of a row, `null` as None; None for a text that is no row as a whole.

    A value ends before `, NAME=` or `}`: of a text that holds such itself only its beginning is in the value, and a row
    that names a member twice is none.
    """
    found = _row(text, 0, _DEEPEST)
    return found[0] if found and not text[found[1] :].strip() else None


def _row(text: str, begin: int, depth: int) -> tuple[dict[str, Any], int] | None:
    if text[begin : begin + 1] != "{" or not depth:
        return None
    members: dict[str, Any] = {}
    place = begin + 1
    while text[place : place + 1] != "}":
        key = _KEY_BEGINS.match(text, place)
        if key is None or key[1] in members:
            return None
        place = key.end()
        if text[place : place + 1] == "{":
            inner = _row(text, place, depth - 1)
            if inner is None:
                return None
            members[key[1]], place = inner
        else:
            end = _VALUE_ENDS.search(text, place)
            if end is None:
                return None
            value = text[place : end.start()]
            members[key[1]] = None if value == "null" else value
            place = end.start()
        if text[place : place + 1] == ",":
            place += 1
    return members, place + 1


_RESOURCE = re.compile(r"\{accountid=([^,{}]*), type=([^,{}]*), arn=(.*?)\}(?:, (?=\{accountid=)|\]$)", re.DOTALL)


def parse_resources(text: str) -> list[dict[str, str]] | None:
    """The rows of a `resources` column; None for a text that is no such list as a whole."""
    found: list[dict[str, str]] = []
    place = 1
    while text[:1] == "[" and (row := _RESOURCE.match(text, place)):
        held = zip(("accountId", "type", "ARN"), row.groups(), strict=True)
        found.append({name: value for name, value in held if value not in ("", "null")})
        place = row.end()
    return found if found and place == len(text) else None
