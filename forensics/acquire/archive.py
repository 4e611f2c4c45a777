"""Members of zip and tar archives as objects, streamed; archives inside archives are opened too."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, Self, cast

from forensics.acquire import READ_ERRORS, Found, read_some, utc
from forensics.errors import EvidenceError
from forensics.unpacking import Allowance

HEAD = 64 * 1024
"""Bytes looked at to tell what a file is."""
CHUNK = 1 << 20
LEVELS = 3
"""Archives inside archives are opened to this depth; deeper ones are kept as they are."""
TAR_NAMES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
GZIP_START, BZIP2_START, XZ_START = b"\x1f\x8b", b"BZh", b"\xfd7zXZ"
TAR_BLOCK = 512
TAR_MAGIC_AT = 257
ZIP_UNIX_TIME = 0x5455
ZIP_ENTRY = b"PK\x01\x02"
ZIP64_LOCATOR, ZIP64_END = 20, 56
ZIP_TAIL = (1 << 16) + 22 + ZIP64_LOCATOR + ZIP64_END
"""Bytes at the end of a zip file among which its last record begins, whatever the comment behind it."""
MEMBERS = 1_000_000
"""Members that a zip archive may list: the directory is held whole, a kilobyte for each."""
LONGEST_HEADER = 1 << 20
"""Bytes that the names and other words before one member of a tar archive may take."""
ENCRYPTED = 0x1


@dataclass(frozen=True)
class Archive:
    """An archive at hand: seekable bytes, how much it may unpack to, and where nested archives may be unpacked."""

    uri: str
    handle: BinaryIO
    kind: str
    allowance: Allowance
    path: Path | None = None
    scratch: Path | None = None
    level: int = 1
    last_modified: datetime | None = None

    def members(self) -> Iterator[Found]:
        """The archive as container, then its members; a damaged archive comes once more, with its problem."""
        yield self._itself(container=True)
        self.handle.seek(0)
        count = 0
        problem = ""
        try:
            for found in _zip(self) if self.kind == "zip" else _tar(self):
                count += 1
                yield found
        except READ_ERRORS as error:
            problem = f"archive damaged after {count} members: {explain(error)}"
        if not count and not problem:
            problem = "archive without a file"
        if problem:
            yield replace(self._itself(), problem=problem)

    def _itself(self, *, container: bool = False) -> Found:
        self.handle.seek(0)
        return Found(self.uri, self.handle, path=self.path, last_modified=self.last_modified, container=container)


def kind_of(head: bytes, name: str) -> str:
    """One of "zip", "tar", ""; from the first bytes and, where they are silent (old tar), from the name."""
    if head.startswith(ZIP_STARTS):
        return "zip"
    plain = _unpacked(head)
    return "tar" if _is_tar(plain) or name.lower().endswith(TAR_NAMES) else ""


def _is_tar(head: bytes) -> bool:
    """Whether the first block is a tar header whose checksum holds: log text may carry the magic word by itself."""
    if not head[TAR_MAGIC_AT:].startswith(b"ustar"):
        return False
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def explain(error: BaseException) -> str:
    """An error in words without the path, which the row has already."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _unpacked(head: bytes) -> bytes:
    starts: dict[bytes, Callable[[bytes], bytes]] = {
        GZIP_START: lambda data: zlib.decompressobj(31).decompress(data, TAR_BLOCK),
        BZIP2_START: lambda data: bz2.BZ2Decompressor().decompress(data, TAR_BLOCK),
        XZ_START: lambda data: lzma.LZMADecompressor().decompress(data, TAR_BLOCK),
    }
    for start, unpack in starts.items():
        if head.startswith(start):
            try:
                return unpack(head)
            except (zlib.error, OSError, EOFError, lzma.LZMAError):
                return b""
    return head[:TAR_BLOCK]


def _zip(archive: Archive) -> Iterator[Found]:
    _check_directory(archive.handle)
    with zipfile.ZipFile(archive.handle) as opened:
        for info in opened.infolist():
            if not info.is_dir():
                yield from _zip_member(archive, opened, info)


def _check_directory(handle: BinaryIO) -> None:
    """Raises zipfile.BadZipFile where the directory lists more members than are read: it would be held whole."""
    end = handle.seek(0, io.SEEK_END)
    handle.seek(max(0, end - ZIP_TAIL))
    tail = handle.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 16 > len(tail):
        return
    (size,) = struct.unpack_from("<L", tail, at + 12)
    large = at - ZIP64_LOCATOR - ZIP64_END
    if large >= 0 and tail.startswith(b"PK\x06\x06", large):
        (size,) = struct.unpack_from("<Q", tail, large + 40)
    handle.seek(max(0, end - len(tail) + at - ZIP64_LOCATOR - ZIP64_END - size))
    left, count, held = size + ZIP64_LOCATOR + ZIP64_END, 0, b""
    while left > 0 and (data := handle.read(min(CHUNK, left))):
        left -= len(data)
        count += (held + data).count(ZIP_ENTRY)
        held = data[-len(ZIP_ENTRY) + 1 :]
        if count > MEMBERS:
            raise zipfile.BadZipFile(f"it lists more than {MEMBERS} members: unpack it by hand")


def _zip_member(archive: Archive, opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[Found]:
    found = Found(_member_uri(archive, info.filename), size=info.file_size, last_modified=_zip_time(info))
    if stat.S_ISLNK(info.external_attr >> 16):
        yield replace(found, problem="a link inside an archive: not followed")
    elif info.flag_bits & ENCRYPTED:
        yield replace(found, problem="encrypted: unpack it with its password and add the folder")
    else:
        try:
            stream = opened.open(info)
        except READ_ERRORS as error:
            yield replace(found, problem=f"cannot be read: {explain(error)}")
            return
        with stream:
            metered = _Metered(cast(BinaryIO, stream), archive.allowance)
            yield from _member(archive, replace(found, stream=cast(BinaryIO, metered)))


class _Metered(io.RawIOBase):
    """The bytes of one member, counted; an error once the archive unpacks to more than it may."""

    def __init__(self, stream: BinaryIO, allowance: Allowance) -> None:
        self._stream, self._allowance = stream, allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._allowance.take(read_some(self._stream, len(buffer)))
        buffer[: len(data)] = data
        return len(data)


def _zip_time(info: zipfile.ZipInfo) -> datetime | None:
    """The UTC time of the "extended timestamp" field; zip's own time has no zone, so it says nothing."""
    extra = info.extra
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == ZIP_UNIX_TIME and length >= 5 and len(extra) >= 9 and extra[4] & 1:
            return utc(struct.unpack("<i", extra[5:9])[0])
        extra = extra[4 + length :]
    return None


class _Header(tarfile.TarInfo):
    """A tar header that says when the archive stops early, where `tarfile` would end without a word."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            if str(error) == "empty header":
                raise tarfile.ReadError("no end-of-archive marker: it may be cut off") from None
            raise tarfile.ReadError(str(error)) from None

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """A header; what only says the name or more of the next one is held whole, so it must be short."""
        made = super().frombuf(buf, encoding, errors)
        if made.type in _ABOUT_THE_NEXT and made.size > LONGEST_HEADER:
            raise tarfile.InvalidHeaderError(f"a header of {made.size} bytes")  # type: ignore[attr-defined]
        return made


_ABOUT_THE_NEXT = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, b"X")


class _Unpacked:
    """The plain bytes of a compressed stream, as far as they go: an error ends them and is kept."""

    def __init__(self, handle: BinaryIO, allowance: Allowance) -> None:
        self._allowance = allowance
        start = handle.read(len(XZ_START))
        handle.seek(0)
        self.error: BaseException | None = None
        openers: dict[bytes, Callable[[BinaryIO], Any]] = {
            GZIP_START: gzip.open,
            BZIP2_START: bz2.open,
            XZ_START: lzma.open,
        }
        opened = [unpack(handle) for magic, unpack in openers.items() if start.startswith(magic)]
        self.inner = cast(io.BufferedIOBase, opened[0] if opened else handle)

    def read(self, size: int = -1) -> bytes:
        try:
            return self._allowance.take(self.inner.read1(size))
        except READ_ERRORS as error:
            self.error = error
            return b""


class _Bytes(io.RawIOBase):
    """The bytes of one tar member, up to a cut; `tarfile` would drop the last piece before it."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self.stream, self.left = stream, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.stream.read(min(len(buffer), self.left)) if self.left else b""
        if self.left and not data:
            raise tarfile.ReadError("unexpected end of data")
        buffer[: len(data)] = data
        self.left -= len(data)
        return len(data)


def _tar(archive: Archive) -> Iterator[Found]:
    stream = _Unpacked(archive.handle, archive.allowance)
    try:
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_Header) as opened:
            while (info := opened.next()) is not None:
                opened.members.clear()  # type: ignore[attr-defined]
                if not info.isdir():
                    yield from _tar_member(archive, opened, info)
        _check_rest(stream)
    except tarfile.TarError as error:
        raise stream.error or error from None
    if stream.error:
        raise stream.error


def _check_rest(stream: _Unpacked) -> None:
    """Read on to the checksum of the compressed stream; anything but padding is not to be lost unseen."""
    size = 0
    while data := stream.read(HEAD):
        size += len(data)
        if data.strip(b"\0") or size > CHUNK:
            raise tarfile.ReadError("there is more after its end marker, which was not read")


def _tar_member(archive: Archive, opened: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[Found]:
    found = Found(_member_uri(archive, info.name), size=info.size, last_modified=utc(info.mtime))
    if info.issym() or info.islnk():
        yield replace(found, problem=f"a link inside an archive, to {_printable(info.linkname)}: not followed")
    elif not info.isreg():
        yield replace(found, problem="a device or pipe inside an archive")
    else:
        yield from _member(archive, replace(found, stream=_tar_stream(archive, opened, info)))


def _tar_stream(archive: Archive, opened: tarfile.TarFile, info: tarfile.TarInfo) -> BinaryIO:
    if info.sparse is None and opened.fileobj is not None:
        opened.fileobj.seek(info.offset_data)
        return cast(BinaryIO, _Bytes(cast(IO[bytes], opened.fileobj), info.size))
    return cast(BinaryIO, _Metered(cast(BinaryIO, opened.extractfile(info)), archive.allowance))


def _member(archive: Archive, found: Found) -> Iterator[Found]:
    stream = io.BufferedReader(cast(io.RawIOBase, found.stream), HEAD)
    try:
        kind = kind_of(stream.peek(HEAD), found.uri) if archive.level < LEVELS else ""
    except READ_ERRORS as error:
        yield replace(found, stream=None, problem=f"cannot be read: {explain(error)}")
        return
    if kind:
        yield from _nested(archive, replace(found, stream=stream), kind)
    else:
        yield replace(found, stream=stream)
    stream.detach()


def _nested(archive: Archive, found: Found, kind: str) -> Iterator[Found]:
    with tempfile.TemporaryFile(dir=archive.scratch) as spool:
        if (found.size or 0) > shutil.disk_usage(archive.scratch or tempfile.gettempdir()).free:
            yield replace(found, stream=None, problem=f"unpacks to {found.size} bytes, more than the disk has free")
            return
        problem = _spool(cast(BinaryIO, found.stream), spool)
        inner = Archive(
            found.uri, spool, kind, archive.allowance, None, archive.scratch, archive.level + 1, found.last_modified
        )
        yield from inner.members()
        if problem:
            spool.seek(0)
            yield replace(found, stream=cast(BinaryIO, spool), problem=problem)


def _spool(stream: BinaryIO, spool: BinaryIO) -> str:
    while True:
        try:
            chunk = read_some(stream, CHUNK)
        except READ_ERRORS as error:
            return f"cut off: {explain(error)}"
        if not chunk:
            return ""
        try:
            spool.write(chunk)
        except OSError as error:
            raise EvidenceError(f"cannot unpack an archive inside an archive: {explain(error)}") from error


def _member_uri(archive: Archive, name: str) -> str:
    return f"{archive.uri}!{_printable(name)}"


def _printable(name: str) -> str:
    """A name as text that the database takes: bytes that are no UTF-8 are written out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "\\x00")
