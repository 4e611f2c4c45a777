"""Who else has a case open, and what to do about it, in words."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

_HOLDER = re.compile(r"\(PID (\d+)\)")


def held(file: Path, error: str, *, read_only: bool) -> str:
    """What to say where DuckDB could not lock the database: who holds it, whether to write, and what frees it."""
    reads = "open this database in read-only mode" in error
    holder = _who(error)
    if reads and not read_only:
        return (
            f"{file} is open for reading in {holder}: it cannot be written meanwhile; close the case there"
            " (in a notebook: case.close(), or shut its kernel down) and run this again"
        )
    also = "" if not read_only else ", or read a copy of the case that was made before"
    return f"{file} is being written by {holder}: wait until it is done, or end it (what it committed stays){also}"


def held_here(file: Path) -> str:
    """What to say where this very process has the case open, the other way."""
    return (
        f"{file} is open in this process ({os.getpid()}) already, in the other mode (reading or writing):"
        " close that case first, case.close() or a `with` block does it"
    )


def _who(error: str) -> str:
    found = _HOLDER.search(error)
    if not found:
        return "another process"
    number = int(found[1])
    command = ""
    with contextlib.suppress(OSError):
        parts = Path(f"/proc/{number}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        command = " ".join(part for part in parts if part)[:200]
    return f"process {number} ({command})" if command else f"process {number}"
