"""Application Load Balancer health check logs: which target was healthy, and why not."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from forensics.key_layout import balancer
from forensics.line_split import header_names, positional, under_header
from forensics.source import STREAM_FIELDS, About, BlindSpot, Column, EventMap, LineFormat, Source
from forensics.sources.alb import FOLDER

COLUMNS = (
    Column("type", doc="Protocol of the check: http, https, h2, grpc."),
    Column("time", "TIMESTAMP", "When the check was made."),
    Column("latency", "DOUBLE", "Seconds it took."),
    Column("target_addr", doc="Address and port of the target."),
    Column("target_group_id", doc="Target group: NAME/ID."),
    Column("status", doc="PASS or FAIL."),
    Column("status_code", doc="Status that the target gave."),
    Column("reason_code", doc="Why the check failed."),
    Column("elb", doc="Load balancer: app/NAME/ID."),
    Column("ip_address", doc="Address of the load balancer's node."),
    Column("@owner", doc="Account of the log group."),
)
FIELDS = tuple(column.field for column in COLUMNS if column.field not in STREAM_FIELDS)

_LINE = re.compile(r"^\w+ \d{4}-\d\d-\d\dT[\d:.]+Z [-\d.]+ (?:\S+:\d+|-) \S+ (?:PASS|FAIL)\b")
_FORMAT = LineFormat((*FIELDS, "unmapped"), positional(len(FIELDS), 8))
_OWN = {"target_addr", "target_group_id", "reason_code"}


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The health check log's layout, if one of those lines has it; that of a delivery, if a #Fields header names its fields."""
    if names := header_names(lines):
        return under_header(names, FIELDS, reshape) if len(_OWN & set(names)) >= 2 else None
    return _FORMAT if any(map(_LINE.match, lines)) else None


def claims(record: Mapping[str, Any]) -> bool:
    """A record of a delivery that names its fields, of which it may have few."""
    return len(_OWN & record.keys()) >= 2


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with NULL for what is marked as missing."""
    return {name: None if held == "-" else held for name, held in record.items()}


SOURCE = Source(
    name="alb_health_check",
    title="Application Load Balancer health check logs",
    reference="Health check logs for your Application Load Balancer",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.time",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "e.region",
            "action": "'alb:healthcheck'",
            "resources": "list_filter([s.elb, s.target_group_id], lambda r: r IS NOT NULL)",
            "source_ip": "s.ip_address",
            "destination_ip": "s.target_ip",
            "outcome": "CASE s.status WHEN 'PASS' THEN 'success' WHEN 'FAIL' THEN 'error' END",
            "summary": """'health check of ' || coalesce(s.target_addr, '?') || coalesce(' ' || s.status, '')
      || coalesce(', ' || s.status_code, '') || coalesce(', ' || s.reason_code, '')""",
        },
    ),
    layouts=balancer("health_check_log_"),
    about=About(
        recognised="health_check_log files in the folder elasticloadbalancing of AWSLogs, or lines of its layout",
        delivered="S3 (gzip text); vended delivery to CloudWatch Logs, S3 or Firehose",
        delay="every 5 minutes for each node; best effort",
        minutes=10,
        organisation="none; the account is in the key",
        cannot_show=(BlindSpot("requests", "Requests of clients: it shows only what the load balancer itself asked."),),
    ),
    keys=(FOLDER + r".*/health_check_log_\d{12}_",),
    claims=claims,
    reshape=reshape,
    line_format=line_format,
    in_streams=True,
    derived=(
        ("target_ip", "VARCHAR", "nullif(trim(regexp_extract(s.target_addr, '^(.*):[0-9]+$', 1), '[]'), '')"),
        ("target_port_number", "BIGINT", "TRY_CAST(regexp_extract(s.target_addr, ':([0-9]+)$', 1) AS BIGINT)"),
    ),
    account="s.owner",
)
