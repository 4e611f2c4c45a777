"""Access and connection logs of load balancers."""

from forensics.readiness.check import RETENTION, Check
from forensics.readiness.latest import retained

_KEPT = retained("b.days", "b.known")

_BALANCERS = f"""
SELECT a.account_id, a.region, (a.c->>'LoadBalancerName') AS thing,
  CASE WHEN max(s.event_id) IS NULL THEN NULL
    WHEN bool_or(s.key = '{{what}}.s3.enabled' AND s.value = 'true') THEN 'on' ELSE 'off' END AS state,
  's3://' || max(CASE WHEN s.key = '{{what}}.s3.bucket' AND s.value <> '' THEN s.value END) AS destination,
  max(b.retention) AS retention, max(b.encryption) AS encryption, max(b.integrity) AS integrity,
  [max(CASE WHEN b.bucket IS NOT NULL THEN {_KEPT} END)] AS warnings, [a.event_id, max(s.event_id)] AS evidence
FROM answer AS a
LEFT JOIN (
  SELECT t.account_id, t.region, (t.parameters->>'LoadBalancerArn') AS arn, (u.item->>'Key') AS key, (u.item->>'Value') AS value,
    t.event_id
  FROM answer AS t, unnest(from_json(t.c->'Attributes', '["JSON"]')) AS u(item)
  WHERE t.api = 'elbv2' AND t.operation = 'DescribeLoadBalancerAttributes' AND t.c IS NOT NULL
) AS s ON s.account_id = a.account_id AND s.region = a.region AND s.arn = (a.c->>'LoadBalancerArn')
LEFT JOIN bucket AS b ON s.key = '{{what}}.s3.bucket' AND b.bucket = s.value
WHERE a.api = 'elbv2' AND a.operation = 'DescribeLoadBalancers' AND (a.c->>'Type') = '{{type}}'
GROUP BY a.account_id, a.region, (a.c->>'LoadBalancerName'), (a.c->>'LoadBalancerArn'), a.event_id
"""

_CLASSIC = f"""
SELECT a.account_id, a.region, (a.c->>'LoadBalancerName') AS thing,
  CASE WHEN t.event_id IS NULL THEN NULL WHEN (t.c->'AccessLog'->>'Enabled') = 'true' THEN 'on' ELSE 'off' END AS state,
  's3://' || (t.c->'AccessLog'->>'S3BucketName') AS destination, b.retention, b.encryption, b.integrity,
  [CASE WHEN b.bucket IS NOT NULL THEN {_KEPT} END] AS warnings, [a.event_id, t.event_id] AS evidence
FROM answer AS a
LEFT JOIN answer AS t ON t.api = 'elb' AND t.operation = 'DescribeLoadBalancerAttributes' AND t.c IS NOT NULL
  AND t.account_id = a.account_id AND t.region = a.region AND (t.parameters->>'LoadBalancerName') = (a.c->>'LoadBalancerName')
LEFT JOIN bucket AS b ON b.bucket = (t.c->'AccessLog'->>'S3BucketName')
WHERE a.api = 'elb' AND a.operation = 'DescribeLoadBalancers' AND a.c IS NOT NULL
"""

_CALLS = (("elbv2", "DescribeLoadBalancers"), ("elbv2", "DescribeLoadBalancerAttributes"))


def _of(what: str, kind: str) -> str:
    return _BALANCERS.replace("{what}", what).replace("{type}", kind)


CHECKS = (
    Check(
        "alb",
        "ALB access logs",
        "Access logs for your Application Load Balancer",
        "which client sent which request to which target, and what it was answered",
        _CALLS,
        _of("access_logs", "application"),
        delay="every 5 minutes, best effort",
        cost="S3 storage only",
        kind="alb",
        warnings=RETENTION,
    ),
    Check(
        "alb_connection",
        "ALB connection logs",
        "Connection logs for your Application Load Balancer",
        "clients that never sent a whole request; TLS details",
        _CALLS,
        _of("connection_logs", "application"),
        delay="every 5 minutes, best effort",
        cost="S3 storage only",
        kind="alb_connection",
        warnings=RETENTION,
    ),
    Check(
        "nlb",
        "NLB access logs",
        "Access logs for your Network Load Balancer",
        "TLS connections with the client's address; nothing of other listeners",
        _CALLS,
        _of("access_logs", "network"),
        delay="every 5 minutes, best effort",
        cost="S3 storage only",
        kind="nlb",
        warnings=RETENTION,
    ),
    Check(
        "clb",
        "CLB access logs",
        "Access logs for your Classic Load Balancer",
        "which client sent which request to which instance",
        (("elb", "DescribeLoadBalancers"), ("elb", "DescribeLoadBalancerAttributes")),
        _CLASSIC,
        delay="every 5 or 60 minutes, best effort",
        cost="S3 storage only",
        kind="clb",
        warnings=RETENTION,
    ),
)
