"""Builds, jobs, state machines and services: to which of them keys were issued, and which session names are not believed."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workload_worlds import DEV, ROLE, attributed, in_scope, run, world
from tests.worlds import ACCOUNT, OTHER, Record, assume, call, role, service, user

BUILD_ID = "0cfbb6ec-3db9-4e8c-992b-1ab280000001"
BUILD = f"arn:aws:codebuild:us-east-1:{ACCOUNT}:build/shop:{BUILD_ID}"
SESSION = f"AWSCodeBuild-{BUILD_ID}"
CODEBUILD = service("codebuild.amazonaws.com")
GLUE = service("glue.amazonaws.com")
STATES = service("states.amazonaws.com")
APP_RUNNER = service("tasks.apprunner.amazonaws.com")
KEY = "ASIAEXAMPLEBUILD"
JOB = f"arn:aws:glue:us-east-1:{ACCOUNT}:job/"
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:"
SERVICE = f"arn:aws:apprunner:us-east-1:{ACCOUNT}:service/web/0123456789abcdef0123456789abcdef"


def issued(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    rows = con.execute("SELECT access_key_id, workload, certainty, candidates FROM credential_workload ORDER BY 1, 2")
    return rows.fetchall()


def known(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT workload, kind, name, role FROM workload ORDER BY 1").fetchall()


def details(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT workload, property, value FROM workload_detail ORDER BY 1, 2, 3").fetchall()


def answered(name: str, at: str, asked: Any = None, answer: Any = None, **more: Any) -> Record:
    """A successful call of a user, with what was asked and answered."""
    known = {"eventID": f"{name}-{at}-{asked}", "requestParameters": asked, "responseElements": answer}
    return call(DEV, name, at=at, **known | more)


def started_build(at: str = "08:59:00", arn: str = BUILD, **more: Any) -> Record:
    build = {
        "arn": arn,
        "id": arn.partition("/")[2],
        "projectName": "shop",
        "serviceRole": ROLE + "build",
        "initiator": "dev",
        "environment": {"image": "aws/codebuild/standard:7.0"},
    }
    return answered("codebuild:StartBuild", at, {"projectName": "shop"}, {"build": build | more})


def build_event(status: str, at: str, arn: str = BUILD, **more: Any) -> Record:
    detail = {"build-id": arn, "build-status": status, "project-name": "shop"}
    event = {"detail-type": "CodeBuild Build State Change", "source": "aws.codebuild", "account": ACCOUNT}
    return event | {"id": f"{status}-{at}", "time": f"2026-11-05T{at}", "region": "us-east-1", "detail": detail} | more


def used(name: str, session: str, key: str = KEY, at: str = "09:30:00", **more: Any) -> Record:
    return call(role(name, session, key=key, **more), at=at, eventID=f"used-{key}")


def minted(caller: Record, name: str, session: str, *, key: str = KEY, at: str = "09:00:00", **more: Any) -> Record:
    return assume(caller, name, session, key=key, at=at, **more)


# CodeBuild


def test_a_key_that_codebuild_had_made_is_the_builds(tmp_path: Path) -> None:
    calls = [started_build(), minted(CODEBUILD, "build", SESSION), used("build", SESSION)]
    with world(tmp_path, cloudtrail=calls) as con:
        assert attributed(con, "issued_to") == [(f"used-{KEY}", BUILD, "recorded", 1)]
        assert known(con) == [(BUILD, "codebuild_build", "shop", ROLE + "build")]
        assert (BUILD, "project", "shop") in details(con)


def test_a_build_that_only_its_notification_names_begins_and_ends(tmp_path: Path) -> None:
    events = [build_event("IN_PROGRESS", "09:00:01"), build_event("SUCCEEDED", "09:05:00")]
    with world(tmp_path, cloudtrail=[minted(CODEBUILD, "build", SESSION)], eventbridge_event=events) as con:
        assert issued(con) == [(KEY, BUILD, "recorded", 1)]
        assert con.execute("SELECT strftime(stopped_at, '%H:%M') FROM workload").fetchall() == [("09:05",)]


def test_a_build_whose_project_no_record_names_has_no_key(tmp_path: Path) -> None:
    asked = answered("codebuild:BatchGetBuilds", "09:01:00", {"ids": [f"evil:{BUILD_ID}"]})
    with world(tmp_path, cloudtrail=[minted(CODEBUILD, "build", SESSION), asked, used("build", SESSION)]) as con:
        assert (issued(con), known(con)) == ([], [])


def test_two_projects_for_one_build_leave_it_open(tmp_path: Path) -> None:
    other = started_build("08:58:00", BUILD.replace("shop", "other"))
    with world(tmp_path, cloudtrail=[started_build(), other, minted(CODEBUILD, "build", SESSION)]) as con:
        assert issued(con) == []


@pytest.mark.parametrize(
    "caller",
    [
        user(),
        role("ci", "x", key="ASIAEXAMPLECI"),
        user() | {"invokedBy": "codebuild.amazonaws.com"},
        {"type": "AWSAccount", "principalId": "AROAEXAMPLECI:x", "accountId": OTHER},
        service("codebuild.amazonaws.com.evil.example.com"),
        {"type": "WebIdentityUser", "userName": "codebuild.amazonaws.com"},
    ],
)
def test_a_session_name_that_somebody_else_chose_is_not_believed(tmp_path: Path, caller: Record) -> None:
    spoofed = minted(caller, "build", SESSION, sourceIPAddress="codebuild.amazonaws.com")
    with world(tmp_path, cloudtrail=[started_build(), spoofed, used("build", SESSION)]) as con:
        assert issued(con) == []


def test_without_an_issuance_the_name_and_the_role_of_a_known_build_make_it_likely(tmp_path: Path) -> None:
    calls = [started_build(), used("build", SESSION), used("other", SESSION, "ASIAEXAMPLEOTHER")]
    calls += [used("build", "AWSCodeBuild-unknown-build-id", "ASIAEXAMPLENAME")]
    with world(tmp_path, cloudtrail=calls) as con:
        assert issued(con) == [(KEY, BUILD, "inferred", 1)]


# Roles that a service assumes without saying for what


def glue_job(name: str, role_name: str, at: str = "08:00:00") -> Record:
    return answered("glue:CreateJob", at, {"name": name, "role": role_name}, {"name": name})


def test_a_glue_session_is_of_any_job_or_crawler_with_its_role(tmp_path: Path) -> None:
    calls = [
        glue_job("etl", ROLE + "etl"),
        glue_job("late", "etl", "10:00:00"),
        glue_job("else", ROLE + "else"),
        answered("glue:UpdateJob", "08:30:00", {"jobName": "moved", "jobUpdate": {"role": "etl"}}),
        answered("glue:CreateCrawler", "08:10:00", {"name": "crawl", "role": "service-role/etl"}),
        minted(GLUE, "etl", "GlueJobRunnerSession"),
        minted(GLUE, "unknown", "GlueJobRunnerSession", key="ASIAEXAMPLEUNKNOWN"),
        minted(GLUE, "else", "GlueJobRunnerSession", key="ASIAEXAMPLEELSE"),
        minted(user(), "etl", "GlueJobRunnerSession", key="ASIAEXAMPLESPOOF"),
    ]
    crawler = f"arn:aws:glue:us-east-1:{ACCOUNT}:crawler/crawl"
    with world(tmp_path, cloudtrail=calls) as con:
        assert issued(con) == [
            (KEY, crawler, "shared", 3),
            (KEY, JOB + "etl", "shared", 3),
            (KEY, JOB + "moved", "shared", 3),
            ("ASIAEXAMPLEELSE", JOB + "else", "inferred", 1),
        ]
        assert con.execute("SELECT DISTINCT kind FROM workload ORDER BY 1").fetchall() == [
            ("glue_crawler",),
            ("glue_job",),
        ]


def machine(name: str, role_name: str, at: str = "08:00:00", event: str = "CreateStateMachine") -> Record:
    asked = {"name": name, "stateMachineArn": MACHINE + name, "roleArn": ROLE + role_name}
    return answered(f"states:{event}", at, asked, {"stateMachineArn": MACHINE + name})


def test_a_key_that_step_functions_had_made_is_of_the_state_machines_with_its_role(tmp_path: Path) -> None:
    calls = [
        machine("pay", "pay"),
        machine("one", "both"),
        machine("two", "both", event="UpdateStateMachine"),
        machine("later", "pay", "11:00:00"),
        minted(STATES, "pay", "kQzXyAbCdEfGhIjKlMnOpQrStUvWxYzA"),
        minted(STATES, "both", "aQzXyAbCdEfGhIjKlMnOpQrStUvWxYzA", key="ASIAEXAMPLEBOTH"),
        minted(service("events.amazonaws.com"), "pay", "x1", key="ASIAEXAMPLEEVENTS"),
        minted(user(), "pay", "kQzXyAbCdEfGhIjKlMnOpQrStUvWxYzB", key="ASIAEXAMPLESPOOF"),
    ]
    with world(tmp_path, cloudtrail=calls) as con:
        assert issued(con) == [
            ("ASIAEXAMPLEBOTH", MACHINE + "one", "shared", 2),
            ("ASIAEXAMPLEBOTH", MACHINE + "two", "shared", 2),
            (KEY, MACHINE + "pay", "bounded", 1),
        ]


def test_a_state_machine_that_was_given_another_role_may_still_run_with_the_one_before(tmp_path: Path) -> None:
    calls = [machine("pay", "old"), machine("pay", "new", "08:30:00", "UpdateStateMachine"), machine("two", "old")]
    calls += [minted(STATES, "old", "k1"), minted(STATES, "new", "k2", key="ASIAEXAMPLENEW", at="08:10:00")]
    with world(tmp_path, cloudtrail=calls) as con:
        assert issued(con) == [(KEY, MACHINE + "pay", "shared", 2), (KEY, MACHINE + "two", "shared", 2)]


def test_app_runner_has_keys_for_the_code_and_keys_of_its_own(tmp_path: Path) -> None:
    made = {"serviceArn": SERVICE, "instanceConfiguration": {"instanceRoleArn": ROLE + "web"}}
    access = {"authenticationConfiguration": {"accessRoleArn": ROLE + "fetch"}}
    calls = [
        answered("apprunner:CreateService", "08:00:00", {"sourceConfiguration": access}, {"service": made}),
        minted(APP_RUNNER, "web", "AppRunner-1"),
        minted(service("build.apprunner.amazonaws.com"), "fetch", "AppRunner-2", key="ASIAEXAMPLEFETCH"),
        minted(service("build.apprunner.amazonaws.com"), "web", "AppRunner-3", key="ASIAEXAMPLEWEB"),
        answered("apprunner:DeleteService", "12:00:00", {"serviceArn": SERVICE}, {"service": made}),
    ]
    with world(tmp_path, cloudtrail=calls) as con:
        assert issued(con) == [(KEY, SERVICE, "bounded", 1)]
        assert con.execute("SELECT kind, hour(started_at), hour(stopped_at) FROM workload").fetchall() == [
            ("apprunner_service", 8, 12)
        ]


def test_a_sagemaker_session_is_of_anything_with_its_role(tmp_path: Path) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:"
    asked = {"roleArn": ROLE + "science"}
    names = [("TrainingJob", "trainingJobArn", "training-job/a"), ("Pipeline", "pipelineArn", "pipeline/b")]
    calls = [
        answered(f"sagemaker:Create{thing}", "08:00:00", asked, {field: arn + name}) for thing, field, name in names
    ]
    notebook = {"executionRoleArn": ROLE + "science", "notebookInstanceName": "Desk"}
    calls += [answered("sagemaker:CreateNotebookInstance", "08:00:00", notebook)]
    calls += [minted(service("sagemaker.amazonaws.com"), "science", "SageMaker")]
    with world(tmp_path, cloudtrail=calls) as con:
        assert [row[1:] for row in issued(con)] == [
            (arn + "notebook-instance/desk", "shared", 3),
            (arn + "pipeline/b", "shared", 3),
            (arn + "training-job/a", "shared", 3),
        ]


# Jobs and clusters whose keys are those of tasks and instances


def test_a_batch_job_and_its_task_know_each_other(tmp_path: Path) -> None:
    job = f"arn:aws:batch:us-east-1:{ACCOUNT}:job/5c3f7f2e-0000-4000-8000-000000000001"
    task = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/batch/0123456789abcdef0123456789abcdef"
    submitted = {"jobArn": job, "jobName": "nightly", "jobId": job.rpartition("/")[2]}
    detail = {"jobArn": job, "jobName": "nightly", "status": "RUNNING", "container": {"taskArn": task}}
    event = {"id": "e1", "detail-type": "Batch Job State Change", "source": "aws.batch", "detail": detail}
    calls = [answered("batch:SubmitJob", "08:00:00", {"jobQueue": "q", "jobDefinition": "d:1"}, submitted)]
    with world(tmp_path, cloudtrail=calls, eventbridge_event=[event | {"time": "2026-11-05T08:01:00"}]) as con:
        assert known(con) == [(job, "batch_job", "nightly", None)]
        found = details(con)
    assert (job, "task", task) in found
    assert (task, "batch_job", job) in found


def test_an_instance_knows_the_cluster_of_emr_that_it_is_of(tmp_path: Path) -> None:
    started = run(at="08:10:00")
    tags = started["responseElements"]["instancesSet"]["items"][0]["tagSet"]["items"]
    tags.append({"key": "aws:elasticmapreduce:job-flow-id", "value": "j-ABCDEF1234567"})
    cluster = f"arn:aws:elasticmapreduce:us-east-1:{ACCOUNT}:cluster/j-ABCDEF1234567"
    calls = [
        answered("elasticmapreduce:RunJobFlow", "08:00:00", {"name": "nightly"}, {"jobFlowId": "j-ABCDEF1234567"}),
        answered("elasticmapreduce:TerminateJobFlows", "10:00:00", {"jobFlowIds": ["j-ABCDEF1234567"]}),
        started,
    ]
    with world(tmp_path, cloudtrail=calls) as con:
        rows = con.execute(
            "SELECT workload, name, hour(started_at), hour(stopped_at) FROM workload WHERE kind = ?", ["emr_cluster"]
        )
        assert rows.fetchall() == [(cluster, "nightly", 8, 10)]
        assert "emr_cluster" in {row[1] for row in details(con)}


# What records say themselves, and what belongs to no workload


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        (f"arn:aws:glue:us-east-1:{ACCOUNT}:job/etl", "glue_job"),
        (MACHINE + "pay", "states_state_machine"),
        (BUILD, "codebuild_build"),
        (f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/a", "sagemaker_training_job"),
        (f"arn:aws:bedrock-agentcore:us-east-1:{ACCOUNT}:runtime/r-1", "bedrock_agentcore_runtime"),
    ],
)
def test_a_key_whose_records_name_another_kind_of_thing_is_its(tmp_path: Path, arn: str, kind: str) -> None:
    who = in_scope(role("any", "x", key=KEY), arn)
    with world(tmp_path, cloudtrail=[call(who, eventID="e")]) as con:
        assert attributed(con, "issued_to") == [("e", arn, "recorded", 1)]
        assert [row[:2] for row in known(con)] == [(arn, kind)]


def test_sessions_that_services_hold_for_themselves_are_of_no_workload(tmp_path: Path) -> None:
    own = [
        ("cloudformation.amazonaws.com", "AWSCloudFormation"),
        ("rds.amazonaws.com", "dbi-id-db-ABCDEFGHIJKL"),
        ("cloudtrail.amazonaws.com", "CLOUDWATCH_LOGS_DELIVERY_SESSION"),
        ("inspector2.amazonaws.com", "MandoService1"),
        ("codebuild.amazonaws.com", "x"),
    ]
    calls = [
        minted(service(name), "own", session, key=f"ASIAEXAMPLE{number}") for number, (name, session) in enumerate(own)
    ]
    infra = role("aws:ec2-infrastructure", "i-0aaaaaaaaaaaaaaa1", key=KEY, uid=f"{ACCOUNT}:aws:ec2-infrastructure")
    calls += [call(infra), machine("pay", "own"), glue_job("etl", "own"), run(at="08:00:00")]
    with world(tmp_path, cloudtrail=calls) as con:
        assert issued(con) == []


@pytest.mark.parametrize("odd", [[], "x", 7, {"build": ["x"], "builds": {}, "stateMachineArn": {}, "service": "y"}])
def test_answers_of_any_shape_do_no_harm(tmp_path: Path, odd: Any) -> None:
    names = (
        "codebuild:StartBuild codebuild:BatchGetBuilds glue:CreateJob sagemaker:CreateTrainingJob batch:SubmitJob"
        " states:CreateStateMachine apprunner:CreateService elasticmapreduce:RunJobFlow"
        " elasticmapreduce:TerminateJobFlows emr-serverless:StartJobRun"
    ).split()
    calls = [answered(name, "08:00:00", odd, odd) for name in names]
    events = [build_event("SUCCEEDED", "09:00:00", detail=odd), build_event("X", "09:00:00", arn="<script>")]
    with world(tmp_path, cloudtrail=calls, eventbridge_event=events) as con:
        assert known(con) == []


def test_a_case_without_records_has_none(tmp_path: Path) -> None:
    with world(tmp_path) as con:
        assert (issued(con), known(con), details(con)) == ([], [], [])
