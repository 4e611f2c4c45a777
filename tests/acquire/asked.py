"""A place that steps ask in tests: what it noted and what it held, without an engine."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from forensics.acquire import Found
from forensics.acquire.limiter import Limiter
from forensics.acquire.step import Place, Stopped, Wanted
from forensics.aws import Aws, Trouble
from tests.api_server import ACCOUNT

START, END = datetime(2026, 11, 5), datetime(2026, 11, 6)


@dataclass
class Noted:
    """A place, and the troubles that came up there."""

    place: Place
    troubles: list[tuple[str, Trouble]] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        return [why.kind for _, why in self.troubles]


def at(endpoint: str, held: Iterable[str] = (), **wanted: Any) -> Noted:
    """us-east-1 of an account, asked once without retries of boto3's own."""
    aws = Aws(region="us-east-1", endpoint=endpoint, attempts=1)
    known = frozenset(held)
    troubles: list[tuple[str, Trouble]] = []

    def trouble(what: str, why: Trouble) -> None:
        troubles.append((what, why))
        if why.stops:
            raise Stopped

    asked = Wanted(**({"start": START, "end": END} | wanted))
    return Noted(Place(aws, ACCOUNT, "us-east-1", asked, trouble, held=known.__contains__), troubles)


def unlimited() -> Limiter:
    return Limiter(1e9)


def read(found: Iterable[Found]) -> list[tuple[str, bytes]]:
    return [(item.uri, item.stream.read()) for item in found if item.stream]


def pages(found: Sequence[tuple[str, bytes]]) -> list[dict[str, Any]]:
    return [json.loads(text) for _, text in found]
