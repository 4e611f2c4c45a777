"""Data encrypted with a key of another account."""

from forensics.detect.statements.statement import Statement

_SQL = """
WITH written AS (
  SELECT s.object_id, s.record, s.recipient_account_id AS own, CAST(s.request_parameters AS VARCHAR) AS asked
  FROM cloudtrail AS s
  WHERE s.error_code IS NULL
    AND (s.event_source = 's3.amazonaws.com'
        AND s.event_name IN ('CopyObject', 'PutObject', 'CreateMultipartUpload', 'PutBucketEncryption')
      OR s.event_source IN ('ec2.amazonaws.com', 'rds.amazonaws.com')
        AND s.event_name IN ('CopySnapshot', 'CopyImage', 'ModifyEbsDefaultKmsKeyId', 'CopyDBSnapshot', 'CopyDBClusterSnapshot'))
)
SELECT DISTINCT w.object_id, w.record
FROM written AS w, unnest(regexp_extract_all(w.asked, 'arn:aws[a-z-]*:kms:[a-z0-9-]+:([0-9]{12}):', 1)) AS u(account)
WHERE u.account <> w.own
"""

STATEMENT = Statement(
    name="object_locked_with_a_foreign_key",
    title="Data encrypted with a key of another account",
    level="critical",
    techniques=("T1486",),
    description=(
        "An object, bucket or snapshot was written with a KMS key that another account owns."
        " Its owner can take the key away, and the data with it."
    ),
    false_positives=(
        "Keys that accounts of one organisation share, as for backups or for logs",
        "Objects that are written for a partner",
    ),
    references=(
        "Using server-side encryption with AWS KMS keys",
        "Allowing users in other accounts to use a KMS key",
    ),
    playbook="s3-exfiltration",
    sql=_SQL,
)
