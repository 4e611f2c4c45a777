"""Small made-up worlds: records as Python values, put into a case through the sources' own maps."""

import json
from collections.abc import Sequence
from typing import Any

import duckdb

from forensics import identity, lineage, storage
from forensics.source import Column, Source
from forensics.sources import source

Record = dict[str, Any]

ACCOUNT = "111122223333"
OTHER = "444455556666"


def add(con: duckdb.DuckDBPyConnection, name: str, records: Sequence[Record]) -> None:
    """Insert records into a source table as one object, with derived columns and identity keys."""
    item = source(name)
    columns = ", ".join(f'"{column.name}" {column.type}' for column in item.columns)
    con.execute(f"CREATE OR REPLACE TEMP TABLE incoming (object_id VARCHAR, record BIGINT, {columns})")
    (before,) = con.execute(f'SELECT count(*) FROM "{name}"').fetchone() or (0,)
    rows = [[f"object-{before}", number, *_values(item, record)] for number, record in enumerate(records)]
    if rows:
        con.executemany(f"INSERT INTO incoming VALUES ({', '.join('?' * (len(item.columns) + 2))})", rows)
    derived = [f'{expression} AS "{column}"' for column, _, expression in item.derived]
    key = [f"{item.identity.key} AS identity_key"] if item.identity else []
    selected = ", ".join(["s.*", *derived, *key])
    storage.grow(con, item, [column for column, _ in item.table_columns])
    con.execute(f'INSERT INTO stored."{name}" BY NAME SELECT {selected} FROM incoming AS s')
    con.execute("DROP TABLE incoming")


def add_cloudtrail(con: duckdb.DuckDBPyConnection, records: Sequence[Record]) -> None:
    """Insert CloudTrail records and resolve who acted and which key came from which."""
    add(con, "cloudtrail", records)
    identity.resolve(con)
    lineage.resolve(con)


def _values(item: Source, record: Record) -> list[Any]:
    return [_value(column, record) for column in item.columns]


def _value(column: Column, record: Record) -> Any:
    value: Any = record
    for step in column.field.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return json.dumps(value) if column.type == "JSON" and value is not None else value


def call(who: Record, name: str = "s3:ListBuckets", *, at: str = "09:00:00", **more: Any) -> Record:
    """A CloudTrail record of a call that identity `who` made at a time of 2026-11-05."""
    service, _, action = name.partition(":")
    by = who.get("accessKeyId") or who.get("principalId") or who.get("invokedBy")
    more.setdefault("eventID", f"{action}-{at}-{by}")
    return {
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": f"2026-11-05T{at}Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": action,
        "awsRegion": "us-east-1",
        "recipientAccountId": who.get("accountId", ACCOUNT),
    } | more


def user(name: str = "dev", *, key: str = "AKIAEXAMPLEDEV", uid: str = "AIDAEXAMPLEDEV", path: str = "/") -> Record:
    """An IAM user's identity."""
    return {
        "type": "IAMUser",
        "principalId": uid,
        "arn": f"arn:aws:iam::{ACCOUNT}:user{path}{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": name,
    }


def role(
    name: str,
    session: str,
    *,
    key: str,
    uid: str = "",
    path: str = "/",
    account: str = ACCOUNT,
    **context: Any,
) -> Record:
    """A role session's identity; `context` are further members of the session context."""
    uid = uid or f"AROAEXAMPLE{name.upper().replace('-', '')}"
    issuer = {
        "type": "Role",
        "principalId": uid,
        "arn": f"arn:aws:iam::{account}:role{path}{name}",
        "accountId": account,
        "userName": name,
    }
    return {
        "type": "AssumedRole",
        "principalId": f"{uid}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "accountId": account,
        "accessKeyId": key,
        "sessionContext": {"sessionIssuer": issuer} | context,
    }


def service(name: str) -> Record:
    """An AWS service's identity."""
    return {"type": "AWSService", "invokedBy": name}


def credentials(key: str, expiration: str = "Nov 5, 2026, 8:00:00 PM") -> Record:
    """What STS hands out."""
    return {"accessKeyId": key, "sessionToken": "SECRETTOKEN", "expiration": expiration}


def assume(who: Record, role_name: str, session: str, *, key: str, at: str, path: str = "/", **more: Any) -> Record:
    """A successful AssumeRole; the answer names the session except to a service, as AWS does."""
    given: Record = {"credentials": credentials(key)}
    if who["type"] != "AWSService":
        given["assumedRoleUser"] = {
            "assumedRoleId": f"AROAEXAMPLE{role_name.upper().replace('-', '')}:{session}",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_name}/{session}",
        }
    asked = {"roleArn": f"arn:aws:iam::{ACCOUNT}:role{path}{role_name}", "roleSessionName": session}
    record = call(who, "sts:AssumeRole", at=at, requestParameters=asked, responseElements=given)
    return record | {"eventID": f"mint-{key}"} | more
