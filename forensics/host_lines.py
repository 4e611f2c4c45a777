"""Lines that hosts write: syslog, auth, the kernel's audit log, cloud-init, the ECS agent."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from forensics.host_words import said

_PRI = r"(?:<\d{1,3}>)?"
_TRADITIONAL = r"(?P<bsd>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d)"
_MODERN = r"(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))"
SYSLOG = re.compile(
    rf"{_PRI}(?:{_TRADITIONAL}|{_MODERN}) (?P<host>[\w.:-]{{1,255}}) (?P<program>[\w./()-]{{1,64}})(?:\[(?P<pid>\d+)\])?:(?: |$)(?P<text>.*)",
    re.DOTALL,
)
AUDIT = re.compile(
    r"(?:node=(?P<host>\S+) )?type=(?P<type>[A-Z_0-9\[\]]+) msg=audit\((?P<epoch>\d{1,12})\.(?P<part>\d{3}):(?P<serial>\d+)\): ?(?P<text>.*)",
    re.DOTALL,
)
CLOUD_INIT = re.compile(
    r"(?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - (?P<module>[\w.]+)\[(?P<level>[A-Z]+)\]: (?P<text>.*)",
    re.DOTALL,
)
_AGENT = re.compile(r"level=(?P<level>[a-z]+) time=(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z) msg=")
_GOES_ON = re.compile(
    r"\s|$|Traceback \(most recent call last\):|(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Exit|Interrupt|Warning)(?::|$)"
    r"|(?:During handling of|The) above exception"
)
"""What stands at the beginning of a line that goes on with the one before: of tracebacks, and what is set in."""
_LONGEST = 4_096
"""Characters of a line in which users and addresses are looked for: what follows is a client's words."""


def known(line: str) -> bool:
    """Whether a line begins as syslog, the audit log or cloud-init write theirs."""
    return bool(SYSLOG.match(line) or AUDIT.match(line) or CLOUD_INIT.match(line))


def goes_on(line: str) -> bool:
    """Whether a line of no form of its own may go on with the one before."""
    return bool(_GOES_ON.match(line))


def parse(line: str) -> dict[str, Any]:
    """What a line says, by field of `host_log`; nothing for a line of no known form."""
    if found := SYSLOG.match(line):
        fields: dict[str, Any] = {"logKind": "syslog", "hostName": found["host"], "program": found["program"]}
        fields |= {"pid": found["pid"]} if found["pid"] else {}
        fields |= {"timeText": found["bsd"]} if found["bsd"] else {"time": micro(found["iso"])}
        return fields | said(found["text"][:_LONGEST], found["program"])
    if found := AUDIT.match(line):
        return _audit(found)
    if found := CLOUD_INIT.match(line):
        stamp = found["stamp"].replace(" ", "T").replace(",", ".") + "Z"
        return {"logKind": "cloud-init", "time": stamp, "program": found["module"], "level": found["level"]}
    return {}


def of_agent(line: str) -> dict[str, Any]:
    """What a line of the ECS agent's own log says."""
    found = _AGENT.match(line)
    return {"level": found["level"], "time": micro(found["time"])} if found else {}


def micro(stamp: str) -> str:
    """An ISO 8601 time to the microsecond."""
    return re.sub(r"(\.\d{6})\d+", r"\1", stamp)


_AUDIT_WORD = re.compile(r'(?<![\w-])([\w-]+)=("[^"]*"|[^\s"\'][^\s"]*)')
"""A word and its value. Every word is taken, so that none is looked for in the value of another."""
_RESULTS = {"success": "success", "yes": "success", "1": "success", "failed": "denied", "no": "denied", "0": "denied"}


def _audit(found: re.Match[str]) -> dict[str, Any]:
    words: dict[str, str] = {}
    for name, text in _AUDIT_WORD.findall(found["text"][:_LONGEST]):
        words.setdefault(name, text[1:-1] if text[0] == '"' else text.removesuffix("'"))
    fields: dict[str, Any] = {
        "logKind": "audit",
        "program": words.get("exe") or words.get("comm"),
        "eventType": found["type"],
        "auditSerial": found["serial"],
        "time": _moment(int(found["epoch"]), found["part"]),
        "userName": words.get("acct"),
        "remoteAddress": _address(words.get("addr")),
        "pid": words.get("pid"),
        "hostName": found["host"],
        "outcome": _RESULTS.get(words.get("res", "")),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _moment(seconds: int, part: str) -> str | None:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{part}Z"
    except (OverflowError, ValueError, OSError):
        return None


def _address(text: str | None) -> str | None:
    return text if text and text not in ("?", "-") else None
