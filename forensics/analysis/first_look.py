"""A first look at an account: who acts in it, what is new or rare, who was refused, what GuardDuty said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from forensics.analysis import holdings, traces
from forensics.analysis.answer import Answer, in_order
from forensics.analysis.containment import containment
from forensics.analysis.intrusion import Intrusion
from forensics.analysis.isolation import Command
from forensics.analysis.statement import Statement, cited, named
from forensics.analysis.suspects import Suspect, in_hand, suspects
from forensics.analysis.technique import USE
from forensics.analysis.words import count, during, listed
from forensics.case import Case, Query
from forensics.timeline import Timeline

SOURCES = ("cloudtrail", "guardduty", "vpc_flow")
"""Sources that a first look rests on."""

MOST = 100
"""Findings that are statements, the most severe first; all of them are in the table."""

RARE_CALLS = 3
"""An action called at most so often in the whole case, by one principal alone, is rare."""

_CALLS = "FROM event AS e WHERE e.source = 'cloudtrail'"

_PAIRS = f"""
SELECT arg_min(e.event_id, (e.time, e.event_id)) AS event_id
{_CALLS}
  AND e.access_key_id IS NOT NULL
  AND regexp_matches(e.source_ip, '^[0-9a-fA-F:.]+$')
GROUP BY e.access_key_id, e.source_ip
"""
"""One call of each credential at each address: in whose hands it is there is judged by all of them."""

_FINDINGS = """
SELECT f.finding_id, f.type, f.severity, f.title, f.time, f.end_time, f.principal, f.workload, f.resources, e.source_ip,
  f.access_key_id, f.source, CASE WHEN e.event_id IS NULL THEN (
    SELECT array_agg(b.event_id ORDER BY b.event_id) FROM finding_evidence AS b WHERE b.finding_id = f.finding_id) END AS rests_on
FROM finding AS f
LEFT JOIN event AS e ON e.event_id = f.finding_id
WHERE coalesce(f.title, '') NOT LIKE '[SAMPLE]%'
  AND f.source <> 'tampering'
ORDER BY f.severity DESC NULLS LAST, f.time, f.finding_id
LIMIT ?
"""

_ROOT = f"""
SELECT e.principal, count(*) AS calls, min(e.time) AS first, max(e.time) AS last, count(DISTINCT e.action) AS actions,
  array_agg(DISTINCT e.source_ip ORDER BY e.source_ip) AS addresses, array_agg(e.event_id ORDER BY e.time, e.event_id)[1:50] AS ids
{_CALLS}
  AND e.principal LIKE 'arn:%:iam::%:root'
GROUP BY e.principal
ORDER BY e.principal
"""

_PRINCIPALS = f"""
SELECT e.principal, count(*) AS calls, count(DISTINCT e.action) AS actions, count(DISTINCT e.source_ip) AS addresses,
  count(DISTINCT e.region) AS regions, count(*) FILTER (WHERE e.outcome = 'denied') AS refused, min(e.time) AS first, max(e.time) AS last
{_CALLS}
GROUP BY e.principal
ORDER BY refused DESC, calls DESC, e.principal
"""

_RARE = f"""
SELECT e.action, min(e.principal) AS principal, count(*) AS calls, string_agg(DISTINCT e.outcome, ', ' ORDER BY e.outcome) AS outcomes,
  string_agg(DISTINCT e.source_ip, ', ' ORDER BY e.source_ip) AS addresses, min(e.time) AS first, max(e.time) AS last,
  arg_min(e.event_id, (e.time, e.event_id)) AS event_id
{_CALLS}
GROUP BY e.action
HAVING count(*) <= {RARE_CALLS} AND count(DISTINCT e.principal) = 1
ORDER BY min(e.time), e.action
"""

_ADDRESSES = f"""
SELECT e.source_ip, count(*) AS calls, count(DISTINCT e.principal) AS principals, count(DISTINCT e.access_key_id) AS credentials,
  count(*) FILTER (WHERE e.outcome = 'denied') AS refused, min(e.time) AS first, max(e.time) AS last,
  arg_min(e.user_agent, (e.time, e.event_id)) AS user_agent
{_CALLS}
  AND regexp_matches(e.source_ip, '^[0-9a-fA-F:.]+$')
GROUP BY e.source_ip
ORDER BY min(e.time) DESC, e.source_ip
"""

_AGENTS = f"""
SELECT e.user_agent, count(*) AS calls, count(DISTINCT e.principal) AS principals, count(DISTINCT e.source_ip) AS addresses,
  min(e.time) AS first, max(e.time) AS last
{_CALLS}
GROUP BY e.user_agent
ORDER BY count(DISTINCT e.principal), calls, e.user_agent
"""

_SUSPECTS = """
SELECT u.access_key_id, u.address, u.principal, u.reasons, u.judged
FROM (
  SELECT unnest(CAST(? AS VARCHAR[])) AS access_key_id, unnest(CAST(? AS VARCHAR[])) AS address,
    unnest(CAST(? AS VARCHAR[])) AS principal, unnest(CAST(? AS VARCHAR[])) AS reasons, unnest(CAST(? AS VARCHAR[])) AS judged
) AS u
"""


@dataclass(frozen=True)
class FirstLook(Answer):
    """What stands out in an account. `judged` is every credential at every address for which anything speaks."""

    judged: tuple[Suspect, ...]

    @property
    def believed(self) -> list[Suspect]:
        """Credentials at addresses where the reasons are enough to take them to be an intruder's."""
        return [item for item in self.judged if item.believed]

    @property
    def found(self) -> bool:
        """Whether anything is to be looked into."""
        return bool(self.statements)

    @cached_property
    def statements(self) -> list[Statement]:
        """Suspects with their reasons, uses of root, findings."""
        return cited(self.case, in_order(self.own()))

    def own(self) -> Iterable[Statement]:
        """The same, their records named but not looked up."""
        rows = self.case.sql(_FINDINGS, (MOST,)).rows()
        made = [traces.finding(f"finding-{number:02d}", row) for number, row in enumerate(rows, 1)]
        made += [_root(f"root-{number:02d}", row) for number, row in enumerate(self.case.sql(_ROOT).rows(), 1)]
        made += [_suspect(f"suspect-{number:02d}", item) for number, item in enumerate(self.believed, 1)]
        return made

    @property
    def verdict(self) -> str:
        """Who looks to be an intruder, what else stands out, what that rests on."""
        rests = holdings.basis(self.case, SOURCES)
        calls, principals = self.case.sql(f"SELECT count(*), count(DISTINCT e.principal) {_CALLS}").rows()[0]
        if not calls:
            return f"No API call is in evidence. {rests}"
        text = f"{count(calls, 'call')} of {count(principals, 'principal')}. "
        if self.believed:
            who = listed([f"{item.access_key_id} at {item.address}" for item in self.believed], 5)
            text += f"In an intruder's hands by what is seen: {who}. "
        else:
            text += "No credential looks to be in an intruder's hands by what is seen. "
        findings = sum(1 for item in self.statements if item.id.startswith("finding-"))
        text += f"{count(findings, 'finding')} to look into: guardduty-triage. " if findings else ""
        return text + rests

    @property
    def principals(self) -> Query:
        """Who acts: calls, actions, addresses, refusals; most refused first."""
        return self.case.sql(_PRINCIPALS)

    @property
    def rare(self) -> Query:
        """Actions called once, twice or three times, by one principal alone."""
        return self.case.sql(_RARE)

    @property
    def addresses(self) -> Query:
        """From where calls came, those first seen last on top."""
        return self.case.sql(_ADDRESSES)

    @property
    def agents(self) -> Query:
        """User agents, those of the fewest principals first."""
        return self.case.sql(_AGENTS)

    @property
    def suspects(self) -> Query:
        """Every credential at every address for which anything speaks, with the reasons."""
        found = [item for item in self.judged if item.reasons]
        return self.case.sql(
            _SUSPECTS,
            (
                [item.access_key_id for item in found],
                [item.address for item in found],
                [item.principal for item in found],
                ["; ".join(reason.says for reason in item.reasons) for item in found],
                ["taken for an intruder's" if item.believed else "not enough" for item in found],
            ),
        )

    @property
    def changes(self) -> Timeline:
        """Calls that change something, for the figure."""
        return Timeline(self.case).where(
            "source = 'guardduty' OR (source = 'cloudtrail' AND NOT regexp_matches(action, ?))",
            ":(Get|List|Describe|Head|Lookup|BatchGet|Search)",
        )

    def steps(self) -> list[Command]:
        """What cuts off the credentials that look to be in an intruder's hands."""
        return containment(Intrusion(self.case, in_hand(self.judged)))


def investigate(case: Case) -> FirstLook:
    """Look over everything in the case."""
    pairs = [str(row[0]) for row in case.sql(_PAIRS).rows()]
    return FirstLook(case, Intrusion(case, {}), None, tuple(suspects(case, pairs)))


def _root(identifier: str, row: tuple[Any, ...]) -> Statement:
    principal, calls, first, last, actions, addresses, ids = row
    places = listed([str(item) for item in addresses or []])
    return Statement(
        id=identifier,
        title=f"The account's root made {count(calls, 'call')}",
        statement=f"{principal} made {count(calls, 'call')} of {count(actions, 'kind')} from {places}, {during(first, last)}.",
        time=first,
        certainty="recorded",
        technique=USE,
        principal=principal,
        evidence=named(ids),
    )


def _suspect(identifier: str, item: Suspect) -> Statement:
    reasons = "; ".join(reason.says for reason in item.reasons)
    return Statement(
        id=identifier,
        title=f"{item.access_key_id} at {item.address} looks to be in an intruder's hands",
        statement=f"The credential {item.access_key_id} of {item.principal} at {item.address}: {reasons}.",
        time=item.first,
        certainty="inferred",
        technique=USE,
        principal=item.principal,
        evidence=named([event for reason in item.reasons for event in reason.event_ids] or item.event_ids[:1]),
    )
