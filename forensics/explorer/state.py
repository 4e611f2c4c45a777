"""What the explorer shows: a window of time and filters, frozen; every state is a Timeline, and code that makes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from forensics.case import Case
from forensics.errors import UsageError
from forensics.explorer.filters import KINDS, SEVERAL, Filter
from forensics.timeline import Moment, Timeline, parse_time

Step = tuple[str, tuple[Any, ...]]
"""A method of Timeline, and its arguments."""


@dataclass(frozen=True)
class State:
    """A window [start, end) in UTC, open where None, and filters.

    Wanted values of one kind are alternatives, kinds are joined by AND, excluded values are left out each.
    """

    start: datetime | None = None
    end: datetime | None = None
    filters: tuple[Filter, ...] = ()

    def narrow(self, kind: str, value: str | None, *, excluded: bool = False) -> Self:
        """With that value wanted, or left out; a value that was the other before changes sides."""
        added = Filter(kind, value, excluded)
        order = {name: place for place, name in enumerate(KINDS)}
        kept = [item for item in self.filters if (item.kind, item.value) != (kind, value)]
        return replace(self, filters=tuple(sorted([*kept, added], key=lambda item: order[item.kind])))

    def drop(self, kind: str, value: str | None) -> Self:
        """Without the filter of that value."""
        kept = tuple(item for item in self.filters if (item.kind, item.value) != (kind, value))
        return replace(self, filters=kept)

    def without(self, kind: str) -> Self:
        """Without what is wanted of that kind: what could be chosen beside it."""
        return replace(self, filters=tuple(item for item in self.filters if item.kind != kind or item.excluded))

    def between(self, start: Moment | None, end: Moment | None) -> Self:
        """With that window. Raises UsageError."""
        first, last = (parse_time(moment) if moment is not None else None for moment in (start, end))
        if first and last and last <= first:
            raise UsageError(f"the window is empty: it ends ({end}) before it begins ({start})")
        return replace(self, start=first, end=last)

    def wanted(self, kind: str) -> tuple[Filter, ...]:
        """The values of that kind that are wanted."""
        return tuple(item for item in self.filters if item.kind == kind and not item.excluded)

    def steps(self, case: Case) -> list[Step]:
        """What narrows a Timeline of the whole case to this state. Raises UnknownName, AmbiguousName."""
        steps: list[Step] = []
        for kind in dict.fromkeys(item.kind for item in self.filters):
            steps += _wanted(case, kind, self.wanted(kind))
        for item in self.filters:
            if item.excluded:
                condition, params = item.condition(case)
                steps.append(("where", (f"NOT coalesce({condition}, FALSE)", *params)))
        if self.start or self.end:
            steps.append(("between", tuple(moment and moment.isoformat() for moment in (self.start, self.end))))
        return steps

    def timeline(self, case: Case) -> Timeline:
        """Its events. Raises UnknownName, AmbiguousName."""
        made = Timeline(case)
        for method, arguments in self.steps(case):
            made = getattr(made, method)(*arguments)
        return made

    def code(self, case: Case) -> str:
        """Python that makes the same Timeline in a cell where `case` is the case. Raises UnknownName, AmbiguousName."""
        calls = [f".{method}({', '.join(map(_literal, arguments))})" for method, arguments in self.steps(case)]
        chain = "".join(f"\n    {call}" for call in calls)
        body = f"(\n    Timeline(case){chain}\n)" if calls else "Timeline(case)"
        return f"from forensics import Timeline\n\ntimeline = {body}\ntimeline.df()"

    def sql_code(self, case: Case) -> str:
        """Python that runs the statement itself, with what is bound. Raises UnknownName, AmbiguousName."""
        timeline = self.timeline(case)
        bound = "".join(f"\n    {_literal(value)}," for value in timeline.params)
        imported = "from datetime import datetime\n\n" if any(isinstance(v, datetime) for v in timeline.params) else ""
        listed = f", [{bound}\n]" if bound else ""
        return f"{imported}case.sql({_literal(timeline.sql)}{listed}).df()"


def _wanted(case: Case, kind: str, items: Sequence[Filter]) -> Iterator[Step]:
    """The steps of the wanted values of one kind: a method of Timeline where one says it, else a condition."""
    values = [item.value for item in items]
    method = KINDS[kind].method
    if method and values and None not in values and (len(values) == 1 or kind in SEVERAL):
        yield method, tuple(values)
    elif values:
        found = [item.condition(case) for item in items]
        condition = " OR ".join(condition for condition, _ in found)
        yield "where", (condition, *(value for _, params in found for value in params))


def _literal(value: Any) -> str:
    """A value as Python writes it: text of printable lines as it is, all else escaped."""
    if isinstance(value, datetime):
        return repr(value).removeprefix("datetime.")
    if not isinstance(value, str) or value.isprintable():
        return repr(value)
    lines = value.split("\n")
    plain = all(line.isprintable() for line in lines) and '"' not in value and "\\" not in value
    return f'"""{value}"""' if plain else ascii(value)
