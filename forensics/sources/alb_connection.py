"""Application Load Balancer connection logs: TLS connections, those included that failed before any request."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from forensics.key_layout import balancer
from forensics.line_split import BARE, QUOTED, header_names, rest, tokens, under_header
from forensics.source import STREAM_FIELDS, About, BlindSpot, Column, EventMap, LineFormat, Source
from forensics.sources.alb import FOLDER

COLUMNS = (
    Column("timestamp", "TIMESTAMP", "When the connection was made or failed."),
    Column("client_ip", doc="Address of the client, or of the proxy before it."),
    Column("client_port", "BIGINT", "Port of the client.", name="client_port_number"),
    Column("listener_port", "BIGINT", "Port of the listener."),
    Column("tls_protocol", doc="TLS version; NULL where the handshake failed."),
    Column("tls_cipher", doc="Cipher agreed on."),
    Column("tls_handshake_latency", "DOUBLE", "Seconds the handshake took."),
    Column("leaf_client_cert_subject", doc="Subject of the client's certificate."),
    Column("leaf_client_cert_validity", doc="NotBefore=…;NotAfter=… of the client's certificate."),
    Column("leaf_client_cert_serial_number", doc="Serial number of the client's certificate."),
    Column("tls_verify_status", doc="Success, or Failed and why."),
    Column("conn_trace_id", doc="TID_…: joins to the access log."),
    Column("tls_keyexchange", doc="Group of the key exchange."),
    Column("elb", doc="Load balancer: app/NAME/ID."),
    Column("ip_address", doc="Address of the load balancer's node."),
    Column("@owner", doc="Account of the log group."),
)
FIELDS = tuple(column.field for column in COLUMNS if column.field not in STREAM_FIELDS)

_LINE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z \S+ \d+ \d+ \S+ \S+ [-\d.]+ (?:\"|-)")
_BEFORE = " *" + f"({BARE}) ++" * 7
_AFTER = f"({BARE}) ++({BARE}) ++({BARE}) ++(TID_{BARE[:-2]}*+)" + f"(?: ++({BARE})" * 3 + ")?" * 3
_KNOWN = re.compile(f'{_BEFORE}(?:"(.*)"|-) ++{_AFTER}((?: ++{BARE})*) *', re.DOTALL)
_NEWER = re.compile(f"{_BEFORE}(?:{QUOTED}|-) ++{_AFTER}((?: .*)?)", re.DOTALL)


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a line; None where it has none.

    The last quote ends the subject, the only words of a client's: what AWS writes after it has no quotes. A later field
    that has some is taken where no second conn_trace_id is in the line, so that no subject can have posed as the fields.
    """
    found = _KNOWN.fullmatch(line) or (_NEWER.fullmatch(line) if line.count(" TID_") == 1 else None)
    if found is None:
        return None
    row: list[str | None] = list(found.groups())
    row[-1] = rest(tokens(row[-1])) if row[-1] else None
    return row


_FORMAT = LineFormat((*FIELDS, "unmapped"), split)
_OWN = {"listener_port", "tls_verify_status", "conn_trace_id", "leaf_client_cert_subject", "tls_handshake_latency"}


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The connection log's layout, if one of those lines has it; that of a delivery, if a #Fields header names its fields."""
    if names := header_names(lines):
        ours = len(_OWN & set(names)) >= 2
        return under_header(names, FIELDS, reshape) if ours else None
    return _FORMAT if any(_LINE.match(line) and "TID_" in line for line in lines) else None


def claims(record: Mapping[str, Any]) -> bool:
    """A record of a delivery that names its fields, of which it may have few."""
    return len(_OWN & record.keys()) >= 2 and "request" not in record


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with NULL for what is marked as missing."""
    return {name: None if held == "-" else held for name, held in record.items()}


SOURCE = Source(
    name="alb_connection",
    title="Application Load Balancer connection logs",
    reference="Connection logs for your Application Load Balancer",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.timestamp",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "e.region",
            "action": "'alb:connection'",
            "resources": "CASE WHEN s.elb IS NOT NULL THEN [s.elb] END",
            "source_ip": "s.client_ip",
            "outcome": "CASE WHEN s.tls_verify_status LIKE 'Failed%' THEN 'error' WHEN s.tls_protocol IS NOT NULL THEN 'success' END",
            "summary": """'TLS connection from ' || coalesce(s.client_ip, '?') || coalesce(' to port ' || s.listener_port, '')
      || coalesce(', ' || s.tls_protocol, '') || coalesce(', certificate of ' || s.leaf_client_cert_subject, '')
      || coalesce(': ' || s.tls_verify_status, '')""",
        },
    ),
    layouts=balancer("conn_log_"),
    about=About(
        recognised="conn_log files in the folder elasticloadbalancing of AWSLogs, or lines of its layout",
        delivered="S3 (gzip text); vended delivery to CloudWatch Logs, S3 or Firehose",
        delay="every 5 minutes for each node; best effort",
        minutes=10,
        organisation="none; the account is in the key",
        cannot_show=(
            BlindSpot("requests", "What was asked over a connection: conn_trace_id leads to the access log."),
        ),
    ),
    keys=(FOLDER + r".*/conn_log_\d{12}_",),
    claims=claims,
    reshape=reshape,
    line_format=line_format,
    in_streams=True,
    account="s.owner",
)
