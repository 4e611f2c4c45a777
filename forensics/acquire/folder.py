"""Evidence from this machine: a file, a folder with all below it, a zip or tar archive."""

import errno
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from forensics.acquire import Found, utc
from forensics.acquire.archive import HEAD, Archive, explain, kind_of
from forensics.errors import UsageError
from forensics.unpacking import Allowance

KINDS = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def walk(target: str | Path, *, scratch: Path | None = None, without: Path | None = None) -> Iterator[Found]:
    """Every object at and below `target`, in order of name; what cannot be read comes with its problem.

    A link to a file below `target` is followed; one to a file elsewhere, or to a folder, is not, but listed.
    `scratch` is the folder in which nested archives are unpacked (nothing of it stays), `without` a folder
    to leave out, which is listed too. Raises UsageError where there is nothing at `target`.
    """
    start = os.path.abspath(target)
    if not os.path.lexists(start):
        raise UsageError(f"nothing to add at {start}: no such file or folder")
    left_out = os.path.realpath(without) if without else ""
    pending = [start]
    while pending:
        path = pending.pop()
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            yield Found(uri_of(path), problem=_unusable(path, error))
            continue
        if problem := _leads_out(path, start):
            yield Found(uri_of(path), problem=problem)
            continue
        if not stat.S_ISDIR(mode):
            yield from _file(path, mode, scratch)
        elif problem := _not_entered(path, start, left_out):
            yield Found(uri_of(path), problem=problem)
        else:
            try:
                pending += sorted((entry.path for entry in os.scandir(path)), reverse=True)
            except OSError as error:
                yield Found(uri_of(path), problem=f"folder cannot be read: {explain(error)}")


def uri_of(path: str) -> str:
    """The absolute path as text; bytes that are not UTF-8 are written as escapes."""
    return os.fsencode(os.path.abspath(path)).decode("utf-8", "backslashreplace")


def _unusable(path: str, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "a link that leads back to itself"
    if os.path.islink(path) and error.errno == errno.ENOENT:
        return "a link to nothing"
    return f"cannot be read: {explain(error)}"


def _leads_out(path: str, start: str) -> str:
    """Who laid a link in a folder of evidence may not choose files of this machine that are none."""
    if path == start or not os.path.islink(path) or os.path.isdir(path):
        return ""
    real, root = os.path.realpath(path), os.path.realpath(start)
    if os.path.commonpath([real, root]) == root:
        return ""
    return f"a link to a file outside of this folder, {uri_of(real)}: add that file itself to take it in"


def _not_entered(path: str, start: str, left_out: str) -> str:
    if left_out and os.path.realpath(path) == left_out:
        return "the directory of this case itself"
    if path != start and os.path.islink(path):
        return "a link to a folder: add that folder itself to take it in"
    return ""


def _file(path: str, mode: int, scratch: Path | None) -> Iterator[Found]:
    uri = uri_of(path)
    if not stat.S_ISREG(mode):
        yield Found(uri, problem=f"{KINDS.get(stat.S_IFMT(mode), 'no regular file')}: not read")
        return
    try:
        with open(path, "rb") as handle:
            yield from _opened(handle, path, scratch)
    except OSError as error:
        yield Found(uri, problem=f"cannot be read: {explain(error)}")


def _opened(handle: io.BufferedReader, path: str, scratch: Path | None) -> Iterator[Found]:
    uri = uri_of(path)
    found = Found(uri, handle, path=Path(path), last_modified=utc(os.fstat(handle.fileno()).st_mtime))
    kind = kind_of(handle.peek(HEAD), path)
    if kind:
        allowance = Allowance(os.fstat(handle.fileno()).st_size)
        archive = Archive(uri, handle, kind, allowance, Path(path), scratch, last_modified=found.last_modified)
        yield from archive.members()
    else:
        yield found
