"""OCSF events of every class: Security Lake's Parquet, Security Hub's unified findings, OCSF of other makers."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from forensics.key_layout import KeyLayout
from forensics.source import About, BlindSpot, Column, EventMap, IdentityMap, Source

COLUMNS = (
    Column(
        "class_uid",
        "BIGINT",
        "Class: 6003 API Activity, 4001 Network, 4002 HTTP, 4003 DNS, 3002 Authentication, 200x findings.",
    ),
    Column("class_name", doc="Class in words."),
    Column("category_uid", "BIGINT", "Category of the class."),
    Column("category_name", doc="Category in words."),
    Column("activity_id", "BIGINT", "What was done, by class."),
    Column("activity_name", doc="What was done, in words."),
    Column("type_uid", "BIGINT", "Class and activity in one number."),
    Column("type_name", doc="Class and activity in words."),
    Column("time", "TIMESTAMP", "When it happened.", epoch="ms"),
    Column("start_time", "TIMESTAMP", "When it began.", epoch="ms"),
    Column("end_time", "TIMESTAMP", "When it ended.", epoch="ms"),
    Column("severity_id", "BIGINT", "1 informational, 2 low, 3 medium, 4 high, 5 critical, 6 fatal."),
    Column("severity", doc="Severity in words.", name="severity_label"),
    Column("status", doc="Success or Failure, or a finding's state."),
    Column("status_code", doc="Status in the product's own code."),
    Column("status_detail", doc="Why it failed."),
    Column("message", doc="What happened, in words.", unique=True),
    Column("metadata", "JSON", "Metadata whole."),
    Column(
        "metadata.uid",
        doc="The product's id of the event: of CloudTrail the eventID.",
        name="metadata_uid",
        unique=True,
    ),
    Column("metadata.version", doc="Version of OCSF.", name="metadata_version"),
    Column("metadata.product.name", doc="Product.", name="product_name"),
    Column("cloud", "JSON", "Cloud whole."),
    Column("cloud.account.uid", doc="Account.", name="cloud_account_uid"),
    Column("cloud.account_uid", doc="Account, in OCSF 1.0.0-rc.2.", name="cloud_account_uid_rc2"),
    Column("cloud.region", doc="Region.", name="region"),
    Column("api", "JSON", "API call whole; request data as text.", name="api_json"),
    Column("api.operation", doc="API operation.", name="api_operation"),
    Column("api.service.name", doc="Service.", name="api_service_name"),
    Column("api.request.uid", doc="Request id.", name="request_id"),
    Column("api.response.error", doc="Error code.", name="error_code"),
    Column("actor", "JSON", "Who did it, whole."),
    Column("actor.user.type", doc="Type of the user: AssumedRole, IAMUser…", name="actor_user_type"),
    Column("actor.user.uid", doc="ARN of the user, or its id.", name="actor_user_uid"),
    Column("actor.user.uid_alt", doc="Principal id.", name="actor_user_uid_alt"),
    Column("actor.user.name", doc="Name of the user.", name="user_name"),
    Column("actor.user.credential_uid", doc="Access key.", name="access_key_id"),
    Column("actor.user.account.uid", doc="Account of the user.", name="actor_account_uid"),
    Column("actor.session.issuer", doc="ARN of the role behind a session.", name="actor_session_issuer"),
    Column("actor.invoked_by", doc="Service that made the call.", name="actor_invoked_by"),
    Column("src_endpoint", "JSON", "Source whole."),
    Column("src_endpoint.ip", doc="Source address.", name="src_ip"),
    Column("src_endpoint.port", "BIGINT", "Source port.", name="src_port"),
    Column("src_endpoint.domain", doc="Source, where it is a service's name.", name="src_domain"),
    Column("src_endpoint.instance_uid", doc="Instance at the source.", name="instance_id"),
    Column("src_endpoint.interface_uid", doc="Interface at the source.", name="src_interface_uid"),
    Column("src_endpoint.vpc_uid", doc="VPC of the source.", name="vpc_id"),
    Column("dst_endpoint", "JSON", "Destination whole."),
    Column("dst_endpoint.ip", doc="Destination address.", name="dest_ip"),
    Column("dst_endpoint.port", "BIGINT", "Destination port.", name="dest_port"),
    Column("dst_endpoint.interface_uid", doc="Interface at the destination.", name="dst_interface_uid"),
    Column("connection_info", "JSON", "Protocol, direction, boundary."),
    Column("traffic", "JSON", "Bytes and packets."),
    Column("traffic.bytes", "BIGINT", "Bytes.", name="bytes"),
    Column("traffic.packets", "BIGINT", "Packets.", name="packets"),
    Column("disposition", doc="What a control did: Allowed, Blocked."),
    Column("action", doc="What a control decided."),
    Column("query", "JSON", "DNS query whole.", name="query_json"),
    Column("query.hostname", doc="Name asked for.", name="query_hostname"),
    Column("query.type", doc="Type asked for.", name="query_type"),
    Column("rcode", doc="Answer to a DNS query."),
    Column("answers", "JSON", "Answers to a DNS query."),
    Column("http_request", "JSON", "HTTP request whole."),
    Column("http_request.user_agent", doc="User agent.", name="user_agent"),
    Column("http_request.http_method", doc="HTTP method.", name="http_method"),
    Column("http_request.url", "JSON", "URL.", name="http_request_url"),
    Column("http_response", "JSON", "HTTP answer whole."),
    Column("http_response.code", "BIGINT", "HTTP status.", name="http_status"),
    Column("finding_info", "JSON", "Finding whole."),
    Column("finding_info.uid", doc="Id of the finding.", name="finding_uid"),
    Column("finding_info.title", doc="Title of the finding.", name="finding_title"),
    Column("finding_info.types", "JSON", "Kinds of the finding.", name="finding_types"),
    Column("finding", "JSON", "Finding whole, in OCSF 1.0.0-rc.2."),
    Column("resources", "JSON", "Resources.", name="event_resources"),
    Column("evidences", "JSON", "Evidence of a finding."),
    Column("observables", "JSON", "Values worth a look."),
    Column("unmapped", "JSON", "What the maker had no place for.", name="source_unmapped"),
)
_TIMES = ("time", "start_time", "end_time")


def claims(record: Mapping[str, Any]) -> bool:
    """An event of OCSF."""
    return "class_uid" in record and "metadata" in record and bool({"time", "time_dt", "category_uid"} & record.keys())


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with its times as numbers: Parquet of Security Lake has them as times, or as text in `_dt`."""
    found = dict(record)
    for name in _TIMES:
        if name not in found and isinstance(text := found.get(f"{name}_dt"), str):
            found[name] = text
        if isinstance(text := found.get(name), str) and (at := _epoch(text)) is not None:
            found[name] = at
    if isinstance(answers := found.get("answers"), str):
        found["answers"] = [answers]
    return found


def _epoch(text: str) -> int | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


_BY_USER = "s.class_uid BETWEEN 3000 AND 3999 OR s.class_uid BETWEEN 6000 AND 6999"
"""SQL: classes whose actor is who called: account and API activity, sign-ins; the actor of others is a process."""

RESOURCE_IDS = """list_sort(list_distinct(list_filter(list_concat(
  [s.src_interface_uid, s.dst_interface_uid, s.instance_id],
  json_extract_string(s.event_resources, '$[*].uid')), lambda r: r IS NOT NULL)))"""

SOURCE = Source(
    name="ocsf",
    title="OCSF events: Security Lake, Security Hub unified findings",
    reference="Open Cybersecurity Schema Framework (OCSF) in Security Lake",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        finding="coalesce(s.class_uid BETWEEN 2000 AND 2999, FALSE)",
        columns={
            "time": "coalesce(s.time, s.start_time)",
            "end_time": "s.end_time",
            "account_id": "coalesce(s.cloud_account_uid, s.cloud_account_uid_rc2, e.account_id)",
            "region": "coalesce(s.region, e.region)",
            "access_key_id": "nullif(s.access_key_id, '')",
            "action": """CASE
      WHEN s.api_operation IS NOT NULL THEN coalesce(regexp_extract(s.api_service_name, '^[^.]*'), 'ocsf') || ':' || s.api_operation
      ELSE 'ocsf:' || coalesce(s.class_name, CAST(s.class_uid AS VARCHAR), 'event') || coalesce(':' || s.activity_name, '')
    END""",
            "resources": "s.resource_ids",
            "source_ip": "coalesce(s.src_ip, s.src_domain)",
            "destination_ip": "s.dest_ip",
            "outcome": """CASE
      WHEN regexp_matches(s.error_code, '(?i)denied|unauthori[sz]ed|forbidden|notauthorized|authfailure') THEN 'denied'
      WHEN s.class_uid = 4001 AND s.disposition IN ('Allowed', 'Accepted') THEN 'accept'
      WHEN s.class_uid = 4001 AND s.disposition IN ('Blocked', 'Rejected', 'Dropped') THEN 'reject'
      WHEN s.disposition IN ('Blocked', 'Rejected') THEN 'denied'
      WHEN s.http_status IN (401, 403) THEN 'denied'
      WHEN s.status = 'Success' OR s.http_status BETWEEN 100 AND 399 THEN 'success'
      WHEN s.status = 'Failure' OR s.http_status >= 400 THEN 'error'
    END""",
            "severity": "CASE WHEN s.class_uid BETWEEN 2000 AND 2999 THEN CAST(s.severity_id AS DOUBLE) END",
            "bytes": "s.bytes",
            "user_agent": "s.user_agent",
            "summary": """coalesce(s.finding_title, s.finding->>'$.title', s.message,
      coalesce(s.api_operation, s.query_hostname, s.type_name, s.class_name, 'event')
        || coalesce(' from ' || coalesce(s.src_ip, s.src_domain), '') || coalesce(' to ' || s.dest_ip, '')
        || coalesce(': ' || coalesce(s.error_code, s.status, s.disposition), ''))""",
        },
    ),
    identity=IdentityMap(
        {
            "type": f"CASE WHEN {_BY_USER} THEN s.actor_user_type END",
            "principal_id": f"CASE WHEN {_BY_USER} THEN coalesce(s.actor_user_uid_alt, s.actor->'user'->>'uuid') END",
            "arn": f"CASE WHEN ({_BY_USER}) AND s.actor_user_uid LIKE 'arn:%' THEN s.actor_user_uid END",
            "account_id": f"CASE WHEN {_BY_USER} THEN coalesce(s.actor_account_uid, s.actor->'user'->>'account_uid') END",
            "invoked_by": f"CASE WHEN {_BY_USER} THEN s.actor_invoked_by END",
            "issuer_arn": f"CASE WHEN {_BY_USER} THEN s.actor_session_issuer END",
            "identity_provider": f"CASE WHEN {_BY_USER} THEN s.actor->'idp'->>'name' END",
        }
    ),
    layouts=(
        KeyLayout(
            "region={region}/accountId={account}/eventDay={YYYY}{MM}{DD}/",
            timedelta(hours=24),
            "the day of the event, or of its arrival",
        ),
    ),
    about=About(
        recognised="records and Parquet rows with class_uid and metadata",
        delivered="Security Lake to S3 (Parquet), EventBridge (Findings Imported V2), tools that write OCSF",
        delay="Security Lake: minutes to hours",
        minutes=120,
        organisation="Security Lake: accountId in the path; cloud.account.uid is the account",
        cannot_show=(
            BlindSpot(
                "all",
                "What the mapping to OCSF left out: prefer the raw log where both are there; each stands as an event of its own.",
            ),
            BlindSpot(
                "all", "Request parameters other than as text, and inScopeOf and sourceIdentity other than in unmapped."
            ),
        ),
    ),
    keys=(r"/region=(?P<region>[a-z0-9-]+)/accountId=(?P<account>\d{12})/eventDay=\d{8}/",),
    claims=claims,
    lists=("findings",),
    reshape=reshape,
    required=("class_uid", "time"),
    in_streams=True,
    derived=(("resource_ids", "VARCHAR[]", RESOURCE_IDS),),
    account="coalesce(s.cloud_account_uid, s.cloud_account_uid_rc2)",
    region="s.region",
)
