"""Scenarios written and loaded once per process: (truth, case) by name and scale."""

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


@cache
def incident(scenario: str, scale: float = 0.3) -> Incident:
    """The scenario, loaded and resolved."""
    out = Path(mkdtemp(prefix=f"{scenario}-"))
    truth = json.loads(simulate(scenario, out / "made", scale=scale).read_text("utf-8"))
    with Case.create(out / "case") as case:
        add(case, out / "made" / "logs")
        load(case)
    return Incident(truth, out / "made" / "logs", out / "case")
