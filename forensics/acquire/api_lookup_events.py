"""CloudTrail's event history (`LookupEvents`): 90 days of management and Insights events, where no trail wrote them.

It has no data events. Source: pages "Working with CloudTrail Event history" and "LookupEvents".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from forensics.acquire import Found
from forensics.acquire.asking import Paged
from forensics.acquire.limiter import Limiter
from forensics.acquire.page import Asked
from forensics.acquire.slices import GRID, Level, Slicing, Span, on_grid, parameters, window, written
from forensics.acquire.step import Asking, Place, now
from forensics.aws import Trouble

KEPT = timedelta(days=90)
"""How long CloudTrail keeps events."""
RATE = 2.0
"""Requests a second that AWS allows of one account in one Region."""
LEVELS = (Level(timedelta(days=10), 20), Level(timedelta(days=1), 48), Level(timedelta(hours=1)))
"""A slice is given up for finer ones after twice as many pages as these are: at most twice the requests are made."""
ATTRIBUTES = (
    "AccessKeyId",
    "EventId",
    "EventName",
    "EventSource",
    "ReadOnly",
    "ResourceName",
    "ResourceType",
    "Username",
)
"""What events can be looked up by; one at a time."""
PAGED = Paged("cloudtrail", "LookupEvents", "Events")


@dataclass(frozen=True)
class _Question:
    """Events of one category, all of them or those with one attribute."""

    category: str = ""
    attribute: str = ""

    def asked(self, place: Place, span: Span) -> Asked:
        """Both ends belong to what AWS answers: the last second is asked twice, which adds copies but loses nothing."""
        name, _, value = self.attribute.partition("=")
        given = parameters(
            StartTime=written(span.start),
            EndTime=written(span.end),
            LookupAttributes=[{"AttributeKey": name, "AttributeValue": value}] if self.attribute else None,
            EventCategory=self.category,
        )
        return Asked(PAGED.service, PAGED.operation, given, place.account_id, place.region)


def found(place: Place, limiter: Callable[[], Limiter] = lambda: Limiter(RATE, RATE)) -> Iterator[Found]:
    """Pages of the Region's events in the window, or of all 90 days. What reaches further back is noted."""
    span, allowed = _reachable(place), limiter()
    for question in _questions(place):

        def asked(part: Span, question: _Question = question) -> Asked:
            return question.asked(place, part)

        yield from Slicing(place, PAGED, asked, allowed, LEVELS).found(span)
        if place.stopped():
            return


def _questions(place: Place) -> list[_Question]:
    """All events and Insights, or those with each attribute that is wanted."""
    good = [said for said in place.wanted.lookup if said.partition("=")[0] in ATTRIBUTES and said.partition("=")[2]]
    for said in place.wanted.lookup:
        if said not in good:
            known = ", ".join(ATTRIBUTES)
            place.trouble(
                said, Trouble("other", "UnknownAttribute", f"events are looked up by NAME=VALUE, NAME of {known}")
            )
    if place.wanted.lookup:
        return [_Question(attribute=said) for said in good]
    return [_Question(), _Question(category="insight")]


def _reachable(place: Place) -> Span:
    span = window(place, KEPT)
    first = on_grid(now() - KEPT) + GRID
    if span.start >= first:
        return span
    what = f"aws://{place.account_id}/{place.region}/cloudtrail/LookupEvents"
    until = written(min(first, span.end))
    place.trouble(
        what,
        Trouble(
            "limit", "EventHistory", f"CloudTrail keeps 90 days: nothing from {written(span.start)} to {until} is there"
        ),
    )
    return Span(min(first, span.end), span.end)


STEP = Asking("lookup-events", found, actions=("cloudtrail:LookupEvents",))
