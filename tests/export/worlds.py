"""Cases to export: the specimens of every source in one, and calls whose every text is hostile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forensics import evidence
from forensics.case import Case
from forensics.load import load
from tests.loading import loaded, put, records, trail
from tests.sources.test_sources import CASES, data, place

HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "formula": '=cmd|" /C calc"!A0',
    "at": "@SUM(1)",
    "minus": "-1+1",
    "wide formula": "\uff1d1+1",
    "quoted": "'; DROP TABLE event; --",
    "escape": "\x1b[2J\x1b]0;title\x07",
    "nul": "before\0after",
    "lines": 'one\r\ntwo\tthree "four", five',
    "only a line": "\n",
    "empty": "",
    "dash": "-",
    "number": "-12.5",
    "list": '["a", "b"]',
    "right to left": "\u202egpj.exe",
    "unseen": "a\u200b\ufeffb\u2028c\x7f\x9b",
    "beyond the plane": "\U0001f600\uffff",
    "surrogate": "lone \udcff half \ud83d",
}
"""What user agents, names and keys may be; the last is `\\ud83d` in JSON, which is no text in UTF-8."""


@contextmanager
def hostile(folder: Path) -> Iterator[Case]:
    """A case with a call for each hostile text: in its id, names, addresses, agent, key; one without a time."""
    calls = [
        trail(
            text,
            eventID=f"{text}{name}",
            eventTime=f"2026-11-05T09:{place:02d}:00Z",
            sourceIPAddress=text,
            userAgent=text,
            awsRegion=text,
            recipientAccountId=text,
            requestID=text,
            errorCode=text,
            requestParameters={"bucketName": text, "key": text},
            userIdentity={"type": text, "principalId": text, "arn": text, "userName": text, "accessKeyId": text},
            resources=[{"ARN": f"arn:aws:s3:::{text}"}],
        )
        for place, (name, text) in enumerate(HOSTILE.items())
    ]
    with Case.create(folder / "case") as made:
        loaded(made, folder / "logs", {"calls.json": records(*calls, trail("Untimed", eventTime=None))})
        yield made


@contextmanager
def specimens(folder: Path) -> Iterator[Case]:
    """A case of all specimens of all sources, as written and damaged."""
    files = {f"{place(number)}/{item['key']}": data(item) for number, (_, item) in enumerate(CASES)}
    with Case.create(folder / "case") as made:
        evidence.add(made, put(folder / "logs", files))
        load(made, workers=1)
        yield made
