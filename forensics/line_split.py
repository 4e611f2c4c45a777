"""Lines of fields with blanks between them, some in quotes, in which a client's quotes may stand unescaped.

A quote ends a field only before a blank or the end of the line. What a client wrote may hold such a quote and pose as
the fields after it; so a line is read only where no other reading of it gives AWS's fields other values.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

from forensics.jsons import written
from forensics.source import LineFormat

Split = Callable[[str], Sequence[str | None] | None]

BARE = r'[^\s"]++'
"""A field without quotes. Groups are never possessive here: Python 3.11.2 matches some of those wrongly."""

QUOTED = r'"(?! )([^"]*+(?:"(?! |$)[^"]*+)*)"(?![^ ])'
"""A field in quotes that every reading ends at the same place: what begins with a blank may be the rest of another."""

_TOKEN = re.compile(r'"[^"]*+(?:"(?! |$)[^"]*+)*"(?= |$)|\S+')
_BARE_WORD = re.compile(BARE)


def tokens(line: str) -> list[str]:
    """The fields of a line, quotes still on. What begins with a quote after the last that may end a field is a word."""
    end = len(line) if line.endswith(('"', '"\n')) else line.rfind('" ') + 1
    return [*_TOKEN.findall(line[:end]), *line[end:].split()]


def bare(token: str) -> str:
    """A field without the quotes around it."""
    return token[1:-1] if token[:1] == '"' and token[-1:] == '"' and len(token) > 1 else token


def rest(extra: Sequence[str]) -> str | None:
    """What followed the known fields, as JSON text."""
    return written([bare(token) for token in extra]) if extra else None


def layout(parts: Sequence[str], counts: Sequence[int]) -> Callable[[str], re.Match[str] | None]:
    """What matches a whole line of as many of the parts as one of the counts says; after all of them, what follows.

    Each part gives one group: itself, unless it has one.
    """
    grouped = [part if "(" in part.replace("(?", "") else f"({part})" for part in parts]
    tail = "(?: ++(.*))?"
    for start, end in reversed(list(pairwise(counts))):
        tail = f"(?: ++{' ++'.join(grouped[start:end])}{tail})?"
    return re.compile(f" *{' ++'.join(grouped[: counts[0]])}{tail} *", re.DOTALL).fullmatch


def positional(count: int, least: int) -> Split:
    """A split into that many fields without quotes and `unmapped`, of which the first `least` must be there."""
    whole = layout([BARE] * count, range(least, count + 1))

    def split(line: str) -> Sequence[str | None] | None:
        if (found := whole(line)) is None:
            return None
        row: list[str | None] = list(found.groups())
        row[-1] = rest(tokens(row[-1] or ""))
        return row

    return split


def two_texts(inside: str) -> tuple[str, str] | None:
    """A request and a user agent, of what stands between the first quote of the one and the last of the other.

    Which of the quotes between them parts them is the client's word against the client's: the first after an HTTP
    version, else the first. None where none can.
    """
    border = _REQUEST_ENDS.search(inside)
    at = border.start(1) if border else inside.find('" "')
    return (inside[:at], inside[at + 3 :]) if at >= 0 else None


_REQUEST_ENDS = re.compile(r' HTTP/\d(?:\.\d)?(" ")')


def under_header(
    names: Sequence[str], fields: Sequence[str], reshape: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> LineFormat:
    """The layout of lines of the fields that a #Fields header names, between tabs or, where there are none, blanks.

    `reshape` is the source's own: a delivery may choose its fields, and calls some otherwise than the older files.
    """
    known = frozenset(fields)

    def split(line: str) -> Sequence[str | None] | None:
        texts = line.split("\t") if "\t" in line else [bare(token) for token in tokens(line)]
        if len(texts) != len(names):
            return None
        record = reshape(dict(zip(names, texts, strict=True)))
        extra = {name: held for name, held in record.items() if name not in known and held is not None}
        return [*(record.get(field) for field in fields), written(extra) if extra else None]

    return LineFormat((*fields, "unmapped"), split, comment="#")


HEADER = "#Fields:"


def header_names(lines: Sequence[str]) -> list[str]:
    """The names of the first #Fields header among those lines; none where there is no such line."""
    header = next((line for line in lines if line.startswith(HEADER)), "")
    return header.removeprefix(HEADER).split()


@dataclass(frozen=True)
class Part:
    """One field as it is read word by word: what a bare word, or the text in quotes, must look like.

    `said` marks a text that a client writes: any of its quotes may be its own. Such a text begins with `begins`.
    """

    pattern: str = ".*"
    quoted: bool = False
    said: bool = False
    begins: str = ""


Ways = dict[int, tuple[int, int]]
"""Places among the words that a reading has come to: in how many ways (2: or more), and where its last field began."""


class Reader:
    """All readings of a line, word by word, each field at all places where it may be; time grows as the line does."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._quotes = [place for place, word in enumerate(words) if word[:1] == '"' or word[-1:] == '"']
        self._ends = [len(words)] * (len(words) + 1)
        for place in reversed(range(len(words))):
            self._ends[place] = place if words[place].endswith('"') else self._ends[place + 1]

    def trail(self, parts: Sequence[Part], start: Ways) -> list[Ways]:
        """Where a reading may have come to after none, one, … of the parts."""
        found = [start]
        for part in parts:
            found.append(self._after(part, found[-1]) if found[-1] else {})
        return found

    def _after(self, part: Part, ways: Ways) -> Ways:
        words, fits = self._words, _whole(part.pattern)
        found: Ways = {}
        if not part.quoted:
            for place, (count, _) in ways.items():
                if place < len(words) and fits(words[place]):
                    found[place + 1] = (count, place)
            return found
        begins = f'"{part.begins}'
        opened = {place: count for place, (count, _) in ways.items() if self._opens(place)}
        free = {place: n for place, n in opened.items() if words[place].startswith(begins)} if part.said else {}
        found = self._said(free) if free else found
        for place in opened.keys() - free.keys():
            end = self._end(place)
            if end < len(words) and fits(" ".join(words[place : end + 1])[1:-1]):
                _add(found, end + 1, (opened[place], place))
        return found

    def _opens(self, place: int) -> bool:
        return place < len(self._words) and self._words[place][:1] == '"'

    def _end(self, place: int) -> int:
        """The word that ends the field in quotes that begins there, as far as its own quotes say."""
        return self._ends[place + 1] if self._words[place] == '"' else self._ends[place]

    def _said(self, opened: Mapping[int, int]) -> Ways:
        """The places after every quote that may end a text which began at one of those places."""
        found: Ways = {}
        before, last = 0, 0
        for place in self._quotes[bisect_left(self._quotes, min(opened)) :]:
            word, here = self._words[place], opened.get(place, 0)
            if here and len(word) > 1:
                before, last = before + here, place
            if before and word[-1] == '"':
                found[place + 1] = (min(before, 2), last)
            if here and len(word) == 1:
                before, last = before + here, place
        return found

    @cached_property
    def well_formed(self) -> list[bool]:
        """Of every place, whether the words from there on are fields with quotes around them or none in them."""
        count = len(self._words)
        found = [False] * count + [True, False]
        for place in reversed(range(count)):
            if self._opens(place):
                found[place] = self._words[place] != '"' and found[self._end(place) + 1]
            else:
                found[place] = bool(_BARE_WORD.fullmatch(self._words[place])) and found[place + 1]
        return found

    def texts(self, trail: Sequence[Ways], end: int) -> list[str]:
        """The fields of the only reading along that trail that ends there."""
        found: list[str] = []
        for ways in reversed(trail[1:]):
            start = ways[end][1]
            found.append(" ".join(self._words[start:end]))
            end = start
        return found[::-1]


@cache
def _whole(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(pattern, re.DOTALL).fullmatch


def _add(ways: Ways, place: int, more: tuple[int, int]) -> None:
    count, _ = ways.get(place, (0, 0))
    ways[place] = (min(count + more[0], 2), more[1])
