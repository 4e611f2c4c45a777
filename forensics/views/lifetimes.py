"""The lower part of the timeline: a bar for each thing a workload held, as far as its ends are known."""

from collections.abc import Sequence
from datetime import datetime

import plotly.graph_objects as go

from forensics.views.drawing import CERTAINTIES, FAINT
from forensics.views.involved import Lifetime
from forensics.views.labels import label, moment


def holding_names(bars: Sequence[Lifetime]) -> list[str]:
    """A lane name per bar: the thing held, after the workload where that is another than the bar's above."""
    above = [None, *(item.workload for item in bars)]
    return [_name(item, item.workload != before) for item, before in zip(bars, above, strict=False)]


def _name(item: Lifetime, named: bool) -> str:
    workload = f"<b>{label(_short(item.workload), 18)}</b> " if named else ""
    return f"{workload}<span style='color:{FAINT}'>{label(_short(item.holds), 20)}</span>"


def _short(key: str) -> str:
    """What tells an ARN or a log stream from its like, without the account and type before it."""
    return key.rpartition(":")[2].removeprefix("task/") or key


def add_lifetimes(figure: go.Figure, bars: Sequence[Lifetime], span: list[datetime], *, row: int) -> None:
    """Draw the bars, the first on top; an end that is not in evidence is an arrow."""
    for certainty in CERTAINTIES:
        mine = [(place, item) for place, item in enumerate(bars) if item.certainty == certainty]
        if mine:
            figure.add_trace(_trace(mine, span, certainty), row=row, col=1)


def _trace(mine: Sequence[tuple[int, Lifetime]], span: list[datetime], certainty: str) -> go.Scatter:
    x: list[datetime | None] = []
    y: list[int | None] = []
    symbols: list[str] = []
    fields: list[list[str]] = []
    for place, item in mine:
        x += [item.valid_from or span[0], item.valid_to or span[1], None]
        y += [place, place, None]
        symbols += [
            "line-ns" if item.from_known else "arrow-left",
            "line-ns" if item.to_known else "arrow-right",
            "circle",
        ]
        fields += [_fields(item)] * 3
    colour = CERTAINTIES[certainty]
    return go.Scatter(
        x=x,
        y=y,
        customdata=fields,
        mode="lines+markers",
        name=certainty,
        legend="legend2",
        line={"color": colour, "width": 7},
        marker={"symbol": symbols, "color": colour, "size": 12, "line": {"color": colour, "width": 2}},
        hovertemplate="<b>%{customdata[0]}</b><br>held %{customdata[1]} %{customdata[2]}"
        f"<br>%{{customdata[3]}} to %{{customdata[4]}} UTC<br>{certainty}<extra></extra>",
    )


def _fields(item: Lifetime) -> list[str]:
    start = moment(item.valid_from) + ("" if item.from_known else " (start not in evidence)")
    end = ("still open" if item.valid_to is None else moment(item.valid_to)) + (
        "" if item.to_known else " (end not in evidence)"
    )
    return [label(item.workload), label(item.holds_kind), label(item.holds), start, end]
