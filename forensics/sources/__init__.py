"""The log sources: one module each, holding its `SOURCE`; a new module here is a new source."""

import importlib
import pkgutil
from functools import cache

from forensics.errors import UnknownName
from forensics.source import Source


@cache
def sources() -> dict[str, Source]:
    """Every source by name, sorted."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found = {module.SOURCE.name: module.SOURCE for module in modules}
    return dict(sorted(found.items()))


def source(name: str) -> Source:
    """The source of that name. Raises UnknownName."""
    try:
        return sources()[name]
    except KeyError:
        raise UnknownName("source", name, sources()) from None
