"""How long checking digests takes: log files of 100 events each, 100 an hour, their digests and one key.

`python -m tests.benchmarks.bench_digests [FILES]`
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from forensics import digests, evidence
from forensics.case import Case
from forensics.load import load
from forensics.simulate.digest_chain import Delivered, DigestChain
from forensics.simulate.storage import gzip_bytes
from tests.digest_chain import BUCKET, HOUR, START, keys, log_key
from tests.loading import put, trail

AN_HOUR = 100


def write(root: Path, files: int) -> int:
    """The files under `root`; bytes of the log files, decompressed."""
    chain, size = DigestChain(BUCKET), 0
    for hour in range(files // AN_HOUR):
        start = START + hour * HOUR
        listed = []
        for place in range(AN_HOUR):
            number = hour * AN_HOUR + place
            events = [
                trail(eventID=f"{number}-{event}", requestID=f"{number * 7919:x}-{event}") for event in range(100)
            ]
            body = json.dumps({"Records": events}).encode()
            key = log_key(number, start + 30 * place)
            put(root / BUCKET, {key: gzip_bytes(body)})
            listed.append(Delivered.of(key, body))
            size += len(body)
        made = chain.deliver(start, start + HOUR, listed)
        put(root / BUCKET, {made.key: made.data, f"{made.key}.head.json": made.head})
    put(root, keys())
    return size


def timed(name: str, begun: float) -> None:
    """A line of the figures."""
    print(f"{name:<44}{time.perf_counter() - begun:>9.2f} s", flush=True)


def main(files: int = 10_000) -> None:
    """Print what a first load, a later load and a validation spend on digests."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        size = write(root / "logs", files)
        print(f"{files:,} log files, {size / 1e6:,.0f} MB decompressed, {files // AN_HOUR} digests")
        with Case.create(root / "case") as case:
            begun = time.perf_counter()
            evidence.add(case, root / "logs", in_place=True)
            load(case, resolve=False)
            timed("add and load, digests not checked", begun)
            for name in ("first load", "a load after it, nothing new to hash"):
                begun = time.perf_counter()
                digests.resolve(case.connection)
                timed(f"digests, {name}", begun)
            begun = time.perf_counter()
            report = digests.validate(case)
            timed("verify --digests, everything hashed afresh", begun)
            print(report.counts)
            case.connection.execute("DELETE FROM evidence WHERE uri LIKE '%CloudTrail-Digest%'")
            begun = time.perf_counter()
            digests.resolve(case.connection)
            timed("digests, a case that has none", begun)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
