"""How long cards take to be shown, over a case of a million S3 calls and half as many flow records.

`python -m tests.benchmarks.bench_cards [--events N] [--quick]`
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forensics.case import Case

_OBJECTS = """
INSERT INTO evidence (object_id, uri, sha256, size, acquired_at, source, account_id, region, status, records, rejected)
SELECT 'object-' || n.number, 's3://example/' || n.number, repeat('0', 64), 1000, TIMESTAMP '2026-03-02 08:00:00',
  CASE WHEN n.number % 3 = 0 THEN 'vpc_flow' ELSE 'cloudtrail' END, '111122223333', 'eu-west-1', 'loaded', 1000, 0
FROM range(CAST($events // 1000 AS BIGINT)) AS n(number)
"""


def build(root: Path, events: int) -> Path:
    """A case of so many calls by 50 roles, their flows, coverage and objects."""
    from forensics.case import Case
    from tests.views.worlds import add_coverage, add_many

    with Case.create(root / "case") as case:
        add_many(case, events)
        add_coverage(case, hours=48)
        case.connection.execute(_OBJECTS, {"events": events})
        case.connection.execute("CHECKPOINT")
    return root / "case"


def cards(case: "Case") -> dict[str, Callable[[], Any]]:
    """What is shown."""
    from forensics.timeline import Timeline
    from tests.views.worlds import ROLE

    event = "00000000-0000-4000-8000-000000000007"
    return {
        "case": case.card,
        "coverage": lambda: case.coverage().card(),
        "timeline of all events": lambda: Timeline(case).card(),
        "timeline of a role": lambda: Timeline(case).where("principal = ?", f"{ROLE}-7").card(),
        "address": lambda: case.address("203.0.113.77"),
        "resource": lambda: case.resource("arn:aws:s3:::made-up-bucket"),
        "record": lambda: case.record(event),
        "query of all events": lambda: case.sql("SELECT * FROM event").card(),
    }


def bench(events: int) -> None:
    """Print what each card takes, shown twice: the first time also imports what it needs."""
    from forensics.case import Case

    with tempfile.TemporaryDirectory(prefix="bench-cards-") as root, Case.open(build(Path(root), events)) as case:
        print(f"{'a case of ' + format(events, ',') + ' calls':<28}{'s':>8}{'CPU-s':>8}{'kB':>8}")
        for name, made in cards(case).items():
            made()._repr_html_()
            begun, spent = time.perf_counter(), time.process_time()
            html = made()._repr_html_()
            took, spent = time.perf_counter() - begun, time.process_time() - spent
            print(f"{name:<28}{took:>8.2f}{spent:>8.2f}{len(html) / 1000:>8.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="a small case, to see that it runs")
    options = parser.parse_args()
    bench(10_000 if options.quick else options.events)


if __name__ == "__main__":
    sys.exit(main())
