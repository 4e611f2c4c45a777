"""Requests to a cluster's API server that an intruder in a pod makes, and in whose hands those are that made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forensics.analysis.intrusion import Intrusion
from forensics.analysis.statement import Statement, named
from forensics.analysis.technique import technique
from forensics.analysis.words import count, during, listed
from forensics.case import Case
from forensics.theft_place import PRIVATE

SIGNS = {
    "enter a container": "^kubernetes:(create|get):pods/(exec|attach|portforward)$",
    "read secrets": "^kubernetes:(get|list|watch):secrets$",
    "make tokens": "^kubernetes:create:serviceaccounts/token$",
    "ask what it may do": "^kubernetes:create:selfsubject(access|rules)reviews$",
    "change who may do what": "^kubernetes:(create|update|patch|delete|bind|escalate):(cluster)?role(binding)?s$",
    "start containers": "^kubernetes:(create|update|patch):(pods|daemonsets|deployments|jobs|cronjobs)$",
}
"""What a program in a pod has seldom reason to do: words, and a pattern over `event.action`."""

ENOUGH = 2
"""Points of reasons from which a caller is taken to be an intruder's."""

POINTS = {"finding": 2, "outside": 2, "anonymous": 2, "robbed": 1, "asked": 1, "new": 1, "denied": 1}

_REQUESTS = """
SELECT e.event_id, e.time, e.action, e.outcome, e.source_ip, e.access_key_id, q.username, q.cluster_name, q.object_namespace,
  q.object_resource, q.object_subresource, q.object_name,
  (SELECT min(a.workload) FROM attribution AS a
   WHERE a.event_id = e.event_id AND a.question = 'issued_to' AND a.workload LIKE 'k8s:%') AS pod
FROM event AS e
JOIN eks_audit AS q ON q.object_id = e.object_id AND q.record = e.record
WHERE e.source = 'eks_audit'
  AND (regexp_matches(q.username, '^system:serviceaccount:') OR q.username = 'system:anonymous')
"""

_CALLERS = f"""
WITH request AS (
{_REQUESTS}
), signs AS (
  SELECT r.username, r.pod, r.source_ip, min(r.time) AS first, max(r.time) AS last, count(*) AS requests,
    count(*) FILTER (WHERE r.outcome = 'denied') AS denied,
    count(*) FILTER (WHERE r.outcome = 'success') AS succeeded,
    count(*) FILTER (WHERE regexp_matches(r.action, '{SIGNS["ask what it may do"]}')) AS asked,
    array_agg(DISTINCT r.action) AS actions, array_agg(r.event_id ORDER BY r.time, r.event_id) AS event_ids
  FROM request AS r
  WHERE regexp_matches(r.action, ?)
  GROUP BY r.username, r.pod, r.source_ip
)
SELECT s.username, s.pod, s.source_ip, s.first, s.last, s.requests, s.denied, s.succeeded, s.asked, s.event_ids,
  (SELECT count(*) FROM request AS b WHERE b.username = s.username AND b.time < s.first) AS earlier,
  (SELECT count(DISTINCT b.action) FROM request AS b
   WHERE b.username = s.username AND b.time < s.first AND list_contains(s.actions, b.action)) AS known,
  len(s.actions) AS kinds,
  (SELECT count(*) FROM lifetime AS h WHERE h.workload = s.pod AND h.holds_kind = 'private_ip' AND h.holds = s.source_ip) AS home,
  coalesce(regexp_matches(s.source_ip, '{PRIVATE}'), TRUE) AS private
FROM signs AS s
ORDER BY s.first, s.username, s.source_ip
"""

_FINDINGS = """
SELECT f.workload, f.type, f.finding_id
FROM finding AS f
WHERE f.workload LIKE 'k8s:%'
  AND coalesce(f.title, '') NOT LIKE '[SAMPLE]%'
  AND f.source IN ('guardduty', 'security_hub')
ORDER BY f.time, f.finding_id
"""

_DONE = f"""
WITH request AS (
{_REQUESTS}
)
SELECT r.action, r.outcome, count(*) AS requests, min(r.time) AS first, max(r.time) AS last,
  array_agg(r.event_id ORDER BY r.time, r.event_id) AS event_ids,
  array_agg(DISTINCT coalesce(r.object_namespace || '/', '') || coalesce(r.object_name, r.object_resource, '')) AS objects
FROM request AS r
WHERE r.username = $username
  AND r.pod IS NOT DISTINCT FROM $pod
  AND r.source_ip IS NOT DISTINCT FROM $address
  AND r.time >= $first
  AND NOT EXISTS (SELECT 1 FROM request AS b WHERE b.username = r.username AND b.time < $first AND b.action = r.action)
GROUP BY r.action, r.outcome
ORDER BY min(r.time), r.action, r.outcome
"""
"""What the account did before the first sign is what it does; everything new from then on is told."""


_PEOPLE = """
SELECT c.event_id
FROM event AS c
WHERE c.source = 'cloudtrail'
  AND c.access_key_id IN (
    SELECT e.access_key_id
    FROM event AS e
    JOIN eks_audit AS q ON q.object_id = e.object_id AND q.record = e.record
    WHERE e.source = 'eks_audit'
      AND e.access_key_id IS NOT NULL
      AND NOT coalesce(q.username LIKE 'system:node:%', FALSE)
      AND regexp_matches(e.action, ?))
"""
"""Requests to a cluster are judged by what their credential did in AWS: there is more of it to compare."""

_TARGETS = """
SELECT DISTINCT 'k8s:' || q.cluster_name || '/' || q.object_namespace || '/' || q.object_name AS pod
FROM event AS e
JOIN eks_audit AS q ON q.object_id = e.object_id AND q.record = e.record
WHERE e.source = 'eks_audit'
  AND list_contains(CAST(? AS VARCHAR[]), e.event_id)
  AND regexp_matches(e.action, ?)
  AND q.object_name IS NOT NULL
"""

_OF_KEYS = """
SELECT e.action, e.outcome, count(*) AS requests, min(e.time) AS first, max(e.time) AS last,
  array_agg(e.event_id ORDER BY e.time, e.event_id) AS event_ids,
  array_agg(DISTINCT coalesce(q.object_namespace || '/', '') || coalesce(q.object_name, q.object_resource, '')) AS objects,
  q.username
FROM event AS e
JOIN eks_audit AS q ON q.object_id = e.object_id AND q.record = e.record
WHERE e.source = 'eks_audit'
  AND (list_contains(CAST($derived AS VARCHAR[]), e.access_key_id)
    OR list_contains(CAST($stolen AS VARCHAR[]), e.access_key_id || ' ' || e.source_ip))
GROUP BY q.username, e.action, e.outcome
ORDER BY min(e.time), e.action, e.outcome
"""


@dataclass(frozen=True)
class ApiCaller:
    """A service account, in a pod as far as its token tells, at an address, that made requests of `SIGNS`."""

    username: str
    pod: str | None
    address: str | None
    first: datetime
    last: datetime
    requests: int
    reasons: tuple[tuple[str, str], ...]
    event_ids: tuple[str, ...]
    finding_ids: tuple[str, ...] = ()

    @property
    def believed(self) -> bool:
        """Whether enough speaks for an intruder."""
        return sum(POINTS[kind] for kind, _ in self.reasons) >= ENOUGH

    @property
    def speaks_for_an_intruder(self) -> str:
        """The reasons, as a sentence's part."""
        return listed([says for _, says in self.reasons], len(self.reasons)) or "nothing"


def signs_of_people(case: Case) -> tuple[str, ...]:
    """What those called in CloudTrail who made such requests with an AWS credential: users and roles, not nodes."""
    return tuple(str(row[0]) for row in case.sql(_PEOPLE, (_pattern(),)).rows())


def api_callers(case: Case, robbed: Sequence[str] = ()) -> list[ApiCaller]:
    """Every service account that made such requests, in order of time; `robbed` are pods whose AWS keys were stolen."""
    findings: dict[str, list[tuple[str, str]]] = {}
    for pod, kind, finding_id in case.sql(_FINDINGS).rows():
        findings.setdefault(str(pod), []).append((str(kind), str(finding_id)))
    return [_caller(row, findings, set(robbed)) for row in case.sql(_CALLERS, (_pattern(),)).rows()]


def _pattern() -> str:
    return "|".join(SIGNS.values())


def _caller(row: tuple[Any, ...], findings: Mapping[str, list[tuple[str, str]]], robbed: set[str]) -> ApiCaller:
    (
        username,
        pod,
        address,
        first,
        last,
        requests,
        denied,
        succeeded,
        asked,
        ids,
        earlier,
        known,
        kinds,
        home,
        private,
    ) = row
    said = findings.get(pod or "", [])
    reasons = [("finding", f"GuardDuty reported {kind} of this pod") for kind, _ in said[:1]]
    if not private and not home:
        reasons.append(("outside", f"the token was used from {address}, which is no address of the cluster's"))
    if username == "system:anonymous" and succeeded:
        reasons.append(("anonymous", "the API server let requests without any credential through"))
    if pod in robbed:
        reasons.append(("robbed", "an AWS credential of its service account was used from outside"))
    if asked:
        reasons.append(("asked", "it asked what it may do, which a program knows"))
    if earlier and known < kinds:
        reasons.append(("new", f"{count(kinds - known, 'kind')} of these requests it had never made before"))
    if denied:
        reasons.append(("denied", f"{count(denied, 'request')} {'was' if denied == 1 else 'were'} denied"))
    accused = tuple(name for _, name in said)
    return ApiCaller(username, pod, address, first, last, requests, tuple(reasons), tuple(ids), accused)


def entered_from(case: Case, callers: Sequence[ApiCaller]) -> list[str]:
    """The pods into which those opened a shell, as far as the requests name them."""
    ids = [event for caller in callers for event in caller.event_ids]
    return [str(row[0]) for row in case.sql(_TARGETS, (ids, SIGNS["enter a container"])).rows()]


def requests(case: Case, callers: Sequence[ApiCaller]) -> Iterator[Statement]:
    """For each caller why it is taken to be an intruder's, then what it asked for that its account had not before."""
    number = 0
    for place, caller in enumerate(callers, 1):
        yield _entered(f"entered-{place:02d}", caller)
        values = {"username": caller.username, "pod": caller.pod, "address": caller.address, "first": caller.first}
        for row in case.sql(_DONE, values).rows():
            number += 1
            yield _request(f"request-{number:02d}", row, username=caller.username, pod=caller.pod)


def requests_of_keys(intrusion: Intrusion) -> Iterator[Statement]:
    """What was asked of clusters with AWS credentials in the intruder's hands, where they are, and what came of them."""
    pairs = [f"{key} {address}" for key, addresses in intrusion.stolen.items() for address in addresses]
    values = {"derived": list(intrusion.derived), "stolen": pairs}
    for number, row in enumerate(intrusion.case.sql(_OF_KEYS, values).rows(), 1):
        yield _request(f"key-request-{number:02d}", row[:7], username=row[7] or "a user not named", pod=None)


def _entered(identifier: str, caller: ApiCaller) -> Statement:
    who = caller.pod or caller.username
    return Statement(
        id=identifier,
        title=f"{who} in an intruder's hands",
        statement=(
            f"The service account {caller.username} called the cluster's API server from"
            f" {caller.address or 'an address not recorded'}"
            + (f", by a token of the pod {caller.pod}," if caller.pod else "")
            + f" {during(caller.first, caller.last)}: {caller.speaks_for_an_intruder}."
        ),
        time=caller.first,
        certainty="inferred",
        workload=caller.pod,
        evidence=named([caller.event_ids[0], *caller.finding_ids[:1]]),
    )


def _request(identifier: str, row: tuple[Any, ...], *, username: str, pod: str | None) -> Statement:
    action, outcome, number, first, last, ids, objects = row
    ended = {"success": "succeeded", "denied": "denied", "error": "failed"}.get(outcome or "", "ended unknown")
    names = sorted(str(item) for item in objects)
    return Statement(
        id=identifier,
        title=f"{action.removeprefix('kubernetes:')} {ended}" + (f" {number:,} times" if number > 1 else ""),
        statement=(
            f"{username} asked for {action.removeprefix('kubernetes:')} of {listed(names)}"
            f" {during(first, last)}: {ended}."
        ),
        time=first,
        certainty="recorded",
        technique=technique(action),
        workload=pod,
        resources=tuple(names[:50]),
        evidence=named(ids),
    )
