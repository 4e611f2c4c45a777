"""ECS tasks that records name, and the one key that each has."""

from pathlib import Path
from typing import Any

import duckdb

from forensics.case import Case
from tests.workload_worlds import add, flow, found, in_scope, resolve, world
from tests.workloads.ecs_world import (
    CLUSTER,
    ID,
    OLD_ID,
    OTHER_ID,
    TASK,
    arn,
    minted,
    run_task,
    running,
    session,
    state,
)
from tests.worlds import ACCOUNT, Record, call


def tasks(con: duckdb.DuckDBPyConnection) -> list[Any]:
    rows = con.execute("SELECT workload FROM workload WHERE kind = 'ecs_task' ORDER BY workload").fetchall()
    return [row[0] for row in rows]


def asked(name: str, *, at: str = "09:00:00", answer: Any = None, **request: Any) -> Record:
    return call(session(), f"ecs:{name}", at=at, requestParameters=request, responseElements=answer)


def logged(**more: Any) -> Record:
    return {"owner": ACCOUNT, "message": "ready", "timestamp": "2026-11-05T09:10:00", "taskId": ID} | more


def cluster_block(task: str = TASK, **details: Any) -> Record:
    return {"ecsClusterDetails": {"arn": CLUSTER, "taskDetails": {"arn": task} | details}}


def test_any_record_that_names_a_task_makes_it_known(tmp_path: Path) -> None:
    ids = [f"{number:032x}" for number in range(12)]
    named = [arn(each) for each in ids]
    with world(
        tmp_path,
        ecs_event=[state("PENDING", at="09:00:00", task=named[0])],
        cloudtrail=[
            run_task({"taskArn": named[1]}),
            asked("StopTask", answer={"task": {"taskArn": named[2]}}, task=ids[2], cluster="prod"),
            asked("SubmitTaskStateChange", task=named[3], cluster="prod", status="RUNNING"),
            asked("ExecuteCommand", task=ids[4], cluster=CLUSTER),
            call(in_scope(session(ids[5]), named[5])),
        ],
        vpc_flow=[
            flow("09:00:00", "09:01:00", **{"ecs-task-arn": named[6]}),
            flow("09:00:00", "09:01:00", **{"ecs-task-id": ids[7], "ecs-cluster-arn": CLUSTER}),
            flow("09:00:00", "09:01:00", **{"ecs-task-id": ids[8], "ecs-cluster-name": "prod"}),
        ],
        guardduty=[found(resource=cluster_block(named[9]))],
        container_log=[logged(taskArn=named[10])],
        ecs_agent_log=[{"time": "2026-11-05T09:00:00", "task_arn": named[11], "cluster": "prod"}],
    ) as con:
        assert tasks(con) == named


def test_a_task_that_only_its_key_names_has_a_key_without_a_cluster(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[minted()]) as con:
        assert tasks(con) == [arn(cluster=None)]


def test_a_key_issued_in_the_region_that_serves_all_belongs_to_the_same_task(tmp_path: Path) -> None:
    mints = [minted(awsRegion="us-east-1"), minted(key="ASIAEXAMPLEEXEC", awsRegion="eu-west-1")]
    with world(tmp_path, cloudtrail=mints) as con:
        assert tasks(con) == [f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task/{ID}"]


def test_once_any_record_names_the_cluster_every_record_is_the_same_task_s(tmp_path: Path) -> None:
    short = state("RUNNING", at="09:00:12", task=arn(cluster=None), clusterArn=None)
    flows = [flow("09:00:00", "09:01:00", **{"ecs-task-arn": TASK})]
    with world(tmp_path, cloudtrail=[minted()], ecs_event=[short], vpc_flow=flows) as con:
        assert tasks(con) == [TASK]
        assert con.execute("SELECT DISTINCT workload FROM credential_workload").fetchall() == [(TASK,)]


def test_an_arn_of_the_old_format_gets_the_cluster_of_its_event(tmp_path: Path) -> None:
    with world(tmp_path, ecs_event=[running(task=arn(OLD_ID, None))], cloudtrail=[minted(OLD_ID)]) as con:
        assert tasks(con) == [arn(OLD_ID)]


def test_a_call_that_names_no_cluster_means_the_default_one(tmp_path: Path) -> None:
    ran = run_task({"taskArn": arn(OLD_ID, None)}, cluster=None)
    with world(tmp_path, cloudtrail=[ran]) as con:
        assert tasks(con) == [arn(OLD_ID, "default")]


def test_failures_of_a_call_are_no_tasks_and_neither_are_calls_that_failed(tmp_path: Path) -> None:
    failed = run_task({"taskArn": TASK}) | {"errorCode": "ClientException"}
    partly = run_task(at="09:05:00") | {"responseElements": {"tasks": [], "failures": [{"arn": TASK}]}}
    with world(tmp_path, cloudtrail=[failed, partly]) as con:
        assert tasks(con) == []


def test_a_sample_finding_names_no_task(tmp_path: Path) -> None:
    with world(tmp_path, guardduty=[found(resource=cluster_block(), title="[SAMPLE] A title")]) as con:
        assert tasks(con) == []


def test_a_container_s_word_on_the_cluster_counts_less_than_aws_s(tmp_path: Path) -> None:
    with world(tmp_path, ecs_event=[running()], container_log=[logged(taskArn=arn(cluster="evil"))]) as con:
        assert tasks(con) == [TASK]


def test_where_words_on_the_cluster_differ_none_is_believed(tmp_path: Path) -> None:
    lines = [logged(taskArn=TASK), logged(taskArn=arn(cluster="evil"))]
    with world(tmp_path, container_log=lines) as con:
        assert tasks(con) == [arn(cluster=None)]


def in_a_stream(tmp_path: Path, *lines: Record) -> list[Any]:
    """Tasks of a case whose log group is of this account and Region."""
    with Case.create(tmp_path / "case") as case:
        add(case.connection, "container_log", list(lines))
        case.connection.execute(
            "INSERT INTO evidence (object_id, uri, sha256, size, acquired_at, status, account_id, region)"
            " VALUES ('object-0', 'a', 'b', 1, TIMESTAMP '2026-11-06', 'loaded', ?, 'us-east-1')",
            [ACCOUNT],
        )
        resolve(case.connection)
        return tasks(case.connection)


def test_a_log_stream_names_a_task_where_its_cluster_is_known(tmp_path: Path) -> None:
    assert in_a_stream(tmp_path, logged(clusterName="prod"), logged(taskId=OTHER_ID)) == [TASK]


HOSTILE = [
    "",
    "t",
    "task/prod/" + ID,
    f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/prod",
    f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/prod/x/{ID}",
    f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/prod/{ID}\narn",
    f"arn:aws:ecs:us-east-1:1:task/prod/{ID}",
    f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{ID}",
    f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/'; DROP TABLE workload; --/{ID}",
]


def test_what_is_no_task_s_arn_names_no_task(tmp_path: Path) -> None:
    with world(
        tmp_path,
        ecs_event=[state("RUNNING", at="09:00:00", task=text) for text in HOSTILE],
        cloudtrail=[
            *(run_task({"taskArn": text}) for text in HOSTILE),
            *(call(in_scope(session(), text), eventID=text) for text in HOSTILE),
        ],
        vpc_flow=[flow("09:00:00", "09:01:00", **{"ecs-task-arn": text}) for text in HOSTILE],
        guardduty=[found(resource=cluster_block(text)) for text in HOSTILE],
        container_log=[logged(taskArn=text, taskId=text) for text in HOSTILE],
    ) as con:
        assert tasks(con) == []


SHAPES: list[Any] = [None, 7, "text", [], [1, None, "x"], {"tasks": 1}, {"tasks": ["x", None, [1]]}]


def test_answers_of_any_shape_name_no_task(tmp_path: Path) -> None:
    ran = [run_task() | {"responseElements": shape} for shape in SHAPES]
    ended = [asked("StopTask", answer=shape) for shape in SHAPES]
    entered = [asked("ExecuteCommand") | {"requestParameters": shape} for shape in SHAPES]
    calls = [record | {"eventID": f"e-{place}"} for place, record in enumerate([*ran, *ended, *entered])]
    with world(tmp_path, cloudtrail=calls) as con:
        assert tasks(con) == []
