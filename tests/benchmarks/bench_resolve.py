"""How long who and what take to resolve: every stage over CloudTrail events and flow records of short-lived compute.

Then the same for a hundredth more of each, which comes later. With `--unlike` nearly every event is of a session of its
own, worse than any trail.

`python -m tests.benchmarks.bench_resolve [--events N] [--flows N] [--unlike] [--keep FOLDER] [--quick]`
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
WHOLE = "resolve, all"
ASKED = 5
"""Times a look-up is asked; the median counts."""


LATER = 9_001
"""Seed of what comes later."""


def write(logs: Path, events: int, flows: int, *, alike: bool, seed: int = 1) -> Path:
    """So many events and flow records, and the platform behind the flows."""
    write_trail(logs / "trail", events, per_file=EVENTS_A_FILE, seed=seed, alike=alike)
    write_flows(logs / "flows", flows, per_file=FLOWS_A_FILE, seed=seed, alike=alike)
    write_platform(logs / "platform", -(-flows // FLOWS_A_FILE), seed=seed)
    return logs


def build(root: Path, events: int, flows: int, *, alike: bool = True) -> Path:
    """A loaded, unresolved case of so many records, and the platform behind them."""
    from forensics import evidence
    from forensics.case import Case
    from forensics.load import load

    write(root / "logs", events, flows, alike=alike)
    with Case.create(root / "case") as case:
        evidence.add(case, root / "logs", in_place=True)
        ledger = load(case, resolve=False)
        print(f"{ledger.records:,} records", flush=True)
    return root / "case"


def more(path: Path, logs: Path) -> None:
    """Add and load what comes later."""
    from forensics import evidence
    from forensics.case import Case
    from forensics.load import load

    with Case.open(path, read_only=False) as case:
        evidence.add(case, logs, in_place=True)
        before = time.perf_counter()
        ledger = load(case, resolve=False)
        taken = time.perf_counter() - before
        print(f"{ledger.records:,} records\n{'load':<30}{taken:>9.2f} s", flush=True)


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
        print(f"{WHOLE:<30}{time.perf_counter() - begun:>9.2f} s", flush=True)


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


def measured(path: Path) -> tuple[float, float]:
    """Resolve in a process of its own; its seconds, and those of the processors."""
    use = memory.run([sys.executable, "-m", "tests.benchmarks.bench_resolve", "--stages", str(path)])
    print(f"{use.output}{'peak memory':<30}{use.peak:>9,.0f} MB{use.cpu:>9.1f} CPU s", flush=True)
    return float(use.output.split(WHOLE)[1].split()[0]), use.cpu


def bench(root: Path, events: int, flows: int, *, alike: bool) -> None:
    """Make the logs, load them, resolve, ask; then load and resolve a hundredth more."""
    path = build(root, events, flows, alike=alike)
    whole = measured(path)
    asked(path)
    more(path, write(root / "later", -(-events // 100), -(-flows // 100), alike=alike, seed=LATER))
    added = measured(path)
    shares = [part / of for part, of in zip(added, whole, strict=True)]
    print(
        f"{'a hundredth more, of the whole':<30}{shares[0]:>9.1%} of the time, {shares[1]:.1%} of the CPU s", flush=True
    )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--flows", type=int, default=10_000_000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--unlike", action="store_true")
    parser.add_argument("--keep", type=Path, help="a new folder for logs and case, which are else removed")
    parser.add_argument("--stages", type=Path)
    given = parser.parse_args()
    if given.stages:
        return stages(given.stages)
    size = (400, 2_000) if given.quick else (given.events, given.flows)
    with tempfile.TemporaryDirectory() as scratch:
        bench(given.keep or Path(scratch), *size, alike=not given.unlike)
    return None


if __name__ == "__main__":
    main()
