"""How bytes become records: the few physical shapes of AWS logs, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from forensics.readers.columnar import read_parquet
from forensics.readers.json_text import JsonReader
from forensics.readers.line_text import LineReader
from forensics.readers.parts import Part, Reject
from forensics.readers.recognise import by_key, plain_stream
from forensics.readers.stream import content
from forensics.source import LogStream

WHOLE = 32 << 20
"""Text of up to so many bytes is held whole; longer text is read in windows of about this size."""

_BOM = b"\xef\xbb\xbf"
_JSON = re.compile(rb"\s*(?:\{|\[\s*(?:[\[{\"\]]|\Z))")
"""How a text of JSON begins: a line of a log may begin with a bracket too."""


def read(path: Path, key: str, named: LogStream | None = None, data: bytes | None = None) -> Iterator[Part]:
    """The records of an object, in order; `key` is its key or path as acquired, a hint only, `data` its bytes if at hand.

    Where a stream is `named`, text that is in no envelope is its events, and events that name no stream are.

    Nothing is raised for content, however damaged: what does not read is given as a `Reject`. Raises OSError.
    """
    if data is None:
        with path.open("rb") as file:
            magic = file.read(4)
    else:
        magic = data[:4]
    if magic == b"PAR1":
        yield from read_parquet(path, JsonReader(by_key(key), named).rows)
        return
    damage: list[str] = []
    documents = JsonReader(by_key(key), named)
    yield from _text(content(path, damage.append, data), documents, key, damage)
    for reason in damage:
        yield Reject(None, reason, "")


def _text(chunks: Iterator[bytes], documents: JsonReader, key: str, damage: list[str]) -> Iterator[Part]:
    first = next((chunk for chunk in chunks if chunk.strip()), b"").removeprefix(_BOM)
    if not first:
        yield Reject(None, "the object is empty", "", claimed=False)
    elif _JSON.match(first) and plain_stream(key) is None:
        yield from documents.read(_windows(first, chunks))
    else:
        yield from LineReader(key, damage, documents).read(first, chunks)


def _windows(first: bytes, chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Pieces of up to WHOLE bytes, each with whether it is the last."""
    held = [first]
    size = len(first)
    for chunk in chunks:
        if size + len(chunk) > WHOLE:
            window = b"".join(held)
            held, size = [], 0
            yield window, False
        held.append(chunk)
        size += len(chunk)
    yield b"".join(held), True
