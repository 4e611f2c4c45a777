"""What a report says of the logs that its question needs: how much of the window was logged, and what they never show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from markupsafe import Markup

from forensics.case import Case
from forensics.report.appendix import Section
from forensics.report.display import show_table
from forensics.source import QUESTIONS
from forensics.sources import sources

_READ_SO = (
    "Whatever these logs say or do not say, they never, or not surely, show this: that nothing of it is in the report"
    " does not mean that it did not happen."
)


def logged(case: Case, names: Sequence[str]) -> Mapping[str, str]:
    """A sentence for each log: how much of the case's hours it was logged, and what the rest is."""
    badge = case.coverage().source(*names).badge
    return {"in a word": badge.word, **{log.source: log.sentence.partition(": ")[2] for log in badge.logs}}


def blind_spots(names: Sequence[str]) -> Section:
    """The blind spots of those logs, each with what it bears on."""
    table = pd.DataFrame(list(_rows(names)), columns=["log", "bears on", "what it cannot show"])
    return Section(
        "Blind spots of these logs",
        "blind-spots",
        Markup(f'<p class="fx-text">{_READ_SO}</p>{show_table(table, limit=None).html}'),
    )


def _rows(names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for name in names:
        source = sources()[name]
        for spot in source.about.blind_spots:
            yield source.title, QUESTIONS[spot.question], str(spot)
