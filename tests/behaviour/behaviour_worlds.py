"""Worlds of behaviour: a morning's calls, flows and queries of a workload, and what comes into it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from forensics import attribution, coverage, scanned
from forensics.behaviour import find
from forensics.behaviour.report import Hit
from forensics.case import Case
from forensics.geography import Geography
from tests.fresh import fresh_case
from tests.worlds import ACCOUNT, Record, add, add_cloudtrail, call, user

MAC = "aws-cli/2.17.0 md/awscrt#0.20.11 ua/2.0 os/macos#14.5 lang/python#3.11.8"
LINUX = "[aws-cli/2.15.0 ua/2.0 os/linux#6.8 lang/python#3.11]"
OFFICE = "198.51.100.50"
ELSEWHERE = "203.0.113.77"
DAY = datetime(2026, 11, 5)
SOURCES = ("cloudtrail", "vpc_flow", "route53_resolver", "s3_access")
USUAL = ("s3:ListBuckets", "ec2:DescribeInstances", "logs:FilterLogEvents")


@contextmanager
def world(tmp_path: Path, **records: list[Record]) -> Iterator[Case]:
    """A case with the records of each source; who and coverage are resolved."""
    with fresh_case(tmp_path / "case") as case:
        _fill(case, records)
        yield case


def hits(name: str, *, geography: Geography | None = None, **records: list[Record]) -> list[Hit]:
    """What one behaviour finds in a case with these records and no others."""
    case = _shared()
    for source in SOURCES:
        case.connection.execute(f'DELETE FROM stored."{source}"')
    scanned.forget(case.connection, SOURCES)
    _fill(case, records)
    return list(find(case, [name], geography=geography).hits)


@cache
def _shared() -> Case:
    """One case for all tests of a process, emptied for each."""
    return fresh_case(Path(mkdtemp(prefix="behaviour-")) / "case")


def _fill(case: Case, records: dict[str, list[Record]]) -> None:
    for name in records.keys() - {"cloudtrail"}:
        add(case.connection, name, records[name])
    if "cloudtrail" in records:
        add_cloudtrail(case.connection, records["cloudtrail"])
    coverage.resolve(case.connection)
    attribution.create_view(case.connection)


def clock(seconds: float, *, start: str = "06:00:00") -> str:
    """The time of day so many seconds after another, as `call` takes it."""
    begun = DAY + timedelta(hours=int(start[:2]), minutes=int(start[3:5]), seconds=int(start[6:8]))
    return f"{begun + timedelta(seconds=seconds):%H:%M:%S}"


def from_where(who: Record, name: str, at: str, address: str = OFFICE, agent: str = MAC, **more: Any) -> Record:
    """A call from an address with a client."""
    return call(who, name, at=at, sourceIPAddress=address, userAgent=agent, **more)


def morning(who: Record | None = None, *, address: str = OFFICE, agent: str = MAC, hours: int = 4) -> list[Record]:
    """The usual calls of somebody from six o'clock on, one every ten minutes."""
    named = who or user()
    return [
        from_where(
            named, USUAL[place % 3], clock(600 * place), address, agent, eventID=f"usual-{named['principalId']}-{place}"
        )
        for place in range(6 * hours)
    ]


def denied(who: Record, name: str, at: str, **more: Any) -> Record:
    """A call that was not allowed."""
    return from_where(who, name, at, errorCode="AccessDenied", **more)


def flow(
    seconds: float,
    remote: str = "203.0.113.9",
    *,
    port: int = 443,
    source: int = 40_000,
    sent: int = 1_000,
    lasts: int = 5,
    near: str = "10.0.0.5",
    interface: str = "eni-0example",
    **more: Any,
) -> Record:
    """A record of a connection from inside, so many seconds after six o'clock."""
    begun = DAY + timedelta(hours=6, seconds=seconds)
    return {
        "version": 5,
        "account-id": ACCOUNT,
        "interface-id": interface,
        "srcaddr": near,
        "dstaddr": remote,
        "srcport": source,
        "dstport": port,
        "protocol": 6,
        "packets": 10,
        "bytes": sent,
        "start": begun,
        "end": begun + timedelta(seconds=lasts),
        "action": "ACCEPT",
        "log-status": "OK",
        "region": "us-east-1",
    } | more


def traffic(hours: int = 4, remote: str = "198.51.100.7", **more: Any) -> list[Record]:
    """The usual connections of an interface from six o'clock on, at odd moments of every ten minutes."""
    made = random.Random(3)
    return [
        flow(600 * place + made.randrange(500), remote, source=41_000 + place, **more) for place in range(6 * hours)
    ]


def query(
    seconds: float, name: str, *, kind: str = "A", rcode: str = "NOERROR", asker: str = "10.0.0.5", **more: Any
) -> Record:
    """A query from inside, so many seconds after six o'clock."""
    return {
        "version": "1.1",
        "account_id": ACCOUNT,
        "region": "us-east-1",
        "vpc_id": "vpc-1",
        "query_timestamp": DAY + timedelta(hours=6, seconds=seconds),
        "query_name": f"{name}.",
        "query_type": kind,
        "query_class": "IN",
        "rcode": rcode,
        "answers": [],
        "srcaddr": asker,
        "transport": "UDP",
        "srcids": {},
    } | more


def questions(hours: int = 4, name: str = "api.example.com") -> list[Record]:
    """The usual queries from six o'clock on, at odd moments of every ten minutes."""
    made = random.Random(3)
    return [query(600 * place + made.randrange(500), name) for place in range(6 * hours)]


def rejected(targets: int, *, start: float = 11_000, near: str = "10.0.0.5", apart: float = 5) -> list[Record]:
    """Records of traffic from one address that was refused at so many ports, one after the other."""
    return [
        flow(start + apart * place, "10.0.0.9", port=1_000 + place, near=near, source=50_000, action="REJECT")
        for place in range(targets)
    ]


def request(seconds: float, key: str, status: int, address: str = ELSEWHERE) -> Record:
    """A line of S3's access log, so many seconds after six o'clock."""
    return {
        "bucket": "orders-data",
        "time": DAY + timedelta(hours=6, seconds=seconds),
        "remote_ip": address,
        "operation": "REST.GET.OBJECT",
        "key": key,
        "http_status": status,
    }
