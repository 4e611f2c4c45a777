"""Records of different sources that carry the id of one request, or of one short-lived thing."""

import duckdb

from forensics import scanned, telling
from forensics.attribution.part import current, identifier
from forensics.each import each
from forensics.sources.cloudtrail import EVENT as CALL

_CALL_ID = CALL.columns["event_id"]
_ROOT = r"1-[0-9a-f]{8}-[0-9a-f]{24}"
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ATTACHMENT = f"attachment/({_UUID})$"
_STREAM = """LEFT JOIN stream_workload AS w ON w.object_id = s.object_id
  AND w.function_name = s.function_name
  AND w.owner IS NOT DISTINCT FROM s.owner
  AND w.log_group IS NOT DISTINCT FROM s.log_group"""


CALLS_READ = """s.event_name = 'CreateNetworkInterface'
  OR (s.event_source = 'ecs.amazonaws.com' AND s.event_name IN ('RunTask', 'StartTask'))
  OR (s.event_source = 'sts.amazonaws.com' AND s.user_identity_invoked_by = 'pods.eks.amazonaws.com')
  OR (s.event_source = 'ec2.amazonaws.com' AND s.event_name = 'CreateVpcEndpoint')"""


def _carried(
    kind: str, identity: str, source: str, time: str, *, workload: str = "NULL", joined: str = "", where: str = "TRUE"
) -> str:
    """A SELECT of the records of a source (alias `s`) that carry an id of a kind."""
    return f"""
SELECT '{kind}' AS id_kind, {identity} AS id, {identifier(source)} AS event_id, '{source}' AS source, {time} AS time,
  CAST({workload} AS VARCHAR) AS workload
FROM {source} AS s
{joined}
WHERE {where}
"""


_GATEWAY_TIME = "coalesce(s.request_time, s.timestamp)"

_KNOWN = "SELECT request_id FROM lambda_log UNION ALL SELECT integration_request_id FROM api_gateway"

_REQUESTS = (
    _carried(
        "lambda_request",
        "s.request_id",
        "lambda_log",
        "s.timestamp",
        workload="w.workload",
        joined=_STREAM,
        where="s.type LIKE 'platform.%'",
    ),
    _carried(
        "lambda_request",
        "s.request_id",
        "cloudtrail",
        "s.event_time",
        where=f"s.event_source = 'lambda.amazonaws.com'\n  AND s.event_name LIKE 'Invoke%'\n  AND s.request_id IN ({_KNOWN})"
        f"\n  AND {current('cloudtrail')}",
    ),
    _carried("lambda_request", "s.integration_request_id", "api_gateway", _GATEWAY_TIME),
    _carried("api_gateway_request", "s.request_id", "api_gateway", _GATEWAY_TIME),
    _carried("api_gateway_request", "s.extended_request_id", "api_gateway", _GATEWAY_TIME),
    _carried("api_gateway_request", "s.request_id", "waf", "s.timestamp", where="s.http_source_name = 'APIGW'"),
    _carried("cloudfront_request", "s.x_edge_request_id", "cloudfront", "s.time"),
    _carried("cloudfront_request", "s.request_id", "waf", "s.timestamp", where="s.http_source_name = 'CF'"),
    _carried(
        "s3_request",
        "s.request_id",
        "s3_access",
        "s.time",
        joined=f"JOIN s3_call AS x ON x.event_id = {identifier('s3_access')}",
    ),
    _carried(
        "s3_request",
        "s.request_id",
        "cloudtrail",
        "s.event_time",
        joined=f"JOIN (SELECT DISTINCT call_event_id FROM s3_call) AS x ON x.call_event_id = {_CALL_ID}",
        where=current("cloudtrail"),
    ),
    _carried("shared_event", "s.shared_event_id", "cloudtrail", "s.event_time", where=current("cloudtrail")),
)

_TRACES = (
    _carried("trace", f"regexp_extract(s.trace_id, 'Root=({_ROOT})', 1)", "alb", "s.time"),
    _carried("trace", f"regexp_extract(s.xray_trace_id, '({_ROOT})', 1)", "api_gateway", _GATEWAY_TIME),
    _carried(
        "trace",
        f"regexp_extract(s.request_id, '({_ROOT})', 1)",
        "waf",
        "s.timestamp",
        where="s.http_source_name = 'ALB'",
    ),
    _carried(
        "trace",
        f"regexp_extract(s.trace_id, '({_ROOT})', 1)",
        "lambda_log",
        "s.timestamp",
        workload="w.workload",
        joined=_STREAM,
    ),
)

_CALLED_ON_INTERFACE = f"""
SELECT 'ecs_attachment' AS id_kind,
  regexp_extract(coalesce(s.response_elements->>'$.networkInterface.description', s.request_parameters->>'$.description'),
    '{_ATTACHMENT}', 1) AS id,
  {_CALL_ID} AS event_id, 'cloudtrail' AS source, s.event_time AS time, CAST(NULL AS VARCHAR) AS workload
FROM {telling.TABLE} AS s
WHERE s.event_name = 'CreateNetworkInterface'
  AND {current("cloudtrail")}
"""

_RUN = f"""
SELECT 'ecs_attachment' AS id_kind, regexp_extract(c.item->>'$.id', '({_UUID})$', 1) AS id, c.event_id, 'cloudtrail' AS source,
  c.time, c.workload
FROM (
  SELECT s.event_id, s.time, s.task->>'$.taskArn' AS workload, unnest(json_extract(s.task, '$.attachments[*]')) AS item
  FROM (
    SELECT {_CALL_ID} AS event_id, s.event_time AS time, unnest(json_extract(s.response_elements, '$.tasks[*]')) AS task
    FROM {telling.TABLE} AS s
    WHERE s.event_source = 'ecs.amazonaws.com'
      AND s.event_name IN ('RunTask', 'StartTask')
      AND {current("cloudtrail")}
  ) AS s
) AS c
"""

_CHANGES = scanned.one(
    "attachment_change",
    "ecs_event",
    f"""
SELECT c.object_id, c.record, regexp_extract(c.item->>'$.id', '({_UUID})$', 1) AS id, c.event_id, c.time, c.task_arn
FROM (
  SELECT s.object_id, s.record, {identifier("ecs_event")} AS event_id, s.time, s.task_arn,
    unnest(json_extract(s.attachments, '$[*]')) AS item
  FROM {{rows}} AS s
) AS c
WHERE c.item->>'$.type' IN ('eni', 'ElasticNetworkInterface')
""",
)

_CHANGED = f"""
SELECT 'ecs_attachment' AS id_kind, s.id, s.event_id, 'ecs_event' AS source, s.time, s.task_arn AS workload
FROM {_CHANGES.table} AS s
WHERE {current("ecs_event")}
"""

_MINTED = f"""
SELECT 'pod_uid' AS id_kind, c.tag->>'$.value' AS id, c.event_id, 'cloudtrail' AS source, c.time,
  CAST(NULL AS VARCHAR) AS workload
FROM (
  SELECT {_CALL_ID} AS event_id, s.event_time AS time, unnest(json_extract(s.request_parameters, '$.tags[*]')) AS tag
  FROM {telling.TABLE} AS s
  WHERE s.event_source = 'sts.amazonaws.com'
    AND s.event_name = 'AssumeRole'
    AND s.user_identity_invoked_by = 'pods.eks.amazonaws.com'
    AND {current("cloudtrail")}
) AS c
WHERE c.tag->>'$.key' = 'kubernetes-pod-uid'
"""

_ENDPOINT_MADE = f"""
SELECT 'vpc_endpoint' AS id_kind,
  coalesce(s.response_elements->>'$.CreateVpcEndpointResponse.vpcEndpoint.vpcEndpointId',
    s.response_elements->>'$.vpcEndpoint.vpcEndpointId') AS id,
  {_CALL_ID} AS event_id, 'cloudtrail' AS source, s.event_time AS time, CAST(NULL AS VARCHAR) AS workload
FROM {telling.TABLE} AS s
WHERE s.event_source = 'ec2.amazonaws.com'
  AND s.event_name = 'CreateVpcEndpoint'
  AND {current("cloudtrail")}
"""

_THROUGH = scanned.one(
    "endpoint_call",
    "cloudtrail",
    f"""
SELECT s.object_id, s.vpc_endpoint_id AS id,
  arg_min(struct_pack(event_id := {_CALL_ID}, time := s.event_time), (s.event_time, {_CALL_ID})) AS first,
  arg_max(struct_pack(event_id := {_CALL_ID}, time := s.event_time), (s.event_time, {_CALL_ID})) AS last
FROM {{rows}} AS s
WHERE s.vpc_endpoint_id <> ''
GROUP BY s.object_id, s.vpc_endpoint_id
""",
)
"""The first and the last call through each VPC endpoint, by object: an object is read once, so that nothing is to be merged."""

_COPIED = "SELECT copy_object_id FROM superseded WHERE source = 'cloudtrail'"

_CALLED_THROUGH = f"""
SELECT 'vpc_endpoint' AS id_kind, s.id, s.call.event_id AS event_id, 'cloudtrail' AS source, s.call.time AS time,
  CAST(NULL AS VARCHAR) AS workload
FROM {each(f"{_THROUGH.table} AS s", "[s.first, s.last]", "call")} AS s
WHERE s.object_id NOT IN ({_COPIED})
"""
"""Of objects that hold copies every call is judged by itself: the first may be one."""

_POD = "LEFT JOIN pod_key AS k ON k.what = 'uid' AND k.named = "

_THINGS = (
    _CALLED_ON_INTERFACE,
    _RUN,
    _CHANGED,
    _carried(
        "ecs_attachment",
        f"regexp_extract(s.configuration->>'$.description', '{_ATTACHMENT}', 1)",
        "config_item",
        "s.configuration_item_capture_time",
        where="s.resource_type = 'AWS::EC2::NetworkInterface'",
    ),
    _MINTED,
    _carried(
        "pod_uid",
        "s.pod_uid",
        "eks_audit",
        "coalesce(s.stage_timestamp, s.request_received_timestamp)",
        workload="k.workload",
        joined=f"{_POD} s.pod_uid",
        where="s.pod_uid IS NOT NULL",
    ),
    _carried(
        "pod_uid",
        "s.pod_id",
        "container_log",
        "coalesce(s.time, s.timestamp)",
        workload="k.workload",
        joined=f"{_POD} s.pod_id",
        where="s.pod_id IS NOT NULL",
    ),
    _carried(
        "pod_uid",
        "s.kubernetes_workload_details->>'$.uid'",
        "guardduty",
        "s.event_first_seen",
        where=f"s.kubernetes_workload_type = 'pods'\n  AND {current('guardduty')}",
    ),
    _ENDPOINT_MADE,
    _CALLED_THROUGH,
    _carried(
        "vpc_endpoint",
        "s.vpc_endpoint_id",
        "cloudtrail",
        "s.event_time",
        where=f"s.vpc_endpoint_id <> ''\n  AND s.object_id IN ({_COPIED})\n  AND {current('cloudtrail')}",
    ),
    _carried("vpc_endpoint", "s.vpc_endpoint_id", "api_gateway", _GATEWAY_TIME, where="s.vpc_endpoint_id <> ''"),
)

_OF_FUNCTIONS = (
    _carried(
        "function_context",
        """s.request_parameters->>'$.encryptionContext."aws:lambda:FunctionArn"'""",
        "cloudtrail",
        "s.event_time",
        where=f"s.event_source = 'kms.amazonaws.com'\n  AND {current('cloudtrail')}",
    ),
    _carried("function_context", "w.workload", "lambda_log", "s.timestamp", workload="w.workload", joined=_STREAM),
)

_LINK = f"""
INSERT INTO request_link
WITH whole AS (
  SELECT DISTINCT id_kind, id, event_id, source, time, workload
  FROM ({"UNION ALL".join(_REQUESTS)}) AS r
  WHERE id <> ''
), traced AS (
  SELECT DISTINCT id_kind, id, event_id, source, time, workload
  FROM ({"UNION ALL".join(_TRACES)}) AS t
  WHERE id <> ''
), bound AS (
  SELECT id_kind, id, source,
    arg_min(struct_pack(event_id := event_id, time := time, workload := workload), (time, event_id)) AS first,
    arg_max(struct_pack(event_id := event_id, time := time, workload := workload), (time, event_id)) AS last
  FROM ({{things}}) AS h
  WHERE id <> ''
  GROUP BY id_kind, id, source
), thing AS (
  SELECT DISTINCT b.id_kind, b.id, b.record.event_id AS event_id, b.source, b.record.time AS time,
    b.record.workload AS workload
  FROM {each("bound AS b", "[b.first, b.last]", "record")} AS b
  WHERE b.record IS NOT NULL
), linked AS (
  SELECT id_kind, id, event_id, source, time, workload, 'recorded' AS certainty
  FROM whole
  UNION ALL
  SELECT id_kind, id, event_id, source, time, workload,
    CASE WHEN greatest(
        count(*) FILTER (source = 'alb') OVER (PARTITION BY id), count(*) FILTER (source = 'api_gateway') OVER (PARTITION BY id)
      ) > 1 THEN 'shared' ELSE 'inferred' END AS certainty
  FROM traced
  UNION ALL
  SELECT id_kind, id, event_id, source, time, workload, 'recorded' AS certainty
  FROM thing
), counted AS (
  SELECT *,
    max(source) OVER (PARTITION BY id_kind, id) <> min(source) OVER (PARTITION BY id_kind, id) AS across,
    max(event_id) OVER (PARTITION BY id_kind, id) <> min(event_id) OVER (PARTITION BY id_kind, id) AS several
  FROM linked
)
SELECT id_kind, id, event_id, source, time, workload, certainty
FROM counted
WHERE across
  OR (several AND id_kind IN ('shared_event', 'ecs_attachment', 'vpc_endpoint'))
ORDER BY id_kind, id, time, event_id
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `request_link`; needs `stream_workload`, `pod_key` and `s3_call` of `attribution`."""
    con.execute("DELETE FROM request_link")
    telling.take(con)
    scanned.take(con, _CHANGES, _THROUGH)
    functions = con.execute("SELECT 1 FROM stream_workload LIMIT 1").fetchall()
    things = (*_THINGS, *(_OF_FUNCTIONS if functions else ()))
    con.execute(_LINK.replace("{things}", "UNION ALL".join(things)))
