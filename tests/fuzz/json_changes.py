"""JSON changed as JSON: a value of another type, a key twice, a value nested, moved, taken out or made text."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

_SITES = 20_000
"""Values of one document among which the changed ones are chosen."""


_LONGEST = 4 << 20
"""Bytes of a changed text: changes to what was changed multiply."""


class Raw(str):
    """Text that stands in JSON as it is."""


class Pairs(list):
    """An object as a list of [key, value], so that keys may repeat."""


Site = tuple[list, int, int | None]
"""A list, a place in it, and for a member of an object 1: where its value is."""

ODD: tuple[Any, ...] = (
    *map(Raw, ("1e999", "-1e999", "9" * 400, "0." + "0" * 400 + "1", "-0", "NaN", "-9223372036854775809", "1" * 20)),
    *(1.5, 2**31, 2**63, True, False, None, 0, -1, "", " ", "-", "null", "{}", "[", "-1", "1e5", "0x10", "NODATA"),
    *("\0", "a\0b", "\ud800", "\udc80", "\U0001f600", "\u202egnp", "\x1b[2J\x1b]0;t\x07", "a" * 70_000, '"' * 300),
    *([], {}, [[]], [None], {"": ""}, {"a": {"a": 1}}, [1, "a", None, {}], [{"a": 1}, {"a": []}]),
    *("2026-11-05T09:10:00Z", "0000-00-00T00:00:00Z", "99999-01-01T00:00:00Z", "2026-02-30", "1793869200", "١٢٣"),
    *(
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        253402300799,
        253402300799999,
        -62135596800,
    ),
    *("'; DROP TABLE event; --", "%s{0}{{1}}", "<script>alert(1)</script>", "arn:aws:iam::", "::", "10.0.0.0.1", "/"),
)
KEYS = ("", "\0", "\ud800", 'a"b', "$.x", "a.b", "a[0]", "A" * 5_000, "__proto__", "record", "object_id", "event_id")


def changed(text: bytes, chance: random.Random) -> bytes | None:
    """The text with one to four changes to a document of it; None where no line of it is JSON that is not too deep."""
    try:
        made = _changed(text, chance)
    except RecursionError:
        return None
    return made if made is None or len(made) <= _LONGEST else made[:_LONGEST]


def records_changed(text: bytes, chance: random.Random, share: float) -> bytes | None:
    """The text with a value or two changed in that share of its records; None where it holds no JSON."""
    lines = [text] if (document := _parsed(text)) is not None else text.split(b"\n")
    parsed = [document] if document is not None else [_parsed(line) for line in lines]
    if not any(item is not None for item in parsed):
        return None
    for item in parsed:
        for record in _records(item) if item is not None else ():
            if chance.random() < share:
                for change in chance.choices(_MILD, k=chance.randint(1, 2)):
                    if sites := _sites(record):
                        change(sites, chance)
    made = [line if item is None else _written(item, chance) for line, item in zip(lines, parsed, strict=True)]
    return b"\n".join(made)


def _records(document: list) -> list[list]:
    """The members of its longest list, or it alone."""
    lists = [value for _, value in document if type(value) is list] if isinstance(document, Pairs) else [document]
    inner = [item for item in max(lists, key=len, default=[]) if isinstance(item, Pairs)]
    return inner or [document]


def _changed(text: bytes, chance: random.Random) -> bytes | None:
    if (document := _parsed(text)) is not None:
        return _written(_with_changes(document, chance), chance)
    lines = text.split(b"\n")
    places = [place for place, line in enumerate(lines[:200]) if line[:1] in (b"{", b"[")]
    if not places or (document := _parsed(lines[place := chance.choice(places)])) is None:
        return None
    lines[place] = _written(_with_changes(document, chance), chance)
    return b"\n".join(lines)


def _parsed(text: bytes | str) -> Any:
    try:
        held = json.loads(text, object_pairs_hook=_pairs, parse_int=Raw, parse_float=Raw)
    except (ValueError, RecursionError):
        return None
    return held if isinstance(held, list) else None


def _pairs(held: list[tuple[str, Any]]) -> Pairs:
    return Pairs([name, value] for name, value in held)


def _written(document: Any, chance: random.Random) -> bytes:
    text = dump(document, chance.random() < 0.5)
    errors = "surrogateescape" if chance.random() < 0.5 and not any(0xD800 <= ord(c) < 0xDC80 for c in text) else ""
    try:
        return text.encode("utf-8", errors or "surrogatepass")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def dump(value: Any, ascii_only: bool) -> str:
    """As JSON, where keys may repeat and raw text stands as it is."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{json.dumps(n, ensure_ascii=ascii_only)}:{dump(v, ascii_only)}" for n, v in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(dump(item, ascii_only) for item in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def _with_changes(document: list, chance: random.Random) -> Any:
    for change in chance.choices(_KINDS, k=chance.randint(1, 4)):
        if sites := _sites(document):
            change(sites, chance)
    return document


def _sites(document: list) -> list[Site]:
    found: list[Site] = []
    waiting: list[list] = [document]
    while waiting and len(found) < _SITES:
        holder = waiting.pop()
        for place, item in enumerate(holder):
            value = item[1] if isinstance(holder, Pairs) else item
            found.append((holder, place, 1 if isinstance(holder, Pairs) else None))
            if isinstance(value, list):
                waiting.append(value)
    return found


def _get(site: Site) -> Any:
    holder, place, member = site
    return holder[place] if member is None else holder[place][1]


def _put(site: Site, value: Any) -> None:
    holder, place, member = site
    if member is None:
        holder[place] = value
    else:
        holder[place] = [holder[place][0], value]


def _odd(sites: list[Site], chance: random.Random) -> None:
    _put(chance.choice(sites), copy.deepcopy(chance.choice(ODD)))


def _twice(sites: list[Site], chance: random.Random) -> None:
    holder, place, member = chance.choice(sites)
    item = (
        holder[place]
        if chance.random() < 0.5 or member is None
        else [holder[place][0], copy.deepcopy(chance.choice(ODD))]
    )
    at = chance.randrange(len(holder) + 1)
    holder[at:at] = [copy.deepcopy(item)] * chance.choice((1, 1, 2, 50))


def _nested(sites: list[Site], chance: random.Random) -> None:
    site = chance.choice(sites)
    depth = chance.choice((1, 1, 2, 5, 60, 300, 1_100, 20_000))
    opened, closed = chance.choice((("[", "]"), ('{"a":', "}"), ('{"Records":[', "]}")))
    _put(site, Raw(opened * depth + dump(_get(site), True) + closed * depth))


def _exchanged(sites: list[Site], chance: random.Random) -> None:
    one, other = chance.choice(sites), chance.choice(sites)
    held = _get(one), _get(other)
    _put(one, copy.deepcopy(held[1]))
    _put(other, copy.deepcopy(held[0]))


def _dropped(sites: list[Site], chance: random.Random) -> None:
    holder, place, _ = chance.choice(sites)
    del holder[place]


def _renamed(sites: list[Site], chance: random.Random) -> None:
    members = [(holder, place) for holder, place, member in sites if member is not None]
    if members:
        holder, place = chance.choice(members)
        other, there = chance.choice(members)
        name = other[there][0] if chance.random() < 0.6 else chance.choice((*KEYS, holder[place][0].swapcase()))
        holder[place] = [name, holder[place][1]]


def _as_text(sites: list[Site], chance: random.Random) -> None:
    site = chance.choice(sites)
    _put(site, dump(_get(site), True))


def _inside(sites: list[Site], chance: random.Random) -> None:
    """A text that is JSON itself, changed within."""
    for site in chance.sample(sites, min(len(sites), 200)):
        held = _get(site)
        if isinstance(held, str) and held[:1] in ("{", "[") and (inner := _parsed(held)) is not None:
            _put(site, dump(_with_changes(inner, chance), True))
            return


def _cut_text(sites: list[Site], chance: random.Random) -> None:
    for site in chance.sample(sites, min(len(sites), 50)):
        held = _get(site)
        if isinstance(held, str) and not isinstance(held, Raw) and held:
            _put(site, held[: chance.randrange(len(held))] + chance.choice(("", "\0", "\n", '"', "\\", "\ud800")))
            return


_KINDS: tuple[Callable[[list[Site], random.Random], None], ...] = (
    *(_odd, _odd, _odd, _twice, _nested, _exchanged, _dropped, _renamed, _as_text, _inside, _inside, _cut_text),
)
_MILD = (_odd, _odd, _odd, _odd, _twice, _exchanged, _dropped, _as_text, _inside, _inside, _cut_text)
"""Changes to a record that leave the document around it as it is."""
