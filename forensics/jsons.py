"""JSON texts that stand inside records: read and written fast, and read even where only Python's own parser can."""

import json
from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def parsed(text: str, otherwise: Any = None) -> Any:
    """The value of a JSON text; `otherwise` for a text that is none."""
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return otherwise


def written(value: Any) -> str:
    """A value that came from JSON as JSON text."""
    try:
        return _encode(value).decode()
    except (UnicodeEncodeError, ValueError, RecursionError, OverflowError):
        return json.dumps(value)
