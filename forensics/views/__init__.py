"""The figures: one module each, holding a function `<module>_figure`; a new module here is a new figure."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from forensics.extras import lacking

if TYPE_CHECKING:
    import plotly.graph_objects as go

View = Callable[..., "go.Figure"]
"""Plotly is imported with the first figure: cards and commands use what makes texts safe alone."""


@cache
def views() -> dict[str, View]:
    """Every figure by its module's name; its first parameter is a `timeline` or a `case`.

    Raises UsageError where plotly is not installed.
    """
    found = {info.name: _figure_of(info.name) for info in pkgutil.iter_modules(__path__)}
    return {name: view for name, view in sorted(found.items()) if view}


def _figure_of(name: str) -> View | None:
    try:
        return getattr(importlib.import_module(f"{__name__}.{name}"), f"{name}_figure", None)
    except ModuleNotFoundError as error:
        raise lacking(error) or error from None
