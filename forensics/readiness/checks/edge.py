"""What stands before workloads: CloudFront, WAF, API Gateway."""

from forensics.readiness.check import RETENTION, Check
from forensics.readiness.latest import retained

_CLOUDFRONT = f"""
SELECT a.account_id, 'global' AS region, (a.c->>'Id') AS thing,
  CASE WHEN v.arn IS NOT NULL OR (t.c->'Logging'->>'Enabled') = 'true' THEN 'on' WHEN t.event_id IS NULL OR d.api IS NULL THEN NULL
    ELSE 'off' END AS state,
  CASE WHEN v.arn IS NOT NULL THEN 'standard logging v2' ELSE 's3://' || nullif(t.c->'Logging'->>'Bucket', '') END AS destination,
  b.retention, b.encryption, b.integrity, [CASE WHEN b.bucket IS NOT NULL THEN {retained("b.days", "b.known")} END] AS warnings,
  [a.event_id, t.event_id, v.event_id] AS evidence
FROM answer AS a
LEFT JOIN answer AS t ON t.api = 'cloudfront' AND t.operation = 'GetDistributionConfig' AND t.c IS NOT NULL
  AND t.account_id = a.account_id AND (t.parameters->>'Id') = (a.c->>'Id')
LEFT JOIN (
  SELECT d.account_id, (u.arn) AS arn, max(d.event_id) AS event_id
  FROM answer AS d, unnest(from_json(d.c->'resourceArns', '["VARCHAR"]')) AS u(arn)
  WHERE d.api = 'logs' AND d.operation = 'DescribeDeliverySources' AND d.c IS NOT NULL
  GROUP BY d.account_id, u.arn
) AS v ON v.account_id = a.account_id AND v.arn = (a.c->>'ARN')
LEFT JOIN answered AS d ON d.api = 'logs' AND d.operation = 'DescribeDeliverySources' AND d.account_id = a.account_id
  AND d.region = a.region
LEFT JOIN bucket AS b ON b.bucket = split_part(t.c->'Logging'->>'Bucket', '.s3', 1)
WHERE a.api = 'cloudfront' AND a.operation = 'ListDistributions' AND (a.c->>'Id') IS NOT NULL
"""

_WAF = """
SELECT a.account_id, a.region, (a.c->>'Name') AS thing,
  CASE WHEN l.arn IS NOT NULL THEN 'on' WHEN max(s.answers) IS NOT NULL THEN 'off' END AS state,
  max(l.destination) AS destination, coalesce(bool_or(l.firewall_manager), FALSE) AS organisation_wide,
  CASE WHEN bool_or(l.firewall_manager) OR (a.c->>'Name') LIKE 'FMManagedWebACL%' THEN 'Firewall Manager' END AS managed_by,
  [a.event_id, max(l.event_id)] AS evidence
FROM answer AS a
LEFT JOIN (
  SELECT g.account_id, g.region, (g.c->>'ResourceArn') AS arn, (g.c->'LogDestinationConfigs'->>0) AS destination,
    (g.c->>'ManagedByFirewallManager') = 'true' AS firewall_manager, g.event_id
  FROM answer AS g
  WHERE g.api = 'wafv2' AND g.operation IN ('ListLoggingConfigurations', 'GetLoggingConfiguration') AND g.c IS NOT NULL
) AS l ON l.account_id = a.account_id AND l.region = a.region AND l.arn = (a.c->>'ARN')
LEFT JOIN (
  SELECT g.account_id, g.region, (g.parameters->>'Scope') AS scope, count(*) AS answers
  FROM answer AS g
  WHERE g.api = 'wafv2' AND g.operation = 'ListLoggingConfigurations' AND g.error_code IS NULL
  GROUP BY g.account_id, g.region, (g.parameters->>'Scope')
) AS s ON s.account_id = a.account_id AND s.region = a.region AND s.scope = (a.parameters->>'Scope')
WHERE a.api = 'wafv2' AND a.operation = 'ListWebACLs' AND (a.c->>'ARN') IS NOT NULL
GROUP BY a.account_id, a.region, (a.c->>'Name'), l.arn, a.event_id
"""

_GATEWAY = """
SELECT a.account_id, a.region, coalesce(a.parameters->>'restApiId', a.parameters->>'ApiId') || '/' || coalesce(a.c->>'stageName',
    a.c->>'StageName') AS thing,
  CASE WHEN coalesce(a.c->'accessLogSettings'->>'destinationArn', a.c->'AccessLogSettings'->>'DestinationArn') IS NOT NULL
    THEN 'on' ELSE 'off' END AS state,
  coalesce(a.c->'accessLogSettings'->>'destinationArn', a.c->'AccessLogSettings'->>'DestinationArn') AS destination,
  [a.event_id] AS evidence
FROM answer AS a
WHERE a.api IN ('apigateway', 'apigatewayv2') AND a.operation = 'GetStages' AND a.c IS NOT NULL
  AND coalesce(a.c->>'stageName', a.c->>'StageName') IS NOT NULL
"""

CHECKS = (
    Check(
        "cloudfront",
        "CloudFront standard logs",
        "Standard logging (access logs)",
        "requests that never reached the origin, and who sent them",
        (
            ("cloudfront", "ListDistributions"),
            ("cloudfront", "GetDistributionConfig"),
            ("logs", "DescribeDeliverySources"),
        ),
        _CLOUDFRONT,
        delay="minutes to an hour, at most a day",
        cost="S3 storage; v2 to CloudWatch Logs per GB",
        kind="cloudfront",
        everywhere=False,
        warnings=RETENTION,
    ),
    Check(
        "waf",
        "AWS WAF logs",
        "Logging AWS WAF protection pack (web ACL) traffic",
        "requests with their headers, and which rule let them through or stopped them",
        (("wafv2", "ListWebACLs"), ("wafv2", "ListLoggingConfigurations")),
        _WAF,
        delay="about 5 minutes",
        cost="per GB delivered; filters keep what was blocked only",
        kind="waf",
    ),
    Check(
        "api_gateway",
        "API Gateway access logs",
        "Set up CloudWatch logging for REST APIs in API Gateway",
        "which caller, by which address and identity, invoked which route and so which function",
        (
            ("apigateway", "GetRestApis"),
            ("apigateway", "GetStages"),
            ("apigatewayv2", "GetApis"),
            ("apigatewayv2", "GetStages"),
        ),
        _GATEWAY,
        delay="seconds to minutes",
        cost="per GB ingested",
        kind="api_gateway",
    ),
)
