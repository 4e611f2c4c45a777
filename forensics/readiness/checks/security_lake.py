"""Security Lake: logs of an organisation in one format (OCSF) and one place."""

from forensics.readiness.check import Check

_LAKES = """
SELECT a.account_id, a.region, (a.c->>'dataLakeArn') AS thing,
  CASE WHEN (a.c->>'createStatus') = 'COMPLETED' THEN 'on' WHEN (a.c->>'createStatus') IS NULL THEN NULL ELSE 'partly' END AS state,
  (a.c->>'s3BucketArn') AS destination,
  coalesce(CAST(a.c->'lifecycleConfiguration'->'expiration'->>'days' AS VARCHAR) || ' days', 'unlimited') AS retention,
  CASE WHEN (a.c->'encryptionConfiguration'->>'kmsKeyId') LIKE 'S3_MANAGED%' THEN 'SSE-S3' ELSE 'SSE-KMS' END AS encryption,
  [a.event_id] AS evidence
FROM answer AS a
WHERE a.api = 'securitylake' AND a.operation = 'ListDataLakes' AND (a.c->>'dataLakeArn') IS NOT NULL
"""

CHECKS = (
    Check(
        "ocsf",
        "Security Lake",
        "What is Amazon Security Lake?",
        "CloudTrail, flow, DNS, WAF and EKS logs of all accounts, in one bucket and one format",
        (("securitylake", "ListDataLakes"),),
        _LAKES,
        delay="minutes to an hour",
        cost="per GB normalised, S3 storage",
        kind="ocsf",
        fold="any",
        empty="off",
    ),
)
