"""How fast exports are, and what memory they take: each format over 1 M CloudTrail events, as ratios to DuckDB's own COPY.

Each runs in a process of its own. The ratio is of processor time (user and system) to that of a bare
`COPY (SELECT * FROM event ORDER BY time, event_id)` as CSV, JSON or Parquet, which checks, neutralises and tells nothing.
`quarter` is the peak with a quarter of the events: memory that does not grow with events is the same.

`python -m tests.benchmarks.bench_export [--events N] [--quick]`
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.bench_detect import build
from tests.benchmarks.memory import Use, run

BARE = {"csv": "CSV, HEADER", "json": "JSON", "parquet": "PARQUET, COMPRESSION zstd"}
WAYS = {
    "csv": ("events.csv", "csv"),
    "jsonl": ("events.jsonl", "json"),
    "parquet": ("events.parquet", "parquet"),
    "timesketch": ("sketch.jsonl", "json"),
    "ocsf": ("ocsf", "parquet"),
}
"""What each format writes, and the COPY it is compared with."""

_COPY = """
import duckdb, sys
con = duckdb.connect(sys.argv[1], read_only=True)
con.execute(f"COPY (SELECT * FROM event ORDER BY time, event_id) TO '{sys.argv[2]}' ({sys.argv[3]})")
"""


def bench(events: int) -> None:
    """Print processor time, rows a second, the ratio to COPY, and the peak of memory of each format."""
    with tempfile.TemporaryDirectory(prefix="bench-export-") as root:
        cases = [build(_folder(root, name), count) for name, count in (("quarter", events // 4), ("whole", events))]
        print(f"{'way':<16}{'CPU-s':>8}{'rows/CPU-s':>12}{'to COPY':>9}{'MB':>7}{'quarter':>9}", flush=True)
        copies = {form: [_copied(case, form) for case in cases] for form in BARE}
        for form, (small, large) in copies.items():
            _line(f"COPY {form}", events, large, small, large)
        for name, (path, like) in WAYS.items():
            small, large = (_exported(case, name, path) for case in cases)
            _line(name, events, large, small, copies[like][1])


def _folder(root: str, name: str) -> Path:
    made = Path(root) / name
    made.mkdir()
    return made


def _copied(case: Path, form: str) -> Use:
    out = case.parent / f"copied.{form}"
    return run([sys.executable, "-c", _COPY, str(case / "case.duckdb"), str(out), f"FORMAT {BARE[form]}"])


def _exported(case: Path, name: str, path: str) -> Use:
    command = [sys.executable, "-m", "forensics.cli", "timeline", str(case), "--format", name, "--out"]
    return run([*command, str(case.parent / path)])


def _line(name: str, events: int, use: Use, small: Use, copy: Use) -> None:
    rate, ratio = f"{events / use.cpu:,.0f}", f"{use.cpu / copy.cpu:.1f}"
    print(f"{name:<16}{use.cpu:>8.1f}{rate:>12}{ratio:>9}{use.peak:>7.0f}{small.peak:>9.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="a small case, to see that it runs")
    options = parser.parse_args()
    bench(40_000 if options.quick else options.events)


if __name__ == "__main__":
    main()
