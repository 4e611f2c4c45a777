"""Texts packed as deliveries pack them, the packed bytes whole or broken where their structure is."""

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable

import pyarrow as pa

from tests.fuzz import changes

Pack = Callable[[str, bytes, random.Random], bytes]
"""Takes a key, a text and chance; gives the packed bytes."""

_NAMES = (
    "../out",
    "/etc/passwd",
    "C:\\x",
    "a\0b",
    "a\nb\x1b[2J",
    "\u202ex",
    "A" * 300,
    "",
    ".",
    "a/../../b",
    "é",
    "\udcff",
)


def as_gzip(_key: str, text: bytes, chance: random.Random) -> bytes:
    """One or several members, perhaps twice, with the fields that a header may have."""
    cuts = sorted(chance.randrange(len(text) + 1) for _ in range(chance.choice((0, 0, 1, 3))))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    packed = chance.choice((b"", b"\0" * 600, b"junk")).join(_member(piece, chance) for piece in pieces)
    return gzip.compress(packed, 1, mtime=0) if chance.random() < 0.1 else packed


def _member(piece: bytes, chance: random.Random) -> bytes:
    packed = gzip.compress(piece, chance.choice((0, 1, 9)), mtime=0)
    flags = chance.choice((0, 0, 0, 2, 4, 8, 16, 0xE0, 31))
    more = (b"\x03\0abc" if flags & 4 else b"") + b"name\0" * bool(flags & 8) + b"note\0" * bool(flags & 16)
    head = packed[:3] + bytes([flags]) + packed[4:10] + more
    crc = struct.pack("<H", zlib.crc32(head) & 0xFFFF) if flags & 2 else b""
    return head + crc + packed[10:]


def as_zstd(_key: str, text: bytes, _chance: random.Random) -> bytes:
    """One frame."""
    return pa.compress(text, "zstd", asbytes=True)


def as_bzip2(_key: str, text: bytes, chance: random.Random) -> bytes:
    """One or two streams."""
    at = chance.randrange(len(text) + 1)
    return bz2.compress(text[:at], 1) + bz2.compress(text[at:], 1) if chance.random() < 0.3 else bz2.compress(text, 1)


def as_zip(key: str, text: bytes, chance: random.Random) -> bytes:
    """An archive of several members, perhaps with odd names, links, another archive within."""
    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(out, "w") as archive:
        for name, held in _inside(key, text, chance, as_zip):
            info = zipfile.ZipInfo(name or "x", (2026, 11, 5, 9, 0, 0))
            info.compress_type = chance.choice((0, 8, 8, 12, 14))
            info.external_attr = chance.choice((0, 0o100644, 0o100644, 0o120777, 0o060644)) << 16
            archive.writestr(info, held)
    return out.getvalue()


def as_tar(key: str, text: bytes, chance: random.Random) -> bytes:
    """The same as tar of either format, perhaps compressed."""
    out = io.BytesIO()
    kinds = (tarfile.REGTYPE,) * 6 + (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
    with tarfile.open(fileobj=out, mode="w", format=chance.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))) as archive:
        for name, held in _inside(key, text, chance, as_tar):
            info = tarfile.TarInfo(name.replace("\0", ""))
            info.size, info.mtime, info.type = len(held), chance.choice((0, 1_793_869_200, 2**33)), chance.choice(kinds)
            info.linkname = "" if info.isreg() else "../../etc/passwd"
            info.size = info.size if info.isreg() else 0
            archive.addfile(info, io.BytesIO(held) if info.isreg() else None)
    compress = chance.choice((bytes, bytes, _gzip, bz2.compress, lzma.compress))
    return _fixed(out.getvalue(), chance) if compress is bytes else compress(out.getvalue())


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _inside(key: str, text: bytes, chance: random.Random, pack: Pack) -> list[tuple[str, bytes]]:
    found = [(key, text)]
    for number in range(chance.choice((0, 0, 1, 3))):
        name = chance.choice(_NAMES) if chance.random() < 0.5 else f"{number}/{key}"
        found.append((name, changes.mutated(text, chance)))
    if chance.random() < 0.1:
        found.append((f"in.{pack.__name__[3:]}", pack(key, text[:500], chance)))
    chance.shuffle(found)
    return [(name.encode("utf-8", "replace").decode(), held) for name, held in found]


def _fixed(archive: bytes, chance: random.Random) -> bytes:
    """A tar whose headers were changed and have a checksum that holds all the same."""
    held = bytearray(archive)
    for _ in range(chance.choice((0, 1, 2))):
        block = 512 * chance.randrange(len(held) // 512)
        field, length = chance.choice(((0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100), (345, 155)))
        made = chance.choice((b"\xff" * length, b"7" * length, b"\0" * length, chance.randbytes(length)))
        held[block + field : block + field + length] = made[:length]
        held[block + 148 : block + 156] = b" " * 8
        held[block + 148 : block + 156] = b"%06o\0 " % (sum(held[block : block + 512]) & 0o777777)
    return bytes(held)


def as_subscription(_key: str, text: bytes, chance: random.Random) -> bytes:
    """What a function receives of a log group: base64 of gzip, at times of something else."""
    packed = gzip.compress(text, 1, mtime=0)
    packed = broken(packed, chance) if chance.random() < 0.4 else packed
    data = base64.b64encode(packed).decode()
    data = data[: chance.randrange(len(data))] if chance.random() < 0.1 else data
    wrapped = chance.choice(
        (
            {"awslogs": {"data": data}},
            {"Records": [{"kinesis": {"data": data, "partitionKey": "p"}, "eventSource": "aws:kinesis"}] * 2},
            {"rawData": data, "errorCode": "Lambda.FunctionError", "attemptsMade": 4},
        )
    )
    return json.dumps(wrapped).encode()


def broken(packed: bytes, chance: random.Random) -> bytes:
    """Packed bytes with bits flipped, numbers put in, stretches moved or cut, or two of them one after the other."""
    held = bytearray(packed)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(held) + 1)
        match chance.randrange(6):
            case 0 if held:
                changes.bits(held, chance)
            case 1:
                held[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\x01\0\0\0"))
            case 2:
                del held[at:]
            case 3 if held:
                changes.cut(held, chance)
            case 4:
                held[at:at] = held[: chance.randrange(len(held) + 1)]
            case _:
                held[-at:] = held[-at:][::-1] if at < 64 else held[-at:]
    return bytes(held)
