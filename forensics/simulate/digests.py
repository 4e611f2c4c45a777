"""Digests of a trail that was stopped once: hourly until its stop, and a new chain from its start on.

The last digest before a stop covers the time until it; the first after it names none before.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from forensics.simulate.cloudtrail import BUCKET
from forensics.simulate.digest_chain import Delivered, DigestChain
from forensics.simulate.digest_key import fingerprint, made_up_key, public_value
from forensics.simulate.stage import BEGINS, ENDS
from forensics.simulate.storage import Storage
from forensics.simulate.world import ACCOUNT, Json, iso

HOUR = 3600
_MINUTE = 55 * 60
"""Digests end at this minute of the hour, in seconds: each trail has one of its own."""


@dataclass
class Digests:
    """Takes the log files that are delivered, and writes the digests and the public keys once all are.

    `off` is from when until when the trail is stopped.
    """

    storage: Storage
    off: tuple[int, int]
    files: dict[tuple[str, str], list[tuple[int, Delivered]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, whose: tuple[str, str], published: int, file: Delivered) -> None:
        """Take a log file of an account and Region, delivered then."""
        self.files[whose].append((published, file))

    def write(self) -> None:
        """Write every chain, what head-object says of each digest, and the page of public keys of each Region."""
        for account, region in sorted(self.files):
            chain = DigestChain(BUCKET, account=account, region=region)
            for start, end, until in self._periods(account):
                those = [item for item in self.files[account, region] if start <= item[0] < until]
                files = [file for _, file in sorted(those, key=lambda item: (item[0], item[1].key))]
                chain.deliver(start, end, files, anew=start in (BEGINS, self.off[1]))
            for made in chain.made:
                self.storage.put(f"{BUCKET}/{made.key}", made.data, source="cloudtrail_digest", records=1)
                self.storage.put(f"{BUCKET}/{made.key}.head.json", made.head, source="s3_object_head", records=1)
        for region in sorted({region for _, region in self.files}):
            page = json.dumps(_keys(region), indent=1).encode()
            self.storage.put(f"list-public-keys/{region}.json", page, source="cloudtrail_public_key", records=1)

    def _periods(self, account: str) -> Iterator[tuple[int, int, int]]:
        """Start and end of each digest, and until when what is delivered is listed there; only our trail was stopped."""
        edges = [BEGINS, *range(BEGINS + _MINUTE, ENDS, HOUR)]
        stopped, started = self.off if account == ACCOUNT else (ENDS, ENDS)
        for start, end in pairwise(edges):
            if end <= stopped or start >= started:
                yield start, end, end
            if start < stopped < end:
                yield start, stopped, started
            if start < started < end:
                yield started, end, end

    @property
    def gaps(self) -> list[Json]:
        """The time that no digest covers, of each Region."""
        times = {"from": iso(self.off[0]), "to": iso(self.off[1])}
        ours = [region for account, region in sorted(self.files) if account == ACCOUNT]
        return [{"account_id": ACCOUNT, "region": region} | times for region in ours]


def _keys(region: str) -> Json:
    """A page of ListPublicKeys."""
    times = {"StartTime": iso(BEGINS), "EndTime": iso(ENDS)}
    call = {"service": "cloudtrail", "operation": "ListPublicKeys", "parameters": times}
    key = made_up_key()
    valid = {"ValidityStartTime": iso(BEGINS), "ValidityEndTime": iso(ENDS + 30 * 24 * HOUR)}
    item = {"Value": public_value(key), **valid, "Fingerprint": fingerprint(key)}
    return {"call": call | {"account_id": ACCOUNT, "region": region}, "response": {"PublicKeyList": [item]}}
