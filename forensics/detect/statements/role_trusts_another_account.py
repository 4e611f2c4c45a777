"""Roles that another account, or everyone, may assume."""

from forensics.detect.statements.statement import Statement

_SQL = """
WITH trust AS (
  SELECT s.object_id, s.record, s.recipient_account_id AS own,
    coalesce(json_extract_string(s.request_parameters, '$.assumeRolePolicyDocument'),
      json_extract_string(s.request_parameters, '$.policyDocument')) AS document
  FROM cloudtrail AS s
  WHERE s.event_source = 'iam.amazonaws.com'
    AND s.event_name IN ('CreateRole', 'UpdateAssumeRolePolicy')
    AND s.error_code IS NULL
), named AS (
  SELECT t.object_id, t.record, t.own, u.account
  FROM trust AS t, unnest(regexp_extract_all(t.document, 'arn:aws[a-z-]*:(?:iam|sts)::([0-9]{12}):', 1)) AS u(account)
  UNION ALL
  SELECT t.object_id, t.record, t.own, u.account
  FROM trust AS t, unnest(regexp_extract_all(t.document, '"AWS"\\s*:\\s*\\[?\\s*"([0-9]{12})"', 1)) AS u(account)
  UNION ALL
  SELECT t.object_id, t.record, t.own, '*' AS account
  FROM trust AS t
  WHERE regexp_matches(t.document, '"(AWS|Principal)"\\s*:\\s*\\[?\\s*"\\*"')
)
SELECT DISTINCT n.object_id, n.record
FROM named AS n
WHERE n.account <> n.own
"""

STATEMENT = Statement(
    name="role_trusts_another_account",
    title="Role that another account may assume",
    level="high",
    techniques=("T1098.003", "T1199"),
    description=(
        "A role was made, or its trust policy changed, so that another account, or everyone, may assume it."
        " The document is read: a change that names the role's own account only is no hit."
    ),
    false_positives=(
        "Accounts of one organisation that trust each other, such as one for deployments or for security",
        "Products of partners that look into the account",
    ),
    references=(
        "AWS Identity and Access Management API Reference, UpdateAssumeRolePolicy",
        "Access to AWS accounts owned by third parties",
    ),
    playbook="iam-persistence",
    sql=_SQL,
)
