"""Records asked of an API page by page: at its rate, with what went wrong told apart from what is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from forensics.acquire import Found
from forensics.acquire.limiter import Limiter
from forensics.acquire.page import Asked
from forensics.acquire.step import Place
from forensics.aws import CALL_ERRORS, CUT, Trouble, trouble
from forensics.errors import AwsError

TRIES = 5
"""How often a request is made that AWS throttles, or that brings a damaged answer, beyond what boto3 retries."""
PAGES = 100_000
"""Pages of one answer after which its tokens are taken to go in circles."""


class Lost(Exception):
    """A request gave nothing; `why` says what AWS said."""

    def __init__(self, why: Trouble) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True)
class Paged:
    """An operation whose answer comes in pages.

    `held` is the member that every answer has: one without is damaged. `further` is the parameter, and the member, that
    leads to the next page.
    """

    service: str
    operation: str
    held: str
    further: str = "NextToken"

    def answers(
        self, place: Place, parameters: Mapping[str, Any], limiter: Limiter
    ) -> Iterator[tuple[dict[str, Any], bool]]:
        """Each page with whether it is the last; ends without a last one where the collection is to end. Raises Lost."""
        token: str | None = None
        for _ in range(PAGES):
            if place.stopped():
                return
            answer = self.answer(place, {**parameters, **({self.further: token} if token else {})}, limiter)
            before, token = token, answer.get(self.further) or None
            if token is not None and token == before:
                break
            yield answer, token is None
            if token is None:
                return
        raise Lost(Trouble("other", "SameToken", "its pages go in circles"))

    def answer(self, place: Place, parameters: Mapping[str, Any], limiter: Limiter) -> dict[str, Any]:
        """One answer. Raises Lost."""
        why = Trouble("other", "NotAsked", "")
        for _ in range(TRIES):
            limiter.wait()
            try:
                answer = place.aws.call(self.service, self.operation, parameters, region=place.region)
            except CALL_ERRORS as error:
                why = trouble(error)
                if why.kind != "throttled" and why.code != CUT:
                    raise Lost(why) from None
            except AwsError as error:
                raise Lost(Trouble("other", "NoClient", str(error))) from None
            else:
                if self.held in answer:
                    return answer
                why = Trouble("network", "DamagedAnswer", f"an answer of {self.operation} without {self.held}")
            if place.stopped():
                break
            limiter.slow_down()
        raise Lost(why)


def whole(place: Place, paged: Paged, asked: Asked, limiter: Limiter) -> Iterator[Found]:
    """The pages of one answer, the last named so. Raises Lost."""
    for number, (answer, last) in enumerate(paged.answers(place, asked.parameters, limiter)):
        yield asked.answered(number, answer, last=last)
