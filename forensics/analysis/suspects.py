"""In whose hands a credential was at an address: what speaks for an intruder, of calls that an analysis asks about.

A change of code, a policy attached, a log switched off are what administrators do as well. What tells an intruder's
apart is who made them from where: that is judged here for each credential at each address, every reason citing records.
What somebody does elsewhere is compared with what came before only: an owner is not accused of an intruder's habits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forensics.analysis.words import at, count
from forensics.case import Case
from forensics.theft_place import ADDRESS
from forensics.workloads.eks_claims import PRIVATE

ENOUGH = 2
"""Points of reasons from which a credential at an address is taken to be in an intruder's hands."""

POINTS = {
    "finding": 2,
    "outside": 2,
    "came of": 2,
    "anomaly": 1,
    "accused workload": 1,
    "beside": 1,
    "strange address": 1,
    "strange agent": 1,
    "newcomer": 1,
    "denied": 1,
}

NEWCOMER_AFTER = timedelta(hours=1)
"""A principal whose first call comes so long after the first record of the account's trail was not at work before."""

ROAMS = 3
"""One who has called from more addresses than this before (a build service, a phone) has no strange ones."""

DENIED_KINDS, DENIED_SHARE = 3, 0.1
"""Refusals count where so many kinds of calls, and such a share of all calls, were denied: one that tries doors."""

ACCUSED_WITHIN_SECONDS = 3600
"""A workload that a finding accuses so soon after its launch or change was launched or changed for that.

One that was merely knocked at (a port probe, a guess at its password) is not accused.
"""

_CALL = """
  SELECT e.event_id, e.time, e.account_id, e.access_key_id, e.source_ip, e.principal, e.action, e.outcome,
    trim(regexp_replace(regexp_replace(regexp_replace(e.user_agent, '^\\[|\\]$', '', 'g'),
      '(^| )(m|cfg|command|exec-env|md/command|md/prompt)[/#][^ ]*', '', 'g'), '[0-9]+([._-][0-9]+)*', '', 'g')) AS agent
  FROM event AS e
  WHERE e.source = 'cloudtrail'
"""
"""A user agent without the brackets of S3's records, its versions, and what it says of the single command."""

_PAIRS = f"""
WITH asked AS (
  SELECT DISTINCT e.access_key_id, e.source_ip
  FROM event AS e
  JOIN (SELECT DISTINCT u.event_id FROM unnest(CAST(? AS VARCHAR[])) AS u(event_id)) AS w ON w.event_id = e.event_id
  WHERE e.source = 'cloudtrail'
    AND e.access_key_id IS NOT NULL
    AND e.access_key_id NOT LIKE '%*%'
), kin AS (
  SELECT access_key_id FROM asked
  UNION ALL
  SELECT l.ancestor_access_key_id
  FROM lineage AS l
  JOIN asked AS a ON a.access_key_id = l.access_key_id
  WHERE l.ancestor_access_key_id IS NOT NULL
), call AS (
{_CALL}    AND e.access_key_id IS NOT NULL
), known AS (
  SELECT DISTINCT c.principal, c.source_ip
  FROM call AS c
  WHERE c.access_key_id IN (SELECT k.access_key_id FROM kin AS k)
), near AS (
  SELECT c.event_id, c.time, c.account_id, c.access_key_id, c.source_ip, c.principal, c.action, c.outcome, c.agent
  FROM call AS c
  WHERE c.access_key_id IN (SELECT k.access_key_id FROM kin AS k)
    OR c.principal IN (SELECT n.principal FROM known AS n WHERE n.principal IS NOT NULL)
    OR (c.source_ip IN (SELECT n.source_ip FROM known AS n) AND regexp_matches(c.source_ip, '{ADDRESS}'))
)
SELECT n.access_key_id, n.source_ip, min(n.principal) AS principal, min(n.time) AS first, max(n.time) AS last,
  arg_min(n.event_id, (n.time, n.event_id)) AS first_event_id, count(*) AS calls,
  count(*) FILTER (WHERE n.outcome = 'denied') AS denied,
  count(DISTINCT n.action) FILTER (WHERE n.outcome = 'denied') AS kinds,
  array_agg(n.event_id ORDER BY n.time, n.event_id) FILTER (WHERE n.outcome = 'denied') AS refused,
  array_agg(DISTINCT n.agent) FILTER (WHERE n.agent IS NOT NULL) AS agents,
  arg_min(n.agent, (n.time, n.event_id)) AS agent,
  coalesce(regexp_matches(n.source_ip, '{ADDRESS}') AND n.source_ip NOT IN ('0.0.0.0', '::'), FALSE) AS is_address,
  bool_or(a.access_key_id IS NOT NULL) AS asked, min(n.account_id) AS account_id
FROM near AS n
LEFT JOIN asked AS a ON a.access_key_id = n.access_key_id AND a.source_ip IS NOT DISTINCT FROM n.source_ip
GROUP BY n.access_key_id, n.source_ip
ORDER BY min(n.time), n.access_key_id, n.source_ip
"""

_TOLD = f"""
WITH pair AS (
  SELECT p.access_key_id, p.address, count(*) OVER (PARTITION BY p.access_key_id) AS places
  FROM (SELECT unnest(CAST(? AS VARCHAR[])) AS access_key_id, unnest(CAST(? AS VARCHAR[])) AS address) AS p
), launched AS (
  SELECT e.access_key_id, e.source_ip, e.event_id, e.time, u.resource
  FROM event AS e, unnest(e.resources) AS u(resource)
  WHERE e.source = 'cloudtrail'
    AND e.outcome = 'success'
    AND (e.action IN ('ec2:RunInstances', 'ecs:RunTask', 'ecs:StartTask')
      OR regexp_matches(e.action, '^lambda:(CreateFunction|UpdateFunctionCode|UpdateFunctionConfiguration)[0-9v_]*$'))
), accusation AS (
  SELECT f.finding_id, f.type, f.time, f.access_key_id, coalesce(f.workload, k.workload) AS workload, g.source_ip,
    coalesce(d.resource_role = 'TARGET' AND d.action_type IN ('PORT_PROBE', 'NETWORK_CONNECTION'), FALSE) AS aimed_at
  FROM finding AS f
  LEFT JOIN credential AS k ON k.access_key_id = f.access_key_id
  LEFT JOIN event AS g ON g.event_id = f.finding_id AND g.source = f.source
  LEFT JOIN guardduty AS d ON d.object_id = g.object_id AND d.record = g.record
  WHERE coalesce(f.title, '') NOT LIKE '[SAMPLE]%'
    AND f.source IN ('guardduty', 'security_hub')
)
SELECT p.access_key_id, p.address,
  CASE WHEN f.type LIKE '%AnomalousBehavior%' OR f.type LIKE 'Recon:%' THEN 'anomaly' ELSE 'finding' END AS kind,
  f.type AS says, f.finding_id, f.time
FROM pair AS p
JOIN accusation AS f ON f.access_key_id = p.access_key_id
WHERE (f.source_ip = p.address OR (f.source_ip IS NULL AND p.places = 1))
  AND f.type NOT LIKE 'Policy:%'
UNION ALL
SELECT p.access_key_id, p.address, u.place AS kind, u.why AS says, coalesce(u.finding_id, u.first_event_id), u.first_used
FROM pair AS p
JOIN credential_use AS u ON u.access_key_id = p.access_key_id AND u.address = p.address
WHERE u.place = 'inside'
  OR (u.place = 'outside' AND (u.finding_id IS NOT NULL OR NOT regexp_matches(u.address, '{PRIVATE}')))
UNION ALL
SELECT p.access_key_id, p.address, 'accused workload' AS kind, f.type AS says, f.finding_id, f.time
FROM pair AS p
JOIN launched AS l ON l.access_key_id = p.access_key_id AND l.source_ip = p.address
JOIN accusation AS f ON f.workload = l.resource AND f.time >= l.time AND f.time < l.time + to_seconds(?)
WHERE NOT f.aimed_at
ORDER BY time, finding_id, kind
"""
"""That a private address is not the workload's own is less sure than that a public one is not: it alone accuses nobody."""

_MINTED = """
SELECT k.access_key_id, e.access_key_id AS by_key, e.source_ip, k.issuance_event_id
FROM credential AS k
JOIN event AS e ON e.event_id = k.issuance_event_id AND e.source = 'cloudtrail'
WHERE list_contains(CAST(? AS VARCHAR[]), k.access_key_id)
  AND e.access_key_id IS NOT NULL
"""

_WATCHED = """
SELECT e.account_id, min(e.time) AS first
FROM event AS e
WHERE e.source = 'cloudtrail'
GROUP BY e.account_id
"""

Pair = tuple[str, str | None]


@dataclass(frozen=True)
class Reason:
    """One thing that speaks for an intruder: its kind, a sentence, the records that say so."""

    kind: str
    says: str
    event_ids: tuple[str, ...]


@dataclass(frozen=True)
class Suspect:
    """A credential at an address, from which calls were made that an analysis asks about (`event_ids`).

    `first` and `last` are those of all its calls there.
    """

    access_key_id: str
    address: str | None
    principal: str | None
    first: datetime | None
    last: datetime | None
    event_ids: tuple[str, ...]
    reasons: tuple[Reason, ...]

    @property
    def believed(self) -> bool:
        """Whether the reasons are enough to take the credential there to be in an intruder's hands."""
        return sum(POINTS[kind] for kind in {item.kind for item in self.reasons}) >= ENOUGH


_SIGNS = """
SELECT e.access_key_id, e.source_ip, array_agg(e.event_id ORDER BY e.time, e.event_id) AS event_ids
FROM event AS e
JOIN (SELECT DISTINCT u.event_id FROM unnest(CAST(? AS VARCHAR[])) AS u(event_id)) AS w ON w.event_id = e.event_id
WHERE e.source = 'cloudtrail'
  AND e.access_key_id IS NOT NULL
  AND e.access_key_id NOT LIKE '%*%'
GROUP BY e.access_key_id, e.source_ip
"""


def suspects(case: Case, event_ids: Sequence[str], accused: Mapping[str, str] | None = None) -> list[Suspect]:
    """Each credential at each address that those calls were made with, and what speaks for an intruder there.

    By time of the first call there. Calls without a credential in their record (a service's own), or with one that was
    masked before the record came here, are nobody's.
    `accused` are calls of those that launched a workload which evidence other than findings accuses, and of what.
    """
    if not event_ids:
        return []
    signs = {(key, address): tuple(ids) for key, address, ids in case.sql(_SIGNS, (list(event_ids),)).rows()}
    launched = accused or {}
    told = {
        pair: [Reason("accused workload", launched[item], (item,)) for item in ids if item in launched][:1]
        for pair, ids in signs.items()
    }
    return [item for item in _judged(case, event_ids, signs, told) if item.event_ids]


def in_hand(found: Sequence[Suspect]) -> dict[str, tuple[str, ...]]:
    """What `intrusion.follow` takes: the believed credentials, and the addresses at which they are."""
    made: dict[str, set[str]] = {}
    for item in found:
        if item.believed:
            made.setdefault(item.access_key_id, set()).update([item.address] if item.address else [])
    return {key: tuple(sorted(addresses)) for key, addresses in sorted(made.items())}


@dataclass(frozen=True)
class _Seen:
    """A credential at an address: all its calls there in one row of `_PAIRS`."""

    access_key_id: str
    address: str | None
    principal: str | None
    first: datetime | None
    last: datetime | None
    first_event_id: str
    calls: int
    denied: int
    kinds: int
    refused: list[str] | None
    agents: list[str] | None
    agent: str | None
    is_address: bool
    asked: bool
    account_id: str | None

    @property
    def pair(self) -> Pair:
        return self.access_key_id, self.address


def _judged(
    case: Case, event_ids: Sequence[str], signs: dict[Pair, tuple[str, ...]], told: Mapping[Pair, list[Reason]]
) -> Iterator[Suspect]:
    """All that are near those asked about, in order of their first call: each is judged by what came before it."""
    seen = [_Seen(*row) for row in case.sql(_PAIRS, (list(event_ids),)).rows()]
    bench = _Bench(case, seen)
    for pair, reasons in told.items():
        bench.told[pair] = [*bench.told.get(pair, ()), *reasons]
    for item in seen:
        found = tuple(bench.reasons(item))
        made = Suspect(
            item.access_key_id,
            item.address,
            item.principal,
            item.first,
            item.last,
            signs.get(item.pair, ()),
            found,
        )
        bench.remember(item, believed=made.believed)
        yield made


class _Bench:
    """What is known of those that came before: who was believed, where the others called from, with what."""

    def __init__(self, case: Case, seen: Sequence[_Seen]) -> None:
        keys, addresses = [item.access_key_id for item in seen], [item.address for item in seen]
        self.told: dict[Pair, list[Reason]] = {}
        self.inside: set[Pair] = set()
        for key, address, kind, says, event_id, _ in case.sql(_TOLD, (keys, addresses, ACCUSED_WITHIN_SECONDS)).rows():
            if kind == "inside":
                self.inside.add((key, address))
            else:
                self.told.setdefault((key, address), []).append(Reason(kind, _SAYS[kind].format(says), (event_id,)))
        minted = case.sql(_MINTED, (sorted(set(keys)),)).rows()
        self.minted = {key: ((by, address), event_id) for key, by, address, event_id in minted}
        self.watched: dict[str | None, datetime | None] = dict(case.sql(_WATCHED).rows())
        self.believed: set[Pair] = set()
        self.owners_of: dict[str, set[str | None]] = {}
        self.intruders_at: dict[str, str] = {}
        self.places_of: dict[str, dict[str, set[str]]] = {}
        self.began: set[str] = set()

    def remember(self, item: _Seen, *, believed: bool) -> None:
        """Later ones are compared with this one."""
        if item.principal:
            self.began.add(item.principal)
        if believed:
            self.believed.add(item.pair)
        if not item.is_address or item.address is None:
            return
        if believed:
            self.intruders_at.setdefault(item.address, item.access_key_id)
            return
        self.owners_of.setdefault(item.address, set()).add(item.principal)
        if item.principal:
            places = self.places_of.setdefault(item.principal, {})
            places.setdefault(item.address, set()).update(item.agents or ())

    def reasons(self, item: _Seen) -> Iterator[Reason]:
        """What speaks for an intruder, each kind once."""
        yield from {reason.kind: reason for reason in reversed(self.told.get(item.pair, ()))}.values()
        parent, mint = self.minted.get(item.access_key_id, (None, ""))
        if parent in self.believed:
            yield Reason("came of", f"{parent[0]}, taken to be in an intruder's hands, had it issued", (mint,))
        if item.is_address and item.pair not in self.inside:
            yield from self._of_place(item)
        if item.kinds >= DENIED_KINDS and item.denied >= DENIED_SHARE * item.calls:
            said = f"{item.denied:,} of {count(item.calls, 'call')} there were denied, of {item.kinds} kinds"
            yield Reason("denied", said, tuple((item.refused or [])[:5]))

    def _of_place(self, item: _Seen) -> Iterator[Reason]:
        address, principal, cited = item.address or "", item.principal, (item.first_event_id,)
        alone = not self.owners_of.get(address, set()) - {principal}
        places = self.places_of.get(principal or "", {})
        elsewhere = {place: agents for place, agents in places.items() if place != address}
        if alone and address not in places and 0 < len(elsewhere) <= ROAMS:
            said = f"{principal} had called from other places before, and nobody else from this address"
            yield Reason("strange address", said, cited)
        known = {agent for agents in elsewhere.values() for agent in agents}
        if known and item.agent and not known & set(item.agents or ()) and address not in places:
            yield Reason("strange agent", f"{principal} had never called with this user agent before", cited)
        if alone and principal and principal not in self.began and self._late(item):
            said = f"{principal} made its first call at {at(item.first)}, when the trail had long been on"
            yield Reason("newcomer", said, cited)
        if alone and address in self.intruders_at and self.intruders_at[address] != item.access_key_id:
            said = f"{self.intruders_at[address]} had been used from this address before, in an intruder's hands"
            yield Reason("beside", said, cited)

    def _late(self, item: _Seen) -> bool:
        since = self.watched.get(item.account_id)
        return bool(item.first and since and item.first - since > NEWCOMER_AFTER)


_SAYS = {
    "finding": "GuardDuty reported {} of this credential",
    "anomaly": "GuardDuty reported {} of this credential",
    "outside": "{}",
    "accused workload": "it launched or changed a workload of which GuardDuty soon after reported {}",
}
