"""What is collected for an incident: one module per set, each holding its SET; a step is a set of its own too."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import forensics.acquire
from forensics.acquire.sets.chosen import Set
from forensics.acquire.step import Step
from forensics.errors import UnknownName

__all__ = ["Set", "named", "sets", "steps"]


@cache
def steps() -> dict[str, Step]:
    """Every step, by name: the STEP of each module `acquire/api_*.py`."""
    names = (item.name for item in pkgutil.iter_modules(forensics.acquire.__path__) if item.name.startswith("api_"))
    modules = (importlib.import_module(f"forensics.acquire.{name}") for name in sorted(names))
    found = (getattr(module, "STEP", None) for module in modules)
    return {step.name: step for step in found if step is not None}


@cache
def sets() -> dict[str, Set]:
    """Every set, by name: those for incidents, then one for each step."""
    modules = (importlib.import_module(f"{__name__}.{item.name}") for item in pkgutil.iter_modules(__path__))
    declared: list[Set] = [module.SET for module in modules if hasattr(module, "SET")]
    alone = [Set(step.name, f"the step {step.name} alone", steps=(step.name,)) for step in steps().values()]
    return {item.name: item for item in [*sorted(declared, key=lambda item: item.name), *alone]}


def named(name: str) -> Set:
    """The set of that name. Raises UnknownName."""
    if name not in sets():
        raise UnknownName("set of things to collect", name, sets())
    return sets()[name]
