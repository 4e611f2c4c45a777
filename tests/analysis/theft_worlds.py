"""Worlds of a stolen credential: the calls of a function and of somebody else, as an open case."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from forensics.analysis.credential_theft import Theft, investigate
from forensics.analysis.credential_use import Use, uses
from forensics.case import Case
from tests.fresh import fresh_case
from tests.workload_worlds import KEY, LAMBDA, ORDERS, add, found, in_scope, resolve, service_part
from tests.worlds import Record, assume, call, role

OBJECT = "00000000000000aa"
OUTSIDE = "203.0.113.77"
FURTHER = "203.0.113.80"
OWN = "198.51.100.10"
RUNTIME = "[Boto3/1.35.0 exec-env/AWS_Lambda_python3.12]"
CLI = "[aws-cli/2.17.0]"
EXFILTRATION = "UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS"


@contextmanager
def case_of(tmp_path: Path, **records: list[Record]) -> Iterator[Case]:
    """A resolved case with the records of each source, all in one object."""
    with fresh_case(tmp_path / "case") as case:
        for name, rows in records.items():
            add(case.connection, name, rows)
            case.connection.execute(f'UPDATE stored."{name}" SET object_id = ?', [OBJECT])
        case.connection.execute(
            "INSERT INTO evidence (object_id, uri, sha256, size, acquired_at, status)"
            " VALUES (?, 'a/b.json', 'abc', 1, TIMESTAMP '2026-11-05', 'loaded')",
            [OBJECT],
        )
        resolve(case.connection)
        yield case


def function(key: str = KEY, arn: str = ORDERS) -> Record:
    """The identity of a function's own role session."""
    name = arn.rpartition(":")[2]
    return in_scope(role(f"{name}-role", name, key=key), arn)


def used(who: Record, address: str, name: str = "s3:ListBuckets", *, agent: str = CLI, **more: Any) -> Record:
    """A call from an address with a user agent."""
    made = call(who, name, **{"sourceIPAddress": address, "userAgent": agent} | more)
    return made | {"eventID": more.get("eventID", f"{made['eventID']}@{address}")}


def own(at: str = "08:30:00", *, key: str = KEY, **more: Any) -> Record:
    """A call that the function's code makes, from its own address and runtime."""
    return used(function(key), OWN, "s3:GetObject", **{"agent": RUNTIME, "at": at} | more)


def minted(key: str = KEY, *, at: str = "08:00:00") -> Record:
    """Lambda obtains a credential for orders-fn."""
    return assume(LAMBDA, "orders-fn-role", "orders-fn", key=key, at=at, sourceIPAddress="lambda.amazonaws.com")


def accused(
    address: str = OUTSIDE, *, key: str = KEY, kind: str = EXFILTRATION, finding: str = "f-1", **more: Any
) -> Record:
    """A finding about calls with a key from an address."""
    who = {"accessKeyId": key, "principalId": function(key)["principalId"], "userType": "AssumedRole"}
    action = {"awsApiCallAction": {"api": "ListBuckets", "remoteIpDetails": {"ipAddressV4": address}}}
    return found(finding, type=kind, resource={"accessKeyDetails": who}, service=service_part(action=action)) | more


def places(case: Case, workload: str | None = ORDERS, **more: Any) -> dict[str, str]:
    """Address to the place it was judged to be."""
    return {use.address: use.place for use in uses(case, workload=workload, **more)}


def only(case: Case, address: str, workload: str | None = ORDERS) -> Use:
    """The one use from that address."""
    (found_use,) = (use for use in uses(case, workload=workload) if use.address == address)
    return found_use


@contextmanager
def theft(tmp_path: Path, *calls: Record, **records: list[Record]) -> Iterator[Theft]:
    """What is found of orders-fn, whose key Lambda minted and it used, beside those calls."""
    with case_of(tmp_path, cloudtrail=[minted(), own(), *calls], **records) as case:
        yield investigate(case, workload=ORDERS)
