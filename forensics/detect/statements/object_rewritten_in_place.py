"""Objects copied onto themselves with a key that only the caller has."""

from forensics.detect.statements.statement import Statement

_SQL = """
WITH copied AS (
  SELECT s.object_id, s.record, json_extract_string(s.request_parameters, '$.bucketName') AS bucket,
    json_extract_string(s.request_parameters, '$.key') AS key,
    regexp_replace(split_part(json_extract_string(s.request_parameters, '$."x-amz-copy-source"'), '?', 1), '^/', '') AS origin,
    json_extract_string(s.request_parameters, '$."x-amz-server-side-encryption-customer-algorithm"') AS algorithm
  FROM cloudtrail AS s
  WHERE s.event_source = 's3.amazonaws.com'
    AND s.event_name = 'CopyObject'
    AND s.error_code IS NULL
)
SELECT c.object_id, c.record
FROM copied AS c
WHERE c.algorithm IS NOT NULL
  AND c.origin IN (c.bucket || '/' || c.key, c.bucket || '/' || replace(c.key, ' ', '%20'), c.bucket || '/' || replace(c.key, '/', '%2F'))
"""

STATEMENT = Statement(
    name="object_rewritten_in_place",
    title="Object copied onto itself with a key that only the caller has",
    level="high",
    techniques=("T1486",),
    description=(
        "An object was copied onto itself with SSE-C: AWS does not have the key, and nobody else can read the object now."
        " One such copy is a hit; ten within ten minutes are another rule's."
    ),
    false_positives=("Applications that change over to SSE-C",),
    references=("Using server-side encryption with customer-provided keys", "Amazon S3 API Reference, CopyObject"),
    playbook="s3-exfiltration",
    sql=_SQL,
)
