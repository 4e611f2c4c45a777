"""What an answer rests on: how much of a window a log was logged, in a word and in a sentence that names what is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, Self

from forensics.carded import Carded
from forensics.case import Case, Query
from forensics.coverage import BESIDES
from forensics.errors import UsageError
from forensics.sources import sources
from forensics.timeline import Moment, Scope, parse_time

if TYPE_CHECKING:
    import pandas as pd

    from forensics.cards.card import Card

COLUMNS = (
    "source",
    "account_id",
    "region",
    "hour",
    "records",
    "status",
    "cause",
    "bytes",
    "since",
    "until",
    "event_id",
)

MOST = 4
"""Logs that a sentence tells of; the others are counted."""

_WORDS = {
    "switched_off": "switched off",
    "tampered": "tampered with",
    "missing": "missing",
    "unknown": "unknown",
}
"""What is not logged, the most telling first."""

_HOUR = timedelta(hours=1)
_FIRST = datetime(1, 1, 2)

OUTSIDE = "outside the hours that the evidence spans"
NO_EVIDENCE = "no record of it is in evidence, and nothing says whether it was on"
LATE = "it may not have been delivered when it was acquired"

_SPENT = """
SELECT source, status, cause, records > 0 AS held, CAST(sum(date_diff('second', first, last)) AS BIGINT) AS seconds,
  CAST(sum(CASE WHEN status = 'switched_off'
    THEN greatest(0, date_diff('second', greatest(first, coalesce(since, first)), least(last, coalesce(until, last))))
    ELSE date_diff('second', first, last) END) AS BIGINT) AS stated
FROM (
  SELECT source, status, cause, records, since, until, greatest(hour, coalesce(CAST(? AS TIMESTAMP), hour)) AS first,
    least(hour + INTERVAL 1 HOUR, coalesce(CAST(? AS TIMESTAMP), hour + INTERVAL 1 HOUR)) AS last
  FROM ({covered}) AS c
) AS clipped
GROUP BY source, status, cause, records > 0
ORDER BY source, status, cause, records > 0
"""
"""Seconds of the window by what is said of them; `stated` is what of an hour was switched off, the rest is told besides."""

_PLACES = """
SELECT source, count(*) AS places
FROM (SELECT DISTINCT source, account_id, region FROM ({covered}) AS c) AS p
GROUP BY source
"""


@dataclass(frozen=True)
class Share:
    """How much of the window of a log has a status: seconds of all its places (accounts and Regions), and why.

    `explained` are the seconds that have a cause; hours that are present have one where they are not whole.
    """

    status: str
    seconds: int
    cause: str | None
    causes: int
    explained: int


@dataclass(frozen=True)
class Log:
    """A log of an answer: its shares, over so many places."""

    source: str
    places: int
    shares: tuple[Share, ...]

    @property
    def seconds(self) -> int:
        """The window, in all places."""
        return sum(share.seconds for share in self.shares)

    @property
    def logged(self) -> int:
        """Seconds that are present, or proven silent."""
        return sum(share.seconds for share in self.shares if share.status in ("present", "silent"))

    @property
    def whole(self) -> bool:
        """Whether all of it was logged, and nothing says that something is lacking."""
        return 0 < self.seconds == self.logged and not any(self._lacking(share) for share in self.shares)

    @property
    def sentence(self) -> str:
        """How much was logged, what of that is not whole, and what the rest is."""
        if not self.seconds:
            return f"{self.source}: {NO_EVIDENCE}"
        window = f"{_hours(self.seconds // self.places)}" + (f" in {self.places:,} places" if self.places > 1 else "")
        rest = [self._said(share) for word in _WORDS for share in self.shares if share.status == word and share.seconds]
        part = [
            f"{_hours(share.explained)} of that not whole{_why(share)}" for share in self.shares if self._lacking(share)
        ]
        return f"{self.source}: " + "; ".join(
            [f"logged {percent(self.logged, self.seconds)} of {window}", *part, *rest]
        )

    @staticmethod
    def _lacking(share: Share) -> bool:
        return share.status == "present" and share.explained > 0

    @staticmethod
    def _said(share: Share) -> str:
        return f"{_hours(share.seconds)} {_WORDS[share.status]}{_why(share)}"


@dataclass(frozen=True)
class Badge:
    """`word` is logged, partly logged, not logged or unknown; `sentence` says how much, and what the rest is."""

    logs: tuple[Log, ...]

    @property
    def word(self) -> str:
        """The verdict over all logs of the answer."""
        whole, logged = sum(log.seconds for log in self.logs), sum(log.logged for log in self.logs)
        if whole and all(log.whole for log in self.logs):
            return "logged"
        if logged:
            return "partly logged"
        off = any(share.status != "unknown" and share.seconds for log in self.logs for share in log.shares)
        return "not logged" if off else "unknown"

    @property
    def lines(self) -> tuple[str, ...]:
        """A sentence for each log, those with the largest gaps first."""
        return tuple(log.sentence for log in sorted(self.logs, key=_first))

    @property
    def sentence(self) -> str:
        """What was logged of which log; the logs with the largest gaps stand for the others."""
        if not self.logs:
            return "no log of this window is in evidence"
        short = [log for log in self.logs if not log.whole]
        if not short:
            names = ", ".join(log.source for log in self.logs[:MOST])
            rest = f" and {len(self.logs) - MOST:,} more" if len(self.logs) > MOST else ""
            return f"{names}{rest}: logged 100 % of {_hours(max(log.seconds // log.places for log in self.logs))}"
        more = len(short) - MOST
        whole = len(self.logs) - len(short)
        said = [
            *(log.sentence for log in sorted(short, key=_first)[:MOST]),
            *([f"{more:,} more with gaps"] if more > 0 else []),
        ]
        return " · ".join([*said, *([f"{whole:,} logged whole"] if whole else [])])

    @property
    def short(self) -> str:
        """A few words, for the subtitle of a figure."""
        said = [f"{log.source} {percent(log.logged, log.seconds)}" for log in sorted(self.logs, key=_first)]
        rest = f", {len(said) - MOST:,} more" if len(said) > MOST else ""
        return f"{self.word}: {', '.join(said[:MOST])}{rest}" if said else self.word

    @property
    def of_nothing(self) -> str:
        """What it means that an answer over this window is empty."""
        if self.word == "logged":
            return f"No event, and the window was logged: {self.sentence}."
        return f"No event, which does not mean that nothing happened: {self.word}: {self.sentence}."

    def __str__(self) -> str:
        """The word and the sentence."""
        return f"{self.word}: {self.sentence}"


def _shares(rows: Iterable[tuple[Any, ...]]) -> list[Share]:
    """The shares of a log, by status: the part of an hour that was not switched off is of what its cause says besides."""
    spent: dict[str, Counter[tuple[bool, str | None]]] = {}
    for status, cause, held, seconds, stated in rows:
        first, _, rest = (cause or "").partition(BESIDES)
        spent.setdefault(status, Counter())[False, first if cause is not None else None] += stated
        if seconds > stated:
            spent.setdefault("present" if held else "unknown", Counter())[True, rest or None] += seconds - stated
    return [_share(status, spent[status]) for status in sorted(spent)]


def _share(status: str, spent: Counter[tuple[bool, str | None]]) -> Share:
    """A status: the cause that explains most of it, and how many causes there are."""
    said = [(seconds, cause) for (_, cause), seconds in spent.items() if cause is not None]
    cause = min(said, key=lambda item: (-item[0], item[1]))[1] if said else None
    causes = sum(seconds > 0 for seconds, _ in said)
    return Share(status, spent.total(), cause, causes, sum(seconds for seconds, _ in said))


def percent(part: int, whole: int) -> str:
    """A share in whole per cent, never rounded to all or to nothing."""
    if not whole:
        return "0 %"
    return f"{100 if part == whole else 0 if not part else min(max(round(100 * part / whole), 1), 99)} %"


def _hourly(name: str) -> bool:
    """Whether an hour without it lacks anything; of a source whose module is not here, every hour counts."""
    return name not in sources() or sources()[name].about.hourly


def _first(log: Log) -> tuple[float, bool, str]:
    """The order of logs: those with the largest gaps first."""
    return log.logged / log.seconds if log.seconds else 0.0, log.whole, log.source


def _why(share: Share) -> str:
    cause = LATE if share.cause == "late" else share.cause
    more = f", and {share.causes - 1:,} more" if share.causes > 1 else ""
    return f" ({cause}{more})" if cause else ""


def _hours(seconds: int) -> str:
    return (
        f"{seconds // 60:,} min"
        if seconds < 7200 and seconds % 3600
        else f"{seconds / 3600:,.1f}".removesuffix(".0") + " h"
    )


def _hour_before(moment: datetime) -> datetime:
    """Later hours touch the time from that moment on."""
    return moment - _HOUR if moment > _FIRST else moment


@dataclass(frozen=True, repr=False)
class Coverage(Carded):
    """Cells of the table `coverage`; each method returns a narrower one and runs nothing."""

    case: Case
    scope: Scope = field(default_factory=Scope)

    def source(self, *names: str) -> Self:
        """Only those sources. Raises UnknownName."""
        return replace(self, scope=replace(self.scope, sources=tuple(self.case.source_named(name) for name in names)))

    def account(self, *ids: str) -> Self:
        """Only those accounts."""
        return replace(self, scope=replace(self.scope, accounts=ids))

    def region(self, *names: str) -> Self:
        """Only those Regions."""
        return replace(self, scope=replace(self.scope, regions=names))

    def between(self, start: Moment | None = None, end: Moment | None = None) -> Self:
        """Only hours that touch [start, end); times are UTC. Raises UsageError."""
        first, last = (parse_time(moment) if moment is not None else None for moment in (start, end))
        if first and last and last <= first:
            raise UsageError(f"the window is empty: it ends ({end}) before it begins ({start})")
        return replace(self, scope=replace(self.scope, start=first, end=last))

    @property
    def sql(self) -> str:
        """The statement, with `?` for each of `params`."""
        return self._select() + "\nORDER BY source, account_id, region, hour"

    @property
    def params(self) -> tuple[Any, ...]:
        """Its values."""
        return tuple(value for _, values in self._conditions() for value in values)

    @property
    def query(self) -> Query:
        """The statement, bound to the case."""
        return self.case.sql(self.sql, self.params)

    def select(self, sql: str) -> Query:
        """A query over these cells, which `sql` calls `covered`."""
        return self.case.sql(f"WITH covered AS (\n{self._select()}\n)\n{sql}", self.params)

    def df(self) -> pd.DataFrame:
        """The cells as a pandas DataFrame."""
        return self.query.df()

    def rows(self) -> list[tuple[Any, ...]]:
        """The cells as tuples, in the order of `COLUMNS`."""
        return self.query.rows()

    @cached_property
    def badge(self) -> Badge:
        """How much of the window was logged, and what the rest is."""
        select, bounds = self._select(), (self.scope.start, self.scope.end)
        places = dict(self.case.sql(_PLACES.format(covered=select), self.params).rows())
        spent = self.case.sql(_SPENT.format(covered=select), (*bounds, *self.params)).rows()
        found = {name: _shares(row[1:] for row in rows) for name, rows in groupby(spent, key=lambda row: str(row[0]))}
        named = dict.fromkeys((*self.scope.sources, *found))
        return Badge(
            tuple(self._log(name, int(places.get(name, 1)), found.get(name, [])) for name in named if _hourly(name))
        )

    def remark(self, *, empty: bool) -> str:
        """What to say beside an answer over these cells, `empty` or not; nothing of a case without coverage."""
        badge = self.badge
        if empty:
            return badge.of_nothing
        return f"Coverage: {badge}." if badge.logs else ""

    def _log(self, name: str, places: int, shares: list[Share]) -> Log:
        start, end = self.scope.start, self.scope.end
        left = 0
        if start and end:
            left = int((end - start).total_seconds()) * places - sum(share.seconds for share in shares)
        rest = [Share("unknown", left, OUTSIDE if shares else NO_EVIDENCE, 1, left)] if left > 0 else []
        return Log(name, places, (*shares, *rest))

    def _select(self) -> str:
        where = "\n  AND ".join(condition for condition, _ in self._conditions())
        return f"SELECT {', '.join(COLUMNS)}\nFROM coverage" + (f"\nWHERE {where}" if where else "")

    def _conditions(self) -> list[tuple[str, tuple[Any, ...]]]:
        scope = self.scope
        lists = (("source", scope.sources), ("account_id", scope.accounts), ("region", scope.regions))
        made: list[tuple[str, tuple[Any, ...]]] = [
            (f"{name} IN ({', '.join('?' for _ in values)})", tuple(values)) for name, values in lists if values
        ]
        made += [("hour > ?", (_hour_before(scope.start),))] if scope.start else []
        return made + ([("hour < ?", (scope.end,))] if scope.end else [])

    def __str__(self) -> str:
        """The badge, a log a line."""
        return "\n".join([self.badge.word, *self.badge.lines])

    def card(self) -> Card:
        """Every log in a sentence, what is not logged, and why. Raises QueryError."""
        from forensics.cards.hours import hours

        return hours(self)

    def _plainly(self) -> str:
        return f"coverage of {self.case.path}, which cannot be read"
