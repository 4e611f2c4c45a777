"""What playbooks show: tables, text and statements whose every value is escaped, as HTML and as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any

from forensics.case import Query
from forensics.errors import UsageError
from forensics.report.cells import cell_html, cell_text, is_missing, is_monospace, is_number
from forensics.timeline import Timeline
from forensics.views.labels import moment, params_text, shorten, visible

if TYPE_CHECKING:
    import pandas as pd

    from forensics.analysis.gaps import Gap
    from forensics.analysis.isolation import Command
    from forensics.analysis.statement import Citation, Statement

ESCAPED = {"text/html": {"forensics": "escaped"}}
"""Metadata of an output whose HTML was made here; the report cleans all other HTML."""

MEANINGS = {
    "recorded": "the record itself, or one that shares a unique key with it, says so",
    "matched": "exactly one candidate held that interface, address or credential for the whole time",
    "bounded": "exactly one candidate, but its start or end is not in evidence",
    "inferred": "a naming convention, a coincidence in time, or another judgement that no record states",
    "shared": "several candidates held it at once",
}
"""The words of certainty, from strongest to weakest."""

CITED = 200
"""Records of a statement that are listed at most."""

NO_MATH = "tex2jax_ignore mathjax_ignore"
"""Classes of what Jupyter does not typeset: log text such as `[$LATEST]` twice is no formula."""

_WIDEST = 60

_UNSTYLED = re.compile(r'<(t[dh](?: scope="col")?(?: class="fx-(?!number)[\w-]+")?)>')
_TO_THE_LEFT = r'<\1 style="text-align:left">'
"""Where JupyterLab does not trust an output it drops the style sheet, and sets all cells but numbers' to the right."""


@dataclass(frozen=True, repr=False)
class Shown:
    """Something to show: safe HTML, and the same as plain text. Put it last in a cell, or `display()` it.

    `sql` and its `params`, as text, are the statement that it shows the rows of, for the report to list.
    """

    html: str
    text: str
    sql: str = ""
    params: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        return f'<div class="{NO_MATH}">{style()}{_UNSTYLED.sub(_TO_THE_LEFT, self.html)}</div>'

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
        ran: dict[str, dict[str, Any]] = (
            {"forensics": {"sql": self.sql, "params": list(self.params)}} if self.sql else {}
        )
        return {"text/html": self._repr_html_(), "text/plain": self.text}, {**ESCAPED, **ran}

    def __repr__(self) -> str:
        return self.text


def style() -> str:
    """The style sheet of what is shown, as an element; a report has it once, JupyterLab with each output."""
    return f"<style>{files('forensics.report').joinpath('template/display.css').read_text('utf-8')}</style>"


def show_text(text: str) -> Shown:
    """Paragraphs, parted by blank lines; no markup of any kind is interpreted."""
    shown = visible(text, keep="\n")
    paragraphs = [part.strip() for part in shown.split("\n\n") if part.strip()]
    return Shown("".join(f'<p class="fx-text">{escape(part)}</p>' for part in paragraphs), shown)


def show_answer(text: str, *, alarming: bool = True) -> Shown:
    """The answer to a report's question, set off from the rest."""
    inner = show_text(text)
    quiet = "" if alarming else " fx-quiet"
    return Shown(f'<div class="fx-answer{quiet}">{inner.html}</div>', inner.text)


def show_code(text: str) -> Shown:
    """Text of a program to read and copy, line by line as it is; nothing runs it."""
    shown = visible(text, keep="\n")
    return Shown(f'<div class="fx-commands"><pre>{escape(shown)}</pre></div>', shown)


def show_commands(commands: Sequence[Command]) -> Shown:
    """Commands to copy, phase by phase, each under what it is for; nothing runs them."""
    items, before = "", ""
    for item in commands:
        head = f'<h3 class="fx-phase">{escape(item.phase.capitalize())}</h3>' if item.phase != before else ""
        items += f"<li>{head}<p>{escape(visible(item.purpose))}</p><pre>{escape(visible(item.command))}</pre></li>"
        before = item.phase
    html = (
        f'<ul class="fx-commands">{items}</ul>' if commands else '<p class="fx-text">Nothing to contain was found.</p>'
    )
    text = "\n\n".join(f"# {item.phase}: {visible(item.purpose)}\n{visible(item.command)}" for item in commands)
    return Shown(html, text or "Nothing to contain was found.")


def show_gaps(gaps: Sequence[Gap]) -> Shown:
    """What stays open: each question, why, and what would answer it."""
    import pandas as pd

    return show_table(pd.DataFrame(gaps, columns=["question", "why", "remedy"]), limit=None)


def show_table(
    rows: pd.DataFrame | Query | Timeline,
    *,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    limit: int | None = 100,
    caption: str | None = None,
) -> Shown:
    """The first `limit` rows (None: all), saying how many more there are; of a timeline also what was not logged.

    `columns` chooses and orders columns; as a mapping it also gives their headings. Raises UsageError.
    """
    if isinstance(rows, Timeline):
        return _with_coverage(show_table(rows.query, columns=columns, limit=limit, caption=caption), rows)
    table = _read(rows, limit)
    chosen = dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns or table.columns}
    if unknown := [name for name in chosen if name not in table.columns]:
        raise UsageError(f"no column {', '.join(unknown)}; there are: {', '.join(table.columns)}")
    places = [table.columns.index(name) for name in chosen]
    picked = _Table(
        [chosen[table.columns[place]] for place in places],
        [[row[place] for place in places] for row in table.rows],
        table.total,
        [_kind(table.columns[place], [row[place] for row in table.rows]) for place in places],
    )
    ran = (rows.sql, params_text(rows.params)) if isinstance(rows, Query) else ()
    return Shown(_table_html(picked, caption), _table_text(picked, caption), *ran)


def _with_coverage(shown: Shown, timeline: Timeline) -> Shown:
    """What is shown of a timeline, and under it how much of its window was logged."""
    said = timeline.coverage().remark(empty=shown.text.endswith("no rows"))
    if not said:
        return shown
    under = show_text(said)
    return replace(shown, html=shown.html + under.html, text=f"{shown.text}\n{under.text}")


@dataclass(frozen=True)
class _Table:
    columns: list[str]
    rows: list[Any]
    total: int
    kinds: Sequence[str] = ()

    @property
    def more(self) -> str:
        left = self.total - len(self.rows)
        if not self.total:
            return "no rows"
        return f"… {left:,} more {'row' if left == 1 else 'rows'}" if left else ""


def _read(rows: pd.DataFrame | Query, limit: int | None) -> _Table:
    if not isinstance(rows, Query):
        head = rows if limit is None else rows.head(limit)
        return _Table([str(name) for name in rows.columns], list(head.itertuples(index=False, name=None)), len(rows))
    found = list(islice(_stream(rows), limit))
    total = len(found)
    if limit is not None and total >= limit:
        counted = Query(rows.case, f"SELECT count(*) FROM (\n{rows.sql}\n) AS counted", rows.params)
        total = int(counted.rows()[0][0])
    return _Table(rows.columns, found, total)


def _stream(query: Query) -> Iterator[tuple[Any, ...]]:
    for batch in query.batches(1000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _table_html(table: _Table, caption: str | None) -> str:
    named = zip(table.columns, table.kinds, strict=True)
    heads = "".join(f'<th scope="col"{_class(kind)}>{escape(visible(name))}</th>' for name, kind in named)
    body = "".join(f"<tr>{_row_html(row, table.kinds)}</tr>" for row in table.rows)
    above = f"<caption>{escape(visible(caption))}</caption>" if caption else ""
    below = f'<p class="fx-more">{table.more}</p>' if table.more else ""
    inside = f"{above}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody>"
    named_by = escape(visible(caption)) if caption else "table"
    scroller = f'<div class="fx-table" tabindex="0" role="group" aria-label="{named_by}">'
    return f"{scroller}<table>{inside}</table></div>{below}"


def _row_html(row: Sequence[Any], kinds: Sequence[str]) -> str:
    return "".join(f"<td{_class(kind)}>{cell_html(value)}</td>" for value, kind in zip(row, kinds, strict=True))


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _kind(column: str, values: Sequence[Any]) -> str:
    """The style class of a column, by its values if they are all numbers or all times, else by its name."""
    present = [value for value in values if not is_missing(value)]
    if present and all(is_number(value) for value in present):
        return "fx-number"
    if present and all(isinstance(value, datetime) for value in present):
        return "fx-time"
    return "fx-mono" if is_monospace(column) else ""


def _table_text(table: _Table, caption: str | None) -> str:
    lines = [[visible(name) for name in table.columns]]
    lines += [[shorten(cell_text(value).replace("\n", ", "), _WIDEST) for value in row] for row in table.rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.columns))]
    lines.insert(1, ["─" * width for width in widths])
    drawn = ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join(([visible(caption)] if caption else []) + drawn + ([table.more] if table.more else []))


def show_statements(statements: Sequence[Statement]) -> Shown:
    """Numbered cards, each with its certainty and the records it cites; the words of certainty explained."""
    if not statements:
        return show_text("Nothing was found.")
    cards = "".join(_card(item) for item in statements)
    used = [word for word in MEANINGS if any(item.certainty == word for item in statements)]
    legend = "".join(f"<dt>{badge(word)}</dt><dd>{MEANINGS[word]}</dd>" for word in used)
    html = f'<ol class="fx-statements">{cards}</ol><dl class="fx-legend">{legend}</dl>'
    return Shown(html, "\n\n".join(_plain(number, item) for number, item in enumerate(statements, 1)))


def badge(certainty: str) -> str:
    """A word of certainty in its colour."""
    return f'<span class="fx-badge fx-{escape(certainty)}">{escape(certainty)}</span>'


def chips(tags: Iterable[str]) -> str:
    """The tags of responders as small labels."""
    return "".join(f'<span class="fx-tag">{escape(visible(tag))}</span>' for tag in tags)


def _card(item: Statement) -> str:
    time = f"<time>{_utc(item)}</time>"
    technique = f'<span class="fx-technique">{escape(visible(item.technique))}</span>' if item.technique else ""
    facts = "".join(f"<dt>{name}</dt><dd>{cell_html(value)}</dd>" for name, value in _about(item).items())
    return (
        f'<li id="statement-{escape(visible(item.id))}">'
        f'<div class="fx-head">{time}{badge(item.certainty)}{technique}</div>'
        f"<h3>{escape(visible(item.title))}</h3><p>{escape(visible(item.statement))}</p>"
        f"{f'<dl>{facts}</dl>' if facts else ''}{_citations(item.evidence)}</li>"
    )


def _about(item: Statement) -> dict[str, Any]:
    about = {"principal": item.principal, "workload": item.workload, "resources": list(item.resources)}
    return {name: value for name, value in about.items() if value}


def _utc(item: Statement) -> str:
    return f"{moment(item.time)} UTC" if item.time else "no single time"


def _citations(evidence: Sequence[Citation]) -> str:
    items = "".join(f"<li>{_link(place)}</li>" for place in evidence[:CITED])
    left = len(evidence) - CITED
    more = f"<li>… {left:,} more, in findings.json</li>" if left > 0 else ""
    number = f"{len(evidence):,} {'record' if len(evidence) == 1 else 'records'}"
    return f'<details class="fx-cited"><summary>{number}</summary><ul>{items}{more}</ul></details>'


def record_anchor(place: Citation) -> str:
    """The id under which a report holds that record."""
    return f"record-{escape(visible(place.sha256[:16]))}-{place.record}"


def _link(place: Citation) -> str:
    """The event's id, as a link where the report holds its record, and where the record stands."""
    where = f"record {place.record} of {visible(place.uri)}, SHA-256 {visible(place.sha256)}"
    event = f'<a class="fx-record" href="#{record_anchor(place)}">{escape(visible(place.event_id))}</a>'
    return f'{event} <span class="fx-none">{escape(where)}</span>'


def _plain(number: int, item: Statement) -> str:
    head = f"{number}. {_utc(item)}  [{item.certainty}]  {item.technique}".rstrip()
    cited = ", ".join(place.event_id for place in item.evidence[:5])
    more = f" and {len(item.evidence) - 5} more" if len(item.evidence) > 5 else ""
    return "\n".join(
        visible(line) for line in (head, f"   {item.title}", f"   {item.statement}", f"   cites {cited}{more}")
    )
