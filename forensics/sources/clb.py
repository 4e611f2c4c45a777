"""Classic Load Balancer access logs: requests or TCP connections, and the instance that served them."""

import re
from collections.abc import Sequence

from forensics.key_layout import balancer
from forensics.line_split import two_texts
from forensics.source import About, BlindSpot, Column, EventMap, LineFormat, PlainLine, Source, Word
from forensics.sources.alb import KEY, address, outcome, port

COLUMNS = (
    Column("timestamp", "TIMESTAMP", "When the request came in."),
    Column("elb", doc="Name of the load balancer."),
    Column("client:port", doc="Address and port of the client."),
    Column("backend:port", doc="Address and port of the instance; NULL where none was reached."),
    Column("request_processing_time", "DOUBLE", "Seconds until the request went to an instance; -1: it did not."),
    Column("backend_processing_time", "DOUBLE", "Seconds until the instance began to answer; -1: it did not."),
    Column("response_processing_time", "DOUBLE", "Seconds until the answer began to go out; -1: it did not."),
    Column("elb_status_code", "BIGINT", "HTTP status that the client got; NULL of a TCP connection."),
    Column("backend_status_code", "BIGINT", "HTTP status that the instance gave."),
    Column("received_bytes", "BIGINT", "Bytes of the request's body, or of a TCP connection."),
    Column("sent_bytes", "BIGINT", "Bytes of the answer's body, or of a TCP connection."),
    Column("request", doc="Method, URL and version, as the client sent them; '- - - ' of a TCP connection."),
    Column("user_agent", doc="User agent, as the client sent it."),
    Column("ssl_cipher", doc="Cipher of the client's connection."),
    Column("ssl_protocol", doc="TLS version of the client's connection."),
)
FIELDS = tuple(column.field for column in COLUMNS)

_NUMBER = r"(?:-?\d+(?:\.\d+)?)"
_LINE = re.compile(
    rf"^\d{{4}}-\d\d-\d\dT[\d:.]+Z [^ /]+ \S+:\d+ (?:\S+:\d+|-) {_NUMBER} {_NUMBER} {_NUMBER} \S+ \S+ -?\d+ -?\d+ \""
)
_BEFORE = re.compile(r' *((?:[^\s"]++ ++){11})"(.*)"(?: ([^\s"]++) ((?:TLS|SSL)v[\d.]+|-))? *', re.DOTALL)


def split(line: str) -> Sequence[str | None] | None:
    """The 12, 13 or 15 fields of a line; None where it has others.

    The last quote of a line ends what the client wrote: AWS's fields are before the first and after the last one.
    """
    found = _BEFORE.fullmatch(line)
    if found is None:
        return None
    said = two_texts(found[2])
    if said is None and found[3]:
        return None
    return [*found[1].split(), *(said or (found[2], None)), found[3], found[4], None]


_PLAIN = PlainLine(
    (*[Word()] * 11, *[Word(quoted=True)] * 2, Word(), Word("(?:TLS|SSL)v[0-9.]+|-")),
    frozenset({13, 15}),
)
_FORMAT = LineFormat((*FIELDS, "unmapped"), split, plain=_PLAIN)


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The access log's layout, if one of those lines has it."""
    return _FORMAT if any(map(_LINE.match, lines)) else None


SOURCE = Source(
    name="clb",
    title="Classic Load Balancer access logs",
    reference="Access logs for your Classic Load Balancer",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.timestamp",
            "account_id": "e.account_id",
            "region": "e.region",
            "action": "'clb:' || coalesce(nullif(regexp_extract(s.request, '^([A-Z]+) ', 1), ''), 'connection')",
            "resources": "list_filter([s.elb], lambda r: r IS NOT NULL)",
            "source_ip": "s.client_ip",
            "destination_ip": "s.backend_ip",
            "outcome": outcome("elb_status_code"),
            "bytes": "s.sent_bytes",
            "user_agent": "s.user_agent",
            "summary": """CASE WHEN s.request LIKE '- - -%' THEN 'TCP connection' ELSE coalesce(left(s.request, 200), 'request') END
      || coalesce(' from ' || s.client_ip, '') || coalesce(' to ' || s."backend_port", '')
      || coalesce(': ' || s.elb_status_code, '')""",
        },
    ),
    layouts=balancer(r"_elasticloadbalancing_[a-z0-9-]+_(?!app\.|net\.)"),
    about=About(
        recognised=".log files in the folder elasticloadbalancing of AWSLogs, or lines of its layout",
        delivered="S3 (plain text)",
        delay="every 5 or 60 minutes for each node; best effort",
        minutes=65,
        organisation="none; the account is in the key",
        cannot_show=(
            BlindSpot("requests", "Requests that could not be parsed, and connections refused."),
            BlindSpot("requests", "The client behind a proxy."),
        ),
    ),
    keys=(KEY + r"\d{12}_elasticloadbalancing_[a-z0-9-]+_(?!app\.|net\.)[^/]+\.log$",),
    line_format=line_format,
    in_streams=True,
    derived=(
        ("client_ip", "VARCHAR", address("client_port")),
        ("client_port_number", "BIGINT", port("client_port")),
        ("backend_ip", "VARCHAR", address("backend_port")),
        ("backend_port_number", "BIGINT", port("backend_port")),
    ),
)
