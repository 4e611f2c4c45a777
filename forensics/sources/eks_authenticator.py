"""EKS authenticator logs: which IAM identity was let into a cluster, under which Kubernetes name."""

import re
from collections.abc import Mapping
from typing import Any

from forensics.jsons import written
from forensics.source import About, BlindSpot, Column, EventMap, IdentityMap, LogStream, Source

COLUMNS = (
    Column("owner", doc="Account of the log group."),
    Column("logGroup", doc="/aws/eks/CLUSTER/cluster."),
    Column("logStream", doc="authenticator-ID."),
    Column("id", doc="CloudWatch Logs' id of the event, unique.", unique=True),
    Column("timestamp", "TIMESTAMP", "When the line was written.", epoch="ms"),
    Column("ingestionTime", "TIMESTAMP", "Set by AWS; not in every container.", epoch="ms"),
    Column("message", doc="The line as written.", unique=True),
    Column("level", doc="info, warning, error."),
    Column("msg", doc="What happened: access granted, access denied…"),
    Column("arn", doc="IAM role or user, path removed, that asked.", name="iam_arn"),
    Column("client", doc="Address and port as the authenticator saw them: of the API server."),
    Column("username", doc="Kubernetes user the identity is mapped to."),
    Column("uid", doc="aws-iam-authenticator:ACCOUNT:UNIQUE_ID.", name="user_uid"),
    Column("groups", doc="Kubernetes groups of the user, as written."),
    Column("method", doc="HTTP method of the request to the authenticator.", name="http_method"),
    Column("path", doc="Path of that request."),
    Column("accesskeyid", doc="Access key that signed the token.", name="access_key_id"),
    Column("error", doc="Why it was denied."),
    Column("fields", "JSON", "All fields of the line."),
)
_FIELDS = frozenset(
    {"level", "msg", "arn", "client", "username", "uid", "groups", "method", "path", "accesskeyid", "error"}
)
_PAIR = re.compile(r'(?<![\w.-])(?:[^\WA-Za-z_]|[.-])*([A-Za-z_][\w.-]*+)=("[^"\\]*+(?:\\.[^"\\]*+)*"|\S*)')


def logfmt(line: str) -> dict[str, str]:
    """The fields of a line of logfmt; a repeated field keeps its first value."""
    found: dict[str, str] = {}
    for name, text in _PAIR.findall(line):
        if name not in found:
            found[name] = _unquoted(text) if text[:1] == '"' else text
    return found


_ESCAPE = re.compile(r"\\(?:x([0-7][0-9a-f])|u([0-9a-f]{4})|U(000[0-9a-f]{5}|0010[0-9a-f]{4})|(.))", re.DOTALL)
_NAMED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _unquoted(text: str) -> str:
    """A value in quotes without them and its escapes, which are Go's; bytes that are no text stay escaped."""
    return _ESCAPE.sub(_character, text[1:-1]) if "\\" in text else text[1:-1]


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code:
        return chr(int(code, 16))
    return found[0] if found[4] in ("x", "u", "U") else _NAMED.get(found[4], found[4])


def parse_message(stream: LogStream, message: str) -> Mapping[str, Any]:
    """The fields of a line."""
    found = logfmt(message)
    known: dict[str, Any] = {name: text for name, text in found.items() if name in _FIELDS}
    return known | ({"fields": written(found)} if found else {})


_STREAM = re.compile(r"authenticator-[0-9a-f]+")


def claims_stream(stream: LogStream, message: str) -> bool:
    """The authenticator's stream of a cluster's control plane."""
    name = stream.log_stream or ""
    if stream.log_group is None:
        return _STREAM.fullmatch(name) is not None
    return name.startswith("authenticator-") and stream.log_group.startswith("/aws/eks/")


SOURCE = Source(
    name="eks_authenticator",
    title="EKS authenticator logs",
    reference="Send control plane logs to CloudWatch Logs",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.timestamp",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "e.region",
            "access_key_id": "nullif(s.access_key_id, '')",
            "action": "'eks:Authenticate'",
            "resources": "list_filter([s.cluster_name], lambda r: r IS NOT NULL)",
            "outcome": """CASE
      WHEN s.msg = 'access granted' THEN 'success'
      WHEN s.msg = 'access denied' THEN 'denied'
      WHEN s.level = 'error' THEN 'error'
    END""",
            "summary": "coalesce(s.msg || coalesce(' to ' || s.iam_arn, '') || coalesce(' as ' || s.username, ''), left(s.message, 300))",
        },
    ),
    identity=IdentityMap(
        {
            "arn": "CASE WHEN NOT regexp_matches(s.iam_arn, ':iam::[^:]*:role/') THEN s.iam_arn END",
            "pathless_arn": "CASE WHEN regexp_matches(s.iam_arn, ':iam::[^:]*:role/') THEN s.iam_arn END",
            "principal_id": "nullif(regexp_extract(s.user_uid, '^aws-iam-authenticator:[0-9]{12}:(.+)$', 1), '')",
            "account_id": "nullif(regexp_extract(s.user_uid, '^aws-iam-authenticator:([0-9]{12}):', 1), '')",
        }
    ),
    about=About(
        recognised="streams authenticator-* of /aws/eks/*",
        delivered="CloudWatch Logs; off by default",
        delay="minutes; best effort",
        minutes=10,
        organisation="by centralisation or subscription; owner of the log group is the account",
        cannot_show=(
            BlindSpot("workload", "The client's own address: the API server stands between."),
            BlindSpot("workload", "What was done after the login: see eks_audit."),
        ),
    ),
    claims_stream=claims_stream,
    parse_message=parse_message,
    derived=(("cluster_name", "VARCHAR", "nullif(regexp_extract(s.log_group, '^/aws/eks/(.+)/cluster$', 1), '')"),),
    account="s.owner",
)
