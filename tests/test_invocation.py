"""Invocations: what the platform's lines say of each, whichever form they have."""

from pathlib import Path
from typing import Any

import duckdb

from tests.workload_worlds import ORDERS, configured, line, world

MADE = [configured(at="08:00:00")]


def rows(con: duckdb.DuckDBPyConnection, columns: str) -> list[tuple[Any, ...]]:
    return con.execute(f"SELECT {columns} FROM invocation ORDER BY started_at, execution_environment").fetchall()


def test_an_invocation_runs_from_start_to_report(tmp_path: Path) -> None:
    measured: dict[str, Any] = {
        "durationMs": 900.5,
        "billedDurationMs": 901,
        "memorySizeMB": 512,
        "maxMemoryUsedMB": 90,
    }
    lines = [
        line("platform.start", "09:00:00.100", version="$LATEST"),
        line(None, "09:00:00.500"),
        line("platform.report", "09:00:01", initDurationMs=250.25, **measured),
    ]
    with world(tmp_path, lambda_log=lines, cloudtrail=MADE) as con:
        assert rows(con, "request_id, workload, version, execution_environment") == [("r-1", ORDERS, "$LATEST", "s-1")]
        assert rows(con, "init_ms, duration_ms, billed_ms, memory_mb, max_memory_mb, error") == [
            (250.25, 900.5, 901.0, 512, 90, None)
        ]
        times = rows(con, "CAST(started_at AS VARCHAR), CAST(ended_at AS VARCHAR), len(evidence_event_ids)")
        assert times == [("2026-11-05 09:00:00.1", "2026-11-05 09:00:01", 3)]


def test_a_retry_in_another_environment_is_an_invocation_of_its_own(tmp_path: Path) -> None:
    lines = [line("platform.start", f"09:0{place}:00", stream=f"s-{place}") for place in (1, 2)]
    with world(tmp_path, lambda_log=lines) as con:
        assert rows(con, "request_id, execution_environment") == [("r-1", "s-1"), ("r-1", "s-2")]


def test_an_init_report_belongs_to_the_first_invocation_of_its_environment(tmp_path: Path) -> None:
    lines = [
        line("platform.initReport", "08:59:59", request=None, initDurationMs=120.0),
        line("platform.start", "09:00:00"),
        line("platform.start", "09:05:00", request="r-2"),
    ]
    with world(tmp_path, lambda_log=lines) as con:
        assert rows(con, "request_id, init_ms") == [("r-1", 120.0), ("r-2", None)]


def test_a_line_without_a_request_makes_no_invocation(tmp_path: Path) -> None:
    with world(tmp_path, lambda_log=[line("platform.initStart", "09:00:00", request=None)]) as con:
        assert rows(con, "*") == []


def test_a_timeout_is_an_error(tmp_path: Path) -> None:
    lines = [line("platform.start", "09:00:00"), line("platform.timeout", "09:00:03", status="timeout")]
    with world(tmp_path, lambda_log=lines) as con:
        assert rows(con, "error") == [("timeout",)]


def test_the_platforms_error_is_preferred_to_the_codes(tmp_path: Path) -> None:
    lines = [
        line(None, "09:00:01", level="ERROR", errorType="KeyError"),
        line("platform.report", "09:00:02", status="error", errorType="Runtime.ExitError"),
        line(None, "09:00:01", request="r-2", level="ERROR", errorType="KeyError"),
    ]
    with world(tmp_path, lambda_log=lines) as con:
        assert sorted(rows(con, "request_id, error")) == [("r-1", "Runtime.ExitError"), ("r-2", "KeyError")]


def test_an_error_that_the_code_handled_is_none(tmp_path: Path) -> None:
    lines = [
        line(None, "09:00:01", level="ERROR", errorType="KeyError"),
        line("platform.report", "09:00:02", status="success"),
    ]
    with world(tmp_path, lambda_log=lines) as con:
        assert rows(con, "error") == [(None,)]


def test_the_function_is_unknown_where_two_regions_have_one_of_its_name(tmp_path: Path) -> None:
    elsewhere = configured(at="08:10:00", functionArn=ORDERS.replace("us-east-1", "eu-west-1"))
    with world(tmp_path, lambda_log=[line("platform.start", "09:00:00")], cloudtrail=[*MADE, elsewhere]) as con:
        assert rows(con, "workload") == [(None,)]
