"""The card of a finding: what it says, about whom, and the records it rests on, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from forensics import event
from forensics.analysis.words import count
from forensics.cards.card import NOT_LOADED, Answer, Card, Part, found
from forensics.case import Case, Query
from forensics.errors import UnknownName
from forensics.timeline import Scope

if TYPE_CHECKING:
    from forensics.covered import Coverage

_FINDING = """
SELECT finding_id, source, type, severity, time, end_time, principal, access_key_id, workload, resources, title
FROM finding
WHERE finding_id = $finding_id
"""

_NEAREST = """
SELECT finding_id
FROM finding
ORDER BY jaro_winkler_similarity(finding_id, $finding_id) DESC, finding_id
LIMIT 10
"""


def _evidence() -> str:
    return f"""
WITH cited AS (
  SELECT event_id, why
  FROM finding_evidence
  WHERE finding_id = $finding_id
), place AS ({event.places("SELECT event_id FROM cited")}
), seen AS (
  SELECT event_id, time, source, action, principal, access_key_id, source_ip, destination_ip, outcome, bytes, summary,
    object_id, record
  FROM event
  WHERE {event.at("place")}
)
SELECT e.time, e.source, e.action, e.principal, e.access_key_id, e.source_ip, e.destination_ip, e.outcome, e.bytes,
  e.summary, f.why, f.event_id, e.object_id, e.record
FROM cited AS f
LEFT JOIN seen AS e ON e.event_id = f.event_id
ORDER BY e.time IS NULL, e.time, f.event_id, f.why
"""


_WHYS = """
SELECT f.why, count(*) AS records
FROM finding_evidence AS f
WHERE f.finding_id = $finding_id
GROUP BY f.why
ORDER BY records DESC, f.why
"""

_WORKLOADS = """
SELECT w.workload, w.certainty, w.via, w.candidates, w.evidence_event_ids
FROM credential_workload AS w
JOIN finding AS f ON f.access_key_id = w.access_key_id
WHERE f.finding_id = $finding_id
ORDER BY w.workload
"""


_EMPTIED = """
SELECT c.source, c.account_id, c.region, c.hour_from, c.hour_to, c.hours
FROM finding_coverage AS c
WHERE c.finding_id = $finding_id
ORDER BY c.source, c.account_id, c.region
"""


@dataclass(frozen=True, repr=False)
class Finding(Card):
    """A finding of GuardDuty, Security Hub or a rule. The severity is the product's own number."""

    finding_id: str
    source: str
    type: str | None
    severity: float | None
    time: datetime | None
    end_time: datetime | None
    principal: str | None
    access_key_id: str | None
    workload: str | None
    resources: list[str] | None
    title: str | None

    kind_of_card: ClassVar[str] = "finding"
    asks: ClassVar[tuple[str, ...]] = ("detection", "api", "data")

    @property
    def call(self) -> str:
        """The Python text that makes it."""
        return f"case.finding({self.finding_id!r})"

    @property
    def heading(self) -> str:
        """What it says."""
        return self.title or self.type or self.finding_id

    @property
    def key(self) -> str:
        """Its id."""
        return self.finding_id

    def evidence(self) -> Query:
        """The records it rests on in order of time, each with why; those that the case does not hold have no time."""
        return self._about(_evidence())

    @property
    def whys(self) -> Query:
        """The reasons, and how many records each holds for."""
        return self._about(_WHYS)

    @property
    def workloads(self) -> Query:
        """To which workloads the key that it names was issued."""
        return self._about(_WORKLOADS)

    @property
    def emptied(self) -> Query:
        """The hours of logs that the act emptied, where it is an act against a log."""
        return self._about(_EMPTIED)

    def coverage(self) -> Coverage:
        """How much of the hours it spans was logged, in the account of its principal or workload."""
        from forensics.covered import Coverage

        last = self.end_time or self.time
        scope = Scope(start=self.time, end=last + timedelta(seconds=1) if last else None)
        return Coverage(self.case, scope.of_arn(self.workload or self.principal or ""))

    def _about(self, sql: str) -> Query:
        return self.case.sql(sql, {"finding_id": self.finding_id})

    def answers(self) -> tuple[Answer, ...]:
        """Which workload it concerns: by its own words, or through the key that it names."""
        return tuple(self._concerns())

    def _concerns(self) -> Iterator[Answer]:
        if self.workload:
            yield Answer(f"The finding names {self.workload}.", "recorded")
        issued = self.workloads.rows()
        for workload, certainty, *_ in issued if len(issued) == 1 else ():
            if workload != self.workload:
                yield Answer(f"The finding names {self.access_key_id}, which was issued to {workload}.", certainty)
        if len(issued) > 1:
            some = count(len(issued), "workload")
            yield Answer(f"The finding names {self.access_key_id}, which was issued to one of {some}.", issued[0][1])
        if not self.workload and not issued:
            yield Answer("Neither the finding nor the key that it names leads to a workload.")

    def facts(self) -> Mapping[str, Any]:
        """Its row."""
        return {
            "finding": self.finding_id,
            "source": self.source,
            "type": self.type,
            "severity": self.severity,
            "from": self.time,
            "to": self.end_time,
            "principal": self.principal,
            "access key": self.access_key_id,
            "resources": self.resources or None,
            "coverage": str(self.coverage().badge),
        } | self._goes_by()

    def _goes_by(self) -> dict[str, Any]:
        """Of a rule or behaviour: what it asks, what it mistakes, what to run next."""
        from forensics.detect.about import about

        by = about(self.case, self.finding_id, self.source, self.type)
        if by is None:
            return {}
        return {
            "goes by": by.name,
            "which asks": by.asks or None,
            "its severity": by.severity or None,
            "because": "; ".join(row[0] for row in self.whys.rows()) if self.source == "behaviour" else None,
            "ATT&CK": " ".join(by.techniques) or None,
            "it mistakes": " ".join(by.false_positives) or None,
            "rule file": by.place or None,
            "look at next": f"forensics run {by.playbook}" if by.playbook else None,
            "not of now": by.of_then or None,
        }

    def parts(self) -> tuple[Part, ...]:
        """Workloads of its key, the reasons, the records."""
        issued_to = {"workload": "workload", "certainty": "certainty", "via": "how", "evidence_event_ids": "records"}
        record = {"time": "time", "source": "source", "action": "action", "source_ip": "from"}
        none = "No record of the case is known to belong to it."
        hours = {"source": "log", "account_id": "account", "region": "Region"}
        hours |= {"hour_from": "from", "hour_to": "to", "hours": "hours"}
        return (
            Part("Hours that it emptied", self.emptied, hours),
            Part("Its key was issued to", self.workloads, issued_to),
            Part("Why records belong to it", self.whys, {"why": "why", "records": "records"}),
            Part("Records", self.evidence(), record | {"why": "why", "event_id": "record"}, none=none),
        )


def finding(case: Case, finding_id: str) -> Finding:
    """The card of a finding by its id. Raises UnknownName with the most similar ids."""
    query = case.sql(_FINDING, {"finding_id": finding_id})
    if not query.rows():
        near = [row[0] for row in case.sql(_NEAREST, {"finding_id": finding_id}).rows()]
        raise UnknownName("finding", finding_id, near, advice="" if near else NOT_LOADED)
    return Finding(case, query, *found(query))
