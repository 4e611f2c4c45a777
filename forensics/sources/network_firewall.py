"""AWS Network Firewall logs: alerts, flows by direction, and TLS inspection, as Suricata events."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from forensics.key_layout import DAYS, KeyLayout
from forensics.source import About, BlindSpot, Column, EventMap, LogStream, Source

COLUMNS = (
    Column("firewall_name", doc="Firewall that saw the traffic."),
    Column("availability_zone", doc="Availability Zone of the endpoint that saw it."),
    Column("event_timestamp", "TIMESTAMP", "When the record was made, by second.", epoch="s"),
    Column("event", "JSON", "Suricata's event, whole."),
    Column("event.timestamp", "TIMESTAMP", "When the event happened.", name="event_time"),
    Column(
        "event.flow_id", doc="Flow, the same in alert, flow and TLS records; too large for a double.", name="flow_id"
    ),
    Column("event.event_type", doc="alert, netflow or tls.", name="event_type"),
    Column("event.src_ip", doc="Source address, before any NAT behind the firewall.", name="src_ip"),
    Column("event.src_port", "BIGINT", "Source port.", name="src_port"),
    Column("event.dest_ip", doc="Destination address.", name="dest_ip"),
    Column("event.dest_port", "BIGINT", "Destination port.", name="dest_port"),
    Column("event.proto", doc="TCP, UDP, ICMP…", name="proto"),
    Column("event.app_proto", doc="Application protocol as Suricata judged.", name="app_proto"),
    Column(
        "event.alert.action",
        doc="allowed or blocked; allowed may still be dropped by a default action.",
        name="alert_action",
    ),
    Column("event.alert.signature_id", "BIGINT", "Rule.", name="alert_signature_id"),
    Column("event.alert.signature", doc="Message of the rule.", name="alert_signature"),
    Column("event.alert.category", doc="Category of the rule.", name="alert_category"),
    Column("event.alert.severity", "DOUBLE", "Priority of the rule: 1 is the highest.", name="alert_severity"),
    Column("event.verdict.action", doc="What became of the packet: pass, drop, reject.", name="verdict_action"),
    Column("event.netflow.pkts", "BIGINT", "Packets of a flow, in one direction.", name="netflow_pkts"),
    Column("event.netflow.bytes", "BIGINT", "Bytes of a flow, in one direction.", name="netflow_bytes"),
    Column("event.netflow.start", "TIMESTAMP", "First packet of a flow.", name="netflow_start"),
    Column("event.netflow.end", "TIMESTAMP", "Last packet of a flow.", name="netflow_end"),
    Column("event.tls.sni", doc="Server name the client asked for.", name="tls_sni"),
    Column("event.http.hostname", doc="Host of an HTTP request.", name="http_hostname"),
    Column("event.http.url", doc="Path of an HTTP request.", name="http_url"),
    Column("event.http.http_user_agent", doc="User agent of an HTTP request.", name="http_user_agent"),
    Column("@logGroup", doc="Log group, of records delivered to CloudWatch Logs."),
    Column("@owner", doc="Account of the log group."),
)


def claims(record: Mapping[str, Any]) -> bool:
    """A record of a firewall around an event of Suricata."""
    return "firewall_name" in record and isinstance(record.get("event"), dict)


def claims_stream(stream: LogStream, message: str) -> bool:
    """A stream of a firewall: AWS names it after the kind of log and the firewall."""
    return (stream.log_stream or "").startswith("/aws/network-firewall/")


SOURCE = Source(
    name="network_firewall",
    title="Network Firewall alert, flow and TLS logs",
    reference="Contents of a Network Firewall log",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "coalesce(s.netflow_start, s.event_time, s.event_timestamp)",
            "end_time": "s.netflow_end",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "coalesce(e.region, nullif(regexp_extract(s.availability_zone, '^([a-z]+(?:-[a-z]+)+-[0-9])[a-z]$', 1), ''))",
            "action": "'network_firewall:' || coalesce(s.event_type, 'event')",
            "resources": "list_filter([s.firewall_name], lambda r: r IS NOT NULL)",
            "source_ip": "s.src_ip",
            "destination_ip": "s.dest_ip",
            "outcome": """CASE
      WHEN s.verdict_action IN ('drop', 'reject') OR s.alert_action = 'blocked' THEN 'reject'
      WHEN s.verdict_action IN ('pass', 'alert') OR s.event_type = 'netflow' THEN 'accept'
    END""",
            "bytes": "s.netflow_bytes",
            "user_agent": "s.http_user_agent",
            "summary": """coalesce(s.src_ip, '?') || coalesce(':' || s.src_port, '') || ' to ' || coalesce(s.dest_ip, '?')
      || coalesce(':' || s.dest_port, '') || coalesce(' ' || coalesce(s.tls_sni, s.http_hostname), '')
      || coalesce(', ' || s.netflow_bytes || ' bytes', '') || coalesce(': ' || s.alert_signature, '')
      || coalesce(', ' || coalesce(s.verdict_action, s.alert_action), '')""",
        },
    ),
    layouts=(
        KeyLayout(
            f"AWSLogs/{{account}}/network-firewall/{{name}}/{{region}}/{{name}}/{DAYS}{{HH}}/",
            timedelta(hours=6),
            "every 5 minutes or 75 MB; best effort",
            stamped=True,
        ),
    ),
    about=About(
        recognised="the folder network-firewall of AWSLogs, or records with firewall_name and an event",
        delivered="S3 (gzip JSON lines), CloudWatch Logs, Firehose",
        delay="every 5 minutes or 75 MB; best effort",
        minutes=10,
        organisation="through Firewall Manager; the account is in the key",
        cannot_show=(
            BlindSpot(
                "traffic", "Traffic that stateless rules passed or dropped, and alerts of rules that do not alert."
            ),
            BlindSpot("traffic", "What is inside TLS, unless the firewall inspects it."),
            BlindSpot("traffic", "Traffic that was not routed through the firewall."),
        ),
    ),
    keys=(r"AWSLogs/(?P<account>\d{12})/network-firewall/(?:alert|flow|tls)/(?P<region>[a-z0-9-]+)/",),
    claims=claims,
    claims_stream=claims_stream,
    required=("event",),
    in_streams=True,
    account="s.owner",
)
