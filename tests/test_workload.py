"""Workloads: what ran, and to which of them each key was issued."""

from pathlib import Path
from typing import Any

import duckdb

from tests.workload_worlds import (
    API_ID,
    BILLING,
    DEV,
    EC2,
    KEY,
    LAMBDA,
    ORDERS,
    ROLE,
    WEB,
    WEB_ID,
    configured,
    flow,
    found,
    in_scope,
    line,
    resolve,
    run,
    terminate,
    world,
)
from tests.worlds import Record, assume, call, role


def issued(con: duckdb.DuckDBPyConnection, key: str = KEY) -> Any:
    query = "SELECT workload, workload_certainty FROM credential WHERE access_key_id = ?"
    return con.execute(query, [key]).fetchone()


def column(con: duckdb.DuckDBPyConnection, name: str) -> list[Any]:
    return [row[0] for row in con.execute(f"SELECT {name} FROM workload ORDER BY workload").fetchall()]


def function_session(session: str = "orders-fn", key: str = KEY) -> Record:
    return role("orders-fn-role", session, key=key)


def instance_session(**more: Any) -> Record:
    return role("web-role", WEB_ID, key=KEY, **more)


def test_a_function_is_what_the_call_that_made_it_says(tmp_path: Path) -> None:
    calls = [configured(at="08:00:00"), configured(at="09:00:00", event="UpdateFunctionCode20150331v2")]
    with world(tmp_path, cloudtrail=calls) as con:
        row = con.execute("SELECT * EXCLUDE (started_at, stopped_at) FROM workload").fetchone()
        assert row == (
            *(ORDERS, "lambda_function", "111122223333", "us-east-1", "orders-fn"),
            *(f"{ROLE}orders-fn-role", None, "orders-fn at 09:00:00"),
        )
        assert [str(time) for time in column(con, "started_at")] == ["2026-11-05 08:00:00"]


def test_version_and_alias_are_no_part_of_a_functions_key(tmp_path: Path) -> None:
    who = in_scope(function_session(), f"{ORDERS}:$LATEST")
    with world(tmp_path, cloudtrail=[call(who), configured(at="08:00:00", functionArn=f"{ORDERS}:7")]) as con:
        assert column(con, "workload") == [ORDERS]
        assert issued(con) == (ORDERS, "recorded")


def test_deleting_one_version_does_not_end_a_function(tmp_path: Path) -> None:
    asked = {"functionName": "orders-fn", "qualifier": "3"}
    gone = call(DEV, "lambda:DeleteFunction20150331", requestParameters=asked)
    with world(tmp_path, cloudtrail=[configured(at="08:00:00"), gone]) as con:
        assert column(con, "stopped_at") == [None]


def test_deleting_a_function_ends_it_however_it_is_named(tmp_path: Path) -> None:
    gone = [
        call(DEV, "lambda:DeleteFunction20150331", at="10:00:00", requestParameters={"functionName": ORDERS}),
        call(
            DEV,
            "lambda:DeleteFunction20150331",
            at="11:00:00",
            requestParameters={"functionName": "billing-fn"},
        ),
    ]
    made = [configured(at="08:00:00"), configured("billing-fn", at="08:00:01")]
    with world(tmp_path, cloudtrail=[*made, *gone]) as con:
        assert [str(time)[11:] for time in column(con, "stopped_at")] == ["11:00:00", "10:00:00"]


def test_a_call_of_a_like_name_makes_no_function(tmp_path: Path) -> None:
    calls = [
        configured(at="08:00:00", event="CreateFunctionUrlConfig"),
        configured(at="08:01:00", errorCode="x"),
    ]
    calls[1]["errorCode"] = "ResourceConflictException"
    with world(tmp_path, cloudtrail=calls) as con:
        assert column(con, "workload") == []


def test_an_instance_lives_from_run_to_terminate(tmp_path: Path) -> None:
    stop = call(DEV, "ec2:StopInstances", at="09:00:00", requestParameters={"instancesSet": {}})
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), stop, terminate(at="10:00:00")]) as con:
        row = con.execute(
            "SELECT workload, kind, name, image, CAST(started_at AS VARCHAR), CAST(stopped_at AS VARCHAR) FROM workload"
        ).fetchone()
        assert row == (WEB, "ec2_instance", "web", "ami-1", "2026-11-05 08:00:00", "2026-11-05 10:00:00")


def test_an_instance_is_known_from_flow_records_and_findings(tmp_path: Path) -> None:
    block = {"instanceDetails": {"instanceId": API_ID, "imageId": "ami-2"}}
    records = {"vpc_flow": [flow("09:00:00", "09:01:00", **{"instance-id": WEB_ID})]}
    with world(tmp_path, guardduty=[found(resource=block)], **records) as con:
        assert column(con, "name") == [WEB_ID, API_ID]
        assert column(con, "image") == [None, "ami-2"]


def test_a_sample_finding_makes_no_workload(tmp_path: Path) -> None:
    block = {"instanceDetails": {"instanceId": API_ID}}
    sample = found(resource=block, service={"additionalInfo": {"sample": True}})
    with world(tmp_path, guardduty=[sample, found("f-2", resource=block, title="[SAMPLE] x")]) as con:
        assert column(con, "workload") == []


def test_a_function_is_known_from_its_log_only_where_account_and_region_are(tmp_path: Path) -> None:
    with world(tmp_path, lambda_log=[line("platform.start", "09:00:00")]) as con:
        assert column(con, "workload") == []
        con.execute(
            "INSERT INTO evidence (object_id, uri, sha256, size, acquired_at, region, status)"
            " SELECT object_id, '', '', 0, TIMESTAMP '2026-11-05', 'us-east-1', 'loaded' FROM lambda_log"
        )
        resolve(con)
        assert column(con, "workload") == [ORDERS]


def test_a_key_is_recorded_where_any_of_its_records_names_the_workload(tmp_path: Path) -> None:
    calls = [call(in_scope(function_session(), ORDERS)), call(function_session(), at="09:01:00")]
    with world(tmp_path, cloudtrail=calls) as con:
        assert issued(con) == (ORDERS, "recorded")


def test_a_scope_that_names_a_role_names_no_workload(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[call(in_scope(function_session(), f"{ROLE}orders-fn-role"))]) as con:
        assert issued(con) == (None, None)


def test_a_session_minted_by_lambda_under_a_functions_name_is_inferred(tmp_path: Path) -> None:
    mint = assume(LAMBDA, "orders-fn-role", "orders-fn", key=KEY, at="08:30:00")
    with world(tmp_path, cloudtrail=[configured(at="08:00:00"), mint, call(function_session())]) as con:
        assert issued(con) == (ORDERS, "inferred")


def test_lambdas_own_use_of_a_role_is_issued_to_no_workload(tmp_path: Path) -> None:
    name = "awslambda_12_20261105083000123"
    mint = assume(LAMBDA, "orders-fn-role", name, key=KEY, at="08:30:00")
    calls = [configured(at="08:00:00"), mint, call(in_scope(function_session(name), ORDERS))]
    with world(tmp_path, cloudtrail=calls) as con:
        assert issued(con) == (None, None)


def test_a_tenant_who_takes_a_functions_name_gets_no_workload(tmp_path: Path) -> None:
    mint = assume(DEV, "orders-fn-role", "orders-fn", key=KEY, at="08:30:00")
    with world(tmp_path, cloudtrail=[configured(at="08:00:00"), mint, call(function_session())]) as con:
        assert issued(con) == (None, None)


def test_an_unminted_session_of_a_functions_name_and_role_is_inferred(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[configured(at="08:00:00"), call(function_session())]) as con:
        assert issued(con) == (ORDERS, "inferred")


def test_an_unminted_session_of_another_role_is_nobodys(tmp_path: Path) -> None:
    who = role("admin", "orders-fn", key=KEY)
    with world(tmp_path, cloudtrail=[configured(at="08:00:00"), call(who)]) as con:
        assert issued(con) == (None, None)


def test_a_key_minted_by_ec2_for_an_instance_is_recorded(tmp_path: Path) -> None:
    mint = assume(EC2, "web-role", WEB_ID, key=KEY, at="08:30:00")
    with world(tmp_path, cloudtrail=[mint, call(instance_session())]) as con:
        assert issued(con) == (WEB, "recorded")
        assert column(con, "workload") == [WEB]
        assert column(con, "role") == [f"{ROLE}web-role"]


def test_an_instance_name_that_a_tenant_chose_is_no_instance(tmp_path: Path) -> None:
    mint = assume(DEV, "web-role", WEB_ID, key=KEY, at="08:30:00")
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), mint, call(instance_session())]) as con:
        assert issued(con) == (None, None)


def test_a_delivered_instance_session_is_recorded_without_its_mint(tmp_path: Path) -> None:
    who = instance_session(ec2RoleDelivery="2.0")
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), call(who, "iam:ListUsers")]) as con:
        assert issued(con) == (WEB, "recorded")


def test_an_undelivered_unminted_instance_name_is_inferred(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), call(instance_session())]) as con:
        assert issued(con) == (WEB, "inferred")


def test_a_key_obtained_with_another_sessions_key_is_issued_to_no_workload(tmp_path: Path) -> None:
    first = in_scope(function_session(key="ASIAEXAMPLEFIRST"), ORDERS)
    mint = assume(first, "orders-fn-role", "orders-fn", key=KEY, at="08:30:00")
    with world(tmp_path, cloudtrail=[configured(at="08:00:00"), mint, call(function_session())]) as con:
        assert issued(con) == (None, None)
        assert issued(con, "ASIAEXAMPLEFIRST") == (ORDERS, "recorded")


def test_a_call_on_behalf_gives_its_key_no_workload(tmp_path: Path) -> None:
    who = in_scope(function_session(), ORDERS) | {"invokedBy": "s3.amazonaws.com"}
    with world(tmp_path, cloudtrail=[configured(at="08:00:00"), call(who, "kms:Decrypt")]) as con:
        assert issued(con) == (None, None)


def test_a_finding_that_names_key_and_function_is_recorded(tmp_path: Path) -> None:
    block = {"accessKeyDetails": {"accessKeyId": KEY}, "lambdaDetails": {"functionArn": f"{ORDERS}:3"}}
    records = {"cloudtrail": [call(function_session("other"))]}
    with world(tmp_path, guardduty=[found(resource=block)], **records) as con:
        assert issued(con) == (ORDERS, "recorded")


def test_a_key_that_two_records_give_to_two_workloads_is_nobodys(tmp_path: Path) -> None:
    calls = [
        call(in_scope(function_session(), arn), at=at) for arn, at in ((ORDERS, "09:00:00"), (BILLING, "09:01:00"))
    ]
    with world(tmp_path, cloudtrail=calls) as con:
        assert issued(con) == (None, None)
        assert column(con, "workload") == [BILLING, ORDERS]


def test_resolving_twice_changes_nothing(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), configured(at="08:00:00"), call(function_session())]) as con:
        tables = ("workload", "lifetime", "credential_workload", "call_place", "flow_place")
        before = [con.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
        resolve(con)
        assert [con.execute(f"SELECT * FROM {table}").fetchall() for table in tables] == before
