"""What the round trips share: values as AWS and its clients write them, their texts, and reading a text back."""

import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from forensics.columns import build
from forensics.readers import read
from forensics.readers.parts import Reject
from forensics.sources import sources

Record = dict[str, Any]

QUICK = settings(max_examples=40, deadline=None)
"""How long each property is tried."""

AT: st.SearchStrategy[datetime] = st.datetimes(datetime(2007, 1, 1), datetime(2037, 12, 31))
AT_SECOND: st.SearchStrategy[datetime] = AT.map(lambda at: at.replace(microsecond=0))
AT_MILLISECOND: st.SearchStrategy[datetime] = AT.map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))
COUNT: st.SearchStrategy[int] = st.integers(0, 2**40)
STATUS: st.SearchStrategy[int] = st.integers(100, 599)
PORT: st.SearchStrategy[int] = st.integers(0, 65_535)
THOUSANDTHS: st.SearchStrategy[float] = st.integers(0, 10**8).map(lambda count: count / 1000)
SECONDS: st.SearchStrategy[float] = st.just(-1.0) | THOUSANDTHS
"""A duration; ELB writes -1 where there was none."""

V4: st.SearchStrategy[str] = st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number)))
V6: st.SearchStrategy[str] = st.integers(1, 2**128 - 1).map(lambda number: str(IPv6Address(number)))
ADDRESS: st.SearchStrategy[str] = V4 | V6
ENDPOINT: st.SearchStrategy[str] = st.builds(
    lambda address, port: f"{address}:{port}", V4 | V6 | V6.map(lambda text: f"[{text}]"), PORT
)
UUID: st.SearchStrategy[str] = st.uuids().map(str)
WORD: st.SearchStrategy[str] = st.text("abcXYZ019-_./:@+=,~;%&'()<>|\\é漢", min_size=1, max_size=8).filter(
    lambda text: text != "-"
)
"""A word of AWS's own: neither blanks nor quotes, and not the mark of a missing value."""

NAME: st.SearchStrategy[str] = st.integers(0, 10**9).map(lambda number: f"n{number:x}")
ARN: st.SearchStrategy[str] = NAME.map(lambda name: f"arn:aws:sts::111122223333:assumed-role/role/{name}")
HOSTILE = (
    '"',
    '" "',
    '" - ',
    "'",
    "\\",
    '\\"',
    "\\x22",
    " ",
    "  ",
    "-",
    ";",
    ",",
    ", type=Root",
    "=cmd|' /C calc'!A0",
    "+1",
    "@SUM(A1)",
    "%20",
    "%2520",
    "%0a",
    "\t",
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\u00a0",
    "\u2028",
    "\ufffd",
    "😀",
    "漢字",
    "é",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "}{",
    "[",
    "null",
    "2026-11-05T09:10:01.123Z",
)
"""Pieces that mean something to one reader of logs or another."""

LINE_BREAKS = "\r\n\0"
"""What HTTP lets no header hold, and a line of a log cannot hold unescaped."""


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The values, or None for the mark of a missing one."""
    return st.none() | values


def client(without: str = LINE_BREAKS, pieces: Sequence[str] = HOSTILE) -> st.SearchStrategy[str]:
    """Text that a client wrote, without some characters; never the mark of a missing value itself."""
    characters = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
    absent = str.maketrans("", "", without)
    texts = st.lists(st.sampled_from(pieces) | characters, max_size=5)
    return texts.map(lambda parts: "".join(parts).translate(absent)).filter(lambda text: text != "-")


UNAMBIGUOUS: st.SearchStrategy[str] = client().map(lambda text: re.sub('" +', '"', text))
"""Client text in which no quote stands before a blank: raw between quotes, it has but one end."""


def hexes(length: int) -> st.SearchStrategy[str]:
    """Hexadecimal digits, so many of them."""
    return st.integers(0, 16**length - 1).map(lambda number: f"{number:0{length}x}")


def several(records: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """A file's worth of records."""
    return st.lists(records, min_size=1, max_size=4)


def iso(at: datetime, unit: str = "microseconds") -> str:
    """A time in ISO 8601 with the mark of UTC."""
    return f"{at.isoformat(timespec=unit)}Z"


def apache(at: datetime) -> str:
    """A time as access logs write it: 05/Nov/2026:09:10:01 +0000."""
    months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
    return f"{at.day:02}/{months[at.month - 1]}/{at.year:04}:{at:%H:%M:%S} +0000"


def plain(value: Any) -> str:
    """A value between blanks, `-` where it is missing."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return iso(value)
    return "-1" if value == -1 else f"{value:.3f}" if isinstance(value, float) else str(value)


def quoted(value: Any) -> str:
    """A value in quotes, none of its characters escaped."""
    return f'"{plain(value)}"'


def escaped(text: str | None) -> str | None:
    r"""Client text as load balancers write it today: quotes, backslashes and control characters as `\xNN`."""
    plain_text = [
        f"\\x{ord(held):02X}" if held in '"\\' or ord(held) < 32 or held == "\x7f" else held for held in text or ""
    ]
    return None if text is None else "".join(plain_text)


def file_of(lines: Iterable[str]) -> str:
    """Lines as a file."""
    return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class Back:
    """What reading gave: rows of the source in order of their places, and the reasons of what was rejected."""

    rows: list[Record]
    lost: list[tuple[int | None, str]]


def back(source: str, text: str, key: str = "object.log") -> Back:
    """The rows of a text that is an object under a key."""
    rows: list[Record] = []
    lost: list[tuple[int | None, str]] = []
    for part in parts_of(text, key):
        if isinstance(part, Reject):
            lost.append((part.record, part.reason))
            continue
        found = build(part)
        lost += [(reject.record, reject.reason) for reject in found.rejects]
        lost += [(number, f"no line of {found.source}") for number, _ in found.strays]
        rows += found.table.to_pylist() if found.source == source else []
        lost += [(None, f"read as {found.source}")] if found.source != source else []
    return Back(sorted(rows, key=lambda row: row["record"]), lost)


def parts_of(text: str, key: str = "object.log") -> list[Any]:
    """The parts of a text that is an object under a key."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "object"
        path.write_bytes(text.encode())
        return list(read(path, key))


def names(source: str) -> dict[str, str]:
    """The names of a source's columns by AWS's names."""
    return {column.field: column.name for column in sources()[source].columns}


Difference = tuple[int, str, Any, Any]
"""Place, field, what was written, what came back."""


def assert_back(source: str, records: Sequence[Mapping[str, Any]], text: str, key: str = "object.log") -> None:
    """Every record came back, equal and at its place, and nothing was rejected."""
    found = back(source, text, key)
    assert found.lost == [], found.lost
    assert [row["record"] for row in found.rows] == list(range(len(records)))
    assert not (changed := differences(source, records, found)), changed


def assert_unchanged(
    source: str, records: Sequence[Mapping[str, Any]], text: str, own: Sequence[str], *, unsaid: bool = False
) -> None:
    """What AWS wrote itself came back right, or its line or all of the object was rejected, or (`unsaid`) it is NULL."""
    found = back(source, text)
    changed = differences(source, [{field: record[field] for field in own} for record in records], found)
    wrong = [held for held in changed if not (unsaid and held[-1] is None)]
    assert not wrong, wrong
    places = {row["record"] for row in found.rows} | {number for number, _ in found.lost}
    assert None in places or places == set(range(len(records))), f"{places} of {len(records)}"


def differences(source: str, records: Sequence[Mapping[str, Any]], found: Back) -> list[Difference]:
    """Where rows are not the records that were written at their places."""
    column = names(source)
    return [
        (row["record"], field, written, row.get(column[field]))
        for row in found.rows
        for field, written in records[row["record"]].items()
        if row.get(column[field]) != written
    ]


def unmapped(row: Mapping[str, Any]) -> Any:
    """What followed the known fields."""
    return json.loads(row["unmapped"]) if row.get("unmapped") else []
