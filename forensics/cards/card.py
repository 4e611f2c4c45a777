"""What every card is: facts, answers with their certainty, and parts, each of which is a query that can be run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from forensics.cards.tables import SHORT
from forensics.case import Case, Query
from forensics.timeline import Scope

if TYPE_CHECKING:
    import pandas as pd

    from forensics.covered import Coverage
    from forensics.report.display import Shown

NOT_LOADED = "the case holds none yet: `forensics add` evidence to it, then `forensics load`"
"""What to do where there is nothing that a name could mean."""

SHORTEST = timedelta(minutes=10)
"""Of a shorter time it is said what was logged around it: logs are delivered by minutes."""

JUDGED = "inferred"
"""How certain it is at most that a place is not the workload's own: no record states that, not even a finding."""


@dataclass(frozen=True)
class Answer:
    """One sentence of a card, and how certain it is; without a certainty it says what the records do not."""

    text: str
    certainty: str | None = None


@dataclass(frozen=True)
class Part:
    """A table of a card: its query, and the headings of the columns it shows.

    Where there are no rows the part is left out, unless `none` says what that means. `limit` rows are shown; `total`
    is how many there are, where that is known already. `brief` shows of an ARN what it ends with, of a list one item.
    `ask` is the Python text of all of its rows, where that is no attribute of the card. Without headings all columns
    are shown, those without a value too.
    """

    title: str
    query: Query
    headings: Mapping[str, str]
    none: str = ""
    limit: int = SHORT
    total: int | None = None
    brief: bool = False
    ask: str = ""


@dataclass(frozen=True, repr=False)
class Card:
    """What is known of one thing. The attributes are its row, `.query` made it, the parts are queries of their own."""

    case: Case
    query: Query

    kind_of_card: ClassVar[str] = ""
    asks: ClassVar[tuple[str, ...]] = ()
    """The questions of `forensics.source.QUESTIONS` that it answers: what logs cannot show of them is said."""
    opened: ClassVar[bool] = False
    """Whether its coverage is shown log by log."""

    @property
    def call(self) -> str:
        """The Python text that makes it of `case`; names are quoted by `repr`."""
        return f"case.{self.kind_of_card}({self.heading!r})"

    @property
    def heading(self) -> str:
        """What the card is about, as it is looked up."""
        raise NotImplementedError

    @property
    def key(self) -> str:
        """What it is noted under: its heading, unless it has a key of its own."""
        return self.heading

    @property
    def sql(self) -> str:
        """The text of the query that the attributes come from."""
        return self.query.sql

    def rows(self) -> list[tuple[Any, ...]]:
        """The rows of that query."""
        return self.query.rows()

    def df(self) -> pd.DataFrame:
        """The rows of that query as a pandas DataFrame."""
        return self.query.df()

    def answers(self) -> tuple[Answer, ...]:
        """What the card says in sentences."""
        return ()

    def facts(self) -> Mapping[str, Any]:
        """What it says in words and values; what is None is not shown."""
        return {}

    def parts(self) -> tuple[Part, ...]:
        """What it says in tables."""
        return ()

    def coverage(self) -> Coverage | None:
        """How much of the time that it spans was logged; None where that is no question."""
        return None

    def leads(self) -> tuple[str, ...]:
        """Ready calls to go on with."""
        return ()

    def body(self) -> Shown | None:
        """What it shows beside sentences, facts and tables."""
        return None

    def shown(self) -> Shown:
        """The card drawn, as HTML and as text."""
        from forensics.cards.drawing import drawn

        return drawn(self)

    def _repr_html_(self) -> str:
        return self.shown()._repr_html_()

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        return self.shown()._repr_mimebundle_(**options)

    def __repr__(self) -> str:
        return self.shown().text

    def __str__(self) -> str:
        return self.shown().text


def spanned(case: Case, arn: str | None, first: datetime | None, last: datetime | None) -> Coverage | None:
    """What is logged between two moments in the account and Region that an ARN names; None without a moment."""
    from forensics.covered import Coverage

    ends = [moment for moment in (first, last) if moment]
    if not ends:
        return None
    first, last = min(ends), max(ends) + timedelta(seconds=1)
    if last - first < SHORTEST:
        first, last = (first - SHORTEST / 2).replace(microsecond=0), (last + SHORTEST / 2).replace(microsecond=0)
    scope = Scope(start=first, end=last)
    return Coverage(case, scope.of_arn(arn or ""))


def findings_part(query: Query, headings: Mapping[str, str]) -> Part:
    """The part of the findings; where rules or behaviours have not looked at all of the case, it says so."""
    from forensics.detect import ran

    short = ran.in_short(query.case)
    named = {"time": "time", "source": "found by", "severity": "severity", "title": "title", "finding_id": "finding"}
    said = ran.remark(query.case)
    none = f"None; {said}." if said else ""
    return Part(f"Findings ({short})" if short else "Findings", query, named | dict(headings), none)


def found(query: Query) -> tuple[Any, ...]:
    """The one row of a query that a name was resolved for."""
    (row,) = query.rows()
    return row


def weakest(*certainties: str | None) -> str | None:
    """The certainty of a chain: that of its weakest link."""
    from forensics.report.display import MEANINGS

    words = list(MEANINGS)
    return max((word for word in certainties if word in MEANINGS), key=words.index, default=None)
