"""Scenarios written and loaded once per process: (truth, case) by name."""

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

from forensics.case import Case
from forensics.evidence import add
from forensics.load import load
from forensics.simulate import simulate


class Incident(NamedTuple):
    """A scenario as written, and its case."""

    truth: dict[str, Any]
    logs: Path
    case: Path


def write(scenario: str, out: Path, *, scale: float) -> Incident:
    """The scenario, loaded and resolved."""
    truth = json.loads(simulate(scenario, out / "made", scale=scale).read_text("utf-8"))
    with Case.create(out / "case") as case:
        add(case, out / "made" / "logs")
        load(case, workers=1)
    return Incident(truth, out / "made" / "logs", out / "case")


@cache
def incident(scenario: str) -> Incident:
    """The scenario at scale 1, made once."""
    return write(scenario, Path(mkdtemp(prefix=f"{scenario}-")), scale=1.0)
