"""Changed objects of every reader, for a given time each: `python -m tests.fuzz [--seconds 600] [READER…]`.

Failing inputs are kept under --failed, each with its key and what was raised; `--number` makes one again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from tests.fuzz.corpus import readers
from tests.fuzz.endure import Effort, Endured, endure


def main(arguments: list[str] | None = None) -> int:
    """Exit status 1 if anything failed."""
    asked = _parser().parse_args(arguments)
    names = asked.readers or list(readers())
    if unknown := set(names) - readers().keys():
        raise SystemExit(f"no reader {', '.join(sorted(unknown))}: there are {', '.join(readers())}")
    if asked.number is not None:
        key, text = readers()[names[0]].made(asked.seed, asked.number)
        print(key, file=sys.stderr)
        sys.stdout.buffer.write(text)
        return 0
    effort = Effort(seconds=asked.seconds, seed=asked.seed, failed=Path(asked.failed))
    failures: list[str] = []
    for came in run(names, effort, asked.jobs):
        print(came, flush=True)
        failures += came.failures
    print(*failures, f"{len(names)} readers, {len(failures)} failures", sep="\n")
    return 1 if failures else 0


def run(names: list[str], effort: Effort, jobs: int) -> list[Endured]:
    """Each reader in a process of its own; one that dies is a failure with its last object kept."""
    scratch = tempfile.mkdtemp(prefix="fuzz-")
    found = []
    context = multiprocessing.get_context("spawn")
    try:
        pools = {name: ProcessPoolExecutor(1, mp_context=context) for name in names}
        waiting = list(names)
        under_way = {pools[n].submit(endure, n, effort, scratch): n for n in waiting[:jobs]}
        del waiting[:jobs]
        while under_way:
            done = next(as_completed(under_way))
            name = under_way.pop(done)
            try:
                found.append(done.result())
            except BrokenProcessPool:
                found.append(_died(name, effort, Path(scratch) / name))
            print(found[-1], file=sys.stderr, flush=True)
            pools[name].shutdown()
            if waiting:
                name = waiting.pop(0)
                under_way[pools[name].submit(endure, name, effort, scratch)] = name
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return found


def _died(name: str, effort: Effort, place: Path) -> Endured:
    failed = effort.failed or Path()
    failed.mkdir(parents=True, exist_ok=True)
    shutil.copytree(place, failed / f"{name}-died", dirs_exist_ok=True)
    return Endured(name, failures=[f"{name}: the process died; what it read last is in {failed / f'{name}-died'}"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help="sources or containers; all by default")
    parser.add_argument("--seconds", type=float, default=600, help="of processor time for each reader (%(default)s)")
    parser.add_argument("--seed", default="1", help="another one gives other changes (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side (%(default)s)")
    parser.add_argument("--failed", default="fuzz-failed", help="folder for what fails (%(default)s)")
    parser.add_argument("--number", type=int, help="write that object of one reader to standard output, read nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
