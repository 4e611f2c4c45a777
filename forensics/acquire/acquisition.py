"""An acquisition: what was asked of AWS, by whom, and how it ended, in the custody record and the table `acquisition`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from forensics import custody
from forensics.aws import Aws, Caller, Trouble

if TYPE_CHECKING:
    from forensics.case import Case

PROBLEMS_KEPT = 1000
"""Problems that are recorded one by one; of more, their number."""


@dataclass
class Acquisition:
    """One that is under way: problems and counts are added as they come."""

    acquisition_id: str
    kind: str
    command: str
    caller: Caller
    parameters: Mapping[str, Any]
    started_at: datetime
    objects: int = 0
    bytes: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)
    lost: int = 0
    answers: int | None = None
    """Of calls that were made: how many gave something, where refusals are objects too."""

    def trouble(self, what: str, found: Trouble) -> None:
        """Note what could not be had; `what` names it as its uri would."""
        self.lost += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append({"what": what, "kind": found.kind, "code": found.code, "message": found.message})

    @property
    def outcome(self) -> str:
        """`complete`, `partial` or `failed`."""
        if not self.lost:
            return "complete"
        had = self.objects if self.answers is None else self.answers
        return "partial" if had else "failed"


@contextmanager
def acquisition(
    case: Case, aws: Aws, kind: str, *, command: str, parameters: Mapping[str, Any]
) -> Iterator[Acquisition]:
    """Record that an acquisition begins, and how it ends; one that is interrupted has no end. Raises AwsError."""
    made = Acquisition(uuid4().hex, kind, command, aws.caller, dict(parameters), _now())
    where = {"profile": aws.profile, "region": aws.region, "endpoint": aws.endpoint, "role": aws.role}
    caller = {"arn": made.caller.arn, "account_id": made.caller.account_id, "user_id": made.caller.user_id}
    begun = {"acquisition": made.acquisition_id, "kind": kind, "caller": caller, "parameters": made.parameters}
    custody.append(case.path, f"begin {command}", detail={**begun, **where, "started_at": _text(made.started_at)})
    case.connection.execute(
        "INSERT INTO acquisition (acquisition_id, kind, command, caller, account_id, profile, region, endpoint,"
        " parameters, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            *(made.acquisition_id, kind, command, made.caller.arn, made.caller.account_id),
            *(aws.profile, aws.region, aws.endpoint, json.dumps(made.parameters, default=str), made.started_at),
        ],
    )
    yield made
    ended = _now()
    case.connection.execute(
        "UPDATE acquisition SET ended_at = ?, outcome = ?, objects = ?, bytes = ?, problems = ? WHERE acquisition_id = ?",
        [ended, made.outcome, made.objects, made.bytes, json.dumps(made.problems), made.acquisition_id],
    )
    counts = {"objects": made.objects, "bytes": made.bytes, "lost": made.lost, "problems": made.problems}
    done = {"acquisition": made.acquisition_id, "outcome": made.outcome, "ended_at": _text(ended), **counts}
    custody.append(case.path, f"end {command}", detail=done)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"
