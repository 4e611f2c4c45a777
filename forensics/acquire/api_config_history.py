"""What AWS Config recorded of named resources (`GetResourceConfigHistory`), those deleted since too.

A resource is TYPE/ID; TYPE alone means all of that type that Config knows (`ListDiscoveredResources`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from forensics.acquire import Found
from forensics.acquire.asking import Lost, Paged, whole
from forensics.acquire.limiter import Limiter
from forensics.acquire.page import Asked
from forensics.acquire.slices import HOPELESS, LATE, written
from forensics.acquire.step import Asking, Place, now
from forensics.aws import Trouble

RATE = 5.0
MOST = 100
"""Items of a page."""
HISTORY = Paged("config", "GetResourceConfigHistory", "configurationItems", "nextToken")
DISCOVERED = Paged("config", "ListDiscoveredResources", "resourceIdentifiers", "nextToken")
_TYPE = re.compile(r"[A-Za-z0-9]+::[A-Za-z0-9]+::[A-Za-z0-9:]+")
_OFF = ("NoAvailableConfigurationRecorderException",)
"""Config records nothing in this Region."""
_ABSENT = "ResourceNotDiscoveredException"
"""Config has no such resource in this Region; it may have it in another."""


def found(place: Place, limiter: Callable[[], Limiter] = lambda: Limiter(RATE)) -> Iterator[Found]:
    """Pages of the items of each resource until the window's end: what it was like before its start is among them."""
    allowed = limiter()
    for said in place.wanted.resources:
        kind, _, name = said.partition("/")
        if not _TYPE.fullmatch(kind):
            why = f"{said!r} is no resource: give TYPE/ID or TYPE, such as AWS::EC2::Instance/i-0123456789abcdef0"
            place.trouble(said, Trouble("other", "UnknownResource", why))
            continue
        try:
            yield from _history(place, kind, name, allowed) if name else _of_type(place, kind, allowed)
        except Lost as error:
            place.trouble(f"aws://{place.account_id}/{place.region}/config/{said}", error.why)
            if error.why.kind in HOPELESS or error.why.code in _OFF:
                return


def _of_type(place: Place, kind: str, limiter: Limiter) -> Iterator[Found]:
    given = {"resourceType": kind, "includeDeletedResources": True, "limit": MOST}
    asked = Asked(DISCOVERED.service, DISCOVERED.operation, given, place.account_id, place.region, now())
    names: list[str] = []
    for number, (answer, _) in enumerate(DISCOVERED.answers(place, given, limiter)):
        names += [item["resourceId"] for item in answer["resourceIdentifiers"] if item.get("resourceId")]
        yield asked.answered(number, answer)
    for name in names:
        yield from _history(place, kind, name, limiter)


def _history(place: Place, kind: str, name: str, limiter: Limiter) -> Iterator[Found]:
    end = place.wanted.end
    given = {"resourceType": kind, "resourceId": name, "chronologicalOrder": "Forward", "limit": MOST}
    given |= {"laterTime": written(end)} if end else {}
    asked = Asked(HISTORY.service, HISTORY.operation, given, place.account_id, place.region)
    if end and end < now() - LATE and place.held(asked.last):
        return
    try:
        yield from whole(place, HISTORY, asked, limiter)
    except Lost as error:
        if error.why.code != _ABSENT:
            raise
        yield asked.none(_ABSENT)


STEP = Asking(
    "config-history",
    found,
    actions=("config:GetResourceConfigHistory", "config:ListDiscoveredResources"),
)
