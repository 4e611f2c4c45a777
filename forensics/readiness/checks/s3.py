"""S3 server access logs of each bucket, and whether a bucket logs into itself."""

from forensics.readiness.check import RETENTION, Check
from forensics.readiness.latest import retained

_BUCKETS = f"""
SELECT a.account_id, 'global' AS region, (a.c->>'Name') AS thing,
  CASE WHEN l.event_id IS NULL THEN NULL WHEN l.target IS NULL THEN 'off' ELSE 'on' END AS state,
  's3://' || l.target || '/' || coalesce(l.prefix, '') AS destination, b.retention, b.encryption, b.integrity,
  [CASE WHEN l.target = (a.c->>'Name') THEN 'recursive' END,
    CASE WHEN l.target IS NOT NULL THEN {retained("b.days", "b.known")} END] AS warnings,
  [a.event_id, l.event_id] AS evidence
FROM answer AS a
LEFT JOIN (
  SELECT g.account_id, (g.parameters->>'Bucket') AS bucket, max(g.c->'LoggingEnabled'->>'TargetBucket') AS target,
    max(g.c->'LoggingEnabled'->>'TargetPrefix') AS prefix, max(g.event_id) AS event_id
  FROM answer AS g
  WHERE g.api = 's3' AND g.operation = 'GetBucketLogging' AND g.error_code IS NULL
  GROUP BY g.account_id, (g.parameters->>'Bucket')
) AS l ON l.account_id = a.account_id AND l.bucket = (a.c->>'Name')
LEFT JOIN bucket AS b ON b.bucket = l.target
WHERE a.api = 's3' AND a.operation = 'ListBuckets' AND (a.c->>'Name') IS NOT NULL
"""

CHECKS = (
    Check(
        "s3_access",
        "S3 server access logs",
        "Logging requests with server access logging",
        "requests to objects with the bytes sent, anonymous ones too, where no data events are",
        (("s3", "ListBuckets"), ("s3", "GetBucketLogging")),
        _BUCKETS,
        delay="hours, best effort",
        cost="S3 storage only",
        kind="s3_access",
        everywhere=False,
        warnings={"recursive": "the bucket logs into itself: each log object makes further log lines, without end"}
        | RETENTION,
    ),
)
