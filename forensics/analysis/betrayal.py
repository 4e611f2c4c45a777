"""Which credentials are in an intruder's hands, where: from those that betray it to those that share its addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from forensics.analysis.credential_use import Use, uses
from forensics.analysis.intrusion import Intrusion, follow
from forensics.analysis.statement import Statement, named
from forensics.analysis.suspects import Suspect, suspects
from forensics.analysis.technique import USE
from forensics.analysis.words import at, during, listed
from forensics.case import Case

ROUNDS = 4
"""How often what was found leads to further credentials; each round has to find one, so that few are ever needed."""

_OUTSIDE = """
SELECT u.access_key_id
FROM credential_use AS u
LEFT JOIN workload AS w ON w.workload = u.workload
WHERE u.place = 'outside'
  AND (len(CAST($kinds AS VARCHAR[])) = 0 OR list_contains(CAST($kinds AS VARCHAR[]), w.kind))
GROUP BY u.access_key_id
ORDER BY u.access_key_id
"""

_ACCUSED = """
SELECT f.access_key_id
FROM finding AS f
JOIN credential AS k ON k.access_key_id = f.access_key_id
WHERE coalesce(f.title, '') NOT LIKE '[SAMPLE]%'
  AND f.source IN ('guardduty', 'security_hub')
GROUP BY f.access_key_id
ORDER BY f.access_key_id
"""

_OF_A_WORKLOAD = """
SELECT DISTINCT c.access_key_id
FROM credential_workload AS c
WHERE list_contains(CAST(? AS VARCHAR[]), c.access_key_id)
"""

_CALLS_OF = """
SELECT e.event_id
FROM event AS e
WHERE e.source = 'cloudtrail'
  AND list_contains(CAST(? AS VARCHAR[]), e.access_key_id)
"""

_CALLS_FROM = """
SELECT e.access_key_id, e.source_ip, array_agg(e.event_id ORDER BY e.time, e.event_id) AS event_ids
FROM event AS e
WHERE e.source = 'cloudtrail'
  AND list_contains(CAST(? AS VARCHAR[]), e.source_ip)
  AND e.access_key_id IS NOT NULL
GROUP BY e.access_key_id, e.source_ip
ORDER BY e.access_key_id, e.source_ip
"""

_MINTED_THERE = """
SELECT k.access_key_id, k.issued_by_access_key_id, e.source_ip
FROM credential AS k
JOIN event AS e ON e.event_id = k.issuance_event_id AND e.source = 'cloudtrail'
WHERE list_contains(CAST(? AS VARCHAR[]), k.access_key_id)
  AND k.issued_by_access_key_id IS NOT NULL
ORDER BY k.access_key_id
"""

_WHOSE = """
SELECT k.access_key_id, coalesce(k.workload, k.principal) AS owner,
  k.access_key_id IN (SELECT c.access_key_id FROM credential_workload AS c) AS of_workload
FROM credential AS k
WHERE list_contains(CAST(? AS VARCHAR[]), k.access_key_id)
  AND coalesce(k.workload, k.principal) IS NOT NULL
"""

_OF_LAUNCHED = "SELECT access_key_id FROM credential WHERE list_contains(CAST(? AS VARCHAR[]), workload)"


SHARED = "a credential in an intruder's hands was used or made from the same address"
GRAVE = "the calls themselves are hardly ever made but by an intruder"


@dataclass(frozen=True)
class Held:
    """A suspect that is taken to be in an intruder's hands, and what tips the balance besides its own reasons."""

    suspect: Suspect
    besides: str = ""

    @property
    def place(self) -> tuple[str, str | None]:
        """The credential and the address."""
        return self.suspect.access_key_id, self.suspect.address

    @property
    def hand(self) -> dict[str, tuple[str, ...]]:
        """As `intrusion.follow` takes it."""
        key, address = self.place
        return {key: (address,) if address else ()}

    @property
    def why(self) -> str:
        """All reasons as part of a sentence."""
        said = [reason.says for reason in self.suspect.reasons] + ([self.besides] if self.besides else [])
        return listed(said, len(said))


@dataclass(frozen=True)
class Hands:
    """An intrusion, the uses of the credentials that were looked at, those taken to be in its hands by their reasons.

    `judged` is everyone who made the calls that were asked about, suspect or not.
    """

    intrusion: Intrusion
    uses: tuple[Use, ...]
    suspects: tuple[Held, ...]
    judged: tuple[Suspect, ...] = ()

    @property
    def outside(self) -> list[Use]:
        """Uses from a place that is not the workload's, of which no suspect tells."""
        told = {item.place for item in self.suspects}
        return [use for use in self.uses if use.place == "outside" and (use.access_key_id, use.address) not in told]

    @property
    def callers(self) -> list[Caller]:
        """Who made the calls that were asked about, from where, and what speaks for an intruder."""
        held = {item.place for item in self.suspects}
        return [_caller(item, (item.access_key_id, item.address) in held) for item in self.judged]

    @property
    def places(self) -> list[Place]:
        """Each credential that was looked at, at each address it was used from, in order of first use."""
        keys = sorted({use.access_key_id for use in self.uses})
        whose = {str(row[0]): (str(row[1]), bool(row[2])) for row in self.intrusion.case.sql(_WHOSE, (keys,)).rows()}
        said = {item.place: item.why for item in self.suspects}
        return [_place(use, *whose.get(use.access_key_id, (None, False)), why=said) for use in self.uses]

    def statements(self) -> list[Statement]:
        """First uses from outside, and why the other credentials are taken to be in an intruder's hands."""
        first = [first_use(f"theft-{number:02d}", use) for number, use in enumerate(self.outside, 1)]
        used: dict[tuple[str, str | None], Use] = {(use.access_key_id, use.address): use for use in self.uses}
        return first + [
            _hand(f"hand-{number:02d}", item, used.get(item.place)) for number, item in enumerate(self.suspects, 1)
        ]


@dataclass(frozen=True)
class Caller:
    """A credential at an address, its calls among those asked about, what speaks for an intruder, and the judgement."""

    principal: str | None
    access_key_id: str
    address: str | None
    calls: int
    first: datetime | None
    last: datetime | None
    speaks_for_an_intruder: str
    in_hand: bool


def _caller(item: Suspect, in_hand: bool) -> Caller:
    said = "; ".join(reason.says for reason in item.reasons) or "nothing"
    number, first, last = len(item.event_ids), item.first, item.last
    return Caller(item.principal, item.access_key_id, item.address, number, first, last, said, in_hand)


@dataclass(frozen=True)
class Place:
    """A credential at an address: whose it is, whose place that is (`inside`: its owner's) and how that is known."""

    access_key_id: str
    whose: str | None
    address: str
    place: str
    why: str
    calls: int
    first_used: datetime | None
    last_used: datetime | None


def _place(use: Use, whose: str | None, of_workload: bool, *, why: Mapping[tuple[str, str | None], str]) -> Place:
    held = why.get((use.access_key_id, use.address))
    place, reason = ("outside", held) if held else (use.place, use.why)
    if not held and not of_workload and place == "undetermined":
        place, reason = "inside", "nothing speaks for an intruder there"
    first, last = use.first_used, use.last_used
    return Place(use.access_key_id, whose, use.address, place, reason, use.calls, first, last)


def used_outside(case: Case, kinds: Sequence[str] = ()) -> tuple[str, ...]:
    """Credentials of workloads (of those kinds) that were used from a place that is not the workload's."""
    return tuple(str(row[0]) for row in case.sql(_OUTSIDE, {"kinds": list(kinds)}).rows())


def accused(case: Case) -> tuple[str, ...]:
    """Credentials that any finding names, samples left out."""
    return tuple(str(row[0]) for row in case.sql(_ACCUSED).rows())


def of_keys(case: Case, keys: Iterable[str], *, signs: Sequence[str] = (), grave: Sequence[str] = ()) -> Hands:
    """What is in an intruder's hands, of those credentials and of those that made the calls `signs`; and what came of it.

    A workload's credential is where it was used from outside; another one where `suspects` believes it, or where it has
    any reason to and one of its calls is `grave`: hardly ever made but by an intruder. An id that was masked may be
    anybody's: it is judged by nobody.
    """
    wanted = list(dict.fromkeys(keys))
    found = uses(case, access_key_ids=tuple(wanted))
    owned = {str(row[0]) for row in case.sql(_OF_A_WORKLOAD, (wanted,)).rows()}
    others = [key for key in wanted if key not in owned]
    calls = (
        [*signs, *grave, *(str(row[0]) for row in case.sql(_CALLS_OF, (others,)).rows())]
        if others
        else [*signs, *grave]
    )
    judged = [item for item in suspects(case, calls) if item.access_key_id.isalnum()] if calls else []
    believed = [Held(item) for item in judged if item.believed]
    believed += [
        Held(item, GRAVE) for item in judged if not item.believed and item.reasons and {*item.event_ids} & {*grave}
    ]
    stolen: dict[str, tuple[str, ...]] = {}
    for item in believed:
        stolen = _joined(stolen, item.hand)
    for use in found:
        if use.place == "outside" and use.access_key_id in owned:
            stolen = _joined(stolen, {use.access_key_id: (use.address,)})
    return replace(_spread(case, stolen, found=found, believed=believed), judged=tuple(judged))


def _spread(case: Case, stolen: dict[str, tuple[str, ...]], *, found: list[Use], believed: list[Held]) -> Hands:
    """Follow what came of it, then who else called from its addresses, until nobody is added."""
    intrusion = _followed(case, stolen)
    for _ in range(ROUNDS):
        more = _at_the_same_place(intrusion)
        if not more:
            break
        believed = [*believed, *more]
        for item in more:
            stolen = _joined(stolen, item.hand)
        intrusion = _followed(case, stolen)
    every = list(dict.fromkeys([*(use.access_key_id for use in found), *intrusion.stolen]))
    return Hands(intrusion, tuple(uses(case, access_key_ids=tuple(every))), tuple(believed))


def _followed(case: Case, stolen: Mapping[str, tuple[str, ...]]) -> Intrusion:
    """What another one in the same hands gave is not stolen but came of it, and is the intruder's wherever it is used."""
    came = {
        str(key)
        for key, parent, address in case.sql(_MINTED_THERE, (list(stolen),)).rows()
        if parent in stolen and (not stolen[parent] or address in stolen[parent])
    }
    kept = {key: addresses for key, addresses in sorted(stolen.items()) if key not in came}
    intrusion = follow(case, kept)
    own = {str(row[0]) for row in case.sql(_OF_LAUNCHED, (list(intrusion.launched),)).rows()}
    if not own & set(kept):
        return intrusion
    return follow(case, {key: addresses for key, addresses in kept.items() if key not in own})


def _at_the_same_place(intrusion: Intrusion) -> list[Held]:
    """Others at the intruder's addresses: who minted an intruder's credential there, or has any reason of its own."""
    case = intrusion.case
    made = case.sql(_MINTED_THERE, (list(intrusion.keys),)).rows()
    minted = {(str(parent), address) for _, parent, address in made}
    found = []
    for key, address, event_ids in case.sql(_CALLS_FROM, (intrusion.addresses,)).rows():
        if not key.isalnum() or key in intrusion.derived or address in intrusion.stolen.get(key, ()):
            continue
        judged = suspects(case, event_ids)
        found += [
            Held(item, "" if item.believed else SHARED) for item in judged if item.reasons or (key, address) in minted
        ]
    return found


def _joined(one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(sorted({*one.get(key, ()), *other.get(key, ())})) for key in sorted({*one, *other})}


def first_use(identifier: str, use: Use) -> Statement:
    """From when on a workload's credential was used from an address, and why that is not the workload's place."""
    text = f"From {at(use.first_used)} on the credential {use.access_key_id} was used from {use.address}: {use.why}."
    if use.user_agent:
        text += f" User agent: {use.user_agent[:200]}."
    return Statement(
        id=identifier,
        title=f"{use.access_key_id} used from outside, {use.address}",
        statement=text,
        time=use.first_used,
        certainty="inferred",
        technique=USE,
        evidence=named([use.first_event_id] + ([use.finding_id] if use.finding_id else [])),
    )


def _hand(identifier: str, item: Held, use: Use | None) -> Statement:
    suspect = item.suspect
    key, address = item.place
    first, last = (use.first_used, use.last_used) if use else (suspect.first, suspect.last)
    shown = [event for reason in suspect.reasons if reason.kind == "finding" for event in reason.event_ids]
    return Statement(
        id=identifier,
        title=f"{key} in an intruder's hands" + (f" at {address}" if address else ""),
        statement=(
            f"The credential {key} of {suspect.principal or 'a principal not named'} called from"
            f" {address or 'an address not recorded'} {during(first, last)}: {item.why}."
        ),
        time=first,
        certainty="inferred",
        technique=USE,
        principal=suspect.principal,
        evidence=named([use.first_event_id if use else suspect.event_ids[0], *shown]),
    )
