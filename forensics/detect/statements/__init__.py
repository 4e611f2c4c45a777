"""Rules as SQL, where Sigma cannot say it: one module each, holding its `STATEMENT`; a new module here is a new rule."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from forensics.detect.statements.statement import KIND, Statement

__all__ = ["KIND", "Statement", "statements"]


@cache
def statements() -> dict[str, Statement]:
    """Every statement by the id of its rule, sorted by name."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found = (module.STATEMENT for module in modules if hasattr(module, "STATEMENT"))
    return {item.id: item for item in sorted(found, key=lambda item: item.name)}
