"""Bytes of an object, whatever they are wrapped in: gzip (several members, twice), zstd, bzip2 or nothing."""

from __future__ import annotations

import bz2
import re
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
from isal import isal_zlib

from forensics.unpacking import Allowance

CHUNK = 4 << 20
"""Bytes handed on at a time."""

_BLOCK = 1 << 20
_GZIP, _ZSTD, _BZIP2 = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh"
_DEPTH = 3
_KEEP = 64 << 20

Note = Callable[[str], None]


def content(path: Path, note: Note, data: bytes | None = None) -> Iterator[bytes]:
    """The decompressed bytes in chunks; damage is told to `note` in words, after what could be had.

    `data` are the bytes of the file, where they were read already.
    """
    blocks = _blocks(path) if data is None else iter((data,))
    size = path.stat().st_size if data is None else len(data)
    unpackers = {_GZIP: _gunzip, _ZSTD: _unzstd, _BZIP2: _bunzip}
    for _ in range(_DEPTH):
        head, blocks = _peek(blocks)
        unpack = next((found for magic, found in unpackers.items() if head.startswith(magic)), None)
        if unpack is None:
            break
        blocks = _limited(unpack(blocks, note), Allowance(size), note)
    return _rechunk(blocks)


def _limited(blocks: Iterator[bytes], allowance: Allowance, note: Note) -> Iterator[bytes]:
    for block in blocks:
        try:
            yield allowance.take(block)
        except ValueError as error:
            note(str(error))
            return


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _peek(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    head = next(blocks, b"")
    while 0 < len(head) < 4 and (more := next(blocks, b"")):
        head += more

    def whole() -> Iterator[bytes]:
        if head:
            yield head
        yield from blocks

    return head[:4], whole()


class _Member:
    """One gzip member, kept whole while small, so that a damaged one still gives what comes before the damage."""

    def __init__(self) -> None:
        self._inflate = isal_zlib.decompressobj(wbits=31)
        self._seen = bytearray()
        self._given = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decompressed pieces. Raises isal_zlib.error once the data turns out damaged."""
        if self._given <= _KEEP:
            self._seen += data
        while True:
            out = self._inflate.decompress(data, CHUNK)
            if out:
                self._given += len(out)
                yield out
            data = self._inflate.unconsumed_tail
            if self._inflate.eof or (not data and len(out) < CHUNK):
                return

    def tail(self, data: bytes) -> bytes:
        """All of the member that is kept, without its first byte, or the last data fed."""
        return bytes(self._seen[1:]) if self._given <= _KEEP else data

    @property
    def rest(self) -> bytes | None:
        """What follows the end of the member; None before its end."""
        return bytes(self._inflate.unused_data) if self._inflate.eof else None

    def salvage(self) -> bytes:
        """What a decoder that checks nothing still gets out, beyond what was given."""
        if self._given > _KEEP:
            return b""
        raw = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        got = bytearray()
        body = bytes(self._seen[_header(self._seen) :])
        try:
            for start in range(0, len(body), 256):
                got += raw.decompress(body[start : start + 256])
        except zlib.error:
            pass
        return bytes(got[self._given :])


def _header(data: bytes | bytearray) -> int:
    """Length of a gzip header (RFC 1952)."""
    flags, end = data[3] if len(data) > 3 else 0, 10
    if flags & 4:
        end += 2 + int.from_bytes(data[end : end + 2], "little")
    for bit in (8, 16):
        if flags & bit:
            end = data.find(b"\0", end) + 1
    return end + (2 if flags & 2 else 0)


def _gunzip(blocks: Iterable[bytes], note: Note) -> Iterator[bytes]:
    """The members of a gzip file; after a damaged one those that follow it, from a line of their own."""
    members = _Members(note)
    for block in blocks:
        yield from members.feed(block)
        if members.ended:
            return
    members.close()


class _Members:
    """Takes the members of a gzip file apart."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._member: _Member | None = None
        self._damaged = bytearray()
        self.ended = False

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Decompressed pieces of a block."""
        data = block
        if self._damaged:
            self._damaged += block
            data = yield from self._search()
        while data and not self.ended:
            if self._member is None:
                data = data.lstrip(b"\0")
                if data and not data.startswith(_GZIP[:1]):
                    self._note("what follows the end of the gzip data is not gzip")
                    self.ended = True
                if not data or self.ended:
                    return
                self._member = _Member()
            data = yield from self._decompress(self._member, data)

    def _decompress(self, member: _Member, data: bytes) -> Generator[bytes, None, bytes]:
        try:
            yield from member.feed(data)
        except isal_zlib.error as error:  # type: ignore[misc]
            yield member.salvage()
            self._note(f"gzip data is damaged: {error}")
            self._member = None
            self._damaged += member.tail(data)
            return (yield from self._search())
        if member.rest is None:
            return b""
        self._member = None
        return member.rest

    def _search(self) -> Generator[bytes, None, bytes]:
        """The data from the next member on, on a line of its own; none where it is not there yet."""
        found = _next_member(self._damaged)
        if found:
            yield b"\n"
            self._damaged.clear()
        return found

    def close(self) -> None:
        """Say that a member did not end."""
        if self._member is not None:
            self._note("gzip data is cut off")


def _next_member(data: bytearray) -> bytes:
    """The data from the next header on that a whole member, or as much of one as there is, follows; b"" if none."""
    for found in _HEADER.finditer(data):
        trial = isal_zlib.decompressobj(wbits=31)
        try:
            trial.decompress(bytes(data[found.start() : found.start() + _TRIAL]), CHUNK)
        except isal_zlib.error:  # type: ignore[misc]
            continue
        return bytes(data[found.start() :])
    del data[:-_GZIP_HEADER]
    return b""


_HEADER = re.compile(rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]", re.DOTALL)
_GZIP_HEADER, _TRIAL = 10, 1 << 16


def _unzstd(blocks: Iterable[bytes], note: Note) -> Iterator[bytes]:
    data = b"".join(blocks)
    try:
        stream = pa.CompressedInputStream(pa.BufferReader(data), "zstd")
        while out := stream.read(CHUNK):
            yield out
    except (OSError, pa.ArrowException) as error:
        note(f"zstd data is damaged or cut off: {error}")


def _bunzip(blocks: Iterable[bytes], note: Note) -> Iterator[bytes]:
    member = None
    try:
        for block in blocks:
            data = block
            while data or (member and not member.needs_input):
                member = member or bz2.BZ2Decompressor()
                if out := member.decompress(data, CHUNK):
                    yield out
                data, member = (member.unused_data, None) if member.eof else (b"", member)
    except OSError as error:
        note(f"bzip2 data is damaged: {error}")
        return
    if member is not None:
        note("bzip2 data is cut off")


def _rechunk(blocks: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for block in blocks:
        held.append(block)
        size += len(block)
        if size >= CHUNK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
