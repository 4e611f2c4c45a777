"""Readers survive whatever specimens become: no exception, no hang, no growth, every row under a source."""

import random
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.columns import build
from forensics.readers import read
from forensics.readers.parts import Reject
from forensics.sources import sources
from tests.sources.test_sources import data, specimens

MUTATIONS = 2_000
PIECE = 64 << 10
"""Bytes of a specimen that are mutated: what a huge one repeats adds nothing."""
GROWTH = 200 << 10
"""KiB by which the process may grow over all mutations of a source."""


def bits(text: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 8)):
        text[chance.randrange(len(text))] ^= 1 << chance.randrange(8)


def cut(text: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(text))
    del text[start : start + chance.randint(1, 200)]


def swapped(text: bytearray, chance: random.Random) -> None:
    mark = chance.choice(b" ,\t\n")
    fields = bytes(text).split(bytes([mark]))
    if len(fields) > 1:
        a, b = chance.randrange(len(fields)), chance.randrange(len(fields))
        fields[a], fields[b] = fields[b], fields[a]
        text[:] = bytes([mark]).join(fields)


def put_in(text: bytearray, chance: random.Random) -> None:
    found = chance.choice(
        [
            b"\0",
            b"\xff\xfe",
            b'"',
            b"\\",
            b"[" * 500,
            b'{"a":' * 300,
            b"9" * 400,
            b"A" * 20_000,
            b"\n",
            b"\r",
            b"null",
            b"-",
        ]
    )
    at = chance.randrange(len(text) + 1)
    text[at:at] = found


def repeated(text: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(text))
    text[start:start] = text[start : start + chance.randint(1, 300)] * chance.randint(1, 5)


KINDS: list[Callable[[bytearray, random.Random], None]] = [bits, cut, swapped, put_in, repeated]


@pytest.mark.parametrize("name", list(sources()))
def test_mutated_specimens_are_read_without_a_crash(name: str, tmp_path: Path) -> None:
    chance = random.Random(name)
    found = [
        (item["key"].removesuffix(".gz"), data({**item, "key": ""})[:PIECE]) for item in specimens(sources()[name])
    ]
    path = tmp_path / "object"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(MUTATIONS):
        key, text = chance.choice(found)
        held = bytearray(text)
        for change in chance.choices(KINDS, k=chance.randint(1, 3)):
            if held:
                change(held, chance)
        path.write_bytes(held)
        for part in read(path, key):
            if not isinstance(part, Reject):
                columns = build(part)
                assert columns.source in sources()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH
