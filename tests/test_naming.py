"""The analyst says of which log group events are that do not say it themselves, before or after they were loaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from forensics import cli, evidence, naming
from forensics.case import Case
from forensics.load import load
from forensics.raw import raw_record
from forensics.source import LogStream
from tests.loading import envelope, put, tables, zipped

ORDERS = LogStream("/aws/lambda/orders-fn", "2026/11/05/[$LATEST]0abc", "111122223333", "us-east-1")
ID = "8c1f2d3e-1111-2222-3333-444455556666"
TEXT = f"START RequestId: {ID} Version: $LATEST\nhello\nEND RequestId: {ID}\n"
EXPORT = f"2026-11-05T09:10:01.123Z START RequestId: {ID} Version: $LATEST\n2026-11-05T09:10:02.123Z two\nlines\n"
QUERY = "SELECT function_name, owner, type, message FROM lambda_log ORDER BY record"


def case_of(tmp_path: Path, name: str, data: bytes, *streams: LogStream | None) -> Case:
    """A case in which the object was added and loaded once for each of those statements."""
    case = Case.create(tmp_path / f"case-{len(streams)}")
    folder = put(tmp_path / "logs", {name: data})
    for stream in streams:
        evidence.add(case, folder, stream=stream)
        load(case, workers=1)
    return case


def rows(case: Case) -> list[tuple[Any, ...]]:
    return list(case.sql(QUERY).rows())


def test_lines_out_of_their_envelope_are_events_of_the_stream_that_is_named(tmp_path: Path) -> None:
    with case_of(tmp_path, "firehose-1", TEXT.encode(), ORDERS) as case:
        assert rows(case) == [
            ("orders-fn", "111122223333", "platform.start", f"START RequestId: {ID} Version: $LATEST"),
            ("orders-fn", "111122223333", None, "hello"),
            ("orders-fn", "111122223333", "platform.end", f"END RequestId: {ID}"),
        ]
        assert case.sql("SELECT source, account_id, region FROM evidence").rows() == [
            ("lambda_log", "111122223333", "us-east-1")
        ]


def test_json_out_of_its_envelope_is_the_messages(tmp_path: Path) -> None:
    events = [
        {"time": "2026-11-05T09:10:01.123Z", "type": "platform.start", "record": {"requestId": ID}},
        {"message": "m"},
    ]
    data = "".join(json.dumps(event) for event in events).encode()
    with case_of(tmp_path, "firehose-1", data, ORDERS) as case:
        assert [row[:3] for row in rows(case)] == [
            ("orders-fn", "111122223333", "platform.start"),
            ("orders-fn", "111122223333", None),
        ]


def test_an_export_keeps_its_times_and_messages(tmp_path: Path) -> None:
    group = LogStream("/aws/lambda/orders-fn", None)
    with case_of(tmp_path, "t/2026-11-05-[$LATEST]0abc/000000.gz", zipped(EXPORT.encode()), group) as case:
        found = case.sql(
            "SELECT log_group, log_stream, strftime(timestamp, '%H:%M:%S'), message FROM lambda_log"
        ).rows()
        assert found[1] == ("/aws/lambda/orders-fn", "2026/11/05/[$LATEST]0abc", "09:10:02", "two\nlines")


def test_an_envelope_says_itself_what_its_stream_is(tmp_path: Path) -> None:
    data = envelope("hello", group="/aws/lambda/other-fn")
    with case_of(tmp_path, "envelope.json", data, ORDERS) as case:
        assert [row[0] for row in rows(case)] == ["other-fn"]


def test_what_was_loaded_already_is_loaded_anew(tmp_path: Path) -> None:
    name, data = "t/2026-11-05-[$LATEST]0abc/000000.gz", zipped(EXPORT.encode())
    with case_of(tmp_path, name, data, ORDERS) as first, case_of(tmp_path, name, data, None, ORDERS, ORDERS) as later:
        assert len(rows(later)) == 2
        differ = {name for name, held in tables(first).items() if held != tables(later)[name]}
        assert differ <= {"evidence"}, "which says when it was acquired"


def test_an_object_that_was_not_recognised_is_loaded_once_it_is_named(tmp_path: Path) -> None:
    with case_of(tmp_path, "lines", b"hello\nworld\n", None) as case:
        assert case.sql("SELECT status FROM evidence").rows() == [("unrecognised",)]
        evidence.add(case, tmp_path / "logs", stream=LogStream("/my/app", "s"))
        load(case, workers=1)
        assert case.sql("SELECT log_group, message FROM cloudwatch_log ORDER BY record").rows() == [
            ("/my/app", "hello"),
            ("/my/app", "world"),
        ]


def test_the_raw_record_is_the_line(tmp_path: Path) -> None:
    with case_of(tmp_path, "lines", b"hello\nworld\n", LogStream("/my/app", None)) as case:
        (object_id,) = case.sql("SELECT object_id FROM evidence").rows()[0]
        assert json.loads(raw_record(case, f"{object_id}#1"))["message"] == "world"


def test_a_case_without_the_table_has_named_nothing(tmp_path: Path) -> None:
    with case_of(tmp_path, "trail.json", b'{"Records": []}', None) as case:
        case.connection.execute("DROP TABLE named_stream")
        assert naming.named(case, "any") is None


def test_the_custody_record_says_what_was_named(tmp_path: Path) -> None:
    with case_of(tmp_path, "lines", b"hello\n", LogStream("/my/app", "s")) as case:
        assert "as events of /my/app s" in (case.path / "custody.jsonl").read_text()


@pytest.mark.parametrize(
    ("given", "said"), [(["--account", "1"], "12 digits"), (["--region", "r"], "go with --log-group")]
)
def test_a_statement_that_makes_no_sense_is_wrong_usage(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Case.create(tmp_path / "case").close()
    assert cli.main(["add", str(tmp_path / "case"), str(tmp_path), *given]) == 2
    assert said in capsys.readouterr().err
