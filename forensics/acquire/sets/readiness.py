"""The set that readiness asks: which logs are switched on in the whole account, and where they go."""

from __future__ import annotations

from forensics.acquire.calls import Call
from forensics.acquire.sets.chosen import Set
from forensics.acquire.step import Wanted
from forensics.readiness.asked import asked


def _calls(_: Wanted) -> list[Call]:
    return asked()


SET = Set("readiness", "which logs the account has switched on: what `forensics readiness` judges", calls=_calls)
