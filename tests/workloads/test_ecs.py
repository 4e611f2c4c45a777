"""To whom keys of ECS tasks were issued, what must not be believed, and whole incidents."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workload_worlds import DEV, ROLE, attributed, flow, found, held, in_scope, service, world
from tests.workloads.ecs_world import (
    ECS_TASKS,
    ENI,
    HERE,
    HOST,
    ID,
    INSTANCE_ID,
    KEY,
    OLD_ID,
    OTHER,
    OTHER_ID,
    TASK,
    arn,
    host_state,
    minted,
    registered,
    run_task,
    running,
    session,
    stopped,
)
from tests.worlds import Record, assume, call, role

EXEC_KEY = "ASIAEXAMPLEEXEC"
ROLES = {"taskRoleArn": ROLE + "web-task-role", "executionRoleArn": ROLE + "exec"}


def issued(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    rows = con.execute("SELECT access_key_id, workload, certainty FROM credential_workload ORDER BY 1, 2")
    return rows.fetchall()


def used(key: str = KEY, *, at: str = "09:10:00", **more: Any) -> Record:
    return call(session(key=key, **more), at=at, eventID=f"used-{key}")


def test_keys_of_both_roles_that_ecs_had_made_are_the_task_s(tmp_path: Path) -> None:
    mints = [minted(), minted(role_name="exec", key=EXEC_KEY)]
    with world(tmp_path, cloudtrail=mints, ecs_event=[running()]) as con:
        assert issued(con) == [(EXEC_KEY, TASK, "recorded"), (KEY, TASK, "recorded")]


def test_a_task_of_an_old_account_has_a_uuid(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[minted(OLD_ID), used()]) as con:
        assert issued(con) == [(KEY, arn(OLD_ID, None), "recorded")]


def test_credentials_that_say_to_which_task_they_were_issued_are_its(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[call(in_scope(session(), TASK), eventID="e")]) as con:
        assert attributed(con, "issued_to") == [("e", TASK, "recorded", 1)]


def test_the_resource_of_a_finding_names_the_task_of_its_key(tmp_path: Path) -> None:
    block = {"ecsClusterDetails": {"taskDetails": {"arn": TASK}}, "accessKeyDetails": {"accessKeyId": KEY}}
    with world(tmp_path, guardduty=[found(resource=block)]) as con:
        assert issued(con) == [(KEY, TASK, "recorded")]


@pytest.mark.parametrize("role_name", ["web-task-role", "exec"])
def test_a_session_named_like_a_known_task_is_inferred_to_be_its(tmp_path: Path, role_name: str) -> None:
    calls = [call(session(role_name=role_name), at="09:10:00"), registered(**ROLES)]
    events = [running(taskDefinitionArn=f"arn:aws:ecs:{HERE}:task-definition/web:12", createdAt="08:59:30")]
    with world(tmp_path, cloudtrail=calls, ecs_event=events) as con:
        assert issued(con) == [(KEY, TASK, "inferred")]


def test_a_further_key_of_a_task_known_by_its_first_is_inferred(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[minted(), used("ASIAEXAMPLELATER", at="15:00:00")]) as con:
        assert issued(con) == [
            ("ASIAEXAMPLELATER", arn(cluster=None), "inferred"),
            (KEY, arn(cluster=None), "recorded"),
        ]


def test_a_session_named_like_no_known_task_is_nobody_s(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[call(session(OTHER_ID))], ecs_event=[running()]) as con:
        assert issued(con) == []


def spoofed(by: Record, key: str) -> list[Record]:
    """A session named like the task is issued to somebody else, and used."""
    return [assume(by, "web-task-role", ID, key=key, at="09:05:00"), used(key)]


def test_a_session_that_another_named_like_a_task_is_not_the_task_s(tmp_path: Path) -> None:
    foreign = {"type": "AWSAccount", "principalId": "AIDAEXAMPLEFOREIGN", "accountId": "444455556666"}
    callers = [
        DEV,
        DEV | {"invokedBy": "ecs-tasks.amazonaws.com"},
        role("dev", "jane", key="ASIAEXAMPLEJANE"),
        foreign,
        service("ecs.amazonaws.com"),
        session(),
    ]
    calls = [record for place, by in enumerate(callers) for record in spoofed(by, f"ASIAEXAMPLESPOOF{place}")]
    for place, order in enumerate(([minted(), *calls], [*calls[::-1], minted()])):
        with world(tmp_path / str(place), cloudtrail=order, ecs_event=[running(), stopped()]) as con:
            assert issued(con) == [(KEY, TASK, "recorded")]


def test_a_session_used_before_the_task_was_made_is_not_its(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[used(at="08:10:00")], ecs_event=[running(createdAt="08:59:30")]) as con:
        assert issued(con) == []


def test_a_session_of_a_role_that_the_definition_does_not_have_is_not_the_task_s(tmp_path: Path) -> None:
    ran = run_task({"taskArn": TASK})
    with world(tmp_path, cloudtrail=[registered(**ROLES), ran, call(session(role_name="admin"))]) as con:
        assert issued(con) == []


def test_a_session_of_another_account_is_not_the_task_s(tmp_path: Path) -> None:
    other = role("web-task-role", ID, key=KEY, account="444455556666")
    with world(tmp_path, cloudtrail=[call(other)], ecs_event=[running()]) as con:
        assert issued(con) == []


def test_a_mint_with_a_name_that_is_no_task_id_is_nobody_s(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[minted("not-a-task"), minted("'; DROP TABLE workload; --", key="ASIAX")]) as con:
        assert issued(con) == []


def finding_of(who: Record, **more: Any) -> Record:
    block = {"accessKeyId": who["accessKeyId"], "principalId": who["principalId"], "userType": "AssumedRole"}
    return found(resource={"accessKeyDetails": block}, **more)


def test_a_finding_about_a_task_s_session_names_the_task_but_not_if_another_named_it_so(tmp_path: Path) -> None:
    spoof, other = session(key="ASIAEXAMPLESPOOF"), session(OTHER_ID, key="ASIAEXAMPLEOTHER")
    findings = [
        finding_of(session()),
        finding_of(session(key="ASIAEXAMPLELATER"), id="f-2"),
        finding_of(spoof, id="f-3"),
        finding_of(other, id="f-4"),
        finding_of(session(), id="f-5", accountId="444455556666"),
    ]
    calls = [minted(), *spoofed(DEV, "ASIAEXAMPLESPOOF")]
    with world(tmp_path, cloudtrail=calls, guardduty=findings, ecs_event=[running()]) as con:
        rows = con.execute("SELECT finding_id, workload FROM finding ORDER BY finding_id").fetchall()
        assert rows == [("f-1", TASK), ("f-2", TASK), ("f-3", None), ("f-4", None), ("f-5", None)]


# Whole incidents


ROLE_THEFT = {
    "cloudtrail": [
        minted(),
        call(session(), at="09:14:20", sourceIPAddress="203.0.113.77", eventID="stolen"),
    ],
    "ecs_event": [running()],
    "vpc_flow": [flow("09:12:00", "09:12:58", eni=ENI, **{"flow-direction": "egress", "ecs-task-arn": TASK})],
}


def test_the_role_of_a_fargate_task_is_stolen(tmp_path: Path) -> None:
    with world(tmp_path, **ROLE_THEFT) as con:
        assert attributed(con, "issued_to") == [("stolen", TASK, "recorded", 1)]
        assert attributed(con, "used_from") == []
        assert held(con, "eni") == [(TASK, ENI, "09:00:10", None, "bounded")]
        assert con.execute("SELECT role FROM workload").fetchall() == [(ROLE + "web-task-role",)]


def test_a_container_is_left_for_its_host(tmp_path: Path) -> None:
    privileged = {"containerDefinitions": [{"name": "d", "image": "alpine:3", "privileged": True}], "pidMode": "host"}
    calls = [
        registered("diag:1", **privileged),
        run_task({"taskArn": OTHER, "containerInstanceArn": HOST}, taskDefinition="diag:1", launchType="EC2"),
        call(role("host", INSTANCE_ID, key="ASIAHOST", ec2RoleDelivery="2.0"), "ec2:DescribeInstances", eventID="out"),
    ]
    fetched = {"time": "2026-11-05T11:02:30", "task_arn": TASK, "cluster": "prod", "container_instance_arn": HOST}
    with world(tmp_path, cloudtrail=calls, ecs_event=[host_state()], ecs_agent_log=[fetched]) as con:
        instance = f"arn:aws:ec2:{HERE}:instance/{INSTANCE_ID}"
        assert attributed(con, "issued_to") == [("out", instance, "recorded", 1)]
        assert [row[:2] for row in held(con, "instance")] == [(OTHER, instance), (TASK, instance)]
        privileged_rows = con.execute("SELECT workload FROM workload_detail WHERE property = 'privileged'").fetchall()
        assert privileged_rows == [(OTHER,)]


def test_a_caller_gets_the_power_of_a_task_s_role(tmp_path: Path) -> None:
    calls = [
        registered("job:3", taskRoleArn=ROLE + "admin-task"),
        run_task({"taskArn": OTHER}, taskDefinition="job:3") | {"eventID": "run"},
        minted(OTHER_ID, "admin-task", at="14:00:41"),
        call(session(OTHER_ID, "admin-task"), "iam:AttachUserPolicy", at="14:01:10", eventID="attach"),
    ]
    for place, order in enumerate((calls, calls[::-1])):
        with world(tmp_path / str(place), cloudtrail=order) as con:
            assert attributed(con, "issued_to") == [("attach", OTHER, "recorded", 1)]
            assert con.execute("SELECT workload, role FROM workload").fetchall() == [(OTHER, ROLE + "admin-task")]
            asked = "SELECT value, evidence_event_ids FROM workload_detail WHERE property = 'requested_by'"
            assert con.execute(asked).fetchall() == [(DEV["arn"], ["run"])]


def test_the_same_records_in_any_order_give_the_same_tables(tmp_path: Path) -> None:
    tables = ("workload", "workload_detail", "workload_container", "credential_workload", "lifetime")
    seen = []
    for place, turn in enumerate((1, -1)):
        with world(tmp_path / str(place), **{name: rows[::turn] for name, rows in ROLE_THEFT.items()}) as con:
            seen.append([con.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in tables])
    assert seen[0] == seen[1]


def test_a_key_of_ecs_used_after_the_task_is_still_its(tmp_path: Path) -> None:
    calls = [assume(ECS_TASKS, "web-task-role", ID, key=KEY, at="09:00:02"), used(at="12:00:00")]
    with world(tmp_path, cloudtrail=calls, ecs_event=[running(), stopped()]) as con:
        assert attributed(con, "issued_to") == [(f"used-{KEY}", TASK, "recorded", 1)]
