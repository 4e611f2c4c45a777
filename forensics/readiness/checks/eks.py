"""EKS: the control plane's logs, and what pods write."""

from forensics.readiness.check import RETENTION, Check
from forensics.readiness.latest import retained

_CLUSTERS = """,
cluster AS (
  SELECT d.account_id, d.region, (d.said->>'name') AS cluster, (d.said->'logging') AS logging, max(d.event_id) AS event_id
  FROM (
    SELECT a.account_id, a.region, coalesce(a.c->'cluster', a.c) AS said, a.event_id
    FROM answer AS a
    WHERE a.api = 'eks' AND a.operation = 'DescribeCluster' AND a.c IS NOT NULL
  ) AS d
  WHERE (d.said->>'name') IS NOT NULL
  GROUP BY d.account_id, d.region, (d.said->>'name'), (d.said->'logging')
)"""

_CONTROL = f"""{_CLUSTERS},
switched AS (
  SELECT k.account_id, k.region, k.cluster, string_agg(CAST(u.part->'types' AS VARCHAR), ' ') AS types
  FROM cluster AS k, unnest(from_json(k.logging->'clusterLogging', '["JSON"]')) AS u(part)
  WHERE (u.part->>'enabled') = 'true'
  GROUP BY k.account_id, k.region, k.cluster
)
SELECT k.account_id, k.region, k.cluster AS thing,
  CASE WHEN s.types IS NULL THEN 'off'
    WHEN s.types LIKE '%"audit"%' AND s.types LIKE '%"authenticator"%' AND s.types LIKE '%"api"%' THEN 'on'
    ELSE 'partly' END AS state,
  replace(replace(replace(s.types, '"', ''), '[', ''), ']', '') AS scope, '/aws/eks/' || k.cluster || '/cluster' AS destination,
  g.retention, g.encryption,
  [CASE WHEN s.types IS NULL OR s.types NOT LIKE '%"audit"%' THEN 'audit_off' END,
    CASE WHEN s.types IS NULL OR s.types NOT LIKE '%"authenticator"%' THEN 'authenticator_off' END,
    {retained("g.days", "g.log_group IS NOT NULL")}] AS warnings,
  [k.event_id, g.event_id] AS evidence
FROM cluster AS k
LEFT JOIN switched AS s ON s.account_id = k.account_id AND s.region = k.region AND s.cluster = k.cluster
LEFT JOIN log_group AS g ON g.account_id = k.account_id AND g.region = k.region
  AND g.log_group = '/aws/eks/' || k.cluster || '/cluster'
"""

_PODS = f"""{_CLUSTERS}
SELECT k.account_id, k.region, k.cluster AS thing, CASE WHEN g.log_group IS NOT NULL THEN 'on' END AS state,
  g.log_group AS destination, g.retention, g.encryption,
  CASE WHEN g.log_group IS NULL THEN 'no log group /aws/containerinsights/' || k.cluster || '/application in the evidence; pods'
    || ' may write elsewhere: ask who runs the cluster' END AS note,
  [{retained("g.days", "g.log_group IS NOT NULL")}] AS warnings, [k.event_id, g.event_id] AS evidence
FROM cluster AS k
LEFT JOIN log_group AS g ON g.account_id = k.account_id AND g.region = k.region
  AND g.log_group = '/aws/containerinsights/' || k.cluster || '/application'
"""

_CALL = ("eks", "DescribeCluster")
_LIST = ("eks", "ListClusters")

CHECKS = (
    Check(
        "eks_audit",
        "EKS control plane logs",
        "Send control plane logs to CloudWatch Logs",
        "who did what in the cluster (exec, secrets, new pods), and which IAM role that was: CloudTrail has none of it",
        (_LIST, _CALL),
        _CONTROL,
        delay="minutes, best effort",
        cost="per GB ingested; the audit log is the largest",
        kind="eks_audit",
        warnings={
            "audit_off": "the audit log is off: nothing done inside the cluster is recorded",
            "authenticator_off": "the authenticator log is off: which IAM role became which user of the cluster is not recorded",
        }
        | RETENTION,
    ),
    Check(
        "pod_log",
        "EKS pod logs",
        "Amazon CloudWatch Observability EKS add-on",
        "what ran in a pod that is gone",
        (_LIST, _CALL),
        _PODS,
        delay="seconds",
        cost="per GB ingested, then per GB stored",
        kind="container_log",
        warnings=RETENTION,
    ),
)
