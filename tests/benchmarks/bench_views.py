"""How long the figures take on a case of a million events, and what each adds to a report."""

import tempfile
import time
from pathlib import Path

from forensics.case import Case
from forensics.timeline import Timeline
from forensics.views import views
from tests.views.worlds import add_coverage, add_many


def main(events: int = 1_000_000) -> None:
    """Print a line per figure: seconds, and kB of JSON."""
    with tempfile.TemporaryDirectory() as scratch, Case.create(Path(scratch) / "case") as case:
        add_many(case, events)
        add_coverage(case, hours=24 * 90)
        for name, view in views().items():
            start = time.perf_counter()
            figure = view(case if name == "coverage" else Timeline(case))
            seconds = time.perf_counter() - start
            print(f"{name:<10} {seconds:6.2f} s {len(figure.to_json()) / 1000:8.1f} kB")


if __name__ == "__main__":
    main()
