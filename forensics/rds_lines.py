"""Lines that databases of RDS and Aurora write: MySQL audit, PostgreSQL, pgAudit, slow queries, errors."""

from __future__ import annotations

import csv
import re
from typing import Any

POSTGRES = re.compile(
    r"(?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) (?P<zone>[A-Z]{3,5}):(?P<host>\[local\]|[^@\[]{0,300}?)(?:\((?P<port>\d*)\))?:"
    r"(?P<user>[^@\[]{0,200})@(?P<database>[^:\[]{0,200}):\[(?P<pid>\d+)\]:(?:(?P<line>\d+):(?P<state>[0-9A-Z]{5}):[^\n]{0,200}?)?"
    r" ?(?P<level>DEBUG[1-5]?|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC|STATEMENT|DETAIL|HINT|CONTEXT|QUERY|LOCATION): {0,2}(?P<text>.*)",
    re.DOTALL,
)
_PGAUDIT = re.compile(r"AUDIT: (?:SESSION|OBJECT),")
_AURORA = re.compile(r"\d{16},")
_MARIADB = re.compile(r"\d{8} \d\d:\d\d:\d\d,")
_OPERATION = r"(?:CONNECT|DISCONNECT|QUERY|READ|WRITE|CREATE|ALTER|RENAME|DROP|FAILED_CONNECT|QUERY_\w+)"
_AUDIT = re.compile(
    r"(?P<stamp>\d{16}|\d{8} \d\d:\d\d:\d\d),(?P<server>[^,]*),(?P<user>[^,]*),(?P<host>[^,]*),(?P<connection>\d*),(?P<query>\d*),"
    rf"(?P<operation>{_OPERATION}),(?P<database>[^,]*),(?P<object>.*),(?P<code>-?\d*)$",
    re.DOTALL,
)
_SLOW = re.compile(r"# User@Host: (?P<user>[^\[\n]*)\[[^\]\n]*\] @ (?P<name>[^\[\n]*)\[(?P<address>[^\]\n]*)\]")
_SLOW_TIME = re.compile(r"# Time: (?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)")
_ERROR = re.compile(
    r"(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?P<zone>Z)? ?(?P<pid>\d+)? \[(?P<level>\w+)\] "
)
_AUTH = re.compile(r"(?:connection authorized|password authentication failed for user|authentication failed)")
_REMOTE = re.compile(r"connection received: host=(?P<address>\S+) port=(?P<port>\d+)")


def is_record(line: str) -> bool:
    """Whether a line begins a record of an audit or a PostgreSQL log."""
    return bool(POSTGRES.match(line) or _AUDIT.match(line))


def parse(line: str) -> dict[str, Any]:
    """What a line says, by field of `rds_log`; nothing for a line of no known form."""
    if found := POSTGRES.match(line):
        return _postgres(found)
    if (_AURORA.match(line) or _MARIADB.match(line)) and (found := _AUDIT.match(line)):
        return _audit(found)
    if line.startswith("#") and (found := _SLOW.search(line, 0, 2000)):
        when = _SLOW_TIME.search(line, 0, 200)
        said = {
            "logKind": "slowquery",
            "userName": found["user"],
            "remoteHost": found["address"] or found["name"].strip(),
        }
        return said | ({"time": when["iso"]} if when else {})
    if found := _ERROR.match(line):
        stamp = found["iso"].replace(" ", "T") + "Z"
        return {"logKind": "error", "time": stamp, "level": found["level"], "pid": found["pid"]}
    return {}


def _postgres(found: re.Match[str]) -> dict[str, Any]:
    said: dict[str, Any] = {"logKind": "postgresql", "level": found["level"], "pid": found["pid"]}
    if found["zone"] in ("UTC", "GMT"):
        said["time"] = found["stamp"].replace(" ", "T") + "Z"
    else:
        said["timeText"] = f"{found['stamp']} {found['zone']}"
    said |= {"remoteHost": found["host"], "remotePort": found["port"], "userName": found["user"]}
    said |= {"databaseName": found["database"], "sqlState": found["state"]}
    text = found["text"]
    if _PGAUDIT.match(text):
        said |= _pgaudit(text)
    elif text.startswith("statement: ") or found["level"] == "STATEMENT":
        said["statement"] = text.removeprefix("statement: ")
    elif _AUTH.match(text):
        said["outcome"] = "success" if text.startswith("connection authorized") else "denied"
    elif received := _REMOTE.match(text):
        said |= {"remoteHost": received["address"], "remotePort": received["port"]}
    if found["level"] in ("ERROR", "FATAL", "PANIC"):
        said.setdefault("outcome", "denied" if "permission denied" in text[:200] else "error")
    return {name: held for name, held in said.items() if held not in (None, "", "[unknown]")}


def _pgaudit(text: str) -> dict[str, Any]:
    """`AUDIT: SESSION,statement,substatement,class,command,type,object,"statement",parameter`."""
    try:
        cells = next(csv.reader([text.removeprefix("AUDIT: ").replace("\n", " ")]), [])
    except csv.Error:
        return {}
    names = ("", "", "", "operation", "command", "objectType", "objectName", "statement")
    return {"logKind": "pgaudit"} | {name: cell for name, cell in zip(names, cells, strict=False) if name and cell}


def _audit(found: re.Match[str]) -> dict[str, Any]:
    stamp, said = found["stamp"], {"logKind": "audit", "operation": found["operation"]}
    if len(stamp) == 16 and " " not in stamp:
        said["microseconds"] = stamp
    else:
        said["time"] = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:]}Z"
    said |= {"serverHost": found["server"], "userName": found["user"], "remoteHost": found["host"]}
    said |= {"connectionId": found["connection"], "queryId": found["query"], "databaseName": found["database"]}
    held = found["object"]
    sql = held[1:-1] if len(held) > 1 and held[0] == held[-1] == "'" else None
    said |= {"statement": sql.replace("\\'", "'")} if sql is not None else {"objectName": held}
    said |= {"returnCode": found["code"], "outcome": "success" if found["code"] == "0" else "error"}
    return {name: text for name, text in said.items() if text}
