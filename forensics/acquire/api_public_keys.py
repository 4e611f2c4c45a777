"""The keys that CloudTrail signed its digests with in the window (`ListPublicKeys`), which are those of each Region."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from forensics.acquire import Found
from forensics.acquire.asking import Lost, Paged, whole
from forensics.acquire.limiter import Limiter
from forensics.acquire.page import Asked
from forensics.acquire.slices import window, written
from forensics.acquire.step import Asking, Place

RATE = 5.0
YEAR = timedelta(days=366)
PAGED = Paged("cloudtrail", "ListPublicKeys", "PublicKeyList")


def found(place: Place, limiter: Callable[[], Limiter] = lambda: Limiter(RATE)) -> Iterator[Found]:
    """Pages of keys that were in use in the window, or in the year before now."""
    span = window(place, YEAR)
    given = {"StartTime": written(span.start), "EndTime": written(span.end)}
    asked = Asked(PAGED.service, PAGED.operation, given, place.account_id, place.region)
    if place.held(asked.last) and span.settled():
        return
    try:
        yield from whole(place, PAGED, asked, limiter())
    except Lost as error:
        place.trouble(asked.place, error.why)


STEP = Asking("public-keys", found, actions=("cloudtrail:ListPublicKeys",))
