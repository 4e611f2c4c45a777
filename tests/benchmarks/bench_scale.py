"""Whether an event costs the same however many there are, in however many objects; and the memory that takes.

`python -m tests.benchmarks.bench_scale [--events 100000,1000000,20000000] [--objects 1,2500,50000] [--gigabytes 1,20]`
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import memory
from tests.benchmarks.made_fast import write_many

EVENTS_A_FILE = 2_000
EVENTS_OF_OBJECTS = 1_000_000
"""Events of the table by objects, whatever their number."""

EVENT_BYTES = 1_780
"""About what a made-up event takes as JSON."""


@dataclass(frozen=True)
class Sizes:
    """What is measured: events, objects that hold `of_objects` events, gigabytes of JSON."""

    events: Sequence[int] = (100_000, 1_000_000, 20_000_000)
    objects: Sequence[int] = (1, 2_500, 50_000)
    gigabytes: Sequence[float] = (1, 20)
    of_objects: int = EVENTS_OF_OBJECTS


QUICK = Sizes(events=(400, 2_000), objects=(1, 20), gigabytes=(0.001,), of_objects=400)


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    what: str
    events: int
    objects: int
    json_bytes: int
    seconds: float
    cpu: float
    peak: float

    def cost(self, start: float) -> float:
        """Processor time an event, in microseconds, but for what starting takes."""
        return 1e6 * max(0.0, self.cpu - start) / self.events


def measure(what: str, events: int, objects: int, way: str = "forensics") -> Row:
    """Make logs, load them in a process of its own, delete them. Raises SystemExit where not all are loaded."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "logs"
        size = write_many(folder, events, files=objects)
        use = memory.run([sys.executable, "-m", "tests.benchmarks.ways", way, str(folder)])
    timing = json.loads(use.output)
    if timing["records"] != events:
        raise SystemExit(f"{what}: {timing['records']} records, {events} were made")
    return Row(what, events, objects, size, timing["seconds"], use.cpu, use.peak)


def by_events(sizes: Sizes) -> Iterator[Row]:
    """The same files, more of them."""
    for events in sizes.events:
        yield measure(f"{events:,} events", events, max(1, events // EVENTS_A_FILE))


def by_objects(sizes: Sizes) -> Iterator[Row]:
    """The same events in more objects."""
    for objects in sizes.objects:
        yield measure(f"{objects:,} objects", sizes.of_objects, objects)


def by_gigabytes(sizes: Sizes) -> Iterator[Row]:
    """Input by its length unpacked."""
    for gigabytes in sizes.gigabytes:
        events = int(gigabytes * 1e9 / EVENT_BYTES)
        yield measure(f"{gigabytes:g} GB of JSON", events, max(1, events // EVENTS_A_FILE))


def show(rows: Iterator[Row], start: float) -> None:
    """Print a table as it comes: the last column says how many times the cost of the first row an event has."""
    head = f"{'':<22}{'events':>12}{'objects':>9}{'JSON GB':>9}{'seconds':>9}{'events/s':>10}"
    print(f"\n{head}{'CPU us/event':>14}{'peak MB':>9}{'cost':>8}", flush=True)
    first: Row | None = None
    for row in rows:
        first = first or row
        print(
            f"{row.what:<22}{row.events:>12,}{row.objects:>9,}{row.json_bytes / 1e9:>9.2f}{row.seconds:>9.2f}"
            f"{row.events / row.seconds:>10,.0f}{row.cost(start):>14.2f}{row.peak:>9,.0f}{row.cost(start) / (first.cost(start) or 1):>7.2f}x",
            flush=True,
        )


def bench(sizes: Sizes) -> None:
    """Print a table for each of the three."""
    processes = os.cpu_count() or 1
    start = measure("start", processes, processes, way="start").cpu
    print(
        f"Taken in place, hashed, loaded, not resolved. CPU: of all processes, less what starting takes: {start:.2f} s.\n"
        "Peak: resident memory of all processes together, sampled every 20 ms.\n"
        "Cost: CPU time an event, as a multiple of the first row's."
    )
    tables: tuple[Callable[[Sizes], Iterator[Row]], ...] = (by_events, by_objects, by_gigabytes)
    for table in tables:
        show(table(sizes), start)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("events", "objects", "gigabytes"):
        parser.add_argument(f"--{name}", help=f"default {','.join(map(str, getattr(Sizes(), name)))}; none: 0")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it works")
    given = vars(parser.parse_args())
    base = QUICK if given.pop("quick") else Sizes()
    asked = {name: _numbers(text) for name, text in given.items() if text}
    bench(Sizes(**(vars(base) | asked)))


def _numbers(text: str) -> tuple[float, ...]:
    found = (float(part) for part in text.split(","))
    return tuple(int(number) if number.is_integer() else number for number in found if number)


if __name__ == "__main__":
    main()
