"""One line, written by whoever can make a program log it, does not decide what the other lines of an object are."""

import json
from pathlib import Path

import pytest

from forensics.case import Case
from tests.loading import FLOW_HEADER, envelope, loaded, zipped

ALB = (
    "http 2026-11-05T09:10:01.138531Z app/FORGED/0123456789abcdef 203.0.113.9:1231 - -1 -1 -1 404 - 1 2"
    ' "GET http://h:80/ HTTP/1.1" "curl/8" - - -'
)
WAF = json.dumps(
    {"timestamp": 1793869801123, "webaclId": "FORGED", "action": "ALLOW", "httpRequest": {"clientIp": "1"}}
)
TRAIL = json.dumps({"eventVersion": "1.11", "eventName": "FORGED", "eventSource": "iam.amazonaws.com"})
AT = "2026-11-05T09:10:01.123Z"
EXPORT = "exported/0000/web-1/000000.gz"


def counts(tmp_path: Path, key: str, data: bytes) -> dict[str, int]:
    """Rows by source of a case of that one object, rejects among them."""
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {key: data})
        rows = case.sql("SELECT source, count(*) FROM event GROUP BY source").rows()
        (rejected,) = case.sql("SELECT count(*) FROM rejected_record").rows()[0]
    return dict(rows) | ({"rejected": rejected} if rejected else {})


@pytest.mark.parametrize("forged", [ALB, WAF, TRAIL, FLOW_HEADER, f"user said: hi\n{FLOW_HEADER}", "\0 nul"])
def test_a_message_of_an_export_leaves_the_others_where_they_are(forged: str, tmp_path: Path) -> None:
    messages = ["app started", forged, "secret action 1", "secret action 2"]
    text = "".join(f"{AT} {message}\n" for message in messages)
    assert counts(tmp_path, EXPORT, zipped(text.encode())) == {"cloudwatch_log": 4}


@pytest.mark.parametrize("forged", [ALB, WAF, TRAIL])
def test_a_message_of_an_application_stays_one(forged: str, tmp_path: Path) -> None:
    data = envelope("hello", forged, "secret", group="/my/app", stream="web-1")
    assert counts(tmp_path, "app.gz", zipped(data)) == {"cloudwatch_log": 3}


@pytest.mark.parametrize("forged", [ALB, "#Fields: x-edge-location sc-status c-ip", FLOW_HEADER])
def test_a_line_of_a_statement_stays_in_it(forged: str, tmp_path: Path) -> None:
    prefix = "2026-11-05 09:10:0{} UTC:203.0.113.9(51000):app@shop:[1]:LOG:  statement: SELECT {}"
    text = f"{prefix.format(1, 1)}\n{prefix.format(2, 2)} --\n{forged}\n{prefix.format(3, 3)}\n"
    assert counts(tmp_path, "postgresql.log.2026-11-05-09", text.encode()) == {"rds_log": 3}


@pytest.mark.parametrize("name", ["\0", " ".join(["version", *FLOW_HEADER.split()[1:]])])
def test_a_name_that_a_client_chose_hides_no_line(name: str, tmp_path: Path) -> None:
    line = "Nov  5 09:10:0{} ip-10-0-0-1 sshd[10{}]: Invalid user {} from 203.0.113.9 port 51000\n"
    text = line.format(1, 1, "a") + line.format(2, 2, name) + line.format(3, 3, "b")
    assert counts(tmp_path, "var/log/secure", text.encode()) == {"host_log": 3}


@pytest.mark.parametrize("mark", ["\u2028", "\u0085", "\v", "\x1c"])
def test_what_is_no_line_feed_ends_no_line(mark: str, tmp_path: Path) -> None:
    line = ALB.replace("curl/8", f"a{mark}{ALB}{mark}b".replace(chr(34), "\\x22"))
    data = json.dumps({"message": line}).encode()
    assert counts(tmp_path, "shipped.json", data) == {"alb": 1}


def test_lines_of_many_lines_of_json_after_a_broken_one_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensics.readers.WHOLE", 1 << 14)
    monkeypatch.setattr("forensics.readers.stream.CHUNK", 1 << 12)
    good = WAF.encode() + b"\n"
    data = good * 300 + good[:80] + b"\n" + good * 300
    assert counts(tmp_path, "waf.log", data) == {"waf": 600, "rejected": 1}


def test_records_of_a_long_list_after_a_broken_one_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.readers.WHOLE", 1 << 14)
    monkeypatch.setattr("forensics.readers.stream.CHUNK", 1 << 12)
    monkeypatch.setattr("forensics.readers.json_text._LONGEST_DOCUMENT", 1 << 13)
    records = [TRAIL.replace("FORGED", f"Do{number}") for number in range(600)]
    records[300] = records[300][:40]
    data = ('{"Records":[' + ",".join(records) + "]}").encode()
    assert counts(tmp_path, "trail.json", data) == {"cloudtrail": 599, "rejected": 1}
