"""Hosts and databases: what instances, sessions and database engines write."""

from forensics.readiness.check import Check

_HOSTS = """
SELECT a.account_id, a.region, (a.c->>'InstanceId') AS thing, NULL AS state,
  'what the system of an instance writes leaves it by an agent: whether that runs, no API says' AS note, [a.event_id] AS evidence
FROM answer AS a
WHERE a.api = 'ec2' AND a.operation = 'DescribeInstances' AND (a.c->>'InstanceId') IS NOT NULL
  AND coalesce(a.c->'State'->>'Name', 'running') <> 'terminated'
"""

_SESSIONS = """
SELECT a.account_id, a.region, 'SSM-SessionManagerRunShell' AS thing,
  CASE WHEN a.c IS NULL OR coalesce(s.bucket, s.log_group, '') = '' THEN 'off' ELSE 'on' END AS state,
  coalesce('s3://' || nullif(s.bucket, ''), s.log_group) AS destination, [a.event_id] AS evidence
FROM answer AS a
LEFT JOIN (
  SELECT d.event_id, (TRY_CAST(d.c->>'Content' AS JSON)->'inputs'->>'s3BucketName') AS bucket,
    nullif(TRY_CAST(d.c->>'Content' AS JSON)->'inputs'->>'cloudWatchLogGroupName', '') AS log_group
  FROM answer AS d
  WHERE d.api = 'ssm' AND d.operation = 'GetDocument' AND d.c IS NOT NULL
) AS s ON s.event_id = a.event_id
WHERE a.api = 'ssm' AND a.operation = 'GetDocument' AND (a.error_code IS NULL OR a.error_code = 'InvalidDocument')
  AND coalesce(a.parameters->>'Name', '') = 'SSM-SessionManagerRunShell'
"""

_DATABASES = """
SELECT d.account_id, d.region, d.name AS thing,
  CASE WHEN d.exports IS NULL OR d.exports = '[]' THEN 'off'
    WHEN d.exports LIKE '%"audit"%' OR d.exports LIKE '%"postgresql"%' THEN 'on' ELSE 'partly' END AS state,
  replace(replace(replace(nullif(d.exports, '[]'), '"', ''), '[', ''), ']', '') AS scope,
  'CloudWatch Logs' AS destination, [CASE WHEN d.exports NOT LIKE '%"audit"%' AND d.exports NOT LIKE '%"postgresql"%'
    THEN 'no_audit' END] AS warnings, [d.event_id] AS evidence
FROM (
  SELECT a.account_id, a.region, coalesce(a.c->>'DBClusterIdentifier', a.c->>'DBInstanceIdentifier') AS name,
    coalesce(CAST(a.c->'EnabledCloudwatchLogsExports' AS VARCHAR), '[]') AS exports, a.event_id
  FROM answer AS a
  WHERE a.api = 'rds' AND a.c IS NOT NULL AND (a.operation = 'DescribeDBClusters'
    OR a.operation = 'DescribeDBInstances' AND (a.c->>'DBClusterIdentifier') IS NULL)
) AS d
"""

CHECKS = (
    Check(
        "host_log",
        "Logs of EC2 instances",
        "Collect metrics, logs, and traces using the CloudWatch agent",
        "logins, processes and files of a host",
        (("ec2", "DescribeInstances"),),
        _HOSTS,
        delay="seconds, where an agent runs",
        cost="per GB ingested",
        kind="host_log",
    ),
    Check(
        "ssm_session",
        "Session Manager session logs",
        "Logging session activity",
        "what was typed in a session, which CloudTrail shows the start and end of only",
        (("ssm", "GetDocument"),),
        _SESSIONS,
        delay="at the end of a session in S3; at once when streamed to CloudWatch Logs",
        cost="S3 storage or per GB ingested",
        fold="any",
        empty="off",
    ),
    Check(
        "rds_log",
        "RDS and Aurora log exports",
        "Publishing database logs to Amazon CloudWatch Logs",
        "who logged in to the database and what was asked of it",
        (("rds", "DescribeDBInstances"), ("rds", "DescribeDBClusters")),
        _DATABASES,
        delay="seconds to minutes",
        cost="per GB ingested; audit logs can be large",
        kind="rds_log",
        warnings={"no_audit": "the audit log is not exported"},
    ),
)
