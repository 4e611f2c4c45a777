"""What ran: Lambda functions, EC2 instances and NAT gateways, from every record that names one."""

import duckdb

from forensics import configuration, issuance, issued, scanned, workload_call, workloads
from forensics.arn import FUNCTION, INSTANCE, SAMPLE, function_key, key, kind_of, partition
from forensics.each import each, valued
from forensics.replaced import replace
from forensics.sources.eventbridge_event import SOURCE as STATE_SOURCE
from forensics.workload_call import LAMBDA_CONFIGURE, LAMBDA_CREATE, LAMBDA_DELETE

STATE = STATE_SOURCE.event


def _name_tag(document: str, tags: str) -> str:
    return valued(f"json_extract({document}, '{tags}')", "key", "Name")


_FUNCTION_CONFIGURED = rf"""
SELECT
  {function_key("c.answer->>'$.functionArn'")} AS workload,
  'lambda_function' AS kind,
  CAST(NULL AS VARCHAR) AS name,
  c.answer->>'$.role' AS role,
  coalesce(c.ask->>'$.imageUri', c.ask->>'$.code.imageUri') AS image,
  c.answer->>'$.codeSha256' AS code_sha256,
  c.moment,
  CASE WHEN regexp_matches(c.event_name, '{LAMBDA_CREATE}') THEN 'started' ELSE 'configured' END AS phase
FROM workload_call AS c
WHERE c.event_source = 'lambda.amazonaws.com'
  AND regexp_matches(c.event_name, '{LAMBDA_CONFIGURE}')
"""

DELETED = rf"""
SELECT
  CASE
    WHEN c.asked LIKE 'arn:%' THEN CASE WHEN regexp_matches(c.asked, ':function:[^:]+$') THEN c.asked END
    WHEN regexp_matches(c.asked, '^[0-9]{{12}}:function:[^:]+$')
      THEN 'arn:' || {partition("c.aws_region")} || ':lambda:' || c.aws_region || ':' || c.asked
    WHEN regexp_matches(c.asked, '^[^:]+$')
      THEN {key("lambda", "c.aws_region", "c.account_id", "'function:' || c.asked")}
  END AS workload,
  c.event_id,
  c.moment
FROM (
  SELECT event_id, moment, aws_region, account_id, ask->>'$.functionName' AS asked
  FROM workload_call
  WHERE event_source = 'lambda.amazonaws.com'
    AND regexp_matches(event_name, '{LAMBDA_DELETE}')
    AND coalesce(ask->>'$.qualifier', '') = ''
) AS c
"""
"""Deletions of whole functions, not of one version: `workload, event_id, moment`."""

_FUNCTION_DELETED = f"""
SELECT d.workload, 'lambda_function' AS kind, NULL AS name, NULL AS role, NULL AS image, NULL AS code_sha256,
  d.moment, 'stopped' AS phase
FROM ({DELETED}) AS d
"""

_FUNCTION_DECRYPTED = f"""
SELECT {function_key("c.ask->'$.encryptionContext'->>'aws:lambda:FunctionArn'")} AS workload,
  'lambda_function' AS kind,
  NULL AS name, NULL AS role, NULL AS image, NULL AS code_sha256, c.moment, 'seen' AS phase
FROM workload_call AS c
WHERE c.event_source = 'kms.amazonaws.com'
"""

ISSUED_TO = scanned.one(
    "issued_to",
    "cloudtrail",
    """
SELECT s.credentials_issued_to AS issued_to, s.session_issuer_arn AS role, max(s.event_time) AS moment
FROM {rows} AS s
WHERE s.credentials_issued_to IS NOT NULL
GROUP BY s.credentials_issued_to, s.session_issuer_arn
""",
    "SELECT issued_to, role, max(moment) AS moment\nFROM {kept}\nGROUP BY issued_to, role",
)
"""To what `inScopeOf.credentialsIssuedTo` says that keys were issued, with the role of the session."""

_ISSUED = f"""
SELECT coalesce({function_key("s.issued_to")}, s.issued_to) AS workload,
  CASE WHEN s.issued_to LIKE '%:instance/%' THEN 'ec2_instance' ELSE 'lambda_function' END AS kind,
  NULL AS name, s.role, NULL AS image, NULL AS code_sha256, s.moment, 'seen' AS phase
FROM {ISSUED_TO.rows} AS s
WHERE regexp_matches(s.issued_to, '{FUNCTION}')
  OR regexp_matches(s.issued_to, '{INSTANCE}')
"""

_FUNCTION_FOUND = f"""
SELECT {function_key("s.function_arn")} AS workload, 'lambda_function' AS kind,
  NULL AS name, s.resource->>'$.lambdaDetails.role' AS role, NULL AS image, NULL AS code_sha256,
  s.updated_at AS moment, 'seen' AS phase
FROM guardduty AS s
WHERE s.function_arn IS NOT NULL
  AND NOT {SAMPLE}
"""

STREAMS = """
SELECT DISTINCT
  s.log_group,
  s.function_name,
  coalesce(s.owner, e.account_id) AS account_id,
  CASE WHEN s.log_group LIKE '/aws/lambda/us-east-1.%' THEN 'us-east-1' ELSE e.region END AS region
FROM lambda_log AS s
LEFT JOIN evidence AS e ON e.object_id = s.object_id
WHERE s.function_name IS NOT NULL
"""
"""Functions that log lines name; replicas of Lambda@Edge have the Region of the function before its name."""

_FUNCTION_LOGGED = f"""
SELECT {key("lambda", "s.region", "s.account_id", "'function:' || s.function_name")} AS workload,
  'lambda_function' AS kind, NULL AS name, NULL AS role, NULL AS image, NULL AS code_sha256,
  CAST(NULL AS TIMESTAMP) AS moment, 'seen' AS phase
FROM ({STREAMS}) AS s
"""

_INSTANCE_RUN = f"""
SELECT {key("ec2", "c.aws_region", "c.account_id", "'instance/' || (c.item->>'$.instanceId')")} AS workload,
  'ec2_instance' AS kind,
  {_name_tag("c.item", "$.tagSet.items[*]")} AS name,
  NULL AS role, c.item->>'$.imageId' AS image, NULL AS code_sha256, c.moment, 'started' AS phase
FROM {each("workload_call AS c", "json_extract(c.answer, '$.instancesSet.items[*]')", "item")} AS c
WHERE c.event_name = 'RunInstances'
"""

TERMINATED = f"""
SELECT {key("ec2", "c.aws_region", "c.account_id", "'instance/' || u.instance_id")} AS workload, c.event_id,
  c.moment
FROM (
  SELECT event_id, moment, aws_region, account_id,
    CASE event_name
      WHEN 'TerminateInstances' THEN json_extract_string(answer, '$.instancesSet.items[*].instanceId')
      ELSE json_extract_string(details, '$.instanceIdSet[*]')
    END AS ids
  FROM workload_call
  WHERE event_name IN ('TerminateInstances', 'BidEvictedEvent')
) AS c, unnest(c.ids) AS u(instance_id)
"""
"""Ends of instances, a spot instance taken back included: `workload, event_id,
  moment`. A stopped one is still there."""

_INSTANCE_TERMINATED = f"""
SELECT t.workload, 'ec2_instance' AS kind, NULL AS name, NULL AS role, NULL AS image, NULL AS code_sha256,
  t.moment, 'stopped' AS phase
FROM ({TERMINATED}) AS t
"""

_FLOWED = scanned.one(
    "flow_instance",
    "vpc_flow",
    """
SELECT DISTINCT s.instance_id, s.account_id, s.region, s.object_id
FROM {rows} AS s
WHERE s.instance_id IS NOT NULL
""",
)

_INSTANCE_FLOWED = f"""
SELECT {key("ec2", "f.region", "f.account_id", "'instance/' || f.instance_id")} AS workload,
  'ec2_instance' AS kind, NULL AS name, NULL AS role, NULL AS image, NULL AS code_sha256,
  CAST(NULL AS TIMESTAMP) AS moment, 'seen' AS phase
FROM (
  SELECT DISTINCT s.instance_id, coalesce(nullif(s.account_id, 'unknown'), e.account_id) AS account_id,
    coalesce(s.region, e.region) AS region
  FROM {_FLOWED.rows} AS s
  LEFT JOIN evidence AS e ON e.object_id = s.object_id
) AS f
"""

_INSTANCE_FOUND = f"""
SELECT {key("ec2", "s.region", "s.account_id", "'instance/' || s.instance_id")} AS workload,
  'ec2_instance' AS kind,
  {_name_tag("s.resource", "$.instanceDetails.tags[*]")} AS name,
  NULL AS role, s.resource->>'$.instanceDetails.imageId' AS image, NULL AS code_sha256,
  s.updated_at AS moment, 'seen' AS phase
FROM guardduty AS s
WHERE s.instance_id IS NOT NULL
  AND NOT {SAMPLE}
"""

STATES = f"""
SELECT {key("ec2", "s.region", "s.account", "'instance/' || s.instance_id")} AS workload,
  {STATE.columns["event_id"]} AS event_id, s.time AS moment, s.instance_state AS state
FROM eventbridge_event AS s
WHERE s.event_source = 'aws.ec2'
  AND s.detail_type = 'EC2 Instance State-change Notification'
  AND s.time IS NOT NULL
"""
"""State changes: the only record of an instance that shut itself down. Nobody but AWS sends as aws.ec2."""

_INSTANCE_STATED = f"""
SELECT t.workload, 'ec2_instance' AS kind, NULL AS name, NULL AS role, NULL AS image, NULL AS code_sha256,
  t.moment, CASE WHEN t.state IN ('shutting-down', 'terminated') THEN 'gone' ELSE 'exists' END AS phase
FROM ({STATES}) AS t
"""

GATEWAYS = f"""
SELECT
  {key("ec2", "c.aws_region", "c.account_id", "'natgateway/' || c.gateway")} AS workload, c.answer,
    c.event_id, c.moment, c.phase
FROM (
  SELECT event_id, moment, aws_region, account_id,
    CASE event_name WHEN 'CreateNatGateway' THEN 'started' ELSE 'stopped' END AS phase,
    coalesce(answer->'$.CreateNatGatewayResponse.natGateway', answer->'$.natGateway') AS answer,
    coalesce(
      answer->>'$.CreateNatGatewayResponse.natGateway.natGatewayId', answer->>'$.natGateway.natGatewayId',
      ask->>'$.DeleteNatGatewayRequest.NatGatewayId', ask->>'$.natGatewayId') AS gateway
  FROM workload_call
  WHERE event_name IN ('CreateNatGateway', 'DeleteNatGateway')
) AS c
"""
"""NAT gateways made and deleted: `workload, answer, event_id, moment, phase`."""

_GATEWAY = f"""
SELECT g.workload, 'nat_gateway' AS kind, NULL AS name, NULL AS role, NULL AS image, NULL AS code_sha256,
  g.moment, g.phase
FROM ({GATEWAYS}) AS g
"""

RECOGNISERS = (
    _FUNCTION_CONFIGURED,
    _FUNCTION_DELETED,
    _FUNCTION_DECRYPTED,
    _FUNCTION_FOUND,
    _FUNCTION_LOGGED,
    _ISSUED,
    _INSTANCE_RUN,
    _INSTANCE_TERMINATED,
    _INSTANCE_FLOWED,
    _INSTANCE_FOUND,
    _GATEWAY,
    _INSTANCE_STATED,
    configuration.INSTANCES,
    configuration.LAUNCHES,
    configuration.GATEWAYS,
    configuration.FUNCTIONS,
)
"""Where workloads are named: SELECTs of `workload, kind, name, role, image, code_sha256, moment, phase`.

`phase` is started, stopped, configured, seen; of AWS Config exists, or gone: stopped at or before then. A row whose workload is NULL names none and is dropped.
"""

_DETAIL = """
SELECT workload, property, value, min(moment) AS first_seen, max(moment) AS last_seen,
  list_distinct([arg_min(event_id, (moment, event_id)), arg_max(event_id, (moment, event_id))]) AS evidence_event_ids
FROM ({details}) AS d
WHERE workload IS NOT NULL
  AND value <> ''
GROUP BY workload, property, value
"""

_CONTAINER = """
INSERT INTO workload_container
SELECT workload, name, image, image_digest, runtime_id, min(moment) AS first_seen, max(moment) AS last_seen,
  list_distinct([arg_min(event_id, (moment, event_id)), arg_max(event_id, (moment, event_id))]) AS evidence_event_ids
FROM ({containers}) AS c
WHERE workload IS NOT NULL
  AND coalesce(name, image, runtime_id) IS NOT NULL
GROUP BY workload, name, image, image_digest, runtime_id
ORDER BY workload, name, image, image_digest, runtime_id
"""

_KEYED = f"""
INSERT INTO workload_sighting
SELECT c.workload, CASE WHEN c.workload LIKE 'k8s:%' THEN 'eks_pod' WHEN c.workload LIKE '%:instance/%' THEN 'ec2_instance'
  WHEN c.workload LIKE 'arn:%:ecs:%:task/%' THEN 'ecs_task'
  WHEN c.workload LIKE 'arn:%:lambda:%' THEN 'lambda_function' ELSE {kind_of("c.workload")} END AS kind,
  NULL AS name, c.role, NULL AS image, NULL AS code_sha256, c.moment, 'seen' AS phase
FROM key_claim AS c
"""

_WORKLOAD = """
WITH whole AS (
  SELECT
    workload,
    min(kind) AS kind,
    arg_max(name, (moment, name)) FILTER (name IS NOT NULL) AS name,
    arg_max(role, (moment, role)) FILTER (role IS NOT NULL AND phase <> 'seen') AS configured_role,
    arg_max(role, (moment, role)) FILTER (role IS NOT NULL AND phase = 'seen') AS seen_role,
    arg_max(image, (moment, image)) FILTER (image IS NOT NULL) AS image,
    arg_max(code_sha256, (moment, code_sha256)) FILTER (code_sha256 IS NOT NULL) AS code_sha256,
    min(moment) FILTER (phase = 'started') AS started_at,
    max(moment) FILTER (phase = 'started') AS restarted_at,
    coalesce(max(moment) FILTER (phase = 'stopped'),
      CASE WHEN max(moment) FILTER (phase = 'gone')
        >= coalesce(max(moment) FILTER (phase = 'exists'), TIMESTAMP '0001-01-01')
        THEN max(moment) FILTER (phase = 'gone') END) AS stopped_at
  FROM workload_sighting
  WHERE workload IS NOT NULL
  GROUP BY workload
)
SELECT
  workload,
  kind,
  CASE WHEN workload LIKE 'arn:%' THEN split_part(workload, ':', 5) END AS account_id,
  CASE WHEN workload LIKE 'arn:%' THEN split_part(workload, ':', 4) END AS region,
  coalesce(name, CASE kind WHEN 'lambda_function' THEN split_part(workload, ':', 7)
    WHEN 'eks_pod' THEN split_part(split_part(workload, '/', 3), '#', 1)
    ELSE regexp_extract(workload, '[^/:]+$') END) AS name,
  coalesce(configured_role, seen_role) AS role,
  image,
  code_sha256,
  started_at,
  CASE WHEN restarted_at IS NULL OR stopped_at >= restarted_at THEN stopped_at END AS stopped_at
FROM whole
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `workload`, `credential_workload` and the workload columns of `credential`.

    Leaves `workload_call`, `resource_item` and what `workloads.prepare` makes: `lifetime`, the last stage that reads them, drops them.
    """
    workload_call.collect(con)
    scanned.take(con, ISSUED_TO, _FLOWED)
    issuance.collect_calls(con)
    workloads.prepare(con)
    sightings = [*RECOGNISERS, *workloads.selected(con, "sightings", workloads.SIGHTING)]
    con.execute("CREATE OR REPLACE TEMP TABLE workload_sighting AS" + "\nUNION ALL\n".join(sightings))
    issued.claim(con)
    con.execute(_KEYED)
    replace(con, "workload", ("workload",), _WORKLOAD)
    issued.conclude(con)
    _describe(con)
    con.execute("DROP TABLE temp.workload_sighting")


def _describe(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM workload_container")
    if containers := workloads.selected(con, "containers", workloads.CONTAINER):
        con.execute(_CONTAINER.format(containers="\nUNION ALL\n".join(containers)))
    if details := workloads.selected(con, "details", workloads.DETAIL):
        replace(
            con,
            "workload_detail",
            ("workload", "property", "value"),
            _DETAIL.format(details="\nUNION ALL\n".join(details)),
        )
    else:
        con.execute("DELETE FROM workload_detail")
