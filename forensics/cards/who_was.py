"""The card of a moment: who held an address, interface or key then, how certain that is, and who held it before and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from forensics.analysis import words
from forensics.cards.card import Answer, Card, Part, spanned
from forensics.case import Case, Query
from forensics.timeline import Moment, parse_time
from forensics.who_was import who_was as who_held

if TYPE_CHECKING:
    from forensics.covered import Coverage

_NEAR = timedelta(hours=1)
"""Around the moment, of which it is said what was logged."""

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


_CANDIDATES = """
SELECT *
FROM (
{sql}
) AS answered
WHERE certainty IS NOT NULL
"""


@dataclass(frozen=True, repr=False)
class WhoWas(Card):
    """The holders of something at a moment. status: held, shared, nobody (others held it before or after), no record.

    `holders` are workloads, or words for what is none, such as a load balancer's interface.
    """

    held: str
    at: datetime
    status: str
    certainty: str | None
    holders: tuple[str, ...]
    why: str

    kind_of_card: ClassVar[str] = "who was"
    asks: ClassVar[tuple[str, ...]] = ("state", "traffic", "workload")

    @property
    def call(self) -> str:
        """The Python text that makes it; a VPC or account that it was narrowed to is in the query's values."""
        return f"case.who_was({self.held!r}, at={self.at.isoformat(sep=' ')!r})"

    @property
    def heading(self) -> str:
        """What was held, and when."""
        return f"{self.held} at {words.at(self.at)}"

    @property
    def candidates(self) -> Query:
        """The holders at that moment with certainty, reason and evidence."""
        return self.case.sql(_CANDIDATES.format(sql=self.query.sql.strip()), self.query.params)

    @property
    def nearest(self) -> Query:
        """The workloads that held it before or after, the nearest first."""
        return self.case.sql(_NEAREST, {"held": self.held, "at": self.at})

    @property
    def seen(self) -> Query:
        """The records, at any time, that name it as an end or as the key, by source."""
        return self.case.sql(_SEEN, {"held": self.held})

    def answers(self) -> tuple[Answer, ...]:
        """Who held it then; or that nobody is known to have, and whether anybody ever did."""
        when = words.at(self.at)
        if self.status == "held":
            return (Answer(f"{self.holders[0]} held {self.held} at {when}.", self.certainty),)
        if self.status == "shared":
            several = f"{len(self.holders)} may have held {self.held} at {when}: {words.listed(list(self.holders))}."
            return (Answer(several, self.certainty),)
        return (Answer(f"{self.held} at {when}: {self.why}."),)

    def coverage(self) -> Coverage | None:
        """What was logged within an hour of that moment."""
        return spanned(self.case, None, self.at - _NEAR, self.at + _NEAR)

    def parts(self) -> tuple[Part, ...]:
        """The candidates, the nearest holders, the records that name it."""
        held = {"workload": "workload", "kind": "kind", "holds": "held", "vpc_id": "VPC"}
        span = {"valid_from": "from", "valid_to": "to"}
        why = {"certainty": "certainty", "why": "why", "evidence_event_ids": "records"}
        near = {"workload": "workload", "holds": "held"} | span
        near |= {"certainty": "certainty", "evidence_event_ids": "records"}
        seen = {"source": "source", "records": "records", "first_seen": "first", "last_seen": "last"}
        return (
            Part("Holders then", self.candidates, held | span | why),
            Part("Before and after", self.nearest, near),
            Part("Records that name it", self.seen, seen, none="No record names it."),
        )


def who_was(case: Case, held: str, at: Moment, *, vpc_id: str | None = None, account_id: str | None = None) -> WhoWas:
    """The card of who held an address, interface or key at a moment. Raises UsageError."""
    moment = parse_time(at)
    query = who_held(case, held, moment, vpc_id=vpc_id, account_id=account_id)
    columns, values = query.head()
    rows = [dict(zip(columns, row, strict=True)) for row in values]
    found = [row for row in rows if row["certainty"] is not None]
    holders = tuple(dict.fromkeys(str(row["workload"] or row["why"]) for row in found))
    card = (case, query, held.strip(), moment)
    if found:
        status = "shared" if len(found) > 1 else "held"
        return WhoWas(*card, status, str(found[0]["certainty"]), holders, str(found[0]["why"]))
    known = any(row[end] is not None for row in rows for end in ("valid_from", "valid_to"))
    return WhoWas(*card, "nobody" if known else "no record", None, (), str(rows[0]["why"]))
