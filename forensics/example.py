"""A made-up incident as a case that is ready to be asked, with the truth beside it: what tours and trials start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forensics.case import Case


def example(scenario: str, place: str | Path, *, seed: int = 7, scale: float = 1.0) -> tuple[Case, dict[str, Any]]:
    """Make up `place/incident`, load its logs into `place/case`; the case, open for reading, and the incident's truth.

    Raises UsageError for an unknown scenario, or a place in use.
    """
    from forensics import evidence
    from forensics.case import Case
    from forensics.load import load
    from forensics.simulate import simulate

    root = Path(place)
    truth = simulate(scenario, root / "incident", seed=seed, scale=scale)
    with Case.create(root / "case") as case:
        evidence.add(case, truth.parent / "logs")
        load(case)
    return Case.open(root / "case"), json.loads(truth.read_text("utf-8"))
