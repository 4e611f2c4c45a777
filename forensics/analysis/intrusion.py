"""What grew out of stolen credentials: the calls made, the credentials minted, the workloads launched, the traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from forensics.case import Case, Query
from forensics.timeline import Timeline

_CHILDREN = """
SELECT k.access_key_id, k.issued_by_access_key_id, e.source_ip
FROM credential AS k
JOIN event AS e ON e.event_id = k.issuance_event_id AND e.source = 'cloudtrail'
WHERE list_contains(CAST(? AS VARCHAR[]), k.issued_by_access_key_id)
ORDER BY k.access_key_id
"""

_LAUNCHED = """
SELECT w.workload
FROM timeline AS t, unnest(t.resources) AS u(resource)
JOIN workload AS w ON w.workload = u.resource
WHERE t.outcome = 'success' AND t.action IN ('ec2:RunInstances', 'ecs:RunTask', 'ecs:StartTask')
  OR t.outcome = 'success' AND t.action LIKE 'lambda:CreateFunction%'
GROUP BY w.workload
ORDER BY w.workload
"""

_KEYS_OF = """
SELECT k.access_key_id
FROM credential AS k
WHERE list_contains(CAST(? AS VARCHAR[]), k.workload)
ORDER BY k.workload, k.access_key_id
"""

_CALLED_FROM = """
SELECT t.source_ip
FROM timeline AS t
LEFT JOIN attribution AS a ON a.event_id = t.event_id AND a.question = 'used_from'
LEFT JOIN event AS own ON own.source = 'cloudtrail' AND own.source_ip = t.source_ip
  AND list_contains(CAST(? AS VARCHAR[]), own.access_key_id)
LEFT JOIN lifetime AS h ON h.holds = t.source_ip AND h.holds_kind IN ('private_ip', 'public_ip')
  AND list_contains(CAST(? AS VARCHAR[]), h.workload)
LEFT JOIN credential_use AS u ON u.access_key_id = t.access_key_id AND u.address = t.source_ip AND u.place <> 'outside'
  AND list_contains(CAST(? AS VARCHAR[]), u.workload)
WHERE a.event_id IS NULL
  AND own.event_id IS NULL
  AND h.workload IS NULL
  AND u.workload IS NULL
  AND regexp_matches(t.source_ip, '^[0-9a-fA-F:.]+$')
GROUP BY t.source_ip
"""
"""An address that a workload held, or that the stolen credentials were used from by their owner, is not the intruder's.

Nor is one from which the code of a workload that it launched called: of a function without a network that is AWS's own.
"""

_ITS_OWN = "NOT coalesce(action IN ('logs:CreateLogGroup', 'logs:CreateLogStream') AND user_agent LIKE 'awslambda-worker/%', FALSE)"
"""Lambda itself opens the log stream of a function's environment, with the function's key: nobody's act."""

FLOWS = """
SELECT f.object_id || '/' || f.record AS event_id, f.start AS time, f."end" AS end_time, f.interface_id, f.srcaddr,
  f.dstaddr, f.srcport, f.dstport, f.bytes, f.packets, f.action, f.flow_direction,
  CASE
    WHEN f.dstaddr IN (SELECT a.address FROM theirs AS a) OR f.pkt_dstaddr IN (SELECT a.address FROM theirs AS a)
    THEN 'to' ELSE 'from' END AS direction,
  CASE
    WHEN f.dstaddr IN (SELECT a.address FROM theirs AS a) THEN f.dstaddr
    WHEN f.srcaddr IN (SELECT a.address FROM theirs AS a) THEN f.srcaddr
    WHEN f.pkt_dstaddr IN (SELECT a.address FROM theirs AS a) THEN f.pkt_dstaddr
    ELSE f.pkt_srcaddr END AS remote
FROM vpc_flow AS f
WHERE f.srcaddr IN (SELECT a.address FROM theirs AS a)
  OR f.dstaddr IN (SELECT a.address FROM theirs AS a)
  OR f.pkt_srcaddr IN (SELECT a.address FROM theirs AS a)
  OR f.pkt_dstaddr IN (SELECT a.address FROM theirs AS a)
"""
"""Flow records with an intruder's address at either end, at the interface or in the packet."""


@dataclass(frozen=True)
class Intrusion:
    """Stolen credentials, where they were used from outside, and what came of it: keys minted, workloads launched.

    `stolen` maps an access key id to outside addresses, none of them meaning that every use is the intruder's;
    `derived` are the keys minted from there; `known` are further addresses of the intruder's, from which nothing was called.
    """

    case: Case
    stolen: Mapping[str, tuple[str, ...]]
    derived: tuple[str, ...] = ()
    launched: tuple[str, ...] = ()
    known: tuple[str, ...] = ()

    @property
    def calls(self) -> Timeline:
        """API calls with the stolen credentials from outside, and all calls with credentials that came of them."""
        parts = [
            f"(access_key_id = ? AND source_ip IN ({_marks(addresses)}))" if addresses else "access_key_id = ?"
            for addresses in self.stolen.values()
        ]
        params = [value for key, addresses in self.stolen.items() for value in (key, *addresses)]
        if self.derived:
            parts.append(f"access_key_id IN ({_marks(self.derived)})")
        condition = f"({' OR '.join(parts)})" if parts else "FALSE"
        return Timeline(self.case).source("cloudtrail").where(condition, *params, *self.derived).where(_ITS_OWN)

    @property
    def keys(self) -> tuple[str, ...]:
        """The stolen credentials and all that came of them."""
        return (*self.stolen, *self.derived)

    @cached_property
    def addresses(self) -> list[str]:
        """Every address of the intruder's: those from outside, and where else calls came from that no workload held."""
        launched = list(self.launched)
        rows = self.calls.select(_CALLED_FROM, list(self.stolen), launched, launched).rows()
        outside = [address for found in self.stolen.values() for address in found]
        return sorted({*self.known, *outside, *(str(row[0]) for row in rows)})

    def flows(self, sql: str, *params: object) -> Query:
        """A query over the flow records with the intruder's addresses, which `sql` calls `flow`."""
        text = (
            "WITH theirs AS (SELECT u.address FROM unnest(CAST(? AS VARCHAR[])) AS u(address)),"
            f" flow AS (\n{FLOWS}\n)\n{sql}"
        )
        return self.case.sql(text, (self.addresses, *params))

    @property
    def timeline(self) -> Timeline:
        """Calls, findings and flows of the intrusion together."""
        calls = self.calls
        inner = (
            f"(event_id IN (SELECT event_id FROM event WHERE {' AND '.join(calls.conditions)})"
            f" OR (source = 'guardduty' AND access_key_id IN ({_marks(self.keys) or 'NULL'}))"
            f" OR (source = 'vpc_flow' AND (source_ip IN ({_marks(self.addresses) or 'NULL'})"
            f" OR destination_ip IN ({_marks(self.addresses) or 'NULL'}))))"
        )
        return Timeline(self.case).where(inner, *calls.bound, *self.keys, *self.addresses, *self.addresses)


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" for _ in values)


def follow(case: Case, stolen: Mapping[str, tuple[str, ...]]) -> Intrusion:
    """Everything that came of the stolen credentials: minted by them from outside, minted by those, launched by any."""
    derived: dict[str, None] = {}
    frontier = list(stolen)
    while True:
        found = _minted(case, frontier, stolen)
        launched = _launched(Intrusion(case, stolen, tuple(derived)))
        found += [str(row[0]) for row in case.sql(_KEYS_OF, (list(launched),)).rows()]
        frontier = [key for key in dict.fromkeys(found) if key not in derived and key not in stolen]
        if not frontier:
            return Intrusion(case, stolen, tuple(derived), launched)
        derived |= dict.fromkeys(frontier)


def _minted(case: Case, parents: list[str], stolen: Mapping[str, tuple[str, ...]]) -> list[str]:
    rows = case.sql(_CHILDREN, (parents,)).rows()
    return [str(key) for key, parent, address in rows if not stolen.get(parent) or address in stolen[parent]]


def _launched(intrusion: Intrusion) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in intrusion.calls.select(_LAUNCHED).rows())
