"""What AWS Config saw: relationships and lives of resources as views, and what they say of instances and interfaces."""

import duckdb

from forensics.arn import key
from forensics.each import each

_RELATIONSHIP = """
CREATE OR REPLACE VIEW config_relationship AS
SELECT
  s.object_id || '/' || s.record AS event_id,
  s.configuration_item_capture_time AS captured_at,
  s.configuration_item_status AS status,
  s.aws_account_id AS account_id,
  s.aws_region AS region,
  s.resource_type,
  s.resource_id,
  s.arn,
  coalesce(u.related->>'$.name', u.related->>'$.relationshipName') AS relationship,
  u.related->>'$.resourceType' AS related_type,
  u.related->>'$.resourceId' AS related_id,
  u.related->>'$.resourceName' AS related_name
FROM config_item AS s, unnest(CAST(json_extract(s.relationships, '$[*]') AS JSON[])) AS u(related)
"""

_DELETED = "s.configuration_item_status IN ('ResourceDeleted', 'ResourceDeletedNotRecorded')"

_LIFE = f"""
CREATE OR REPLACE VIEW config_life AS
WITH item AS (
  SELECT s.aws_account_id AS account_id, s.aws_region AS region, s.resource_type, s.resource_id, s.arn,
    s.configuration_item_capture_time AS captured_at, s.resource_creation_time AS created_at,
    {_DELETED} AS deleted, s.object_id || '/' || s.record AS event_id
  FROM config_item AS s
  WHERE s.resource_type IS NOT NULL
    AND s.resource_id IS NOT NULL
    AND s.configuration_item_capture_time IS NOT NULL
), numbered AS (
  SELECT account_id, region, resource_type, resource_id, arn, captured_at, created_at, deleted, event_id,
    count(*) FILTER (deleted) OVER (
      PARTITION BY account_id, region, resource_type, resource_id
      ORDER BY captured_at, deleted, event_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS number
  FROM item
)
SELECT account_id, region, resource_type, resource_id, max(arn) AS arn,
  coalesce(min(created_at), min(captured_at) FILTER (NOT deleted)) AS valid_from,
  max(captured_at) FILTER (deleted) AS valid_to,
  min(created_at) IS NOT NULL AS from_known,
  max(captured_at) FILTER (NOT deleted) AS last_seen,
  list_sort(list(DISTINCT event_id)) AS evidence_event_ids
FROM numbered
GROUP BY account_id, region, resource_type, resource_id, number
"""
"""A row per life of a resource: one that comes again under its old name has another life.

`valid_to` is when Config recorded that it was gone: it ended at or before then. NULL: not seen gone. `valid_from` NULL:
only its end is in evidence."""

_INSTANCE = key("ec2", "s.aws_region", "s.aws_account_id", "'instance/' || {}")
_CARD = "AWS::EC2::NetworkInterface"

DAILY = "coalesce(s.recording_frequency, '') = 'DAILY'"
"""Where Config records once a day, what an item shows says nothing of the hours around it."""

_TIME = "coalesce(try_cast({0} AS TIMESTAMP), make_timestamp(1000 * try_cast({0} AS BIGINT)))"
"""A time in ISO 8601, or in milliseconds."""

_INTERFACE = f"""
SELECT s.resource_id AS eni, s.configuration_item_capture_time AS moment, {_DELETED} AS deleted, {DAILY} AS daily,
  {_INSTANCE.format("(s.configuration->>'$.attachment.instanceId')")} AS workload,
  s.configuration->>'$.attachment.attachmentId' AS attachment_id,
  (s.configuration->>'$.attachment') IS NOT NULL AS attached,
  {_TIME.format("s.configuration->>'$.attachment.attachTime'")} AS attached_at,
  s.configuration->>'$.vpcId' AS vpc_id, s.configuration->>'$.privateIpAddress' AS private_ip,
  list_concat(json_extract_string(s.configuration, '$.privateIpAddresses[*].privateIpAddress'),
    json_extract_string(s.configuration, '$.ipv6Addresses[*].ipv6Address')) AS addresses,
  nullif(s.configuration->>'$.association.publicIp', '') AS public_ip,
  s.object_id || '/' || s.record AS event_id
FROM resource_item AS s
WHERE s.resource_type = '{_CARD}'
  AND s.configuration_item_capture_time IS NOT NULL
"""

_LISTED = f"""
SELECT s.card->>'$.networkInterfaceId' AS eni, s.configuration_item_capture_time AS moment,
  {_INSTANCE.format("s.resource_id")} AS workload, s.card->>'$.attachment.attachmentId' AS attachment_id,
  {_TIME.format("s.card->>'$.attachment.attachTime'")} AS attached_at,
  s.card->>'$.vpcId' AS vpc_id, s.card->>'$.privateIpAddress' AS private_ip,
  list_concat(json_extract_string(s.card, '$.privateIpAddresses[*].privateIpAddress'),
    json_extract_string(s.card, '$.ipv6Addresses[*].ipv6Address')) AS addresses,
  nullif(s.card->>'$.association.publicIp', '') AS public_ip, s.object_id || '/' || s.record AS event_id
FROM {each("resource_item AS s", "json_extract(s.configuration, '$.networkInterfaces[*]')", "card")} AS s
WHERE s.resource_type = 'AWS::EC2::Instance'
  AND s.configuration_item_capture_time IS NOT NULL
"""

_SHOWN = "workload, eni, moment, attachment_id, attached_at, vpc_id, private_ip, addresses, public_ip, event_id"

CARDS = f"""
SELECT {_SHOWN}
FROM ({_INTERFACE}) AS i
WHERE workload IS NOT NULL
UNION ALL
SELECT {_SHOWN}
FROM ({_LISTED}) AS l
WHERE workload IS NOT NULL
  AND eni IS NOT NULL
"""
"""Interfaces seen attached to an instance, and their addresses; `attached_at` is what Config says of the attachment."""

CHANGES = f"""
SELECT eni, workload, moment, deleted, daily, attached, public_ip, event_id, attached_at,
  lag(workload) OVER (PARTITION BY eni ORDER BY moment, deleted, event_id) AS workload_before,
  lag(public_ip) OVER (PARTITION BY eni ORDER BY moment, deleted, event_id) AS public_ip_before,
  lag(moment) OVER (PARTITION BY eni ORDER BY moment, deleted, event_id) AS moment_before
FROM ({_INTERFACE}) AS i
"""
"""Each item of an interface beside the one before: what changed did so after that one and not after this."""

GATEWAYS = f"""
SELECT {key("ec2", "s.aws_region", "s.aws_account_id", "'natgateway/' || s.resource_id")} AS workload,
  'nat_gateway' AS kind, NULL AS name, NULL AS role, NULL AS image, NULL AS code_sha256,
  s.configuration_item_capture_time AS moment, CASE WHEN {_DELETED} THEN 'gone' ELSE 'exists' END AS phase
FROM resource_item AS s
WHERE s.resource_type = 'AWS::EC2::NatGateway'
"""

INSTANCES = f"""
SELECT {_INSTANCE.format("s.resource_id")} AS workload, 'ec2_instance' AS kind, NULL AS name, NULL AS role,
  s.configuration->>'$.imageId' AS image, NULL AS code_sha256, s.configuration_item_capture_time AS moment,
  CASE WHEN {_DELETED} THEN 'gone' ELSE 'exists' END AS phase
FROM resource_item AS s
WHERE s.resource_type = 'AWS::EC2::Instance'
"""

LAUNCHES = f"""
SELECT {_INSTANCE.format("s.resource_id")} AS workload, 'ec2_instance' AS kind, NULL AS name, NULL AS role, NULL AS image,
  NULL AS code_sha256, {_TIME.format("s.card->>'$.attachment.attachTime'")} AS moment, 'started' AS phase
FROM {each("resource_item AS s", "json_extract(s.configuration, '$.networkInterfaces[*]')", "card")} AS s
WHERE s.resource_type = 'AWS::EC2::Instance'
  AND (s.card->>'$.attachment.deviceIndex') = '0'
  AND {_TIME.format("s.card->>'$.attachment.attachTime'")} <= s.configuration_item_capture_time
"""
"""The first interface is attached when an instance is made, and for good; `launchTime` is that of its last start."""

_FUNCTION = key("lambda", "s.aws_region", "s.aws_account_id", "'function:' || coalesce(s.resource_name, s.resource_id)")

FUNCTION_NETWORKS = f"""
SELECT {_FUNCTION} AS workload, s.configuration_item_capture_time AS moment, {_DELETED} AS deleted,
  s.object_id || '/' || s.record AS event_id,
  list_sort(json_extract_string(s.configuration, '$.vpcConfig.subnetIds[*]')) AS subnets,
  list_sort(json_extract_string(s.configuration, '$.vpcConfig.securityGroupIds[*]')) AS groups
FROM resource_item AS s
WHERE s.resource_type = 'AWS::Lambda::Function'
  AND ({_DELETED} OR json_type(s.configuration) = 'OBJECT')
"""
"""Subnets and security groups of functions as Config saw them; none of one that is in no VPC, or gone."""

FUNCTIONS = f"""
SELECT {_FUNCTION} AS workload, 'lambda_function' AS kind, NULL AS name, s.configuration->>'$.role' AS role, NULL AS image,
  s.configuration->>'$.codeSha256' AS code_sha256, s.configuration_item_capture_time AS moment,
  CASE WHEN {_DELETED} THEN 'gone' ELSE 'exists' END AS phase
FROM resource_item AS s
WHERE s.resource_type = 'AWS::Lambda::Function'
"""


def create_view(con: duckdb.DuckDBPyConnection) -> None:
    """Make the views `config_relationship`, a row per item and related resource, and `config_life`."""
    con.execute(_RELATIONSHIP)
    con.execute(_LIFE)
