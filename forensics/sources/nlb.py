"""Network Load Balancer access logs: TLS connections, the only ones that it logs."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from forensics.key_layout import balancer
from forensics.line_split import BARE, header_names, layout, rest, tokens, under_header
from forensics.source import STREAM_FIELDS, About, BlindSpot, Column, EventMap, LineFormat, Source
from forensics.sources.alb import KEY, address, endpoint, port

COLUMNS = (
    Column("type", doc="Kind of listener: tls."),
    Column("version", doc="Version of the log's format.", name="format_version"),
    Column("time", "TIMESTAMP", "When the connection ended; written without a zone, UTC."),
    Column("elb", doc="Load balancer: net/NAME/ID."),
    Column("listener", doc="Id of the listener."),
    Column("client:port", doc="Address and port of the client."),
    Column("destination:port", doc="Address and port that the client reached: the listener's."),
    Column("connection_time", "BIGINT", "Milliseconds the connection lasted."),
    Column("tls_handshake_time", "BIGINT", "Milliseconds the handshake took; NULL where there was none."),
    Column("received_bytes", "BIGINT", "Bytes from the client, decrypted."),
    Column("sent_bytes", "BIGINT", "Bytes to the client, before encryption."),
    Column("incoming_tls_alert", doc="TLS alert from the client."),
    Column("chosen_cert_arn", doc="Certificate shown to the client."),
    Column("chosen_cert_serial", doc="Kept for later use by AWS."),
    Column("tls_cipher", doc="Cipher agreed on."),
    Column("tls_protocol_version", doc="TLS version: tlsv12…"),
    Column("tls_keyexchange", doc="Group of the key exchange; formerly tls_named_group."),
    Column("domain_name", doc="Server name the client asked for."),
    Column("alpn_fe_protocol", doc="Application protocol with the client."),
    Column("alpn_be_protocol", doc="Application protocol with the target."),
    Column("alpn_client_preference_list", doc="Application protocols the client offered."),
    Column("tls_connection_creation_time", "TIMESTAMP", "When the connection began; written without a zone, UTC."),
    Column("@owner", doc="Account of the log group."),
)
FIELDS = tuple(column.field for column in COLUMNS if column.field not in STREAM_FIELDS)
_TIME, _NAME, _OFFERED, _BEGAN = 2, 17, 20, 21
_ISO = 19
_PROTOCOL, _LIST, _WHEN = r"[\w./-]++", r'(?:"\S*"|-)', r"\d{4}-\d\d-\d\dT[\d:.]+Z?"
_PARTS = (*[BARE] * _NAME, r"\S++", _PROTOCOL, _PROTOCOL, _LIST, f"{_WHEN}|-")
_layout = layout(_PARTS, range(16, len(FIELDS) + 1))
_with_blanks = layout((*_PARTS[:_NAME], r"\S+ .*\S", *_PARTS[_NAME + 1 : _BEGAN], _WHEN), (len(FIELDS),))
_when = re.compile(rf"(?<!\S){_WHEN}").search
_OFFER = re.compile(r'"[^"\s]*"(?:,"[^"\s]*")*')


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a line, with the zone that its times lack; None where it has none, or more than one reading.

    The server's name and the protocols offered are a client's words, and the name is not in quotes: with a blank in it,
    it may pose as the fields after it. AWS's are those at the end of the line, if it has no reading without blanks.
    """
    found = _layout(line) or _with_blanks(line)
    if found is None:
        return None
    more = found[len(FIELDS) + 1]
    if more is not None and (" " in (found[_NAME + 1] or "") or _when(more)):
        return None
    return _row(list(found.groups()), more)


def _row(row: list[str | None], more: str | None) -> list[str | None]:
    for place in (_TIME, _BEGAN):
        held = row[place]
        if held is not None and len(held) >= _ISO and held[10] == "T" and not held.endswith("Z"):
            row[place] = f"{held}Z"
    offered = row[_OFFERED]
    if offered is not None and _OFFER.fullmatch(offered):
        row[_OFFERED] = offered.replace('"', "")
    row[-1] = rest(tokens(more or ""))
    return row


_FORMAT = LineFormat((*FIELDS, "unmapped"), split)
_OWN = frozenset(FIELDS) - {"type", "time", "elb", "version", "domain_name"}


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The access log's layout, if one of those lines has it; that of a delivery, if a #Fields header names its fields."""
    if names := header_names(lines):
        ours = "tls_connection_creation_time" in names or {"elb", "listener"} <= set(names)
        return under_header(names, FIELDS, reshape) if ours else None
    return _FORMAT if any(line.startswith("tls ") and " net/" in line[:60] for line in lines) else None


def claims(record: Mapping[str, Any]) -> bool:
    """A record of a delivery that names its fields, of which it may have few."""
    names = record.keys()
    named = str(record.get("elb")).startswith("net/") and len(_OWN & names) >= 2
    return named or (record.get("type") == "tls" and {"elb", "listener"} <= names)


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with `client:port` and its like under those names, and NULL for what is marked as missing."""
    named = {"client_port": "client:port", "destination_port": "destination:port"}
    held = {named.get(name, name): None if value == "-" else value for name, value in record.items()}
    for side in ("client", "destination"):
        if (ip := held.pop(f"{side}_ip", None)) is not None:
            held[f"{side}:port"] = endpoint(ip, held.get(f"{side}:port"))
    for name in ("time", "tls_connection_creation_time"):
        if isinstance(stamp := held.get(name), str) and len(stamp) == _ISO:
            held[name] = f"{stamp}Z"
    return held


SOURCE = Source(
    name="nlb",
    title="Network Load Balancer access logs",
    reference="Access logs for your Network Load Balancer",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.time",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "e.region",
            "action": "'nlb:' || coalesce(s.type, 'connection')",
            "resources": "list_filter([s.elb], lambda r: r IS NOT NULL)",
            "source_ip": "s.client_ip",
            "destination_ip": "s.destination_ip",
            "outcome": "CASE WHEN s.tls_protocol_version IS NOT NULL THEN 'success' ELSE 'error' END",
            "bytes": "s.sent_bytes",
            "summary": """'TLS connection from ' || coalesce(s.client_ip, '?') || coalesce(' to ' || s.domain_name, '')
      || coalesce(', ' || s.sent_bytes || ' bytes sent', '') || coalesce(', alert ' || s.incoming_tls_alert, '')""",
        },
    ),
    layouts=balancer(r"_elasticloadbalancing_[a-z0-9-]+_net\."),
    about=About(
        recognised="net.NAME files in the folder elasticloadbalancing of AWSLogs, or lines of its layout",
        delivered="S3 (gzip text); vended delivery to CloudWatch Logs, S3 or Firehose",
        delay="every 5 minutes; best effort",
        minutes=10,
        organisation="none; the account is in the key",
        cannot_show=(
            BlindSpot("requests", "Connections to TCP and UDP listeners: only TLS listeners log; see flow logs."),
            BlindSpot("requests", "The target that served a connection."),
        ),
    ),
    keys=(KEY + r"\d{12}_elasticloadbalancing_[a-z0-9-]+_net\.",),
    claims=claims,
    reshape=reshape,
    required=("elb",),
    line_format=line_format,
    in_streams=True,
    derived=(
        ("client_ip", "VARCHAR", address("client_port")),
        ("client_port_number", "BIGINT", port("client_port")),
        ("destination_ip", "VARCHAR", address("destination_port")),
        ("destination_port_number", "BIGINT", port("destination_port")),
    ),
    account="s.owner",
)
