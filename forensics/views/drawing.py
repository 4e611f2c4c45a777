"""What all figures share: colours that colour-blind readers tell apart, the frame, the empty figure."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import wraps
from textwrap import wrap
from typing import Any, TypeVar, cast

import plotly.graph_objects as go

from forensics.timeline import Timeline
from forensics.views.labels import label, params_text

View = TypeVar("View", bound=Callable[..., go.Figure])

INK = "#1f2933"
FAINT = "#6b7785"
GRID = "#e6eaee"
BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE, YELLOW, GREY = (
    "#0072b2",
    "#56b4e9",
    "#009e73",
    "#e69f00",
    "#d55e00",
    "#cc79a7",
    "#f0e442",
    "#8a949e",
)
"""The palette of Okabe and Ito, and a grey."""

OUTCOMES = {
    "success": (BLUE, "circle"),
    "accept": (SKY, "circle"),
    "denied": (VERMILION, "x"),
    "reject": (VERMILION, "x-thin-open"),
    "error": (ORANGE, "triangle-up"),
    None: (GREY, "circle-open"),
}
"""Colour and marker of an event's outcome: never told by colour alone."""

CERTAINTIES = {"recorded": BLUE, "matched": GREEN, "bounded": SKY, "inferred": ORANGE, "shared": PURPLE}

SEVERITIES = (
    ("critical", 9.0, "#7a0019"),
    ("high", 7.0, VERMILION),
    ("medium", 4.0, ORANGE),
    ("low", 0.0, SKY),
)
"""Name, least severity, colour (page "Severity levels of GuardDuty findings")."""

LEGEND_ROW = 24
"""Height of a row of legend entries, in pixels."""

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def drawn_from(view: View) -> View:
    """A figure of a timeline that bears the statement it counts the rows of, in its layout's `meta`, and its coverage."""

    @wraps(view)
    def drawn(timeline: Timeline, *args: Any, **options: Any) -> go.Figure:
        figure = view(timeline, *args, **options)
        figure.update_layout(meta={"sql": timeline.sql, "params": list(params_text(timeline.params))})
        return _with_coverage(figure, timeline)

    return cast("View", drawn)


def _with_coverage(figure: go.Figure, timeline: Timeline) -> go.Figure:
    """A line under the subtitle: how much of the timeline's window was logged; of an empty figure what that means."""
    badge = timeline.coverage().badge
    if not badge.logs:
        return figure
    lines = [f"coverage, {badge.short}"] if figure.data else wrap(badge.of_nothing, _LINE)[:_LINES]
    title = figure.layout.title
    said = "<br>".join(filter(None, [title.subtitle.text, *(label(line, 2 * _LINE) for line in lines)]))
    more = _SUBTITLE_LINE * (len(lines) if title.subtitle.text else len(lines) - 1)
    figure.update_layout(
        title_subtitle={"text": said, "font": {"size": 12, "color": FAINT}},
        height=figure.layout.height + more,
        margin_t=figure.layout.margin.t + more,
    )
    return figure


_LINE, _LINES, _SUBTITLE_LINE = 88, 4, 16
"""Characters of a line under a title, such lines at most, and their height in pixels."""


def severity_level(severity: float | None) -> tuple[str, str]:
    """Name and colour of a severity; one that is not recorded is grey."""
    if severity is None:
        return "no severity", GREY
    return next(((name, colour) for name, least, colour in SEVERITIES if severity >= least), ("low", SKY))


def legend_at(row: int, height: int, title: str = "") -> dict[str, Any]:
    """A legend in one line at the bottom of a figure of that height; row 0 is the lowest."""
    return {
        "orientation": "h",
        "x": 0.012,
        "xref": "container",
        "y": (6 + row * LEGEND_ROW) / height,
        "yref": "container",
        "yanchor": "bottom",
        "title": {"text": title, "font": {"size": 11, "color": FAINT}},
        "font": {"size": 11},
    }


def frame(figure: go.Figure, *, title: str, subtitle: str = "", height: int, legend_rows: int = 1) -> go.Figure:
    """Give a figure the common look, in place. `title` and `subtitle` are already safe to draw."""
    figure.update_layout(
        template="none",
        title=_title(title, subtitle),
        font={"family": _FONT, "size": 12, "color": INK},
        paper_bgcolor="#ffffff",
        plot_bgcolor="#ffffff",
        height=height,
        margin={"l": 14, "r": 34, "t": 72, "b": 56 + LEGEND_ROW * legend_rows},
        hovermode="closest",
        showlegend=True,
        hoverlabel={
            "bgcolor": "#ffffff",
            "bordercolor": FAINT,
            "font": {"color": INK, "size": 12},
            "align": "left",
        },
        legend=legend_at(0, height),
    )
    figure.update_xaxes(
        gridcolor=GRID,
        linecolor=GRID,
        zeroline=False,
        tickcolor=GRID,
        ticks="outside",
        title_font={"color": FAINT},
    )
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True, title_font={"color": FAINT})
    return figure


def _title(title: str, subtitle: str) -> dict[str, Any]:
    return {
        "text": title,
        "subtitle": {"text": subtitle, "font": {"size": 12, "color": FAINT}},
        "font": {"size": 17, "color": INK},
        "x": 0,
        "xref": "container",
        "xanchor": "left",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        "pad": {"t": 14, "l": 14},
    }


def empty_figure(title: str, message: str) -> go.Figure:
    """A small figure that says why there is nothing to draw."""
    figure = frame(go.Figure(), title=title, height=180)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(
        text=message,
        x=0.5,
        y=0.5,
        xref="paper",
        yref="paper",
        showarrow=False,
        font={"size": 14, "color": FAINT},
    )
    return figure


def window(first: datetime, last: datetime, *, share: float = 0.025) -> list[datetime]:
    """An axis range around [first, last] with that share of it, at least a second, left free."""
    pad = max((last - first) * share, timedelta(seconds=1 if first < last else 30))
    return [first - pad, last + pad]


def lanes(figure: go.Figure, names: Sequence[str], *, row: int = 1) -> None:
    """Make the y axis of that row one lane per name, the first on top; names are already safe to draw."""
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=list(names),
        range=[len(names) - 0.45, -0.55],
        showgrid=False,
        ticklabelstandoff=6,
        row=row,
        col=1,
    )
    axis = "" if row == 1 else str(row)
    between = {
        "type": "line",
        "xref": f"x{axis} domain",
        "yref": f"y{axis}",
        "x0": 0,
        "x1": 1,
        "layer": "below",
    }
    drawn = {**between, "line": {"color": GRID, "width": 1}}
    figure.layout.shapes += tuple({**drawn, "y0": y - 0.5, "y1": y - 0.5} for y in range(1, len(names)))
