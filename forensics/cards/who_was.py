"""The card of a moment: who held an address, interface or key then, how certain that is, and who held it before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, ClassVar

from forensics.analysis import words
from forensics.cards.card import Answer, Card, Part
from forensics.case import Case, Query
from forensics.errors import UsageError
from forensics.timeline import Moment, parse_time

_NEAREST = """
SELECT workload, holds_kind, holds, valid_from, valid_to, certainty, evidence_event_ids
FROM lifetime
WHERE holds = $held
  AND (valid_to <= $at OR valid_from > $at)
ORDER BY
  CASE WHEN valid_to <= $at THEN date_diff('second', valid_to, $at) ELSE date_diff('second', $at, valid_from) END,
  workload, valid_from
"""

_SEEN = """
SELECT source, count(*) AS records, min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE source_ip = $held
  OR destination_ip = $held
  OR access_key_id = $held
GROUP BY source
ORDER BY records DESC, source
"""


@dataclass(frozen=True, repr=False)
class WhoWas(Card):
    """The holders of something at a moment. status: held, shared, nobody (others held it before or after), no record."""

    held: str
    at: datetime
    status: str
    certainty: str | None
    workloads: tuple[str, ...]

    kind_of_card: ClassVar[str] = "who was"

    @property
    def heading(self) -> str:
        """What was held, and when."""
        return f"{self.held} at {words.at(self.at)}"

    @property
    def candidates(self) -> Query:
        """The holders at that moment with certainty, reason and evidence."""
        return self.query

    @property
    def nearest(self) -> Query:
        """Those who held it before or after, the nearest first."""
        return self.case.sql(_NEAREST, {"held": self.held, "at": self.at})

    @property
    def seen(self) -> Query:
        """The records, at any time, that name it as an end or as the key, by source."""
        return self.case.sql(_SEEN, {"held": self.held})

    def answers(self) -> tuple[Answer, ...]:
        """Who held it then; or that nobody is known to have, and whether anybody ever did."""
        when = words.at(self.at)
        if self.status == "held":
            return (Answer(f"{self.workloads[0]} held {self.held} at {when}.", self.certainty),)
        if self.status == "shared":
            several = f"{len(self.workloads)} workloads may have held {self.held} at {when}: {_listed(self.workloads)}."
            return (Answer(several, self.certainty),)
        if self.status == "nobody":
            return (Answer(f"Nobody is known to have held {self.held} at {when}; others did before or after."),)
        return (Answer(f"No record of this case says who held {self.held} at any time."),)

    def facts(self) -> Mapping[str, Any]:
        """None beside the answer."""
        return {}

    def parts(self) -> tuple[Part, ...]:
        """The candidates, the nearest holders, the records that name it."""
        held = {"workload": "workload", "kind": "kind", "holds": "held", "vpc_id": "VPC"}
        span = {"valid_from": "from", "valid_to": "to"}
        why = {"certainty": "certainty", "why": "why", "evidence_event_ids": "records"}
        near = {"workload": "workload", "holds": "held"} | span
        near |= {"certainty": "certainty", "evidence_event_ids": "records"}
        seen = {"source": "source", "records": "records", "first_seen": "first", "last_seen": "last"}
        others = "Before and after" if self.workloads else "Nearest holders"
        return (
            Part("Holders then", self.candidates, held | span | why),
            Part(others, self.nearest, near),
            Part("Records that name it", self.seen, seen, none="No record names it."),
        )


def who_was(case: Case, held: str, at: Moment, *, vpc_id: str | None = None, account_id: str | None = None) -> WhoWas:
    """The card of who held an address, interface or key at a moment. Raises UsageError."""
    held = held.strip()
    if not held:
        raise UsageError("say whose holder you ask for: an address, an interface (eni-…) or an access key id")
    moment = parse_time(at)
    ask = import_module("forensics.who_was").who_was
    query = ask(case, held, moment, vpc_id=vpc_id, account_id=account_id)
    frame = query.df()
    workloads = tuple(sorted(set(frame["workload"].dropna())))
    if workloads:
        status = "held" if len(workloads) == 1 else "shared"
        return WhoWas(case, query, held, moment, status, str(frame["certainty"].iloc[0]), workloads)
    known = case.sql("SELECT 1 FROM lifetime WHERE holds = ? LIMIT 1", (held,)).rows()
    return WhoWas(case, query, held, moment, "nobody" if known else "no record", None, ())


def _listed(workloads: tuple[str, ...]) -> str:
    return words.listed(list(workloads), 3)
