"""Records of the error log of SQL Server: time, process, text."""

from __future__ import annotations

import re
from typing import Any

_LINE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d) (?P<clock>\d\d:\d\d:\d\d\.\d\d) (?P<process>Server|Logon|Backup|spid\d{1,5}s?) {2,}(?P<text>.*)",
    re.DOTALL | re.ASCII,
)
_BEGINS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d\d ", re.ASCII)
_ERROR = re.compile(r"Error: (?P<code>\d{1,9}), Severity: (?P<severity>\d+), State: \d+")
_LOGIN = re.compile(
    r"Login (?P<how>failed|succeeded) for user '(?P<user>[^\n]{0,300}?)'\. [^\n]*\[CLIENT: (?P<client>[^\[\]\n]*)\]\s*$"
)
_LOGIN_FAILED = "18456"


def begins(line: str) -> bool:
    """Whether a line begins a record."""
    return _BEGINS.match(line) is not None


def told(line: str) -> bool:
    """Whether a line is a record for certain."""
    return _LINE.match(line) is not None


def read(line: str) -> dict[str, Any] | None:
    """What a record says; it names no zone, so its time is taken as UTC."""
    found = _LINE.match(line)
    if found is None:
        return None
    day, clock, process = found["day"], found["clock"], found["process"]
    said: dict[str, Any] = {"logKind": "error", "time": f"{day}T{clock}0Z", "timeText": f"{day} {clock}"}
    said |= {"connectionId": process} if process.startswith("spid") else {}
    return said | (_of_logon(found["text"]) if process == "Logon" else {})


def _of_logon(text: str) -> dict[str, Any]:
    """Who logged in or was refused; the address that ends the line is the server's, whatever the name holds."""
    if code := _ERROR.match(text):
        denied = code["code"] == _LOGIN_FAILED
        return {"level": "Error", "returnCode": code["code"], "outcome": "denied" if denied else "error"}
    if found := _LOGIN.match(text):
        outcome = "denied" if found["how"] == "failed" else "success"
        return {"userName": found["user"], "remoteHost": found["client"], "outcome": outcome}
    return {"outcome": "denied"} if text.startswith("Login failed for user ") else {}
