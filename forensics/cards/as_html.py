"""A card as HTML: every value escaped, certainty beside each answer, ready Python text under each name, SQL folded away.

JupyterLab takes the style sheet, ids and handlers out of output that it does not trust; what tells certainties apart
and keeps wide tables in their place is therefore also in `style` attributes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from html import escape
from importlib.resources import files
from typing import Any

from forensics.cards.drawing import Told, end_of, sentence, short, statement
from forensics.cards.pivots import calls
from forensics.cards.tables import SHORT, Table
from forensics.report.cells import cell_html, cell_text, is_missing
from forensics.report.display import MEANINGS
from forensics.views.labels import shorten, visible

_WIDEST = 600
"""Characters of a value that a card holds."""

_BRIEF = 34
"""Characters of a value in a table that is brief."""

_COLOURS = {
    "recorded": ("#0072b2", "#fff"),
    "matched": ("#00795a", "#fff"),
    "bounded": ("#d3eaf8", "#004a75"),
    "inferred": ("#fdf0d2", "#6b4a00"),
    "shared": ("#f7e3ee", "#6f2a50"),
}


def page(told: Told) -> str:
    """The card under its style sheet."""
    card = told.card
    return (
        f"{style()}"
        f'<div class="fc-card"><div class="fc-head"><span class="fc-kind">{escape(card.kind_of_card)}</span> '
        f'<b class="fc-name">{escape(told.heading)}</b></div>'
        f"{_answers(told)}{_coverage(told)}{_facts(told)}{told.body.html if told.body else ''}"
        f"{''.join(map(part_html, told.tables))}{_leads(told.leads)}{_sql(told)}{_foot(told)}</div>"
    )


def style() -> str:
    """The style sheet of cards as an element."""
    return f"<style>{files('forensics.cards').joinpath('card.css').read_text('utf-8')}</style>"


def _answers(told: Told) -> str:
    items = "".join(
        f"<li>{badge(item.certainty)} <span>{escape(sentence(item))}</span></li>" for item in told.answers[:SHORT]
    )
    more = f"<li><span></span><span>… and {told.left:,} more, below</span></li>" if told.left else ""
    return f'<ul class="fc-answers">{items}{more}</ul>' if items else ""


def badge(certainty: str | None) -> str:
    """The word of certainty in its colour; a word that is none of ours is text."""
    if certainty not in MEANINGS:
        return f'<span class="fc-unsaid">{escape(visible(certainty or "not recorded"))}</span>'
    back, ink = _COLOURS[certainty]
    look = f"background-color:{back};color:{ink};padding:0 6px;border-radius:9px"
    return f'<span class="fx-badge fx-{certainty}" style="{look}" title="{MEANINGS[certainty]}">{certainty}</span>'


def _coverage(told: Told) -> str:
    """How much of its time was logged, the whole list folded, and what the logs never show."""
    if told.badge is None or not told.badge.logs:
        return ""
    word = told.badge.word
    lines = "".join(f"<li>{escape(visible(line))}</li>" for line in told.badge.lines)
    blind = "".join(f"<li>{escape(line)}</li>" for line in told.blind)
    never = f"<p>What these logs cannot show:</p><ul>{blind}</ul>" if blind else ""
    kind = {"logged": "whole", "partly logged": "part"}.get(word, "none")
    return (
        f'<details class="fc-coverage fc-{kind}"><summary><b>{word}</b>'
        f" <span>{escape(visible(told.badge.sentence))}</span></summary><ul>{lines}</ul>{never}</details>"
    )


def _facts(told: Told) -> str:
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{value_html(name, value)}</dd>" for name, value in told.facts.items())
    return f'<dl class="fc-facts">{listed}</dl>' if listed else ""


def part_html(table: Table) -> str:
    """A table under its title, and how many rows are not shown."""
    count = f' <span class="fc-count">{table.total:,}</span>' if table.total > 1 else ""
    title = f"<h4>{escape(table.part.title)}{count}</h4>"
    if not table.total:
        return f'<div class="fc-part">{title}<p class="fc-more">{escape(table.part.none)}</p></div>'
    kinds = ["fc-short" if table.part.brief else kind for kind in table.kinds()]
    heads = "".join(f"<th{_class(kind)}>{escape(name)}</th>" for name, kind in zip(table.headings, kinds, strict=True))
    body = "".join(f"<tr>{_row(table, row, kinds)}</tr>" for row in table.rows)
    ask = f": {code(table.ask)}" if table.ask else ""
    more = f'<p class="fc-more">{table.more}{ask}</p>' if table.more else ""
    return (
        f'<div class="fc-part">{title}<div class="fc-table" style="overflow-x:auto"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{more}</div>"
    )


def _row(table: Table, row: Sequence[Any], kinds: Sequence[str]) -> str:
    at, brief = table.time(row), table.part.brief
    return "".join(
        f"<td{_class(kind)}>"
        f"{badge(value) if name.endswith('certainty') and value else value_html(name, value, at=at, brief=brief)}</td>"
        for name, value, kind in zip(table.columns, row, kinds, strict=True)
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def value_html(name: str, value: Any, *, at: datetime | None = None, brief: bool = False) -> str:
    """A value; a name opens to the ready calls that lead on from it. Of a list the first items, if `brief` one."""
    if isinstance(value, list) and value:
        return _listed(name, value, at, brief=brief)
    if is_missing(value) or not isinstance(value, str):
        return cell_html(value)
    shown = shorten(cell_text(end_of(value)), _BRIEF) if brief else shorten(cell_text(value), _WIDEST)
    if ready := calls(name, value, at=at):
        whole = escape(shorten(visible(value), _WIDEST))
        return f'<details class="fc-go"><summary title="{whole}">{escape(shown)}</summary>{listed(ready)}</details>'
    return cell_html(shown)


def _listed(name: str, values: list[Any], at: datetime | None, *, brief: bool) -> str:
    if brief:
        more = f' <span class="fx-none">+{len(values) - 1}</span>' if len(values) > 1 else ""
        return value_html(name, values[0], at=at, brief=True) + more
    items, left = short(values)
    more = f'<div class="fx-none">… and {left:,} more</div>' if left else ""
    return "".join(f"<div>{value_html(name, item, at=at)}</div>" for item in items) + more


def listed(ready: Sequence[str]) -> str:
    """Ready calls, each to be selected by a click, or put into a new cell by JupyterLab."""
    return "".join(f'<div class="fc-call">{code(call)}{_button(call)}</div>' for call in ready)


def code(call: str) -> str:
    """Python text that a click selects."""
    return f"<code>{escape(visible(call))}</code>"


def _button(call: str) -> str:
    """A button that has JupyterLab put the text into a new cell below; it runs nothing."""
    args = {"commands": ["notebook:insert-cell-below", "notebook:replace-selection"], "args": {"text": call}}
    return (
        '<button class="fc-new" title="into a new cell below; runs nothing" '
        f'data-commandlinker-command="apputils:run-all-enabled" data-commandlinker-args="{escape(json.dumps(args))}">'
        "⤵</button>"
    )


def _leads(ready: Sequence[str]) -> str:
    return f'<div class="fc-leads"><h4>Go on with</h4>{listed(ready)}</div>' if ready else ""


def _sql(told: Told) -> str:
    items = "".join(
        f"<div>{escape(title)}</div><pre>{escape(statement(query))}</pre>" for title, query in told.statements
    )
    return f'<details class="fc-sql"><summary>SQL</summary>{code(told.card.call)}{items}</details>'


def _foot(told: Told) -> str:
    meanings = "; ".join(f"<b>{word}</b>: {MEANINGS[word]}" for word in told.certainties)
    return f'<p class="fc-foot">Times are UTC. {meanings}</p>'
