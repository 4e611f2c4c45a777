"""The calls that say what exists: one module per service, each holding its CALLS; nothing here asks AWS anything."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from forensics.acquire.calls.call import Call

__all__ = ["Call", "call", "calls"]


@cache
def calls() -> dict[tuple[str, str], Call]:
    """Every declared call, by boto3's name of the service and the API's of the operation."""
    found: dict[tuple[str, str], Call] = {}
    for module in pkgutil.iter_modules(__path__):
        held = importlib.import_module(f"{__name__}.{module.name}")
        for item in getattr(held, "CALLS", ()):
            found[item.service, item.operation] = item
    return found


def call(service: str, operation: str) -> Call | None:
    """The declaration of a call; None where there is none."""
    return calls().get((service, operation))
