"""A timeline: events of a principal, a workload, a resource, a window; refined without running, always showing its SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from forensics import event
from forensics.carded import Carded
from forensics.case import Case, Query
from forensics.errors import AmbiguousName, UnknownName, UsageError
from forensics.source import EVENT_COLUMNS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from forensics.cards.card import Card
    from forensics.covered import Coverage
    from forensics.export import Exported

Moment = str | date | datetime

_EITHER = re.compile(r"\bor\b", re.IGNORECASE)
"""Conditions are joined by AND: an OR within one has to stay within it."""

_OF_WORKLOAD = """
SELECT a.object_id, a.record
FROM attribution AS a
WHERE a.workload = ?
UNION ALL{about}
UNION ALL{found}
UNION ALL
SELECT e.object_id, e.record
FROM event AS e
WHERE e.source = 'lambda_log'
  AND e.resources[2] IN (SELECT holds FROM lifetime WHERE workload = ? AND holds_kind = 'execution_environment')"""
"""The places of a workload's events: attributed to it, about it, findings of it, written by it."""

_WORKLOAD = """(
  event_id IN (SELECT event_id FROM attribution WHERE workload = ?)
  OR list_contains(resources, ?)
  OR event_id IN (SELECT finding_id FROM finding WHERE workload = ?)
  OR (source = 'lambda_log' AND resources[2] IN (
    SELECT holds FROM lifetime WHERE workload = ? AND holds_kind = 'execution_environment')))"""

_FOUND = "SELECT finding_id AS event_id FROM finding WHERE workload = ?"

_IDS = "SELECT u.event_id FROM unnest(CAST(? AS VARCHAR[])) AS u(event_id)"
_AT = """
WITH place AS ({places}
)
SELECT e.object_id, e.record
FROM event AS e
WHERE {at}
  AND e.event_id IN ({ids})"""
"""Places hold the events of those ids, and may hold others."""

_WITH_TAGS = f"""
SELECT {", ".join(f"t.{name}" for name in EVENT_COLUMNS)}, coalesce(g.tags, CAST([] AS VARCHAR[])) AS tags
FROM timeline AS t
LEFT JOIN (
  SELECT u.pair[1] AS event_id, array_agg(u.pair[2] ORDER BY u.pair[2]) AS tags
  FROM unnest(CAST(? AS VARCHAR[][])) AS u(pair)
  GROUP BY u.pair[1]
) AS g ON g.event_id = t.event_id
ORDER BY t.time, t.event_id
"""


@dataclass(frozen=True)
class Scope:
    """Which logs, where and when an answer is about, as far as its narrowing says; empty is all."""

    sources: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None

    def within(self, start: datetime | None, end: datetime | None) -> Scope:
        """Only the part of the window between two moments, where they are given."""
        starts = [moment for moment in (self.start, start) if moment]
        ends = [moment for moment in (self.end, end) if moment]
        return replace(self, start=max(starts, default=None), end=min(ends, default=None))

    def of_arn(self, arn: str) -> Scope:
        """Only the account and the Region that an ARN names."""
        parts = arn.split(":") if arn.startswith("arn:") else []
        region, account = (parts[3], parts[4]) if len(parts) > 5 else ("", "")
        return replace(
            self,
            accounts=(account,) if account.isdigit() else self.accounts,
            regions=(region,) if region else self.regions,
        )


@dataclass(frozen=True)
class Step:
    """A call that narrowed a timeline: the method's name and what it was given."""

    name: str
    given: tuple[Any, ...]

    def __str__(self) -> str:
        """As Python text; what was given is quoted by `repr`."""
        return f".{self.name}({', '.join(map(repr, self.given))})"


@dataclass(frozen=True)
class Located:
    """Where the events of a condition stand, so that no other is read: `places` selects `object_id, record`.

    `condition` is the place of the condition among those of the timeline, `values` those of what is bound there.
    """

    condition: int
    values: range
    places: str
    bound: tuple[Any, ...]


@dataclass(frozen=True, repr=False)
class Timeline(Carded):
    """Events of a case in order of time; each method returns a narrower timeline and runs nothing.

    `.df()`, `.arrow()` and `.rows()` run it; `.sql` and `.params` are what would run, `.python` makes it again.
    Each of `conditions`, with `bound`, holds for any table with the columns of `event`.
    """

    case: Case
    conditions: tuple[str, ...] = ()
    bound: tuple[Any, ...] = ()
    located: tuple[Located, ...] = ()
    scope: Scope = field(default_factory=Scope)
    steps: tuple[Step, ...] = field(default=(), compare=False)

    def where(self, condition: str, *params: Any) -> Self:
        """Only events for which that SQL condition over the columns of `event` holds; values go in `params`."""
        return self._narrowed(Step("where", (condition, *params)), condition, *params)

    def principal(self, name: str) -> Self:
        """Only calls of that principal: ARN, unique id or bare name. Raises UnknownName, AmbiguousName."""
        from forensics.identity import find_principal

        key = find_principal(self.case, name)
        return replace(self._narrowed(Step("principal", (key,)), "principal = ?", key), scope=self.scope.of_arn(key))

    def session(self, arn: str) -> Self:
        """Only calls of the role session of that STS ARN."""
        return replace(self._narrowed(Step("session", (arn,)), "session = ?", arn), scope=self.scope.of_arn(arn))

    def access_key(self, access_key_id: str) -> Self:
        """Only events of that access key."""
        return self._narrowed(Step("access_key", (access_key_id,)), "access_key_id = ?", access_key_id)

    def workload(self, name: str) -> Self:
        """Only events attributed to, about or written by that workload: key or bare name.

        Raises UnknownName, AmbiguousName.
        """
        key = find_workload(self.case, name)
        of_it = _OF_WORKLOAD.format(about=event.about("?"), found=event.places(_FOUND, findings=True))
        narrowed = self._narrowed(Step("workload", (key,)), _WORKLOAD, *(key,) * 4, places=of_it)
        return replace(narrowed, scope=self.scope.of_arn(key))

    def resource(self, name: str) -> Self:
        """Only events about that ARN or id."""
        few = not name.startswith("arn:")  # what is about an interface or instance is sought among flow records
        about_it = event.about("?") if few else ""
        narrowed = self._narrowed(Step("resource", (name,)), "list_contains(resources, ?)", name, places=about_it)
        return replace(narrowed, scope=self.scope.of_arn(name))

    def address(self, address: str) -> Self:
        """Only events from or to that address, as recorded."""
        either = "(source_ip = ? OR destination_ip = ?)"
        return self._narrowed(Step("address", (address,)), either, address, address)

    def source(self, *names: str) -> Self:
        """Only those sources. Raises UnknownName."""
        return self._within("source", "source", tuple(self.case.source_named(name) for name in names))

    def account(self, *ids: str) -> Self:
        """Only events recorded of those accounts."""
        return self._within("account", "account_id", ids)

    def region(self, *names: str) -> Self:
        """Only events recorded of those Regions."""
        return self._within("region", "region", names)

    def _within(self, step: str, column: str, values: tuple[str, ...]) -> Self:
        """Only events with one of those values, and only that part of the scope; none is all."""
        if not values:
            return self
        before: tuple[str, ...] = getattr(self.scope, f"{step}s")
        scoped: dict[str, Any] = {f"{step}s": tuple(x for x in before if x in values) if before else values}
        narrowed = self._narrowed(Step(step, values), f"{column} IN ({', '.join('?' for _ in values)})", *values)
        return replace(narrowed, scope=replace(self.scope, **scoped))

    def between(self, start: Moment | None = None, end: Moment | None = None) -> Self:
        """Only events that touch [start, end); times are UTC. Raises UsageError."""
        first, last = (parse_time(moment) if moment is not None else None for moment in (start, end))
        if first and last and last <= first:
            raise UsageError(f"the window is empty: it ends ({end}) before it begins ({start})")
        ends = [("coalesce(end_time, time) >= ?", first), ("time < ?", last)]
        added = [(condition, moment) for condition, moment in ends if moment]
        if not added:
            return self
        narrowed = replace(
            self,
            conditions=(*self.conditions, *(condition for condition, _ in added)),
            bound=(*self.bound, *(moment for _, moment in added)),
            steps=(*self.steps, Step("between", tuple(moment.isoformat() if moment else None for _, moment in ends))),
        )
        return replace(narrowed, scope=self.scope.within(first, last))

    def _narrowed(self, step: Step, condition: str, *bound: Any, places: str = "") -> Self:
        """Only events for which the condition holds; `places` is the SELECT of where they stand, of the first value."""
        whole = f"({condition})" if _EITHER.search(condition) else condition
        kept = replace(
            self, conditions=(*self.conditions, whole), bound=(*self.bound, *bound), steps=(*self.steps, step)
        )
        if not places:
            return kept
        values = range(len(self.bound), len(kept.bound))
        located = Located(len(self.conditions), values, places, (bound[0],) * places.count("?"))
        return replace(kept, located=(*self.located, located))

    @property
    def python(self) -> str:
        """The Python text that makes it of `case`: to copy, or to hand on."""
        return f"Timeline(case){''.join(map(str, self.steps))}"

    def tagged(self, *tags: str) -> Self:
        """Only events that have one of those tags now; tags put on later need another call."""
        ids = sorted({key for tag in tags for key in self.case.notes.keys(tag)})
        return self._narrowed(
            Step("tagged", tags),
            f"event_id IN ({_IDS})",
            ids,
            places=_AT.format(places=event.places(_IDS), at=event.at("place"), ids=_IDS),
        )

    def with_tags(self) -> Query:
        """The events, in order of time, each with its `tags`, a list."""
        return self.select(_WITH_TAGS, self.case.notes.pairs())

    def coverage(self) -> Coverage:
        """What is logged of its own sources, accounts, Regions and window, as far as its narrowing names them."""
        from forensics.covered import Coverage

        return Coverage(self.case, self.scope)

    @property
    def sql(self) -> str:
        """The statement, with `?` for each of `params`."""
        return self._select() + "\nORDER BY time, event_id"

    @property
    def query(self) -> Query:
        """The statement, bound to the case."""
        return self.case.sql(self.sql, self.params)

    def select(self, sql: str, *params: Any) -> Query:
        """A query over this timeline, which `sql` calls `timeline`: counts, bins, whatever touches rows."""
        return self.case.sql(f"WITH timeline AS (\n{self._select()}\n)\n{sql}", (*self.params, *params))

    def df(self) -> pd.DataFrame:
        """The events as a pandas DataFrame."""
        return self.query.df()

    def arrow(self) -> pa.Table:
        """The events as a pyarrow Table."""
        return self.query.arrow()

    def rows(self) -> list[tuple[Any, ...]]:
        """The events as tuples, in the order of `EVENT_COLUMNS`."""
        return self.query.rows()

    def count(self) -> int:
        """How many events it holds."""
        return int(self.select("SELECT count(*) FROM timeline").rows()[0][0])

    def export(
        self, path: str | Path, *, format: str | None = None, raw: bool = False, overwrite: bool = False
    ) -> Exported:
        """Write the events to a new file: csv, jsonl, parquet, timesketch, or ocsf (a folder); by suffix unless given.

        What it left out, altered and cannot show is in what it returns, and beside the file. Raises UsageError,
        ForensicsError (cannot write).
        """
        from forensics.export import export

        return export(self, path, format=format, raw=raw, overwrite=overwrite)

    @property
    def params(self) -> tuple[Any, ...]:
        """The values for the `?` of `sql`, in order."""
        places = [value for item in self.located for value in item.bound]
        instead = {number for item in self.located for number in item.values}
        return (*places, *(value for number, value in enumerate(self.bound) if number not in instead))

    def _select(self) -> str:
        """The events; where they stand is asked first, so that the other conditions are held against those alone."""
        places = [(f"place_{number}", item.places.strip()) for number, item in enumerate(self.located, 1)]
        named = ", ".join(f"{name} AS (\n{sql}\n)" for name, sql in places)
        instead = {item.condition for item in self.located}
        rest = [condition for number, condition in enumerate(self.conditions) if number not in instead]
        conditions = [*(event.at(name) for name, _ in places), *rest]
        where = "\nWHERE " + "\n  AND ".join(conditions) if conditions else ""
        return f"{f'WITH {named}' if named else ''}\nSELECT {', '.join(EVENT_COLUMNS)}\nFROM event{where}".strip()

    def card(self) -> Card:
        """How many events it holds, and the first of them. Raises QueryError."""
        from forensics.cards.events import events

        return events(self)

    def _plainly(self) -> str:
        return self.python


def parse_time(moment: Moment) -> datetime:
    """A time in UTC without a zone, from a date, a datetime or ISO 8601 text. Raises UsageError."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if isinstance(moment, date):
        return datetime.combine(moment, time())
    try:
        return parse_time(datetime.fromisoformat(moment.strip()))
    except (ValueError, OverflowError):
        raise UsageError(
            f"not a time: {moment!r}; write 2026-11-05, 2026-11-05T09:12 or 2026-11-05T09:12:31Z (UTC unless it says)"
        ) from None


def find_workload(case: Case, name: str) -> str:
    """The key of the workload of that key or bare name. Raises UnknownName, AmbiguousName."""
    found = case.sql(
        "SELECT workload FROM workload WHERE workload = ? OR name = ? ORDER BY workload", (name, name)
    ).rows()
    keys = [str(row[0]) for row in found]
    if name in keys:
        return name
    if len(keys) > 1:
        raise AmbiguousName("workload", name, keys)
    if not keys:
        raise UnknownName("workload", name, (row[0] for row in case.sql("SELECT workload FROM workload").rows()))
    return keys[0]
