"""Calls made on behalf: each is linked with what caused it, and is nobody's act of its own."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workload_worlds import attributed, in_scope, world
from tests.worlds import Record, call, role, service, user

SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/db-AbCdEf"
FAS = "ASIAEXAMPLEFAS"
MANAGER = "secretsmanager.amazonaws.com"


def got(
    at: str = "09:20:00", secret: str = "prod/db", *, event: str = "get", who: Record | None = None, **more: Any
) -> Record:
    """A secret is read."""
    asked: Record = {"requestParameters": {"secretId": secret}, "sourceIPAddress": "203.0.113.77", "eventID": event}
    return call(who or user(), "secretsmanager:GetSecretValue", at=at, **asked | more)


def decrypted(at: str = "09:20:00", *, by: str = MANAGER, who: Record | None = None, **context: str) -> Record:
    """KMS decrypts for a service that acts for a user, or for `who`."""
    asked: Record = {"requestParameters": {"encryptionContext": context}, "sourceIPAddress": by, "eventID": "decrypt"}
    return call((who or user(key=FAS)) | {"invokedBy": by}, "kms:Decrypt", at=at, **asked)


def links(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT event_id, cause_event_id, certainty, candidates FROM on_behalf ORDER BY 1, 2").fetchall()


def why(con: duckdb.DuckDBPyConnection) -> str:
    (row,) = con.execute("SELECT DISTINCT why FROM on_behalf").fetchall()
    return str(row[0])


def test_a_call_on_behalf_is_linked_with_the_call_that_caused_it(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[got(), decrypted(SecretARN=SECRET)]) as con:
        assert links(con) == [("decrypt", "get", "matched", 1)]
        assert why(con) == "same principal, service, moment and resource"


def test_a_key_made_for_a_call_on_behalf_is_no_actor(tmp_path: Path) -> None:
    fn = "arn:aws:lambda:us-east-1:111122223333:function:orders-fn"
    who = in_scope(role("orders", "orders-fn", key=FAS), fn)
    cause = got(who=in_scope(role("orders", "orders-fn", key="ASIAEXAMPLEFN"), fn))
    with world(tmp_path, cloudtrail=[cause, decrypted(who=who, SecretARN=SECRET)]) as con:
        rows = con.execute("SELECT access_key_id, class, workload, issued_by_access_key_id FROM credential ORDER BY 1")
        assert rows.fetchall() == [(FAS, "forward_access", None, None), ("ASIAEXAMPLEFN", "workload", fn, None)]
        assert [row[0] for row in attributed(con, "issued_to")] == ["get"]
        assert links(con) == [("decrypt", "get", "matched", 1)]


def test_of_calls_at_once_the_one_of_the_same_resource_is_the_cause(tmp_path: Path) -> None:
    other = got(secret="prod/other", event="other")
    with world(tmp_path, cloudtrail=[got(), other, decrypted(SecretARN=SECRET)]) as con:
        assert links(con) == [("decrypt", "get", "matched", 1)]


def test_of_calls_at_once_that_nothing_tells_apart_each_is_a_row(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[got(), got("09:19:59", event="again"), decrypted(SecretARN=SECRET)]) as con:
        assert links(con) == [("decrypt", "again", "shared", 2), ("decrypt", "get", "shared", 2)]


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (got("09:19:57"), "at that moment is in evidence"),
        (got("09:20:02"), "at that moment is in evidence"),
        (got(who=user("eve", key="AKIAEXAMPLEEVE", uid="AIDAEXAMPLEEVE")), "at that moment is in evidence"),
        (call(user(), "kms:Decrypt", at="09:20:00", eventID="own"), "at that moment is in evidence"),
        (got(secret="prod/other"), "concern another resource"),
        (got(secret="db"), "concern another resource"),
    ],
    ids=["before", "after", "another's", "another service", "another secret", "the end of its name"],
)
def test_what_only_resembles_the_cause_is_not_taken(tmp_path: Path, cause: Record, reason: str) -> None:
    with world(tmp_path, cloudtrail=[cause, decrypted(SecretARN=SECRET)]) as con:
        assert links(con) == [("decrypt", None, None, 0)]
        assert why(con).endswith(reason)


@pytest.mark.parametrize(
    ("context", "expected"),
    [({"SecretARN": SECRET}, [("decrypt", "get", "matched", 1)]), ({}, [("decrypt", None, None, 0)])],
)
def test_a_cause_completed_a_second_later_is_believed_of_the_same_resource_only(
    tmp_path: Path, context: Record, expected: list[tuple[Any, ...]]
) -> None:
    with world(tmp_path, cloudtrail=[got("09:20:01"), decrypted(**context)]) as con:
        assert links(con) == expected


@pytest.mark.parametrize(
    ("service_name", "context", "cause"),
    [
        ("s3", {"aws:s3:arn": "arn:aws:s3:::orders/a/b"}, ("s3:GetObject", {"bucketName": "orders", "key": "a/b"})),
        ("s3", {"aws:s3:arn": "arn:aws:s3:::orders"}, ("s3:GetObject", {"bucketName": "orders", "key": "a/b"})),
        (
            "lambda",
            {"aws:lambda:FunctionArn": "arn:aws:lambda:x:1:function:f"},
            ("lambda:Invoke", {"functionName": "f"}),
        ),
        ("ssm", {"PARAMETER_ARN": "arn:aws:ssm:x:1:parameter/p/q"}, ("ssm:GetParameter", {"name": "/p/q"})),
        ("dynamodb", {"aws:dynamodb:tableName": "t"}, ("dynamodb:GetItem", {"tableName": "t"})),
        ("secretsmanager", {"SecretARN": SECRET}, ("secretsmanager:GetSecretValue", {"secretId": SECRET})),
        ("secretsmanager", {"SecretARN": SECRET}, ("secretsmanager:GetSecretValue", {"secretId": SECRET[:-7]})),
    ],
)
def test_services_name_a_resource_in_ways_that_are_known(
    tmp_path: Path, service_name: str, context: Record, cause: tuple[str, Record]
) -> None:
    name, asked = cause
    made = call(user(), name, at="09:20:00", requestParameters=asked, eventID="cause")
    with world(tmp_path, cloudtrail=[made, decrypted(by=f"{service_name}.amazonaws.com", **context)]) as con:
        assert links(con) == [("decrypt", "cause", "matched", 1)]
        assert why(con).endswith("moment and resource")


def test_without_a_resource_to_compare_one_call_at_that_moment_is_matched(tmp_path: Path) -> None:
    query = call(role("a", "s", key="ASIAEXAMPLE1"), "athena:StartQueryExecution", at="09:20:00", eventID="query")
    read = call(
        role("a", "s", key=FAS) | {"invokedBy": "athena.amazonaws.com"}, "glue:GetTable", at="09:20:01", eventID="read"
    )
    with world(tmp_path, cloudtrail=[query, read]) as con:
        assert links(con) == [("read", "query", "matched", 1)]
        assert why(con) == "same principal, service and moment"


def test_another_session_of_the_same_role_is_not_the_cause(tmp_path: Path) -> None:
    query = call(role("a", "other", key="ASIAEXAMPLE1"), "athena:StartQueryExecution", at="09:20:00", eventID="query")
    read = call(
        role("a", "s", key=FAS) | {"invokedBy": "athena.amazonaws.com"}, "glue:GetTable", at="09:20:00", eventID="read"
    )
    with world(tmp_path, cloudtrail=[query, read]) as con:
        assert links(con) == [("read", None, None, 0)]


def test_a_call_does_not_cause_itself_nor_its_like(tmp_path: Path) -> None:
    who = role("a", "s", key=FAS) | {"invokedBy": "rds.amazonaws.com"}
    twins = [call(who, "rds:DescribeDBProxies", at="09:20:00", eventID=name) for name in ("one", "two")]
    with world(tmp_path, cloudtrail=twins) as con:
        assert links(con) == [("one", None, None, 0), ("two", None, None, 0)]


def test_what_a_service_does_for_itself_is_not_on_behalf(tmp_path: Path) -> None:
    own = [call(service("lambda.amazonaws.com"), "kms:Decrypt"), call({"invokedBy": "AWS Internal"}, "kms:Decrypt")]
    with world(tmp_path, cloudtrail=[*own, got()]) as con:
        assert links(con) == []


def test_a_service_that_the_record_does_not_name_cannot_be_followed(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[got(), decrypted(by="AWS Internal")]) as con:
        assert links(con) == [("decrypt", None, None, 0)]
        assert why(con) == "the record does not name the service"


def test_copies_are_one_call_and_their_order_does_not_matter(tmp_path: Path) -> None:
    records = [got(), decrypted(SecretARN=SECRET)]
    for place, order in enumerate((1, -1)):
        with world(tmp_path / str(place), cloudtrail=[*records, *records][::order]) as con:
            assert links(con) == [("decrypt", "get", "matched", 1)]


@pytest.mark.parametrize(
    "shape", [None, "text", 7, [], {"encryptionContext": "x"}, {"encryptionContext": {"SecretARN": [1]}}]
)
def test_requests_of_another_shape_are_no_resource(tmp_path: Path, shape: Any) -> None:
    cause, made = got() | {"requestParameters": shape}, decrypted() | {"requestParameters": shape, "resources": shape}
    with world(tmp_path, cloudtrail=[cause, made]) as con:
        assert links(con) == [("decrypt", "get", "matched", 1)]


def test_without_calls_on_behalf_there_is_no_row(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[got()]) as con:
        assert links(con) == []
