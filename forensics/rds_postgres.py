"""Records of PostgreSQL logs: lines behind the prefix of RDS, rows of csvlog, and in both what pgAudit writes."""

from __future__ import annotations

import csv
import re
from typing import Any

from forensics.jsons import written

_STAMP = r"(?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) (?P<zone>[A-Z]{3,5}|[+-]\d\d(?:\d\d)?)"
_HOST = r"(?:(?P<host>[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%\w+)?|[\w.-]+)\((?P<port>\d*)\)|(?P<local>\[local\]|[\w.-]*))"
_PREFIX = re.compile(f"{_STAMP}:{_HOST}:", re.ASCII)
_LEVEL = "DEBUG[1-5]?|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC|STATEMENT|DETAIL|HINT|CONTEXT|QUERY|LOCATION"
_MORE = (
    r"(?P<line>\d+):(?P<state>[0-9A-Z]{5}):\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [^:\n]{1,8}:[\d/-]*:\d*:[0-9a-f.]*:?(?P<app>)"
)
"""`%l:%e:%s:%v:%x:%c:%q%a`, the name of the application being the client's."""
_PROCESS = re.compile(
    rf":\[(?P<pid>\d+)\]:(?:{_MORE}[^\n]{{0,64}}?)? ?(?P<level>{_LEVEL}): {{1,2}}(?P<text>.*)", re.DOTALL | re.ASCII
)
_NEXT_LEVEL = re.compile(rf"(?:{_LEVEL}): ")
_NAME = 63
"""Bytes PostgreSQL keeps of a name of a user, a database or an application."""
_BEGINS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

_STATEMENT = re.compile(
    r"(?:duration: [\d.]+ ms {1,2})?(?:statement|(?:execute fetch from|execute|parse|bind) [^:\n]{1,200}): (?P<sql>.*)",
    re.DOTALL,
)
_DENIED = re.compile(
    r"permission denied|must be (?:owner|superuser|member)|no pg_hba\.conf entry|pg_hba\.conf rejects|\w+ authentication failed"
    r'|authentication failed|role "[^\n]*" is not permitted|User does not have CONNECT privilege'
)
_DENIED_STATES = ("28000", "28P01", "42501")
_RECEIVED = re.compile(r"connection received: host=(?P<address>\S+) port=(?P<port>\d+)$")

_TEXT = r'"[^"]*+(?:""[^"]*+)*"(?!")'
_CSV = re.compile(
    rf"{_STAMP},(?:{_TEXT})?,(?:{_TEXT})?,\d*,(?:{_TEXT})?,[0-9a-f]+\.[0-9a-f]+,\d+,(?:{_TEXT})?,[^,\"\n]*,[\d/-]*,\d*,"
    rf'(?:{_LEVEL}),[0-9A-Z]{{5}},"(?:"")*[^"]',
    re.ASCII,
)
"""How a row begins; quotes in what a client wrote are doubled, so that a line of its text cannot look like this."""
_ROW = re.compile(rf'(?:{_TEXT}|[^",\n]*+)(?:,(?:{_TEXT}|[^",\n]*+)){{22,}}(?=\n|$)')
_CSV_FIELDS = ("", "userName", "databaseName", "pid", "", "connectionId", "", "command")


def begins(line: str) -> bool:
    """Whether a line begins a record: it does so with a time, while further lines begin with a tab."""
    return _BEGINS.match(line) is not None


def told(line: str) -> bool:
    """Whether a line has the prefix of RDS, process and level included."""
    found = _PREFIX.match(line)
    return found is not None and bool(_processes(line, found.end()))


def read(line: str) -> dict[str, Any] | None:
    """What a line says; where a client's name makes its end uncertain, only what stands before the name."""
    found = _PREFIX.match(line)
    if found is None:
        return None
    said: dict[str, Any] = {"logKind": "postgresql", **_time(found)}
    said |= {"remoteHost": found["host"] or found["local"] or None, "remotePort": found["port"] or None}
    ends = _processes(line, found.end())
    if len(ends) == 1:
        said |= _behind(line[found.end() : ends[0].start()], ends[0], said["remoteHost"])
    return said


def _time(found: re.Match[str]) -> dict[str, str]:
    if found["zone"] in ("UTC", "GMT"):
        return {"time": found["stamp"].replace(" ", "T") + "Z"}
    return {"timeText": f"{found['stamp']} {found['zone']}"}


def _processes(line: str, start: int) -> list[re.Match[str]]:
    """The places where user and database may end: the process follows. Two mean that a client's name holds one."""
    found: list[re.Match[str]] = []
    limit = start + 2 * _NAME + 4
    at = line.find(":[", start, limit)
    while at >= 0:
        if "@" in line[start:at] and (ends := _PROCESS.match(line, at)):
            found.append(ends)
        at = line.find(":[", at + 1, limit)
    return found


def _behind(who: str, found: re.Match[str], host: str | None) -> dict[str, Any]:
    """What user and database are, and what follows them."""
    user, _, database = who.rpartition("@")
    said = {"userName": _known(user), "databaseName": _known(database), "pid": found["pid"], "sqlState": found["state"]}
    if found["app"] is not None and _levels(found) > 1:
        return said
    said["level"] = found["level"]
    return said | of_text(found["level"], found["text"], found["state"], host=host)


def _levels(found: re.Match[str]) -> int:
    """The places where the level may stand: more than one where the name of an application holds one."""
    start = found.end("app")
    return len(_NEXT_LEVEL.findall(found.string, start, start + _NAME + len("STATEMENT: ")))


def _known(name: str) -> str | None:
    return None if name in ("", "[unknown]") else name


def of_text(level: str, text: str, state: str | None, *, host: str | None) -> dict[str, Any]:
    """What the text of a record says."""
    if level == "LOG":
        return _of_log(text, host)
    if level == "STATEMENT":
        return {"statement": text}
    if level in ("ERROR", "FATAL", "PANIC"):
        denied = state in _DENIED_STATES or (state is None and _DENIED.match(text))
        return {"outcome": "denied" if denied else "error"}
    return {}


def _of_log(text: str, host: str | None) -> dict[str, Any]:
    if text.startswith(("AUDIT: SESSION,", "AUDIT: OBJECT,")):
        return _pgaudit(text)
    if found := _STATEMENT.match(text):
        return {"statement": found["sql"]}
    if text.startswith("connection authorized"):
        return {"outcome": "success"}
    if host is None and (received := _RECEIVED.match(text)):
        return {"remoteHost": received["address"], "remotePort": received["port"]}
    return {}


_BREAK = "\0"
"""Stands for a line break while fields are told apart: no text of PostgreSQL holds it."""


def _pgaudit(text: str) -> dict[str, Any]:
    """`AUDIT: SESSION,statement,substatement,class,command,type,object,"statement",parameter`."""
    try:
        cells = next(csv.reader([text.removeprefix("AUDIT: ").replace("\n", _BREAK)]), [])
    except csv.Error:
        return {"logKind": "pgaudit"}
    cells = [cell.replace(_BREAK, "\n") for cell in cells]
    names = ("", "", "", "operation", "command", "objectType", "objectName", "statement")
    return {"logKind": "pgaudit"} | {name: cell for name, cell in zip(names, cells, strict=False) if name and cell}


def begins_row(line: str) -> bool:
    """Whether a line begins a row of csvlog."""
    return _CSV.match(line) is not None


_FEWEST_CELLS = 20


def read_row(line: str) -> dict[str, Any] | None:
    """What a row of csvlog says (page "Error Reporting and Logging" of PostgreSQL); lines behind it stay apart."""
    begin, row = _CSV.match(line), _ROW.match(line)
    if begin is None or row is None:
        return None
    try:
        cells = next(csv.reader([row[0]]))
    except csv.Error:
        return None
    if len(cells) < _FEWEST_CELLS:
        return None
    said: dict[str, Any] = {"logKind": "postgresql", **_time(begin)}
    said |= {name: _known(cell) for name, cell in zip(_CSV_FIELDS, cells, strict=False) if name}
    host, _, port = cells[4].rpartition(":")
    said |= {"remoteHost": host, "remotePort": port} if port.isdigit() else {"remoteHost": cells[4] or None}
    said |= {"level": cells[11], "sqlState": cells[12], "statement": cells[19] or None}
    said |= of_text(cells[11], cells[13], cells[12], host=said["remoteHost"])
    rest = line[row.end() + 1 :].splitlines()
    return said | ({"unmapped": written(rest)} if rest else {})
