"""When tasks ran, from which definition and image, with which roles and containers."""

from pathlib import Path
from typing import Any

import duckdb

from tests.workload_worlds import ROLE, found, world
from tests.workloads.ecs_world import (
    CLUSTER,
    HOST,
    ID,
    TASK,
    arn,
    definition,
    minted,
    registered,
    run_task,
    running,
    session,
    state,
    stopped,
)
from tests.worlds import ACCOUNT, Record, call

WEB_ROLE = ROLE + "web-task-role"
EXEC_KEY = "ASIAEXAMPLEEXEC"


def column(con: duckdb.DuckDBPyConnection, name: str) -> Any:
    (row,) = con.execute(f"SELECT CAST({name} AS VARCHAR) FROM workload WHERE kind = 'ecs_task'").fetchall()
    return row[0]


def life(con: duckdb.DuckDBPyConnection) -> Any:
    (row,) = con.execute(
        "SELECT strftime(started_at, '%H:%M:%S'), strftime(stopped_at, '%H:%M:%S') FROM workload WHERE kind = 'ecs_task'"
    ).fetchall()
    return row


def details(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(con.execute("SELECT property, value FROM workload_detail ORDER BY property, last_seen").fetchall())


def containers(con: duckdb.DuckDBPyConnection) -> list[Any]:
    rows = con.execute("SELECT name, image, image_digest, runtime_id FROM workload_container ORDER BY ALL")
    return rows.fetchall()


def held(name: str = "web", **more: Any) -> Record:
    return {"name": name, "image": f"repo/{name}:1"} | more


def submitted(status: str, at: str) -> Record:
    asked = {"task": TASK, "cluster": "prod", "status": status}
    return call(session("i-1", "host", key="ASIAHOST"), "ecs:SubmitTaskStateChange", at=at, requestParameters=asked)


def test_a_task_runs_from_its_start_until_its_last_container_stopped(tmp_path: Path) -> None:
    with world(tmp_path, ecs_event=[running(), stopped()]) as con:
        assert life(con) == ("09:00:10", "09:40:58")


def test_the_stopped_event_alone_tells_a_whole_life(tmp_path: Path) -> None:
    with world(tmp_path, ecs_event=[stopped(executionStoppedAt=None)]) as con:
        assert life(con) == ("09:00:10", "09:41:03")


def test_a_task_told_to_stop_still_runs(tmp_path: Path) -> None:
    going = state("DEACTIVATING", at="09:40:30", version=4, startedAt="09:00:10", stoppingAt="09:40:28")
    with world(tmp_path, ecs_event=[running(), going]) as con:
        assert life(con) == ("09:00:10", None)


def test_a_task_that_never_ran_has_no_start(tmp_path: Path) -> None:
    failed = state("STOPPED", at="09:03:00", createdAt="08:59:30", stoppedAt="09:02:58", stopCode="TaskFailedToStart")
    with world(tmp_path, ecs_event=[state("PENDING", at="09:00:00", version=2), failed]) as con:
        assert life(con) == (None, "09:02:58")
        assert details(con)["stop_code"] == "TaskFailedToStart"


def test_what_the_host_told_ecs_counts_where_no_event_of_ecs_is_there(tmp_path: Path) -> None:
    told = [submitted("RUNNING", "09:00:20"), submitted("STOPPED", "09:30:00")]
    with world(tmp_path / "alone", cloudtrail=told) as con:
        assert life(con) == ("09:00:20", "09:30:00")
    with world(tmp_path / "beside", cloudtrail=told, ecs_event=[running(), stopped()]) as con:
        assert life(con) == ("09:00:10", "09:40:58")


def test_a_finding_tells_when_its_task_started(tmp_path: Path) -> None:
    task = {"arn": TASK, "startedAt": 1793869210.0, "launchType": "FARGATE", "definitionArn": definition()}
    with world(tmp_path, guardduty=[found(resource={"ecsClusterDetails": {"taskDetails": task}})]) as con:
        assert life(con) == ("09:00:10", None)
        assert details(con) == {"launch_type": "FARGATE", "task_definition": definition()}


def test_a_start_of_any_shape_is_no_start(tmp_path: Path) -> None:
    odd: list[Any] = ["soon", -1, 1e300, [], {"a": 1}, True]
    blocks = [{"arn": arn(f"{place:032x}"), "startedAt": when, "containers": when} for place, when in enumerate(odd)]
    findings = [
        found(f"f-{place}", resource={"ecsClusterDetails": {"taskDetails": block}})
        for place, block in enumerate(blocks)
    ]
    with world(tmp_path, guardduty=findings) as con:
        assert con.execute("SELECT count(*), count(started_at) FROM workload").fetchall() == [(len(odd), 0)]


def test_the_image_is_the_first_container_s_in_the_latest_version(tmp_path: Path) -> None:
    first = state("PENDING", at="09:00:05", version=2, containers=[held(image="repo/other:1")])
    last = running(containers=[held(), held("sidecar")])
    for place, events in enumerate(([first, last, last], [last, last, first])):
        with world(tmp_path / str(place), ecs_event=events) as con:
            assert column(con, "image") == "repo/web:1"


def test_the_definition_tells_the_image_where_no_event_does(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[registered(), run_task({"taskArn": TASK})]) as con:
        assert column(con, "image") == "repo/web:1"


def test_the_task_role_is_the_definition_s_and_the_execution_role_is_not(tmp_path: Path) -> None:
    roles = {"taskRoleArn": WEB_ROLE, "executionRoleArn": ROLE + "exec"}
    calls = [registered(**roles), run_task({"taskArn": TASK}), minted(role_name="exec", key=EXEC_KEY, at="09:30:00")]
    for place, order in enumerate(([*calls, minted()], [minted(), *calls[::-1]])):
        with world(tmp_path / str(place), cloudtrail=order) as con:
            assert column(con, "role") == WEB_ROLE
            assert details(con)["execution_role"] == ROLE + "exec"


def test_whoever_starts_a_task_may_give_it_another_role(tmp_path: Path) -> None:
    ran = run_task({"taskArn": TASK}, overrides={"taskRoleArn": ROLE + "admin"})
    with world(tmp_path, cloudtrail=[registered(taskRoleArn=WEB_ROLE), ran]) as con:
        assert column(con, "role") == ROLE + "admin"


def test_a_role_that_the_definition_only_names_is_the_one_its_keys_have(tmp_path: Path) -> None:
    calls = [registered(taskRoleArn="web-task-role"), run_task({"taskArn": TASK}), minted(path="/app/")]
    with world(tmp_path, cloudtrail=calls) as con:
        assert column(con, "role") == ROLE + "app/web-task-role"


def test_without_a_definition_a_role_may_be_either(tmp_path: Path) -> None:
    pulled = call(session(), "ecr:GetAuthorizationToken", at="09:00:05")
    with world(tmp_path, cloudtrail=[minted(), pulled], ecs_event=[running()]) as con:
        assert column(con, "role") is None


def test_a_key_that_calls_what_no_agent_does_has_the_task_role(tmp_path: Path) -> None:
    calls = [minted(), minted(role_name="exec", key=EXEC_KEY), call(session(), at="09:10:00")]
    calls += [call(session(role_name="exec", key=EXEC_KEY), "logs:CreateLogStream", at="09:00:20")]
    with world(tmp_path, cloudtrail=calls) as con:
        assert column(con, "role") == WEB_ROLE
        assert details(con) == {"role_inferred_from": "calls that no agent of ECS makes"}


def test_a_role_that_is_not_the_execution_role_is_the_task_role(tmp_path: Path) -> None:
    ran = run_task({"taskArn": TASK}, overrides={"executionRoleArn": ROLE + "exec"})
    with world(tmp_path, cloudtrail=[ran, minted(), minted(role_name="exec", key=EXEC_KEY)]) as con:
        assert column(con, "role") == WEB_ROLE
        assert details(con)["role_inferred_from"] == "keys of a role that is not the execution role"


def test_events_tell_what_a_task_was(tmp_path: Path) -> None:
    known = {
        "taskDefinitionArn": definition(),
        "group": "service:web",
        "startedBy": "ecs-svc/1",
        "platformVersion": "1.4.0",
    }
    known |= {"availabilityZone": "us-east-1a", "enableExecuteCommand": True, "containerInstanceArn": HOST}
    ended = stopped(stopCode="UserInitiated", stoppedReason="<b>done</b>")
    with world(tmp_path, ecs_event=[running(**known), ended]) as con:
        assert details(con) == {
            "availability_zone": "us-east-1a",
            "cluster": CLUSTER,
            "container_instance": HOST,
            "execute_command_enabled": "true",
            "group": "service:web",
            "launch_type": "FARGATE",
            "platform_version": "1.4.0",
            "service": "web",
            "started_by": "ecs-svc/1",
            "stop_code": "UserInitiated",
            "stopped_reason": "<b>done</b>",
            "task_definition": definition(),
        }


def test_calls_tell_who_had_a_task_started_entered_and_stopped(tmp_path: Path) -> None:
    dev = f"arn:aws:iam::{ACCOUNT}:user/dev"
    ran = run_task({"taskArn": TASK, "taskDefinitionArn": definition()}, startedBy="nightly", enableExecuteCommand=True)
    entered = run_task() | {
        "eventName": "ExecuteCommand",
        "eventID": "exec",
        "requestParameters": {"task": ID, "cluster": "prod"},
    }
    ended = entered | {"eventName": "StopTask", "eventID": "stop"}
    with world(tmp_path, cloudtrail=[ran, entered, ended]) as con:
        known = details(con)
        assert [known[name] for name in ("requested_by", "command_executed_by", "stop_requested_by")] == [dev] * 3
        assert known["requested_with"] == "AKIAEXAMPLEDEV"
        assert known["started_by"] == "nightly"
        assert known["execute_command_enabled"] == "true"


def test_the_definition_tells_what_lets_a_task_out_of_its_container(tmp_path: Path) -> None:
    asked = {
        "networkMode": "host",
        "pidMode": "host",
        "containerDefinitions": [{"name": "d", "image": "alpine:3", "privileged": True}],
        "volumes": [{"name": "root", "host": {"sourcePath": "/"}}, {"name": "scratch"}],
    }
    with world(tmp_path, cloudtrail=[registered(**asked), run_task({"taskArn": TASK})]) as con:
        known = details(con)
        assert {name: known[name] for name in ("network_mode", "pid_mode", "privileged", "host_path")} == {
            "network_mode": "host",
            "pid_mode": "host",
            "privileged": "true",
            "host_path": "/",
        }


def test_aws_config_tells_a_definition_too(tmp_path: Path) -> None:
    item = {
        "resourceType": "AWS::ECS::TaskDefinition",
        "ARN": definition(),
        "configurationItemCaptureTime": "2026-11-05T08:00:00",
        "configuration": {"TaskRoleArn": WEB_ROLE, "ContainerDefinitions": [{"Image": "repo/web:1"}]},
    }
    with world(tmp_path, config_item=[item], ecs_event=[running(taskDefinitionArn=definition())]) as con:
        assert column(con, "role") == WEB_ROLE
        assert column(con, "image") == "repo/web:1"


def test_containers_are_told_with_their_digests_and_runtime_ids(tmp_path: Path) -> None:
    full = {"imageDigest": "sha256:1", "runtimeId": f"{ID}-1"}
    ran = run_task({"taskArn": TASK, "containers": [held(), held("sidecar")]})
    with world(tmp_path, cloudtrail=[ran], ecs_event=[running(containers=[held(**full), held("sidecar")])]) as con:
        assert containers(con) == [
            ("sidecar", "repo/sidecar:1", None, None),
            ("web", "repo/web:1", "sha256:1", f"{ID}-1"),
        ]


def test_a_container_that_began_again_is_told_twice(tmp_path: Path) -> None:
    events = [
        running(containers=[held(runtimeId="r-1")]),
        state("RUNNING", at="09:10:00", version=4, containers=[held(runtimeId="r-2")]),
    ]
    with world(tmp_path, ecs_event=events) as con:
        assert [row[3] for row in containers(con)] == ["r-1", "r-2"]


def test_a_finding_tells_its_container(tmp_path: Path) -> None:
    block = {"ecsClusterDetails": {"taskDetails": {"arn": TASK}}, "containerDetails": held(id="c-1")}
    with world(tmp_path, guardduty=[found(resource=block)]) as con:
        assert containers(con) == [("web", "repo/web:1", None, "c-1")]


def test_log_lines_tell_containers_but_not_under_another_cluster(tmp_path: Path) -> None:
    line = {"taskArn": TASK, "containerName": "web", "containerId": "c-1", "message": "m"}
    other = line | {"taskArn": TASK.replace("prod", "evil"), "containerName": "evil"}
    with world(tmp_path, ecs_event=[running()], container_log=[line, other]) as con:
        assert containers(con) == [("web", None, None, "c-1")]


def test_details_of_any_shape_are_survived(tmp_path: Path) -> None:
    shapes: list[Any] = [None, 7, "text", [], [1, None, "x", [2]], {"name": 1}, [{"name": {"a": 1}}]]
    named = [arn(f"{place:032x}") for place in range(len(shapes))]
    events, calls = [], []
    for task, shape in zip(named, shapes, strict=True):
        events.append(running(task=task, containers=shape, attachments=shape, overrides=shape))
        ran = run_task({"taskArn": task, "containers": shape, "overrides": shape}, overrides=shape)
        made = registered(containerDefinitions=shape, volumes=shape, taskRoleArn=shape)
        calls += [ran | {"eventID": f"run-{task}"}, made | {"eventID": f"made-{task}"}]
    with world(tmp_path, ecs_event=events, cloudtrail=calls) as con:
        started = con.execute("SELECT workload FROM workload WHERE started_at IS NOT NULL ORDER BY workload").fetchall()
        assert started == [(task,) for task in named]
