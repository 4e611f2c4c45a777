"""Chains of CloudTrail digests, newest to oldest: which digests hold, which are missing, where no digest covers.

A digest holds if its own signature does, or if the next one holds and names its hash: what CloudTrail signed there
vouches for it, whatever metadata was lost. It is altered if its signature does not hold, if it is not the bytes that
the next one names, or if it lies under the name of another. AWS's `validate-logs` names one missing digest and goes
on at the next that it finds (aws-cli issue 7054); here every hour between two digests is accounted for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from forensics.digest import Digest
from forensics.digest_signature import Keys, Proof

HOUR = timedelta(hours=1)
"""Digests come hourly, also for an hour without log files."""

NO_SIGNATURE = "its signature is not in evidence"
NO_KEY = "is not in evidence: without that public key nothing is proved"
"""What is lacking, as `detail` says it."""

EARLIEST = datetime(1, 1, 1)
VALID, ALTERED, UNVERIFIED = "valid", "altered", "unverified"


@dataclass(frozen=True)
class Verdict:
    """What is proved of a digest, or of a stretch without one: the columns of `digest_check`."""

    account_id: str | None
    region: str | None
    trail: str | None
    period_start: datetime | None
    period_end: datetime | None
    status: str
    uri: str
    object_id: str | None
    detail: str


@dataclass(frozen=True)
class Judged:
    """A digest and what became of it."""

    digest: Digest
    status: str
    detail: str

    @property
    def verdict(self) -> Verdict:
        """As a row."""
        one = self.digest
        kind = "backfill digest: " if one.backfill else ""
        told = (one.account_id, one.region, one.trail, one.start, one.end)
        return Verdict(*told, self.status, one.named, one.object_id, kind + self.detail)


def judged(digests: Iterable[Digest], keys: Keys) -> list[Judged]:
    """Every digest with what is proved of it."""
    known = sorted(digests, key=lambda one: (one.end or EARLIEST, one.named, one.object_id), reverse=True)
    following: dict[tuple[str, str], list[Digest]] = defaultdict(list)
    for one in known:
        if one.previous and not one.problem:
            following[one.previous.bucket, one.previous.key].append(one)
    done: dict[str, Judged] = {}
    for one in known:
        after = [(item, done.get(item.object_id)) for item in following.get(one.place, ()) if item is not one]
        done[one.object_id] = _judge(one, after, keys)
    held = {item.digest.place: item for item in done.values() if item.status == VALID}
    return [_not_what_it_follows(item, held) for item in done.values()]


_After = Sequence[tuple[Digest, Judged | None]]
"""The digests that name one as the one before them, with what became of them, where that is known yet."""


def _judge(one: Digest, after: _After, keys: Keys) -> Judged:
    if one.problem:
        return Judged(one, UNVERIFIED if one.unread else ALTERED, one.problem)
    if one.moved:
        return Judged(one, ALTERED, f"it is the digest {one.named} and lies under another's name: {one.uri}")
    own = keys.prove(one, one.signature) if one.signature else None
    if own is Proof.HOLDS:
        return Judged(one, VALID, "its signature holds")
    sure = [item.previous for item, said in after if said and said.status == VALID and item.previous]
    if any(item.hash == one.sha256 for item in sure):
        more = "; the signature in its own metadata does not hold" if own is Proof.FAILS else ""
        return Judged(one, VALID, f"the next digest, which holds, names its hash{more}")
    if sure:
        return Judged(one, ALTERED, f"its SHA-256 is {one.sha256}, the next digest, which holds, names {sure[0].hash}")
    return _unsure(one, after, keys, own)


def _unsure(one: Digest, after: _After, keys: Keys, own: Proof | None) -> Judged:
    """Of a digest that no digest which holds speaks of."""
    named = [item.previous for item, _ in after if item.previous]
    proofs = [own] if own else []
    proofs += [keys.prove(one, item.signature) for item in named if item.signature]
    if Proof.HOLDS in proofs:
        return Judged(one, VALID, "its signature, as the next digest has it, holds")
    if Proof.FAILS in proofs:
        return Judged(one, ALTERED, f"its signature does not hold against CloudTrail's key {one.fingerprint}")
    if Proof.FOREIGN in proofs:
        text = f"it is signed with the key {one.fingerprint}, which CloudTrail did not have in {one.region} then"
        return Judged(one, ALTERED, text)
    if named and all(item.hash != one.sha256 for item in named):
        text = f"its SHA-256 is {one.sha256}, the next digest names {named[0].hash}: one of both is not as delivered"
        return Judged(one, ALTERED, text)
    return Judged(one, UNVERIFIED, _lacks(one, proofs))


def _lacks(one: Digest, proofs: Sequence[Proof]) -> str:
    if not proofs:
        return f"{NO_SIGNATURE}: it stands in the metadata of the S3 object, or in the next digest"
    if Proof.UNKNOWN in proofs:
        return f"its signature is of an algorithm that CloudTrail is not known to use: {one.algorithm}"
    return f"the key {one.fingerprint} of {one.region or 'its Region'} {NO_KEY}"


def _not_what_it_follows(item: Judged, held: Mapping[tuple[str, str], Judged]) -> Judged:
    """A digest that nothing proves and that names another hash than that of the digest before it, which holds."""
    before = item.digest.previous
    earlier = held.get((before.bucket, before.key)) if before else None
    if item.status != UNVERIFIED or before is None or earlier is None or earlier.digest.sha256 == before.hash:
        return item
    text = f"it names the hash {before.hash} of {earlier.digest.named}, which holds and has another"
    return replace(item, status=ALTERED, detail=text)


def chains(items: Iterable[Judged]) -> list[list[Judged]]:
    """The digests of each chain from the oldest to the newest, one for each place; the unreadable are left out."""
    found: dict[tuple[str, ...], dict[tuple[str, str], Judged]] = defaultdict(dict)
    for item in sorted(items, key=lambda item: (item.digest.end or EARLIEST, item.digest.named)):
        if item.digest.problem:
            continue
        known = found[item.digest.chain].get(item.digest.place)
        if known is None or item.status == VALID:
            found[item.digest.chain][item.digest.place] = item
    return [list(found[name].values()) for name in sorted(found)]


@dataclass(frozen=True)
class Stretch:
    """A time between two digests of a chain, or before its first in evidence, for which there is none.

    `kind` is `missing` (the later digest names one that is not there), `restart` (the later one begins a chain anew),
    `gap` (they follow each other, and time lies between them), `before` (the chain goes on before its first) or `after`
    (it ends, although there should be more by the time that its place was listed; `later` is then the last digest).
    """

    kind: str
    later: Judged
    start: datetime
    end: datetime

    @property
    def digests(self) -> int:
        """How many digests that time would have; backfill digests are not hourly."""
        return 1 if self.later.digest.backfill else max(1, round((self.end - self.start) / HOUR))

    @property
    def named(self) -> str:
        """The digest that should be there, as the later one names it; "" where it names none."""
        before = self.later.digest.previous
        return f"s3://{before.bucket}/{before.key}" if before and self.kind in ("missing", "before") else ""


def stretches(chain: Sequence[Judged]) -> Iterator[Stretch]:
    """What lies between the digests of one chain, from the oldest to the newest."""
    places = {item.digest.place for item in chain}
    first = chain[0]
    if first.digest.previous and first.digest.start and _previous_place(first) not in places:
        yield Stretch("before", first, first.digest.start - HOUR, first.digest.start)
    for earlier, later in pairwise(chain):
        start, end = earlier.digest.end, later.digest.start
        if start is None or end is None:
            continue
        if later.digest.previous is None:
            if start < end and not later.digest.backfill:
                yield Stretch("restart", later, start, end)
        elif _previous_place(later) not in places:
            if start < end:
                yield Stretch("missing", later, start, end)
            elif later.status != ALTERED:
                yield Stretch("missing", later, end - HOUR, end)
        elif start < end and not later.digest.backfill and _previous_place(later) == earlier.digest.place:
            yield Stretch("gap", later, start, end)


def _previous_place(item: Judged) -> tuple[str, str] | None:
    before = item.digest.previous
    return (before.bucket, before.key) if before else None
