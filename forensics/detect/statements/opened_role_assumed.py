"""Roles assumed by an account that was let in within evidence."""

from forensics.detect.statements.statement import Statement

_SQL = """
WITH trust AS (
  SELECT s.recipient_account_id AS own, s.event_time, json_extract_string(s.request_parameters, '$.roleName') AS role,
    coalesce(json_extract_string(s.request_parameters, '$.assumeRolePolicyDocument'),
      json_extract_string(s.request_parameters, '$.policyDocument')) AS document
  FROM cloudtrail AS s
  WHERE s.event_source = 'iam.amazonaws.com'
    AND s.event_name IN ('CreateRole', 'UpdateAssumeRolePolicy')
    AND s.error_code IS NULL
), assumed AS (
  SELECT s.object_id, s.record, s.event_time, s.recipient_account_id AS own, s.user_identity_account_id AS caller,
    regexp_extract(json_extract_string(s.request_parameters, '$.roleArn'), '[^/]+$') AS role
  FROM cloudtrail AS s
  WHERE s.event_source = 'sts.amazonaws.com'
    AND s.event_name = 'AssumeRole'
    AND s.error_code IS NULL
    AND s.user_identity_account_id <> s.recipient_account_id
)
SELECT DISTINCT a.object_id, a.record
FROM assumed AS a
JOIN trust AS t ON t.own = a.own
  AND t.role = a.role
  AND t.event_time <= a.event_time
  AND contains(t.document, a.caller)
"""

STATEMENT = Statement(
    name="opened_role_assumed",
    title="Role assumed by an account that was just let in",
    level="critical",
    techniques=("T1078.004", "T1199"),
    description=(
        "A principal of another account assumed a role whose trust policy was changed, or which was made, within evidence"
        " so that it names that account."
    ),
    false_positives=("Access of a partner or of another account of the organisation being set up and tried",),
    references=(
        "AWS Security Token Service API Reference, AssumeRole",
        "Logging IAM and AWS STS API calls with AWS CloudTrail",
    ),
    playbook="iam-persistence",
    sql=_SQL,
)
