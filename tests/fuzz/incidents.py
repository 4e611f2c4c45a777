"""Whole incidents with changed records: everything that reads a case stands what some of its records became.

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
    return b"\n".join(changes.mutated(l, chance) if l and chance.random() < SHARE else l for l in text.split(b"\n"))


def failures(name: str, seed: str, folder: Path) -> Iterator[str]:
    """What raised anything on that incident: what was asked, and the end of the trace."""
    chance = random.Random(f"{name} {seed}")
    simulate(name, folder / "made", scale=SCALE)
    change(folder / "made" / "logs", chance)
    with Case.create(folder / "case") as case:
        evidence.add(case, folder / "made" / "logs")
        if told := _told(lambda: load(case, workers=1)):
            yield f"load: {told}"
            return
    with Case.open(folder / "case", read_only=False) as case:
        for what, ask in _asked(case, folder):
            if told := _told(ask):
                yield f"{what}: {told}"


def _asked(case: Case, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    for behaviour in behaviours().values():
        yield f"behaviour {behaviour.name}", lambda b=behaviour: look(case, [b])
    yield "detect", case.detect
    yield "card", lambda: str(case.card())
    yield "readiness", lambda: Report.of(case)
    yield "coverage", lambda: str(case.coverage())
    for form in formats():
        yield f"export {form}", lambda f=form: export(Timeline(case), folder / f"out-{f}.jsonl", format=f)
    case.close()
    for name, playbook in playbooks().items():
        yield f"playbook {name}", lambda p=playbook: _run(p.path, case.path, folder)


def _run(path: Path, case: Path, folder: Path) -> None:
    """The cells of a playbook, one after the other, in this process."""
    held: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in described(path).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, path.name, "exec"), held)
                if "parameters" in cell.metadata.get("tags", []):
                    held |= {"case": str(case), "out": str(folder)}


def _told(work: Callable[[], object]) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work()
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [f"{Path(f.filename).name}:{f.lineno}" for f in frames if "forensics" in f.filename]
        cause = error.__cause__
        return f"{type(error).__name__}: {str(error)[:600]} [{' '.join(own[-6:])}]" + (
            f" <- {type(cause).__name__} {str(cause)[:300]} {[f'{Path(f.filename).name}:{f.lineno}' for f in traceback.extract_tb(cause.__traceback__)][-4:]}"
            if cause
            else ""
        )
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("incidents", nargs="*")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    failed = 0
    for seed in range(asked.seed, asked.seed + asked.rounds):
        for name in asked.incidents or scenarios():
            with tempfile.TemporaryDirectory(prefix="changed-") as folder:
                found = list(failures(name, str(seed), Path(folder)))
            failed += len(found)
            print(f"{name} {seed}: {len(found)} failures", *found, sep="\n  ", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
