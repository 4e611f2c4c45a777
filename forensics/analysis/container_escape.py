"""Did a container break out onto its host, and were the host's credentials, or its other containers', taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from forensics.analysis import ecs_calls, host_signs, traces
from forensics.analysis.betrayal import Hands, of_keys, used_outside
from forensics.analysis.consequences import consequences
from forensics.analysis.containment import containment
from forensics.analysis.ecs_calls import HOST_DANGERS
from forensics.analysis.gaps import Gap
from forensics.analysis.holdings import basis
from forensics.analysis.intrusion import Intrusion
from forensics.analysis.isolation import Command, isolation
from forensics.analysis.misuse import Misuse
from forensics.analysis.statement import Statement
from forensics.analysis.words import at, count, listed
from forensics.case import Case, Query
from forensics.errors import UnknownName
from forensics.timeline import find_workload

SOURCES = ("cloudtrail", "ecs_event", "ecs_agent_log", "eks_audit", "guardduty", "vpc_flow")

KINDS = ("ecs_task", "eks_pod", "ec2_instance")

_RUN_BY = """
SELECT DISTINCT u.event_id
FROM workload_detail AS d, unnest(d.evidence_event_ids) AS u(event_id)
WHERE list_contains(CAST(? AS VARCHAR[]), d.workload)
  AND d.property = 'requested_by'
"""

_KEYS_ON = """
SELECT DISTINCT c.access_key_id
FROM credential_workload AS c
LEFT JOIN lifetime AS h ON h.workload = c.workload AND h.holds_kind = 'instance'
WHERE list_contains(CAST($hosts AS VARCHAR[]), coalesce(h.holds, c.workload))
ORDER BY c.access_key_id
"""

_KEYS_OF_HOSTS = """
SELECT DISTINCT c.access_key_id
FROM credential_workload AS c
WHERE list_contains(CAST(? AS VARCHAR[]), c.workload)
ORDER BY c.access_key_id
"""

_HOSTS_OF_CONTAINERS = """
SELECT DISTINCT c.access_key_id, c.workload
FROM credential_workload AS c
JOIN lifetime AS h ON h.holds_kind = 'instance' AND h.holds = c.workload AND h.workload <> h.holds
WHERE list_contains(CAST(? AS VARCHAR[]), c.access_key_id)
ORDER BY c.access_key_id, c.workload
"""


@dataclass(frozen=True)
class Escape(Misuse):
    """The answer: hosts on which a container is not held by its container, since when, and what was done from there."""

    since: dict[str, datetime] = field(default_factory=dict)
    containers: tuple[str, ...] = ()
    asked: str | None = None

    @property
    def found(self) -> bool:
        """Whether anything speaks for an escape: an intruder's container, a finding, a host's credential in use elsewhere."""
        return bool(self.since)

    def own(self) -> list[Statement]:
        """Hands, the intruder's containers, use of the hosts' own credentials, fetched credentials, findings."""
        if not self.found:
            return []
        return [
            *self.hands.statements(),
            *ecs_calls.acts(self.hands),
            *host_signs.on_host(self.case, self.since),
            *host_signs.fetched(self.case, self.since),
            *(traces.finding(f"escape-finding-{number:02d}", row) for number, row in enumerate(self._findings(), 1)),
        ]

    def _findings(self) -> list[tuple[object, ...]]:
        """Of the containers involved and their hosts; those of launched ones are told with the intrusion."""
        mine = {*self.containers, *self.since}
        return [
            row for row in host_signs.findings(self.case) if row[7] in mine and row[7] not in self.intrusion.launched
        ]

    @cached_property
    def statements(self) -> list[Statement]:
        """As of any answer; a call of which a statement says more is not told twice."""
        return ecs_calls.without_acts(super().statements, self.hands)

    @property
    def verdict(self) -> str:
        """On which hosts a container broke out, and what was taken; or that nothing was found and on what that rests."""
        if not self.found:
            return self._nothing()
        said = [f"{host} is not to be trusted from {at(moment)} on" for host, moment in sorted(self.since.items())]
        kinds = [item.id.partition("-")[0] for item in self.own()]
        strange, fetched = kinds.count("host"), kinds.count("fetch")
        text = f"{listed(said)}: {listed(sorted(self.containers)) or 'a container'} could break out there."
        if strange:
            text += f" A strange program used the host's own credential for {count(strange, 'kind')} of calls."
        if fetched:
            text += f" Credentials of tasks were handed out to a stranger on the host {count(fetched, 'time')}."
        if self.intrusion.stolen:
            text += f" {self.in_hand} {consequences(self.intrusion)}"
        return text + self.doubt

    def _nothing(self) -> str:
        risky = host_signs.dangerous(self.case)
        looked = [
            f"{count(len(risky), 'container')} whose definition gives it its host",
            f"{len(host_signs.findings(self.case)):,} findings of GuardDuty on containers and their hosts",
            count(len(self.hands.judged), "caller") + " that defined or ran such containers",
        ]
        return (
            f"Nothing was found that speaks clearly for a container having broken out"
            f"{f' on {self.asked}' if self.asked else ''}; looked at: {listed(looked)}.{self.doubt} {basis(self.case, SOURCES)}"
        )

    @property
    def risky(self) -> Query:
        """Every task definition registered in the case, with what in it is dangerous."""
        return ecs_calls.definitions(self.case)

    @property
    def on_hosts(self) -> Query:
        """Every container that ran on the hosts involved: within reach of whoever had the host."""
        return host_signs.containers_on(self.case, list(self.since), list(host_signs.dangerous(self.case)))

    def steps(self) -> list[Command]:
        """Preserve and isolate the hosts, revoke their role's sessions, and stop the containers."""
        keys = [str(row[0]) for row in self.case.sql(_KEYS_OF_HOSTS, (list(self.since),)).rows()]
        revoked = containment(Intrusion(self.case, dict.fromkeys(keys, ())))
        cut = [item for item in revoked if "AWSRevokeOlderSessions" in item.command]
        return [*cut, *isolation(self.case, [*self.since, *self.containers, *self.robbed])]

    def open_questions(self) -> list[Gap]:
        """What no log of AWS shows of a host, besides what every misuse leaves open."""
        if not self.found:
            return []
        return [
            *(super().open_questions() if self.intrusion.stolen else []),
            Gap(
                "What was changed on the hosts, and which of their containers' data was read",
                "what happens on a host leaves no AWS log; its traffic does not tell a container's from the host's own",
                "images of its volumes and memory, its own logs; GuardDuty's runtime findings",
            ),
            Gap(
                "Whether calls with the hosts' own credential by their usual programs were all their own",
                "a user agent can be copied",
                "compare each action and moment with what the agent does on other hosts",
            ),
        ]


def look(case: Case, *, workload: str | None = None) -> Escape:
    """Look over one container or instance, or without it every host of containers in the case.

    Raises UnknownName, AmbiguousName.
    """
    asked = _workload(case, workload) if workload else None
    risky = host_signs.dangerous(case)
    grave = ecs_calls.dangerous(case, HOST_DANGERS)
    runs = [str(row[0]) for row in case.sql(_RUN_BY, (list(risky),)).rows()]
    outside = used_outside(case, KINDS)
    of_hosts = {str(key): str(host) for key, host in case.sql(_HOSTS_OF_CONTAINERS, (list(outside),)).rows()}
    hands = of_keys(case, of_hosts, signs=runs, grave=grave)
    containers = _containers(case, hands, risky)
    since = host_signs.hosts(case, containers | _first_uses(hands, of_hosts))
    if asked:
        near = host_signs.hosts(case, {asked: None})
        since = {host: moment for host, moment in since.items() if host in near or host == asked}
    if not since:
        return Escape(case, _nobody(hands).intrusion, asked, _nobody(hands), {}, (), asked)
    reach = {str(row[0]) for row in case.sql(_KEYS_ON, {"hosts": list(since)}).rows()}
    hands = of_keys(case, [key for key in outside if key in reach], signs=runs, grave=grave)
    return Escape(case, hands.intrusion, asked, hands, since, tuple(sorted(set(containers) - set(since))), asked)


def _containers(case: Case, hands: Hands, risky: dict[str, datetime | None]) -> dict[str, datetime | None]:
    """Containers that could break out and are an intruder's, and those of which GuardDuty says that they did."""
    theirs = {item: since for item, since in risky.items() if item in hands.intrusion.launched}
    accused = {str(row[7]): row[4] for row in reversed(host_signs.findings(case)) if row[7]}
    return accused | theirs


def _first_uses(hands: Hands, of_hosts: dict[str, str]) -> dict[str, datetime | None]:
    uses: Iterable[tuple[str, datetime | None]] = (
        (of_hosts[use.access_key_id], use.first_used)
        for use in reversed(hands.outside)
        if use.access_key_id in of_hosts
    )
    return dict(uses)


def _nobody(hands: Hands) -> Hands:
    """Who was judged, without anybody in whose hands anything is: another question's."""
    return replace(hands, intrusion=replace(hands.intrusion, stolen={}, derived=(), launched=()), uses=(), suspects=())


def _workload(case: Case, name: str) -> str:
    found = find_workload(case, name)
    kind = case.sql("SELECT kind FROM workload WHERE workload = ?", (found,)).rows()[0][0]
    if kind not in KINDS:
        known = (
            "SELECT workload FROM workload WHERE list_contains(CAST(? AS VARCHAR[]), kind) ORDER BY workload LIMIT 11"
        )
        raise UnknownName(
            "container or instance", name, (str(row[0]) for row in case.sql(known, (list(KINDS),)).rows())
        )
    return found
