"""A step of a collection that is no describe call: records of an API, a code package, whatever is had by asking AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Protocol

from forensics.acquire import Found
from forensics.aws import Aws, Trouble


@dataclass(frozen=True)
class Wanted:
    """What a collection was asked for; empty where nothing was said.

    `start` and `end` (UTC without a zone, the end excluded) bound records. `log_groups` are names or patterns with `*`.
    `request_ids` are looked for in log groups with CloudWatch Logs Insights, which scans, and charges, their bytes.
    `resources` are TYPE/ID or TYPE, as AWS Config names them (`AWS::EC2::Instance/i-…`); `lookup` attributes of
    CloudTrail's LookupEvents, as NAME=VALUE (`AccessKeyId=AKIA…`), each asked by itself.
    `functions` are names, ARNs or NAME:VERSION, `tasks` ARNs or ids, `clusters` names or ARNs (of ECS or EKS).
    """

    start: datetime | None = None
    end: datetime | None = None
    log_groups: tuple[str, ...] = ()
    request_ids: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    lookup: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    with_code: bool = False

    def said(self) -> dict[str, Any]:
        """What is not empty, for the custody record."""
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, datetime) else value for name, value in given.items() if value
        }


@dataclass(frozen=True)
class Place:
    """Where a step asks: one account in one Region, as one caller.

    `trouble(what, why)` notes what could not be had, `what` as its uri would name it; it raises `Stopped` where no
    further call of this caller can succeed. `stopped()` says that the collection is to end: ask it between calls.
    `held(uri)` says whether the last page of an answer (`Asked.last`) is in the case already.
    """

    aws: Aws
    account_id: str
    region: str
    wanted: Wanted
    trouble: Callable[[str, Trouble], None]
    stopped: Callable[[], bool] = lambda: False
    held: Callable[[str], bool] = frozenset[str]().__contains__

    @property
    def partition(self) -> str:
        """The first part of ARNs: `aws`, `aws-cn`, `aws-us-gov`."""
        return self.aws.caller.partition


class Stopped(Exception):
    """The collection ends here; only the engine raises and catches it."""


class Step(Protocol):
    """What the engine runs once in each Region, or once in all where `everywhere` is False.

    To add one: write a module `acquire/api_<what>.py` with a function `found(place) -> Iterator[Found]`, give it a
    name and what it needs as `STEP = Asking("lookup-events", found, actions=("cloudtrail:LookupEvents",))`, and name
    it in `steps` or `records` of the sets it belongs to (`acquire/sets/`). A page is `Asked(…).answered(n, response)` of
    `acquire/page.py`. An error of a call goes to `place.trouble`; what was had before stays. Objects are taken in by another thread, while
    the step goes on: each stream is the object's own (BytesIO, a temporary file). Steps run in threads at once: they
    share nothing but `place.aws`.
    """

    @property
    def name(self) -> str:
        """One word or two with a dash; stands in the custody record."""

    @property
    def actions(self) -> tuple[str, ...]:
        """IAM actions that it needs: `cloudtrail:LookupEvents`."""

    @property
    def everywhere(self) -> bool:
        """Whether each Region is asked."""

    @property
    def urgent(self) -> bool:
        """Whether what it asks for may be gone within the hour."""

    def found(self, place: Place) -> Iterator[Found]:
        """What it has to give."""


@dataclass(frozen=True)
class Asking:
    """A step made of a function."""

    name: str
    found: Callable[[Place], Iterator[Found]]
    actions: tuple[str, ...] = ()
    everywhere: bool = True
    urgent: bool = False


def now() -> datetime:
    """UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)
