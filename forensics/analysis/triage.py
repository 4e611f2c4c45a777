"""What lies behind a finding: its very records, whose credential and workload it concerns, what else they did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from forensics.analysis import holdings, traces
from forensics.analysis.answer import Answer, in_order
from forensics.analysis.containment import containment
from forensics.analysis.gaps import Gap
from forensics.analysis.intrusion import Intrusion
from forensics.analysis.isolation import Command
from forensics.analysis.statement import Statement, cited, named
from forensics.analysis.technique import technique
from forensics.analysis.words import at, capital, count, during, listed, size
from forensics.case import Case, Query
from forensics.detect import ran
from forensics.errors import UnknownName
from forensics.finding_around import PREFIX

SOURCES = ("guardduty", "cloudtrail", "vpc_flow", "route53_resolver", "eks_audit")
"""Sources that findings rest on."""

MOST = 50
"""Findings looked into at once, the most severe first."""

_FINDINGS = """
SELECT f.finding_id
FROM finding AS f
WHERE coalesce(f.title, '') NOT LIKE '[SAMPLE]%'
  AND f.source IN ('guardduty', 'security_hub')
ORDER BY f.severity DESC NULLS LAST, f.time, f.finding_id
"""

_ABOUT = """
SELECT f.finding_id, f.type, f.severity, f.title, f.time, f.end_time, f.principal, f.workload, f.resources, e.source_ip,
  f.access_key_id, f.source, CASE WHEN e.event_id IS NULL THEN (
    SELECT array_agg(b.event_id ORDER BY b.event_id) FROM finding_evidence AS b WHERE b.finding_id = f.finding_id) END AS rests_on
FROM finding AS f
LEFT JOIN event AS e ON e.event_id = f.finding_id
WHERE list_contains(CAST(? AS VARCHAR[]), f.finding_id)
ORDER BY f.time, f.finding_id
"""

_BEHIND = f"""
SELECT b.finding_id, b.why, e.source, e.action, e.outcome, e.access_key_id, e.source_ip,
  CASE WHEN e.source = 'cloudtrail' THEN NULL ELSE e.destination_ip END AS destination_ip, min(e.principal) AS principal,
  count(*) AS records, min(e.time) AS first, max(coalesce(e.end_time, e.time)) AS last, sum(e.bytes) AS bytes,
  array_agg(e.event_id ORDER BY e.time, e.event_id) AS event_ids
FROM finding_evidence AS b
JOIN event AS e ON e.event_id = b.event_id
WHERE list_contains(CAST(? AS VARCHAR[]), b.finding_id)
  AND NOT starts_with(b.why, '{PREFIX}')
GROUP BY b.finding_id, b.why, e.source, e.action, e.outcome, e.access_key_id, e.source_ip,
  CASE WHEN e.source = 'cloudtrail' THEN NULL ELSE e.destination_ip END
ORDER BY min(e.time), b.finding_id, e.source, e.action
"""

_ISSUED = """
SELECT f.finding_id, k.access_key_id, k.principal, k.workload, k.workload_certainty, k.issuance_event_id, k.issued_at,
  k.first_used
FROM finding AS f
JOIN credential AS k ON k.access_key_id = f.access_key_id
WHERE list_contains(CAST(? AS VARCHAR[]), f.finding_id)
  AND k.workload IS NOT NULL
  AND k.issuance_event_id IS NOT NULL
ORDER BY k.issued_at, f.finding_id
"""

_KEYS = """
SELECT DISTINCT f.access_key_id
FROM finding AS f
WHERE list_contains(CAST(? AS VARCHAR[]), f.finding_id)
  AND f.access_key_id IS NOT NULL
ORDER BY f.access_key_id
"""

_LIFETIMES = """
SELECT h.workload, h.holds_kind, h.holds, h.valid_from, h.valid_to, h.from_known, h.to_known, h.certainty
FROM lifetime AS h
WHERE h.workload IN (
  SELECT f.workload FROM finding AS f WHERE list_contains(CAST(? AS VARCHAR[]), f.finding_id)
  UNION
  SELECT k.workload FROM finding AS f JOIN credential AS k ON k.access_key_id = f.access_key_id
  WHERE list_contains(CAST(? AS VARCHAR[]), f.finding_id))
ORDER BY h.workload, h.holds_kind, h.valid_from, h.holds
"""

_ELSEWHERE = """
SELECT e.access_key_id, e.source_ip, u.place, count(*) AS calls, count(DISTINCT e.action) AS actions,
  count(*) FILTER (WHERE e.outcome <> 'success') AS refused, min(e.time) AS first, max(e.time) AS last
FROM event AS e
LEFT JOIN credential_use AS u ON u.access_key_id = e.access_key_id AND u.address = e.source_ip
WHERE e.source = 'cloudtrail'
  AND e.access_key_id IN (
    SELECT f.access_key_id FROM finding AS f WHERE list_contains(CAST(? AS VARCHAR[]), f.finding_id))
GROUP BY e.access_key_id, e.source_ip, u.place
ORDER BY e.access_key_id, min(e.time), e.source_ip
"""

_AROUND = f"""
SELECT e.time, e.source, e.action, e.principal, e.access_key_id, e.source_ip, e.destination_ip, e.outcome, e.bytes,
  substr(b.why, {len(PREFIX) + 1}) AS why, e.event_id
FROM finding_evidence AS b
JOIN event AS e ON e.event_id = b.event_id
WHERE list_contains(CAST(? AS VARCHAR[]), b.finding_id)
  AND starts_with(b.why, '{PREFIX}')
ORDER BY e.time, e.event_id
"""

_HITS = """
WITH asked AS (
  SELECT f.finding_id, f.principal, f.access_key_id, f.workload
  FROM finding AS f
  WHERE list_contains(CAST($ids AS VARCHAR[]), f.finding_id)
)
SELECT h.time, h.severity, h.source, h.type, h.title, h.principal, h.access_key_id, h.workload, h.finding_id
FROM finding AS h
WHERE h.source IN ('sigma', 'behaviour', 'tampering')
  AND NOT list_contains(CAST($ids AS VARCHAR[]), h.finding_id)
  AND ($every OR EXISTS (
    SELECT 1
    FROM asked AS a
    WHERE a.access_key_id = h.access_key_id OR a.workload = h.workload OR a.principal = h.principal))
ORDER BY h.severity DESC NULLS LAST, h.time, h.finding_id
"""


@dataclass(frozen=True)
class Triage(Answer):
    """The findings asked about, the records behind them, and what the same workload and credential did besides."""

    finding_ids: tuple[str, ...]
    others: int
    every: bool = False

    @cached_property
    def behind(self) -> list[tuple[Any, ...]]:
        """The records behind the findings, alike ones together."""
        return self.case.sql(_BEHIND, (list(self.finding_ids),)).rows()

    @property
    def found(self) -> bool:
        """Whether there is any finding."""
        return bool(self.finding_ids)

    @property
    def verdict(self) -> str:
        """How many findings there are, and what bears them out."""
        rests = holdings.basis(self.case, SOURCES)
        if not self.finding_ids:
            none = "No finding of a product is" if (apart := self._apart()) else "No finding is"
            return f"{none} in evidence. {apart}{rests}"
        behind = {str(row[0]) for row in self.behind}
        records = sum(int(row[9]) for row in self.behind)
        text = (
            f"{len(behind)} of {count(len(self.finding_ids), 'finding')} {'is' if len(behind) == 1 else 'are'} borne out"
            f" by records in evidence: {records:,} of them. "
        )
        if self.others:
            text += f"{count(self.others, 'less severe finding')} beyond those are in the table only. "
        if len(self.finding_ids) == 1:
            text += self._concerns()
        return f"{text}{self._apart()}{rests}"

    def _apart(self) -> str:
        number = len(self.hits.rows())
        if not number:
            return ""
        whose = "" if self.every else " of the same credential, workload or principal"
        return (
            f"{count(number, 'finding')} of rules and behaviours{whose} {'is' if number == 1 else 'are'} listed apart. "
        )

    def _concerns(self) -> str:
        ((_, kind, severity, _, first, last, _, workload, _, address, key, *_),) = self._about()
        text = f"{kind}, severity {severity or 0:g}, {during(first, last)}"
        text += f", names the credential {key}" if key else ""
        text += f" used from {address}" if key and address else ""
        text += f", and the workload {workload}" if workload else ""
        issued = self.case.sql(_ISSUED, (list(self.finding_ids),)).rows()
        return f"{text}. " + "".join(f"That credential was issued to {row[3]} ({row[4]}). " for row in issued)

    def _about(self) -> list[tuple[Any, ...]]:
        return self.case.sql(_ABOUT, (list(self.finding_ids),)).rows()

    @cached_property
    def statements(self) -> list[Statement]:
        """The findings, whose credentials they name, and the records behind them; nothing that is merely near."""
        return cited(self.case, in_order(self.own()))

    def own(self) -> Iterable[Statement]:
        """The same, their records named but not looked up."""
        made = [traces.finding(f"finding-{number:02d}", row) for number, row in enumerate(self._about(), 1)]
        issued = self.case.sql(_ISSUED, (list(self.finding_ids),)).rows()
        keys = {row[1]: row for row in issued}
        made += [_issued(f"issuance-{number:02d}", row) for number, row in enumerate(keys.values(), 1)]
        made += [_behind(f"behind-{number:02d}", row) for number, row in enumerate(self.behind, 1)]
        return made

    @property
    def hits(self) -> Query:
        """What rules, behaviours and acts against logs found: all of it, or of what one finding concerns."""
        return self.case.sql(_HITS, {"ids": list(self.finding_ids), "every": self.every})

    @property
    def looked(self) -> str:
        """When rules and behaviours looked at the case, or that they did not."""
        return capital(f"{ran.told(self.case)}.")

    @property
    def unseen(self) -> str:
        """What rules and behaviours have not looked at; "" where they have looked at all."""
        return ran.remark(self.case)

    @property
    def lifetimes(self) -> Query:
        """What the workloads concerned held, and when."""
        return self.case.sql(_LIFETIMES, (list(self.finding_ids), list(self.finding_ids)))

    @property
    def elsewhere(self) -> Query:
        """Every place from which the credentials that the findings name were used."""
        return self.case.sql(_ELSEWHERE, (list(self.finding_ids),))

    @property
    def around(self) -> Query:
        """What the same workload and credential did around the findings: near to them, and no evidence of them."""
        return self.case.sql(_AROUND, (list(self.finding_ids),))

    def open_questions(self) -> list[Gap]:
        """Findings behind which nothing is in evidence."""
        behind = {str(row[0]) for row in self.behind}
        bare = [f"{row[1]} of {at(row[4])}" for row in self._about() if row[0] not in behind]
        return [
            Gap(
                f"What {listed(bare)} rest{'s' if len(bare) == 1 else ''} on",
                "no record of the case has their key, address, interface or name in their window",
                "GuardDuty reads CloudTrail, flow and DNS logs by itself, whether or not they are kept: collect those"
                " that are, of that time, account and Region",
            )
        ] * bool(bare)

    def steps(self) -> list[Command]:
        """What contains the credentials and the workload of one finding; of several, run the playbook on each."""
        if len(self.finding_ids) != 1:
            return []
        keys = [str(row[0]) for row in self.case.sql(_KEYS, (list(self.finding_ids),)).rows()]
        return containment(Intrusion(self.case, dict.fromkeys(keys, ())), self.subject)


def investigate(case: Case, *, finding_id: str | None = None) -> Triage:
    """Look into one finding, or into all of the case, the most severe first, samples left out. Raises UnknownName."""
    ids = [str(row[0]) for row in case.sql(_FINDINGS).rows()]
    if finding_id is None:
        return Triage(case, Intrusion(case, {}), None, tuple(ids[:MOST]), max(len(ids) - MOST, 0), True)
    rows = case.sql("SELECT workload FROM finding WHERE finding_id = ?", (finding_id,)).rows()
    if not rows:
        raise UnknownName("finding", finding_id, ids)
    return Triage(case, Intrusion(case, {}), rows[0][0], (finding_id,), 0)


def _issued(identifier: str, row: tuple[Any, ...]) -> Statement:
    _, key, principal, workload, certainty, event_id, issued, _ = row
    return Statement(
        id=identifier,
        title=f"{key}, which a finding names, was issued to {workload.rpartition(':')[2]}",
        statement=f"At {at(issued)} the credential {key} of {principal} was issued; it belongs to {workload} ({certainty}).",
        time=issued,
        certainty=certainty,
        principal=principal,
        workload=workload,
        evidence=named([event_id]),
    )


def _behind(identifier: str, row: tuple[Any, ...]) -> Statement:
    (
        finding_id,
        why,
        source,
        action,
        outcome,
        key,
        address,
        destination,
        principal,
        records,
        first,
        last,
        octets,
        ids,
    ) = row
    ended = {"success": "succeeded", "denied": "was denied", "error": "failed"}.get(outcome or "", "")
    whom = f" with {key}" if key else ""
    place = f" from {address}" if address else ""
    place += f" to {destination}" if destination else ""
    sent = f", {size(octets)}" if octets else ""
    return Statement(
        id=identifier,
        title=f"{count(records, 'record')} of {source}: {action or 'no action'} {ended}".strip(),
        statement=(
            f"{capital(during(first, last))}, {count(records, 'record')} of {source}, {action or 'no action named'}{whom}{place}{sent},"
            f" {'lies' if records == 1 else 'lie'} behind the finding {finding_id}: {why}."
        ),
        time=first,
        certainty="recorded" if "key" in why or "principal" in why or finding_id.startswith("sigma:") else "inferred",
        technique=technique(action),
        principal=principal,
        evidence=named(ids[: traces.MOST_CITED]),
    )
