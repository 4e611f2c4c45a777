"""How long behaviours take: each over CloudTrail events, flow records and DNS queries, then all in one process.

`python -m tests.benchmarks.bench_behaviour [--events N] [--flows N] [--queries N] [--quick]`
"""

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from isal import igzip

from tests.benchmarks import memory
from tests.benchmarks.bench_resolve import EVENTS_A_FILE, FLOWS_A_FILE
from tests.benchmarks.made_up import ACCOUNT, write_flows, write_trail
from tests.benchmarks.made_up_platform import write_platform

if TYPE_CHECKING:
    from forensics.case import Case

QUERIES_A_FILE = 50_000
HALF_A_DAY = 43_200


def write_queries(folder: Path, count: int, *, seed: int = 1) -> None:
    """Queries of 400 askers over half a day: common names, names of tenants, a few of chance letters."""
    folder.mkdir(parents=True)
    made = random.Random(seed)
    for number, first in enumerate(range(0, count, QUERIES_A_FILE)):
        lines = (_query(made, place, count) for place in range(first, min(first + QUERIES_A_FILE, count)))
        with igzip.open(
            folder / f"vpc-0example_vpcdnsquerylogs_{ACCOUNT}_{number:08d}.log.gz", "wb", compresslevel=2
        ) as out:
            out.write("".join(lines).encode())


def _query(made: random.Random, place: int, count: int) -> str:
    number, second = made.getrandbits(48), place * 43_200 // count
    names = (
        f"api-{number % 53}.example.com",
        f"t{number % 4_001}.tenants.example.net",
        f"{number % 1_009:x}qzk{number % 997:x}.org",
    )
    clock = f"{9 + second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"
    record = {
        "version": "1.100000",
        "account_id": ACCOUNT,
        "region": "us-east-1",
        "vpc_id": "vpc-0123456789abcdef0",
        "query_timestamp": f"2026-11-05T{clock}Z",
        "query_name": f"{names[min(number % 100 // 49, 2)]}.",
        "query_type": "A",
        "query_class": "IN",
        "rcode": "NOERROR",
        "answers": [{"Rdata": f"203.0.113.{number % 251}", "Type": "A", "Class": "IN"}],
        "srcaddr": f"10.0.{number % 20}.{number % 19}",
        "srcport": "40000",
        "transport": "UDP",
        "srcids": {},
    }
    return json.dumps(record) + "\n"


def build(root: Path, events: int, flows: int, queries: int) -> Path:
    """A loaded, resolved case of so many records."""
    from forensics import evidence
    from forensics.case import Case
    from forensics.load import load

    write_trail(root / "logs" / "trail", events, per_file=EVENTS_A_FILE)
    write_flows(root / "logs" / "flows", flows, per_file=FLOWS_A_FILE)
    write_queries(
        root / "logs" / "AWSLogs" / ACCOUNT / "vpcdnsquerylogs" / "vpc-0123456789abcdef0" / "2026/11/05", queries
    )
    write_platform(root / "logs" / "platform", -(-flows // FLOWS_A_FILE))
    with Case.create(root / "case") as case:
        evidence.add(case, root / "logs", in_place=True)
        print(f"{load(case).records:,} records", flush=True)
        stretch(case)
    return root / "case"


def stretch(case: "Case") -> None:
    """Spread events and flows over half a day each, so that there is a past; and let connections begin inside."""
    from forensics import coverage

    for table, column in (("cloudtrail", "event_time"), ("vpc_flow", "start")):
        first, last = case.sql(f"SELECT min({column}), max({column}) FROM {table}").rows()[0]
        factor = max(HALF_A_DAY / max((last - first).total_seconds(), 1), 1)
        moved = f"TIMESTAMP '{first}' + to_seconds(epoch({column} - TIMESTAMP '{first}') * {factor})"
        case.connection.execute(f"UPDATE stored.{table} SET {column} = {moved}")
    case.connection.execute(
        'UPDATE stored.vpc_flow SET "end" = start + INTERVAL 58 SECOND, srcport = dstport, dstport = srcport'
    )
    coverage.resolve(case.connection)


def looked(path: Path, name: str) -> None:
    """Print what one behaviour, or all, take; run in a process of its own, whose peak is theirs."""
    from forensics.behaviour import find
    from forensics.case import Case

    with Case.open(path) as case:
        begun = time.perf_counter()
        report = find(case, [name] if name != "all" else ())
        taken = time.perf_counter() - begun
        states = ", ".join(f"{item.count} {item.state}" for item in report.looked) if name != "all" else ""
        print(f"{name:<20}{taken:>9.2f} s  {states}", end="", flush=True)


def bench(events: int, flows: int, queries: int) -> None:
    """Make the logs, load them, look."""
    from forensics.behaviour import behaviours

    with tempfile.TemporaryDirectory() as scratch:
        path = build(Path(scratch), events, flows, queries)
        for name in (*behaviours(), "all"):
            use = memory.run([sys.executable, "-m", "tests.benchmarks.bench_behaviour", "--look", name, str(path)])
            print(f"{use.output}  {use.peak:,.0f} MB, {use.cpu:.1f} CPU s", flush=True)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--flows", type=int, default=5_000_000)
    parser.add_argument("--queries", type=int, default=500_000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--look", nargs=2, metavar=("NAME", "CASE"))
    given = parser.parse_args()
    if given.look:
        looked(Path(given.look[1]), given.look[0])
    elif given.quick:
        bench(400, 2_000, 500)
    else:
        bench(given.events, given.flows, given.queries)


if __name__ == "__main__":
    main()
