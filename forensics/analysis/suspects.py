"""In whose hands a credential was at an address: what speaks for an intruder, of calls that an analysis asks about.

A change of code, a policy attached, a log switched off are what administrators do as well. What tells an intruder's
apart is who made them from where: that is judged here for each credential at each address, every reason citing records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from forensics.case import Case

ENOUGH = 2
"""Points of reasons from which a credential at an address is taken to be in an intruder's hands."""

POINTS = {"finding": 2, "outside": 2, "strange address": 1, "strange agent": 1, "newcomer": 1, "denied": 1}

_PAIRS = """
WITH sign AS (
  SELECT e.event_id, e.time, e.access_key_id, e.source_ip, e.principal
  FROM event AS e
  JOIN (SELECT DISTINCT u.event_id FROM unnest(CAST(? AS VARCHAR[])) AS u(event_id)) AS w ON w.event_id = e.event_id
  WHERE e.access_key_id IS NOT NULL
)
SELECT s.access_key_id, s.source_ip, min(s.principal) AS principal, min(s.time) AS first, max(s.time) AS last,
  array_agg(s.event_id ORDER BY s.time, s.event_id) AS event_ids
FROM sign AS s
GROUP BY s.access_key_id, s.source_ip
ORDER BY min(s.time), s.access_key_id, s.source_ip
"""

_FINDING = """
SELECT f.type, f.finding_id
FROM finding AS f
LEFT JOIN event AS g ON g.event_id = f.finding_id
WHERE f.access_key_id = ?
  AND (g.source_ip IS NULL OR g.source_ip = ?)
  AND coalesce(f.title, '') NOT LIKE '[SAMPLE]%'
ORDER BY f.time, f.finding_id
LIMIT 1
"""

_OUTSIDE = """
SELECT u.why, coalesce(u.finding_id, u.first_event_id) AS event_id
FROM credential_use AS u
WHERE u.access_key_id = ?
  AND u.address = ?
  AND u.place = 'outside'
ORDER BY u.first_used
LIMIT 1
"""

_HABITS = """
SELECT count(*) FILTER (WHERE NOT here) AS elsewhere,
  count(*) FILTER (WHERE NOT here AND e.time < ?) AS before,
  count(*) FILTER (WHERE NOT here AND e.user_agent = a.agent) AS same_agent,
  arg_min(e.event_id, (e.time, e.event_id)) FILTER (WHERE here) AS first_here
FROM (SELECT *, access_key_id = ? AND source_ip IS NOT DISTINCT FROM ? AS here FROM event WHERE source = 'cloudtrail') AS e,
  (SELECT arg_min(user_agent, (time, event_id)) AS agent FROM event
   WHERE source = 'cloudtrail' AND access_key_id = ? AND source_ip IS NOT DISTINCT FROM ?) AS a
WHERE e.principal = ?
"""

_NEIGHBOURS = """
SELECT count(DISTINCT e.principal) FILTER (WHERE e.principal <> ?) AS others
FROM event AS e
WHERE e.source = 'cloudtrail'
  AND e.source_ip = ?
  AND e.time < ?
"""

_DENIED = """
SELECT count(*) AS calls, count(DISTINCT e.action) AS actions, array_agg(e.event_id ORDER BY e.time, e.event_id)[1:5] AS ids
FROM event AS e
WHERE e.source = 'cloudtrail'
  AND e.access_key_id = ?
  AND e.source_ip IS NOT DISTINCT FROM ?
  AND e.outcome = 'denied'
"""

_WATCHED = "SELECT min(time) AS first FROM event WHERE source = 'cloudtrail'"

_NEW = """
SELECT min(e.time) AS first, arg_min(e.event_id, (e.time, e.event_id)) AS event_id
FROM event AS e
WHERE e.source = 'cloudtrail'
  AND e.principal = ?
"""

NEWCOMER_AFTER_HOURS = 1
"""A principal whose first call comes so long after the first record of the trail was not at work before."""


@dataclass(frozen=True)
class Reason:
    """One thing that speaks for an intruder: its kind, a sentence, the records that say so."""

    kind: str
    says: str
    event_ids: tuple[str, ...]


@dataclass(frozen=True)
class Suspect:
    """A credential at an address, from which calls were made that an analysis asks about (`event_ids`)."""

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
        return sum(POINTS[item.kind] for item in self.reasons) >= ENOUGH


def suspects(case: Case, event_ids: Sequence[str]) -> list[Suspect]:
    """Each credential at each address that those calls were made with, and what speaks for an intruder there.

    Calls without a credential in their record (a service's own) are nobody's.
    """
    found = case.sql(_PAIRS, (list(event_ids),)).rows()
    return [
        Suspect(
            key,
            address,
            principal,
            first,
            last,
            tuple(ids),
            tuple(_reasons(case, key, address, principal=principal, first=first)),
        )
        for key, address, principal, first, last, ids in found
    ]


def in_hand(found: Sequence[Suspect]) -> dict[str, tuple[str, ...]]:
    """What `intrusion.follow` takes: the believed credentials, and the addresses at which they are."""
    made: dict[str, set[str]] = {}
    for item in found:
        if item.believed:
            made.setdefault(item.access_key_id, set()).update([item.address] if item.address else [])
    return {key: tuple(sorted(addresses)) for key, addresses in sorted(made.items())}


def _reasons(
    case: Case, key: str, address: str | None, *, principal: str | None, first: datetime | None
) -> list[Reason]:
    made = [
        Reason("finding", f"GuardDuty reported {kind} of this credential", (event_id,))
        for kind, event_id in case.sql(_FINDING, (key, address)).rows()
    ]
    made += [Reason("outside", why, (event_id,)) for why, event_id in case.sql(_OUTSIDE, (key, address)).rows()]
    if principal:
        made += _habits(case, key, address, principal=principal, first=first)
    calls, actions, ids = case.sql(_DENIED, (key, address)).rows()[0]
    if calls:
        said = f"{calls:,} {'call was' if calls == 1 else 'calls were'} denied there, of {actions} {'kind' if actions == 1 else 'kinds'}"
        made.append(Reason("denied", said, tuple(ids)))
    return made


def _habits(case: Case, key: str, address: str | None, *, principal: str, first: datetime | None) -> list[Reason]:
    values = (first, key, address, key, address, principal)
    elsewhere, before, same_agent, first_here = case.sql(_HABITS, values).rows()[0]
    cited = (first_here,) if first_here else ()
    made = []
    others = case.sql(_NEIGHBOURS, (principal, address, first)).rows()[0][0] if address else 0
    if before and not others:
        said = f"{principal} had called from other places before, and nobody else from this address"
        made.append(Reason("strange address", said, cited))
    if elsewhere and not same_agent:
        made.append(Reason("strange agent", f"{principal} never called with this user agent elsewhere", cited))
    began, event_id = case.sql(_NEW, (principal,)).rows()[0]
    watched = case.sql(_WATCHED).rows()[0][0]
    if began and (began - watched).total_seconds() > NEWCOMER_AFTER_HOURS * 3600 and not others:
        said = f"{principal} made its first call more than an hour after the trail's first record"
        made.append(Reason("newcomer", said, (event_id,)))
    return made
