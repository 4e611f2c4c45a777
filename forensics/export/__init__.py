"""Exports of a timeline: one module per format in `forms`; each export says what it left out and what the logs cannot show.

`export(timeline, path)` writes a file (OCSF: a folder) and, beside it, `PATH.about.json` (in the folder: `about.json`): what
was asked, how many rows, what was left out or altered and why, the SHA-256 of each file, and which hours were not logged.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.errors import UnknownName, UsageError
from forensics.export import forms
from forensics.export.exported import Exported, Written
from forensics.export.format import Asked, Format
from forensics.export.target import FileTarget, FolderTarget, StreamTarget

if TYPE_CHECKING:
    from typing import IO

    from forensics.timeline import Timeline

__all__ = ["Exported", "Format", "Written", "export", "find_format", "formats", "stream"]


@cache
def formats() -> dict[str, Format]:
    """Every format by name, sorted."""
    names = (info.name for info in pkgutil.iter_modules(forms.__path__))
    modules = (importlib.import_module(f"{forms.__name__}.{name}") for name in names)
    found = {module.FORMAT.name: module.FORMAT for module in modules}
    return dict(sorted(found.items()))


def find_format(name: str | None, path: Path) -> Format:
    """The format of that name, else the one that the path's suffix means. Raises UnknownName, UsageError."""
    if name is not None:
        if name not in formats():
            raise UnknownName("export format", name, formats())
        return formats()[name]
    meant = [item for item in formats().values() if path.suffix.lower() in item.suffixes]
    if not meant:
        raise UsageError(f"nothing says how to write {path}: give a format, one of {', '.join(formats())}")
    return meant[0]


def export(
    timeline: Timeline, path: str | Path, *, format: str | None = None, raw: bool = False, overwrite: bool = False
) -> Exported:
    """Write the events of a timeline to a new file, whole or not at all; `format` is meant by the suffix unless given.

    `raw` adds the records as they stand in the evidence, where the format has a place for them. Raises UsageError (a
    format that is not known, a path in use unless `overwrite`), ForensicsError (cannot write).
    """
    where = Path(path)
    form = find_format(format, where)
    asked = _asked(timeline, form, where.suffix.lower(), raw=raw)
    target = FolderTarget(where, overwrite) if form.folder else FileTarget(where, overwrite)
    with target:
        return target.finish(asked, form.write(asked, target))


def stream(timeline: Timeline, handle: IO[bytes], *, format: str, raw: bool = False) -> Exported:
    """Write the events of a timeline to an open stream; nothing lies beside it. Raises UnknownName, UsageError."""
    form = find_format(format, Path())
    if form.folder:
        raise UsageError(f"{form.name} is a folder of files: name it with --out, it cannot go to standard output")
    asked, target = _asked(timeline, form, ".jsonl", raw=raw), StreamTarget(handle)
    return target.finish(asked, form.write(asked, target))


def _asked(timeline: Timeline, form: Format, suffix: str, *, raw: bool) -> Asked:
    if raw and not form.raw:
        holders = ", ".join(item.name for item in formats().values() if item.raw)
        raise UsageError(f"{form.name} has no place for raw records: ask for {holders}, or see `forensics show`")
    return Asked(timeline, form, suffix, raw)
