"""Lines of fields with blanks between them, some in quotes, in which a client's quotes may stand unescaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from forensics.jsons import written

Split = Callable[[str], Sequence[str | None] | None]

_TOKEN = re.compile(r'"(?:[^"]++|"(?! |$))*+"(?= |$)|\S+')
"""A quote ends a field only before a blank or the end of the line."""


def tokens(line: str) -> list[str]:
    """The fields of a line, quotes still on."""
    return _TOKEN.findall(line)


def bare(token: str) -> str:
    """A field without the quotes around it."""
    return token[1:-1] if token[:1] == '"' and token[-1:] == '"' and len(token) > 1 else token


def rest(extra: Sequence[str]) -> str | None:
    """What followed the known fields, as JSON text."""
    return written([bare(token) for token in extra]) if extra else None


def positional(
    fields: Sequence[str], quoted: Sequence[str], least: int, mend: Callable[[str], str] | None = None
) -> Split:
    """A split into those fields and `unmapped`, of which the first `least` must be there.

    A line whose quotes are not where the layout has them is first given to `mend`, which may put it right, and is of
    another layout otherwise: what a client wrote never slips into the fields of AWS.
    """
    in_quotes = [place for place, field in enumerate(fields) if field in set(quoted)]
    layout = _layout([place in in_quotes for place in range(len(fields))], least)

    def split(line: str) -> Sequence[str | None] | None:
        found = layout(line) or (layout(mend(line)) if mend else None)
        if found is None:
            return None
        row: list[str | None] = list(found.groups())
        for place in in_quotes:
            if (text := row[place]) is not None and text != "-":
                row[place] = text[1:-1]
        if row[-1] is not None:
            row[-1] = rest(_TOKEN.findall(row[-1]))
        return row

    return split


def _layout(in_quotes: Sequence[bool], least: int) -> Callable[[str], re.Match[str] | None]:
    """What matches a whole line of fields, some in quotes, those past `least` as far as there are any; then the rest."""
    parts = [_IN_QUOTES if quotes else _BARE for quotes in in_quotes]
    tail = "(?: ++(.*))?"
    for part in reversed(parts[least:]):
        tail = f"(?: ++{part}{tail})?"
    return re.compile(f" *{' ++'.join(parts[:least])}{tail} *", re.DOTALL).fullmatch


_BARE = r'([^\s"]++)'
_IN_QUOTES = r'(-(?![^ ])|"(?:[^"]++|"(?! |$))*+"(?![^ ]))'


def escaped_agent(line: str, before: int, after: re.Pattern[str]) -> str:
    """The line with the quotes inside its request and user agent escaped as AWS does today.

    `before` fields come before the request; the last match of `after` begins at the quote that ends the user agent.
    """
    parts = line.split(" ", before)
    ends = [found.start() for found in after.finditer(parts[-1])] if len(parts) > before else []
    if not ends or not parts[-1].startswith('"'):
        return line
    inside, behind = parts[-1][1 : ends[-1]], parts[-1][ends[-1] + 1 :]
    border = _REQUEST_ENDS.search(inside)
    at = border.start(1) if border else inside.find('" "')
    if at < 0:
        return line
    request, agent = inside[:at], inside[at + 3 :]
    quoted = " ".join(f'"{text.replace(chr(34), _QUOTE)}"' for text in (request, agent))
    return " ".join([*parts[:before], quoted]) + behind


_REQUEST_ENDS = re.compile(r' HTTP/\d(?:\.\d)?(" ")')
_QUOTE = r"\x22"
