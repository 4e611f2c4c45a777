"""Buckets that were listed and then read, object after object."""

from forensics.detect.statements.statement import Statement

OBJECTS = 10
"""Different objects of a bucket: fewer are a page, a report or a look."""
MINUTES = 30
"""From the listing to the reading: who looks for what to take goes on at once."""

_SQL = f"""
WITH call AS (
  SELECT s.object_id, s.record, s.event_time, s.event_name, s.user_identity_access_key_id AS access_key_id, s.source_ip_address AS address,
    json_extract_string(s.request_parameters, '$.bucketName') AS bucket,
    json_extract_string(s.request_parameters, '$.key') AS key
  FROM cloudtrail AS s
  WHERE s.event_source = 's3.amazonaws.com'
    AND s.event_name IN ('ListBuckets', 'ListObjects', 'ListObjectsV2', 'ListObjectVersions', 'GetObject')
    AND s.error_code IS NULL
    AND s.user_identity_access_key_id IS NOT NULL
    AND s.user_identity_invoked_by IS NULL
), listed AS (
  SELECT c.access_key_id, c.address, c.bucket, min(c.event_time) AS since
  FROM call AS c
  WHERE c.event_name <> 'GetObject'
  GROUP BY c.access_key_id, c.address, c.bucket
), read AS (
  SELECT DISTINCT c.object_id, c.record, c.access_key_id, c.address, c.bucket, c.key
  FROM call AS c
  JOIN listed AS l ON l.access_key_id = c.access_key_id
    AND l.address = c.address
    AND coalesce(l.bucket, c.bucket) = c.bucket
    AND l.since <= c.event_time
    AND c.event_time <= l.since + INTERVAL {MINUTES} MINUTE
  WHERE c.event_name = 'GetObject'
), many AS (
  SELECT r.access_key_id, r.address, r.bucket
  FROM read AS r
  GROUP BY r.access_key_id, r.address, r.bucket
  HAVING count(DISTINCT r.key) >= {OBJECTS}
)
SELECT r.object_id, r.record
FROM read AS r
JOIN many AS m ON m.access_key_id = r.access_key_id AND m.address = r.address AND m.bucket = r.bucket
"""

STATEMENT = Statement(
    name="bucket_listed_then_read",
    title="Bucket listed, then its objects read",
    level="medium",
    techniques=("T1530", "T1619"),
    description=(
        f"With one credential, from one address, the buckets or a bucket's objects were listed and, within {MINUTES} minutes of its first"
        f" listing, {OBJECTS} different objects of a bucket read. An application knows what its objects are called."
    ),
    false_positives=(
        "Jobs that copy or sync a bucket, and backups",
        "Data analysis, and people who look for something",
    ),
    references=(
        "Logging Amazon S3 API calls using AWS CloudTrail",
        "Amazon S3 API Reference, ListObjectsV2",
    ),
    playbook="s3-exfiltration",
    sql=_SQL,
)
