"""What AWS Config saw: relationships and lives of resources as views, and what they say of instances and interfaces."""

import duckdb

from forensics.arn import key

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

CARDS = f"""
SELECT {_INSTANCE.format("(s.configuration->>'$.attachment.instanceId')")} AS workload,
  s.resource_id AS eni, s.configuration_item_capture_time AS moment,
  s.configuration->>'$.vpcId' AS vpc_id, s.configuration->>'$.privateIpAddress' AS private_ip,
  s.object_id || '/' || s.record AS event_id
FROM config_item AS s
WHERE s.resource_type = '{_CARD}'
  AND s.configuration->>'$.attachment.instanceId' IS NOT NULL
"""
"""Interfaces seen attached to an instance: `workload, eni, moment, vpc_id, private_ip, event_id`."""

CARDS_GONE = f"""
SELECT l.resource_id AS eni, l.valid_to
FROM config_life AS l
WHERE l.resource_type = '{_CARD}'
  AND l.valid_to IS NOT NULL
"""
"""Interfaces that were gone by `valid_to`."""

INSTANCES = f"""
SELECT {_INSTANCE.format("s.resource_id")} AS workload, 'ec2_instance' AS kind, NULL AS name, NULL AS role,
  s.configuration->>'$.imageId' AS image, NULL AS code_sha256, s.configuration_item_capture_time AS moment,
  CASE WHEN {_DELETED} THEN 'gone' ELSE 'exists' END AS phase
FROM config_item AS s
WHERE s.resource_type = 'AWS::EC2::Instance'
"""

FUNCTIONS = f"""
SELECT {key("lambda", "s.aws_region", "s.aws_account_id", "'function:' || coalesce(s.resource_name, s.resource_id)")} AS workload,
  'lambda_function' AS kind, NULL AS name, s.configuration->>'$.role' AS role, NULL AS image,
  s.configuration->>'$.codeSha256' AS code_sha256, s.configuration_item_capture_time AS moment,
  CASE WHEN {_DELETED} THEN 'gone' ELSE 'exists' END AS phase
FROM config_item AS s
WHERE s.resource_type = 'AWS::Lambda::Function'
"""


def create_view(con: duckdb.DuckDBPyConnection) -> None:
    """Make the views `config_relationship`, a row per item and related resource, and `config_life`."""
    con.execute(_RELATIONSHIP)
    con.execute(_LIFE)
