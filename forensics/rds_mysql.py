"""Records of MySQL and MariaDB logs: the audit log of Aurora and of the plugin, slow queries, errors, the general log."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_SECOND = 1_000_000
_AUDIT_BEGINS = re.compile(r"(?P<stamp>\d{16}|\d{8} \d\d:\d\d:\d\d),(?P<server>[^,]*),", re.ASCII)
_QUERY = r"QUERY(?:_\w+)?"
_OPERATION = rf"(?:{_QUERY}|FAILED_CONNECT|CONNECT|DISCONNECT|CHANGEUSER|READ|WRITE|CREATE|ALTER|RENAME|DROP)"
_FIELDS = (
    r"(?P<user>[^,]*),(?P<host>[^,]*),(?P<connection>\d*),(?P<query>\d*),"
    rf"(?P<operation>{_OPERATION}),(?P<database>[^,]*),(?P<object>%s),(?P<code>-?\d*)$"
)
_FLAGS = re.DOTALL | re.ASCII
_AUDIT = re.compile(_AUDIT_BEGINS.pattern + _FIELDS % r"'[^'\\]*+(?:\\.[^'\\]*+)*'|[^,']*", _FLAGS)
"""Names of clients that hold commas give no match: text of theirs never stands for a value of the server."""
_UNESCAPED = re.compile(_AUDIT_BEGINS.pattern + _FIELDS % "'.*'", _FLAGS)
_OPERATIONS = re.compile(rf",\d*,\d*,{_OPERATION},", re.ASCII)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "\\": "\\", "'": "'", '"': '"'}
_DENIED = frozenset({"1044", "1045", "1142", "1143", "1227", "1370", "1698"})
"""Error codes that say that a user may not (page "Server Error Message Reference" of MySQL)."""

BANNER = re.compile(r"\S{0,200}?(?:mysqld|mariadbd)\S{0,40}, Version: [^\n]{1,300} started with:(?:\n|$)")
_SLOW_USER = re.compile(r"# User@Host: [^\n]{0,200}\[[^\n]{0,200}\] @ [^\[\n]{0,300}\[[^\]\n]{0,99}\]")
_SLOW = re.compile(
    r"(?:# Time: (?P<time>[^\n]{1,40})\n)?# User@Host: (?P<user>[^\n]{0,200}?)\[(?P<client>[^\n]{0,200})\] @ (?P<name>\S{0,300}) ?"
    r"\[(?P<address>[^\]\n]{0,99})\](?: *Id: +(?P<id>\d+))? *(?:\n|$)(?P<head>(?:#[^\n]*(?:\n|$))*)"
    r"(?:use (?P<database>[^\n]*);\n)?(?:SET [^\n]{0,200}?timestamp=(?P<epoch>\d{1,12})(?:\.\d+)?;(?:\n|$))?(?P<sql>.*)",
    re.DOTALL,
)
_SCHEMA = re.compile(r"Schema: (\S+)")

_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)"
_ERROR_BEGINS = re.compile(rf"{_ISO} |\d{{4}}-\d\d-\d\d [ \d]\d:\d\d:\d\d ", re.ASCII)
_ERROR = re.compile(
    rf"(?:(?P<iso>{_ISO})|(?P<day>\d{{4}}-\d\d-\d\d) (?P<clock>[ \d]\d:\d\d:\d\d)) (?P<thread>\d+) "
    r"\[(?P<level>System|Note|Warning|ERROR|Error)\] (?P<code>\[MY-\d{6}\] \[[\w-]+\] )?(?P<text>.*)",
    re.DOTALL | re.ASCII,
)
_COMMANDS = (
    "Connect Query Quit Init|DB Prepare Execute Close|stmt Reset|stmt Field|List Change|user Ping Statistics Shutdown"
    " Processlist Kill Fetch Daemon Debug Sleep Refresh Create|DB Drop|DB Long|Data Set|option Table|Dump Binlog|Dump"
    " Binlog|Dump|GTID Register|Slave Register|Replica Connect|Out Delayed|insert Reset|Connection Time Error"
)
_COMMAND = "|".join(sorted((word.replace("|", " ") for word in _COMMANDS.split()), key=len, reverse=True))
_GENERAL = re.compile(
    rf"(?:(?P<iso>{_ISO})|(?P<old>\d{{6}} [ \d]\d:\d\d:\d\d)|\t)\t *(?P<id>\d+) (?P<command>{_COMMAND})(?:\t(?P<text>.*))?$",
    re.DOTALL | re.ASCII,
)
_GENERAL_BEGINS = re.compile(rf"{_ISO}\t|\d{{6}} [ \d]\d:\d\d:\d\d\t|\t\t *\d+ (?:{_COMMAND})(?:\t|$)", re.ASCII)
_AT_HOST = re.compile(r"@(?P<host>[^@\s]*) (?P<how>on|as) ")
_USING = re.compile(r" using \S")
_DENIED_USER = re.compile(
    r"Access denied for user '(?P<user>[^\n]*)'@'(?P<host>[^'\n]*)'(?: \(using password: \w+\)| to database '[^\n]*')?$"
)


def begins_audit(line: str) -> bool:
    """Whether a line begins a record of an audit log."""
    return _AUDIT_BEGINS.match(line) is not None


def told_audit(line: str) -> bool:
    """Whether a line is a whole record of an audit log."""
    return _audit(line) is not None


def _audit(line: str) -> re.Match[str] | None:
    """The fields of a record; a statement whose quotes are not escaped only where nothing else can be an operation."""
    if found := _AUDIT.match(line):
        return found
    found = _UNESCAPED.match(line)
    return found if found and len(_OPERATIONS.findall(line)) == 1 else None


def read_audit(line: str) -> dict[str, Any] | None:
    """What a record says; of one whose fields cannot be told apart only what stands before a client's text."""
    begin = _AUDIT_BEGINS.match(line)
    if begin is None:
        return None
    said: dict[str, Any] = {"logKind": "audit", "time": _audit_time(begin["stamp"]), "serverHost": begin["server"]}
    found = _audit(line)
    return said if found is None else said | _audited(found)


def _audit_time(stamp: str) -> str | None:
    if " " in stamp:
        return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:]}Z"
    return _moment(int(stamp) / _SECOND)


def _moment(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return None


def _audited(found: re.Match[str]) -> dict[str, Any]:
    said = {"operation": found["operation"], "userName": found["user"], "remoteHost": found["host"]}
    said |= {"connectionId": found["connection"], "queryId": found["query"], "databaseName": found["database"]}
    held, code = found["object"], found["code"]
    if len(held) > 1 and held[0] == held[-1] == "'":
        sql = held[1:-1]
        said["statement"] = _ESCAPE.sub(_plain, sql) if "\\" in sql else sql
    else:
        said["objectName"] = held
    outcome = "success" if code == "0" else "denied" if code in _DENIED else "error"
    return said | ({"returnCode": code, "outcome": outcome} if code else {})


def _plain(found: re.Match[str]) -> str:
    return _ESCAPED.get(found[1], found[0])


def begins_slow(line: str) -> bool:
    """Whether a line begins a record: its time, which MariaDB leaves out where it is that of the one before, or its user."""
    return line.startswith(("# User@Host: ", "# Time: ")) or BANNER.match(line) is not None


def told_slow(line: str) -> bool:
    """Whether a line names the user of a slow query."""
    return _SLOW_USER.match(line) is not None or _SLOW.match(line) is not None


def read_slow(line: str) -> dict[str, Any] | None:
    """What a record says: user, client, database, statement."""
    found = _SLOW.match(line)
    if found is None:
        return {"logKind": "slowquery"} if BANNER.match(line) else None
    said: dict[str, Any] = {"logKind": "slowquery", "userName": found["user"] or found["client"]}
    said |= {"remoteHost": found["address"] or found["name"], "connectionId": found["id"]}
    schema = _SCHEMA.search(found["head"])
    said["databaseName"] = found["database"] or (schema[1] if schema else None)
    said["statement"] = found["sql"].strip() or None
    when = found["time"] or ""
    if re.fullmatch(_ISO, when):
        return said | {"time": when}
    return said | ({"time": _moment(int(found["epoch"]))} if found["epoch"] else {})


def begins_error(line: str) -> bool:
    """Whether a line begins a record of an error log."""
    return _ERROR_BEGINS.match(line) is not None


def told_error(line: str) -> bool:
    """Whether a line is of an error log for certain: it has a code of MySQL, or a level that no other log has."""
    found = _ERROR.match(line)
    return found is not None and bool(
        found["code"] or found["level"] in ("System", "Note") or "." in (found["iso"] or "")
    )


def read_error(line: str) -> dict[str, Any] | None:
    """What a record says; without a zone its time is taken as UTC."""
    found = _ERROR.match(line)
    if found is None:
        return None
    said: dict[str, Any] = {"logKind": "error", "level": found["level"]}
    if found["thread"] != "0":
        said["connectionId"] = found["thread"]
    if found["iso"]:
        said["time"] = found["iso"]
    else:
        said |= _unzoned(found["day"], found["clock"])
    return said | _refused(found["text"])


def _unzoned(day: str, clock: str) -> dict[str, str]:
    return {"time": f"{day}T{clock.replace(' ', '0')}Z", "timeText": f"{day} {clock}"}


def _refused(text: str) -> dict[str, Any]:
    """Who was refused, where the name that a client gave leaves no doubt."""
    if not text.startswith("Access denied for user "):
        return {}
    found = _DENIED_USER.match(text) if text.count("'@'") == 1 else None
    return {"outcome": "denied"} | ({"userName": found["user"], "remoteHost": found["host"]} if found else {})


def begins_general(line: str) -> bool:
    """Whether a line begins a record of a general log."""
    return _GENERAL_BEGINS.match(line) is not None or BANNER.match(line) is not None


def told_general(line: str) -> bool:
    """Whether a line is a record of a general log, its time first."""
    found = _GENERAL.match(line)
    return found is not None and bool(found["iso"] or found["old"])


def read_general(line: str) -> dict[str, Any] | None:
    """What a record says: connection, command and its text."""
    found = _GENERAL.match(line)
    if found is None:
        return {"logKind": "general"} if BANNER.match(line) else None
    said: dict[str, Any] = {"logKind": "general", "connectionId": found["id"], "operation": found["command"].upper()}
    if found["iso"]:
        said["time"] = found["iso"]
    elif old := found["old"]:
        said |= _unzoned(f"20{old[:2]}-{old[2:4]}-{old[4:6]}", old[7:])
        said["timeText"] = old
    return said | _commanded(found["command"], found["text"] or "")


def _commanded(command: str, text: str) -> dict[str, Any]:
    if command in ("Query", "Execute", "Prepare"):
        return {"statement": text}
    if command == "Init DB":
        return {"databaseName": text}
    return (_refused(text) or _connected(text)) if command in ("Connect", "Change user") else {}


def _connected(text: str) -> dict[str, Any]:
    """`user@host on database using TCP/IP`, where the names that a client gave leave no doubt."""
    text = text.removesuffix("\n")
    found = list(_AT_HOST.finditer(text))
    if len(found) != 1 or "\n" in text:
        return {}
    user, rest = text[: found[0].start()], text[found[0].end() :]
    if found[0]["how"] == "as":
        return {"userName": user, "remoteHost": found[0]["host"], "databaseName": None}
    database = rest[: using.start()] if (using := _USING.search(rest)) else rest
    if not using and re.search(r"\s", database):
        return {}
    return {"userName": user, "remoteHost": found[0]["host"], "databaseName": database or None}


def begins_either(line: str) -> bool:
    """Whether a line begins a record of a slow query log or of a general log."""
    return begins_slow(line) or begins_general(line)


def told_start(line: str) -> bool:
    """Whether a line is the first that a server writes into a log when it starts."""
    return BANNER.match(line) is not None


def read_either(line: str) -> dict[str, Any] | None:
    """What a record of a slow query log or of a general log says; a start says nothing."""
    return None if BANNER.match(line) else read_slow(line) or read_general(line)
