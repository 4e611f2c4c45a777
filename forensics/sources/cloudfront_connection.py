"""CloudFront connection logs: TLS handshakes with clients that show certificates, those that failed included."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from forensics.key_layout import DAYS, KeyLayout
from forensics.line_split import header_names, under_header
from forensics.source import STREAM_FIELDS, About, BlindSpot, Column, EventMap, LineFormat, Source

COLUMNS = (
    Column("eventTimestamp", "TIMESTAMP", "When the connection was made or failed.", epoch="ms"),
    Column("connectionId", doc="Connection, as connection-id of the access logs has it.", unique=True),
    Column("connectionStatus", doc="Success, or Failed and why: Failed:ClientCertUntrusted…"),
    Column("clientIp", doc="Address of the client, or of the proxy before it."),
    Column("clientPort", "BIGINT", "Port of the client.", name="client_port_number"),
    Column("serverIp", doc="Address of the edge server."),
    Column("distributionId", doc="Distribution."),
    Column("distributionTenantId", doc="Tenant of a multi-tenant distribution."),
    Column("tlsProtocol", doc="TLS version."),
    Column("tlsCipher", doc="Cipher agreed on."),
    Column("tlsHandshakeDuration", "BIGINT", "Milliseconds the handshake took."),
    Column("tlsSni", doc="Server name the client asked for."),
    Column("clientLeafCertSerialNumber", doc="Serial number of the client's certificate."),
    Column("clientLeafCertSubject", doc="Subject of the client's certificate: what it says of itself."),
    Column("clientLeafCertIssuer", doc="Issuer of the client's certificate."),
    Column("clientLeafCertValidity", doc="NotBefore=…;NotAfter=… of the client's certificate."),
    Column("connectionLogCustomData", doc="What a connection function of the account wrote."),
    Column("@owner", doc="Account of the log group."),
)
FIELDS = tuple(column.field for column in COLUMNS if column.field not in STREAM_FIELDS)
_OWN = {"connectionId", "connectionStatus", "eventTimestamp"}


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The layout of a delivery, if a #Fields header names its fields."""
    names = header_names(lines)
    return under_header(names, FIELDS, reshape) if set(names) >= _OWN else None


def claims(record: Mapping[str, Any]) -> bool:
    """A record of a delivery that names its fields."""
    return record.keys() >= _OWN


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with NULL for what is marked as missing."""
    return {name: None if held == "-" else held for name, held in record.items()}


SOURCE = Source(
    name="cloudfront_connection",
    title="CloudFront connection logs: mutual TLS",
    reference="Observability using connection logs",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.event_timestamp",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "'aws-global'",
            "action": "'cloudfront:connection'",
            "resources": "list_filter([s.distribution_id], lambda r: r IS NOT NULL)",
            "source_ip": "s.client_ip",
            "destination_ip": "s.server_ip",
            "outcome": "CASE WHEN s.connection_status = 'Success' THEN 'success' WHEN s.connection_status LIKE 'Failed%' THEN 'error' END",
            "summary": """'TLS connection from ' || coalesce(s.client_ip, '?') || coalesce(' to ' || s.tls_sni, '')
      || coalesce(', ' || s.tls_protocol, '') || coalesce(', certificate of ' || s.client_leaf_cert_subject, '')
      || coalesce(': ' || s.connection_status, '')""",
        },
    ),
    layouts=(
        KeyLayout(
            f"AWSLogs/{{account}}/CloudFront/[{{name}}/]{DAYS}[{{HH}}/]", timedelta(hours=24), "minutes, no promise"
        ),
    ),
    about=About(
        recognised="records, or a #Fields header, with connectionId, connectionStatus and eventTimestamp",
        delivered="S3 (JSON, W3C, Parquet), CloudWatch Logs, Firehose",
        delay="within minutes; best effort",
        minutes=10,
        organisation="none; the configuration lies in us-east-1",
        cannot_show=(
            BlindSpot("requests", "Connections to distributions without mutual TLS: only those with it log."),
            BlindSpot("requests", "What was asked over a connection: connection-id of the access logs leads there."),
            BlindSpot("requests", "The client behind a proxy."),
        ),
    ),
    claims=claims,
    reshape=reshape,
    line_format=line_format,
    in_streams=True,
    account="s.owner",
)
