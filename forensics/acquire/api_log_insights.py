"""Log events that name certain request ids, of many log groups at once (`StartQuery`, `GetQueryResults`).

A query that runs longer than is waited for is left to end by itself: to stop it would be no read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from forensics.acquire import Found
from forensics.acquire.asking import Lost, Paged
from forensics.acquire.limiter import Limiter
from forensics.acquire.page import Asked
from forensics.acquire.slices import HOPELESS, Span, milliseconds
from forensics.acquire.step import Place
from forensics.aws import Trouble

GROUPS = 50
"""Log groups of one query."""
LENGTH = 9_000
"""Letters of ids in one query, whose text may have 10,000."""
ROWS = 10_000
"""Rows that a query gives at most: one that gives as many is asked again about each half of its time."""
STARTED = Paged("logs", "StartQuery", "queryId")
RESULTS = Paged("logs", "GetQueryResults", "results", "nextToken")
FIELDS = "fields @timestamp, @ingestionTime, @log, @logStream, @message"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{7,63}")
_NO_RESULT = ("Failed", "Cancelled", "Timeout")


def answered(place: Place, groups: Sequence[str], span: Span, limiter: Limiter) -> Iterator[Found]:
    """A page for each query: the events in `groups` that name one of the wanted request ids."""
    for some in _batches(place):
        for first in range(0, len(groups), GROUPS):
            query = _Query(place, tuple(groups[first : first + GROUPS]), some, limiter)
            try:
                yield from query.found(span)
            except Lost as error:
                place.trouble(query.asked(span).place, error.why)
                if error.why.kind in HOPELESS:
                    return


def _batches(place: Place) -> list[str]:
    """The ids that are wanted as alternatives of a regular expression, as many together as a query holds."""
    found: list[str] = []
    for given in dict.fromkeys(place.wanted.request_ids):
        if not _ID.fullmatch(given):
            why = f"{given!r} is no request id: 8 to 64 letters, digits and hyphens"
            place.trouble(f"request id {given!r}", Trouble("other", "UnknownRequestId", why))
        elif found and len(found[-1]) + len(given) < LENGTH:
            found[-1] += f"|{given}"
        else:
            found.append(given)
    return found


@dataclass(frozen=True)
class _Query:
    place: Place
    groups: tuple[str, ...]
    ids: str
    limiter: Limiter

    def asked(self, span: Span) -> Asked:
        """Both ends belong to what AWS answers; seconds are the finest."""
        given = {
            "logGroupNames": list(self.groups),
            "startTime": milliseconds(span.start) // 1000,
            "endTime": milliseconds(span.end) // 1000 - 1,
            "queryString": f"{FIELDS} | filter @message like /{self.ids}/ | sort @timestamp asc | limit {ROWS}",
        }
        return Asked(STARTED.service, STARTED.operation, given, self.place.account_id, self.place.region)

    def found(self, span: Span) -> Iterator[Found]:
        """The page of the window, or those of its halves. Raises Lost."""
        asked = self.asked(span)
        if self.place.stopped() or (self.place.held(asked.last) and span.settled()):
            return
        halves = _halves(span)
        if not any(self.place.held(self.asked(half).last) for half in halves):
            answer = self._run(asked.parameters)
            if answer is None:
                return
            full = len(answer["results"]) >= ROWS
            if not (full and halves):
                yield asked.answered(0, {"results": answer["results"], "status": answer["status"]}, last=True)
                if full:
                    why = f"more than {ROWS} events in one second: those beyond are not had"
                    self.place.trouble(asked.place, Trouble("limit", "Rows", why))
                return
        for half in halves:
            yield from self.found(half)

    def _run(self, given: Any) -> dict[str, Any] | None:
        """What the query answers when it is done; None where the collection is to end first. Raises Lost."""
        query = STARTED.answer(self.place, given, self.limiter)["queryId"]
        while not self.place.stopped():
            answer = RESULTS.answer(self.place, {"queryId": query}, self.limiter)
            status = answer.get("status")
            if status == "Complete":
                return answer
            if status in _NO_RESULT:
                raise Lost(Trouble("other", f"Query{status}", f"the query ended as {status}"))
        return None


def _halves(span: Span) -> list[Span]:
    """Both halves on whole seconds; none of a span of one second."""
    seconds = (span.end - span.start) // 2
    middle = (span.start + seconds).replace(microsecond=0)
    return [Span(span.start, middle), Span(middle, span.end)] if span.start < middle < span.end else []
