"""Statements on an intrusion's traces: its calls, its traffic, and the findings that name it.

They name the events they rest on; `statement.cited` looks up the records of all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from forensics.analysis.intrusion import Intrusion
from forensics.analysis.statement import Statement, named, weakest
from forensics.analysis.technique import TRANSFER, technique
from forensics.analysis.words import at, capital, count, during, listed, size
from forensics.detect.about import about

MOST_CITED = 5_000
"""Records cited by one statement; it says so where there are more."""

_CALLS = """
SELECT t.access_key_id, t.action, t.outcome, t.source_ip, t.principal, t.session, count(*) AS calls,
  min(t.time) AS first, max(t.time) AS last, sum(t.bytes) AS bytes, array_agg(t.event_id ORDER BY t.time, t.event_id) AS ids
FROM timeline AS t
GROUP BY t.access_key_id, t.action, t.outcome, t.source_ip, t.principal, t.session
ORDER BY min(t.time), t.action, t.source_ip
"""

_RESOURCES = """
SELECT t.access_key_id, t.action, t.outcome, t.source_ip, array_agg(DISTINCT u.resource ORDER BY u.resource)[1:1000] AS resources
FROM timeline AS t, unnest(t.resources) AS u(resource)
GROUP BY t.access_key_id, t.action, t.outcome, t.source_ip
"""

_MINTED = """
SELECT k.issuance_event_id, k.access_key_id, k.principal, k.expires_at, k.issuance_certainty
FROM credential AS k
WHERE k.issuance_event_id IN (SELECT t.event_id FROM timeline AS t)
ORDER BY k.access_key_id
"""

_FLOWS = """
SELECT f.interface_id, f.remote, f.action, count(DISTINCT f.event_id) AS records, min(f.time) AS first,
  max(f.end_time) AS last,
  coalesce(sum(CASE WHEN f.dstaddr = f.remote THEN f.bytes END),
    sum(CASE WHEN f.direction = 'to' THEN f.bytes END)) AS sent,
  coalesce(sum(CASE WHEN f.srcaddr = f.remote THEN f.bytes END),
    sum(CASE WHEN f.direction = 'from' THEN f.bytes END)) AS received,
  array_agg(f.event_id ORDER BY f.time, f.event_id) AS ids
FROM flow AS f
GROUP BY f.interface_id, f.remote, f.action
ORDER BY min(f.time), f.interface_id, f.remote, f.action
"""
"""A gateway's interface records each packet twice, on its way in and out: only the leg with the address itself counts."""

_ENDS = """
SELECT f.interface_id, f.remote, f.action, a.workload, a.certainty
FROM flow AS f
JOIN attribution AS a ON a.event_id = f.event_id AND a.question = 'endpoint'
GROUP BY f.interface_id, f.remote, f.action, a.workload, a.certainty
ORDER BY f.interface_id, f.remote, f.action, a.workload, a.certainty
"""

_FINDINGS = """
SELECT f.finding_id, f.type, f.severity, f.title, f.time, f.end_time, f.principal, f.workload, f.resources,
  e.source_ip, f.access_key_id
FROM finding AS f
JOIN event AS e ON e.event_id = f.finding_id
WHERE f.access_key_id IN (SELECT u.key FROM unnest(CAST(? AS VARCHAR[])) AS u(key))
  OR f.workload IN (SELECT u.workload FROM unnest(CAST(? AS VARCHAR[])) AS u(workload))
ORDER BY f.time, f.finding_id
"""

MOST_HITS = 100
"""Findings of rules and behaviours that a report states, the most severe; the case has all."""

LEAST_SEVERE = 3
"""The least severity of a hit that a report states: one new thing alone is something to keep in mind, not a sign."""

_HITS = f"""
SELECT f.finding_id, f.type, f.severity, f.title, f.time, f.end_time, f.principal, f.workload, f.resources,
  NULL AS source_ip, f.access_key_id, f.source,
  coalesce(c.of_calls, (
    SELECT array_agg(b.event_id ORDER BY b.event_id) FROM finding_evidence AS b WHERE b.finding_id = f.finding_id)) AS rests_on,
  CASE WHEN f.source = 'behaviour' THEN (
    SELECT min(b.why) FROM finding_evidence AS b WHERE b.finding_id = f.finding_id) END AS reasons
FROM finding AS f
LEFT JOIN (
  SELECT e.finding_id, array_agg(e.event_id ORDER BY t.time, e.event_id) AS of_calls
  FROM finding_evidence AS e
  JOIN timeline AS t ON t.event_id = e.event_id
  GROUP BY e.finding_id
) AS c ON c.finding_id = f.finding_id
WHERE f.source IN ('sigma', 'behaviour')
  AND coalesce(f.severity, {LEAST_SEVERE}) >= {LEAST_SEVERE}
  AND (c.finding_id IS NOT NULL
    OR f.access_key_id IN (SELECT u.key FROM unnest(CAST(? AS VARCHAR[])) AS u(key))
    OR f.workload IN (SELECT u.workload FROM unnest(CAST(? AS VARCHAR[])) AS u(workload)))
ORDER BY f.severity DESC, f.time, f.finding_id
LIMIT {MOST_HITS}
"""
"""Of the records that one rests on those are cited that are calls of the intrusion, where any are."""


def calls(intrusion: Intrusion) -> Iterator[Statement]:
    """A statement for each credential, action, outcome and address, in order of time."""
    resources = {tuple(row[:4]): row[4] for row in intrusion.calls.select(_RESOURCES).rows()}
    minted: dict[str, list[list[Any]]] = {}
    for event_id, *made in intrusion.calls.select(_MINTED).rows():
        minted.setdefault(event_id, []).append(made)
    for number, row in enumerate(intrusion.calls.select(_CALLS).rows(), 1):
        key, action, outcome, address = row[:4]
        gave = [each for event_id in row[-1] for each in minted.get(event_id, ())]
        yield _call(f"call-{number:02d}", row, resources.get((key, action, outcome, address), []), gave)


def _call(identifier: str, row: tuple[Any, ...], resources: list[str], gave: list[list[Any]]) -> Statement:
    key, action, outcome, address, principal, session, calls, first, last, octets, ids = row
    action, place = action or "an action not named", address or "an address not recorded"
    ended = f"{_ended(outcome, calls)} {during(first, last)}"
    sentences = [f"With the credential {key}, {count(calls, 'call')} of {action} from {place} {ended}."]
    if resources:
        sentences.append(f"Named in them: {listed(resources)}.")
    if octets:
        sentences.append(f"S3 sent {size(octets)}.")
    sentences += [_minted(*made) for made in gave]
    if len(ids) > MOST_CITED:
        sentences.append(f"The first {MOST_CITED:,} records are cited.")
    return Statement(
        id=identifier,
        title=f"{action} {_ended(outcome, calls)}" + (f" {calls:,} times" if calls > 1 else ""),
        statement=" ".join(sentences),
        time=first,
        certainty="recorded",
        technique=technique(action),
        principal=principal or session,
        resources=tuple(resources[:50]),
        evidence=named(ids[:MOST_CITED]),
    )


def _ended(outcome: str | None, calls: int) -> str:
    words = {"success": "succeeded", "denied": "was denied" if calls == 1 else "were denied", "error": "failed"}
    return words.get(outcome or "", "ended unknown")


def _minted(key: str, principal: str | None, expires: datetime | None, certainty: str) -> str:
    return (
        f"It gave the new credential {key}"
        + (f" of {principal}" if principal else "")
        + (f", valid until {at(expires)}" if expires else ", valid until it is deactivated")
        + (f" ({certainty}: the record itself names no key)." if certainty != "recorded" else ".")
    )


def traffic(intrusion: Intrusion) -> Iterator[Statement]:
    """A statement for each interface that exchanged traffic with an address of the intruder."""
    ends: dict[tuple[Any, ...], list[tuple[str, str]]] = {}
    for interface, remote, action, workload, certainty in intrusion.flows(_ENDS).rows():
        ends.setdefault((interface, remote, action), []).append((str(workload), str(certainty)))
    for number, row in enumerate(intrusion.flows(_FLOWS).rows(), 1):
        yield _flow(f"flow-{number:02d}", row, ends.get(tuple(row[:3]), []))


def _flow(identifier: str, row: tuple[Any, ...], ends: list[tuple[str, str]]) -> Statement:
    interface, remote, action, records, first, last, sent, received, ids = row
    workloads = sorted({workload for workload, _ in ends})
    certainty = weakest(word for _, word in ends) if ends else "recorded"
    accepted = action != "REJECT"
    text = (
        f"{capital(during(first, last))}, interface {interface or '(none named)'} and {remote}"
        f" {'exchanged traffic' if accepted else 'tried to exchange traffic and it was rejected'}:"
        f" {size(sent or 0)} towards {remote}, {size(received or 0)} from it, in {count(records, 'flow record')}."
    )
    return Statement(
        id=identifier,
        title=f"{'Traffic with' if accepted else 'Rejected traffic with'} {remote} at {interface or 'an unnamed interface'}",
        statement=f"{text} {_holder(workloads, certainty)}",
        time=first,
        certainty=certainty,
        technique=TRANSFER if workloads and accepted and (sent or 0) > (received or 0) else "",
        workload=workloads[0] if len(workloads) == 1 else None,
        resources=tuple(workloads) if len(workloads) > 1 else (interface,) if interface else (),
        evidence=named(ids[:MOST_CITED]),
    )


def _holder(workloads: list[str], certainty: str) -> str:
    if not workloads:
        return "Which workload the traffic belongs to is not known: nothing in evidence says who held the interface."
    if certainty == "shared":
        return f"The interface was shared by {listed(workloads, 5)}: which of them it was, flow logs do not tell."
    if certainty == "recorded":
        return f"The records name {workloads[0]}."
    return f"The interface was held by {listed(workloads)} ({certainty})."


def findings(intrusion: Intrusion) -> Iterator[Statement]:
    """A statement for each finding that names a credential or a workload of the intrusion; samples are left out.

    Then what rules and behaviours found in its calls, or of its credentials and workloads, the most severe of it.
    """
    concerned = (list(intrusion.keys), list(intrusion.launched))
    for number, row in enumerate(intrusion.case.sql(_FINDINGS, concerned).rows(), 1):
        yield finding(f"finding-{number:02d}", row)
    hits = intrusion.calls.select(_HITS, *concerned).rows()
    for number, row in enumerate(sorted(hits, key=lambda row: (row[4] is None, str(row[4]), row[0])), 1):
        yield _hit(intrusion, f"hit-{number:02d}", row)


def _hit(intrusion: Intrusion, identifier: str, row: tuple[Any, ...]) -> Statement:
    """A statement on what a rule or behaviour found: why, what it looks for, and what it mistakes."""
    made = finding(identifier, row[:13])
    by = about(intrusion.case, row[0], row[11], row[1])
    if by is None:
        return made
    text = [made.statement, row[13] and f"Because: {row[13]}.", by.asks and f"It looks for this: {by.asks}"]
    if by.false_positives:
        text.append(f"It mistakes: {'; '.join(said.rstrip('.') for said in by.false_positives)}.")
    text.append(by.of_then and f"{capital(by.of_then)}.")
    technique = by.techniques[0] if by.techniques else ""
    return replace(made, statement=" ".join(filter(None, text)), technique=technique)


_REPORTERS = {
    None: "GuardDuty",
    "guardduty": "GuardDuty",
    "security_hub": "Security Hub",
    "behaviour": "A behaviour",
    "tampering": "An act against a log",
}
MOST_OF_A_RULE = 50
"""Events that the statement on a finding of a rule cites; the card of the finding has all."""


def finding(identifier: str, row: tuple[Any, ...]) -> Statement:
    """A statement on a finding: id, type, severity, title, times, principal, workload, resources, address, key.

    A finding that is no record itself is followed by its source and the ids of the events it rests on.
    """
    finding_id, kind, severity, title, first, last, principal, workload, resources, address, key, *rule = row
    source, rests_on = rule or (None, None)
    who = _REPORTERS.get(source, "A rule")
    return Statement(
        id=identifier,
        title=f"{who}: {title or kind}",
        statement=(
            f"{who} reported {kind}, severity {'not stated' if severity is None else format(severity, 'g')}"
            + (f", for the credential {key}" if key else "")
            + (f" and the address {address}" if address else "")
            + f", seen {during(first, max(first, last) if first and last else first or last)}."
        ),
        time=first,
        certainty="inferred" if source == "behaviour" else "recorded",
        principal=principal,
        workload=workload,
        resources=tuple(resources or ()),
        evidence=named((rests_on or [finding_id])[:MOST_OF_A_RULE]),
    )
