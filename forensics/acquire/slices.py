"""A window asked slice by slice, so that a run that was killed goes on where it was, and asks no slice twice.

Slices lie on a grid, whatever the window: equal questions give equal pages. A slice that holds much is asked in finer
ones. The last page of a slice is named so: a slice whose last page is in the case is not asked again, but for those so
late that AWS may have had more to deliver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from forensics.acquire import Found
from forensics.acquire.asking import Lost, Paged
from forensics.acquire.limiter import Limiter
from forensics.acquire.page import Asked
from forensics.acquire.step import Place, now

EPOCH = datetime(1970, 1, 1)
LATE = timedelta(minutes=30)
"""Records that are younger may not have arrived yet; twice what CloudTrail takes."""
GRID = timedelta(hours=1)
HOPELESS = ("denied", "region", "missing", "kms", "limit", "expired", "credentials", "clock")
"""Kinds of trouble that the next slice would meet too."""
_FAILURES = 3
"""Slices lost in a row after which the rest is not asked."""


@dataclass(frozen=True)
class Span:
    """From `start` until before `end`, UTC without a zone."""

    start: datetime
    end: datetime

    def cut(self, width: timedelta) -> list[Span]:
        """Its parts on a grid of that width."""
        found, at = [], self.start
        while at < self.end:
            following = min(self.end, EPOCH + ((at - EPOCH) // width + 1) * width)
            found.append(Span(at, following))
            at = following
        return found

    def settled(self) -> bool:
        """Whether all its records should have arrived."""
        return self.end <= now() - LATE


def on_grid(moment: datetime) -> datetime:
    """The full hour at or before it."""
    return EPOCH + (moment - EPOCH) // GRID * GRID


def window(place: Place, longest: timedelta) -> Span:
    """What was asked for: until now where no end is given, on whole seconds, not before `longest` ago by default."""
    end = place.wanted.end or now()
    start = place.wanted.start or on_grid(end - longest) + GRID
    return Span(start.replace(microsecond=0), (end + timedelta(microseconds=999_999)).replace(microsecond=0))


@dataclass(frozen=True)
class Level:
    """Slices of that `width`; of one with more pages than `patience` finer ones are asked instead."""

    width: timedelta
    patience: int = 0


@dataclass(frozen=True)
class Slicing:
    """One question about a window: `asked` makes it about a slice."""

    place: Place
    paged: Paged
    asked: Callable[[Span], Asked]
    limiter: Limiter
    levels: Sequence[Level]

    def found(self, span: Span) -> Iterator[Found]:
        """The pages of every slice that is not in the case. What is refused is noted, with all that is not asked then."""
        lost = 0
        for part, level in self._parts(span):
            try:
                yield from self._part(part, level)
                lost = 0
            except Lost as error:
                lost += 1
                over = error.why.kind in HOPELESS or lost == _FAILURES
                self.place.trouble(self.asked(Span(part.start, span.end) if over else part).place, error.why)
                if over:
                    return
            if self.place.stopped():
                return

    def _parts(self, span: Span) -> Iterator[tuple[Span, int]]:
        """The slices to begin with: what may not have arrived yet is one of its own."""
        recent = min(max(on_grid(now() - LATE), span.start), span.end)
        for part in Span(span.start, recent).cut(self.levels[0].width):
            yield part, 0
        if recent < span.end:
            yield Span(recent, span.end), len(self.levels) - 1

    def _part(self, span: Span, level: int) -> Iterator[Found]:
        asked = self.asked(span)
        if self.place.held(asked.last) and span.settled():
            return
        finest = level + 1 == len(self.levels)
        pages = self._pages(asked)
        if finest:
            yield from pages
            return
        finer = span.cut(self.levels[level + 1].width)
        if len(finer) == 1:
            yield from self._part(span, level + 1)
            return
        if not self._begun(finer, level + 1):
            held = list(islice(pages, self.levels[level].patience))
            if len(held) < self.levels[level].patience or (held and held[-1].uri == asked.last):
                yield from held
                return
        for part in finer:
            yield from self._part(part, level + 1)

    def _begun(self, parts: Sequence[Span], level: int) -> bool:
        """Whether a run before asked finer slices."""
        if any(self.place.held(self.asked(part).last) for part in parts):
            return True
        if level + 1 == len(self.levels):
            return False
        return any(self._begun(part.cut(self.levels[level + 1].width), level + 1) for part in parts)

    def _pages(self, asked: Asked) -> Iterator[Found]:
        """The pages of one slice; those without records are left out, but for the last."""
        number = 0
        for answer, last in self.paged.answers(self.place, asked.parameters, self.limiter):
            if last or answer[self.paged.held]:
                yield asked.answered(number, answer, last=last)
                number += 1


def written(moment: datetime) -> str:
    """A time as the parameter of a request."""
    return moment.isoformat(timespec="seconds") + "Z"


def milliseconds(moment: datetime) -> int:
    """Since the epoch."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def parameters(**given: Any) -> dict[str, Any]:
    """Those that are given."""
    return {name: value for name, value in given.items() if value}
