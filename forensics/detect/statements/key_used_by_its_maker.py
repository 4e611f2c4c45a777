"""Access keys used from where they were made, though they are another's."""

from forensics.detect.statements.statement import Statement

HOURS = 24
"""After its making: an intruder tries the key that it made soon, a user who was given one works from elsewhere."""

_SQL = f"""
WITH made AS (
  SELECT json_extract_string(s.response_elements, '$.accessKey.accessKeyId') AS access_key_id, s.event_time,
    s.source_ip_address AS address
  FROM cloudtrail AS s
  WHERE s.event_source = 'iam.amazonaws.com'
    AND s.event_name = 'CreateAccessKey'
    AND s.error_code IS NULL
    AND regexp_matches(s.source_ip_address, '^[0-9a-fA-F:.]+$')
    AND json_extract_string(s.request_parameters, '$.userName') IS NOT NULL
    AND json_extract_string(s.request_parameters, '$.userName') <> coalesce(s.user_identity_user_name, '')
)
SELECT DISTINCT s.object_id, s.record
FROM made AS m
JOIN cloudtrail AS s ON s.user_identity_access_key_id = m.access_key_id
  AND s.source_ip_address = m.address
  AND m.event_time <= s.event_time
  AND s.event_time <= m.event_time + INTERVAL {HOURS} HOUR
"""

STATEMENT = Statement(
    name="key_used_by_its_maker",
    title="Key of another user used by whoever made it",
    level="high",
    techniques=("T1098.001", "T1078.004"),
    description=(
        f"An access key was made for another user and, within {HOURS} hours, used from the very address that it was made"
        " from. Whoever made it keeps it."
    ),
    false_positives=(
        "Administrators and users behind one address, as of an office",
        "Pipelines that make a key for a service and try it",
    ),
    references=(
        "AWS Identity and Access Management API Reference, CreateAccessKey",
        "Manage access keys for IAM users",
    ),
    playbook="iam-persistence",
    sql=_SQL,
)
