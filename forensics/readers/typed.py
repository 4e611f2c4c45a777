"""Records of a source decoded straight into the members that its columns are declared by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, overload

import msgspec

from forensics.readers.documents import BAD_JSON, Json, items, trail_records
from forensics.readers.recognise import object_source
from forensics.source import STREAM_FIELDS, Column
from forensics.sources import sources

NULL = msgspec.Raw(b"null")
"""What stands for a member that is kept undecoded and is not there."""

TRAIL = "cloudtrail"


@dataclass(frozen=True)
class Node:
    """Members of a JSON object that have columns: their place in a decoded row, and the nodes inside them.

    `kind` is the type of a decoded row, None for no object; `decoder` takes one such object a line.
    """

    columns: tuple[tuple[int, Column], ...]
    inner: tuple[tuple[int, Node], ...]
    kind: Any
    decoder: Any
    empty: Any


@dataclass(frozen=True)
class Layout:
    """How a source's records are decoded: the top level, whose members with columns inside are decoded apart."""

    top: Node
    parents: tuple[tuple[int, Node], ...]


_STRICT: dict[str, Any] = {
    "VARCHAR": str | int | None,
    "JSON": msgspec.Raw,
    "BIGINT": int | str | None,
    "DOUBLE": float | str | None,
    "BOOLEAN": bool | None,
    "TIMESTAMP": str | None,
}
_MOMENT: Any = int | float | str | None


@cache
def layout(name: str) -> Layout:
    """Top-level members with columns inside stay raw in the first pass: they often have a column of their own too."""
    plain: dict[str, Any] = {}
    nested: dict[str, list[tuple[list[str], Column]]] = {}
    for column in sources()[name].columns:
        if column.field in STREAM_FIELDS:
            continue
        first, *rest = column.field.split(".")
        if rest:
            nested.setdefault(first, []).append((rest, column))
        else:
            plain[first] = column
    fields = {first: _kind(column) for first, column in plain.items()} | dict.fromkeys(nested, msgspec.Raw)
    kind = _struct(fields, strict=True)
    places = list(fields)
    columns = tuple((places.index(first), column) for first, column in plain.items())
    top = Node(columns, (), kind, msgspec.json.Decoder(kind), kind())
    return Layout(top, tuple((places.index(first), _node(paths)) for first, paths in nested.items()))


def _node(paths: Sequence[tuple[list[str], Column]]) -> Node:
    leaves: dict[str, Column] = {}
    deeper: dict[str, list[tuple[list[str], Column]]] = {}
    for (first, *rest), column in paths:
        if rest:
            deeper.setdefault(first, []).append((rest, column))
        else:
            leaves[first] = column
    nodes = {first: _node(inner) for first, inner in deeper.items()}
    fields = {first: _kind(column) for first, column in leaves.items()}
    fields |= {first: msgspec.Raw if first in leaves else node.kind for first, node in nodes.items()}
    kind = _struct(fields, strict=False)
    places = list(fields)
    return Node(
        tuple((places.index(first), column) for first, column in leaves.items()),
        tuple((places.index(first), node) for first, node in nodes.items()),
        kind | None,
        msgspec.json.Decoder(kind | None),
        kind(),
    )


def _kind(column: Column) -> Any:
    return _MOMENT if column.epoch else _STRICT[column.type]


def _struct(fields: Mapping[str, Any], *, strict: bool) -> Any:
    members = [(f"f{place}", kind, NULL if kind is msgspec.Raw else None) for place, kind in enumerate(fields.values())]
    rename = {f"f{place}": name for place, name in enumerate(fields)}
    return msgspec.defstruct("Members", members, rename=rename, forbid_unknown_fields=strict, gc=False)


class Decoded(Sequence[Json]):
    """Records decoded already: `rows` by the layout of their source; `split` gives each one's text where it is asked for.

    `nbytes` is about what their texts take.
    """

    def __init__(self, rows: list[Any], split: Callable[[], Sequence[Json]], nbytes: int) -> None:
        self.rows = rows
        self.nbytes = nbytes
        self._split = split
        self._records: Sequence[Json] | None = None

    @classmethod
    def of(cls, pieces: Sequence[Decoded]) -> Decoded:
        """Those of several texts, one after the other."""
        rows = [row for piece in pieces for row in piece.rows]
        return cls(
            rows, lambda: [record for piece in pieces for record in piece], sum(piece.nbytes for piece in pieces)
        )

    @property
    def _apart(self) -> Sequence[Json]:
        if self._records is None:
            self._records = self._split()
        return self._records

    def first(self) -> dict[str, Any]:
        """The members of the first record that are not null; none where it is nested too deeply."""
        try:
            held: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.rows[0]))
        except BAD_JSON:
            return {}
        return {name: member for name, member in held.items() if member is not None}

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Json: ...
    @overload
    def __getitem__(self, place: slice) -> Decoded: ...
    def __getitem__(self, place: int | slice) -> Json | Decoded:
        if isinstance(place, slice):
            rows = self.rows[place]
            return Decoded(rows, lambda: self._apart[place], self.nbytes * len(rows) // max(1, len(self.rows)))
        return self._apart[place]

    def __iter__(self) -> Iterator[Json]:
        return iter(self._apart)


def decode_rows(node: Node, records: Sequence[Json]) -> list[Any]:
    """Those records decoded. Raises one of BAD_JSON if any does not fit."""
    found: list[Any] = node.decoder.decode_lines(b"\n".join(records))
    if len(found) != len(records):
        raise ValueError("a record is not one document")
    return found


@cache
def _trail() -> Any:
    kind = layout(TRAIL).top.kind
    return msgspec.json.Decoder(
        msgspec.defstruct("Trail", [("records", list[kind])], rename={"records": "Records"}, forbid_unknown_fields=True)  # type: ignore[valid-type]
    )


@cache
def _list() -> Any:
    return msgspec.json.Decoder(list[layout(TRAIL).top.kind])  # type: ignore[misc]


def decoded_trail(text: bytes) -> Decoded | None:
    """The events of a text that is one `{"Records": […]}` and nothing else; None unless every one fits its columns."""
    try:
        return Decoded(_trail().decode(text).records, lambda: trail_records(text) or (), len(text))
    except BAD_JSON:
        return None


def decoded_items(text: bytes) -> Decoded | None:
    """The events of a JSON array; None unless every one fits its columns."""
    try:
        return Decoded(_list().decode(text), lambda: items(text) or (), len(text))
    except BAD_JSON:
        return None


def typed_events(text: bytes, *, whole: bool) -> Decoded | None:
    """CloudTrail's events of a text that is a list of them and nothing else, as a trail writes it or bare; else None."""
    events = decoded_trail(text) if whole else decoded_items(text)
    first = events.first() if events else {}
    if not {"eventName", "eventVersion"} <= first.keys() or str(first.get("eventSource")).startswith("aws:"):
        return None
    return events if object_source(first) == TRAIL else None
