"""DNS: what VPCs asked the resolver, and what the world asked of public zones; and firewalls of networks."""

from forensics.readiness.check import Check

_RESOLVER = """
SELECT v.account_id, v.region, v.vpc AS thing,
  CASE WHEN count(c.resource) > 0 THEN 'on' WHEN max(s.api) IS NOT NULL THEN 'off' END AS state,
  string_agg(DISTINCT l.destination, ', ' ORDER BY l.destination) AS destination,
  coalesce(bool_or(l.owner <> v.account_id), FALSE) AS organisation_wide,
  'shared by ' || max(CASE WHEN l.owner <> v.account_id THEN l.owner END) AS managed_by,
  [v.event_id, max(c.event_id)] AS evidence
FROM vpc AS v
LEFT JOIN (
  SELECT a.account_id, a.region, (a.c->>'ResourceId') AS resource, (a.c->>'ResolverQueryLogConfigId') AS configuration, a.event_id
  FROM answer AS a
  WHERE a.api = 'route53resolver' AND a.operation = 'ListResolverQueryLogConfigAssociations' AND (a.c->>'Status') = 'ACTIVE'
) AS c ON c.account_id = v.account_id AND c.region = v.region AND c.resource = v.vpc
LEFT JOIN (
  SELECT a.account_id, a.region, (a.c->>'Id') AS id, (a.c->>'DestinationArn') AS destination, (a.c->>'OwnerId') AS owner
  FROM answer AS a
  WHERE a.api = 'route53resolver' AND a.operation = 'ListResolverQueryLogConfigs' AND a.c IS NOT NULL
) AS l ON l.account_id = v.account_id AND l.region = v.region AND l.id = c.configuration
LEFT JOIN answered AS s ON s.api = 'route53resolver' AND s.operation = 'ListResolverQueryLogConfigAssociations'
  AND s.account_id = v.account_id AND s.region = v.region
GROUP BY v.account_id, v.region, v.vpc, v.event_id
"""

_PUBLIC = """
SELECT a.account_id, 'global' AS region, (a.c->>'Name') AS thing,
  CASE WHEN count(q.zone) > 0 THEN 'on' WHEN max(s.api) IS NOT NULL THEN 'off' END AS state,
  max(q.destination) AS destination, [a.event_id, max(q.event_id)] AS evidence
FROM answer AS a
LEFT JOIN (
  SELECT g.account_id, (g.c->>'HostedZoneId') AS zone, (g.c->>'CloudWatchLogsLogGroupArn') AS destination, g.event_id
  FROM answer AS g
  WHERE g.api = 'route53' AND g.operation = 'ListQueryLoggingConfigs' AND g.c IS NOT NULL
) AS q ON q.account_id = a.account_id AND q.zone = replace(a.c->>'Id', '/hostedzone/', '')
LEFT JOIN answered AS s ON s.api = 'route53' AND s.operation = 'ListQueryLoggingConfigs' AND s.account_id = a.account_id
  AND s.region = a.region
WHERE a.api = 'route53' AND a.operation = 'ListHostedZones' AND (a.c->>'Id') IS NOT NULL
  AND coalesce(a.c->'Config'->>'PrivateZone', 'false') = 'false'
GROUP BY a.account_id, (a.c->>'Name'), (a.c->>'Id'), a.event_id
"""

_FIREWALL = """
SELECT a.account_id, a.region, (a.c->>'FirewallName') AS thing,
  CASE WHEN l.event_id IS NULL THEN NULL WHEN l.said LIKE '%"FLOW"%' AND l.said LIKE '%"ALERT"%' THEN 'on'
    WHEN l.said LIKE '%"LogType"%' THEN 'partly' ELSE 'off' END AS state,
  regexp_extract(l.said, '"(?:bucketName|logGroup|deliveryStream)":"([^"]*)"', 1) AS destination, [a.event_id, l.event_id] AS evidence
FROM answer AS a
LEFT JOIN (
  SELECT g.account_id, g.region, (g.parameters->>'FirewallArn') AS arn, max(CAST(g.c AS VARCHAR)) AS said,
    max(g.event_id) AS event_id
  FROM answer AS g
  WHERE g.api = 'network-firewall' AND g.operation = 'DescribeLoggingConfiguration' AND g.error_code IS NULL
  GROUP BY g.account_id, g.region, (g.parameters->>'FirewallArn')
) AS l ON l.account_id = a.account_id AND l.region = a.region AND l.arn = (a.c->>'FirewallArn')
WHERE a.api = 'network-firewall' AND a.operation = 'ListFirewalls' AND a.c IS NOT NULL
"""

CHECKS = (
    Check(
        "route53_resolver",
        "Route 53 Resolver query logs",
        "Resolver query logging",
        "which names workloads asked for: what a command server is called, and data in names",
        (
            ("route53resolver", "ListResolverQueryLogConfigAssociations"),
            ("ec2", "DescribeVpcs"),
        ),
        _RESOLVER,
        delay="minutes",
        cost="per GB delivered; repeated questions are cached and not logged",
        kind="route53_resolver",
    ),
    Check(
        "route53_public",
        "Route 53 public DNS query logs",
        "Public DNS query logging",
        "who in the world asked for the names of public zones",
        (("route53", "ListHostedZones"), ("route53", "ListQueryLoggingConfigs")),
        _PUBLIC,
        delay="minutes",
        cost="per GB ingested, in us-east-1",
        kind="route53_public",
        everywhere=False,
    ),
    Check(
        "network_firewall",
        "Network Firewall logs",
        "Logging network traffic from AWS Network Firewall",
        "flows through the firewall, and names in TLS handshakes and requests that it alerted on",
        (("network-firewall", "ListFirewalls"), ("network-firewall", "DescribeLoggingConfiguration")),
        _FIREWALL,
        delay="minutes",
        cost="per GB delivered",
        kind="network_firewall",
    ),
)
