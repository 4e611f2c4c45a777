"""Events of CloudWatch Logs groups in the window (`FilterLogEvents`), or those that name request ids (Logs Insights).

Insights scans the bytes of all groups in the window, and AWS charges for them; FilterLogEvents costs nothing by size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from forensics.acquire import Found
from forensics.acquire.api_log_insights import answered
from forensics.acquire.asking import Lost, Paged
from forensics.acquire.limiter import Limiter
from forensics.acquire.page import Asked
from forensics.acquire.slices import Level, Slicing, Span, milliseconds, window
from forensics.acquire.step import Asking, Place, now
from forensics.aws import Trouble

RATE = 5.0
"""Requests of FilterLogEvents a second that AWS allows of one account in one Region."""
RECENT = timedelta(days=7)
"""What is asked for where no start is given."""
LEVELS = (Level(timedelta(days=1), 8), Level(timedelta(hours=1)))
"""A page is up to 1 MB: those of a day that is given up for its hours are held until then."""
GROUPS = Paged("logs", "DescribeLogGroups", "logGroups", "nextToken")
EVENTS = Paged("logs", "FilterLogEvents", "events", "nextToken")
_WILD = frozenset("*?[")
_UNREAD = {
    "DELIVERY": "it is of class Delivery: its events are only delivered, no API reads them",
    "INFREQUENT_ACCESS": "it is of class Infrequent Access, which only Logs Insights reads: ask by request ids",
}
"""Why FilterLogEvents does not read groups of a class."""


def found(place: Place, limiter: Callable[[], Limiter] = lambda: Limiter(RATE)) -> Iterator[Found]:
    """Pages of the events of every group whose name is, or fits, one that is wanted; and of what groups there are."""
    allowed = limiter()
    groups: dict[str, str] = {}
    for pattern in place.wanted.log_groups:
        yield from _named(place, pattern, groups, allowed)
    span = window(place, RECENT)
    if place.wanted.request_ids:
        readable = [name for name in groups if _may_be_read(place, name, groups[name], ("DELIVERY",))]
        yield from answered(place, readable, span, allowed)
        return
    for name, kind in groups.items():
        if place.stopped():
            return
        if _may_be_read(place, name, kind, tuple(_UNREAD)):
            yield from _events(place, name, span, allowed)


def _named(place: Place, pattern: str, groups: dict[str, str], limiter: Limiter) -> Iterator[Found]:
    """The pages that list groups, and into `groups` the names that fit, with their class."""
    fixed = "".join(pattern[: min((pattern.index(mark) for mark in _WILD if mark in pattern), default=len(pattern))])
    given = {"logGroupNamePrefix": fixed} if fixed else {}
    asked = Asked(GROUPS.service, GROUPS.operation, given, place.account_id, place.region, now())
    before = len(groups)
    try:
        for number, (answer, _) in enumerate(GROUPS.answers(place, given, limiter)):
            yield asked.answered(number, answer)
            fitting: list[dict[str, Any]] = [
                group for group in answer["logGroups"] if fnmatchcase(group.get("logGroupName", ""), pattern)
            ]
            groups |= {group["logGroupName"]: group.get("logGroupClass", "STANDARD") for group in fitting}
    except Lost as error:
        place.trouble(asked.place, error.why)
        return
    if len(groups) == before:
        place.trouble(
            asked.place, Trouble("missing", "NoLogGroup", f"no further log group fits {pattern!r} in {place.region}")
        )


def _may_be_read(place: Place, name: str, kind: str, unread: tuple[str, ...]) -> bool:
    if kind not in unread:
        return True
    what = Asked(EVENTS.service, EVENTS.operation, {"logGroupName": name}, place.account_id, place.region).place
    place.trouble(what, Trouble("limit", "LogGroupClass", f"{name}: {_UNREAD[kind]}"))
    return False


def _events(place: Place, name: str, span: Span, limiter: Limiter) -> Iterator[Found]:
    def asked(part: Span) -> Asked:
        """Both ends belong to what AWS answers."""
        times = {"startTime": milliseconds(part.start), "endTime": milliseconds(part.end) - 1}
        return Asked(EVENTS.service, EVENTS.operation, {"logGroupName": name} | times, place.account_id, place.region)

    yield from Slicing(place, EVENTS, asked, limiter, LEVELS).found(span)


STEP = Asking(
    "log-groups",
    found,
    actions=("logs:DescribeLogGroups", "logs:FilterLogEvents", "logs:StartQuery", "logs:GetQueryResults"),
)
