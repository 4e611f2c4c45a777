"""Which outside addresses the account's interfaces connected to, and what speaks for each being an attacker's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forensics.case import Case, Query

ENOUGH = 3
"""Points of signs from which a destination is taken to be an attacker's."""

POINTS = {
    "finding": 3,
    "key": 3,
    "pool name": 1,
    "generated name": 1,
    "mining port": 1,
    "steady": 1,
    "new": 1,
    "upload": 1,
}

MINING_PORTS = (3333, 3334, 3335, 3357, 4444, 5555, 5556, 7777, 8333, 9999, 14433, 14444, 45560, 45700)
"""Ports that pools commonly offer; none of them proves anything alone."""

POOL_NAME = r"(^|[.-])(pool|pools|xmr|xmrpool|monero|moneroocean|minexmr|supportxmr|nanopool|nicehash|hashvault|ethermine|stratum|miner|mining|unmineable|c3pool|2miners)([0-9.-]|$)"
GENERATED_NAME = r"(^|\.)([bcdfghjklmnpqrstvwxz0-9]{5,}[a-z0-9]*|[a-z]*[0-9][a-z0-9]*[0-9][a-z0-9]*[0-9][a-z0-9]{4,}|[a-z0-9]{20,})\.(com|net|org|info|biz|ru|cn|top|xyz|club|online|site|example)$"
"""A registered name that nobody would choose: no vowel for five letters, digits strewn in, or very long."""

NEW_AFTER_SECONDS, STEADY_RECORDS, STEADY_SHARE = 3600, 20, 0.8
UPLOAD_BYTES, UPLOAD_FACTOR, ASKED_BEFORE_SECONDS = 1_000_000, 10, 600

PRIVATE = (
    r"'^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\."
    r"|169\.254\.|127\.|[fF][cCdDeE])'"
)
"""Addresses that do not cross the internet."""

OUT = f"""
sent AS (
  SELECT f.object_id || '/' || f.record AS event_id, f.interface_id, f.srcaddr, f.dstaddr AS remote, f.dstport, f.bytes, f.start,
    f."end"
  FROM vpc_flow AS f
  WHERE f.action = 'ACCEPT'
    AND regexp_matches(f.srcaddr, {PRIVATE})
    AND NOT regexp_matches(f.dstaddr, {PRIVATE})
    AND coalesce(f.srcport, 65535) > coalesce(f.dstport, 0)
    AND ($start IS NULL OR f.start >= $start)
    AND ($end IS NULL OR f.start < $end)
), back AS (
  SELECT f.interface_id, f.srcaddr AS remote, sum(f.bytes) AS bytes
  FROM vpc_flow AS f
  WHERE f.action = 'ACCEPT'
    AND NOT regexp_matches(f.srcaddr, {PRIVATE})
    AND coalesce(f.dstport, 65535) > coalesce(f.srcport, 0)
    AND ($start IS NULL OR f.start >= $start)
    AND ($end IS NULL OR f.start < $end)
  GROUP BY f.interface_id, f.srcaddr
), began AS (
  SELECT f.interface_id, min(f.start) AS first
  FROM vpc_flow AS f
  WHERE f.action IN ('ACCEPT', 'REJECT')
  GROUP BY f.interface_id
), pair AS (
  SELECT s.interface_id, s.remote, count(*) AS records, sum(s.bytes) AS sent, min(s.start) AS first, max(s."end") AS last,
    count(DISTINCT date_trunc('minute', s.start)) AS minutes, arg_min(s.event_id, (s.start, s.event_id)) AS first_event_id,
    array_agg(DISTINCT s.dstport ORDER BY s.dstport) AS ports,
    bool_or(list_contains(CAST($mining AS INTEGER[]), s.dstport)) AS mining
  FROM sent AS s
  GROUP BY s.interface_id, s.remote
), known AS (
  SELECT p.interface_id, p.remote, p.records, p.sent, b.bytes AS received, p.first, p.last, p.ports, p.mining, p.first_event_id,
    p.records >= {STEADY_RECORDS}
      AND p.minutes >= {STEADY_SHARE} * (date_diff('minute', p.first, p.last) + 1) AS steady,
    p.first >= g.first + to_seconds({NEW_AFTER_SECONDS}) AS new,
    p.sent >= {UPLOAD_BYTES} AND p.sent >= {UPLOAD_FACTOR} * coalesce(b.bytes, 0) AS upload
  FROM pair AS p
  JOIN began AS g ON g.interface_id IS NOT DISTINCT FROM p.interface_id
  LEFT JOIN back AS b ON b.interface_id IS NOT DISTINCT FROM p.interface_id AND b.remote = p.remote
)"""
"""Connections from inside: of the two ports the higher is the caller's; what goes the other way is their answer."""

_JUDGED = f"""
WITH {OUT}, remote AS (
  SELECT k.remote, count(DISTINCT k.interface_id) AS interfaces, sum(k.records) AS records, sum(k.sent) AS sent,
    sum(k.received) AS received, min(k.first) AS first, max(k.last) AS last, bool_or(k.mining) AS mining, bool_or(k.steady) AS steady,
    bool_and(k.new) AS new, bool_or(k.upload) AS upload, array_agg(k.first_event_id ORDER BY k.first, k.first_event_id) AS firsts
  FROM known AS k
  GROUP BY k.remote
), named AS (
  SELECT u.answer AS remote, bool_or(regexp_matches(q.domain, $pool, 'i')) AS pool,
    bool_or(regexp_matches(q.domain, $generated, 'i')) AS generated, array_agg(DISTINCT q.domain ORDER BY q.domain) AS names
  FROM route53_resolver AS q, unnest(q.answer_data) AS u(answer)
  GROUP BY u.answer
), accused AS (
  SELECT u.remote, array_agg(DISTINCT u.finding_id ORDER BY u.finding_id) AS findings, min(u.type) AS type
  FROM (
    SELECT coalesce(g.destination_ip, g.source_ip) AS remote, f.finding_id, f.type
    FROM finding AS f
    JOIN event AS g ON g.event_id = f.finding_id AND g.source = f.source
    WHERE coalesce(f.title, '') NOT LIKE '[SAMPLE]%'
      AND (f.type LIKE 'CryptoCurrency:%' OR f.type LIKE 'Backdoor:%' OR f.type LIKE 'Trojan:%' OR f.type LIKE '%MaliciousIPCaller%'
        OR f.type LIKE '%ReverseShell%' OR f.type LIKE 'Behavior:EC2/%' OR f.type LIKE '%C&CActivity%')
  ) AS u
  WHERE u.remote IS NOT NULL
  GROUP BY u.remote
), used AS (
  SELECT u.address AS remote, min(u.access_key_id) AS access_key_id, min(u.workload) AS workload,
    array_agg(DISTINCT coalesce(u.finding_id, u.first_event_id)) AS ids
  FROM credential_use AS u
  WHERE u.place = 'outside'
  GROUP BY u.address
), judged AS (
  SELECT r.remote, r.interfaces, r.records, r.sent, r.received, r.first, r.last, r.firsts, n.names, a.findings, a.type,
    x.access_key_id, x.workload, x.ids AS used_ids, a.remote IS NOT NULL AS finding, x.remote IS NOT NULL AS key,
    coalesce(n.pool, FALSE) AS pool, coalesce(n.generated, FALSE) AS generated, coalesce(r.mining, FALSE) AS mining,
    coalesce(r.steady, FALSE) AS steady, coalesce(r.new, FALSE) AS new, coalesce(r.upload, FALSE) AS upload
  FROM remote AS r
  LEFT JOIN named AS n ON n.remote = r.remote
  LEFT JOIN accused AS a ON a.remote = r.remote
  LEFT JOIN used AS x ON x.remote = r.remote
)
SELECT j.remote, j.interfaces, CAST(j.records AS BIGINT) AS records, CAST(j.sent AS BIGINT) AS sent,
  CAST(j.received AS BIGINT) AS received, j.first, j.last, j.firsts, j.names, j.findings, j.type, j.access_key_id, j.workload,
  j.used_ids, j.finding, j.key, j.pool, j.generated, j.mining, j.steady, j.new, j.upload
FROM judged AS j
WHERE j.finding OR j.key OR j.pool OR j.generated OR j.mining OR j.upload OR (j.steady AND j.new)
  OR j.remote = $address
ORDER BY j.first, j.remote
"""

_TABLE = f"""
WITH {OUT}, held AS (
  SELECT DISTINCT s.interface_id, s.remote, a.workload, a.certainty
  FROM sent AS s
  JOIN attribution AS a ON a.event_id = s.event_id AND a.question = 'endpoint'
)
SELECT h.workload, k.interface_id, k.remote, k.ports, CAST(k.records AS BIGINT) AS records, CAST(k.sent AS BIGINT) AS sent,
  CAST(k.received AS BIGINT) AS received, k.first, k.last, k.new, k.steady, min(h.certainty) AS certainty
FROM known AS k
LEFT JOIN held AS h ON h.interface_id IS NOT DISTINCT FROM k.interface_id AND h.remote = k.remote
WHERE ($workload IS NULL OR h.workload = $workload)
  AND ($address IS NULL OR k.remote = $address)
GROUP BY h.workload, k.interface_id, k.remote, k.ports, k.records, k.sent, k.received, k.first, k.last, k.new, k.steady
ORDER BY k.first, k.remote, k.interface_id, h.workload
"""


@dataclass(frozen=True)
class Window:
    """From when until before when flows are looked at."""

    start: datetime | None = None
    end: datetime | None = None

    @property
    def values(self) -> dict[str, object]:
        """What the statements of this module bind."""
        return {"start": self.start, "end": self.end, "mining": list(MINING_PORTS)}


@dataclass(frozen=True)
class Destination:
    """An outside address that was connected to, from how many interfaces, with the signs that speak against it."""

    address: str
    interfaces: int
    records: int
    sent: int
    received: int | None
    first: datetime
    last: datetime
    firsts: list[str]
    names: list[str] | None
    findings: list[str] | None
    type: str | None
    access_key_id: str | None
    workload: str | None
    used_ids: list[str] | None
    finding: bool
    key: bool
    pool: bool
    generated: bool
    mining: bool
    steady: bool
    new: bool
    upload: bool

    @property
    def signs(self) -> dict[str, str]:
        """Each sign and the sentence that says it."""
        names = ", ".join((self.names or [])[:3])
        said = {
            "finding": f"GuardDuty reported {self.type} of it" if self.finding else "",
            "key": f"the credential {self.access_key_id} of {self.workload} was used from it" if self.key else "",
            "pool name": f"its name is a mining pool's kind: {names}" if self.pool else "",
            "generated name": f"its name looks generated: {names}" if self.generated else "",
            "mining port": "its port is one that mining pools offer" if self.mining else "",
            "steady": "it was spoken with in nearly every minute from first to last" if self.steady else "",
            "new": "every interface that spoke with it had been at work for an hour without" if self.new else "",
            "upload": f"at least {UPLOAD_FACTOR} times as much was sent as came back" if self.upload else "",
        }
        return {kind: text for kind, text in said.items() if text}

    @property
    def believed(self) -> bool:
        """Whether the signs are enough to take it for an attacker's."""
        return sum(POINTS[kind] for kind in self.signs) >= ENOUGH


def judged(case: Case, window: Window, address: str | None = None) -> list[Destination]:
    """Every destination with a sign against it, and the one asked about, in order of first sight."""
    more = {"pool": POOL_NAME, "generated": GENERATED_NAME, "address": address}
    return [Destination(*row) for row in case.sql(_JUDGED, window.values | more).rows()]


def destinations(case: Case, window: Window, *, workload: str | None = None, address: str | None = None) -> Query:
    """A row per workload, interface and outside address: ports, bytes, first and last sight, whether new, certainty."""
    return case.sql(_TABLE, window.values | {"workload": workload, "address": address})
