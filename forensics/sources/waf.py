"""AWS WAF web ACL traffic: each inspected request, the rule that decided, and its labels."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from forensics.key_layout import DAYS, KeyLayout
from forensics.source import About, BlindSpot, Column, EventMap, LogStream, Source

COLUMNS = (
    Column("timestamp", "TIMESTAMP", "When the request was inspected.", epoch="ms"),
    Column("formatVersion", doc="Version of the log's format."),
    Column("webaclId", doc="Web ACL: an ARN; of WAF Classic a bare id."),
    Column("terminatingRuleId", doc="Rule that decided, or Default_Action."),
    Column("terminatingRuleType", doc="REGULAR, RATE_BASED, GROUP, MANAGED_RULE_GROUP."),
    Column("action", doc="ALLOW, BLOCK, CAPTCHA, CHALLENGE."),
    Column("terminatingRuleMatchDetails", "JSON", "What matched in the rule that decided: condition, place, data."),
    Column("httpSourceName", doc="What the ACL protects: CF, ALB, APIGW, APPSYNC, COGNITOIDP, APPRUNNER…"),
    Column("httpSourceId", doc="The protected resource, for instance ACCOUNT-app/NAME/ID."),
    Column("ruleGroupList", "JSON", "Rule groups that looked at the request, with their matches."),
    Column("rateBasedRuleList", "JSON", "Rate-based rules that looked at the request."),
    Column("nonTerminatingMatchingRules", "JSON", "Rules that matched without deciding: COUNT, CAPTCHA, CHALLENGE."),
    Column("requestHeadersInserted", "JSON", "Headers that a rule added."),
    Column("responseCodeSent", "BIGINT", "Status of a custom response."),
    Column("httpRequest", "JSON", "The request whole: headers as a list in order, names as sent."),
    Column("httpRequest.clientIp", doc="Address the request came from.", name="client_ip"),
    Column("httpRequest.country", doc="Country of that address, as WAF judges.", name="country"),
    Column("httpRequest.uri", doc="Path as sent.", name="uri"),
    Column("httpRequest.args", doc="Query string as sent.", name="args"),
    Column("httpRequest.httpVersion", doc="HTTP version.", name="http_version"),
    Column("httpRequest.httpMethod", doc="HTTP method.", name="http_method"),
    Column(
        "httpRequest.requestId",
        doc="Id the protected service gave: trace id of an ALB, request id of CloudFront.",
        name="request_id",
    ),
    Column("httpRequest.fragment", doc="Fragment, where sent.", name="fragment"),
    Column("httpRequest.scheme", doc="http or https.", name="scheme"),
    Column("httpRequest.host", doc="Host, where logged apart.", name="http_host"),
    Column("labels", "JSON", "Labels on the request, at most the first 100."),
    Column("captchaResponse", "JSON", "What came of a CAPTCHA."),
    Column("challengeResponse", "JSON", "What came of a challenge."),
    Column("ja3Fingerprint", doc="JA3 fingerprint of the client's TLS."),
    Column("ja4Fingerprint", doc="JA4 fingerprint of the client's TLS."),
    Column("clientAsn", "BIGINT", "Autonomous system of the client's address."),
    Column("forwardedAsn", "BIGINT", "Autonomous system of the forwarded address."),
    Column("oversizeFields", "JSON", "Parts too long to be inspected whole."),
    Column("requestBodySize", "BIGINT", "Bytes of the body."),
    Column(
        "requestBodySizeInspectedByWAF",
        "BIGINT",
        "Bytes of the body that were inspected.",
        name="request_body_size_inspected",
    ),
    Column("cfDistributionTenantId", doc="Tenant of a CloudFront distribution."),
    Column("@logGroup", doc="Log group, of records delivered to CloudWatch Logs."),
    Column("@owner", doc="Account of the log group."),
)


def header(name: str) -> str:
    """SQL: the first value of a request header, whatever the case of its name, in a list of them or in an object."""
    listed = f"""list_extract(list_filter(
      CAST(json_extract(s.http_request, '$.headers[*]') AS JSON[]), lambda h: lower(h->>'$.name') = '{name}'), 1)->>'$.value'"""
    named = f"""json_extract_string(s.http_request, '$.headers."' ||
      list_filter(json_keys(s.http_request, '$.headers'), lambda k: lower(k) = '{name}')[1] || '"')"""
    return f"coalesce({listed}, {named})"


LABELS = """json_extract_string(s.labels, '$[*].name')"""


_NAMES = {step.lower(): step for column in COLUMNS if column.field[0] != "@" for step in column.field.split(".")}
_IN_LOWER = "webaclid"


def claims(record: Mapping[str, Any]) -> bool:
    """A record of a web ACL, of WAF or of WAF Classic; Parquet that Firehose writes has its names in lower case."""
    return ("webaclId" in record and "httpRequest" in record) or (_IN_LOWER in record and "httprequest" in record)


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with AWS's spelling of its names, where they came in lower case."""
    if _IN_LOWER not in record:
        return record
    found = {_NAMES.get(name, name): value for name, value in record.items()}
    if isinstance(request := found.get("httpRequest"), dict):
        found["httpRequest"] = {_NAMES.get(name, name): value for name, value in request.items()}
    return found


def claims_stream(stream: LogStream, message: str) -> bool:
    """A log group of WAF: AWS prescribes the name. Messages of events without a group are judged one by one."""
    return (stream.log_group or "").startswith("aws-waf-logs-")


SOURCE = Source(
    name="waf",
    title="AWS WAF web ACL traffic, WAF Classic included",
    reference="Log fields for protection pack (web ACL) traffic",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.timestamp",
            "account_id": "coalesce(nullif(regexp_extract(s.webacl_id, '^arn:[^:]*:wafv2:[^:]*:([0-9]{12}):', 1), ''), s.owner, e.account_id)",
            "region": "coalesce(nullif(regexp_extract(s.webacl_id, '^arn:[^:]*:wafv2:([^:]*):', 1), ''), e.region)",
            "action": "'waf:' || lower(coalesce(s.action, 'request'))",
            "resources": "list_filter([s.webacl_id, s.http_source_id], lambda r: r IS NOT NULL)",
            "source_ip": "s.client_ip",
            "outcome": """CASE
      WHEN s.action = 'ALLOW' THEN 'success'
      WHEN s.action IN ('BLOCK', 'CAPTCHA', 'CHALLENGE') THEN 'denied'
    END""",
            "user_agent": "s.user_agent",
            "summary": """coalesce(s.action, 'request') || ' ' || coalesce(s.http_method, '') || ' ' || coalesce(s.host, '')
      || left(coalesce(s.uri, ''), 200) || coalesce(' from ' || s.client_ip, '')
      || coalesce(' by ' || s.terminating_rule_id, '')""",
        },
    ),
    layouts=(
        KeyLayout(
            f"AWSLogs/{{account}}/WAFLogs/{{region}}/{{name}}/{DAYS}{{HH}}/{{mm}}/",
            timedelta(hours=6),
            "batches of 5 minutes; best effort",
            stamped=True,
        ),
    ),
    about=About(
        recognised="the folder WAFLogs of AWSLogs, log groups aws-waf-logs-*, records with webaclId and httpRequest",
        delivered="S3 (gzip JSON lines), CloudWatch Logs, Firehose; WAF Classic through Firehose only",
        delay="batches of 5 minutes; best effort",
        minutes=10,
        organisation="through Firewall Manager; the account is in the ARN of the web ACL",
        cannot_show=(
            BlindSpot("requests", "Bodies of requests, and fields that the configuration redacts (REDACTED)."),
            BlindSpot("requests", "Requests that a logging filter dropped: absence is no proof."),
            BlindSpot("requests", "What the protected service answered."),
        ),
    ),
    keys=(r"AWSLogs/(?P<account>\d{12})/WAFLogs/(?P<region>[a-z0-9-]+)/[^/]+/\d{4}/\d\d/\d\d/\d\d/\d\d/",),
    claims=claims,
    claims_stream=claims_stream,
    reshape=reshape,
    as_declared=True,
    required=("webacl_id",),
    derived=(
        ("user_agent", "VARCHAR", header("user-agent")),
        ("host", "VARCHAR", f"coalesce({header('host')}, s.http_host)"),
        ("x_forwarded_for", "VARCHAR", header("x-forwarded-for")),
        ("label_names", "VARCHAR[]", LABELS),
    ),
    in_streams=True,
    account="coalesce(nullif(regexp_extract(s.webacl_id, '^arn:[^:]*:wafv2:[^:]*:([0-9]{12}):', 1), ''), s.owner)",
    region="nullif(regexp_extract(s.webacl_id, '^arn:[^:]*:wafv2:([^:]*):', 1), '')",
)
