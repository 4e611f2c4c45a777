"""How long who and what take to resolve: every stage over CloudTrail events and flow records of short-lived compute.

`python -m tests.benchmarks.bench_resolve [--events N] [--flows N] [--quick]`
"""

import argparse
import importlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from tests.benchmarks import memory
from tests.benchmarks.made_up import write_flows, write_trail
from tests.benchmarks.made_up_platform import write_platform

EVENTS_A_FILE = 20_000
FLOWS_A_FILE = 200_000
ASKED = 5
"""Times a look-up is asked; the median counts."""


def build(root: Path, events: int, flows: int) -> Path:
    """A loaded, unresolved case of so many records, and the platform behind them."""
    from forensics import evidence
    from forensics.case import Case
    from forensics.load import load

    write_trail(root / "logs" / "trail", events, per_file=EVENTS_A_FILE)
    write_flows(root / "logs" / "flows", flows, per_file=FLOWS_A_FILE)
    write_platform(root / "logs" / "platform", -(-flows // FLOWS_A_FILE))
    with Case.create(root / "case") as case:
        evidence.add(case, root / "logs", in_place=True)
        ledger = load(case, resolve=False)
        print(f"{ledger.records:,} records", flush=True)
    return root / "case"


def stages(path: Path) -> None:
    """Resolve the case as `load` does, printing what each stage takes, then its whole; run in a process of its own."""
    from forensics import resolution
    from forensics.case import Case

    with Case.open(path, read_only=False) as case:
        begun = time.perf_counter()
        for name in resolution.STAGES:
            module = importlib.import_module(f"forensics.{name}")
            module.resolve = _timed(name, module.resolve)
        resolution.resolve(case.connection)
        print(f"{'resolve, all':<30}{time.perf_counter() - begun:>9.2f} s", flush=True)


def _timed(name: str, work: Callable[[duckdb.DuckDBPyConnection], None]) -> Callable[[duckdb.DuckDBPyConnection], None]:
    def timed(con: duckdb.DuckDBPyConnection) -> None:
        begun = time.perf_counter()
        work(con)
        print(f"{name:<30}{time.perf_counter() - begun:>9.2f} s", flush=True)

    return timed


def asked(path: Path) -> None:
    """Print the median time of `who_was` for an interface's address and for a public one that nobody held."""
    from forensics.case import Case

    with Case.open(path) as case:
        held = case.sql("SELECT holds FROM lifetime WHERE holds_kind = 'private_ip' ORDER BY holds LIMIT 1").rows()
        for address in (str(held[0][0]), "203.0.113.200"):
            times = []
            for _ in range(ASKED):
                begun = time.perf_counter()
                found = len(case.who_was(address, at="2026-11-05T09:30:00Z").df())
                times.append(time.perf_counter() - begun)
            print(f"{f'who_was, {found} found':<30}{statistics.median(times) * 1000:>9.1f} ms", flush=True)


def bench(events: int, flows: int) -> None:
    """Make the logs, load them, resolve, ask."""
    with tempfile.TemporaryDirectory() as scratch:
        path = build(Path(scratch), events, flows)
        use = memory.run([sys.executable, "-m", "tests.benchmarks.bench_resolve", "--stages", str(path)])
        print(f"{use.output}{'peak memory':<30}{use.peak:>9,.0f} MB{use.cpu:>9.1f} CPU s", flush=True)
        asked(path)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--flows", type=int, default=5_000_000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--stages", type=Path)
    given = parser.parse_args()
    if given.stages:
        stages(given.stages)
    elif given.quick:
        bench(400, 2_000)
    else:
        bench(given.events, given.flows)


if __name__ == "__main__":
    main()
