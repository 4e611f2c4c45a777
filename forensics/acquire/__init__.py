"""Where evidence comes from: each module finds objects and opens them; `forensics.evidence` takes them in."""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

READ_ERRORS = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    NotImplementedError,
    ValueError,
    IndexError,
    RuntimeError,
    struct.error,
    MemoryError,
)
"""What reading bytes that somebody else made may raise: NotImplementedError is an unknown zip compression,
RuntimeError an encrypted one, MemoryError a dictionary of absurd size, the others before it a broken directory or a name that is not in its encoding."""


@dataclass(frozen=True)
class Found:
    """One object as found; its `stream` is to be read before the next object is asked for.

    `path` is set when the bytes are a file of this machine, `size` when an archive declares it.
    `problem` says why the object is no evidence as it stands; a stream beside it is kept all the same.
    A `container` is an archive whose members follow: its hash goes into the custody record, nothing else.
    `storage_class` and `metadata` (user metadata) are those of an S3 object.
    """

    uri: str
    stream: BinaryIO | None = None
    path: Path | None = None
    size: int | None = None
    last_modified: datetime | None = None
    etag: str | None = None
    version_id: str | None = None
    problem: str = ""
    container: bool = False
    storage_class: str | None = None
    metadata: Mapping[str, str] | None = None


def read_some(stream: BinaryIO, size: int) -> bytes:
    """Up to `size` bytes in one read, where the stream can: many reads would drop what precedes an error."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    return read(size)


def utc(seconds: float) -> datetime | None:
    """Unix seconds as UTC without a zone; None where no calendar has that time."""
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    except (OverflowError, ValueError, OSError):
        return None
