"""The demonstration: a made-up incident from its logs to the report, all in one directory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.errors import UsageError
from forensics.extras import require

if TYPE_CHECKING:
    from forensics.case import Case

SCENARIO = "lambda-credential-theft"
"""Name of the made-up incident and of the playbook that answers it."""

Say = Callable[[str], None]


def demo(directory: Path, *, say: Say) -> Path:
    """Do what is not done yet and return the path of report.html; files that are there stay as they are.

    An interrupted demonstration is finished. Raises UsageError where the directory holds something else.
    """
    from forensics.playbook import playbook

    require("report")
    report = directory / "report" / "report.html"
    if report.is_file() and report.with_name("findings.json").is_file():
        say(f"{directory} holds a finished demonstration; to do it again, name another directory")
        return report
    truth = _incident(directory, say)
    _fill(directory / "case", truth.parent / "logs", say)
    parameters = {name: str(value) for name, value in json.loads(truth.read_bytes())["parameters"].items()}
    case, out = directory / "case", directory / "report"
    given = " ".join(f"-p {name}={value}" for name, value in parameters.items())
    say(f"forensics run {SCENARIO} --case {case} {given} --out {out}")
    return playbook(SCENARIO).run(case, parameters, out).report


def _incident(directory: Path, say: Say) -> Path:
    from forensics.simulate import simulate

    truth = directory / "incident" / "truth.json"
    if not truth.is_file():
        part = directory / "incident.part"
        if directory.exists() and (not directory.is_dir() or any(path != part for path in directory.iterdir())):
            raise UsageError(f"{directory} exists and is no demonstration: name a directory that is new or empty")
        say(f"making up an incident under {truth.parent}")
        shutil.rmtree(part, ignore_errors=True)
        simulate(SCENARIO, part)
        part.rename(truth.parent)
    return truth


def _fill(path: Path, logs: Path, say: Say) -> None:
    from forensics import custody, evidence
    from forensics.case import DATABASE, Case
    from forensics.load import load

    if (path / DATABASE).is_file():
        case = Case.open(path, read_only=False)
    else:
        case = Case.create(path)
        custody.append(path, "new")
    with case:
        say(f"taking its logs into the case {path}")
        say(str(evidence.add(case, logs)))
        say(str(load(case)))
        _detect(case, say)


def _detect(case: Case, say: Say) -> None:
    """Rules and behaviours, so that the report tells what they found; without pySigma the behaviours alone."""
    from forensics.behaviour import find

    try:
        say(str(case.detect()))
    except UsageError as error:
        say(f"no rules were run: {error}")
    report = find(case)
    report.store(case)
    say(report.summed)
