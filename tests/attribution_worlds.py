"""Worlds for attribution: what workloads held, stated outright, and the records that are to be joined with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from forensics import attribution
from tests.fresh import fresh_case
from tests.workload_worlds import DAY, WEB, add, resolve
from tests.worlds import ACCOUNT, Record

TASK = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/prod/0123456789abcdef0123456789abcdef"
OTHER_TASK = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/prod/fedcba9876543210fedcba9876543210"
POD = "k8s:prod/pay/api-7c9-a"
OTHER_POD = "k8s:prod/pay/api-7c9-b"
NAT = f"arn:aws:ec2:us-east-1:{ACCOUNT}:natgateway/nat-1"
OBJECT = "object-0"

_KINDS = {"arn:aws:ecs": "ecs_task", "k8s:": "eks_pod", "arn:aws:lambda": "lambda_function"}


def kind(workload: str) -> str:
    """The kind that a key is of."""
    if ":natgateway/" in workload:
        return "nat_gateway"
    return next((name for start, name in _KINDS.items() if workload.startswith(start)), "ec2_instance")


def hold(
    con: duckdb.DuckDBPyConnection,
    workload: str,
    what: str,
    begin: str | None = "08:00:00",
    end: str | None = "10:00:00",
    *,
    vpc: str | None = "vpc-1",
    certainty: str = "matched",
) -> None:
    """A workload held a thing, `eni eni-1`, between two times of the day; None where an end is not in evidence."""
    holds_kind, _, holds = what.partition(" ")
    con.execute(
        "INSERT OR IGNORE INTO workload (workload, kind, account_id, region, name) VALUES (?, ?, ?, 'us-east-1', 'x')",
        [workload, kind(workload), ACCOUNT],
    )
    times = [DAY + moment if moment else None for moment in (begin, end)]
    sure = certainty if begin and end else "bounded"
    con.execute(
        "INSERT INTO lifetime VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [workload, holds_kind, holds, *times, begin is not None, end is not None, sure, [f"{what} of {workload}"]],
    )
    if holds_kind == "private_ip" and vpc:
        con.execute("INSERT INTO address_network VALUES (?, ?, ?)", [workload, holds, vpc])
    if kind(workload) == "ec2_instance":
        con.execute("INSERT OR IGNORE INTO instance_key VALUES (?, ?)", [workload.rpartition("/")[2], workload])


@contextmanager
def placed(
    tmp_path: Path, holdings: list[tuple[Any, ...]], *, statements: tuple[str, ...] = (), **records: list[Record]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A case in which those workloads held those things, attribution resolved over the records."""
    with fresh_case(tmp_path / "case") as case:
        con = case.connection
        con.execute(
            "INSERT INTO evidence (object_id, uri, sha256, size, acquired_at, account_id, region, status)"
            f" VALUES ('{OBJECT}', 'a', 'b', 1, TIMESTAMP '2026-11-05', '{ACCOUNT}', 'us-east-1', 'loaded')"
        )
        for name, rows in records.items():
            add(con, name, rows)
        resolve(con)
        for holding in holdings:
            hold(con, *holding)
        for statement in statements:
            con.execute(statement)
        con.execute("BEGIN")
        attribution.resolve(con)
        con.execute("COMMIT")
        yield con


def answers(con: duckdb.DuckDBPyConnection, question: str = "endpoint") -> list[tuple[Any, ...]]:
    """(place of the record, workload, certainty, candidates) of every row that answers a question."""
    rows = con.execute(
        "SELECT CAST(split_part(event_id, '/', 2) AS INTEGER), workload, certainty, candidates FROM attribution"
        " WHERE question = ? ORDER BY 1, 2",
        [question],
    )
    return rows.fetchall()


HOST = WEB
