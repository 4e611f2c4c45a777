"""How long questions take on ten days of logs: timelines, findings, who it was, cards, behaviours, commands.

`python -m tests.benchmarks.bench_ask [--events N] [--flows N] [--quick] [--case DIR]`

Each is asked in a process of its own, first cold, then warm; the baseline beside them is a full count of the events.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.bench_resolve import EVENTS_A_FILE, FLOWS_A_FILE
from tests.benchmarks.made_up import write_flows, write_trail
from tests.benchmarks.made_up_findings import write_findings
from tests.benchmarks.made_up_platform import write_platform

if TYPE_CHECKING:
    from forensics.case import Case

TEN_DAYS = 864_000
WARM = 5
"""Times a question is asked again; the median counts."""

_PRINCIPAL = "SELECT principal FROM event WHERE principal LIKE '%:role/%' GROUP BY principal ORDER BY count(*) DESC, principal LIMIT 1"
_WORKLOAD = "SELECT workload, time FROM finding WHERE workload IS NOT NULL ORDER BY time, finding_id LIMIT 1"
_FINDING = "SELECT finding_id FROM finding WHERE {what} IS NOT NULL ORDER BY time, finding_id LIMIT 1"
_KEY = "SELECT access_key_id FROM credential WHERE first_used IS NOT NULL ORDER BY access_key_id LIMIT 1"
_EVENT = "SELECT event_id FROM event WHERE source = '{source}' ORDER BY time DESC, event_id LIMIT 1"
_HELD = "SELECT holds FROM lifetime WHERE holds_kind = 'private_ip' ORDER BY holds LIMIT 1"

Question = Callable[[], Any]


def build(root: Path, events: int, flows: int) -> Path:
    """A loaded and resolved case of so many records in ten days, with findings about some of its workloads and keys."""
    from forensics import evidence
    from forensics.case import Case
    from forensics.load import load

    logs, files = root / "logs", -(-flows // FLOWS_A_FILE)
    write_trail(logs / "trail", events, per_file=EVENTS_A_FILE, alike=True, lasting=TEN_DAYS)
    write_flows(logs / "flows", flows, per_file=FLOWS_A_FILE, alike=True, lasting=TEN_DAYS)
    write_platform(logs / "platform", files, lasting=TEN_DAYS)
    write_findings(
        logs / "findings", flow_files=files, trail_files=-(-events // EVENTS_A_FILE), lasting=TEN_DAYS, seed=1
    )
    with Case.create(root / "case") as case:
        evidence.add(case, logs, in_place=True)
        print(f"{load(case).records:,} records", flush=True)
    return root / "case"


def questions(case: "Case") -> dict[str, Question]:
    """What responders ask, by name; what returns rows says how many."""
    from forensics import Timeline

    def one(sql: str) -> str:
        return str(case.sql(sql).rows()[0][0])

    principal, key = one(_PRINCIPAL), one(_KEY)
    workload, found = case.sql(_WORKLOAD).rows()[0]
    its = found, found + timedelta(hours=6)
    traffic, calls = (one(_FINDING.format(what=what)) for what in ("workload", "access_key_id"))
    event, flow, held = one(_EVENT.format(source="cloudtrail")), one(_EVENT.format(source="vpc_flow")), one(_HELD)
    (begin,) = case.sql("SELECT min(time) FROM event WHERE source = 'vpc_flow'").rows()[0]
    window: tuple[datetime, datetime] = (begin + timedelta(hours=24), begin + timedelta(hours=30))
    return {
        "baseline: count all events": lambda: Timeline(case).count(),
        "principal, 6 h": lambda: Timeline(case).principal(principal).between(*window).df(),
        "principal, all": lambda: Timeline(case).principal(principal).df(),
        "workload and its flows, 6 h": lambda: Timeline(case).workload(workload).between(*its).df(),
        "workload and its flows, all": lambda: Timeline(case).workload(workload).df(),
        "credential, all": lambda: Timeline(case).access_key(key).df(),
        "address, 6 h": lambda: Timeline(case).address("203.0.113.77").between(*window).df(),
        "address, all": lambda: Timeline(case).address("203.0.113.77").df(),
        "bucket, 6 h": lambda: Timeline(case).resource("arn:aws:s3:::bucket-7").between(*window).df(),
        "bucket, all": lambda: Timeline(case).resource("arn:aws:s3:::bucket-7").df(),
        "finding of traffic, its evidence": lambda: case.finding(traffic).evidence().df(),
        "finding of calls, its evidence": lambda: case.finding(calls).evidence().df(),
        "who_was": lambda: case.who_was(held, at=window[0]).df(),
        "card: who_was": lambda: case.who_was(held, at=window[0])._repr_html_(),
        "card: principal": lambda: case.principal(principal)._repr_html_(),
        "card: workload": lambda: case.workload(workload)._repr_html_(),
        "card: credential": lambda: case.credential(key)._repr_html_(),
        "card: finding": lambda: case.finding(traffic)._repr_html_(),
        "card: bucket": lambda: case.resource("arn:aws:s3:::bucket-7")._repr_html_(),
        "card: record of a call": lambda: case.record(event)._repr_html_(),
        "card: record of a flow": lambda: case.record(flow)._repr_html_(),
    }


def commands(path: Path) -> dict[str, list[str]]:
    """The command line: what is read before a case is there, and what is asked of one."""
    case = str(path)
    return {
        "import forensics": ["-c", "import forensics"],
        **{
            f"forensics {' '.join(argv).replace(case, 'CASE')}": ["-m", "forensics.cli", *argv]
            for argv in (
                ["--help"],
                ["sources"],
                ["playbooks"],
                ["sql", case, "SELECT 1"],
                ["coverage", case],
                ["who", case, "10.0.10.9", "--at", "2026-11-06"],
                ["note", case, "list"],
            )
        },
    }


def _spent() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _timed(ask: Question) -> tuple[float, float, Any]:
    begun, used = time.perf_counter(), _spent()
    found = ask()
    return (time.perf_counter() - begun) * 1000, (_spent() - used) * 1000, found


def asked(name: str, ask: Question, warm: int) -> None:
    """Print the first time and the median of the others, wall and CPU."""
    first, *again = [_timed(ask) for _ in range(1 + warm)]
    wall, cpu = (statistics.median(each[place] for each in again) for place in (0, 1))
    rows = f"{len(first[2]):,} rows" if hasattr(first[2], "columns") else ""
    print(f"{name:<36}{first[0]:>8.0f}{first[1]:>8.0f}{wall:>10.0f}{cpu:>8.0f}  {rows}".rstrip(), flush=True)


def looked(path: Path, name: str, warm: int) -> None:
    """Ask one question; run in a process of its own, so that its first time is the first of a session."""
    from forensics.case import Case

    with Case.open(path) as case:
        asked(name, questions(case)[name], warm)


def behaviours(path: Path) -> None:
    """Print what each behaviour takes over everything, and all of them together."""
    from forensics.behaviour import behaviours as known
    from forensics.behaviour import find
    from forensics.case import Case

    with Case.open(path) as case:
        for name in known():
            asked(f"behaviour: {name}", lambda name=name: find(case, [name]), 1)
        asked("behaviours, all", lambda: find(case, ()), 1)


def bench(path: Path, warm: int = WARM) -> None:
    """Print every question."""
    from forensics.case import Case

    print(f"{'ms':<36}{'first':>8}{'CPU':>8}{'median':>10}{'CPU':>8}", flush=True)
    with Case.open(path) as case:
        names = list(questions(case))
    for name in names:
        _alone("--ask", name, str(path), "--warm", str(warm))
    _alone("--behaviours", str(path))
    for name, argv in commands(path).items():
        asked(name, lambda argv=argv: _run(argv), warm)


def quick(root: Path) -> None:
    """Every question, once more and in one process, of a small case: to see that it runs."""
    from forensics.case import Case

    path = build(root, 400, 2_000)
    with Case.open(path) as case:
        for name, ask in questions(case).items():
            asked(name, ask, 1)
    for name, argv in list(commands(path).items())[:2]:
        asked(name, lambda argv=argv: _run(argv), 1)


def _alone(*argv: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_ask", *argv], stdout=subprocess.PIPE, text=True, check=True
    )
    print(done.stdout, end="", flush=True)


def _run(argv: list[str]) -> None:
    subprocess.run([sys.executable, *argv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--flows", type=int, default=10_000_000)
    parser.add_argument("--case", type=Path, help="a case that this made, instead of a new one")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--warm", type=int, default=WARM)
    parser.add_argument("--ask", nargs=2, metavar=("QUESTION", "CASE"), help=argparse.SUPPRESS)
    parser.add_argument("--behaviours", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        looked(Path(given.ask[1]), given.ask[0], given.warm)
    elif given.behaviours:
        behaviours(given.behaviours)
    elif given.case:
        bench(given.case, given.warm)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            if given.quick:
                quick(Path(scratch))
            else:
                bench(build(Path(scratch), given.events, given.flows), given.warm)


if __name__ == "__main__":
    main()
