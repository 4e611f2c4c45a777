"""How fast a window of a bucket becomes evidence, from a plain S3 in a process of its own on this machine.

`python -m tests.benchmarks.bench_s3 [--objects N] [--size BYTES]`: 20,000 objects of 20 kB by default, a fifth more lie
outside of the window. Fails where a key outside of it was listed or fetched, or where the evidence is not all there.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from forensics.case import Case
from tests.benchmarks import memory
from tests.moto_server import CREDENTIALS
from tests.static_s3 import BUCKET

FROM, TO = "2026-11-02", "2026-11-09"
"""Eight of ten days, as what is delivered up to 24 hours late counts too."""
INSIDE = {f"{datetime(2026, 11, 2) + timedelta(days=day):%Y/%m/%d}" for day in range(8)}


@contextmanager
def served(objects: int, size: int) -> Iterator[str]:
    """The endpoint of that many objects, over ten days."""
    command = [sys.executable, "-m", "tests.static_s3", str(objects), str(size)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def bench(objects: int, size: int) -> str:
    """Take that many objects in; a line of figures. Raises SystemExit where something is not as it must be."""
    with served(objects * 10 // 8, size) as endpoint, tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case"
        with Case.create(case):
            pass
        os.environ.update({name.upper(): value for name, value in CREDENTIALS.items()})
        window = ["--from", FROM, "--to", TO, "--endpoint-url", endpoint]
        began = time.perf_counter()
        used = memory.run([sys.executable, "-m", "forensics.cli", "add", str(case), f"s3://{BUCKET}", *window])
        seconds = time.perf_counter() - began
        _check(endpoint, case, objects)
    return (
        f"{objects:,} objects of {size:,} bytes: {objects / seconds:,.0f} objects/s, {seconds:.1f} s in all, "
        f"{used.cpu:.1f} s of processor, at most {used.peak:.0f} MB"
    )


def _check(endpoint: str, case: Path, objects: int) -> None:
    with urllib.request.urlopen(endpoint) as answer:
        log = json.loads(answer.read())
    told = {key for _, _, keys in log for key in keys}
    outside = [key for key in told if "/".join(key.split("/")[-4:-1]) not in INSIDE]
    fetched = [key for operation, key, _ in log if operation == "GET"]
    with Case.open(case) as opened:
        held = opened.connection.execute("SELECT count(*) FROM evidence WHERE status = 'pending'").fetchall()[0][0]
    if outside or not held == len(fetched) == len(set(fetched)) == objects:
        raise SystemExit(f"{len(outside)} keys outside of the window, {len(fetched)} fetched, {held} of {objects} held")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=20_000)
    given = parser.parse_args()
    print(bench(given.objects, given.size))
