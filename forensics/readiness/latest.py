"""The latest answers of the inventory, and what holds logs: the relations that every check begins with."""

from forensics.readiness.check import SHORTEST

COMMON = """
WITH answer AS (
  SELECT r.api, r.operation, r.parameters, r.account_id, r.region, r.resource_id, r.arn, r.name, r.c, r.error_code,
    r.error_message, r.event_id
  FROM (
    SELECT i.api, i.operation, i.parameters, i.account_id, i.region, i.resource_id, i.arn, i.name, i.configuration AS c,
      i.error_code, i.error_message, i.object_id || '/' || CAST(i.record AS VARCHAR) AS event_id,
      rank() OVER (
        PARTITION BY i.api, i.operation, CAST(i.parameters AS VARCHAR), i.account_id, i.region
        ORDER BY i.observed_at DESC NULLS LAST
      ) AS age
    FROM inventory AS i
  ) AS r
  WHERE r.age = 1
),
answered AS (
  SELECT a.api, a.operation, a.account_id, a.region
  FROM answer AS a
  GROUP BY a.api, a.operation, a.account_id, a.region
  HAVING count(a.error_code) = 0
),
bucket_life AS (
  SELECT (a.parameters->>'Bucket') AS bucket, max(CASE WHEN a.error_code IS NULL THEN 1 ELSE 0 END) AS answered,
    max(CASE WHEN a.error_code = 'NoSuchLifecycleConfiguration' THEN 1 ELSE 0 END) AS without,
    min(CASE WHEN (u.rule->>'Status') = 'Enabled' THEN TRY_CAST(u.rule->'Expiration'->>'Days' AS BIGINT) END) AS days
  FROM answer AS a
  LEFT JOIN (
    SELECT b.event_id, r.rule
    FROM answer AS b, unnest(from_json(b.c->'Rules', '["JSON"]')) AS r(rule)
    WHERE b.api = 's3' AND b.operation = 'GetBucketLifecycleConfiguration'
  ) AS u ON u.event_id = a.event_id
  WHERE a.api = 's3' AND a.operation = 'GetBucketLifecycleConfiguration'
  GROUP BY (a.parameters->>'Bucket')
),
bucket_encryption AS (
  SELECT (a.parameters->>'Bucket') AS bucket,
    max(CASE WHEN CAST(a.c AS VARCHAR) LIKE '%"aws:kms%' THEN 'SSE-KMS' WHEN a.c IS NOT NULL THEN 'SSE-S3' END) AS method
  FROM answer AS a
  WHERE a.api = 's3' AND a.operation = 'GetBucketEncryption'
  GROUP BY (a.parameters->>'Bucket')
),
bucket_lock AS (
  SELECT (a.parameters->>'Bucket') AS bucket,
    max(CASE WHEN a.operation = 'GetObjectLockConfiguration' AND CAST(a.c AS VARCHAR) LIKE '%"ObjectLockEnabled":"Enabled"%'
      THEN 'Object Lock' END) AS lock,
    max(CASE WHEN a.operation = 'GetBucketVersioning' AND (a.c->>'Status') = 'Enabled' THEN 'versions' END) AS versions
  FROM answer AS a
  WHERE a.api = 's3' AND a.operation IN ('GetObjectLockConfiguration', 'GetBucketVersioning')
  GROUP BY (a.parameters->>'Bucket')
),
bucket AS (
  SELECT f.bucket, l.days, coalesce(l.answered, 0) = 1 OR coalesce(l.without, 0) = 1 AS known,
    CASE WHEN l.days IS NOT NULL THEN CAST(l.days AS VARCHAR) || ' days'
      WHEN l.answered = 1 OR l.without = 1 THEN 'unlimited' END AS retention,
    e.method AS encryption, nullif(concat_ws(', ', k.lock, k.versions), '') AS integrity
  FROM (
    SELECT DISTINCT (a.parameters->>'Bucket') AS bucket
    FROM answer AS a
    WHERE a.api = 's3' AND (a.parameters->>'Bucket') IS NOT NULL
  ) AS f
  LEFT JOIN bucket_life AS l ON l.bucket = f.bucket
  LEFT JOIN bucket_encryption AS e ON e.bucket = f.bucket
  LEFT JOIN bucket_lock AS k ON k.bucket = f.bucket
),
log_group AS (
  SELECT a.account_id, a.region, (a.c->>'logGroupName') AS log_group,
    max(TRY_CAST(a.c->>'retentionInDays' AS BIGINT)) AS days,
    CASE WHEN max(TRY_CAST(a.c->>'retentionInDays' AS BIGINT)) IS NULL THEN 'unlimited'
      ELSE CAST(max(TRY_CAST(a.c->>'retentionInDays' AS BIGINT)) AS VARCHAR) || ' days' END AS retention,
    CASE WHEN max(a.c->>'kmsKeyId') IS NULL THEN 'default' ELSE 'KMS' END AS encryption,
    max(a.event_id) AS event_id
  FROM answer AS a
  WHERE a.api = 'logs' AND a.operation = 'DescribeLogGroups' AND a.c IS NOT NULL
  GROUP BY a.account_id, a.region, (a.c->>'logGroupName')
),
vpc AS (
  SELECT v.account_id, v.region, v.vpc, max(v.event_id) AS event_id
  FROM (
    SELECT a.account_id, a.region, (a.c->>'VpcId') AS vpc,
      CASE WHEN a.operation = 'DescribeVpcs' THEN (a.c->>'OwnerId') END AS owner, a.event_id
    FROM answer AS a
    WHERE a.api = 'ec2' AND a.operation IN ('DescribeVpcs', 'DescribeNetworkInterfaces') AND a.c IS NOT NULL
  ) AS v
  WHERE v.vpc IS NOT NULL
  GROUP BY v.account_id, v.region, v.vpc
  HAVING coalesce(max(v.owner), v.account_id) = v.account_id
)"""
"""Opens a statement: more relations may follow after a comma, then the SELECT.

`vpc` are an account's own, not those that another shares with it: their owner logs them. `answered` are calls that a place answered whole: without it, that something is not listed says nothing."""


def retained(days: str, known: str) -> str:
    """SQL: the warnings about a retention; `days` is its number (NULL: without end), `known` whether that is known."""
    return (
        f"CASE WHEN NOT coalesce({known}, FALSE) THEN NULL WHEN {days} IS NULL THEN 'retention_unlimited'"
        f" WHEN {days} < {SHORTEST} THEN 'retention_short' END"
    )
