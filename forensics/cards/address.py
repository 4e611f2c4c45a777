"""The card of an address: who held it and when, who called from it, whom it talked to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from forensics.analysis.words import count
from forensics.cards.card import NOT_LOADED, Answer, Card, Part, spanned
from forensics.case import Case, Query
from forensics.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from forensics.covered import Coverage

_PRIVATE = tuple(
    ipaddress.ip_network(name)
    for name in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Ranges that are nobody's beyond a network (RFC 1918, 6598, 3927, 4193, 4291)."""

_SEEN = """
SELECT source, count(*) AS records, min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE source_ip = $address
  OR destination_ip = $address
GROUP BY source
ORDER BY records DESC, source
"""

_HELD = """
SELECT workload, holds_kind, valid_from, valid_to, certainty, evidence_event_ids
FROM lifetime
WHERE holds = $address
ORDER BY valid_from, workload
"""

_INTERFACES = """
SELECT interface_id, owner, owner_id, account_id, vpc_id, valid_from, valid_to, how
FROM interface
WHERE private_ip = $address
  OR public_ip = $address
ORDER BY valid_from, interface_id
"""

_CALLERS = """
SELECT principal, access_key_id, count(*) AS calls, count(*) FILTER (WHERE outcome IN ('denied', 'error')) AS failed,
  min(user_agent) AS user_agent, min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE source_ip = $address
  AND principal IS NOT NULL
GROUP BY principal, access_key_id
ORDER BY first_seen, principal, access_key_id
"""

_USES = """
SELECT access_key_id, workload, place, calls, first_used, last_used, certainty, why
FROM credential_use
WHERE address = $address
ORDER BY place = 'inside', first_used, access_key_id, workload
"""

_PEERS = """
SELECT CASE WHEN source_ip = $address THEN destination_ip ELSE source_ip END AS address,
  CASE WHEN source_ip = $address THEN 'to' ELSE 'from' END AS direction, outcome, count(*) AS records,
  CAST(sum(bytes) AS BIGINT) AS bytes, min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE source IN ('vpc_flow', 'transit_gateway_flow', 'network_firewall')
  AND (source_ip = $address OR destination_ip = $address)
GROUP BY CASE WHEN source_ip = $address THEN destination_ip ELSE source_ip END,
  CASE WHEN source_ip = $address THEN 'to' ELSE 'from' END, outcome
ORDER BY bytes DESC, records DESC, address, direction, outcome
"""

_NEAREST = """
SELECT address
FROM (
  SELECT source_ip AS address FROM event WHERE starts_with(source_ip, $start)
  UNION
  SELECT destination_ip AS address FROM event WHERE starts_with(destination_ip, $start)
) AS near
ORDER BY address
LIMIT 10
"""


@dataclass(frozen=True, repr=False)
class Address(Card):
    """An IPv4 or IPv6 address, as records have it; its rows are the records that name it, by source."""

    address: str

    kind_of_card: ClassVar[str] = "address"
    asks: ClassVar[tuple[str, ...]] = ("traffic", "names")

    @property
    def heading(self) -> str:
        """The address."""
        return self.address

    @property
    def holders(self) -> Query:
        """The workloads that held it, and when."""
        return self._about(_HELD)

    @property
    def interfaces(self) -> Query:
        """The interfaces that had it, those of no workload too."""
        return self._about(_INTERFACES)

    @property
    def callers(self) -> Query:
        """The principals and keys that called from it."""
        return self._about(_CALLERS)

    @property
    def uses(self) -> Query:
        """The workloads' keys that were used from it, and whether it is their own place."""
        return self._about(_USES)

    @property
    def peers(self) -> Query:
        """Whom it talked to, by flow records, the most bytes first."""
        return self._about(_PEERS)

    @property
    def seen(self) -> Query:
        """The records that name it as an end, by source."""
        return self._about(_SEEN)

    def _about(self, sql: str) -> Query:
        return self.case.sql(sql, {"address": self.address})

    @cached_property
    def counted(self) -> list[tuple[Any, ...]]:
        """The rows of `seen`, read once."""
        return self.rows()

    @cached_property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """The first and the last time at which a record names it."""
        times = [moment for row in self.counted for moment in row[2:] if moment]
        return min(times, default=None), max(times, default=None)

    def coverage(self) -> Coverage | None:
        """What was logged between the first and the last record that names it."""
        return spanned(self.case, None, *self.span)

    def answers(self) -> tuple[Answer, ...]:
        """Which workload held it, and whose credentials were used from it that were not its own."""
        return tuple(self._said())

    def _said(self) -> Iterator[Answer]:
        stolen = [row for row in self.uses.rows() if row[2] == "outside"]
        for key, workload, _, calls, *_ in stolen:
            yield Answer(f"{key}, issued to {workload}, was used from it: {count(calls, 'call')}.", "inferred")
        held = self.holders.rows()
        names = list(dict.fromkeys(row[0] for row in held))
        if len(names) == 1:
            yield Answer(f"Held by {names[0]}.", held[0][4])
        elif names:
            yield Answer(f"Held by {count(len(names), 'workload')}: ask for a moment, as below.", "shared")
        else:
            yield Answer("No record of this case says that a workload held it.")

    def facts(self) -> Mapping[str, Any]:
        """What kind of address it is, and when records name it."""
        first, last = self.span
        address = ipaddress.ip_address(self.address)
        private = any(address in network for network in _PRIVATE)
        return {"kind": f"IPv{address.version}{', private' if private else ''}", "first": first, "last": last}

    def parts(self) -> tuple[Part, ...]:
        """Holders, interfaces, uses of keys, callers, peers, sources."""
        span = {"first_seen": "first", "last_seen": "last"}
        time = {"valid_from": "from", "valid_to": "to"}
        sure = {"certainty": "certainty"}
        held = {"workload": "workload", "holds_kind": "as"} | time | sure | {"evidence_event_ids": "records"}
        card = (
            {"interface_id": "interface", "owner": "of", "owner_id": "owner", "vpc_id": "VPC"} | time | {"how": "how"}
        )
        use = {"access_key_id": "access key", "workload": "issued to", "place": "place", "calls": "calls"}
        use |= {"first_used": "first", "last_used": "last", "certainty": "issuance", "why": "why"}
        caller = {"principal": "principal", "access_key_id": "access key", "calls": "calls", "failed": "failed"}
        peer = {"address": "address", "direction": "direction", "outcome": "outcome", "records": "records"}
        return (
            Part("Held by", self.holders, held),
            Part("Interfaces", self.interfaces, card),
            Part("Workloads' keys used from it", self.uses, use),
            Part("Callers", self.callers, caller | {"user_agent": "user agent"} | span),
            Part("Talked to", self.peers, peer | {"bytes": "bytes"} | span),
            Part("Records that name it", self.seen, {"source": "source", "records": "records"} | span),
        )

    def leads(self) -> tuple[str, ...]:
        """Its events, and who held it when it was first seen."""
        first, _ = self.span
        held = (f"case.who_was({self.address!r}, at={first.isoformat(sep=' ')!r})",) if first else ()
        return (f"Timeline(case).address({self.address!r})", *held)


def address(case: Case, text: str) -> Address:
    """The card of an address that a record, or a life of a workload, names. Raises UsageError, UnknownName."""
    try:
        name = str(ipaddress.ip_address(text.strip()))
    except ValueError:
        raise UsageError(f"not an address: {text!r}; give an IPv4 or IPv6 address, as 203.0.113.77") from None
    made = Address(case, case.sql(_SEEN, {"address": name}), name)
    if made.counted or made.holders.rows() or made.interfaces.rows():
        return made
    start = name.rpartition("." if "." in name else ":")[0]
    near = [row[0] for row in case.sql(_NEAREST, {"start": start}).rows()]
    some = case.sql("SELECT 1 FROM evidence WHERE records > 0 LIMIT 1").rows()
    raise UnknownName("address", name, near, advice="no record names it" if some else NOT_LOADED)
