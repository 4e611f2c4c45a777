"""Whole incidents with changed records: all that reads a case must stand what some of its records have become.

`python -m tests.fuzz.incidents [--seed 1] [--rounds 1] [INCIDENT…]`
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import random
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from forensics import evidence
from forensics.behaviour import behaviours
from forensics.behaviour.looking import look
from forensics.case import Case
from forensics.cells_of import described
from forensics.export import export, formats
from forensics.load import load
from forensics.playbook import playbooks
from forensics.readiness.report import Report
from forensics.simulate import scenarios, simulate
from forensics.timeline import Timeline
from tests.fuzz import changes, json_changes

SCALE = 0.1
SHARE = 0.3
"""Of the records of an incident, those that are changed."""


def change(logs: Path, chance: random.Random) -> None:
    """Change records of every file under that folder."""
    for path in sorted(item for item in logs.rglob("*") if item.is_file()):
        text = path.read_bytes()
        packed = text.startswith(b"\x1f\x8b")
        made = _changed(gzip.decompress(text) if packed else text, chance)
        path.write_bytes(gzip.compress(made, 1) if packed else made)


def _changed(text: bytes, chance: random.Random) -> bytes:
    if (made := json_changes.records_changed(text, chance, SHARE)) is not None:
        return made
    lines = text.split(b"\n")
    return b"\n".join(changes.mutated(line, chance) if line and chance.random() < SHARE else line for line in lines)


def failures(name: str, seed: str, folder: Path) -> Iterator[str]:
    """What failed on that incident, and how: loading it, or one of all the questions there are."""
    simulate(name, folder / "made", scale=SCALE)
    change(folder / "made" / "logs", random.Random(f"{name} {seed}"))
    with Case.create(folder / "case") as case:
        evidence.add(case, folder / "made" / "logs")
        if told := _told(partial(load, case, workers=1)):
            yield f"load: {told}"
            return
        for what, ask in _asked(case, folder):
            if told := _told(ask):
                yield f"{what}: {told}"
    for playbook in playbooks().values():
        if told := _told(partial(_run, playbook.path, folder)):
            yield f"playbook {playbook.name}: {told}"


def _asked(case: Case, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "case", case.card
    yield "coverage", case.coverage().card
    yield "readiness", partial(Report.of, case)
    yield "detect", case.detect
    for behaviour in behaviours().values():
        yield f"behaviour {behaviour.name}", partial(look, case, [behaviour])
    for form in formats():
        yield f"export {form}", partial(export, Timeline(case), folder / f"{form}.jsonl", format=form)


def _run(path: Path, folder: Path) -> None:
    """The cells of a playbook one after the other, in this process."""
    held: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in described(path).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, path.name, "exec"), held)
            if "parameters" in cell.metadata.get("tags", []):
                held |= {"case": str(folder / "case"), "out": str(folder)}


def _told(work: Callable[[], object]) -> str | None:
    try:
        with warnings.catch_warnings(action="ignore"):
            work()
    except Exception as error:  # noqa: BLE001 (whatever is raised is what is looked for)
        return "".join(traceback.format_exception(error))[-3000:]
    return None


def main() -> int:
    """Exit status 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.incidents", description=__doc__)
    parser.add_argument("incidents", nargs="*", metavar="INCIDENT", help="all by default")
    parser.add_argument("--seed", type=int, default=1, help="another one gives other changes (%(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="seeds, one after the other (%(default)s)")
    asked = parser.parse_args()
    failed = 0
    for seed in range(asked.seed, asked.seed + asked.rounds):
        for name in asked.incidents or scenarios():
            with tempfile.TemporaryDirectory(prefix="changed-") as folder:
                found = list(failures(name, str(seed), Path(folder)))
            failed += len(found)
            print(f"{name}, seed {seed}: {len(found)} failed", *found, sep="\n", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
