"""Flow logs of VPCs and of transit gateways: who spoke with whom, and whether the record names the task behind it."""

from forensics.readiness.check import RETENTION, Check
from forensics.readiness.latest import retained
from forensics.sources.vpc_flow import COLUMNS

FORMAT = " ".join(f"${{{column.field}}}" for column in COLUMNS if "-tag" not in column.field)
"""Every field there is (page "Flow log records") but tags, whose keys are to be named: what is not asked for when it
happens is never known."""

_LOGS = f""",
flow_log AS (
  SELECT a.account_id, a.region, (a.c->>'FlowLogId') AS flow_log, (a.c->>'ResourceId') AS resource,
    (a.c->>'FlowLogStatus') = 'ACTIVE' AS active, (a.c->>'TrafficType') AS traffic, (a.c->>'LogFormat') AS format,
    TRY_CAST(a.c->>'MaxAggregationInterval' AS BIGINT) AS seconds, (a.c->>'DeliverLogsStatus') = 'FAILED' AS failed,
    coalesce(a.c->>'LogDestination', a.c->>'LogGroupName') AS destination,
    coalesce(b.retention, g.retention) AS retention, coalesce(b.encryption, g.encryption) AS encryption, b.integrity,
    coalesce({retained("b.days", "b.known")}, {retained("g.days", "g.log_group IS NOT NULL")}) AS kept, a.event_id
  FROM answer AS a
  LEFT JOIN bucket AS b ON b.bucket = regexp_extract(a.c->>'LogDestination', ':s3:::([^/]+)', 1)
  LEFT JOIN log_group AS g ON g.account_id = a.account_id AND g.region = a.region AND g.log_group = (a.c->>'LogGroupName')
  WHERE a.api = 'ec2' AND a.operation = 'DescribeFlowLogs' AND a.c IS NOT NULL
)"""

_VPC = f"""{_LOGS},
placed AS (
  SELECT f.account_id, f.region, f.resource AS vpc, TRUE AS whole, f.flow_log
  FROM flow_log AS f
  WHERE f.resource LIKE 'vpc-%'
  UNION ALL
  SELECT f.account_id, f.region, (a.c->>'VpcId') AS vpc, FALSE AS whole, f.flow_log
  FROM flow_log AS f
  JOIN answer AS a ON a.account_id = f.account_id AND a.region = f.region AND a.api = 'ec2' AND (
    a.operation = 'DescribeNetworkInterfaces' AND f.resource IN (a.c->>'NetworkInterfaceId', a.c->>'SubnetId')
    OR a.operation = 'DescribeSubnets' AND f.resource = (a.c->>'SubnetId')
  )
  GROUP BY f.account_id, f.region, (a.c->>'VpcId'), f.flow_log
),
network AS (
  SELECT n.account_id, n.region, n.vpc, max(n.event_id) AS event_id
  FROM (
    SELECT v.account_id, v.region, v.vpc, v.event_id
    FROM vpc AS v
    UNION ALL
    SELECT p.account_id, p.region, p.vpc, NULL AS event_id
    FROM placed AS p
  ) AS n
  GROUP BY n.account_id, n.region, n.vpc
)
SELECT n.account_id, n.region, n.vpc AS thing,
  CASE WHEN bool_or(f.active AND p.whole AND f.traffic = 'ALL' AND NOT coalesce(f.failed, FALSE)) THEN 'on'
    WHEN max(d.api) IS NULL THEN NULL
    WHEN bool_or(f.active AND NOT coalesce(f.failed, FALSE)) THEN 'partly' ELSE 'off' END AS state,
  CASE WHEN bool_or(p.whole) THEN 'VPC' WHEN count(p.vpc) > 0 THEN 'some subnets or interfaces' END AS scope,
  string_agg(DISTINCT f.destination, ', ' ORDER BY f.destination) AS destination,
  string_agg(DISTINCT f.retention, ', ' ORDER BY f.retention) AS retention, max(f.encryption) AS encryption,
  max(f.integrity) AS integrity,
  [CASE WHEN NOT bool_or(f.active AND f.format LIKE '%ecs-task-id%') THEN 'no_ecs_fields' END,
    CASE WHEN NOT bool_or(f.active AND f.format LIKE '%pkt-srcaddr%' AND f.format LIKE '%pkt-dstaddr%') THEN 'no_pkt_fields' END,
    CASE WHEN min(f.seconds) > 60 THEN 'coarse' END, CASE WHEN NOT bool_or(f.traffic = 'ALL') THEN 'narrowed' END,
    CASE WHEN bool_or(f.failed) THEN 'not_delivered' END, max(f.kept)] AS warnings,
  [n.event_id, max(f.event_id)] AS evidence
FROM network AS n
LEFT JOIN placed AS p ON p.account_id = n.account_id AND p.region = n.region AND p.vpc = n.vpc
LEFT JOIN flow_log AS f ON f.account_id = p.account_id AND f.region = p.region AND f.flow_log = p.flow_log
LEFT JOIN answered AS d ON d.api = 'ec2' AND d.operation = 'DescribeFlowLogs' AND d.account_id = n.account_id
  AND d.region = n.region
GROUP BY n.account_id, n.region, n.vpc, n.event_id
"""

_GATEWAY = f"""{_LOGS}
SELECT t.account_id, t.region, t.gateway AS thing,
  CASE WHEN bool_or(f.active AND NOT coalesce(f.failed, FALSE)) THEN 'on' WHEN max(d.api) IS NOT NULL THEN 'off' END AS state,
  string_agg(DISTINCT f.destination, ', ' ORDER BY f.destination) AS destination, max(f.retention) AS retention,
  max(f.encryption) AS encryption, max(f.integrity) AS integrity, [max(f.kept)] AS warnings,
  [t.event_id, max(f.event_id)] AS evidence
FROM (
  SELECT a.account_id, a.region, (a.c->>'TransitGatewayId') AS gateway, max(a.event_id) AS event_id
  FROM answer AS a
  WHERE a.api = 'ec2' AND a.operation = 'DescribeTransitGateways' AND a.c IS NOT NULL
  GROUP BY a.account_id, a.region, (a.c->>'TransitGatewayId')
) AS t
LEFT JOIN flow_log AS f ON f.account_id = t.account_id AND f.region = t.region AND f.resource = t.gateway
LEFT JOIN answered AS d ON d.api = 'ec2' AND d.operation = 'DescribeFlowLogs' AND d.account_id = t.account_id
  AND d.region = t.region
GROUP BY t.account_id, t.region, t.gateway, t.event_id
"""

_FLOWS = ("ec2", "DescribeFlowLogs")

CHECKS = (
    Check(
        "vpc_flow",
        "VPC Flow Logs",
        "Flow log records",
        "which address spoke with which, when, and how many bytes left; with ECS fields, which task it was",
        (_FLOWS, ("ec2", "DescribeVpcs")),
        _VPC,
        delay="aggregated over 1 or 10 minutes, then about 5 minutes to CloudWatch Logs, 10 to S3",
        cost="per GB delivered; S3 costs less than CloudWatch Logs; 1-minute intervals give more records",
        kind="vpc_flow",
        warnings={
            "no_ecs_fields": "the format has no ECS fields: which task an interface was is not in the record",
            "no_pkt_fields": "the format has no pkt-srcaddr and pkt-dstaddr: pods and what is behind a NAT gateway do not show",
            "coarse": "aggregated over 10 minutes: short connections run together",
            "narrowed": "only accepted, or only rejected traffic is kept",
            "not_delivered": "the delivery fails",
        }
        | RETENTION,
    ),
    Check(
        "transit_gateway_flow",
        "Transit gateway flow logs",
        "Transit Gateway Flow Log records",
        "traffic between VPCs and to networks beside AWS, with both ends' accounts",
        (("ec2", "DescribeTransitGateways"), _FLOWS),
        _GATEWAY,
        delay="aggregated over 1 or 10 minutes, then minutes",
        cost="per GB delivered",
        kind="transit_gateway_flow",
        warnings=RETENTION,
    ),
)
