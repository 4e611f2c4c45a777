"""Commands run as a user meets them: in another process, on a small disk, or without the right to write."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Outcome:
    """Exit status and what was printed."""

    status: int
    out: str
    err: str


def environment() -> dict[str, str]:
    """This one, with the package as this process has it."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def command(*arguments: object) -> list[str]:
    """The command line of `forensics`."""
    return [sys.executable, "-m", "forensics.cli", *map(str, arguments)]


def run(*arguments: object, before: tuple[str, ...] = (), file_size: int | None = None) -> Outcome:
    """Run a command; `file_size` is the largest file it may write, as the disk's end is for it."""

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size or 0, file_size or 0))

    made = subprocess.run(
        [*before, *command(*arguments)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit if file_size else None,
    )
    return Outcome(made.returncode, made.stdout, made.stderr)


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of that size; the test is skipped where none may be mounted."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def unprivileged() -> tuple[str, ...]:
    """What goes before a command so that it may not write what is read-only; root may write anything otherwise."""
    if os.getuid():
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("root, and no setpriv to be less than that")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
