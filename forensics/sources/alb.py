"""Application Load Balancer access logs: requests from outside, and the target that answered."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from forensics.key_layout import balancer
from forensics.line_split import (
    BARE,
    QUOTED,
    Part,
    Reader,
    bare,
    header_names,
    layout,
    rest,
    tokens,
    two_texts,
    under_header,
)
from forensics.source import STREAM_FIELDS, About, BlindSpot, Column, EventMap, LineFormat, PlainLine, Source, Word

COLUMNS = (
    Column("type", doc="Kind of request or connection: http, https, h2, grpcs, ws, wss."),
    Column("time", "TIMESTAMP", "When the response was sent."),
    Column("elb", doc="Load balancer: app/NAME/ID."),
    Column("client:port", doc="Address and port of the client, or of the proxy before it."),
    Column("target:port", doc="Address and port of the target; NULL for a Lambda target or where none was chosen."),
    Column("request_processing_time", "DOUBLE", "Seconds until the request went to a target; -1: it did not."),
    Column("target_processing_time", "DOUBLE", "Seconds until the target began to answer; -1: it did not."),
    Column("response_processing_time", "DOUBLE", "Seconds until the answer began to go out; -1: it did not."),
    Column("elb_status_code", "BIGINT", "HTTP status that the client got."),
    Column("target_status_code", "BIGINT", "HTTP status that the target gave."),
    Column("received_bytes", "BIGINT", "Bytes of the request, headers included."),
    Column("sent_bytes", "BIGINT", "Bytes of the answer, headers included."),
    Column("request", doc="Method, full URL and version, as the client sent them."),
    Column("user_agent", doc="User agent, as the client sent it; quotes may stand as \\x22."),
    Column("ssl_cipher", doc="Cipher of the client's connection."),
    Column("ssl_protocol", doc="TLS version of the client's connection."),
    Column("target_group_arn", doc="Target group; of a Lambda target the only trace of it here."),
    Column("trace_id", doc="X-Amzn-Trace-Id: joins to WAF, X-Ray and the target's own log."),
    Column("domain_name", doc="Server name the client asked for in TLS."),
    Column("chosen_cert_arn", doc="Certificate shown to the client, or session-reused."),
    Column("matched_rule_priority", "BIGINT", "Priority of the rule that matched; 0 is the default, -1 none."),
    Column("request_creation_time", "TIMESTAMP", "When the request came in."),
    Column("actions_executed", doc="Actions taken, in order; waf as the last means that WAF blocked it."),
    Column("redirect_url", doc="Where a redirect led."),
    Column("error_reason", doc="Why it failed, for instance LambdaUnhandled."),
    Column("target:port_list", doc="Targets tried, as addresses and ports."),
    Column("target_status_code_list", doc="Statuses of the targets tried."),
    Column("classification", doc="Acceptable, Ambiguous or Severe: whether the request looks like desync."),
    Column("classification_reason", doc="Why it was classified so."),
    Column("conn_trace_id", doc="TID_…: joins to the connection log."),
    Column("transformed_host", doc="Host header after a rewrite."),
    Column("transformed_uri", doc="URI after a rewrite."),
    Column("request_transform_status", doc="Whether rewrites worked."),
    Column("ip_address", doc="Address of the load balancer's node."),
    Column("@owner", doc="Account of the log group."),
)
FIELDS = tuple(column.field for column in COLUMNS if column.field not in STREAM_FIELDS)

_TYPES = frozenset({"http", "https", "h2", "grpcs", "ws", "wss"})
_TLS, _GROUP = r"(?:TLS|SSL)v[\d.]++|-", r'arn:[^\s"/]++(?<=targetgroup)/[^\s"]++|-'
_WHOLE, _WHEN = r"-?\d++|-", r"\d{4}-\d\d-\d\dT[\d:.]++Z?+|-"
_TRACE, _IP = r'TID_[^\s"]*+|-', r"[0-9A-Fa-f]*+[.:][0-9A-Fa-f.:]*+|-"
_PARTS = (
    *[Part(BARE)] * 12,
    *[Part(quoted=True, said=True)] * 2,
    *map(Part, (BARE, _TLS, _GROUP)),
    *[Part(quoted=True, said=True)] * 2,
    Part(r"\S*", quoted=True),
    *map(Part, (_WHOLE, _WHEN)),
    Part(r"\S*", quoted=True),
    Part(quoted=True, said=True, begins="http"),
    Part(r"\S*", quoted=True),
    Part(r"-|\S+:\d+(?: \S+:\d+)*", quoted=True),
    Part(r"(?:-|\d+)(?: (?:-|\d+))*", quoted=True),
    Part("Acceptable|Ambiguous|Severe|-", quoted=True),
    Part(r"\S*", quoted=True),
    Part(_TRACE),
    *[Part(quoted=True, said=True)] * 2,
    Part(r"\S*", quoted=True),
    Part(_IP),
)
"""What each field looks like. Request and user agent, trace, server name and the URLs are a client's words."""

_BEFORE, _SAID = 12, 14
_COUNTS = (17, 18, 20, 21, 22, 23, 24, 25, 27, 29, 30, 33, 34)
"""How many fields a line may have: AWS added some at a time, and `conn_trace_id` is the thirtieth."""

_TRACED, _UNTRACED = (30, 34), (17, 21, 22, 23, 24, 25, 27, 29, 33)
"""The counts of lines in which quotes of a client's stand before blanks, with a `conn_trace_id` at or near the end, and
without: there, quotes in a URL could stand for any that follow. (A priority or time at the end is never a dash.)"""

_OLD_PARTS = tuple(part if place < 19 else replace(part, said=False) for place, part in enumerate(_PARTS))
_layout = layout([QUOTED if part.quoted else part.pattern for part in _PARTS], _COUNTS)
_bare = re.compile(BARE).fullmatch
_may_be_old = re.compile(rf'.*"|{_GROUP}|{_WHOLE}|{_WHEN}').fullmatch
_anchor = re.compile("|".join((_TLS, _GROUP, _WHOLE, _WHEN, _TRACE, _IP))).fullmatch
_DASH = re.compile(r'(?<=" )- (?=(?:"[^"]*" ){4}TID_)|(?<=" )- (?=TID_)')


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a line; None where it has none, or more than one reading.

    A line whose fields in quotes all end at the first quote that may end them has one reading: what follows a user
    agent (cipher, protocol, target group) fits nowhere else. Fields beyond those known are taken where none of them
    looks like one that is known: a client's quotes may have pushed AWS's own there. Any other line must have exactly
    one reading in which everything that AWS writes looks as it should; wherever else a client's quotes stand, the line
    is rejected. (A redirect's URL in files of 25 fields, before 2020, could pose as the fields of 27.)
    """
    found = _layout(line)
    if found is not None and ((more := found[len(FIELDS) + 1]) is None or _is_new(more)):
        return [*found.groups()[:-1], more and rest(tokens(more))]
    return _only_reading(line) or _without_dash(line)


def _is_new(more: str) -> bool:
    return not any(_anchor(field) or '"' in bare(field) for field in tokens(more))


def _only_reading(line: str) -> list[str | None] | None:
    words = line.split(" ")
    if len(words) < _COUNTS[0] or not all(map(_bare, words[:_BEFORE])):
        return None
    reader, end = Reader(words), len(words)
    said = reader.trail(_PARTS[_BEFORE:_SAID], {_BEFORE: (1, _BEFORE)})[-1]
    start = dict.fromkeys(said, (1, _BEFORE))
    new = reader.trail(_PARTS[_SAID:], start)
    found = [(new[: count - _SAID + 1], end) for count in _TRACED if end in new[count - _SAID]]
    found += [(new, place) for place in new[-1] if place < end and reader.well_formed[place]]
    if _may_be_old(words[-1]):
        old = reader.trail(_OLD_PARTS[_SAID:], start)
        counts = [count for count in _UNTRACED if end in old[count - _SAID]]
        if found and words[-1] == "-":
            counts = [count for count in counts if count == _COUNTS[0]]
        found += [(old[: count - _SAID + 1], end) for count in counts]
    if sum(trail[-1][place][0] for trail, place in found) != 1:
        return None
    texts = reader.texts(*found[0])
    return _of_reading(words, texts, found[0][1])


def _of_reading(words: Sequence[str], texts: Sequence[str], end: int) -> list[str | None] | None:
    after = sum(text.count(" ") + 1 for text in texts)
    said = two_texts(" ".join(words[_BEFORE : end - after])[1:-1])
    if said is None:
        return None
    row = [*words[:_BEFORE], *said, *map(bare, texts), *[None] * (len(FIELDS) - _SAID - len(texts))]
    return [*row, rest(tokens(" ".join(words[end:])))]


def _without_dash(line: str) -> Sequence[str | None] | None:
    """A bare dash may stand before the fields of 2020 and of 2024: the line without it, where it has one reading."""
    if len(_DASH.findall(line)) != 1:
        return None
    without = _DASH.sub("", line)
    found = _layout(without)
    return found.groups() if found and found[len(FIELDS) + 1] is None else _only_reading(without)


_CHECKED = {
    15: "(?:TLS|SSL)v[0-9.]+|-",
    16: r'arn:[^\s"/]*targetgroup/[^\s"]+|-',
    20: "-?[0-9]+|-",
    21: "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z?|-",
    29: r'TID_[^\s"]*|-',
    33: "[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*|-",
}
"""Patterns of `_PARTS` by place, as RE2 has them."""

_PLAIN = PlainLine(
    tuple(Word("" if part.quoted else _CHECKED.get(place, ""), part.quoted) for place, part in enumerate(_PARTS)),
    frozenset(_COUNTS),
)
_FORMAT = LineFormat((*FIELDS, "unmapped"), split, plain=_PLAIN)
_OF_OTHERS = "type time elb client:port received_bytes sent_bytes domain_name chosen_cert_arn conn_trace_id ip_address"
_OWN = frozenset(FIELDS) - frozenset(_OF_OTHERS.split())
"""Names of the access log alone, among the logs of load balancers."""


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The access log's layout, if one of those lines has it; that of a delivery, if a #Fields header names its fields."""
    if names := header_names(lines):
        ours = "elb_status_code" in names or ("elb" in names and len(_OWN & set(names)) >= 2)
        return under_header(names, FIELDS, reshape) if ours else None
    return _FORMAT if any(_is_line(line) for line in lines) else None


def _is_line(line: str) -> bool:
    found = line.split(" ", 12)
    status = found[8].isdigit() or found[8] == "-" if len(found) > 12 else False
    return status and found[0] in _TYPES and "/" in found[2]


def claims(record: Mapping[str, Any]) -> bool:
    """A record of a delivery that names its fields, of which it may have few."""
    elb = record.get("elb")
    if not isinstance(elb, str):
        return False
    names = record.keys()
    return (str(record.get("type")) in _TYPES and "elb_status_code" in names) or (
        elb.startswith("app/") and len(_OWN & names) >= 2
    )


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with `client:port` and its like under those names, and NULL for what is marked as missing."""
    named = {"client_port": "client:port", "target_port": "target:port", "target_port_list": "target:port_list"}
    held = {named.get(name, name): None if value == "-" else value for name, value in record.items()}
    for side in ("client", "target"):
        if (ip := held.pop(f"{side}_ip", None)) is not None:
            held[f"{side}:port"] = endpoint(ip, held.get(f"{side}:port"))
    return held


def endpoint(ip: Any, number: Any) -> str:
    """An address and a port as access logs write them together; the address alone where there is no port."""
    alone = f"[{ip}]" if ":" in str(ip) else str(ip)
    return alone if number is None else f"{ip}:{number}"


def address(column: str) -> str:
    """SQL: the address of `ADDRESS:PORT`, brackets off."""
    both = f"nullif(regexp_extract(s.{column}, '^(.*):[0-9]+$', 1), '')"
    alone = f"nullif(regexp_extract(s.{column}, '^([0-9.]+|\\[.*\\])$', 1), '')"
    return f"nullif(trim(coalesce({both}, {alone}), '[]'), '')"


def port(column: str) -> str:
    """SQL: the port of `ADDRESS:PORT`."""
    return f"TRY_CAST(regexp_extract(s.{column}, ':([0-9]+)$', 1) AS BIGINT)"


def outcome(column: str) -> str:
    """SQL: what an HTTP status says of the outcome."""
    return f"""CASE
      WHEN s.{column} IN (401, 403) THEN 'denied'
      WHEN s.{column} BETWEEN 100 AND 399 THEN 'success'
      WHEN s.{column} IS NOT NULL THEN 'error'
    END"""


FOLDER = r"AWSLogs/(?:aws-account-id=)?(?P<account>\d{12})/elasticloadbalancing/(?:region=)?(?P<region>[a-z0-9-]+)/"
KEY = FOLDER + r"(?:year=)?\d{4}/(?:month=)?\d\d/(?:day=)?\d\d/(?:(?:hour=)?\d\d/)?"
HIVE = r"AWSLogs/aws-account-id=(?P<account>\d{12})/elasticloadbalancing/region=(?P<region>[a-z0-9-]+)/"

SOURCE = Source(
    name="alb",
    title="Application Load Balancer access logs",
    reference="Access logs for your Application Load Balancer",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.time",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "e.region",
            "action": "'alb:' || coalesce(nullif(regexp_extract(s.request, '^([A-Z]+) ', 1), ''), s.type, 'request')",
            "resources": "list_filter([s.elb, s.target_group_arn], lambda r: r IS NOT NULL)",
            "source_ip": "s.client_ip",
            "destination_ip": "s.target_ip",
            "outcome": outcome("elb_status_code"),
            "bytes": "s.sent_bytes",
            "user_agent": "s.user_agent",
            "summary": """coalesce(left(s.request, 200), s.type, 'request') || coalesce(' from ' || s.client_ip, '')
      || coalesce(' to ' || s."target_port", '') || coalesce(': ' || s.elb_status_code, '')
      || coalesce(' ' || s.error_reason, '')""",
        },
    ),
    layouts=balancer(r"(?<![a-z]_log_)\d{12}_elasticloadbalancing_[a-z0-9-]+_app\."),
    about=About(
        recognised="app.NAME files in the folder elasticloadbalancing of AWSLogs, or lines of its layout",
        delivered="S3 (gzip text); vended delivery to CloudWatch Logs, S3 or Firehose",
        delay="every 5 minutes for each node; best effort",
        minutes=10,
        organisation="none; the account is in the key",
        cannot_show=(
            BlindSpot(
                "requests",
                "Requests that never became one: refused connections and failed TLS handshakes (see alb_connection).",
            ),
            BlindSpot("requests", "The client behind a proxy, save as the X-Forwarded-For that it writes itself."),
            BlindSpot("requests", "Bodies and headers of requests and answers."),
        ),
    ),
    keys=(
        KEY + r"\d{12}_elasticloadbalancing_[a-z0-9-]+_app\.",
        HIVE + r"(?!.*(?:conn_log_|health_check_log_|_net\.))",
    ),
    claims=claims,
    reshape=reshape,
    required=("elb",),
    line_format=line_format,
    in_streams=True,
    derived=(
        ("client_ip", "VARCHAR", address("client_port")),
        ("client_port_number", "BIGINT", port("client_port")),
        ("target_ip", "VARCHAR", address("target_port")),
        ("target_port_number", "BIGINT", port("target_port")),
    ),
    account="s.owner",
)
