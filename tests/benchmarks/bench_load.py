"""How fast evidence becomes source tables, beside other ways to read the same logs on the same machine in the same run.

`python -m tests.benchmarks.bench_load [--events N] [--flows N] [--files N] [--quick]`
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks import memory
from tests.benchmarks.made_up import write_flows, write_trail

PACKAGES = ("duckdb", "pyarrow", "msgspec", "isal", "pandas", "flowlogs-reader")
SMALL = 8
"""Records in a small file."""

SHARE = 10
"""Slow ways read one in so many files."""


@dataclass(frozen=True)
class Size:
    """How much is made up: records, and files of `SMALL` records; `huge_` ones lie in one object each."""

    events: int = 1_000_000
    flows: int = 5_000_000
    files: int = 4_000
    huge_events: int = 335_000
    huge_flows: int = 6_400_000
    events_a_file: int = 2_000
    flows_a_file: int = 200_000


QUICK = Size(events=400, flows=2_000, files=20, huge_events=200, huge_flows=1_000, events_a_file=20, flows_a_file=100)


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    records: int
    seconds: float
    cpu: float
    peak: float

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds


def measure(way: str, folder: Path, expected: int) -> list[Row]:
    """Run one way in a process of its own. Raises SystemExit where it gives another number of records."""
    use = memory.run([sys.executable, "-m", "tests.benchmarks.ways", way, str(folder)])
    rows = [Row(**json.loads(line), cpu=use.cpu, peak=use.peak) for line in use.output.splitlines()]
    for row in rows:
        if row.records != expected:
            raise SystemExit(f"{row.what} on {folder.name}: {row.records} records, {expected} were made")
    return rows


def share(folder: Path, expected: int, a_file: int) -> tuple[Path, int]:
    """A folder of one in `SHARE` files, and the records in it."""
    part = folder.with_name(f"{folder.name}-share")
    part.mkdir()
    files = sorted(folder.iterdir())
    chosen = range(0, len(files), SHARE)
    for place in chosen:
        (part / files[place].name).hardlink_to(files[place])
    return part, sum(min(a_file, expected - place * a_file) for place in chosen)


def trails(root: Path, size: Size) -> Iterator[Row]:
    """CloudTrail events: ours, then the others."""
    folder = write_trail(root / "trail", size.events, per_file=size.events_a_file)
    part, some = share(folder, size.events, size.events_a_file)
    yield from measure("forensics", folder, size.events)
    yield from measure("duckdb_naive", part, some)
    yield from measure("duckdb_same_table", folder, size.events)
    yield from measure("duckdb_top_level", folder, size.events)
    yield from measure("json_normalize", part, some)
    yield from measure("gunzip_and_scan", folder, size.events)
    yield from measure("apart", folder, size.events)


def flow_logs(root: Path, size: Size) -> Iterator[Row]:
    """Flow records: ours, then the others."""
    folder = write_flows(root / "flows", size.flows, per_file=size.flows_a_file)
    part, some = share(folder, size.flows, size.flows_a_file)
    yield from measure("forensics", folder, size.flows)
    yield from measure("duckdb_csv", folder, size.flows)
    yield from measure("flowlogs_reader", part, some)
    yield from measure("apart", folder, size.flows)


def small_files(root: Path, size: Size) -> Iterator[Row]:
    """Many files of few events."""
    folder = write_trail(root / "small", size.files * SMALL, per_file=SMALL)
    yield from measure("forensics", folder, size.files * SMALL)


def objects(root: Path, size: Size) -> Iterator[Row]:
    """What an object costs that holds next to nothing."""
    folder = write_trail(root / "objects", size.files, per_file=1)
    yield from measure("objects", folder, size.files)


def huge_trail(root: Path, size: Size) -> Iterator[Row]:
    """One object of very many events."""
    folder = write_trail(root / "huge-trail", size.huge_events, per_file=size.huge_events)
    yield from measure("forensics", folder, size.huge_events)


def huge_flows(root: Path, size: Size) -> Iterator[Row]:
    """One object of very many flow records."""
    folder = write_flows(root / "huge-flows", size.huge_flows, per_file=size.huge_flows)
    yield from measure("forensics", folder, size.huge_flows)


def show(title: str, rows: Iterator[Row]) -> None:
    """Print a table as it comes: the first row is ours, the ratios say how many times its rate is of theirs."""
    print(
        f"\n{title}\n{'':<40}{'records':>11}{'seconds':>9}{'per second':>12}{'ratio':>8}{'CPU s':>8}{'peak MB':>9}",
        flush=True,
    )
    ours: Row | None = None
    for row in rows:
        ours = ours or row
        ratio = f"{ours.rate / row.rate:.2f}x"
        print(
            f"{row.what:<40}{row.records:>11,}{row.seconds:>9.2f}{row.rate:>12,.0f}{ratio:>8}{row.cpu:>8.1f}{row.peak:>9,.0f}",
            flush=True,
        )


def bench(size: Size) -> None:
    """Make the logs, read them every way, print the tables; the logs are deleted as soon as they are read."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}, {packages}")
    print(
        "Ratio: how many times the rate of `forensics` (taken in place, hashed, loaded, not resolved) is that of the row. "
        f"Ways with fewer records read one file in {SHARE}.\n"
        "CPU s: of all processes of a way, start included; steadier than seconds where others use the machine.\n"
        "Peak: resident memory of all processes of a way together, sampled from /proc every 20 ms."
    )
    huge = f"one object of {size.huge_events:,} events", f"one object of {size.huge_flows:,} flow records"
    for title, part in (
        (f"CloudTrail, {size.events_a_file:,} events a file", trails),
        (f"VPC Flow Logs, {size.flows_a_file:,} records a file", flow_logs),
        (f"CloudTrail, {size.files:,} files of {SMALL} events", small_files),
        (f"Objects of one event, counted as objects: {size.files:,}", objects),
        (f"CloudTrail, {huge[0]}", huge_trail),
        (f"VPC Flow Logs, {huge[1]}", huge_flows),
    ):
        with tempfile.TemporaryDirectory() as root:
            show(title, part(Path(root), size))


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("events", "flows", "files"):
        parser.add_argument(f"--{name}", type=int, help=f"default {getattr(Size(), name):,}")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it works")
    given = vars(parser.parse_args())
    base = QUICK if given.pop("quick") else Size()
    bench(Size(**(vars(base) | {name: value for name, value in given.items() if value})))


if __name__ == "__main__":
    main()
