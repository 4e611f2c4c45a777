"""The brush on the screen: a figure whose drag along the time axis chooses a window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from forensics.explorer.brush import Bars, Mark, window_of
from forensics.explorer.filters import NONE_TEXT
from forensics.views.drawing import severity_level
from forensics.views.labels import label, moment

HEIGHT = 154
"""Pixels."""

Chosen = Callable[[datetime | None, datetime | None], None]


class Figure:
    """A FigureWidget of stacked bars with findings above; `chosen` is called with a window, or None and None for all."""

    def __init__(self, names: Mapping[str | None, str], chosen: Chosen) -> None:
        self.widget = go.FigureWidget(data=_traces(names), layout=_layout())
        self._names = tuple(names)
        self.widget.set_trait("_config", {"responsive": True, "displayModeBar": False})
        self.widget.add_class("fxe-brush")
        self._chosen = chosen
        self._shown: tuple[datetime, datetime] | None = None
        self._drawing = False
        self.widget.layout.on_change(self._moved, "xaxis.range", "xaxis.autorange")

    def stack(self, names: Mapping[str | None, str]) -> None:
        """Have a trace for each of those values, in that order, and one for the findings."""
        with self.widget.batch_update():
            self.widget.data = []
            self.widget.add_traces(_traces(names))
        self._names = tuple(names)

    def draw(self, bars: Bars | None, marks: Sequence[Mark]) -> None:
        """Show those counts and findings, and their window."""
        self._drawing = True
        try:
            with self.widget.batch_update():
                if bars is None:
                    self._clear()
                else:
                    self._fill(bars, marks)
        finally:
            self._drawing = False

    def _clear(self) -> None:
        for trace in self.widget.data:
            trace.x, trace.y = [], []

    def _fill(self, bars: Bars, marks: Sequence[Mark]) -> None:
        *stacks, found = self.widget.data
        said = [f"{moment(bars.bins.start(number))} UTC and {bars.bins.name}" for number in bars.numbers]
        for name, trace in zip(self._names, stacks, strict=True):
            held = bars.counts[name]
            trace.x = bars.middles if any(held) else []
            trace.y = list(held) if any(held) else []
            trace.width = bars.bins.milliseconds
            trace.text = said if any(held) else []
            trace.textposition = "none"
            trace.hovertemplate = "<b>%{y:,}</b> %{fullData.name}<br>%{text}<extra></extra>"
        found.x = [mark.time for mark in marks]
        found.y = [1] * len(marks)
        found.text = [f"<b>finding</b> {_severity(mark)}<br>{mark.text}<br>{moment(mark.time)} UTC" for mark in marks]
        found.marker = {
            "symbol": "diamond",
            "size": 11,
            "color": [severity_level(mark.severity)[1] for mark in marks],
            "line": {"color": "#ffffff", "width": 1},
        }
        self._shown = (bars.start, bars.end)
        self.widget.layout.xaxis.range = [bars.start, bars.end]

    def _moved(self, _: Any, given: Any, automatic: Any) -> None:
        """Of an axis that was dragged: its new window; of one that was double-clicked: all."""
        if self._drawing:
            return
        window = window_of(given)
        if window is None:
            if automatic:
                self._chosen(None, None)
        elif window != self._shown:
            self._chosen(*window)


def _traces(names: Mapping[str | None, str]) -> list[Any]:
    stacks = [
        go.Bar(name=label(NONE_TEXT if name is None else name, 28), marker={"color": colour, "line": {"width": 0}})
        for name, colour in names.items()
    ]
    hover = "%{text}<extra></extra>"
    return [*stacks, go.Scatter(name="findings", mode="markers", yaxis="y2", showlegend=False, hovertemplate=hover)]


def _severity(mark: Mark) -> str:
    return "" if mark.severity is None else f"{mark.severity:g}"


def _layout() -> dict[str, Any]:
    faint = "rgba(138, 148, 158, 0.25)"
    axis = {"gridcolor": faint, "linecolor": faint, "zeroline": False, "tickfont": {"size": 11}}
    return {
        "template": "none",
        "barmode": "stack",
        "bargap": 0,
        "height": HEIGHT,
        "autosize": True,
        "margin": {"l": 52, "r": 12, "t": 24, "b": 36},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 11},
        "dragmode": "zoom",
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": "#ffffff", "font": {"color": "#1f2933", "size": 12}, "align": "left"},
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "traceorder": "normal",
            "yanchor": "bottom",
            "font": {"size": 11},
            "itemclick": False,
        },
        "xaxis": {**axis, "type": "date"},
        "yaxis": {**axis, "fixedrange": True, "rangemode": "tozero", "nticks": 4},
        "yaxis2": {"overlaying": "y", "fixedrange": True, "range": [0, 1.12], "visible": False},
    }
