"""The time brush: events per stretch of time, stacked by source or outcome, and the findings above them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from forensics.explorer.index import Index
from forensics.explorer.state import State
from forensics.views.bins import BIN_SQL, Bins
from forensics.views.drawing import BLUE, GREEN, GREY, ORANGE, OUTCOMES, PURPLE, SKY, VERMILION, YELLOW
from forensics.views.labels import label

STACKS = ("source", "outcome")
AT_MOST = 140
"""Bars, about."""

FINDINGS = 60
"""Findings that are marked, the most severe."""

_PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW)
OTHERS = "others"

_STACKS = """
SELECT CAST({by} AS VARCHAR) AS stack
FROM whole
GROUP BY {by}
ORDER BY count(*) DESC, stack
"""

_BINNED = f"""
SELECT {BIN_SQL} AS bin, CAST({{by}} AS VARCHAR) AS stack, count(*) AS events
FROM {{shown}}
WHERE time >= ? AND time < ?
GROUP BY 1, 2
"""

_FINDINGS = """
SELECT time, severity, title, type, finding_id
FROM finding
WHERE time >= ? AND time < ?
ORDER BY severity DESC NULLS LAST, time, finding_id
LIMIT ?
"""


@dataclass(frozen=True)
class Bars:
    """Numbers of the bins that hold events, and per stack how many are in each; the window is [start, end)."""

    bins: Bins
    start: datetime
    end: datetime
    numbers: tuple[int, ...]
    counts: dict[str | None, tuple[int, ...]]

    @property
    def middles(self) -> list[datetime]:
        """Where the bars stand."""
        return [self.bins.middle(number) for number in self.numbers]


@dataclass(frozen=True)
class Mark:
    """A finding above the bars."""

    time: datetime
    severity: float | None
    text: str


def stacks(index: Index, by: str) -> dict[str | None, str]:
    """The values that bars are stacked of over the whole case, each with its colour; the last may stand for others."""
    found = [row[0] for row in index.rows(_STACKS.format(by=by))]
    if by == "outcome":
        return {name: OUTCOMES.get(name, (GREY, ""))[0] for name in found}
    kept = found[: len(_PALETTE)]
    return dict(zip(kept, _PALETTE, strict=False)) | ({OTHERS: GREY} if len(found) > len(kept) else {})


def span(index: Index, state: State) -> tuple[datetime, datetime] | None:
    """The window that the brush shows: the state's, or from the first to the last event of the case; None without any."""
    if index.first is None:
        return None
    after = index.last + timedelta(seconds=1)
    start, end = state.start or index.first, state.end or after
    return (start, end) if start < end else (start, start + timedelta(seconds=1))


def bars(index: Index, state: State, *, by: str, names: dict[str | None, str]) -> Bars | None:
    """The counts of the events shown, per bin and stack. Raises QueryError."""
    window = span(index, state)
    if window is None:
        return None
    index.show(state)
    bins = Bins.over(*window, at_most=AT_MOST)
    rows = index.rows(_BINNED.format(by=by, shown=index.shown), (bins.width, *window))
    numbers = sorted({row[0] for row in rows})
    places = {number: place for place, number in enumerate(numbers)}
    counts = {name: [0] * len(numbers) for name in names}
    for number, stack, events in rows:
        counts[stack if stack in counts else OTHERS][places[number]] += events
    return Bars(bins, *window, tuple(numbers), {name: tuple(found) for name, found in counts.items()})


def marks(index: Index, state: State) -> list[Mark]:
    """The findings of the window, the most severe ones."""
    window = span(index, state)
    if window is None:
        return []
    rows = index.rows(_FINDINGS, (*window, FINDINGS))
    return [Mark(time, severity, label(title or kind or found)) for time, severity, title, kind, found in rows]


def window_of(given: Any) -> tuple[datetime, datetime] | None:
    """The window of an axis range as plotly gives it; None where it is none."""
    try:
        first, last = (datetime.fromisoformat(str(moment).replace(" ", "T")[:26]) for moment in given)
    except (TypeError, ValueError):
        return None
    first, last = first.replace(microsecond=0, tzinfo=None), last.replace(microsecond=0, tzinfo=None)
    return (first, max(last, first + timedelta(seconds=1))) if first <= last else None


def wider(window: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
    """Three times that window, around its middle."""
    width = window[1] - window[0]
    return window[0] - width, window[1] + width
