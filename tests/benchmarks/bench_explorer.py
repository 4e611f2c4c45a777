"""How long each interaction of the explorer takes on a million events, in the kernel and in a browser, and its memory.

`python -m tests.benchmarks.bench_explorer [--events N] [--flows N] [--quick] [--browser] [--case DIR]`
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks import bench_resolve, memory

LIMIT = 1_000
"""Milliseconds that an interaction may take."""

_WORKLOAD = "SELECT workload FROM attributed GROUP BY workload ORDER BY count(*) DESC, workload LIMIT 1"
_PRINCIPAL = "SELECT principal FROM event WHERE principal LIKE '%:role/%' GROUP BY principal ORDER BY count(*) DESC, principal LIMIT 1"
_EVENT = "SELECT event_id FROM event WHERE resources[1] LIKE 'arn:aws:s3%' ORDER BY time, event_id LIMIT 1"
_ADDRESS = "SELECT source_ip FROM event WHERE source = 'vpc_flow' ORDER BY time, event_id LIMIT 1"


def build(root: Path, events: int, flows: int) -> Path:
    """A loaded and resolved case of so many records."""
    from forensics import resolution
    from forensics.case import Case

    path = bench_resolve.build(root, events, flows)
    with Case.open(path, read_only=False) as case:
        resolution.resolve(case.connection)
    return path


def interactions(explorer: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a responder does, as the panels say it."""
    one = [explorer.index.rows(sql)[0][0] for sql in (_WORKLOAD, _PRINCIPAL, _EVENT, _ADDRESS)]
    workload, principal, event, address = map(str, one)
    day = explorer.index.first.date().isoformat()
    for text in ("role-1", "10.0.", "zzzz", "bucket-1"):
        yield f"search {text}", {"do": "search", "text": text}
    yield "page, the next", {"do": "page", "at": 100}
    yield "page, in the middle", {"do": "page", "at": explorer.index.events // 2}
    yield "order, newest first", {"do": "order", "newest": True}
    yield "stack by outcome", {"do": "stack", "by": "outcome"}
    for kind, value in (
        *(("source", "cloudtrail"), ("outcome", "denied"), ("certainty", "recorded"), ("certainty", None)),
        *(("principal", principal), ("workload", workload), ("address", address), ("text", "role-77")),
    ):
        yield f"narrow to a {kind}", {"do": "narrow", "kind": kind, "value": value}
        yield f"leave out that {kind}", {"do": "narrow", "kind": kind, "value": value, "excluded": True}
        yield "back to the whole", {"do": "clear"}
    yield "window of 10 minutes", {"do": "around", "at": f"{day}T09:30:00", "seconds": 600}
    yield "zoom out", {"do": "wider"}
    yield "record", {"do": "record", "id": event}
    yield "card of a principal", {"do": "card", "kind": "principal", "value": principal}
    yield "card of a workload", {"do": "card", "kind": "workload", "value": workload}
    yield (
        "who held an address",
        {"do": "card", "kind": "address", "value": address, "at": f"{day}T09:30:00", "held": True},
    )
    yield "tag", {"do": "tag", "id": event, "tag": "looked-at"}
    yield "untag", {"do": "untag", "id": event, "tag": "looked-at"}


def measured(path: Path) -> None:
    """Open the explorer and print what each interaction takes; run in a process of its own."""
    from forensics.case import Case

    with Case.open(path) as case:
        explorer = _timed("open", case.explore)
        for number, (name, said) in enumerate(interactions(explorer), 1):
            message = {**said, "serial": number}
            _timed(name, lambda message=message: explorer._told(explorer.body, message, None))
            if problem := explorer.head.view["problem"]:
                raise SystemExit(f"{name}: {problem}")


def _timed(name: str, work: Callable[[], Any]) -> Any:
    begun, used = time.perf_counter(), time.process_time()
    made = work()
    wall, cpu = (time.perf_counter() - begun) * 1000, (time.process_time() - used) * 1000
    print(f"{name:<30}{wall:>9.0f} ms{cpu:>9.0f} ms CPU", flush=True)
    return made


_WATCH = """() => {
  const settled = () => document.querySelectorAll('.fxe-busy').length === 0;
  window.settled = (act) => new Promise((done) => {
    const begun = performance.now();
    act();
    const look = () => settled() ? requestAnimationFrame(() => done(performance.now() - begun)) : setTimeout(look, 5);
    setTimeout(look, 5);
  });
}"""

CLICKS = {
    "click a facet": "document.querySelector('.fxe-pick').click()",
    "back": "document.querySelector('[data-key=back]').click()",
    "next page": "document.querySelector('[data-key=next]').click()",
    "last page": "document.querySelector('[data-key=last]').click()",
    "stack by outcome": "document.querySelector('[data-key=by-outcome]').click()",
    "a row's record": "document.querySelectorAll('.fxe-body tbody tr')[7].children[0].dispatchEvent(new MouseEvent('mousedown', {bubbles: true}))",
}


def browsed(path: Path) -> None:
    """Do some of it in a browser, printing the time from the click to the page that shows it, and the kernel's memory."""
    from tests.lab import running

    cells = [f"from forensics import Case\nshown = Case.open({str(path)!r}).explore()\nshown"]
    cells += ["import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"]
    with tempfile.TemporaryDirectory() as scratch, running(Path(scratch) / "lab") as lab, lab.open(cells) as notebook:
        notebook.run(0)
        notebook.page.locator(".fxe-brush .bars").first.wait_for(state="attached")
        notebook.page.evaluate(_WATCH)
        for name, act in CLICKS.items():
            taken = notebook.page.evaluate(f"() => window.settled(() => {{ {act} }})")
            print(f"{f'browser: {name}':<30}{taken:>9.0f} ms", flush=True)
        begun = time.perf_counter()
        notebook.page.locator(".fxe-search").fill("role-1")
        notebook.page.locator(".fxe-option").first.wait_for()
        print(f"{'browser: search':<30}{(time.perf_counter() - begun) * 1000:>9.0f} ms", flush=True)
        notebook.run(1)
        print(f"{'browser: peak of the kernel':<30}{notebook.text(1).strip():>9} MB", flush=True)
        if notebook.errors() or notebook.console:
            raise SystemExit(json.dumps([notebook.errors(), notebook.console]))


def bench(path: Path, *, browser: bool) -> None:
    """Print what it takes in the kernel, its memory, and where asked what it takes in a browser."""
    use = memory.run([sys.executable, "-m", "tests.benchmarks.bench_explorer", "--measure", "--case", str(path)])
    print(f"{use.output}{'peak memory':<30}{use.peak:>9,.0f} MB{use.cpu:>9.1f} CPU s", flush=True)
    if browser:
        browsed(path)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=600_000)
    parser.add_argument("--flows", type=int, default=400_000)
    parser.add_argument("--case", type=Path, help="a case that is there, instead of a made-up one")
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measured(given.case)
        return
    if given.case:
        bench(given.case, browser=given.browser)
        return
    with tempfile.TemporaryDirectory() as scratch:
        made = (400, 2_000) if given.quick else (given.events, given.flows)
        bench(build(Path(scratch), *made), browser=given.browser)


if __name__ == "__main__":
    main()
