"""A card as text for a terminal: no control characters, tables of the same few rows."""

from __future__ import annotations

from typing import Any

from forensics.cards.drawing import LONGEST, Told, end_of, sentence
from forensics.cards.tables import SHORT, Table
from forensics.report.cells import cell_text
from forensics.report.display import MEANINGS
from forensics.views.labels import shorten, visible

_WIDTHS = (64, 48, 36, 28, 20, 14)
"""Characters of a cell at most: the first with which a table fits into `_ROOM`."""

_ROOM = 170
"""Characters of a line of a table, where that can be."""


def text(told: Told) -> str:
    """The card, its blocks parted by blank lines."""
    return "\n\n".join(block for block in _blocks(told) if block)


def _blocks(told: Told) -> list[str]:
    said = [f"[{visible(item.certainty or 'not recorded')}] {sentence(item)}" for item in told.answers[:SHORT]]
    said += [f"… and {told.left:,} more, below"] if told.left else []
    width = max(map(len, told.facts), default=0)
    facts = [f"{name:<{width}}  {_line(value, LONGEST)}" for name, value in told.facts.items()]
    leads = ["Go on with", *(f"  {visible(call)}" for call in told.leads)] if told.leads else []
    meanings = [f"{word}: {MEANINGS[word]}" for word in told.certainties]
    return [
        f"{told.card.kind_of_card} {told.heading}",
        "\n".join(said),
        _coverage(told),
        "\n".join(facts),
        told.noted.text if told.noted else "",
        told.body.text if told.body else "",
        *map(_table, told.tables),
        "\n".join(leads),
        "\n".join(["Times are UTC.", *meanings]),
    ]


def _coverage(told: Told) -> str:
    if not told.badge or not told.badge.logs:
        return ""
    if told.card.opened:
        return "\n".join([f"Coverage: {told.badge.word}", *(f"  {visible(line)}" for line in told.badge.lines)])
    return f"Coverage: {visible(str(told.badge))}"


def _table(table: Table) -> str:
    title = f"{table.part.title} ({table.total:,})" if table.total > 1 else table.part.title
    if not table.total:
        return f"{title}: {table.part.none}"
    widest = next((width for width in _WIDTHS if _width(_cells(table, width)) <= _ROOM), _WIDTHS[-1])
    lines = _cells(table, widest)
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.columns))]
    lines.insert(1, ["─" * width for width in widths])
    rows = ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    ask = f": {visible(table.ask)}" if table.ask else ""
    return "\n".join([title, *(f"  {row}" for row in rows), *([f"  {table.more}{ask}"] if table.more else [])])


def _cells(table: Table, widest: int) -> list[list[str]]:
    """The headings and the rows as texts of at most so many characters."""
    brief = table.part.brief
    return [table.headings, *([_line(value, widest, brief=brief) for value in row] for row in table.rows)]


def _width(lines: list[list[str]]) -> int:
    return sum(max(map(len, column)) + 2 for column in zip(*lines, strict=True))


def _line(value: Any, length: int, *, brief: bool = False) -> str:
    """A value on one line; of a list its first item and how many more there are."""
    if isinstance(value, list) and value:
        more = f" +{len(value) - 1}" if len(value) > 1 else ""
        return _line(value[0], length - len(more), brief=brief) + more
    return shorten(visible(cell_text(end_of(value) if brief and isinstance(value, str) else value)), length)
