"""Bytes of an object, whatever they are wrapped in: gzip (several members, twice), zstd, bzip2 or nothing."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
from isal import isal_zlib

CHUNK = 4 << 20
"""Bytes handed on at a time."""

_BLOCK = 1 << 20
_GZIP, _ZSTD, _BZIP2 = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh"
_DEPTH = 3
_KEEP = 64 << 20

Note = Callable[[str], None]


def content(path: Path, note: Note) -> Iterator[bytes]:
    """The decompressed bytes in chunks; damage is told to `note` in words, after what could be had."""
    blocks = _blocks(path)
    for _ in range(_DEPTH):
        head, blocks = _peek(blocks)
        if head.startswith(_GZIP):
            blocks = _gunzip(blocks, note)
        elif head.startswith(_ZSTD):
            blocks = _unzstd(blocks, note)
        elif head.startswith(_BZIP2):
            blocks = _bunzip(blocks, note)
        else:
            break
    return _rechunk(blocks)


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
    member: _Member | None = None
    for block in blocks:
        data = block
        while data:
            if member is None:
                data = data.lstrip(b"\0")
                if not data.startswith(_GZIP[:1]):
                    if data:
                        note("what follows the end of the gzip data is not gzip")
                    return
                member = _Member()
            try:
                yield from member.feed(data)
            except isal_zlib.error as error:  # type: ignore[misc]
                yield member.salvage()
                note(f"gzip data is damaged: {error}")
                return
            data = member.rest or b""
            if member.rest is not None:
                member = None
    if member is not None:
        note("gzip data is cut off")


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
