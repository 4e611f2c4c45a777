"""Log text is hostile: it comes through loading, tables, Timeline and CSV unaltered and does nothing on the way."""

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.cli import main
from forensics.raw import raw_record
from forensics.timeline import Timeline
from tests.loading import FLOW, FLOW_HEADER, envelope, finding, loaded, records, rejects, status, trail

HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "formula": '=cmd|" /C calc"!A0',
    "sql": "'; DROP TABLE cloudtrail; --",
    "escape": "\x1b[2J\x1b]0;title\x07",
    "nul": "before\0after",
    "lines": "one\r\ntwo\tthree",
    "megabyte": "A" * (1 << 20),
    "right to left": "\u202egpj.exe",
    "beyond the plane": "\U0001f600\u0000\uffff",
    "template": "{{ 7*7 }} ${7*7} %s {0}",
}


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """A case with a call for each hostile text, as user agent and object key."""
    with Case.create(tmp_path / "case") as made:
        calls = [
            trail("GetObject", eventID=name, userAgent=text, requestParameters={"bucketName": "b", "key": text})
            for name, text in HOSTILE.items()
        ]
        loaded(made, tmp_path / "logs", {"calls.json": records(*calls), "logs.json": envelope(*HOSTILE.values())})
        yield made


def test_hostile_text_is_in_the_tables_as_it_was_written(case: Case) -> None:
    rows = case.sql("SELECT event_id, user_agent, request_parameters->>'$.key' FROM cloudtrail").rows()
    assert {name: (agent, key) for name, agent, key in rows} == {name: (text,) * 2 for name, text in HOSTILE.items()}
    assert case.sql("SELECT message FROM lambda_log ORDER BY record").rows() == [(text,) for text in HOSTILE.values()]
    assert rejects(case) == []


def test_hostile_text_is_in_the_timeline_as_it_was_written(case: Case) -> None:
    frame = Timeline(case).source("cloudtrail").df()
    assert dict(zip(frame["event_id"], frame["user_agent"], strict=True)) == HOSTILE
    assert Timeline(case).where("user_agent = ?", HOSTILE["sql"]).count() == 1
    assert case.sql("SELECT count(*) FROM cloudtrail").rows() == [(len(HOSTILE),)]


def test_hostile_text_is_harmless_in_csv_and_on_a_terminal(case: Case, capfd: pytest.CaptureFixture[str]) -> None:
    case.close()
    csv.field_size_limit(1 << 22)
    assert main(["timeline", str(case.path), "--format", "csv"]) == 0
    text = capfd.readouterr().out
    rows = list(csv.DictReader(text.splitlines(keepends=True)))
    assert len(rows) == 2 * len(HOSTILE)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row.values())
    assert not any(mark in text for mark in "\x1b\x07\0")
    assert main(["timeline", str(case.path), "--format", "table"]) == 0
    assert not any(mark in capfd.readouterr().out for mark in "\x1b\x07\0")


def test_a_raw_record_is_the_text_of_the_evidence(case: Case) -> None:
    assert json.loads(raw_record(case, "markup"))["userAgent"] == HOSTILE["markup"]


def test_half_a_surrogate_pair_costs_no_record(tmp_path: Path) -> None:
    text = records(trail("A"), trail("B", userAgent="x\ud800y"), trail("C", requestParameters={"key": "\udc00"}))
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {"calls.json": text})
        rows = case.sql("SELECT event_name, user_agent, request_parameters->>'$.key' FROM cloudtrail ORDER BY record")
        assert rows.rows() == [("A", None, None), ("B", "x\ufffdy", None), ("C", None, "\ufffd")]
        reason = "it holds characters that are not valid text; they are replaced"
        assert [(number, why) for number, why, _ in rejects(case)] == [(1, reason), (2, reason)]
        assert r"x\ud800y" in rejects(case)[0][2]
        assert r"x\ud800y" in raw_record(case, "event-B")


def test_half_a_surrogate_pair_alone_or_in_an_envelope_costs_no_record(tmp_path: Path) -> None:
    one = json.dumps(trail("A", userAgent="\ud800")).encode()
    files = {
        "one.json": one,
        "lines.json": b"\n".join([one.replace(b"event-A", b"event-B"), one.replace(b"event-A", b"event-C")]),
        "lookup.json": json.dumps(
            {"Events": [{"CloudTrailEvent": json.dumps(trail("D", userAgent="\ud800"))}]}
        ).encode(),
        "lambda.json": envelope("fine", "half \udcff pair"),
        "trail.json": envelope(
            json.dumps(trail("E", userAgent="\ud800")), group="t", stream="111122223333_CloudTrail_us-east-1"
        ),
    }
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", files)
        assert status(case) == {
            "one.json": ("partial", 1, 1),
            "lines.json": ("partial", 2, 2),
            "lookup.json": ("partial", 1, 1),
            "lambda.json": ("partial", 2, 1),
            "trail.json": ("partial", 1, 1),
        }
        assert case.sql("SELECT DISTINCT user_agent FROM cloudtrail").rows() == [("\ufffd",)]
        assert case.sql("SELECT message FROM lambda_log ORDER BY record").rows() == [("fine",), ("half \ufffd pair",)]


def test_bytes_that_are_not_utf8_are_told_whatever_the_shape(tmp_path: Path) -> None:
    stamp, uuid = "2026-11-05T09:10:01.123Z", "8c1f2d3e-1111-2222-3333-444455556666"
    files = {
        "calls.json": records(trail("A", userAgent="MARK"), trail("B")).replace(b"MARK", b"a\xffb"),
        "flows.log": f"{FLOW_HEADER}\n{FLOW.replace('eni-0example', 'eni-MARK')}\n".encode().replace(
            b"MARK", b"a\xffb"
        ),
        "000000.gz": gzip.compress(
            f"{stamp} END RequestId: {uuid}\n{stamp} MARK\n".encode().replace(b"MARK", b"a\xffb")
        ),
        "raw.json": records(trail("C", requestParameters={"k": "MARK\0"})).replace(b"MARK\\u0000", b"a\xffb\0"),
    }
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", files)
        assert {name: row[0] for name, row in status(case).items()} == dict.fromkeys(files, "partial")
        assert case.sql("SELECT user_agent FROM cloudtrail WHERE event_name = 'A'").rows() == [("a\ufffdb",)]
        assert case.sql("SELECT interface_id FROM vpc_flow").rows() == [("eni-a\ufffdb",)]
        assert case.sql("SELECT message FROM lambda_log ORDER BY record").rows()[1] == ("a\ufffdb",)
        assert case.sql("SELECT request_parameters->>'$.k' FROM cloudtrail WHERE event_name = 'C'").rows() == [
            ("a\ufffdb\0",)
        ]


def test_numbers_and_times_out_of_all_bounds_spoil_nothing(tmp_path: Path) -> None:
    text = records(
        trail("A", additionalEventData={"bytesTransferredOut": 1e300}),
        trail("B", additionalEventData={"bytesTransferredOut": -1}, eventTime="0001-01-01T00:00:00Z"),
        trail("C", eventTime="9999-12-31T23:59:59Z"),
        trail("D", eventTime="10000-01-01T00:00:00Z", requestParameters={"n": 1}),
    ).replace(b'{"n": 1}', b'{"n": 1e999, "m": 1' + b"0" * 500 + b"}")
    flows = [FLOW, FLOW.replace("1793869200", "9223372036854"), FLOW.replace("1793869200", "253402300799")]
    late = FLOW.replace("1793869200", "-62135596800")
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {"a.json": text, "b.log": "\n".join([FLOW_HEADER, *flows, late]).encode()})
        assert [(number, reason) for number, reason, _ in rejects(case)] == [
            *sorted([(1, "start is not a time")]),
            (3, "eventTime is not a time"),
        ] or {reason for _, reason, _ in rejects(case)} == {"start is not a time", "eventTime is not a time"}
        assert Timeline(case).count() == 8
        assert len(Timeline(case).df()) == 8


@pytest.mark.parametrize(
    "shape", [[], {}, "", "x", 0, True, None, [[]], [{"a": []}], {"items": "x"}, [None, {"ARN": 5}]]
)
def test_a_member_of_any_shape_loads_and_reads_as_an_event(tmp_path: Path, shape: object) -> None:
    odd = dict.fromkeys(
        ["userIdentity", "requestParameters", "responseElements", "additionalEventData", "resources", "tlsDetails"],
        shape,
    )
    calls = [
        trail(name, eventID=f"{service}-{name}", eventSource=f"{service}.amazonaws.com", **odd)
        for service in ("s3", "sts", "iam", "ec2", "ecs", "lambda")
        for name in ("AssumeRole", "RunInstances", "RunTask")
    ]
    things = [
        finding(id=f"f{place}", resource=held, service={"action": shape})
        for place, held in enumerate(
            [{"instanceDetails": shape, "s3BucketDetails": shape, "accessKeyDetails": shape}, {"lambdaDetails": shape}]
        )
    ]
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {"a.json": records(*calls), "b.json": json.dumps(things).encode()})
        assert len(Timeline(case).rows()) == len(calls) + len(things)
        assert {row[0] for row in status(case).values()} <= {"loaded", "partial"}
