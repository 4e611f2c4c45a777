"""Cases made from texts: files put down under their keys, taken in as evidence and loaded."""

import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forensics import evidence
from forensics.case import Case
from forensics.load import Ledger, load
from forensics.sources import sources

ACCOUNT = "111122223333"
FLOW_HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
FLOW = "2 111122223333 eni-0example 10.0.1.5 203.0.113.7 43122 443 6 10 840 1793869200 1793869258 ACCEPT OK"
TRAIL_KEY = (
    "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/"
    "111122223333_CloudTrail_us-east-1_20261105T0915Z_AbCdEfGhIjKlMnOp.json.gz"
)


def trail(name: str = "ListBuckets", **more: Any) -> dict[str, Any]:
    """A CloudTrail record."""
    return {
        "eventVersion": "1.11",
        "eventTime": "2026-11-05T09:10:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "recipientAccountId": ACCOUNT,
        "eventID": f"event-{name}",
    } | more


def records(*items: Any) -> bytes:
    """What a trail writes: one object with a list."""
    return json.dumps({"Records": list(items)}).encode()


def finding(**more: Any) -> dict[str, Any]:
    """A GuardDuty finding as exported."""
    return {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": "us-east-1",
        "id": "findingexample",
        "type": "Recon:IAMUser/MaliciousIPCaller",
        "severity": 5.0,
        "title": "A call from a listed address",
        "createdAt": "2026-11-05T09:10:00.000Z",
        "updatedAt": "2026-11-05T09:10:00.000Z",
        "resource": {"resourceType": "AccessKey"},
        "service": {"serviceName": "guardduty"},
    } | more


def envelope(*messages: str, group: str = "/aws/lambda/orders-fn", stream: str = "2026/11/05/[$LATEST]0abc") -> bytes:
    """What a subscription filter sends."""
    return json.dumps(
        {
            "messageType": "DATA_MESSAGE",
            "owner": ACCOUNT,
            "logGroup": group,
            "logStream": stream,
            "subscriptionFilters": ["all"],
            "logEvents": [
                {"id": f"{place:056d}", "timestamp": 1793869200123 + place, "message": message}
                for place, message in enumerate(messages)
            ],
        }
    ).encode()


def zipped(data: bytes) -> bytes:
    """The same text as gzip, the same bytes at any time."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as file:
        file.write(data)
    return out.getvalue()


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files under their keys."""
    for key, data in files.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def loaded(case: Case, folder: Path, files: Mapping[str, bytes], **options: Any) -> Ledger:
    """Put files down, add and load them."""
    evidence.add(case, put(folder, files))
    return load(case, **{"workers": 1} | options)


def status(case: Case) -> dict[str, tuple[str, int | None, int | None]]:
    """File name to status, records, rejected."""
    rows = case.sql("SELECT uri, status, records, rejected FROM evidence").rows()
    return {uri.rpartition("/")[2]: (state, good, bad) for uri, state, good, bad in rows}


def rejects(case: Case) -> list[tuple[int | None, str, str]]:
    """Record, reason and excerpt of everything rejected."""
    return case.sql(
        "SELECT record, reason, excerpt FROM rejected_record ORDER BY object_id, record NULLS LAST, reason"
    ).rows()


def tables(case: Case) -> dict[str, list[str]]:
    """Every table's rows as sorted texts, without the time of acquisition."""
    names = [row[0] for row in case.sql("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").rows()]
    found = {}
    for name in sorted([*names, *sources(), "event", "attribution"]):
        left_out = " EXCLUDE (acquired_at)" if name == "evidence" else ""
        condition = " WHERE key <> 'created_at'" if name == "case_info" else ""
        found[name] = sorted(map(repr, case.sql(f'SELECT *{left_out} FROM "{name}"{condition}').rows()))
    return found
