"""Calls made again, later and later, where AWS asks to slow down or the network gives out."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from forensics.aws import CALL_ERRORS, Trouble, trouble

Result = TypeVar("Result")

PASSING = ("throttled", "network")
"""Kinds of trouble that may pass."""
_PASSING_CODES = ("InternalError", "ServiceUnavailable", "RequestTimeout", "500", "502", "504")


class Refused(Exception):
    """A call gave nothing, for this reason, however often it was made."""

    def __init__(self, found: Trouble) -> None:
        super().__init__(str(found))
        self.trouble = found


@dataclass(frozen=True)
class Patience:
    """How often a call is made at most, and the seconds before it is made again, which double up to `longest`.

    Beyond what boto3 itself tries: that gives up where many calls fail at once, and knows nothing of answers cut off.
    """

    attempts: int = 6
    first: float = 0.5
    longest: float = 20.0

    def call(self, made: Callable[[], Result]) -> Result:
        """What the call gives. Raises Refused."""
        for attempt in range(self.attempts):
            try:
                return made()
            except CALL_ERRORS as error:
                found = trouble(error)
                passing = found.kind in PASSING or found.code in _PASSING_CODES
                if not passing or attempt == self.attempts - 1:
                    raise Refused(found) from None
            time.sleep(min(self.longest, self.first * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311
        raise AssertionError
