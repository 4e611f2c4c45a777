"""A kind of workload that no record has traces of is left out, and nothing else changes by it."""

from pathlib import Path
from typing import Any

import pytest

from forensics import workloads
from tests.workload_worlds import DEV, WEB_ID, configured, flow, found, line, resolve, run, terminate, world
from tests.worlds import call

WEB_TOKEN = call(
    DEV, "sts:AssumeRoleWithWebIdentity", at="09:10:00", requestParameters={"roleArn": "arn:aws:iam::1:role/x"}
)
RECORDS = {
    "cloudtrail": [
        configured(at="08:00:00"),
        run(at="08:00:00"),
        terminate(at="10:00:00"),
        call(DEV, "eks:DescribeCluster", at="08:30:00", requestParameters={"name": "prod"}),
        WEB_TOKEN,
    ],
    "vpc_flow": [flow("09:00:00", "09:01:00", **{"instance-id": WEB_ID})],
    "lambda_log": [line("platform.start", "09:00:00")],
    "guardduty": [found()],
}
MADE = ("workload", "workload_detail", "workload_container", "credential_workload", "lifetime", "request_link")


def made(tmp_path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What is made of the records."""
    with world(tmp_path, **RECORDS) as con:
        return {table: con.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in MADE}


def test_what_has_no_traces_would_have_given_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, bool] = {}
    natural = workloads._traced

    def traced(con: Any, kind: workloads.WorkloadKind) -> bool:
        asked[kind.name] = natural(con, kind)
        return True

    left_out = made(tmp_path / "left out")
    monkeypatch.setattr(workloads, "_traced", traced)
    assert made(tmp_path / "made") == left_out
    assert asked["ecs_task"] is asked["eks_pod"] is False
    assert left_out["workload"]


def test_what_was_traced_once_is_gone_with_its_records(tmp_path: Path) -> None:
    pod = {
        "clusterName": "prod",
        "namespaceName": "pay",
        "podName": "api-1",
        "podId": "0a1b2c3d-1111-2222-3333-444455556666",
    }
    with world(tmp_path, container_log=[pod | {"time": "2026-11-05T09:00:00Z"}]) as con:
        assert [row[0] for row in con.execute("SELECT kind FROM workload").fetchall()] == ["eks_pod"]
        con.execute("DELETE FROM stored.container_log")
        resolve(con)
        assert con.execute("SELECT count(*) FROM workload").fetchall() == [(0,)]
        assert con.execute("SELECT count(*) FROM workload_detail").fetchall() == [(0,)]
