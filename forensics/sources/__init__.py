"""The log sources: one module each, holding its `SOURCE`; a new module here is a new source.

Those of somebody else join them from outside the package: `forensics.outside`.
"""

import importlib
import os
import pkgutil
from functools import cache
from pathlib import Path

from forensics import outside
from forensics.errors import UnknownName, UsageError
from forensics.outside import Outside
from forensics.source import Source


@cache
def own() -> dict[str, Source]:
    """The package's own sources by name, sorted."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    found = {module.SOURCE.name: module.SOURCE for module in modules}
    return dict(sorted(found.items()))


@cache
def from_outside() -> dict[str, Outside]:
    """The sources of somebody else by name. Raises UsageError."""
    return outside.found(own())


@cache
def sources() -> dict[str, Source]:
    """Every source by name, sorted: a process keeps to those it found first. Raises UsageError."""
    return dict(sorted((own() | {name: item.source for name, item in from_outside().items()}).items()))


def source(name: str) -> Source:
    """The source of that name. Raises UnknownName."""
    found = own().get(name) or sources().get(name)  # our own are looked up while modules are still imported
    if found is None:
        raise UnknownName("source", name, sources())
    return found


def title_of(name: str) -> str:
    """What the records of a source are called; its name where a case has them of a source that is not here."""
    return sources()[name].title if name in sources() else name


def use_sources(folder: str | Path) -> None:
    """Read the sources in that folder too, in this process and in those it starts.

    Set before the first case is opened: half a load by one list of sources and half by another would be no evidence.
    Raises UsageError where this process has its list already, or where a module there holds no source.
    """
    if not Path(folder).is_dir():
        raise UsageError(f"{folder} is no folder: name the one that the modules of your sources are in")
    place = str(Path(folder).absolute())
    named = [text for text in os.environ.get(outside.VARIABLE, "").split(os.pathsep) if text]
    if place in named:
        return
    if sources.cache_info().currsize:
        raise UsageError(
            "this process has read its list of sources already: restart the kernel and call use_sources first"
        )
    list(outside.in_folder(Path(place)))
    os.environ[outside.VARIABLE] = os.pathsep.join([*named, place])
