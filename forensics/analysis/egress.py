"""Who talked to what outside, by which name, and which of these destinations are taken to be an attacker's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from forensics.analysis import edge_statements, traces
from forensics.analysis.answer import Answer
from forensics.analysis.edge_containment import shut
from forensics.analysis.edge_traces import names_of
from forensics.analysis.egress_destinations import Destination, Window, destinations, judged
from forensics.analysis.egress_names import followed, known, names, searching
from forensics.analysis.gaps import Gap
from forensics.analysis.holdings import basis
from forensics.analysis.intrusion import Intrusion
from forensics.analysis.isolation import Command
from forensics.analysis.statement import Statement, named
from forensics.analysis.technique import TRANSFER
from forensics.analysis.words import at, count, during, listed, size
from forensics.case import Case, Query
from forensics.errors import UnknownName
from forensics.timeline import Moment, find_workload, parse_time

SOURCES = ("vpc_flow", "route53_resolver", "guardduty", "cloudtrail")
MINING, GENERATED = "T1496.001", "T1568.002"

_TALKED = """
SELECT DISTINCT a.workload
FROM vpc_flow AS f
JOIN attribution AS a ON a.event_id = f.object_id || '/' || f.record AND a.question = 'endpoint' AND a.certainty <> 'shared'
WHERE list_contains(CAST(? AS VARCHAR[]), f.dstaddr)
  AND f.action = 'ACCEPT'
ORDER BY a.workload
"""

_REPORTED = """
SELECT f.finding_id, f.type, f.time, f.workload, coalesce(g.destination_ip, g.source_ip) AS address
FROM finding AS f
JOIN event AS g ON g.event_id = f.finding_id AND g.source = f.source
WHERE (list_contains(CAST(? AS VARCHAR[]), g.destination_ip) OR list_contains(CAST(? AS VARCHAR[]), g.source_ip))
  AND coalesce(f.title, '') NOT LIKE '[SAMPLE]%'
ORDER BY f.time, f.finding_id
"""

_ANY = "SELECT 1 FROM vpc_flow WHERE dstaddr = ? OR srcaddr = ? LIMIT 1"
_MOST = """
SELECT dstaddr FROM vpc_flow WHERE dstaddr IS NOT NULL GROUP BY dstaddr ORDER BY sum(bytes) DESC NULLS LAST, dstaddr LIMIT 11
"""


@dataclass(frozen=True)
class Egress(Answer):
    """The answer: the destinations judged, within what was asked about."""

    window: Window
    address: str | None
    domain: str | None
    judged: tuple[Destination, ...]

    @property
    def believed(self) -> list[Destination]:
        """The destinations taken to be an attacker's."""
        return [item for item in self.judged if item.believed]

    @property
    def found(self) -> bool:
        """Whether a destination is taken to be an attacker's, or a program searched for its master."""
        return bool(self.believed or self.searches)

    @cached_property
    def searches(self) -> list[tuple[Any, ...]]:
        """Addresses that asked for many names which look generated and do not exist."""
        return [] if self.address or self.subject else searching(self.case, self.window, domain=self.domain).rows()

    @property
    def verdict(self) -> str:
        """The answer in a few sentences."""
        if not self.found:
            weak = f" Worth a look: {listed([item.address for item in self.judged], 5)}." if self.judged else ""
            return (
                "No destination was found of which enough says that it is an attacker's, and no search for generated"
                f" names.{weak} {basis(self.case, SOURCES)}"
            )
        parts = [
            f"{item.address}{f' ({listed(item.names)})' if item.names else ''} was connected to from"
            f" {count(item.interfaces, 'interface')} {during(item.first, item.last)}:"
            f" {'; '.join(item.signs.values())}."
            for item in self.believed[:5]
        ]
        parts += [f"{count(len(self.believed) - 5, 'further destination')}."] if len(self.believed) > 5 else []
        parts += [
            f"{row[0]} asked for {count(int(row[1]), 'name')} that look generated and do not exist."
            for row in self.searches
        ]
        talked = (
            f"{count(len(self.talked), 'workload')} spoke with them: {listed(self.talked, 4)}." if self.talked else ""
        )
        return f"{' '.join(parts)} {talked}".strip()

    @cached_property
    def talked(self) -> list[str]:
        """The workloads that spoke with them, those of shared interfaces left out."""
        return [str(row[0]) for row in self.case.sql(_TALKED, ([item.address for item in self.believed],)).rows()]

    @property
    def destinations(self) -> Query:
        """Who talked to what: a row per workload, interface and outside address."""
        return destinations(self.case, self.window, workload=self.subject, address=self.address)

    @property
    def names(self) -> Query:
        """What was asked of the resolver."""
        return names(self.case, self.window, domain=self.domain, workload=self.subject)

    @property
    def followed(self) -> Query:
        """Names that were asked for before a connection to their answer."""
        return followed(self.case, self.window, domain=self.domain)

    @property
    def signs(self) -> pd.DataFrame:
        """A row per destination with a sign against it."""
        rows = [
            {
                "address": item.address,
                "names": ", ".join(item.names or ()),
                "judgement": "attacker's" if item.believed else "bears a look",
                "why": "; ".join(item.signs.values()),
                "interfaces": item.interfaces,
                "records": item.records,
                "sent": item.sent,
                "received": item.received,
                "first": item.first,
                "last": item.last,
            }
            for item in self.judged
        ]
        told = "address names judgement why interfaces records sent received first last"
        return pd.DataFrame(rows, columns=told.split())

    def own(self) -> Iterator[Statement]:
        """Why each destination is taken for an attacker's, its names, the traffic with it, findings that name it."""
        addresses = [item.address for item in self.believed]
        yield from (_destination(number, item) for number, item in enumerate(self.believed, 1))
        if addresses:
            yield from edge_statements.names(names_of(self.case, addresses))
            yield from traces.traffic(self.intrusion)
            yield from _reported(self.case.sql(_REPORTED, (addresses, addresses)).rows())
        yield from (_search(number, row) for number, row in enumerate(self.searches, 1))

    def open_questions(self) -> list[Gap]:
        """What stays open of traffic."""
        return [
            Gap(
                "What was sent",
                "flow logs count packets and bytes; nothing of what is in them is logged",
                "captures from now on (traffic mirroring); the workload's own logs",
            ),
            Gap(
                "Names that were asked of other resolvers, or over HTTPS",
                "the query log holds only what went through the VPC's own resolver",
                "Network Firewall's TLS logs; shut port 53 and known resolvers outwards",
            ),
            Gap(
                "Traffic of functions outside any VPC",
                "it leaves no flow record and no query",
                "GuardDuty Lambda Protection; the function's own logs",
            ),
        ]

    def steps(self) -> list[Command]:
        """Stop what spoke with them, cut them off, answer their names with nothing."""
        if not self.found:
            return []
        addresses = [item.address for item in self.believed]
        domains = sorted({name for item in self.believed for name in item.names or ()})
        return shut(self.case, [], self.talked, addresses, domains=domains)


def investigate(
    case: Case,
    *,
    workload: str | None = None,
    address: str | None = None,
    domain: str | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
) -> Egress:
    """Judge every outside address that was connected to, or only one, a workload's or a name's.

    Raises UnknownName for a workload, address or name that no record has, AmbiguousName, UsageError.
    """
    subject = find_workload(case, workload) if workload else None
    since, until = (parse_time(moment) if moment else None for moment in (start, end))
    window = Window(since, until)
    if address and not case.sql(_ANY, (address, address)).rows():
        raise UnknownName("address in flow logs", address, [str(row[0]) for row in case.sql(_MOST).rows()])
    if domain and not names(case, Window(), domain=domain).rows():
        raise UnknownName("name asked of the resolver", domain, known(case))
    found = [item for item in judged(case, window, address) if not address or item.address == address]
    if domain:
        wanted = {str(row[0]) for row in names(case, window, domain=domain).rows()}
        found = [item for item in found if wanted & set(item.names or ())]
    if subject:
        met = {str(row[2]) for row in destinations(case, window, workload=subject).rows()}
        found = [item for item in found if item.address in met]
    theirs = tuple(item.address for item in found if item.believed)
    return Egress(case, Intrusion(case, {}, known=theirs), subject, window, address, domain, tuple(found))


def _destination(number: int, item: Destination) -> Statement:
    shown = [*item.firsts, *(item.findings or ()), *(item.used_ids or ())]
    return Statement(
        id=f"destination-{number:02d}",
        title=f"{item.address} is taken to be an attacker's"
        + (f", by the name {listed(item.names)}" if item.names else ""),
        statement=(
            f"{count(item.interfaces, 'interface')} connected to {item.address} {during(item.first, item.last)}:"
            f" {size(item.sent)} sent, {size(item.received or 0)} received (what passes a gateway is recorded there again), in {count(item.records, 'flow record')} of the"
            f" way out. Why an attacker's: {'; '.join(item.signs.values())}. Cited is each interface's first record."
        ),
        time=item.first,
        certainty="inferred",
        technique=MINING if item.pool or item.mining or "CryptoCurrency" in (item.type or "") else TRANSFER,
        evidence=named(shown),
    )


def _reported(rows: list[tuple[Any, ...]]) -> Iterator[Statement]:
    for number, (finding_id, kind, time, workload, address) in enumerate(rows, 1):
        yield Statement(
            id=f"finding-{number:02d}",
            title=f"GuardDuty: {kind}",
            statement=f"GuardDuty reported {kind}, seen from {at(time)}, naming {address}"
            + (f" and {workload}." if workload else "."),
            time=time,
            certainty="recorded",
            workload=workload,
            evidence=named([finding_id]),
        )


def _search(number: int, row: tuple[Any, ...]) -> Statement:
    source, asked, first, last, ids, example = row
    return Statement(
        id=f"search-{number:02d}",
        title=f"{source} asked for {count(int(asked), 'name')} that look generated and do not exist",
        statement=(
            f"{source} asked for {count(int(asked), 'name')} such as {example} {during(first, last)}, none of which exists:"
            " so a program looks for its master whose name changes by rule."
        ),
        time=first,
        certainty="inferred",
        technique=GENERATED,
        evidence=named(ids[: edge_statements.MOST_CITED]),
    )
