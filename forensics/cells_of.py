"""The cells of a notebook as far as they describe it, read without nbformat, which takes a second to import."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import Any, Literal

import msgspec

from forensics.errors import UsageError


class Cell(msgspec.Struct):
    """A cell: what kind it is, its text, its metadata."""

    cell_type: str
    source: str
    metadata: dict[str, Any]


class Notebook(msgspec.Struct):
    """A notebook of version 4, each cell's text in one piece."""

    nbformat: Literal[4]
    cells: list[Cell]
    metadata: dict[str, Any]


def described(path: Path) -> Notebook:
    """What the notebook there says. Raises UsageError when there is none."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, ValueError, TypeError, LookupError, RecursionError):
        held = msgspec.json.decode(path.read_bytes())
        for cell in held["cells"]:
            cell["source"] = "".join(cell["source"])
        return msgspec.convert(held, Notebook)
    return _of_any_version(path)


def _of_any_version(path: Path) -> Notebook:
    """What nbformat makes of it: older notebooks, and the word for what is none."""
    import nbformat

    try:
        with warnings.catch_warnings(action="ignore"):
            read = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        return msgspec.convert({**read, "nbformat": 4}, Notebook)
    except FileNotFoundError:
        raise UsageError(f"no notebook at {path}") from None
    except (
        OSError,
        ValueError,
        msgspec.MsgspecError,
        nbformat.reader.NotJSONError,
        nbformat.ValidationError,
    ) as error:
        raise UsageError(f"{path} cannot be read as a notebook: {str(error).splitlines()[0]}") from None
