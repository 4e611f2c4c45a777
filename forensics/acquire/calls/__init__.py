"""The calls that say what exists: one module per service, each holding its CALLS; nothing here asks AWS anything."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from forensics.acquire.calls.call import Call

__all__ = ["Call", "call", "calls", "declarations"]


@cache
def declarations() -> tuple[Call, ...]:
    """Every declared call; one operation may be declared twice, made in two ways."""
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    return tuple(item for module in modules for item in getattr(module, "CALLS", ()))


@cache
def calls() -> dict[tuple[str, str], Call]:
    """The declaration that reads an answer, by boto3's name of the service and the API's of the operation."""
    found: dict[tuple[str, str], Call] = {}
    for item in declarations():
        found.setdefault((item.service, item.operation), item)
    return found


def call(service: str, operation: str) -> Call | None:
    """The declaration of a call; None where there is none."""
    return calls().get((service, operation))
