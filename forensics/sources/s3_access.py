"""S3 server access logs: each request to a bucket, as far as they were delivered."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from forensics.clf_time import iso
from forensics.jsons import written
from forensics.key_layout import DAYS, KeyLayout
from forensics.source import About, BlindSpot, Column, EventMap, IdentityMap, LineFormat, PlainLine, Source, Word

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
    Column("@owner", doc="Account of the log group."),
)
FIELDS = tuple(column.field for column in COLUMNS if not column.field.startswith("@"))

_BEGIN = r"(\S+) (\S+) \[([^\]]*)\] (\S+) (\S+) (\S+) ([A-Z0-9]+\.[\w.]+) (\S+) "
_SIX = r'(\d{3}|-) ([^\s"]+) (\d+|-) (\d+|-) (\d+|-) (\d+|-) '
_PLAIN = re.compile(rf'{_BEGIN}"([^"]*)" {_SIX}"([^"]*)" "([^"]*)"((?: ++[^\s"]++)*) *$')
"""A line in which no client wrote a quote: it can be read in one way only."""
_HEAD = re.compile(rf'{_BEGIN}(?=["-])')
_AFTER_URI = re.compile(rf'" {_SIX}(?=")')
_METHOD = re.compile(r'"(?:GET|HEAD|PUT|POST|DELETE|OPTIONS|PATCH|COPY) ')
_VERSIONS = (" HTTP/1.1", " HTTP/1.0", " HTTP/2", " HTTP/2.0", " HTTP/3", " HTTP/3.0", " HTTP/0.9")
_AFTER_AGENT = FIELDS.index("host_header") - FIELDS.index("user_agent")
_BORDER = re.compile(r'" (?=")')
_IS_LINE = re.compile(
    r"^(?:\S{8,} (?=[a-z0-9])|(?=(?:\S+ ){7}[A-Z0-9]+\.[A-Z])\S+ )[a-z0-9][a-z0-9.-]{1,62} \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "
)


def _uri(text: str) -> tuple[str, list[str], str] | None:
    """The request line, the six fields after it, and what follows those; None where a client's text leaves a doubt.

    A request line begins with a method and ends with the version of HTTP: what else looks like its end is the client's.
    """
    ends = list(_AFTER_URI.finditer(text, 1))
    if text.startswith("- ") or (not ends and text.startswith('"-" ')):
        parts = text.split(" ", 7)
        return ("-", parts[1:7], parts[7]) if len(parts) > 7 else None
    if len(ends) > 1 and _METHOD.match(text):
        ends = [found for found in ends if text.endswith(_VERSIONS, 0, found.start())] or ends
    if not ends or len({found.groups() for found in ends}) > 1:
        return None
    found = ends[0]
    return text[1 : found.start()], list(found.groups()), text[found.end() :]


def _said(text: str) -> tuple[str, str, list[str]] | None:
    """Referer and user agent, whatever quotes they hold, and the fields after them, none of which holds any.

    Either may be a bare mark, where S3 did something itself. With few fields after what may be two quoted texts, the
    quote may be of the host that a client asked for.
    """
    end = text.rfind('"') + 1
    said, tail = text[:end], text[end:]
    if not said:
        words = text.split()
        return ("-", "-", words[2:]) if words[:2] == ["-", "-"] else None
    if tail and tail[0] != " ":
        return None
    if said.startswith("- "):
        return ("-", said[3:-1], tail.split()) if said[2] == '"' and len(said) > 3 else None
    border = _BORDER.search(said, 1)
    if border is None:
        bare = tail.startswith(" -") and tail[2:3] in ("", " ") and said[0] == '"' and len(said) > 1
        return (said[1:-1], "-", tail.split()[1:]) if bare else None
    agent, after = said[border.end() :], tail.split()
    if said[0] != '"' or len(agent) < 2 or ('" ' in agent and 0 < len(after) < _AFTER_AGENT):
        return None
    return said[1 : border.start()], agent[1:-1], after


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a line: those before the request line, those after it, and from the end the ones after the agent."""
    if line.count('"') == 6 and (plain := _PLAIN.match(line)):
        *fields, after = plain.groups()
        return _row(fields, after.split())
    head = _HEAD.match(line)
    uri = _uri(line[head.end() :]) if head else None
    said = _said(uri[2]) if uri else None
    if head is None or uri is None or said is None:
        return None
    return _row([*head.groups(), uri[0], *uri[1], *said[:2]], said[2])


_ACL = FIELDS.index("acl_required")
_TIME = FIELDS.index("time")


def _row(fields: Sequence[str], after: Sequence[str]) -> list[str | None]:
    """The fields up to the user agent and those after it as columns, and further ones as JSON."""
    found = [*fields, *after]
    row: list[str | None] = [*found[: len(FIELDS)], *[None] * (len(FIELDS) - len(found))]
    row[_TIME] = iso(found[_TIME])
    if row[_ACL] == "Yes":
        row[_ACL] = "true"
    extra = found[len(FIELDS) :]
    return [*row, written(extra) if extra else None]


_WHOLE = Word("[0-9]+|-")
_PLAIN_LINE = PlainLine(
    (
        *[Word()] * 2,
        Word(r"\[[^\]]*"),
        Word(r"[^\]]*\]", goes_on=True, told=lambda text: iso(text[1:-1])),
        *[Word()] * 3,
        Word(r"[A-Z0-9]+\.[0-9A-Za-z_.]+"),
        Word(),
        Word(quoted=True),
        *(Word("[0-9]{3}|-"), Word(), *[_WHOLE] * 4),
        *[Word(quoted=True)] * 2,
        *[Word()] * (_ACL - FIELDS.index("user_agent") - 1),
        Word(told=lambda text: "true" if text == "Yes" else text),
        *[Word()] * (len(FIELDS) - _ACL - 1),
    ),
    frozenset(range(FIELDS.index("user_agent") + 2, len(FIELDS) + 2)),
)
_FORMAT = LineFormat((*FIELDS, "unmapped"), split, plain=_PLAIN_LINE)


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
    if not record.keys().isdisjoint(_NAMES.values()):
        return {_NAMES.get(name, name): held for name, held in record.items()}
    found = dict(record)
    for name, named in _NAMES.items():
        if name in found:
            found[named] = found.pop(name)
    return found


SOURCE = Source(
    name="s3_access",
    title="S3 server access logs",
    reference="Amazon S3 server access log format",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.time",
            "account_id": "coalesce(s.owner, e.account_id)",
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
    identity=IdentityMap(
        {
            "arn": "CASE WHEN s.requester LIKE 'arn:%' THEN s.requester END",
            "invoked_by": "nullif(regexp_extract(s.requester, '^svc:([a-z0-9.-]+[.]amazonaws[.]com(?:[.]cn)?)$', 1), '')",
        }
    ),
    layouts=(
        KeyLayout(f"{{account}}/{{region}}/{{name}}/{DAYS}", timedelta(hours=24), "a few hours, no promise"),
        KeyLayout(
            "",
            timedelta(hours=24),
            "a few hours, no promise",
            file=r"(?P<stem>.*?)(?P<date>\d{4}-\d\d-\d\d-\d\d)-\d\d-\d\d-[0-9A-F]{16}$",
        ),
    ),
    about=About(
        recognised="lines of its layout; date-partitioned keys ACCOUNT/REGION/BUCKET/YYYY/MM/DD",
        delivered="S3 (plain text, without suffix); CloudWatch Logs (JSON)",
        delay="most within a few hours; best effort: records may be late, missing or twice",
        minutes=240,
        organisation="none; the account is known only from date-partitioned keys",
        cannot_show=(
            BlindSpot("data", "Whether it is complete: S3 does not guarantee the delivery of access logs."),
            BlindSpot("api", "The access key that signed a request."),
            BlindSpot("data", "Contents of objects, and requests that never reached the bucket."),
            BlindSpot(
                "data",
                "Every request: CloudTrail's data events are the surer record where a selector chose the bucket; these lines are delivered as S3 can.",
            ),
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
    account="s.owner",
)
