"""Made-up cases for the figures: a small morning, a million events made by SQL, and hostile text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from forensics import storage
from forensics.case import Case
from forensics.sources import source

FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:orders"
ROLE = "arn:aws:iam::111122223333:role/orders-exec"
KEY = "ASIAMADEUP0000000001"
HOSTILE = '<a href="x">\x1b</a>&lt;$x$ %{y} \u202e'

_CLOUDTRAIL = """
SELECT
  'made-up-object' AS object_id,
  i AS record,
  TIMESTAMP '2026-03-01 08:00:00' + to_seconds(CAST(i * 7919 % 86400 AS BIGINT)) AS event_time,
  's3.amazonaws.com' AS event_source,
  'GetObject' AS event_name,
  'eu-west-1' AS aws_region,
  CASE WHEN i % 5 = 0 THEN '203.0.113.77' ELSE '10.0.1.' || (i % 200) END AS source_ip_address,
  printf('00000000-0000-4000-8000-%012d', i) AS event_id,
  CASE WHEN i % 10 = 3 THEN 'AccessDenied' END AS error_code,
  '111122223333' AS recipient_account_id,
  'ASIAMADEUP000000000' || (i % 2) AS user_identity_access_key_id,
  i % 50 AS identity_key,
  ['arn:aws:s3:::made-up-bucket'] AS resource_ids,
  1000.0 AS bytes_transferred_out
FROM range(?) AS r(i)
"""

_FLOWS = """
SELECT
  'made-up-flows' AS object_id,
  i AS record,
  '111122223333' AS account_id,
  'eni-0000made0up' AS interface_id,
  CASE WHEN i % 2 = 0 THEN '10.0.1.5' ELSE '203.0.113.' || (i % 250) END AS srcaddr,
  CASE WHEN i % 2 = 0 THEN '198.51.100.' || (i % 250) ELSE '10.0.1.5' END AS dstaddr,
  500 AS bytes,
  TIMESTAMP '2026-03-01 08:00:00' + to_seconds(CAST(i * 7919 % 86400 AS BIGINT)) AS start,
  TIMESTAMP '2026-03-01 08:01:00' + to_seconds(CAST(i * 7919 % 86400 AS BIGINT)) AS "end",
  CASE WHEN i % 8 = 7 THEN 'REJECT' ELSE 'ACCEPT' END AS action,
  'OK' AS log_status
FROM range(?) AS r(i)
"""

_COVERAGE = """
INSERT INTO coverage (source, account_id, region, hour, records, status, cause)
SELECT s.source, a.account_id, 'eu-west-1',
  TIMESTAMP '2026-03-01 00:00:00' + to_hours(CAST(h.hour AS BIGINT)),
  CASE WHEN h.hour % 24 = 5 THEN 0 ELSE 100 + h.hour END,
  CASE h.hour % 24 WHEN 5 THEN 'missing' WHEN 6 THEN 'switched_off' ELSE 'present' END,
  CASE h.hour % 24 WHEN 5 THEN 'no object between two digests' WHEN 6 THEN 'StopLogging' END
FROM range(?) AS h(hour)
CROSS JOIN (VALUES ('cloudtrail'), ('vpc_flow'), ('guardduty')) AS s(source)
CROSS JOIN (VALUES ('111122223333'), ('444455556666')) AS a(account_id)
"""


def insert(case: Case, name: str, select: str, params: Sequence[Any] = ()) -> None:
    """Rows of a source, from a SELECT whose columns bear the names of the table's."""
    con = case.connection
    columns = [column[0] for column in con.execute(f"{select} LIMIT 0", params).description or ()]
    storage.grow(con, source(name), columns)
    con.execute(f'INSERT INTO stored."{name}" BY NAME {select}', params)


def add_row(case: Case, name: str, **values: Any) -> None:
    """One row of a source."""
    row = {"object_id": f"made-up-{name}", "record": 0, **values}
    insert(case, name, "SELECT " + ", ".join(f'? AS "{column}"' for column in row), list(row.values()))


def add_many(case: Case, events: int) -> None:
    """A day of S3 calls by 50 roles and half as many flows, findings and lifetimes."""
    con = case.connection
    con.execute(
        "INSERT INTO identity SELECT i, 'role', ? || '-' || i, 'session-' || i, NULL, NULL FROM range(50) AS r(i)",
        [ROLE],
    )
    insert(case, "cloudtrail", _CLOUDTRAIL, [events])
    insert(case, "vpc_flow", _FLOWS, [events // 2])
    add_finding(case, "made-up-finding", severity=8.0)
    add_lifetime(case)


def add_morning(case: Case) -> None:
    """Twelve S3 calls, six flows, a finding, a lifetime and two days of coverage."""
    add_many(case, 12)
    add_coverage(case, hours=48)


def add_coverage(case: Case, *, hours: int) -> None:
    """Three sources in two accounts; the sixth hour of a day is missing, the seventh switched off."""
    case.connection.execute(_COVERAGE, [hours])


def add_finding(case: Case, finding_id: str, *, severity: float | None, title: str = "Used from outside") -> None:
    """A GuardDuty finding about the function, as a record and as a row of `finding`."""
    at = datetime(2026, 3, 1, 9, 12)
    record = {
        "id": finding_id,
        "type": "Made:Up/Type",
        "title": title,
        "severity": severity,
        "updated_at": at,
    }
    add_row(case, "guardduty", **record, event_first_seen=at, event_last_seen=at)
    case.connection.execute(
        "INSERT INTO finding VALUES (?, 'guardduty', 'Made:Up/Type', ?, ?, ?, ?, ?, ?, [], ?)",
        [finding_id, severity, at, at, ROLE, KEY, FUNCTION, title],
    )


def add_lifetime(case: Case, workload: str = FUNCTION, holds: str = KEY) -> None:
    """The function held a key from 08:10, the end not in evidence."""
    case.connection.execute(
        "INSERT INTO lifetime VALUES"
        " (?, 'access_key_id', ?, TIMESTAMP '2026-03-01 08:10:00', NULL, true, false, 'bounded', [])",
        [workload, holds],
    )


def add_hostile(case: Case) -> None:
    """One call, one flow, one finding, one lifetime, one hour of coverage, all named by an adversary."""
    con = case.connection
    con.execute("INSERT INTO identity VALUES (1, 'role', ?, ?, NULL, NULL)", [HOSTILE, HOSTILE])
    at = datetime(2026, 3, 1, 8)
    said = ("event_name", "source_ip_address", "event_id", "user_identity_access_key_id")
    call: dict[str, Any] = {
        "event_time": at,
        "event_source": "s3.amazonaws.com",
        "bytes_transferred_out": 10.0,
    }
    add_row(case, "cloudtrail", **call, **dict.fromkeys(said, HOSTILE), identity_key=1, resource_ids=[HOSTILE])
    add_row(case, "vpc_flow", srcaddr="10.0.1.5", dstaddr=HOSTILE, bytes=10, start=at, action="ACCEPT")
    add_finding(case, HOSTILE, severity=None, title=HOSTILE)
    add_lifetime(case, HOSTILE, HOSTILE)
    con.execute(
        "INSERT INTO coverage (source, account_id, region, hour, records, status, cause) VALUES ('cloudtrail', ?, ?, TIMESTAMP '2026-03-01 08:00:00', 1, 'missing', ?)",
        [HOSTILE] * 3,
    )
