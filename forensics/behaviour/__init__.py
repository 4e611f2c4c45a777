"""Behaviour without rules: one module each, holding its `BEHAVIOUR`; a new module here is a new behaviour."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from forensics.behaviour.behaviour import Behaviour
from forensics.errors import UnknownName

if TYPE_CHECKING:
    from forensics.behaviour.report import Report
    from forensics.case import Case
    from forensics.geography import Geography


@cache
def behaviours() -> dict[str, Behaviour]:
    """Every behaviour by name, sorted."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found = {module.BEHAVIOUR.name: module.BEHAVIOUR for module in modules if hasattr(module, "BEHAVIOUR")}
    return dict(sorted(found.items()))


def behaviour(name: str) -> Behaviour:
    """The behaviour of that name. Raises UnknownName."""
    try:
        return behaviours()[name]
    except KeyError:
        raise UnknownName("behaviour", name, behaviours()) from None


def find(case: Case, names: Sequence[str] = (), *, geography: Geography | None = None) -> Report:
    """What each behaviour, or those named, finds in a case; nothing is stored. Raises UnknownName, QueryError.

    `geography` says where addresses are; without it, impossible places are told by networks and by the theft test only.
    """
    from forensics.behaviour.looking import look

    return look(case, [behaviour(name) for name in dict.fromkeys(names)] or list(behaviours().values()), geography)
