"""Signs of mining: findings, names of pools that were asked for, steady connections to a pool's port; by workload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forensics.case import Case, Query
from forensics.workloads.eks_claims import PRIVATE

FINDINGS = "CryptoCurrency|BitcoinTool|CryptoMiner|BitcoinDomain"
"""What GuardDuty calls findings of mining."""

POOLS = (
    "(^|[.-])(minexmr|supportxmr|nanopool|hashvault|moneroocean|c3pool|xmrpool|xmr|monero|nicehash|ethermine|f2pool|2miners"
    "|unmineable|miningpoolhub|cryptonight|stratum[0-9+]*|minergate|dwarfpool|ravenminer)([.-]|$)"
)
"""Names that pools of mining are known by."""

LIKE_POOLS = "(^|[.-])(pool|pools|mine|miner|mining)[0-9]*([.-]|$)"
"""Names that pools have, and others as well: they count only where a steady connection to the answer follows."""

PORTS = (3333, 5555, 7777, 9999, 14433, 14444, 45560, 45700)
"""Ports of mining's protocol that little else has."""

COMMON = (53, 80, 123, 443)
"""Ports of so much else that a steady connection there says nothing."""

STEADY_MINUTES, STEADY_BYTES = 10, 100_000
"""A connection that goes on for so many minutes, with at most so many bytes a minute."""

_STEADY = f"""
SELECT f.dstaddr AS address, f.dstport AS port, count(DISTINCT date_trunc('minute', f.start)) AS minutes,
  min(f.start) AS first, max(f."end") AS last
FROM vpc_flow AS f
WHERE f.action = 'ACCEPT'
  AND f.dstport NOT IN ({", ".join(map(str, COMMON))})
  AND NOT regexp_matches(f.dstaddr, '{PRIVATE}')
GROUP BY f.interface_id, f.dstaddr, f.dstport
HAVING count(DISTINCT date_trunc('minute', f.start)) >= {STEADY_MINUTES}
  AND sum(f.bytes) <= {STEADY_BYTES} * count(DISTINCT date_trunc('minute', f.start))
"""

_POOLS = f"""
WITH steady AS (
{_STEADY}
), asked AS (
  SELECT u.address, lower(r.domain) AS name
  FROM route53_resolver AS r, unnest(r.answer_data) AS u(address)
  WHERE regexp_matches(lower(r.domain), '{POOLS}') OR regexp_matches(lower(r.domain), '{LIKE_POOLS}')
)
SELECT p.address, string_agg(DISTINCT p.why, '; ' ORDER BY p.why) AS why
FROM (
  SELECT d.connection_remote_ip AS address, 'GuardDuty says that it is of mining' AS why
  FROM guardduty AS d
  WHERE regexp_matches(d.type, '{FINDINGS}') AND coalesce(d.title, '') NOT LIKE '[SAMPLE]%'
    AND d.connection_remote_ip IS NOT NULL
  UNION ALL
  SELECT a.address, 'it was the answer for ' || a.name AS why
  FROM asked AS a
  WHERE regexp_matches(a.name, '{POOLS}') OR a.address IN (SELECT s.address FROM steady AS s)
  UNION ALL
  SELECT s.address, 'long, steady connections to its port ' || s.port AS why
  FROM steady AS s
  WHERE s.port IN ({", ".join(map(str, PORTS))})
) AS p
GROUP BY p.address
ORDER BY p.address
"""

_SIGNS = f"""
WITH pool AS (
  SELECT unnest(CAST(? AS VARCHAR[])) AS address
), sign AS (
  SELECT f.workload, f.finding_id AS event_id, f.time, 'GuardDuty reported ' || f.type AS says, 0 AS rank
  FROM finding AS f
  WHERE regexp_matches(f.type, '{FINDINGS}') AND coalesce(f.title, '') NOT LIKE '[SAMPLE]%'
    AND f.source IN ('guardduty', 'security_hub')
    AND f.workload IS NOT NULL
  UNION ALL
  SELECT a.workload, e.event_id, e.time, 'it asked for ' || r.domain AS says, 1 AS rank
  FROM route53_resolver AS r
  JOIN event AS e ON e.source = 'route53_resolver' AND e.object_id = r.object_id AND e.record = r.record
  JOIN attribution AS a ON a.event_id = e.event_id AND a.question = 'endpoint' AND a.certainty <> 'shared'
  WHERE regexp_matches(lower(r.domain), '{POOLS}')
    OR (regexp_matches(lower(r.domain), '{LIKE_POOLS}')
      AND EXISTS (
        SELECT 1 FROM unnest(r.answer_data) AS u(answer) WHERE u.answer IN (SELECT p.address FROM pool AS p)))
  UNION ALL
  SELECT a.workload, e.event_id, e.time, 'it sent to ' || e.destination_ip AS says, 2 AS rank
  FROM event AS e
  JOIN attribution AS a ON a.event_id = e.event_id AND a.question = 'endpoint' AND a.certainty <> 'shared'
  JOIN workload AS w ON w.workload = a.workload AND w.kind <> 'nat_gateway'
  WHERE e.source = 'vpc_flow'
    AND e.destination_ip IN (SELECT p.address FROM pool AS p)
)
SELECT s.workload, s.says, min(s.time) AS first, max(s.time) AS last, count(*) AS records,
  array_agg(DISTINCT s.event_id ORDER BY s.event_id) AS ids, min(s.rank) AS rank
FROM sign AS s
GROUP BY s.workload, s.says
ORDER BY min(s.time), s.workload, min(s.rank), s.says
"""


@dataclass(frozen=True)
class Sign:
    """One thing that says a workload mines, from first to last, with the records that say so."""

    workload: str
    says: str
    first: datetime | None
    last: datetime | None
    records: int
    event_ids: tuple[str, ...]
    of_flows: bool


def pools(case: Case) -> Query:
    """A row per address that is taken to be a pool of mining, and why."""
    return case.sql(_POOLS)


def signs(case: Case, addresses: list[str]) -> list[Sign]:
    """What says of each workload that it mines, given the addresses of pools; in order of time."""
    rows = case.sql(_SIGNS, (addresses,)).rows()
    return [
        Sign(workload, says, first, last, records, tuple(ids), rank == 2)
        for workload, says, first, last, records, ids, rank in rows
    ]
