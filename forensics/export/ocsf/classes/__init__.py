"""The classes of OCSF that AWS logs are exported as: one module each, holding its `CLASS`."""

import importlib
import pkgutil
from functools import cache

from forensics.export.ocsf.schema import OcsfClass


@cache
def classes() -> tuple[OcsfClass, ...]:
    """Every class, by its uid."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    return tuple(sorted((module.CLASS for module in modules), key=lambda item: item.uid))
