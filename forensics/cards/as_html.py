"""A card as HTML: every value escaped, certainty beside each answer, ready Python text under each name, SQL folded away.

JupyterLab takes the style sheet, ids and handlers out of output that it does not trust; what tells certainties apart
and keeps wide tables in their place is therefore also in `style` attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from itertools import accumulate
from typing import Any

from forensics.cards.drawing import Told, sentence, statement
from forensics.cards.tables import SHORT, Table
from forensics.cards.values import Look, code, ready_html, value_html
from forensics.report.display import MEANINGS
from forensics.views.labels import visible

_ROOM = 140_000
"""Characters of all tables of a card, as HTML."""

_MANY = 12
"""Rows of a table that has no buttons any more."""

_COLOURS = {
    "recorded": ("#0072b2", "#fff"),
    "matched": ("#00795a", "#fff"),
    "bounded": ("#d3eaf8", "#004a75"),
    "inferred": ("#fdf0d2", "#6b4a00"),
    "shared": ("#f7e3ee", "#6f2a50"),
}


def page(told: Told) -> str:
    """The card under its style sheet."""
    card, room = told.card, _ROOM // max(len(told.tables), 1)
    return (
        f"{style()}"
        f'<div class="fc-card"><div class="fc-head"><span class="fc-kind">{escape(card.kind_of_card)}</span> '
        f'<b class="fc-name">{escape(told.heading)}</b></div>'
        f"{_answers(told)}{_coverage(told)}{told.noted.html if told.noted else ''}{_facts(told)}"
        f"{told.body.html if told.body else ''}{''.join(part_html(table, room) for table in told.tables)}{_leads(told.leads)}{_sql(told)}{_foot(told)}</div>"
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
        return f'<b class="fc-unsaid">{escape(visible(certainty or "not recorded"))}</b>'
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
        f'<details class="fc-coverage fc-{kind}"{" open" if told.card.opened else ""}><summary><b>{word}</b>'
        f" <span>{escape(visible(told.badge.sentence))}</span></summary><ul>{lines}</ul>{never}</details>"
    )


def _facts(told: Told) -> str:
    listed = "".join(
        f"<dt>{escape(name)}</dt><dd>{value_html(name, value, Look())}</dd>" for name, value in told.facts.items()
    )
    return f'<dl class="fc-facts">{listed}</dl>' if listed else ""


def part_html(table: Table, room: int) -> str:
    """A table under its title, and how many rows are not shown; after so many characters no further row is."""
    count = f' <span class="fc-count">({table.total:,})</span>' if table.total > 1 else ""
    title = f"<h4>{escape(table.part.title)}{count}</h4>"
    if not table.total:
        return f'<div class="fc-part">{title}<p class="fc-more">{escape(table.part.none)}</p></div>'
    kinds = ["fc-short" if table.part.brief else kind for kind in table.kinds()]
    heads = "".join(
        f"<th{_class(kind)}{_placed(kind)}>{escape(name)}</th>"
        for name, kind in zip(table.headings, kinds, strict=True)
    )
    rows = [f"<tr>{_row(table, row, kinds)}</tr>" for row in table.rows]
    lengths = list(accumulate(map(len, rows)))
    kept = max(sum(length <= room for length in lengths), 1)
    body = "".join(rows[:kept])
    ask = f": {code(table.ask)}" if table.ask else ""
    left = table.total - min(kept, len(rows))
    more = f'<p class="fc-more">… and {left:,} more{ask}</p>' if left else ""
    return (
        f'<div class="fc-part">{title}<div class="fc-table" style="overflow-x:auto"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{more}</div>"
    )


def _row(table: Table, row: Sequence[Any], kinds: Sequence[str]) -> str:
    look = Look(brief=table.part.brief, buttons=table.part.limit <= _MANY, at=table.time(row))
    return "".join(
        f"<td{_class(kind)}{_placed(kind)}>"
        f"{badge(value) if name.endswith('certainty') and value else value_html(name, value, look)}</td>"
        for name, value, kind in zip(table.columns, row, kinds, strict=True)
    )


def _placed(kind: str) -> str:
    """JupyterLab sets cells to the right, and breaks times."""
    if kind == "fx-number":
        return ""
    return f' style="text-align:left{";white-space:nowrap" if kind == "fx-time" else ""}"'


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _leads(ready: Sequence[str]) -> str:
    return f'<div class="fc-leads"><h4>Go on with</h4>{ready_html(ready)}</div>' if ready else ""


def _sql(told: Told) -> str:
    items = "".join(
        f"<div>{escape(title)}</div><pre>{escape(statement(query))}</pre>" for title, query in told.statements
    )
    return f'<details class="fc-sql"><summary>SQL</summary>{code(told.card.call)}{items}</details>'


def _foot(told: Told) -> str:
    meanings = "; ".join(f"<b>{word}</b>: {MEANINGS[word]}" for word in told.certainties)
    return f'<p class="fc-foot">Times are UTC. {meanings}</p>'
