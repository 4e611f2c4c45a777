"""How fast each source loads: its specimen's records many times over, beside unpacking the same objects alone.

Specimens hold what readers find hard; the form `ordinary` is a line as AWS's pages show it.

`python -m tests.benchmarks.bench_sources [SOURCE…] [--records N]`

A specimen's records are repeated in objects as AWS writes them: the best case for a processor's caches, and the same
work for the readers as different records.
"""

import argparse
import gzip
import json
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from isal import igzip

from forensics import evidence
from forensics import load as loading
from forensics.case import Case
from forensics.columns.json_records import json_table
from forensics.readers.parts import JsonPart, Reject
from forensics.source import Source
from forensics.sources import sources
from tests.loading import envelope
from tests.sources.test_sources import data, specimens, unwrapped

OBJECTS = 16
"""Objects the records are spread over, so that every processor has some."""

FORMS = ("content", "lines", "records", "messages")


@dataclass(frozen=True)
class Row:
    """A line of the table: one form of one source."""

    source: str
    form: str
    records: int
    megabytes: float
    seconds: float
    cpu: float
    unpacking: float


ALB = (
    "https 2026-11-05T09:10:01.138531Z app/shop/0123456789abcdef 203.0.113.9:1231 10.0.1.23:443 0.001 0.012 0.000 200 200"
    ' 512 1024 "GET https://shop.example:443/a?b=c HTTP/1.1" "Mozilla/5.0 (X11; Linux x86_64)" ECDHE-RSA-AES128-GCM-SHA256'
    " TLSv1.2 arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/web/0example"
    ' "Root=1-a" "shop.example" "arn:aws:acm:us-east-1:111122223333:certificate/0example" 0 2026-11-05T09:10:01.125000Z'
    ' "forward" "-" "-" "10.0.1.23:443" "200" "-" "-" TID_0example'
)
CLB = (
    "2026-11-05T09:10:01.945958Z old-lb 203.0.113.9:2817 10.0.1.23:80 0.000073 0.001048 0.000057 200 200 0 29"
    ' "GET http://h.example:80/ HTTP/1.1" "curl/8.6.0" - -'
)
S3 = (
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47exmpl amzn-s3-demo-bucket [05/Nov/2026:09:10:01 +0000]"
    " 203.0.113.9 arn:aws:sts::111122223333:assumed-role/orders-exec/orders-fn 3E57427F3EXAMPLE REST.GET.OBJECT a/b.csv"
    ' "GET /a/b.csv?x-id=GetObject HTTP/1.1" 200 - 113 4096 7 6 "-" "Boto3/1.40 md/Botocore" - s9lzHYrFp76ZVxRcpX9+5c='
    " SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket.s3.us-east-1.amazonaws.com TLSv1.2 - Yes us-east-1"
)
ORDINARY = {"alb": ALB, "clb": CLB, "s3_access": S3}
"""Pages "Access logs for your Application Load Balancer", "… Classic Load Balancer", "Amazon S3 server access log format"."""


def repeated(item: dict[str, Any], form: str, count: int) -> bytes:
    """An object of so many records, made of a specimen's."""
    if form in ("content", "ordinary"):
        head, lines = _header(item["content"].splitlines())
        return "\n".join([*head, *(lines[place % len(lines)] for place in range(count)), ""]).encode()
    held = item[form]
    chosen = [held[place % len(held)] for place in range(count)]
    if form == "records":
        return json.dumps({"Records": chosen}).encode()
    if form == "lines":
        return b"".join(json.dumps(line).encode() + b"\n" for line in chosen)
    return envelope(*chosen, group=item.get("group"), stream=item.get("stream"))


def _header(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines that name fields, and the others."""
    head = [line for line in lines if line.startswith("#") or "srcaddr" in line]
    return head, [line for line in lines if line.strip() and line not in head]


def best(source: Source) -> list[tuple[str, dict[str, Any]]]:
    """For each form that the source comes in, the first specimen that loads whole into it alone."""
    found: dict[str, dict[str, Any]] = {}
    for item in specimens(source):
        form = next((name for name in FORMS if name in item), None)
        whole = item.get("status", "loaded") == "loaded" and not item.get("other") and item.get("rows")
        plain = form != "content" or not item["content"].lstrip().startswith(("{", "["))
        if (
            form
            and item[form]
            and whole
            and plain
            and (form != "content" or "," not in item["content"].splitlines()[0])
        ):
            found.setdefault(form, item)
    if line := ORDINARY.get(source.name):
        found["ordinary"] = {"key": "ordinary.log", "content": line}
    return list(found.items()) or [("lines", {"key": "records.json", "lines": whole_records(source)})]


def whole_records(source: Source) -> list[Any]:
    """The JSON records among a source's specimens that load whole, for a source whose specimens all hold a broken one."""
    leaves = [leaf for item in specimens(source) for leaf in unwrapped(text_of(item))]
    records = [json.loads(bytes(leaf)) for leaf in leaves if isinstance(leaf, bytes | msgspec.Raw)]
    return [record for record in records if _is_whole(source, record)]


def text_of(item: dict[str, Any]) -> bytes:
    """The specimen's text, not packed."""
    return data({**item, "key": ""})


def _is_whole(source: Source, record: Any) -> bool:
    rejects: list[Reject] = []
    strays: list[Any] = []
    json_table(source, JsonPart(source.name, [0], [json.dumps(record).encode()]), rejects, strays)
    return not rejects and not strays


def measure(source: Source, form: str, item: dict[str, Any], records: int) -> Row:
    """Load the objects into a fresh case, without resolving; then unpack them alone."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "logs"
        text = repeated(item, form, records // OBJECTS)
        for place in range(OBJECTS):
            path = folder / f"{place:02}" / (item["key"].removesuffix(".gz") + ".gz")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(text + b"\n" * place, 6))
        with Case.create(Path(root) / "case") as case:
            evidence.add(case, folder)
            start, before = time.perf_counter(), used()
            loading.load(case, resolve=False)
            seconds, cpu = time.perf_counter() - start, used() - before
            (number,) = case.sql(f'SELECT count(*) FROM "{source.name}"').rows()[0]
        start = time.perf_counter()
        for path in sorted(folder.rglob("*.gz")):
            igzip.decompress(path.read_bytes())  # type: ignore[no-untyped-call]
        return Row(source.name, form, number, OBJECTS * len(text) / 1e6, seconds, cpu, time.perf_counter() - start)


def used() -> float:
    """Processor seconds of this process and of those it waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(item.ru_utime + item.ru_stime for item in both)


def bench(names: Sequence[str], records: int) -> None:
    """Print a line per source and form."""
    loading.ALONE_BYTES = loading.TASK_BYTES = 1  # records that repeat pack into so little that one process would do
    print(
        f"{os.cpu_count()} processors; loading into the case, not resolved; ratio: of the time unpacking alone takes; "
        "CPU s: of all processes, start included"
    )
    print(
        f"{'source':<22}{'form':<10}{'records':>9}{'MB':>8}{'seconds':>9}{'CPU s':>8}{'per second':>12}{'MB/s':>8}{'ratio':>8}"
    )
    for name in names:
        for form, item in best(sources()[name]):
            row = measure(sources()[name], form, item, records)
            print(
                f"{row.source:<22}{row.form:<10}{row.records:>9,}{row.megabytes:>8.1f}{row.seconds:>9.2f}{row.cpu:>8.2f}"
                f"{row.records / row.seconds:>12,.0f}{row.megabytes / row.seconds:>8.1f}{row.seconds / row.unpacking:>8.1f}",
                flush=True,
            )


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="*", help="all unless named")
    parser.add_argument("--records", type=int, default=400_000, help="records of each form")
    given = parser.parse_args()
    bench(given.source or list(sources()), given.records)


if __name__ == "__main__":
    main()
