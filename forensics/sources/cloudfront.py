"""CloudFront access logs: requests of viewers at the edge, in every format that CloudFront writes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from forensics.jsons import written
from forensics.source import About, Column, EventMap, LineFormat, Source, snake

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
).split()
"""First fields of real-time logs, where all of them were chosen (page "Real-time access logs")."""

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
)
_KNOWN = {column.name: column.field for column in COLUMNS} | {"timestamp_ms": "time", "timestamp": "time"}
_HEADER = "#Fields:"
_DATE = re.compile(r"^\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t[A-Z]{3}\d")
_SECONDS = re.compile(r"^\d{10}(?:\.\d{1,3})?\t[0-9a-f.:]{3,45}\t[0-9a-f.:]{3,45}\t")
_FEWEST = 12


def milliseconds(text: str) -> str:
    """Epoch seconds, with or without decimals, or milliseconds, in milliseconds; any other text as it is."""
    whole, point, part = text.partition(".")
    if not (whole.isascii() and whole.isdigit() and (part.isdigit() or not point)):
        return text
    return whole if len(whole) > 11 and not point else f"{whole}{part[:3]:0<3}"


def _splitter(names: Sequence[str], *, least: int) -> LineFormat:
    """The layout of lines of those fields between tabs (in W3C files of v2 perhaps blanks)."""
    fields = [_KNOWN.get(snake(name), "") for name in names]
    parted = [snake(name) for name in names[:2]] == ["date", "time"]
    given = tuple(dict.fromkeys(field for field in fields if field))
    places = [fields.index(field) for field in given]
    when = fields.index("time") if "time" in given else None
    known = [place for place, field in enumerate(fields) if not field and not (parted and place == 0)]

    def split(line: str) -> Sequence[str | None] | None:
        found: list[str | None] = list(line.split("\t") if "\t" in line else line.split(" "))
        count = len(found)
        if count < least:
            return None
        if parted:
            found[1] = f"{found[0]}T{found[1]}Z"
        elif when is not None:
            found[when] = milliseconds(found[when] or "")
        found += [None] * (len(fields) - count)
        extra = found[len(fields) : count] + [held for place in known if (held := found[place]) not in (None, "-")]
        return [*(found[place] for place in places), written(extra) if extra else None]

    return LineFormat((*given, "unmapped"), split, comment="#")


_BARE = _splitter(_STANDARD, least=_FEWEST)
_STREAMED = _splitter(_REAL_TIME, least=_FEWEST)
_HINTS = ("x-edge", "x_edge", "cs-uri", "cs_uri", "sc-status", "sc_status")
_OURS = ("x_edge_location", "x_edge_request_id", "cs_uri_stem", "sc_status", "c_ip")


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The layout that a #Fields header names; that of standard or real-time logs, if a line without one begins so."""
    for line in lines:
        if line.startswith(_HEADER):
            names = line.removeprefix(_HEADER).split()
            found = {snake(name) for name in names}
            return _splitter(names, least=len(names)) if sum(name in found for name in _OURS) >= 2 else None
    if any(_DATE.match(line) for line in lines):
        return _BARE
    return _STREAMED if any(_SECONDS.match(line) for line in lines) else None


def claims(record: Mapping[str, Any]) -> bool:
    """A record of a delivery that names its fields, in any spelling of the names."""
    if len(record) < 3 or not any(name.startswith(_HINTS) for name in record):
        return False
    names = {name if name in _OURS else snake(name) for name in record}
    return sum(name in names for name in _OURS) >= 2


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with CloudFront's names of fields, one time, and NULL for what is marked as missing."""
    found = {_KNOWN.get(snake(name), name): None if held == "-" else held for name, held in record.items()}
    if isinstance(day := found.pop("date", None), str) and isinstance(found.get("time"), str):
        found["time"] = f"{day}T{found['time']}Z"
    when = found.get("time")
    if isinstance(when, str) and "T" not in when:
        found["time"] = milliseconds(when)
    elif isinstance(when, float):
        found["time"] = milliseconds(f"{when:.3f}")
    return found


SOURCE = Source(
    name="cloudfront",
    title="CloudFront access logs: standard v1 and v2, real-time",
    reference="Standard logging reference",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.time",
            "account_id": "e.account_id",
            "region": "'aws-global'",
            "action": "'cloudfront:' || coalesce(s.cs_method, 'request')",
            "resources": "list_filter([s.distribution_id, s.cs_host, s.x_host_header], lambda r: r IS NOT NULL)",
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
    about=About(
        recognised="a #Fields header of its names, keys DISTRIBUTION.YYYY-MM-DD-HH.ID.gz, lines that begin as its do",
        delivered="S3 (gzip text, JSON, Parquet), CloudWatch Logs, Firehose; real-time through Kinesis",
        delay="most within an hour, some up to 24 hours; real-time within seconds; best effort",
        organisation="none; the configuration lies in us-east-1",
        cannot_show=(
            "Requests that were not delivered: CloudFront does not promise a record for each.",
            "All requests, where real-time logs are sampled.",
            "The client behind a proxy: x-forwarded-for is what the client wrote.",
        ),
    ),
    keys=(
        r"(?:^|/)E[0-9A-Z]{9,15}\.\d{4}-\d\d-\d\d-\d\d\.[0-9a-f]{8}\.gz$",
        r"AWSLogs/(?P<account>\d{12})/CloudFront/",
    ),
    claims=claims,
    reshape=reshape,
    required=("time",),
    line_format=line_format,
    in_streams=True,
)
