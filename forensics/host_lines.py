"""Lines that hosts write: syslog, auth, the kernel's audit log, cloud-init; what they say of program, user and address."""

from __future__ import annotations

import re
from typing import Any

_PRI = r"(?:<\d{1,3}>)?"
_TRADITIONAL = r"(?P<bsd>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d)"
_MODERN = r"(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))"
SYSLOG = re.compile(
    rf"{_PRI}(?:{_TRADITIONAL}|{_MODERN}) (?P<host>[\w.:-]{{1,255}}) (?P<program>[\w./()-]{{1,64}})(?:\[(?P<pid>\d+)\])?:(?: |$)(?P<text>.*)",
    re.DOTALL,
)
AUDIT = re.compile(
    r"(?:node=(?P<host>\S+) )?type=(?P<type>[A-Z_0-9\[\]]+) msg=audit\((?P<epoch>\d+\.\d{3}):(?P<serial>\d+)\): ?(?P<text>.*)",
    re.DOTALL,
)
CLOUD_INIT = re.compile(
    r"(?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - (?P<module>[\w.]+)\[(?P<level>[A-Z]+)\]: (?P<text>.*)",
    re.DOTALL,
)

_USER = r"(?P<user>\S+)"
_ADDRESS = r"(?P<address>[0-9a-fA-F.:]{3,45})"
_SAID: tuple[tuple[re.Pattern[str], str | None], ...] = (
    (re.compile(rf"^Accepted (?:\S+) for {_USER} from {_ADDRESS} port \d+"), "success"),
    (re.compile(rf"^Failed (?:\S+) for (?:invalid user )?{_USER} from {_ADDRESS} port \d+"), "denied"),
    (re.compile(rf"^Invalid user {_USER} from {_ADDRESS}"), "denied"),
    (
        re.compile(
            rf"^(?:Disconnected from|Connection closed by)(?: (?:invalid|authenticating))?(?: user {_USER})? {_ADDRESS} port"
        ),
        None,
    ),
    (re.compile(rf"^pam_unix\(\S+\): session opened for user {_USER}"), "success"),
    (re.compile(rf"^pam_unix\(\S+\): authentication failure;.*?rhost={_ADDRESS}?.*?(?:user={_USER})?$"), "denied"),
)
_SUDO = re.compile(
    r"^\s*(?P<user>\S+) : (?P<refused>(?!TTY=)[^;]+; )?TTY=\S+ ; PWD=[^;]* ; USER=(?P<as>[^;]+?) ; (?:[^;]+; )*?COMMAND=(?P<command>.*)$",
    re.DOTALL,
)
_AUDIT_WORD = re.compile(r'\b(acct|exe|addr|res|comm|auid|uid|pid|hostname|key)=("[^"]*"|\S+)')
_LONGEST = 4_096
"""Characters of a line in which users and addresses are looked for: what follows is a client's words."""


def parse(line: str) -> dict[str, Any]:
    """What a line says, by field of `host_log`; nothing for a line of no known form."""
    if found := SYSLOG.match(line):
        fields: dict[str, Any] = {"logKind": "syslog", "hostName": found["host"], "program": found["program"]}
        fields |= {"pid": found["pid"]} if found["pid"] else {}
        fields |= {"timeText": found["bsd"]} if found["bsd"] else {"time": _micro(found["iso"])}
        return fields | _said(found["text"][:_LONGEST], found["program"])
    if found := AUDIT.match(line):
        return _audit(found)
    if found := CLOUD_INIT.match(line):
        stamp = found["stamp"].replace(" ", "T").replace(",", ".") + "Z"
        return {"logKind": "cloud-init", "time": stamp, "program": found["module"], "level": found["level"]}
    return {}


def _micro(stamp: str) -> str:
    return re.sub(r"(\.\d{6})\d+", r"\1", stamp)


def _said(text: str, program: str) -> dict[str, Any]:
    if program.startswith("sudo"):
        if ran := _SUDO.match(text):
            allowed = "denied" if ran["refused"] else "success"
            return {"userName": ran["user"], "runAs": ran["as"], "command": ran["command"], "outcome": allowed}
    elif program.startswith(("sshd", "login", "su", "vsftpd", "systemd-logind")):
        for pattern, outcome in _SAID:
            if found := pattern.search(text) if pattern.pattern.startswith("^pam") else pattern.match(text):
                held = found.groupdict()
                known = {"userName": held.get("user"), "remoteAddress": held.get("address"), "outcome": outcome}
                return {name: value for name, value in known.items() if value}
    return {}


def _audit(found: re.Match[str]) -> dict[str, Any]:
    words: dict[str, str] = {}
    for name, text in _AUDIT_WORD.findall(found["text"][:_LONGEST]):
        words.setdefault(name, text.strip("\"'"))
    seconds, _, part = found["epoch"].partition(".")
    fields: dict[str, Any] = {"logKind": "audit", "program": words.get("exe") or words.get("comm")}
    fields |= {"eventType": found["type"], "auditSerial": found["serial"], "epoch": int(seconds) * 1000 + int(part)}
    outcome = {
        "success": "success",
        "yes": "success",
        "1": "success",
        "failed": "denied",
        "no": "denied",
        "0": "denied",
    }
    fields |= {"userName": words.get("acct"), "remoteAddress": _address(words.get("addr")), "pid": words.get("pid")}
    fields |= {"hostName": found["host"], "outcome": outcome.get(words.get("res", ""))}
    return {name: value for name, value in fields.items() if value is not None}


def _address(text: str | None) -> str | None:
    return text if text and text not in ("?", "-") else None
