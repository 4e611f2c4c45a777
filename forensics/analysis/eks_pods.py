"""Were pods of an EKS cluster entered or robbed of their AWS credentials, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from shlex import quote

from forensics.analysis import eks_requests, traces
from forensics.analysis.betrayal import of_keys, used_outside
from forensics.analysis.consequences import consequences
from forensics.analysis.eks_requests import ApiCaller
from forensics.analysis.gaps import Gap
from forensics.analysis.holdings import basis
from forensics.analysis.isolation import Command, isolation
from forensics.analysis.misuse import Misuse
from forensics.analysis.statement import Statement
from forensics.analysis.words import at, count, listed
from forensics.case import Case, Query
from forensics.errors import UnknownName, UsageError
from forensics.timeline import find_workload

SOURCES = ("eks_audit", "cloudtrail", "guardduty", "vpc_flow", "container_log")

_CANDIDATES = """
SELECT DISTINCT c.workload
FROM credential_workload AS c
WHERE list_contains(CAST(? AS VARCHAR[]), c.access_key_id)
  AND c.workload LIKE 'k8s:%'
ORDER BY c.workload
"""

_KEYS_OF = "SELECT DISTINCT access_key_id FROM credential_workload WHERE list_contains(CAST(? AS VARCHAR[]), workload)"

_OF_ACCOUNT = """
SELECT a.workload
FROM workload_detail AS a
JOIN workload_detail AS n ON n.workload = a.workload AND n.property = 'namespace'
WHERE a.property = 'service_account'
  AND (n.value || '/' || a.value = $name OR a.value = $name)
GROUP BY a.workload
ORDER BY a.workload
"""

_ACCOUNTS = """
SELECT DISTINCT n.value || '/' || a.value AS account
FROM workload_detail AS a
JOIN workload_detail AS n ON n.workload = a.workload AND n.property = 'namespace'
WHERE a.property = 'service_account'
ORDER BY account
LIMIT 11
"""

_FINDINGS = """
SELECT f.finding_id, f.type, f.severity, f.title, f.time, f.end_time, f.principal, f.workload, f.resources, e.source_ip,
  f.access_key_id
FROM finding AS f
JOIN event AS e ON e.event_id = f.finding_id
WHERE list_contains(CAST(? AS VARCHAR[]), f.workload)
  AND NOT coalesce(list_contains(CAST(? AS VARCHAR[]), f.access_key_id), FALSE)
ORDER BY f.time, f.finding_id
"""

_TO_AWS = """
SELECT k.access_key_id, c.workload, c.certainty, c.via, k.principal, k.issued_at, count(e.event_id) AS calls,
  count(DISTINCT e.source_ip) AS addresses, min(e.time) AS first_used, max(e.time) AS last_used,
  list_contains(CAST($stolen AS VARCHAR[]), k.access_key_id) AS in_hand
FROM credential_workload AS c
JOIN credential AS k ON k.access_key_id = c.access_key_id
LEFT JOIN event AS e ON e.source = 'cloudtrail' AND e.access_key_id = k.access_key_id
WHERE list_contains(CAST($pods AS VARCHAR[]), c.workload)
GROUP BY k.access_key_id, c.workload, c.certainty, c.via, k.principal, k.issued_at
ORDER BY k.issued_at, k.access_key_id, c.workload
"""

_ROLES = """
SELECT DISTINCT p.name
FROM credential AS k
JOIN principal AS p ON p.principal = k.principal AND p.kind = 'role'
JOIN event AS e ON e.event_id = k.issuance_event_id AND e.action = 'sts:AssumeRoleWithWebIdentity'
WHERE list_contains(CAST(? AS VARCHAR[]), k.access_key_id)
ORDER BY p.name
"""


@dataclass(frozen=True)
class PodCompromise(Misuse):
    """The answer: pods whose tokens or AWS credentials are in an intruder's hands, and what was done with them."""

    callers: tuple[ApiCaller, ...] = ()
    asked: tuple[str, ...] = ()

    @property
    def entered(self) -> list[ApiCaller]:
        """Service accounts, pod by pod, whose requests to the cluster are taken to be an intruder's."""
        return [item for item in self.callers if item.believed]

    @property
    def found(self) -> bool:
        """Whether any pod was entered or robbed."""
        return bool(self.intrusion.stolen or self.entered)

    def own(self) -> list[Statement]:
        """Hands, the intruder's requests to the cluster, and findings of the pods."""
        rows = self.case.sql(_FINDINGS, (self.involved, list(self.intrusion.keys))).rows() if self.found else []
        return [
            *self.hands.statements(),
            *eks_requests.requests(self.case, self.entered),
            *eks_requests.requests_of_keys(self.intrusion),
            *(traces.finding(f"pod-finding-{number:02d}", row) for number, row in enumerate(rows, 1)),
        ]

    @cached_property
    def involved(self) -> list[str]:
        """Pods that were entered, and those that the stolen credentials are, or may be, of."""
        maybe = [str(row[0]) for row in self.case.sql(_CANDIDATES, (list(self.intrusion.stolen),)).rows()]
        return list(dict.fromkeys([*(item.pod for item in self.entered if item.pod), *maybe]))

    @property
    def verdict(self) -> str:
        """Which pods were entered and robbed, and what came of it; or that nothing was found and on what that rests."""
        if self.found:
            robbed = f" {self.in_hand} {consequences(self.intrusion)}" if self.intrusion.stolen else ""
            return f"{self._entered()}{robbed}{self.doubt}".strip()
        about = listed(list(self.asked)) or "any pod"
        seen = self.case.sql("SELECT count(*) FROM workload WHERE kind = 'eks_pod'").rows()[0][0]
        looked = [
            count(int(seen), "pod"),
            f"{len(self.hands.uses):,} uses of their AWS credentials by address",
            f"{count(len(self.callers), 'service account')} that read secrets, entered containers or changed rights",
        ]
        return (
            f"Nothing was found that speaks clearly for {about} having been entered or robbed; looked at:"
            f" {listed(looked)}.{self.doubt} {basis(self.case, SOURCES)}"
        )

    def _entered(self) -> str:
        return " ".join(
            f"{item.pod or item.username} is in an intruder's hands from {at(item.first)} on: {item.speaks_for_an_intruder}."
            for item in self.entered
        )

    @property
    def to_aws(self) -> Query:
        """Every AWS credential of the pods involved: how it is known to be theirs, how much and from where it was used."""
        pods = self.involved or list(self.asked)
        return self.case.sql(_TO_AWS, {"pods": pods, "stolen": list(self.intrusion.stolen)})

    def steps(self) -> list[Command]:
        """Preserve, isolate and stop the pods; close the way by which their tokens give new keys."""
        roles = [str(row[0]) for row in self.case.sql(_ROLES, (list(self.intrusion.stolen),)).rows()]
        closed = [
            Command(
                f"let no web identity assume {role} until the pods' tokens have expired (a token taken along gives new keys)",
                f"aws iam update-assume-role-policy --role-name {quote(role)}"
                " --policy-document file://TRUST-POLICY-WITHOUT-THE-CLUSTER.json",
            )
            for role in roles
        ]
        entered = [item.pod for item in self.entered if item.pod]
        return [*closed, *isolation(self.case, [*entered, *self.robbed] or self.involved)]

    def open_questions(self) -> list[Gap]:
        """What neither the cluster nor AWS logs, besides what every misuse leaves open."""
        if not self.found:
            return []
        return [
            *(super().open_questions() if self.intrusion.stolen else []),
            Gap(
                "What was done inside the containers",
                "the audit log has the request for a shell, not what was typed; reads of tokens and keys leave no log",
                "GuardDuty's runtime findings; the node's disk and memory; the containers' own logs",
            ),
            Gap(
                "Which pod a credential by web identity was taken from, where several share its service account",
                "AssumeRoleWithWebIdentity names the service account, not the pod",
                "Pod Identity instead, whose sessions name the pod; the audit log of the pod that was entered",
            ),
        ]


def look(case: Case, *, workload: str | None = None, service_account: str | None = None) -> PodCompromise:
    """Look over one pod, the pods of a service account (`namespace/name` or name), or with neither all of the case.

    Asked about pods, the whole intrusion is told if they have a part in it: entered, robbed, or entered from another.
    Raises UsageError where both are given, UnknownName, AmbiguousName.
    """
    if workload and service_account:
        raise UsageError("give only one of workload and service_account; both were given")
    pods = [_pod(case, workload)] if workload else _of_account(case, service_account) if service_account else []
    hands = of_keys(case, used_outside(case, ("eks_pod",)), signs=eks_requests.signs_of_people(case))
    robbed = [str(row[0]) for row in case.sql(_CANDIDATES, (list(hands.intrusion.stolen),)).rows()]
    callers = tuple(eks_requests.api_callers(case, robbed))
    whole = PodCompromise(case, hands.intrusion, pods[0] if workload else None, hands, callers, tuple(pods))
    if not pods or not whole.found or set(pods) & {*whole.involved, *eks_requests.entered_from(case, whole.entered)}:
        return whole
    keys = [str(row[0]) for row in case.sql(_KEYS_OF, (pods,)).rows()]
    alone = of_keys(case, keys)
    mine = tuple(item for item in callers if item.pod in pods)
    return PodCompromise(case, alone.intrusion, whole.subject, alone, mine, tuple(pods))


def _pod(case: Case, name: str) -> str:
    found = find_workload(case, name)
    if not found.startswith("k8s:"):
        pods = case.sql("SELECT workload FROM workload WHERE kind = 'eks_pod' ORDER BY workload LIMIT 11").rows()
        raise UnknownName("pod", name, (str(row[0]) for row in pods))
    return found


def _of_account(case: Case, name: str) -> list[str]:
    found: Sequence[str] = [str(row[0]) for row in case.sql(_OF_ACCOUNT, {"name": name}).rows()]
    if not found:
        raise UnknownName("service account", name, (str(row[0]) for row in case.sql(_ACCOUNTS).rows()))
    return list(found)
