"""Whose requests at the edge had consequences inside: who sent them, what served them, what it did then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from forensics.analysis import edge_statements, traces
from forensics.analysis.answer import Answer
from forensics.analysis.edge_containment import shut
from forensics.analysis.edge_requests import Scope, Served, called_back, chain, clients, reached, requests_of, served
from forensics.analysis.edge_traces import Traces, names_of, traces_of
from forensics.analysis.gaps import Gap
from forensics.analysis.holdings import basis
from forensics.analysis.intrusion import follow
from forensics.analysis.isolation import Command
from forensics.analysis.statement import Statement
from forensics.analysis.suspects import Reason
from forensics.analysis.words import count, during, listed, size
from forensics.case import Case, Query
from forensics.errors import UnknownName
from forensics.timeline import Moment, find_workload, parse_time

SOURCES = ("alb", "waf", "cloudfront", "api_gateway", "lambda_log", "cloudtrail", "vpc_flow", "route53_resolver")

ENOUGH = 3
"""Points of reasons from which an address is taken to be an attacker's; one of them must be a consequence inside."""

POINTS = {"attack-like": 1, "blocked": 1, "unusual": 1, "destination": 1, "new call": 1}
POINTS |= {"finding": 2, "key outside": 2, "called back": 3}
CONSEQUENCES = frozenset({"destination", "new call", "finding", "key outside", "called back"})

_OUTSIDE = """
SELECT u.address, u.access_key_id, u.workload, u.first_event_id, u.finding_id
FROM credential_use AS u
WHERE u.place = 'outside'
  AND u.address IS NOT NULL
  AND (CAST($workload AS VARCHAR) IS NULL OR u.workload = $workload)
ORDER BY u.first_used, u.access_key_id, u.address
"""


@dataclass(frozen=True)
class Client:
    """An address that sent requests, and what speaks for its being an attacker's."""

    address: str
    reasons: tuple[Reason, ...]

    @property
    def believed(self) -> bool:
        """Whether the reasons are enough, and a consequence inside is among them."""
        kinds = {item.kind for item in self.reasons}
        return sum(POINTS[kind] for kind in kinds) >= ENOUGH and bool(kinds & CONSEQUENCES)


@dataclass(frozen=True)
class EdgeAttack(Answer):
    """The answer: the clients judged, the invocations that served an attacker's requests, what those did."""

    scope: Scope
    clients: tuple[Client, ...]
    served: tuple[Served, ...]
    traces: Traces

    @property
    def believed(self) -> list[str]:
        """The addresses taken to be an attacker's."""
        return [item.address for item in self.clients if item.believed]

    @property
    def found(self) -> bool:
        """Whether requests of an attacker had consequences."""
        return bool(self.believed)

    @property
    def functions(self) -> list[str]:
        """The functions whose invocations served an attacker's requests."""
        return sorted({item.workload for item in self.served})

    @property
    def verdict(self) -> str:
        """The answer in a few sentences."""
        asked = sum(int(row[1]) for row in self.everybody.rows())
        if not self.found:
            probing = [item.address for item in self.clients if any(r.kind == "attack-like" for r in item.reasons)]
            tried = (
                f" {listed(probing, 5)} asked for what no honest client does, without visible effect."
                if probing
                else ""
            )
            return (
                f"No request at the edge had consequences inside that speak for an attack: {count(asked, 'request')} in"
                f" evidence.{tried} {basis(self.case, SOURCES)}"
            )
        return f"{self._who()}{self._within()}{self._beyond()}"

    def _who(self) -> str:
        rows = self.requests.rows()
        times = [row[2] for row in rows]
        like = sum(bool(row[9]) for row in rows)
        return f"{listed(self.believed)} sent {count(len(rows), 'request')} {during(min(times), max(times))}" + (
            f", of which {like:,} asked for what no honest client does." if like else "."
        )

    def _within(self) -> str:
        if not self.served:
            return ""
        calls = sum(item.calls for item in self.traces.calls)
        octets = sum(item.bytes or 0 for item in self.traces.calls)
        text = (
            f" {count(len({item.request_id for item in self.served}), 'invocation')} of {listed(self.functions)} served them;"
            f" within, {count(calls, 'call')} with the function's own key"
        )
        text += f" (S3 sent {size(octets)})" if octets else ""
        where = (
            f", and traffic with {listed(self.traces.addresses)}, met at no other time" if self.traces.remotes else ""
        )
        return f"{text}{where}."

    def _beyond(self) -> str:
        stolen = list(self.intrusion.stolen)
        if not stolen:
            return " No use of a workload's credential from outside is in evidence." if self.served else ""
        places = sorted({address for found in self.intrusion.stolen.values() for address in found})
        return f" {listed(stolen)} was then used from outside, {listed(places)}."

    @property
    def everybody(self) -> Query:
        """A row per client: its requests, how many no honest client makes, how many were blocked."""
        return clients(self.case, self.scope)

    @property
    def requests(self) -> Query:
        """Every request of the addresses taken to be an attacker's."""
        return requests_of(self.case, self.scope, self.believed)

    @property
    def reached(self) -> Query:
        """Which workload each client's requests reached, as far as it is known whose address served them."""
        return reached(self.case, self.scope)

    @property
    def chain(self) -> Query:
        """Every record that bears a trace or request id of an attacker's request, at the edge or behind it."""
        return chain(self.case, [str(row[0]) for row in self.requests.rows()])

    @property
    def judged(self) -> pd.DataFrame:
        """A row per client of which something speaks for an attack."""
        rows = [
            (
                item.address,
                "attacker" if item.believed else "not taken for one",
                "; ".join(r.says for r in item.reasons),
            )
            for item in self.clients
        ]
        return pd.DataFrame(rows, columns=["address", "judgement", "why"])

    @cached_property
    def names(self) -> list[tuple[Any, ...]]:
        """DNS names that led to the destinations met only then."""
        return names_of(self.case, self.traces.addresses)

    def own(self) -> Iterator[Statement]:
        """The attacker's requests, what served them, what that did; traffic with the destinations, and findings."""
        if not self.found:
            return
        believed = [item for item in self.clients if item.believed]
        yield from edge_statements.attackers([(item.address, item.reasons) for item in believed], self.requests.rows())
        yield from edge_statements.servings(self.served)
        yield from edge_statements.acts(self.traces.calls)
        yield from edge_statements.names(self.names)
        yield from edge_statements.findings(self.traces.findings)
        if not self.intrusion.stolen and self.intrusion.known:
            yield from traces.traffic(self.intrusion)

    def open_questions(self) -> list[Gap]:
        """What stays open of an attack through the edge."""
        if not self.found:
            return []
        return [
            Gap(
                "What the requests carried",
                "no log of AWS holds a request's body, and few its headers",
                "the application's own logs; WAF with logged headers; packet capture from now on",
            ),
            Gap(
                f"Who was at {listed(self.believed)}",
                "an address is not a person; behind a proxy it is the proxy's, and X-Forwarded-For is the client's word",
                "ask the network's owner; compare with other accounts' logs",
            ),
        ]

    def steps(self) -> list[Command]:
        """Shut the address out, stop what it reached, cut off the destinations."""
        return shut(self.case, self.believed, self.workloads, self.traces.addresses) if self.found else []

    @property
    def workloads(self) -> list[str]:
        """What the attacker's requests reached: functions by their invocations, others by their address."""
        rows = [row for row in self.reached.rows() if row[0] in self.believed]
        return sorted({*self.functions, *(str(row[1]) for row in rows)})


def investigate(
    case: Case,
    *,
    address: str | None = None,
    workload: str | None = None,
    request_id: str | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
) -> EdgeAttack:
    """Judge every client by what followed its requests, and follow those that are taken for attackers.

    `request_id` is a trace id, a request id or an event id. Raises UnknownName for a name that no request has.
    """
    subject = find_workload(case, workload) if workload else None
    since, until = (parse_time(moment) if moment else None for moment in (start, end))
    scope = Scope(address, request_id, since, until)
    seen = clients(case, scope).rows()
    _refuse_unknown(case, scope, bool(seen))
    probing = [str(row[0]) for row in seen if row[3] or row[4]]
    found = [item for item in served(case, scope, probing) if not subject or item.workload == subject]
    traced = traces_of(case, [item.request_id for item in found])
    outside = case.sql(_OUTSIDE, {"workload": subject}).rows()
    judged = _judge(case, scope, seen, (found, traced, outside))
    theirs = {item.address for item in judged if item.believed}
    mine = tuple(item for item in found if item.client in theirs)
    did = _of(traced, {item.request_id for item in mine})
    hit = {str(row[1]) for row in reached(case, scope).rows() if row[0] in theirs}
    keys = {item.access_key_id for item in did.calls} | {
        str(row[1]) for row in outside if row[0] in theirs or row[2] in hit
    }
    stolen = {key: tuple(sorted({str(row[0]) for row in outside if row[1] == key})) for key in sorted(keys)}
    intrusion = follow(case, {key: places for key, places in stolen.items() if places})
    back = [item.address for item in judged if any(reason.kind == "called back" for reason in item.reasons)]
    known = (*did.addresses, *(address for address in back if address in theirs))
    return EdgeAttack(case, replace(intrusion, known=known), subject, scope, tuple(judged), mine, did)


def _refuse_unknown(case: Case, scope: Scope, known: bool) -> None:
    for kind, name in (("client address", scope.address), ("request or trace id", scope.request)):
        alone = Scope(address=name) if kind == "client address" else Scope(request=name)
        if name and not known and not clients(case, alone).rows():
            some = [str(row[0]) for row in clients(case, Scope()).rows()] if kind == "client address" else []
            raise UnknownName(kind, name, some)


def _of(found: Traces, request_ids: set[str]) -> Traces:
    return Traces(
        [item for item in found.calls if item.request_id in request_ids],
        [row for row in found.remotes if row[0] in request_ids],
        [row for row in found.findings if row[0] in request_ids],
    )


def _judge(
    case: Case, scope: Scope, seen: list[tuple[Any, ...]], known: tuple[list[Served], Traces, list[tuple[Any, ...]]]
) -> list[Client]:
    """Each client of which anything speaks for an attack, those with most against them first."""
    found, traced, outside = known
    made: dict[str, list[Reason]] = {}
    for client, requests, _, like, blocked, *_ in seen:
        made[str(client)] = _asked(case, scope, str(client), (int(requests), int(like), int(blocked)))
    for item in found:
        made.setdefault(str(item.client), []).extend(_inside(item, _of(traced, {item.request_id})))
    for address, key, workload, event_id, finding_id in outside:
        if address in made:
            says = f"the credential {key} of {workload} was used from this very address, which is not the workload's"
            made[address].append(Reason("key outside", says, tuple(filter(None, (event_id, finding_id)))))
    for client, workload, octets, _, ids in called_back(case, scope).rows():
        says = f"{workload}, which its requests had reached, sent {size(octets or 0)} to this very address, past the balancer"
        made[str(client)].append(Reason("called back", says, tuple(ids)))
    judged = [Client(address, tuple(reasons)) for address, reasons in made.items() if reasons]
    return sorted(judged, key=lambda item: (not item.believed, -len(item.reasons), item.address))


def _asked(case: Case, scope: Scope, client: str, numbers: tuple[int, int, int]) -> list[Reason]:
    requests, like, blocked = numbers
    made = []
    if like or blocked:
        rows = requests_of(case, scope, [client]).rows()
        if like:
            ids = tuple(str(row[0]) for row in rows if row[9])
            says = f"{like:,} of {count(requests, 'request')} asked for what no honest client does"
            made.append(Reason("attack-like", says, ids[: edge_statements.MOST_CITED]))
        if blocked:
            ids = tuple(str(row[0]) for row in rows if row[8])
            says = f"WAF blocked {count(blocked, 'request')}"
            made.append(Reason("blocked", says, ids[: edge_statements.MOST_CITED]))
    return made


def _inside(item: Served, within: Traces) -> list[Reason]:
    made = []
    name = item.workload.rpartition(":")[2]
    if item.unusual:
        says = f"a request of its kept {name} for {item.duration_ms or 0:,.0f} ms (median {item.usual_ms or 0:,.0f} ms)"
        says += f", ending in {item.error}" if item.error else ""
        made.append(Reason("unusual", says, (item.event_id, *item.lines)))
    for _, _, remote, ids in within.remotes:
        says = f"while it ran, {name}'s interface sent to {remote}, as at no other time"
        made.append(Reason("destination", says, tuple(ids)))
    for calls in within.calls:
        if calls.new:
            says = f"while it ran, {name}'s key called {calls.action}, as at no other time"
            made.append(Reason("new call", says, tuple(calls.ids)))
    for _, finding_id, kind, _ in within.findings:
        made.append(Reason("finding", f"while it ran, GuardDuty saw {kind} of {name}", (finding_id,)))
    return made
