"""What programs of a host say in their lines of users, addresses, commands and outcomes: sshd, sudo, su, login, PAM, cron.

Whoever connects to sshd asks for a user of any name, blanks and addresses included: what the daemon itself writes is
found from the end of the line. What a line leaves open stays open.
"""

from __future__ import annotations

import re
from typing import Any

_ADDRESS = r"(?P<address>[0-9a-fA-F.:]{3,45})"
_AT = rf"{_ADDRESS} port \d+"
_ANYBODY = r"(?P<anybody>[^\n]*)"
_USER = r"(?P<user>\S+)"

_Form = tuple[re.Pattern[str], str | None]


def _form(pattern: str, outcome: str | None = None) -> _Form:
    return re.compile(pattern, re.DOTALL), outcome


_SSHD = (
    _form(rf"Accepted \S+ for {_USER} from {_AT}", "success"),
    _form(
        r"(?:Failed \S+|(?:error: )?maximum authentication attempts exceeded)"
        rf" for (?:invalid user {_ANYBODY}|{_USER}) from {_AT}(?: ssh\d)?(?:: \S+ \S+)?(?: \[preauth\])?\s*$",
        "denied",
    ),
    _form(rf"I(?:nvalid|llegal) user {_ANYBODY} from {_ADDRESS}(?: port \d+)?\s*$", "denied"),
    _form(
        r"(?:Disconnected from|Disconnecting|Connection (?:closed|reset) by)(?: (?:invalid|authenticating))?"
        rf"(?: user {_ANYBODY})? {_AT}(?:: Too many authentication failures)?(?: \[preauth\])?\s*$"
    ),
    _form(
        rf"(?:error: )?PAM: \w+(?: \w+){{0,4}} for (?:illegal user {_ANYBODY}|{_USER}) from {_ADDRESS}\s*$", "denied"
    ),
    _form(rf"User {_USER} from (?:{_ADDRESS}|\S+) not allowed because ", "denied"),
    _form(rf"(?:Received disconnect|Connection|Did not receive identification string) from {_AT}\b"),
)
_PAM = (
    _form(
        r"pam_\w+\([^)]*\): session opened for user (?P<user>[^\s(]+)(?:\(uid=\d+\))?(?: by (?P<by>[^\s(]*)(?:\(uid=\d+\))?)?",
        "success",
    ),
    _form(r"pam_\w+\([^)]*\): session closed for user (?P<user>[^\s(]+)"),
    _form(
        rf"pam_\w+\([^)]*\): authentication failure; .*?\bruser=(?P<asker>\S*) rhost=(?:{_ADDRESS}|\S*)(?:\s+user={_ANYBODY})?$",
        "denied",
    ),
)
_SU = (
    _form(rf"\(to (?P<as>\S+)\) {_USER} on ", "success"),
    _form(rf"FAILED SU \(to (?P<as>\S+)\) {_USER} on ", "denied"),
    _form(rf"Successful su for (?P<as>\S+) by {_USER}", "success"),
    _form(rf"FAILED su for (?P<as>\S+) by {_USER}", "denied"),
)
_LOGIN = (
    _form(r"(?P<user>ROOT) LOGIN ON ", "success"),
    _form(rf"LOGIN ON \S+ BY {_USER}", "success"),
    _form(r"FAILED LOGIN \S+ \w+ \S+ FOR '(?P<anybody>[^'\n]*)', ", "denied"),
)
_LOGIND = (_form(r"New session \S+ of user (?P<user>\S+?)\.\s*$"),)
_CRON = (_form(r"\((?P<user>[^)]+)\) CMD \((?P<command>.*)\)\s*$"),)
_FORMS: dict[str, tuple[_Form, ...]] = {
    "sshd": (*_SSHD, *_PAM),
    "sshd-session": (*_SSHD, *_PAM),
    "sshd-auth": (*_SSHD, *_PAM),
    "su": (*_SU, *_PAM),
    "su-l": (*_SU, *_PAM),
    "runuser": _PAM,
    "login": (*_LOGIN, *_PAM),
    "vsftpd": _PAM,
    "systemd-logind": _LOGIND,
    "systemd": _PAM,
    "cron": (*_CRON, *_PAM),
    "crond": (*_CRON, *_PAM),
    "sudo": _PAM,
}
_CHANGES_USER = frozenset({"su", "su-l", "sudo", "runuser"})
_SUDO = re.compile(
    r"\s*(?P<user>\S+) : (?P<refused>(?!TTY=)[^;]+; )?TTY=\S+ ; PWD=.{0,4096}? ; USER=(?P<as>[^;]{1,300}?) ; (?:[^;]{1,1000}; ){0,16}?COMMAND=(?P<command>.*)$",
    re.DOTALL,
)
_RUNS_AS = " ; USER="


def said(text: str, program: str) -> dict[str, Any]:
    """What a program's words say, by field of `host_log`; nothing where the program or the words are unknown."""
    name = program.strip("()").rpartition("/")[2].lower()
    forms = _FORMS.get(name)
    if forms is None:
        return {}
    if name == "sudo" and (ran := _SUDO.match(text)):
        return _ran(ran, text)
    for pattern, outcome in forms:
        if found := pattern.match(text):
            return _fields(found.groupdict(), outcome, changes_user=name in _CHANGES_USER)
    return {}


def _ran(found: re.Match[str], text: str) -> dict[str, Any]:
    """What sudo ran; not whose rights and which command, where the name of the folder may say so too."""
    fields = {"userName": found["user"], "outcome": "denied" if found["refused"] else "success"}
    if text.count(_RUNS_AS) > 1:
        return fields
    return fields | {"runAs": found["as"], "command": found["command"]}


def _fields(held: dict[str, str | None], outcome: str | None, *, changes_user: bool) -> dict[str, Any]:
    """Of a change of user, who changed and to whom."""
    user, by = held.get("user") or held.get("anybody") or held.get("asker"), held.get("by")
    changed = {"userName": by, "runAs": user} if by and changes_user else {"userName": user, "runAs": held.get("as")}
    rest = {"command": held.get("command"), "remoteAddress": held.get("address"), "outcome": outcome}
    return {name: value for name, value in (changed | rest).items() if value}
