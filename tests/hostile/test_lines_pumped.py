"""Lines of every source with something that goes on and on in them are read in time in proportion."""

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.sources import sources
from tests.fuzz.corpus import plain
from tests.fuzz.endure import read_through

LENGTH = 40_000
COSTS, GROWTH = 0.3, 3.0
"""Processor seconds from which a line is looked at, and how many times as long twice the length may take."""
PUMPS = (
    *(
        '"',
        '" "',
        '"x"y ',
        "\\",
        '\\"',
        "a",
        "a=",
        'a="',
        ",",
        "{",
        '{"a":',
        "[",
        "]",
        " ",
        "\t",
        "'",
        ":",
        "-",
        "@",
        "/",
    ),
    *(
        "<a>",
        ";",
        "|",
        "a ",
        "1",
        "1 ",
        "- ",
        "[CLIENT: ",
        " ; USER=",
        "%20",
        "==",
        "::",
        ".",
        "a.",
        "(",
        "\\n",
        "é",
        "\ud7ff",
    ),
)


def lines(name: str, chance: random.Random, most: int) -> Iterator[tuple[str, str, str]]:
    """Key, and what stands before and after the place of a pump, of lines of a source's specimens."""
    texts = [
        (key, line) for key, data in plain(name) for line in data.decode("utf-8", "replace").split("\n")[:40] if line
    ]
    for _ in range(most if texts else 0):
        key, line = chance.choice(texts)
        line = line[:4_000]
        at = chance.choice([0, len(line), *(found.end() for found in re.finditer(r"[\s,\"]", line))])
        yield key, line[:at], line[at:]


def seconds(path: Path, key: str, text: str) -> float:
    path.write_text(text, encoding="utf-8", errors="replace")
    begin = time.process_time()
    read_through(path, key)
    return time.process_time() - begin


def wearing(name: str, path: Path, most: int) -> Iterator[str]:
    """The pumped lines of a source that take over-long."""
    chance = random.Random(name)
    for key, before, after in lines(name, chance, most):
        pump = chance.choice(PUMPS)
        one, two = (before + pump * (length // len(pump)) + after + "\n" for length in (LENGTH, 2 * LENGTH))
        if (took := seconds(path, key, two)) > COSTS and took > GROWTH * min(seconds(path, key, one) for _ in range(2)):
            yield f"{key}: {before[:200]!r} {pump!r} {after[:200]!r}: {took:.2f} s"


@pytest.mark.parametrize("name", list(sources()))
def test_a_line_twice_as_long_takes_about_twice_as_long(name: str, tmp_path: Path) -> None:
    assert list(wearing(name, tmp_path / "object", 6)) == []


@pytest.mark.long
@pytest.mark.parametrize("name", list(sources()))
def test_many_lines_twice_as_long_take_about_twice_as_long(name: str, tmp_path: Path) -> None:
    assert list(wearing(name, tmp_path / "object", 600)) == []
