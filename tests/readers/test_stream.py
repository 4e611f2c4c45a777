"""The bytes of an object come out whatever they are wrapped in, and damage is told after what could be had."""

import bz2
import gzip
import tracemalloc
import zlib
from pathlib import Path

import pyarrow as pa
import pytest

from forensics import unpacking
from forensics.readers import stream

TEXT = b"".join(b"line %d of a log that is long enough to be worth packing\n" % number for number in range(2000))


def unpack(folder: Path, data: bytes) -> tuple[bytes, list[str]]:
    """What comes out, and what is said of damage."""
    path = folder / "object"
    path.write_bytes(data)
    notes: list[str] = []
    return b"".join(stream.content(path, notes.append)), notes


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:999]) + gzip.compress(TEXT[999:]),
        gzip.compress(gzip.compress(TEXT)),
        gzip.compress(TEXT) + bytes(512),
        bz2.compress(TEXT),
        bz2.compress(TEXT[:999]) + bz2.compress(TEXT[999:]),
        zstd(TEXT),
    ],
    ids=["plain", "gzip", "members", "twice", "padded", "bzip2", "bzip2 twice", "zstd"],
)
def test_every_wrapping_gives_the_same_bytes(tmp_path: Path, packed: bytes) -> None:
    assert unpack(tmp_path, packed) == (TEXT, [])


def test_a_member_that_ends_with_a_block_is_followed_by_the_next(tmp_path: Path, monkeypatch) -> None:
    first = gzip.compress(TEXT[:999])
    monkeypatch.setattr(stream, "_BLOCK", len(first))
    assert unpack(tmp_path, first + gzip.compress(TEXT[999:])) == (TEXT, [])


def test_a_gzip_cut_off_gives_what_comes_before(tmp_path: Path) -> None:
    packed = gzip.compress(TEXT)
    got, notes = unpack(tmp_path, packed[: len(packed) // 2])
    assert notes == ["gzip data is cut off"]
    assert len(got) > 1000
    assert TEXT.startswith(got)


def test_a_wrong_checksum_gives_all_and_says_so(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(TEXT))
    packed[-6] ^= 0xFF
    got, notes = unpack(tmp_path, bytes(packed))
    assert got == TEXT
    assert len(notes) == 1
    assert notes[0].startswith("gzip data is damaged")


def test_damage_in_the_middle_gives_what_comes_before(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(TEXT, compresslevel=1))
    middle = len(packed) // 2
    packed[middle : middle + 64] = bytes(64)
    got, notes = unpack(tmp_path, bytes(packed))
    assert got[:1000] == TEXT[:1000]
    assert len(notes) == 1


def test_what_follows_a_gzip_is_told(tmp_path: Path) -> None:
    got, notes = unpack(tmp_path, gzip.compress(TEXT) + b"and a plain tail")
    assert (got, notes) == (TEXT, ["what follows the end of the gzip data is not gzip"])


@pytest.mark.parametrize("packed", [bz2.compress(TEXT), zstd(TEXT)], ids=["bzip2", "zstd"])
def test_other_packings_cut_off_say_so(tmp_path: Path, packed: bytes) -> None:
    got, notes = unpack(tmp_path, packed[: len(packed) // 2])
    assert TEXT.startswith(got)
    assert len(notes) == 1


def test_a_header_alone_and_an_empty_file_hold_nothing(tmp_path: Path) -> None:
    assert unpack(tmp_path, b"") == (b"", [])
    assert unpack(tmp_path, b"\x1f\x8b") == (b"", ["gzip data is cut off"])


@pytest.mark.parametrize("pack", [lambda data: zlib.compress(data, wbits=31), bz2.compress], ids=["gzip", "bzip2"])
def test_a_bomb_stays_in_bounded_memory(tmp_path: Path, pack) -> None:
    size = 64 << 20
    path = tmp_path / "bomb"
    path.write_bytes(pack(bytes(size)))
    tracemalloc.start()
    seen = sum(len(chunk) for chunk in stream.content(path, print))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == size
    assert peak < 32 << 20


def test_members_after_a_damaged_one_are_read(tmp_path: Path) -> None:
    members = [bytearray(gzip.compress(f"line {number}\n".encode() * 200)) for number in range(3)]
    members[1][30] ^= 0xFF
    text, notes = unpack(tmp_path, b"".join(members))
    assert text.count(b"line 0\n") == text.count(b"line 2\n") == 200
    assert b"\nline 2\n" in text
    assert [note.partition(":")[0] for note in notes] == ["gzip data is damaged"]


def test_a_header_within_damaged_data_is_no_member(tmp_path: Path) -> None:
    damaged = bytearray(gzip.compress(b"first\n" * 50))
    damaged[20:] = b"\xff\x1f\x8b\x08\0\0\0\0\0\0\x03 no deflate data"
    text, notes = unpack(tmp_path, bytes(damaged) + gzip.compress(b"last\n"))
    assert text.endswith(b"\nlast\n")
    assert len(notes) == 1


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_stops_at_the_stated_limit(layers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "ALWAYS", 5 << 20)
    data = bytes(200 << 20)
    for _ in range(layers):
        data = gzip.compress(data, 9)
    text, notes = unpack(tmp_path, data)
    limit = max(5 << 20, unpacking.LARGEST_RATIO * len(data))
    assert len(text) <= limit
    assert notes == [
        f"it unpacks to more than {limit} bytes, 200 times its size: not read further; unpack it by hand if it is no bomb"
    ]
