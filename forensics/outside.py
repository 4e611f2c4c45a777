"""Log sources from outside the package: modules in folders that the environment names, and entry points.

A module of somebody else is a program that runs with the rights of whoever runs this package. So nothing of a case is
ever taken for one: only folders that the environment variable `FORENSICS_SOURCES` names, and installed distributions
that declare an entry point of the group `forensics.sources`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from forensics.errors import UsageError
from forensics.source import Source
from forensics.tables import TABLES

VARIABLE = "FORENSICS_SOURCES"
"""The environment variable: folders, as in PATH; processes that load, and those of playbooks, inherit it."""

GROUP = "forensics.sources"
"""The group of entry points: each names a module that holds a `SOURCE`."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_VIEWS = frozenset({"event", "attribution", "config_relationship", "config_life", "stored", "main"})


@dataclass(frozen=True)
class Outside:
    """A source that is not of this package: its declaration, the file it stands in, and the SHA-256 of that file."""

    source: Source
    file: Path
    sha256: str


def found(own: Mapping[str, Source]) -> dict[str, Outside]:
    """Every source from outside by name; `own` are the package's, whose names are taken. Raises UsageError."""
    made: dict[str, Outside] = {}
    for item in (*_in_folders(), *_installed()):
        name = item.source.name
        if not _NAME.fullmatch(name) or name in TABLES or name in _VIEWS:
            raise UsageError(f"{item.file}: a source cannot be named {name!r}: it is a table's name, in snake case")
        if name in own or name in made:
            other = "this package" if name in own else str(made[name].file)
            raise UsageError(f"{item.file}: the name {name!r} is taken by a source of {other}: choose another")
        made[name] = item
    return made


def folders() -> list[Path]:
    """The folders that the environment names."""
    return [Path(text).absolute() for text in os.environ.get(VARIABLE, "").split(os.pathsep) if text]


def read(file: Path) -> Outside:
    """The source that a module's file holds. Raises UsageError where it does not run or holds none."""
    name = f"forensics_source_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise UsageError(f"{file}: no such Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for the module they are in
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise UsageError(f"{file}: the module of a source does not run: {type(error).__name__}: {error}") from error
    return _outside(module, file)


def in_folder(folder: Path) -> Iterator[Outside]:
    """The sources of the modules in a folder; files whose names begin with `_` are none. Raises UsageError."""
    return (read(file) for file in sorted(folder.glob("*.py")) if not file.name.startswith("_"))


def _in_folders() -> Iterator[Outside]:
    for folder in folders():
        if not folder.is_dir():
            raise UsageError(f"{VARIABLE} names {folder}, which is no folder: make it, or unset the variable")
        yield from in_folder(folder)


def _installed() -> Iterator[Outside]:
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        module = _imported(point)
        yield _outside(module, Path(module.__file__ or point.module))


def _imported(point: EntryPoint) -> ModuleType:
    try:
        return importlib.import_module(point.module)
    except Exception as error:
        where = point.dist.name if point.dist else point.value
        raise UsageError(
            f"the source {point.name} of the installed package {where} cannot be imported:"
            f" {type(error).__name__}: {error}; mend or uninstall it"
        ) from error


def _outside(module: ModuleType, file: Path) -> Outside:
    source = getattr(module, "SOURCE", None)
    if not isinstance(source, Source):
        raise UsageError(f"{file}: the module of a source holds its declaration as SOURCE; this one does not")
    return Outside(source, file, hashlib.sha256(file.read_bytes()).hexdigest())
