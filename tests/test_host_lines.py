"""What lines of hosts say, and what those who are logged in them can make them say."""

from typing import Any

import pytest

from forensics.host_lines import goes_on, parse
from forensics.host_shipped import is_line, moment
from forensics.host_words import said
from forensics.source import LogStream
from forensics.sources.host_log import claims_stream, stream_of_key

SAID: list[tuple[str, str, dict[str, Any]]] = [
    (
        "sshd",
        "Accepted publickey for ec2-user from 203.0.113.9 port 55002 ssh2: RSA SHA256:x",
        {"userName": "ec2-user", "remoteAddress": "203.0.113.9", "outcome": "success"},
    ),
    (
        "sshd-session",
        "Failed publickey for invalid user a b from 2001:db8::1 port 5 ssh2: RSA SHA256:x",
        {"userName": "a b", "remoteAddress": "2001:db8::1", "outcome": "denied"},
    ),
    (
        "sshd",
        "Invalid user x from 192.0.2.1 port 22 from 203.0.113.9 port 9",
        {"userName": "x from 192.0.2.1 port 22", "remoteAddress": "203.0.113.9", "outcome": "denied"},
    ),
    (
        "sshd",
        "User root from 203.0.113.9 not allowed because not listed in AllowUsers",
        {"userName": "root", "remoteAddress": "203.0.113.9", "outcome": "denied"},
    ),
    (
        "sshd",
        "Disconnecting authenticating user root 203.0.113.9 port 9: Too many authentication failures [preauth]",
        {"userName": "root", "remoteAddress": "203.0.113.9"},
    ),
    (
        "sshd",
        "error: maximum authentication attempts exceeded for root from 203.0.113.9 port 9 ssh2 [preauth]",
        {"userName": "root", "remoteAddress": "203.0.113.9", "outcome": "denied"},
    ),
    (
        "login",
        "FAILED LOGIN (1) on '/dev/tty1' FOR 'root', Authentication failure",
        {"userName": "root", "outcome": "denied"},
    ),
    ("login", "LOGIN ON tty1 BY ec2-user", {"userName": "ec2-user", "outcome": "success"}),
    ("systemd-logind", "New session 5 of user ec2-user.", {"userName": "ec2-user"}),
    (
        "(systemd)",
        "pam_unix(systemd-user:session): session opened for user ec2-user(uid=1000) by (uid=0)",
        {"userName": "ec2-user", "outcome": "success"},
    ),
    ("su", "FAILED SU (to root) ec2-user on pts/0", {"userName": "ec2-user", "runAs": "root", "outcome": "denied"}),
    ("su", "FAILED su for root by ec2-user", {"userName": "ec2-user", "runAs": "root", "outcome": "denied"}),
    (
        "sudo",
        "bob : command not allowed ; TTY=pts/0 ; PWD=/a;b ; USER=root ; COMMAND=/bin/id",
        {"userName": "bob", "runAs": "root", "command": "/bin/id", "outcome": "denied"},
    ),
    ("CRON", "(root) CMD (/usr/bin/x (y))", {"userName": "root", "command": "/usr/bin/x (y)"}),
    ("subscription-manager", "Accepted password for root from 203.0.113.9 port 1 ssh2", {}),
    ("my-app", "pam_unix(sshd:session): session opened for user root", {}),
]


@pytest.mark.parametrize(("program", "text", "expected"), SAID)
def test_a_program_s_words_say_who_did_what(program: str, text: str, expected: dict[str, Any]) -> None:
    assert said(text, program) == expected


def test_words_of_the_audit_log_are_not_looked_for_in_the_values_of_others() -> None:
    line = """type=USER_CMD msg=audit(1793869804.123:4): pid=7 msg='cwd="addr=192.0.2.1" acct="o'" exe="/bin/sudo" addr=? res=success'"""
    assert parse(line) == {
        "logKind": "audit",
        "program": "/bin/sudo",
        "eventType": "USER_CMD",
        "auditSerial": "4",
        "time": "2026-11-05T09:10:04.123Z",
        "userName": "o'",
        "pid": "7",
        "outcome": "success",
    }


@pytest.mark.parametrize("line", ["  File x", "Traceback (most recent call last):", "ValueError: x", "a.b.CError", ""])
def test_lines_of_a_traceback_go_on_with_the_one_before(line: str) -> None:
    assert goes_on(line)


@pytest.mark.parametrize("line", ["hello", "Installing: x", "2 111122223333 eni-0aaa"])
def test_other_lines_do_not(line: str) -> None:
    assert not goes_on(line)


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (1793869801, "2026-11-05T09:10:01+00:00"),
        (1793869801123, "2026-11-05T09:10:01.123000+00:00"),
        ("1793869801123456", "2026-11-05T09:10:01.123456+00:00"),
        (1793869801.123456, "2026-11-05T09:10:01.123456+00:00"),
        ("2026-11-05 09:10:01 +0100", "2026-11-05T09:10:01+01:00"),
        ("2026-11-05T09:10:01", None),
        ("Nov  5 09:10:01", None),
        (12, None),
        (True, None),
        (float("nan"), None),
        ({}, None),
    ],
)
def test_times_are_read_in_every_unit(held: Any, expected: str | None) -> None:
    assert moment(held) == expected


@pytest.mark.parametrize(
    "name",
    ["alice-0123456789abcdef0", "ecs-execute-command-0123456789abcdef0", "i-0123456789abcdef0-0fedcba9876543210"],
)
def test_names_of_sessions_are_claimed_in_any_group(name: str) -> None:
    assert claims_stream(LogStream("my-group", name), "x")


@pytest.mark.parametrize(
    "name",
    [
        "web-i-0123456789abcdef0",
        "eni-0123456789abcdef0",
        "a-vpc-0123456789abcdef0",
        "web-9123456789abcdef0",
        "web-0123456789abcdef",
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert not claims_stream(LogStream("my-group", name), "x")


COMMAND = "8c1f2d3e-1111-2222-3333-444455556666/i-0123456789abcdef0/awsrunShellScript/0.awsrunShellScript/stderr"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("p/alice-0123456789abcdef0.log", LogStream(None, "alice-0123456789abcdef0")),
        (f"p/{COMMAND}", LogStream(None, COMMAND)),
        ("var/log/cloud-init-output.log", LogStream("/var/log/cloud-init-output.log", None)),
        ("x/ecs-agent.log.gz", LogStream("/var/log/ecs/ecs-agent.log", None)),
        ("p/web-i-0123456789abcdef0.log", None),
        ("p/messages", None),
    ],
)
def test_keys_of_files_say_which_stream_they_would_be(key: str, expected: LogStream | None) -> None:
    assert stream_of_key(key) == expected


def test_a_document_of_another_source_is_no_line_of_a_host() -> None:
    shipped = {"@timestamp": "2026-11-05T09:10:01Z", "@version": "1", "host": "h"}
    assert is_line(shipped | {"message": "words"})
    assert not is_line(shipped | {"message": '{"eventVersion": "1.11"}'})
    assert not is_line(shipped | {"message": "words", "kubernetes": {}})
