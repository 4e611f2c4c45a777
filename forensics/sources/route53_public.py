"""Route 53 public DNS query logs: queries for names of a public hosted zone, by resolvers of the internet."""

import re
from collections.abc import Sequence

from forensics.source import About, BlindSpot, Column, EventMap, LineFormat, LogStream, Source

COLUMNS = (
    Column("version", doc="Version of the log's format.", name="format_version"),
    Column("query_timestamp", "TIMESTAMP", "When Route 53 answered."),
    Column("hosted_zone_id", doc="Hosted zone of the name."),
    Column("query_name", doc="Name asked for, as asked."),
    Column("query_type", doc="A, AAAA, TXT…"),
    Column("response_code", name="rcode", doc="NOERROR, NXDOMAIN…"),
    Column("protocol", doc="UDP or TCP.", name="transport"),
    Column("edge_location", doc="Edge location that answered."),
    Column("resolver_ip", doc="Resolver that asked, not the client behind it."),
    Column("edns_client_subnet", doc="Network of the client, as the resolver passed it on."),
    Column("@logGroup", doc="Log group; only in CloudWatch Logs of us-east-1."),
    Column("@owner", doc="Account of the log group."),
)
FIELDS = tuple(column.field for column in COLUMNS if not column.field.startswith("@"))

_LINE = re.compile(r"^\d+\.\d+ \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ Z[0-9A-Z]+ \S+ [A-Z0-9]+ [A-Z]+ (?:UDP|TCP) ")
_STREAM = re.compile(r"^Z[0-9A-Z]{6,}/[A-Z]{3}\d+(?:-[A-Z0-9]+)?$")


def split(line: str) -> Sequence[str | None] | None:
    """The ten fields of a line; none holds a blank."""
    found: list[str | None] = list(line.split())
    return [*found, None] if len(found) == len(FIELDS) else None


_FORMAT = LineFormat((*FIELDS, "unmapped"), split)


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The query log's layout, if one of those lines has it."""
    return _FORMAT if any(map(_LINE.match, lines)) else None


def claims_stream(stream: LogStream, message: str) -> bool:
    """A stream of a hosted zone and an edge location."""
    return bool(_STREAM.match(stream.log_stream or "")) and bool(_LINE.match(message))


SOURCE = Source(
    name="route53_public",
    title="Route 53 public DNS query logs",
    reference="Public DNS query logging",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.query_timestamp",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "coalesce(e.region, 'us-east-1')",
            "action": "'route53:' || coalesce(s.query_type, 'query')",
            "resources": "list_filter([s.domain, s.hosted_zone_id], lambda r: r IS NOT NULL)",
            "source_ip": "s.resolver_ip",
            "outcome": "CASE WHEN s.rcode = 'NOERROR' THEN 'success' WHEN s.rcode IS NOT NULL THEN 'error' END",
            "summary": """coalesce(s.resolver_ip, '?') || ' asked for ' || coalesce(s.domain, '?')
      || coalesce(' ' || s.query_type, '') || coalesce(': ' || s.rcode, '')
      || coalesce(', for ' || s.edns_client_subnet, '')""",
        },
    ),
    about=About(
        recognised="streams ZONE/EDGE of CloudWatch Logs, or lines of its layout",
        delivered="CloudWatch Logs of us-east-1",
        delay="minutes; best effort",
        minutes=10,
        organisation="none; owner of the log group is the account",
        cannot_show=(
            BlindSpot("names", "Who asked: it shows resolvers, at best with a client's network."),
            BlindSpot("names", "Queries that resolvers answered from their caches."),
        ),
    ),
    claims_stream=claims_stream,
    line_format=line_format,
    in_streams=True,
    derived=(("domain", "VARCHAR", "rtrim(lower(s.query_name), '.')"),),
    account="s.owner",
)
