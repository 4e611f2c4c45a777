"""Bytes with bits flipped, cut, swapped, repeated and filled up."""

import random
from collections.abc import Callable

_PUT_IN = (
    *(b"\0", b"\xff\xfe", b'"', b"\\", b"\n", b"\r", b"null", b"-", b" ", b"\t", b"{}", b"[]", b"1e999", b"\\ud800"),
    *(
        b"[" * 500,
        b'{"a":' * 300,
        b"9" * 400,
        b"A" * 20_000,
        b'"' * 3_000,
        b"\\" * 3_001,
        b" " * 5_000,
        b"\xe2\x80\xa8",
    ),
)
_DEEP = (b"[" * 30_000, b'{"a":' * 20_000, b"B" * 2_000_000)
_RARELY = 0.002


def bits(text: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 8)):
        text[chance.randrange(len(text))] ^= 1 << chance.randrange(8)


def cut(text: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(text))
    del text[start : start + chance.randint(1, 200)]


def swapped(text: bytearray, chance: random.Random) -> None:
    mark = bytes([chance.choice(b" ,\t\n")])
    fields = bytes(text).split(mark)
    if len(fields) > 1:
        a, b = chance.randrange(len(fields)), chance.randrange(len(fields))
        fields[a], fields[b] = fields[b], fields[a]
        text[:] = mark.join(fields)


def put_in(text: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(text) + 1)
    text[at:at] = chance.choice(_DEEP if chance.random() < _RARELY else _PUT_IN)


def repeated(text: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(text))
    text[start:start] = text[start : start + chance.randint(1, 300)] * chance.randint(1, 5)


_KINDS: tuple[Callable[[bytearray, random.Random], None], ...] = (bits, cut, swapped, put_in, repeated)


def mutated(text: bytes, chance: random.Random) -> bytes:
    """The text with one to three changes."""
    held = bytearray(text)
    for change in chance.choices(_KINDS, k=chance.randint(1, 3)):
        if held:
            change(held, chance)
    return bytes(held)
