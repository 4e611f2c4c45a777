"""A card as HTML and as text: every value escaped, tables short, certainty beside each answer, SQL folded away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.resources import files
from typing import Any

from forensics.cards.card import Answer, Card, Part
from forensics.case import Query
from forensics.report.cells import cell_html, cell_text, is_missing, is_monospace, is_number
from forensics.report.display import MEANINGS, Shown
from forensics.views.labels import shorten, visible

SHORT = 8
"""Rows of a table, and sentences, that a card shows; the query has them all."""

CITED = 3
"""Items of a list that a cell shows."""

_UNBROKEN = 36
"""Characters of a cell that stays on one line: ids and words are not broken, names of resources are."""
_WIDEST = 64
"""Characters of a cell of text."""
_HEADING = 300
"""Characters of a heading."""


@dataclass(frozen=True)
class _Table:
    part: Part
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    total: int

    @property
    def headings(self) -> list[str]:
        """As shown, in the order of the columns."""
        return [self.part.headings[name] for name in self.columns]

    @property
    def more(self) -> str:
        """How many rows are not shown; "" where all are."""
        return f"… and {self.total - len(self.rows):,} more" if self.total > len(self.rows) else ""

    def kinds(self) -> list[str]:
        """The style class of each column."""
        return [_kind(name, [row[place] for row in self.rows]) for place, name in enumerate(self.columns)]


def drawn(card: Card) -> Shown:
    """The card as HTML with its own style, and as text."""
    parts = [table for part in card.parts() if (table := _read(part)).total or part.none]
    facts = {name: value for name, value in card.facts().items() if value is not None}
    answers = card.answers()
    return Shown(_html(card, answers, facts, parts), _text(card, answers, facts, parts))


def _read(part: Part) -> _Table:
    """The first rows of the part, its shown columns only, and how many rows there are."""
    chosen = ", ".join(f'"{name}"' for name in part.headings)
    query = part.query
    head = Query(query.case, f"SELECT {chosen}\nFROM (\n{query.sql}\n) AS part\nLIMIT {SHORT + 1}", query.params)
    rows = head.rows()
    total = len(rows)
    if total > SHORT:
        counted = Query(query.case, f"SELECT count(*) AS total\nFROM (\n{query.sql}\n) AS part", query.params)
        total = int(counted.rows()[0][0])
    columns = list(part.headings)
    full = [place for place in range(len(columns)) if any(not is_missing(row[place]) for row in rows)]
    return _Table(part, [columns[place] for place in full], [[row[i] for i in full] for row in rows[:SHORT]], total)


def _kind(column: str, values: Sequence[Any]) -> str:
    present = [value for value in values if not is_missing(value)]
    if present and all(is_number(value) for value in present):
        return "fx-number"
    if present and all(isinstance(value, datetime) for value in present):
        return "fx-time"
    name = "fx-mono" if is_monospace(column) else ""
    lines = [line for value in present for line in cell_text(value).split("\n")]
    return f"{name} fc-short".strip() if all(len(line) <= _UNBROKEN for line in lines) else name


# As HTML


def _html(card: Card, answers: Sequence[Answer], facts: Mapping[str, Any], parts: Sequence[_Table]) -> str:
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{cell_html(_short(value))}</dd>" for name, value in facts.items())
    described = f'<dl class="fc-facts">{listed}</dl>' if listed else ""
    tables = "".join(_part_html(table) for table in parts)
    return (
        f"<style>{files('forensics.cards').joinpath('card.css').read_text('utf-8')}</style>"
        f'<div class="fc-card"><div class="fc-head"><span class="fc-kind">{escape(card.kind_of_card)}</span> '
        f'<span class="fc-name">{escape(_heading(card))}</span></div>'
        f"{_answers_html(answers)}{described}{tables}"
        f"{_sql_html(card, parts)}{_foot_html(answers, parts)}</div>"
    )


def _answers_html(answers: Sequence[Answer]) -> str:
    items = "".join(
        f"<li>{_badge(item.certainty)} <span>{escape(_sentence(item))}</span></li>" for item in answers[:SHORT]
    )
    left = len(answers) - SHORT
    more = f"<li><span></span><span>… and {left:,} more, below</span></li>" if left > 0 else ""
    return f'<ul class="fc-answers">{items}{more}</ul>' if items else ""


def _badge(certainty: str | None) -> str:
    """The word of certainty in its colour; a word that is none of ours is text."""
    if certainty in MEANINGS:
        return f'<span class="fx-badge fx-{certainty}" title="{MEANINGS[certainty]}">{certainty}</span>'
    return f'<span class="fc-unsaid">{escape(visible(certainty or "not recorded"))}</span>'


def _part_html(table: _Table) -> str:
    count = f' <span class="fc-count">{table.total:,}</span>' if table.total > 1 else ""
    title = f"<h4>{escape(table.part.title)}{count}</h4>"
    if not table.total:
        return f'<div class="fc-part">{title}<p class="fc-more">{escape(table.part.none)}</p></div>'
    kinds = table.kinds()
    heads = "".join(f"<th{_class(kind)}>{escape(name)}</th>" for name, kind in zip(table.headings, kinds, strict=True))
    body = "".join(f"<tr>{_row_html(table, row, kinds)}</tr>" for row in table.rows)
    more = f'<p class="fc-more">{table.more}</p>' if table.more else ""
    return (
        f'<div class="fc-part">{title}<div class="fc-table"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{more}</div>"
    )


def _row_html(table: _Table, row: Sequence[Any], kinds: Sequence[str]) -> str:
    return "".join(
        f"<td{_class(kind)}>{_badge(value) if name.endswith('certainty') and value else cell_html(_short(value))}</td>"
        for name, value, kind in zip(table.columns, row, kinds, strict=True)
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _sql_html(card: Card, parts: Sequence[_Table]) -> str:
    named = [("This card", card.query), *((table.part.title, table.part.query) for table in parts)]
    items = "".join(f"<div>{escape(title)}</div><pre>{escape(_statement(query))}</pre>" for title, query in named)
    return f'<details class="fc-sql"><summary>SQL</summary>{items}</details>'


def _foot_html(answers: Sequence[Answer], parts: Sequence[_Table]) -> str:
    meanings = "; ".join(f"<b>{word}</b>: {MEANINGS[word]}" for word in _words(answers, parts))
    return f'<p class="fc-foot">Times are UTC. {meanings}</p>'


# As text


def _text(card: Card, answers: Sequence[Answer], facts: Mapping[str, Any], parts: Sequence[_Table]) -> str:
    blocks = [f"{card.kind_of_card} {_heading(card)}"]
    said = [f"[{visible(item.certainty or 'not recorded')}] {_sentence(item)}" for item in answers[:SHORT]]
    if len(answers) > SHORT:
        said.append(f"… and {len(answers) - SHORT:,} more, below")
    blocks.append("\n".join(said))
    width = max(map(len, facts), default=0)
    blocks.append("\n".join(f"{name:<{width}}  {_line(value, _HEADING)}" for name, value in facts.items()))
    blocks.extend(_part_text(table) for table in parts)
    blocks.append("\n".join(["Times are UTC.", *(f"{word}: {MEANINGS[word]}" for word in _words(answers, parts))]))
    return "\n\n".join(block for block in blocks if block)


def _part_text(table: _Table) -> str:
    title = f"{table.part.title} ({table.total:,})" if table.total > 1 else table.part.title
    if not table.total:
        return f"{title}: {table.part.none}"
    lines = [table.headings, *([_line(value, _WIDEST) for value in row] for row in table.rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.columns))]
    lines.insert(1, ["─" * width for width in widths])
    drawn_lines = [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([title, *drawn_lines, *([f"  {table.more}"] if table.more else [])])


def _line(value: Any, length: int) -> str:
    """A value on one line; of a list its first item and how many more there are."""
    if isinstance(value, list) and value:
        more = f" +{len(value) - 1}" if len(value) > 1 else ""
        return _line(value[0], length - len(more)) + more
    return shorten(visible(cell_text(value)), length)


# What both say


def _heading(card: Card) -> str:
    return shorten(visible(card.heading), _HEADING)


def _sentence(answer: Answer) -> str:
    return shorten(visible(answer.text), 3 * _HEADING)


def _short(value: Any) -> Any:
    """A long list as its first items and how many more there are."""
    if isinstance(value, list) and len(value) > CITED:
        return [*value[: CITED - 1], f"… and {len(value) - CITED + 1:,} more"]
    return value


def _statement(query: Query) -> str:
    """The SQL, and under it what is bound."""
    bound = query.params
    values = bound.items() if isinstance(bound, Mapping) else enumerate(bound, 1)
    lines = [f"-- ${name} = {shorten(visible(repr(value)), _HEADING)}" for name, value in values]
    return "\n".join([query.sql.strip(), *lines])


def _words(answers: Sequence[Answer], parts: Sequence[_Table]) -> list[str]:
    """The words of certainty that the card uses, from strongest to weakest."""
    used = {item.certainty for item in answers}
    for table in parts:
        places = [place for place, name in enumerate(table.columns) if name.endswith("certainty")]
        used |= {row[place] for row in table.rows for place in places}
    return [word for word in MEANINGS if word in used]
