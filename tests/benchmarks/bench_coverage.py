"""How long coverage takes: to be resolved, of a hundredth more that comes later, and to be asked for.

Of a made-up case of many accounts, Regions, logs and days with few records an hour, 5.2 million hours in all; or, to be
asked for only, of a resolved case, which stays as it is.

`python -m tests.benchmarks.bench_coverage [--accounts N] [--regions N] [--days N] [--case CASE] [--quick]`
"""

import argparse
import importlib
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks import memory
from tests.benchmarks.made_up_grid import Grid

QUICK = Grid(accounts=2, regions=2, days=2)
STAGES = ("logging_state", "coverage", "tamper_finding")
TIMES = 3
"""Times that a question is asked; the median counts."""


def cpu() -> float:
    """Seconds of the processors that this process has used, on all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def say(what: str, seconds: float, processors: float) -> None:
    """A line of the answer."""
    print(f"{what:<44}{seconds:>9.3f} s{processors:>9.3f} CPU s", flush=True)


def timed(what: str, work: Callable[..., Any]) -> Callable[..., None]:
    """The same work, which says what it took."""

    def saying(*given: Any) -> None:
        begun, before = time.perf_counter(), cpu()
        work(*given)
        say(what, time.perf_counter() - begun, cpu() - before)

    return saying


def resolve(path: Path) -> None:
    """Resolve a case, in a process of its own, and say what the stages about logs take, and all of them."""
    from forensics import resolution
    from forensics.case import Case

    with Case.open(path, read_only=False) as case:
        for name in STAGES:
            module = importlib.import_module(f"forensics.{name}")
            module.resolve = timed(name, module.resolve)
        timed("resolve, all", resolution.resolve)(case.connection)


def resolved(path: Path) -> None:
    """Resolve in a process of its own, and print its peak memory."""
    use = memory.run([sys.executable, "-m", "tests.benchmarks.bench_coverage", "--stages", str(path)])
    print(f"{use.output}{'peak memory':<44}{use.peak:>9,.0f} MB", flush=True)


def asked(path: Path) -> None:
    """Say what each public question about the coverage of a resolved case takes."""
    from forensics.case import Case
    from forensics.timeline import Timeline
    from forensics.views.coverage import coverage_figure

    with Case.open(path) as case:
        first, last, hours = case.sql("SELECT min(hour), max(hour), count(*) FROM coverage").rows()[0]
        print(f"{hours:,} hours of logs, accounts and Regions", flush=True)
        window = (first + (last - first) / 2, first + (last - first) * 0.6)
        questions: dict[str, Callable[[], object]] = {
            "verdict over everything": lambda: case.coverage().badge,
            "verdict over a window": lambda: case.coverage(start=window[0], end=window[1]).badge,
            "verdict over a log": lambda: case.coverage("cloudtrail").badge,
            "verdict over a timeline's window": lambda: Timeline(case).between(*window).coverage().badge,
            "text": lambda: str(case.coverage()),
            "card": lambda: str(case.coverage().card()),
            "card of the case": lambda: str(case.card()),
            "figure": lambda: coverage_figure(case),
        }
        for what, question in questions.items():
            _asked(what, question)
    begun = time.perf_counter()
    use = memory.run([sys.executable, "-c", "from forensics.cli import main; main()", "coverage", str(path)])
    say("the command, from its start", time.perf_counter() - begun, use.cpu)


def _asked(what: str, question: Callable[[], object]) -> None:
    took = []
    for _ in range(TIMES):
        begun, before = time.perf_counter(), cpu()
        question()
        took.append((time.perf_counter() - begun, cpu() - before))
    say(what, *(statistics.median(part) for part in zip(*took, strict=True)))


def bench(root: Path, grid: Grid) -> None:
    """Make a case of the grid, resolve it, then another day, and ask."""
    from forensics.case import Case

    path = root / "case"
    grid.make(path)
    resolved(path)
    with Case.open(path, read_only=False) as case:
        grid.put(case, grid.days, grid.days + 1)
    print("a day more:")
    resolved(path)
    asked(path)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("accounts", 20), ("regions", 15), ("days", 90)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--case", type=Path)
    parser.add_argument("--stages", type=Path)
    given = parser.parse_args()
    if given.stages:
        resolve(given.stages)
    elif given.case:
        asked(given.case)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            bench(Path(scratch), QUICK if given.quick else Grid(given.accounts, given.regions, given.days))


if __name__ == "__main__":
    main()
