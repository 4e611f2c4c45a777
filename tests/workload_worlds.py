"""Worlds of functions and instances: the records that make, change and end them; and the resolution."""

import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from forensics import attribution, event, resolution, storage
from forensics.source import Column
from forensics.sources import source
from tests.fresh import fresh_case
from tests.worlds import ACCOUNT, Record, call, role, service, user

DEV = user()
LAMBDA = service("lambda.amazonaws.com")
EC2 = service("ec2.amazonaws.com")
ORDERS = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:orders-fn"
BILLING = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:billing-fn"
WEB_ID = "i-0aaaaaaaaaaaaaaa1"
WEB = f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/{WEB_ID}"
API_ID = "i-0aaaaaaaaaaaaaaa2"
API = f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/{API_ID}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
KEY = "ASIAEXAMPLEKEY1"
DAY = "2026-11-05T"

STAGES = tuple(importlib.import_module(f"forensics.{name}") for name in resolution.STAGES)


@contextmanager
def world(tmp_path: Path, **records: list[Record]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A resolved case holding the records of each source."""
    with fresh_case(tmp_path / "case") as case:
        for name, rows in records.items():
            add(case.connection, name, rows)
        resolve(case.connection)
        yield case.connection


def add(con: duckdb.DuckDBPyConnection, name: str, records: list[Record]) -> None:
    """Stores records of a source as one object, with derived columns and identity keys."""
    item = source(name)
    storage.grow(con, item, [column for column, _ in item.table_columns])
    columns = ", ".join(f'"{column.name}" {column.type}' for column in item.columns)
    con.execute(f"CREATE OR REPLACE TEMP TABLE incoming (object_id VARCHAR, record BIGINT, {columns})")
    rows = [
        ["object-0", place, *(_value(column, record) for column in item.columns)]
        for place, record in enumerate(records)
    ]
    con.executemany(f"INSERT INTO incoming VALUES ({', '.join('?' * (len(item.columns) + 2))})", rows)
    more = [f'{expression} AS "{column}"' for column, _, expression in item.derived]
    more += [f"{item.identity.key} AS identity_key"] if item.identity else []
    con.execute(f'INSERT INTO stored."{name}" BY NAME SELECT {", ".join(["s.*", *more])} FROM incoming AS s')
    con.execute("DROP TABLE incoming")


def _value(column: Column, record: Record) -> Any:
    value: Any = record
    for step in column.field.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return json.dumps(value) if column.type == "JSON" and value is not None else value


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """All stages in order, in one transaction."""
    con.execute("BEGIN")
    event.resolve_copies(con)
    for stage in STAGES:
        stage.resolve(con)
    con.execute("COMMIT")
    attribution.create_view(con)


def attributed(con: duckdb.DuckDBPyConnection, question: str) -> list[tuple[Any, ...]]:
    """(event_id, workload, certainty, candidates) of every attribution that answers the question."""
    rows = con.execute(
        "SELECT event_id, workload, certainty, candidates FROM attribution WHERE question = ? ORDER BY 1, 2",
        [question],
    )
    return rows.fetchall()


def held(con: duckdb.DuckDBPyConnection, kind: str) -> list[tuple[Any, ...]]:
    """(workload, holds, from and to as clock times, certainty) of lifetimes of a kind."""
    rows = con.execute(
        "SELECT workload, holds, strftime(valid_from, '%H:%M:%S'), strftime(valid_to, '%H:%M:%S'), certainty"
        " FROM lifetime WHERE holds_kind = ? ORDER BY holds, valid_from, workload",
        [kind],
    )
    return rows.fetchall()


def in_scope(identity_: Record, arn: str) -> Record:
    """The identity as CloudTrail writes it for credentials issued to a workload."""
    return identity_ | {"inScopeOf": {"credentialsIssuedTo": arn}}


def configured(name: str = "orders-fn", *, at: str, event: str = "CreateFunction20150331", **more: Any) -> Record:
    """A successful call that makes or changes a function; `more` are members of its answer."""
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    answer = {"functionArn": arn, "role": f"{ROLE}{name}-role", "codeSha256": f"{name} at {at}"} | more
    asked = {"functionName": name}
    asked |= {"vpcConfig": more["vpcConfig"]} if "vpcConfig" in more and "Code" not in event else {}
    known = {"eventID": f"{event}-{name}-{at}"}
    return call(DEV, f"lambda:{event}", at=at, responseElements=answer, requestParameters=asked, **known)


def network(group: str = "sg-1", subnet: str = "subnet-1") -> Record:
    """A function's network settings."""
    return {"subnetIds": [subnet], "securityGroupIds": [group], "vpcId": "vpc-1"}


def hyperplane(eni: str = "eni-l", *, at: str, description: str = "AWS Lambda VPC ENI-orders-fn") -> Record:
    """Lambda makes an interface in subnet-1 with group sg-1."""
    who = role("orders-fn-role", "awslambda_1_20261105080000000", key="ASIAEXAMPLECONTROL")
    card = {
        "networkInterfaceId": eni,
        "subnetId": "subnet-1",
        "vpcId": "vpc-1",
        "privateIpAddress": "10.0.0.9",
        "interfaceType": "lambda",
        "description": description,
        "groupSet": {"items": [{"groupId": "sg-1"}]},
    }
    source = {"sourceIPAddress": "lambda.amazonaws.com"}
    return call(who, "ec2:CreateNetworkInterface", at=at, responseElements={"networkInterface": card}, **source)


def run(instance: str = WEB_ID, *, at: str, eni: str = "eni-1", address: str = "10.0.0.5") -> Record:
    """An instance is started with one interface."""
    card = {
        "networkInterfaceId": eni,
        "privateIpAddress": address,
        "vpcId": "vpc-1",
        "attachment": {"attachmentId": eni.replace("eni", "eni-attach")},
    }
    item = {
        "instanceId": instance,
        "imageId": "ami-1",
        "networkInterfaceSet": {"items": [card]},
        "tagSet": {"items": [{"key": "Name", "value": "web"}]},
    }
    return call(DEV, "ec2:RunInstances", at=at, responseElements={"instancesSet": {"items": [item]}})


def terminate(instance: str = WEB_ID, *, at: str) -> Record:
    """An instance is ended."""
    answer = {"instancesSet": {"items": [{"instanceId": instance}]}}
    return call(DEV, "ec2:TerminateInstances", at=at, responseElements=answer)


def flow(start: str, end: str, *, eni: str = "eni-1", **more: Any) -> Record:
    """A flow record; the columns of its interval's ends are whole times of the day."""
    fields = {"interface-id": eni, "account-id": ACCOUNT, "region": "us-east-1", "vpc-id": "vpc-1"}
    return fields | {"start": DAY + start, "end": DAY + end, "srcaddr": "10.0.0.5", "dstaddr": "203.0.113.9"} | more


def line(kind: str | None, at: str, *, request: str | None = "r-1", stream: str = "s-1", **more: Any) -> Record:
    """A line of the log of orders-fn."""
    place = {"owner": ACCOUNT, "logGroup": "/aws/lambda/orders-fn", "functionName": "orders-fn"}
    return place | {"type": kind, "timestamp": DAY + at, "requestId": request, "logStream": stream} | more


def found(finding_id: str = "f-1", **more: Any) -> Record:
    """A finding of 09:00 to 09:30."""
    return {
        "id": finding_id,
        "accountId": ACCOUNT,
        "region": "us-east-1",
        "type": "Recon:EC2/Portscan",
        "title": "A title",
        "severity": 5.0,
        "updatedAt": DAY + "09:40:00",
        "resource": {},
    } | more


def service_part(**more: Any) -> Record:
    """The `service` member of a finding."""
    return {"eventFirstSeen": DAY + "09:00:00", "eventLastSeen": DAY + "09:30:00"} | more


def seen_at_gateway(address: str, at: str) -> Record:
    """A call from an address, with a key that nobody is known to have."""
    return call(role("some-role", "some", key="ASIAEXAMPLESOME"), at=at, sourceIPAddress=address, eventID=f"call/{at}")
