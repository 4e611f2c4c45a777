"""Made-up incidents across CloudTrail, VPC flow, GuardDuty and Lambda logs, with the truth beside them.

A scenario is one module of this package that has a `SCENARIO`; its name is the module's with dashes.
"""

import pkgutil
from importlib import import_module
from pathlib import Path

from forensics.errors import UnknownName, UsageError
from forensics.simulate.stage import Scenario, set_stage

__all__ = ["Scenario", "scenarios", "simulate"]


def scenarios() -> dict[str, Scenario]:
    """Every scenario by name, found among the modules of this package."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    known = [module.SCENARIO for module in modules if hasattr(module, "SCENARIO")]
    return {scenario.name: scenario for scenario in sorted(known, key=lambda scenario: scenario.name)}


def simulate(scenario: str, out: Path, *, seed: int = 7, scale: float = 1.0) -> Path:
    """Writes `out/logs/BUCKET/…` in AWS's S3 layout and `out/truth.json`, whose path is returned.

    The same seed and scale give the same bytes; `scale` multiplies benign noise only.
    Raises UsageError for an unknown scenario, a scale that is not positive, or an `out` already in use.
    """
    known = scenarios()
    if scenario not in known:
        raise UnknownName("scenario", scenario, known)
    if not 0 < scale < float("inf"):
        raise UsageError(f"scale {scale} is not a positive number")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists and is not an empty directory")
    stage = set_stage(known[scenario], out, seed=seed, scale=scale)
    known[scenario].run(stage)
    truth = out / "truth.json"
    stage.truth.write(truth, stage.storage.counts)
    return truth
