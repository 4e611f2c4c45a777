"""S3 server access logs: each request to a bucket, as far as they were delivered."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from forensics.jsons import written
from forensics.source import About, Column, EventMap, IdentityMap, LineFormat, Source

COLUMNS = (
    Column("bucket_owner", doc="Canonical id of the bucket's owner."),
    Column("bucket", doc="Bucket the request was for."),
    Column("time", "TIMESTAMP", "When the request came in."),
    Column("remote_ip", doc="Address of the client, or of a proxy before it; NULL for what S3 does itself."),
    Column("requester", doc="ARN of user or role session, canonical id, or NULL: anonymous."),
    Column("request_id", doc="Id of the request; CloudTrail's requestID of the same call.", unique=True),
    Column("operation", doc="REST.METHOD.RESOURCE, BATCH.…, WEBSITE.…, or S3.… for what S3 does itself."),
    Column("key", doc="Key, URL-encoded as logged: a character may be encoded twice (%2520)."),
    Column("request_uri", doc="Request line as the client sent it, quotes within included."),
    Column("http_status", "BIGINT", "HTTP status of the answer."),
    Column("error_code", doc="S3's error code."),
    Column("bytes_sent", "BIGINT", "Bytes of the answer without protocol overhead; NULL when none."),
    Column("object_size", "BIGINT", "Bytes of the whole object."),
    Column("total_time", "BIGINT", "Milliseconds from the request to the last byte of the answer."),
    Column("turn_around_time", "BIGINT", "Milliseconds S3 took before it began to answer."),
    Column("referer", doc="Referer header as the client sent it."),
    Column("user_agent", doc="User agent as the client sent it, quotes within included."),
    Column("version_id", doc="Version of the object asked for."),
    Column("host_id", doc="x-amz-id-2 of the request.", unique=True),
    Column("signature_version", doc="SigV2, SigV4; NULL of a request that was not signed."),
    Column("cipher_suite", doc="Cipher; NULL of HTTP."),
    Column("authentication_type", doc="AuthHeader; QueryString of a presigned URL; NULL if not signed."),
    Column("host_header", doc="Endpoint that was asked."),
    Column("tls_version", doc="TLS version; NULL of HTTP."),
    Column("access_point_arn", doc="Access point the request went through."),
    Column("acl_required", "BOOLEAN", "Whether an ACL was needed to let the request through."),
    Column("source_region", doc="Region the request came from; NULL from outside of AWS and through PrivateLink."),
    Column("@logGroup", doc="Log group, of records delivered to CloudWatch Logs."),
)
FIELDS = tuple(column.field for column in COLUMNS if not column.field.startswith("@"))
_TAIL = 17
_MONTHS = dict(
    zip("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), (f"{n:02}" for n in range(1, 13)), strict=True)
)

_HEAD = re.compile(r"(\S+) (\S+) \[([^\]]*)\] (\S+) (\S+) (\S+) ([A-Z0-9]+\.[\w.]+) (\S+) (?=[\"-])")
_AFTER_URI = re.compile(r'" (\d{3}|-) (\S+) (\d+|-) (\d+|-) (\d+|-) (\d+|-) (?=["-])')
_IS_LINE = re.compile(r"^\S{8,} [a-z0-9][a-z0-9.-]{1,62} \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] ")


def iso(stamp: str) -> str:
    """`05/Nov/2026:09:10:01 +0000` in ISO 8601; any other text as it is."""
    month = _MONTHS.get(stamp[3:6])
    if month is None or len(stamp) != 26 or not stamp.endswith(" +0000"):
        return stamp
    return f"{stamp[7:11]}-{month}-{stamp[:2]}T{stamp[12:20]}Z"


def _quoted(text: str) -> tuple[str, str] | None:
    """A referer in quotes, or a bare mark, and what follows it."""
    if text.startswith("- "):
        return "-", text[2:]
    end = text.find('" ', 1)
    return (text[1:end], text[end + 2 :]) if text[:1] == '"' and end > 0 else None


def _agent(text: str) -> tuple[str, list[str]] | None:
    """The user agent, whatever quotes it holds, and the fields after it, none of which holds a blank."""
    words = text.rsplit('" ', 1) if text[:1] == '"' else text.split(" ", 1)
    if len(words) == 1:
        whole = text[:1] == '"' and text[-1:] == '"' and len(text) > 1
        return (text[1:-1], []) if whole else (text, []) if " " not in text else None
    agent = words[0][1:] if text[:1] == '"' else words[0]
    return agent, words[1].split()


def _uri(text: str) -> tuple[str, list[str], str] | None:
    """The request line, the six fields after it, and what follows those."""
    if text.startswith("- "):
        parts = text.split(" ", 7)
        return ("-", parts[1:7], parts[7]) if len(parts) > 7 else None
    found = _AFTER_URI.search(text, 1)
    return (text[1 : found.start()], list(found.groups()), text[found.end() :]) if found else None


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a line: those before the request line, those after it, and from the end the ones after the agent."""
    head = _HEAD.match(line)
    uri = _uri(line[head.end() :]) if head else None
    referer = _quoted(uri[2]) if uri else None
    agent = _agent(referer[1]) if referer else None
    if head is None or uri is None or referer is None or agent is None:
        return None
    owner, bucket, stamp, *others = head.groups()
    tail: list[str | None] = list(agent[1][: len(FIELDS) - _TAIL])
    tail += [None] * (len(FIELDS) - _TAIL - len(tail))
    if tail[_ACL] == "Yes":
        tail[_ACL] = "true"
    extra = agent[1][len(FIELDS) - _TAIL :]
    rest = written(extra) if extra else None
    return [owner, bucket, iso(stamp), *others, uri[0], *uri[1], referer[0], agent[0], *tail, rest]


_ACL = FIELDS.index("acl_required") - _TAIL
_FORMAT = LineFormat((*FIELDS, "unmapped"), split)


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The access log's layout, if one of those lines begins as its lines do."""
    return _FORMAT if any(map(_IS_LINE.match, lines)) else None


def claims(record: Mapping[str, Any]) -> bool:
    """A record as delivered to CloudWatch Logs, or in the declared form."""
    return "bucket_owner_id" in record and "request_uri" in record and "operation" in record


_NAMES = {
    "bucket_owner_id": "bucket_owner",
    "bucket_name": "bucket",
    "request_time": "time",
    "key_name": "key",
    "bytes_sent_size": "bytes_sent",
    "total_duration": "total_time",
    "turn_around_duration": "turn_around_time",
}


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record of CloudWatch Logs (page "Log format in CloudWatch Logs") under the names of the text format."""
    return {_NAMES.get(name, name): held for name, held in record.items()}


SOURCE = Source(
    name="s3_access",
    title="S3 server access logs",
    reference="Amazon S3 server access log format",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.time",
            "account_id": "e.account_id",
            "region": "e.region",
            "action": "'s3:' || s.operation",
            "resources": """CASE
      WHEN s.bucket IS NULL THEN NULL
      WHEN s.key IS NULL THEN ['arn:aws:s3:::' || s.bucket]
      ELSE ['arn:aws:s3:::' || s.bucket, 'arn:aws:s3:::' || s.bucket || '/' || s.key]
    END""",
            "source_ip": "s.remote_ip",
            "outcome": """CASE
      WHEN s.http_status IN (401, 403) OR s.error_code = 'AccessDenied' THEN 'denied'
      WHEN s.http_status BETWEEN 100 AND 399 THEN 'success'
      WHEN s.http_status IS NOT NULL THEN 'error'
    END""",
            "bytes": "s.bytes_sent",
            "user_agent": "s.user_agent",
            "summary": """coalesce(s.operation, 'request') || ' of ' || coalesce(s.bucket, '?') || coalesce('/' || s.key, '')
      || coalesce(' from ' || s.remote_ip, '') || coalesce(', ' || s.bytes_sent || ' bytes sent', '')
      || coalesce(': ' || s.http_status, '') || coalesce(' ' || s.error_code, '')""",
        },
    ),
    identity=IdentityMap({"arn": "CASE WHEN s.requester LIKE 'arn:%' THEN s.requester END"}),
    about=About(
        recognised="lines of its layout; date-partitioned keys ACCOUNT/REGION/BUCKET/YYYY/MM/DD",
        delivered="S3 (plain text, without suffix); CloudWatch Logs (JSON)",
        delay="most within a few hours; best effort: records may be late, missing or twice",
        organisation="none; the account is known only from date-partitioned keys",
        cannot_show=(
            "Whether it is complete: S3 does not guarantee the delivery of access logs.",
            "The access key that signed a request.",
            "Contents of objects, and requests that never reached the bucket.",
        ),
    ),
    keys=(
        r"(?:^|/)(?P<account>\d{12})/(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)/[a-z0-9.-]+/\d{4}/\d\d/\d\d/\d{4}(?:-\d\d){5}-[0-9A-F]{16}$",
    ),
    claims=claims,
    reshape=reshape,
    required=("bucket", "time"),
    line_format=line_format,
    in_streams=True,
)
