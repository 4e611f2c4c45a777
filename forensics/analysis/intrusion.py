"""What grew out of stolen credentials: the calls made, the credentials minted, the workloads launched, the traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forensics.case import Case, Query
from forensics.timeline import Timeline

MAX_DEPTH = 32

_CHILDREN = """
SELECT k.access_key_id, e.source_ip
FROM credential AS k
JOIN event AS e ON e.event_id = k.issuance_event_id
WHERE k.issued_by_access_key_id = ?
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

_KEYS_OF = "SELECT access_key_id FROM credential WHERE workload = ? ORDER BY access_key_id"

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
    """Stolen credentials and where they were used from outside; credentials that were minted from there; workloads
    that those calls launched. `stolen` maps an access key id to outside addresses."""

    case: Case
    stolen: Mapping[str, tuple[str, ...]]
    derived: tuple[str, ...] = ()
    launched: tuple[str, ...] = ()

    @property
    def calls(self) -> Timeline:
        """API calls with the stolen credentials from outside, and all calls with credentials that came of them."""
        parts = [f"(access_key_id = ? AND source_ip IN ({_marks(addresses)}))" for addresses in self.stolen.values()]
        params = [value for key, addresses in self.stolen.items() for value in (key, *addresses)]
        if self.derived:
            parts.append(f"access_key_id IN ({_marks(self.derived)})")
        condition = f"({' OR '.join(parts)})" if parts else "FALSE"
        return Timeline(self.case).source("cloudtrail").where(condition, *params, *self.derived)

    @property
    def keys(self) -> tuple[str, ...]:
        """The stolen credentials and all that came of them."""
        return (*self.stolen, *self.derived)

    @property
    def addresses(self) -> list[str]:
        """Every address the calls came from, in order."""
        known = "regexp_matches(source_ip, '^[0-9a-fA-F:.]+$')"
        rows = self.calls.select(f"SELECT DISTINCT source_ip FROM timeline WHERE {known} ORDER BY source_ip").rows()
        outside = [address for found in self.stolen.values() for address in found]
        own = [] if not self.launched else self._own_addresses()
        return sorted({*outside, *(str(row[0]) for row in rows)} - set(own))

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
        return Timeline(self.case).where(inner, *calls.params, *self.keys, *self.addresses, *self.addresses)

    def _own_addresses(self) -> list[str]:
        rows = self.case.sql(
            "SELECT DISTINCT holds FROM lifetime WHERE holds_kind IN ('public_ip', 'private_ip')"
            f" AND workload IN ({_marks(self.launched)})",
            self.launched,
        ).rows()
        return [str(row[0]) for row in rows]


def _marks(values: object) -> str:
    return ", ".join("?" for _ in values)  # type: ignore[attr-defined]


def follow(case: Case, stolen: Mapping[str, tuple[str, ...]]) -> Intrusion:
    """Everything that came of the stolen credentials: minted by them from outside, minted by those, launched by any."""
    derived: dict[str, None] = {}
    frontier = list(stolen)
    launched: tuple[str, ...] = ()
    for _ in range(MAX_DEPTH):
        found = [key for parent in frontier for key in _minted(case, parent, stolen.get(parent))]
        launched = _launched(Intrusion(case, stolen, tuple(derived)))
        found += [str(row[0]) for workload in launched for row in case.sql(_KEYS_OF, (workload,)).rows()]
        frontier = [key for key in dict.fromkeys(found) if key not in derived and key not in stolen]
        if not frontier:
            break
        derived |= dict.fromkeys(frontier)
    return Intrusion(case, stolen, tuple(derived), launched)


def _minted(case: Case, parent: str, addresses: tuple[str, ...] | None) -> list[str]:
    rows = case.sql(_CHILDREN, (parent,)).rows()
    return [str(key) for key, address in rows if addresses is None or address in addresses]


def _launched(intrusion: Intrusion) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in intrusion.calls.select(_LAUNCHED).rows())
