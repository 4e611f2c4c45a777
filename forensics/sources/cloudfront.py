"""CloudFront access logs: requests of viewers at the edge, in every format that CloudFront writes."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any

from forensics.jsons import written
from forensics.key_layout import DAYS, KeyLayout
from forensics.line_split import HEADER
from forensics.source import STREAM_FIELDS, About, BlindSpot, Column, EventMap, LineFormat, Source, snake

_STANDARD = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent)"
    " cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken"
    " x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status"
    " fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len"
    " sc-range-start sc-range-end distribution-tenant-id connection-id"
).split()
"""Fields of standard logs, in the order of the page "Standard logging reference"; older files end earlier."""

_REAL_TIME = (
    "timestamp c-ip s-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem cs-bytes"
    " x-edge-location x-edge-request-id x-host-header time-taken cs-protocol-version c-ip-version cs-user-agent"
    " cs-referer cs-cookie cs-uri-query x-edge-response-result-type x-forwarded-for ssl-protocol ssl-cipher"
    " x-edge-result-type fle-encrypted-fields fle-status sc-content-type sc-content-len sc-range-start sc-range-end"
    " c-port x-edge-detailed-result-type c-country cs-accept-encoding cs-accept cache-behavior-path-pattern cs-headers"
    " cs-header-names cs-headers-count primary-distribution-id primary-distribution-dns-name origin-fbl origin-lbl asn"
    " cmcd-encoded-bitrate cmcd-buffer-length cmcd-buffer-starvation cmcd-content-id cmcd-object-duration cmcd-deadline"
    " cmcd-measured-throughput cmcd-next-object-request cmcd-next-range-request cmcd-object-type cmcd-playback-rate"
    " cmcd-requested-maximum-throughput cmcd-streaming-format cmcd-session-id cmcd-stream-type cmcd-startup"
    " cmcd-top-bitrate cmcd-version r-host sr-reason x-edge-mqcs distribution-tenant-id connection-id"
).split()
"""Fields of real-time logs, where all of them were chosen (page "Real-time access logs")."""

_WHOLE, _WHOLE_REAL_TIME = (24, 26, 33, 34, 35), (41, 43, 46, 64, 67, 69)
"""How many fields those lists had over the years."""

COLUMNS = (
    Column("time", "TIMESTAMP", "When the edge finished answering, from date and time or timestamp.", epoch="ms"),
    Column("x-edge-location", doc="Edge location that served the request."),
    Column("sc-bytes", "BIGINT", "Bytes to the viewer, headers included."),
    Column("c-ip", doc="Address at the other end of the connection: of a proxy, if there is one."),
    Column("cs-method", doc="HTTP method."),
    Column("cs-host", doc="Domain name of the distribution."),
    Column("cs-uri-stem", doc="Path, URL-encoded; in real-time logs with the query string."),
    Column("sc-status", "BIGINT", "HTTP status; 0 (written 000): the viewer left before the answer."),
    Column("cs-referer", doc="Referer header, URL-encoded; what was encoded before is encoded twice (%2520)."),
    Column("cs-user-agent", doc="User agent, URL-encoded."),
    Column("cs-uri-query", doc="Query string, URL-encoded."),
    Column("cs-cookie", doc="Cookies, if the distribution logs them."),
    Column("x-edge-result-type", doc="Hit, RefreshHit, Miss, LimitExceeded, CapacityExceeded, Error, Redirect…"),
    Column("x-edge-request-id", doc="Id of the request; of a WAF record the requestId.", unique=True),
    Column("x-host-header", doc="Host header of the request."),
    Column("cs-protocol", doc="http, https, ws, wss, grpcs."),
    Column("cs-bytes", "BIGINT", "Bytes from the viewer, headers included."),
    Column("time-taken", "DOUBLE", "Seconds from the request to the last byte of the answer."),
    Column("x-forwarded-for", doc="X-Forwarded-For header: what the client wrote, unproven."),
    Column("ssl-protocol", doc="TLS version."),
    Column("ssl-cipher", doc="Cipher."),
    Column("x-edge-response-result-type", doc="Result type just before the answer was sent."),
    Column("cs-protocol-version", doc="HTTP version."),
    Column("fle-status", doc="Whether field-level encryption worked."),
    Column("fle-encrypted-fields", "BIGINT", "Fields encrypted."),
    Column("c-port", "BIGINT", "Port of the viewer."),
    Column("time-to-first-byte", "DOUBLE", "Seconds to the first byte of the answer."),
    Column("x-edge-detailed-result-type", doc="Result type in detail, for instance LambdaExecutionError."),
    Column("sc-content-type", doc="Content type of the answer."),
    Column("sc-content-len", "BIGINT", "Content length of the answer."),
    Column("sc-range-start", "BIGINT", "First byte of the range answered."),
    Column("sc-range-end", "BIGINT", "Last byte of the range answered."),
    Column("distribution-tenant-id", doc="Tenant of a multi-tenant distribution."),
    Column("connection-id", doc="Connection, as in connection logs."),
    Column("s-ip", doc="Address of the edge server."),
    Column("c-ip-version", doc="IPv4 or IPv6."),
    Column("c-country", doc="Country of the viewer's address, as CloudFront judges."),
    Column("cs-accept-encoding", doc="Accept-Encoding header."),
    Column("cs-accept", doc="Accept header."),
    Column("cache-behavior-path-pattern", doc="Path pattern of the cache behaviour that matched."),
    Column("cs-headers", doc="Request headers, as far as logged."),
    Column("cs-header-names", doc="Names of the request headers."),
    Column("cs-headers-count", "BIGINT", "Number of request headers."),
    Column("primary-distribution-id", doc="Distribution behind a staging distribution."),
    Column("primary-distribution-dns-name", doc="Its domain name."),
    Column("origin-fbl", "DOUBLE", "Seconds to the first byte from the origin."),
    Column("origin-lbl", "DOUBLE", "Seconds to the last byte from the origin."),
    Column("asn", "BIGINT", "Autonomous system of the viewer."),
    Column("r-host", doc="Origin that was asked."),
    Column("sr-reason", doc="Why the origin was chosen."),
    Column("x-edge-mqcs", "BIGINT", "Media quality score of the origin."),
    Column("DistributionId", doc="Distribution, where the delivery names it."),
    Column("@owner", doc="Account of the log group."),
)
_KNOWN = {column.name: column.field for column in COLUMNS if column.field not in STREAM_FIELDS}
_TIMES = ("timestamp_ms", "timestamp", "date", "time")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t")
_SECONDS = re.compile(r"\d{10}(?:\.\d{1,3})?\t")


def milliseconds(text: str) -> str:
    """Epoch seconds, with or without decimals, or milliseconds, in milliseconds; any other text as it is."""
    whole, point, part = text.partition(".")
    if not (whole.isascii() and whole.isdigit() and (part.isdigit() or not point)):
        return text
    return whole if len(whole) > 11 and not point else f"{whole}{part[:3]:0<3}"


def _splitter(names: Sequence[str], counts: Sequence[int]) -> LineFormat:
    """The layout of lines of so many of those fields between tabs (in W3C files of v2 perhaps blanks)."""
    keys = [snake(name) for name in names]
    fields = ["" if key in _TIMES else _KNOWN.get(key, "") for key in keys]
    given = tuple(dict.fromkeys(field for field in fields if field))
    places = [fields.index(field) for field in given]
    moment = _moment([keys.index(key) if key in keys else None for key in _TIMES])
    others = [place for place in range(len(names)) if place not in places and place not in moment.places]

    pick = itemgetter(*places, 0, 0)

    def split(line: str) -> Sequence[str | None] | None:
        found: list[str | None] = list(line.split("\t" if "\t" in line else " "))
        if (count := len(found)) not in counts:
            return None
        if count < len(names):
            found += [None] * (len(names) - count)
        row = list(pick(found))
        extra = (
            {names[place]: held for place in others if (held := found[place]) not in (None, "-")} if others else None
        )
        row[len(places) :] = moment.of(found), written(extra) if extra else None
        return row

    return LineFormat((*given, "time", "unmapped"), split, comment="#")


@dataclass(frozen=True)
class _Moment:
    """How the fields of a line tell its time, and the places that are told by it."""

    of: Callable[[Sequence[str | None]], str | None]
    places: tuple[int, ...] = ()


def _moment(places: Sequence[int | None]) -> _Moment:
    """The time by the places of the fields of `_TIMES`: a timestamp before date and time."""
    in_ms, in_seconds, day, clock = places
    stamp = in_ms if in_ms is not None else in_seconds
    both = (day, clock) if day is not None and clock is not None else ()
    if stamp is not None:
        return _Moment(lambda found: milliseconds(found[stamp] or ""), (stamp, *both))
    if day is not None and clock is not None:
        return _Moment(lambda found: f"{found[day]}T{found[clock]}Z", both)
    return _Moment(lambda _: None)


_BARE = _splitter(_STANDARD, _WHOLE)
_STREAMED = _splitter(_REAL_TIME, _WHOLE_REAL_TIME)

_OURS = frozenset(
    "x_edge_location x_edge_request_id x_edge_result_type x_edge_response_result_type x_edge_detailed_result_type"
    " x_edge_mqcs x_host_header cs_uri_stem cs_uri_query cs_host cs_method cs_protocol cs_bytes cs_protocol_version"
    " cs_user_agent cs_referer cs_cookie cs_headers cs_header_names cs_headers_count cs_accept cs_accept_encoding"
    " sc_status sc_bytes sc_content_len sc_content_type sc_range_start sc_range_end c_ip c_port c_ip_version c_country"
    " fle_status fle_encrypted_fields cache_behavior_path_pattern".split()
)
"""Names of CloudFront's own making, of which two tell a record."""

_OF_IIS = frozenset({"s_port", "s_sitename", "sc_substatus", "sc_win32_status", "cs_username"})
"""Names of the other W3C logs of web servers that are common; CloudFront has none of them."""

_HINTS = ("x-", "x_", "cs-", "cs_", "cs(", "sc-", "sc_", "c-", "c_")
_NUMBER = re.compile(r"\d+(?:\.\d+)?|-").fullmatch
_looks = {column.field: _NUMBER for column in COLUMNS if column.type in ("BIGINT", "DOUBLE")} | {
    "sc-status": re.compile(r"\d{3}").fullmatch,
    "c-ip": re.compile(r"[0-9a-fA-F.:]{3,45}").fullmatch,
    "x-edge-location": re.compile(r"[A-Z]{3}\d{1,3}(?:-[A-Z]\d{1,3})?").fullmatch,
}


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The layout that a #Fields header names; that of a line without one whose fields are all there, and look so.

    Deliveries may choose their fields: what a line without a header and with others holds only its delivery knows.
    """
    for line in lines:
        if line.startswith(HEADER):
            names = line.removeprefix(HEADER).split()
            return _splitter(names, (len(names),)) if _are_ours(names) else None
    return next((found for line in lines if (found := _bare(line))), None)


def _bare(line: str) -> LineFormat | None:
    """The layout without a header that a line has: as many fields, a time first, and numbers and addresses in place."""
    layout = _BARE if _DATE.match(line) else _STREAMED if _SECONDS.match(line) else None
    row = layout.split(line) if layout else None
    if layout is None or row is None:
        return None
    held = zip(layout.fields, row, strict=True)
    return layout if all(text is None or field not in _looks or _looks[field](text) for field, text in held) else None


def _are_ours(names: Iterable[str]) -> bool:
    keys = {name if name in _OURS else snake(name) for name in names}
    return len(_OURS & keys) >= 2 and not _OF_IIS & keys


def claims(record: Mapping[str, Any]) -> bool:
    """A record of a delivery that names its fields, in any spelling of the names; it may have few of them."""
    return _named(tuple(record)) if sum(map(len, record)) < _LONG_NAMES else _names_tell(record)


_LONG_NAMES = 4096
"""Characters of the names of a record beyond which they are not kept in memory."""


def _names_tell(names: Iterable[str]) -> bool:
    return any(name.startswith(_HINTS) for name in names) and _are_ours(names)


_named = lru_cache(maxsize=64)(_names_tell)
"""The same for the names of a delivery: all its records have them."""


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with CloudFront's names of fields, one time, and NULL for what is marked as missing.

    Of a timestamp and date and time, the timestamp is the time; a part of a time alone stays as it is.
    """
    held = {snake(name): (name, None if value == "-" else value) for name, value in record.items()}
    times = {key: value for key in _TIMES if (value := held.pop(key, ("", None))[1]) is not None}
    found = {_KNOWN.get(key, name): value for key, (name, value) in held.items()}
    in_ms, day, clock = times.get("timestamp_ms", times.get("timestamp")), times.get("date"), times.get("time")
    if in_ms is not None:
        return found | {"time": milliseconds(f"{in_ms:.3f}" if isinstance(in_ms, float) else str(in_ms))}
    if isinstance(day, str) and isinstance(clock, str):
        return found | {"time": f"{day}T{clock}Z"}
    if isinstance(clock, str):
        times["time"] = milliseconds(clock)
    return found | times


SOURCE = Source(
    name="cloudfront",
    title="CloudFront access logs: standard v1 and v2, real-time",
    reference="Standard logging reference",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.time",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "'aws-global'",
            "action": "'cloudfront:' || coalesce(s.cs_method, 'request')",
            "resources": "list_filter([s.distribution_id], lambda r: r IS NOT NULL)",
            "source_ip": "s.c_ip",
            "outcome": """CASE
      WHEN s.sc_status IN (401, 403) THEN 'denied'
      WHEN s.sc_status BETWEEN 100 AND 399 THEN 'success'
      WHEN s.sc_status IS NOT NULL THEN 'error'
    END""",
            "bytes": "s.sc_bytes",
            "user_agent": "s.cs_user_agent",
            "summary": """coalesce(s.cs_method, 'request') || ' ' || coalesce(s.x_host_header, s.cs_host, '')
      || left(coalesce(s.cs_uri_stem, ''), 200) || coalesce(' from ' || s.c_ip, '')
      || coalesce(' at ' || s.x_edge_location, '') || coalesce(': ' || s.sc_status, '')
      || coalesce(' ' || s.x_edge_result_type, '')""",
        },
    ),
    layouts=(
        KeyLayout(
            f"AWSLogs/{{account}}/CloudFront/[{{name}}/]{DAYS}[{{HH}}/]", timedelta(hours=24), "some up to 24 hours"
        ),
        KeyLayout("AWSLogs/aws-account-id={account}/CloudFront/", timedelta(hours=24), "some up to 24 hours"),
        KeyLayout(
            "",
            timedelta(hours=24),
            "some up to 24 hours",
            file=r"(?P<stem>E[0-9A-Z]{9,15}\.)(?P<date>\d{4}-\d\d-\d\d-\d\d)\.[0-9a-f]{8}\.",
        ),
    ),
    about=About(
        recognised="a #Fields header of its names, keys DISTRIBUTION.YYYY-MM-DD-HH.ID.gz, lines that begin as its do",
        delivered="S3 (gzip text, JSON, Parquet), CloudWatch Logs, Firehose; real-time through Kinesis",
        delay="most within an hour, some up to 24 hours; real-time within seconds; best effort",
        minutes=60,
        organisation="none; the configuration lies in us-east-1",
        cannot_show=(
            BlindSpot("requests", "Requests that were not delivered: CloudFront does not promise a record for each."),
            BlindSpot("requests", "All requests, where real-time logs are sampled."),
            BlindSpot("requests", "The client behind a proxy: x-forwarded-for is what the client wrote."),
        ),
    ),
    keys=(
        r"(?:^|/)E[0-9A-Z]{9,15}\.\d{4}-\d\d-\d\d-\d\d\.[0-9a-f]{8}\.gz$",
        r"AWSLogs/(?:aws-account-id=)?(?P<account>\d{12})/CloudFront/",
    ),
    claims=claims,
    reshape=reshape,
    line_format=line_format,
    in_streams=True,
    account="s.owner",
)
