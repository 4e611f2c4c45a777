"""Log text made safe to draw: control characters shown, plotly's markup escaped, length limited."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"})
_PICTURES = 0x2400

LISTED = 200
"""Values of a bound list that are written out."""


def visible(text: object, *, keep: str = "") -> str:
    r"""The text with control, direction and zero-width characters written out; those in `keep` stay.

    C0 controls become control pictures (ESC is `␛`), the others their escape (`\u202e`).
    """
    return _UNSEEN.sub(lambda found: found[0] if found[0] in keep else _shown(found[0]), str(text))


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return "␡"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"


def shorten(text: str, length: int) -> str:
    """At most `length` characters, the middle left out: an ARN is told apart by both of its ends."""
    if len(text) <= length:
        return text
    tail = length // 2
    return f"{text[: length - tail - 1]}…{text[-tail:]}"


def label(text: object, length: int = 90) -> str:
    """Text as a plotly label shows it literally; None is a dash. `$` is escaped too: it would start TeX."""
    return "–" if text is None else shorten(visible(text), length).translate(_MARKUP)


def ends(event_ids: Iterable[str | None]) -> list[str]:
    """Ids of a first and a last event as a click gives them: each once, those there are."""
    return list(dict.fromkeys(label(event_id) for event_id in event_ids if event_id))


def moment(time: datetime | None) -> str:
    """A time as `2026-03-01 09:12:31`, with milliseconds if it has a fraction; None is a dash."""
    return "–" if time is None else time.isoformat(sep=" ", timespec="milliseconds" if time.microsecond else "seconds")


def count_of(number: int, noun: str, plural: str = "") -> str:
    """`1 event`, `1,200 events`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(octets: float) -> str:
    """Bytes in decimal units: `1.2 MB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(octets) < 1000 or unit == "TB":
            break
        octets /= 1000
    return f"{octets:,.0f} {unit}" if unit == "B" else f"{octets:,.1f} {unit}"


def params_text(params: Sequence[Any] | Mapping[str, Any]) -> tuple[str, ...]:
    """Bound values as text, in their order; of a long list the first `LISTED` and the number of the others."""
    if isinstance(params, Mapping):
        return tuple(f"{name} = {_param(value)}" for name, value in params.items())
    return tuple(_param(value) for value in params)


def _param(value: Any) -> str:
    if isinstance(value, list | tuple):
        more = f", … {len(value) - LISTED:,} more" if len(value) > LISTED else ""
        return f"[{', '.join(map(_param, value[:LISTED]))}{more}]"
    return visible(repr(value) if isinstance(value, str) else value)
