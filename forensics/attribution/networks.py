"""In which VPC a load balancer, a cluster, a database or a firewall is, as far as records tell."""

import duckdb

from forensics import scanned, telling
from forensics.each import each

_ASKED = "'CreateLoadBalancer', 'CreateTargetGroup', 'CreateCluster', 'CreateDBInstance', 'CreateFirewall'"

CALLS_READ = f"s.event_name IN ({_ASKED})"

_MADE = f"""
CREATE OR REPLACE TEMP TABLE stated_network AS
WITH made AS (
  SELECT s.event_name, s.recipient_account_id AS account_id, s.aws_region AS region, s.response_elements AS answer
  FROM {telling.TABLE} AS s
  WHERE {CALLS_READ}
    AND coalesce(s.error_code, '') = ''
), named AS (
  SELECT 'load_balancer' AS kind, account_id, region,
    regexp_extract(m.card->>'$.loadBalancerArn', 'loadbalancer/(.+)$', 1) AS id, m.card->>'$.vpcId' AS vpc_id
  FROM {each("made AS m", "json_extract(m.answer, '$.loadBalancers[*]')", "card")} AS m
  WHERE event_name = 'CreateLoadBalancer'
  UNION ALL
  SELECT 'target_group' AS kind, account_id, region, m.card->>'$.targetGroupArn' AS id, m.card->>'$.vpcId' AS vpc_id
  FROM {each("made AS m", "json_extract(m.answer, '$.targetGroups[*]')", "card")} AS m
  WHERE event_name = 'CreateTargetGroup'
  UNION ALL
  SELECT 'cluster' AS kind, account_id, region, answer->>'$.cluster.name' AS id,
    answer->>'$.cluster.resourcesVpcConfig.vpcId' AS vpc_id
  FROM made
  WHERE event_name = 'CreateCluster'
  UNION ALL
  SELECT 'database' AS kind, account_id, region, answer->>'$.dBInstanceIdentifier' AS id,
    answer->>'$.dBSubnetGroup.vpcId' AS vpc_id
  FROM made
  WHERE event_name = 'CreateDBInstance'
  UNION ALL
  SELECT 'firewall' AS kind, account_id, region, answer->>'$.firewall.firewallName' AS id,
    answer->>'$.firewall.vpcId' AS vpc_id
  FROM made
  WHERE event_name = 'CreateFirewall'
  UNION ALL
  SELECT CASE owner WHEN 'eks_control_plane' THEN 'cluster' ELSE 'load_balancer' END AS kind, account_id, region,
    owner_id AS id, vpc_id
  FROM interface
  WHERE owner IN ('load_balancer', 'network_load_balancer', 'gateway_load_balancer', 'eks_control_plane')
)
SELECT kind, account_id, region, id, min(vpc_id) AS vpc_id
FROM named
WHERE id <> ''
  AND vpc_id <> ''
GROUP BY kind, account_id, region, id
HAVING count(DISTINCT vpc_id) = 1
"""

_FLOWED = scanned.one(
    "flow_network",
    "vpc_flow",
    """
SELECT DISTINCT s.account_id, s.region,
  CASE WHEN s.region IS NULL OR coalesce(s.account_id, 'unknown') = 'unknown' THEN s.object_id END AS object_id, s.vpc_id
FROM {rows} AS s
WHERE s.vpc_id IS NOT NULL
""",
    "SELECT DISTINCT account_id, region, object_id, vpc_id\nFROM {kept}",
)

_HOME = f"""
CREATE OR REPLACE TEMP TABLE home_network AS
WITH seen AS (
  SELECT w.account_id, w.region, n.vpc_id
  FROM address_network AS n
  JOIN workload AS w ON w.workload = n.workload
  UNION ALL
  SELECT coalesce(nullif(f.account_id, 'unknown'), e.account_id) AS account_id, coalesce(f.region, e.region) AS region,
    f.vpc_id
  FROM {_FLOWED.rows} AS f
  LEFT JOIN evidence AS e ON e.object_id = f.object_id
  UNION ALL
  SELECT account_id, region, vpc_id
  FROM interface
  UNION ALL
  SELECT account_id, region, vpc_id
  FROM stated_network
  UNION ALL
  SELECT account_id, region, vpc_id
  FROM route53_resolver
)
SELECT account_id, region, min(vpc_id) AS vpc_id
FROM seen
WHERE vpc_id <> ''
  AND account_id IS NOT NULL
  AND region IS NOT NULL
GROUP BY account_id, region
HAVING count(DISTINCT vpc_id) = 1
"""
"""The VPC of an account and Region of which the evidence knows but one."""

_RECORDED = """
INSERT INTO record_network
WITH met AS (
  SELECT DISTINCT 'alb' AS source, 'load_balancer' AS kind, s.object_id, s.elb AS id, s.target_group_arn AS other_id,
    s.owner
  FROM alb AS s
  UNION ALL
  SELECT DISTINCT 'alb_connection' AS source, 'load_balancer' AS kind, s.object_id, s.elb AS id, NULL AS other_id, s.owner
  FROM alb_connection AS s
  UNION ALL
  SELECT DISTINCT 'alb_health_check' AS source, 'load_balancer' AS kind, s.object_id, s.elb AS id,
    s.target_group_id AS other_id, s.owner
  FROM alb_health_check AS s
  UNION ALL
  SELECT DISTINCT 'clb' AS source, 'load_balancer' AS kind, s.object_id, s.elb AS id, NULL AS other_id, NULL AS owner
  FROM clb AS s
  UNION ALL
  SELECT DISTINCT 'nlb' AS source, 'load_balancer' AS kind, s.object_id, s.elb AS id, NULL AS other_id, s.owner
  FROM nlb AS s
  UNION ALL
  SELECT DISTINCT 'eks_audit' AS source, 'cluster' AS kind, s.object_id, s.cluster_name AS id, NULL AS other_id, s.owner
  FROM eks_audit AS s
  UNION ALL
  SELECT DISTINCT 'rds_log' AS source, 'database' AS kind, s.object_id, s.database_id AS id, NULL AS other_id, s.owner
  FROM rds_log AS s
  UNION ALL
  SELECT DISTINCT 'network_firewall' AS source, 'firewall' AS kind, s.object_id, s.firewall_name AS id,
    NULL AS other_id, s.owner
  FROM network_firewall AS s
), placed AS (
  SELECT m.source, m.kind, m.object_id, m.id, m.other_id, coalesce(m.owner, e.account_id) AS account_id, e.region
  FROM met AS m
  LEFT JOIN evidence AS e ON e.object_id = m.object_id
), told AS (
  SELECT p.source, p.object_id, coalesce(p.id, '') AS id, coalesce(n.vpc_id, t.vpc_id) AS stated,
    h.vpc_id AS supposed
  FROM placed AS p
  LEFT JOIN stated_network AS n ON n.kind = p.kind
    AND n.id = p.id
    AND n.account_id = coalesce(p.account_id, n.account_id)
    AND n.region = coalesce(p.region, n.region)
  LEFT JOIN stated_network AS t ON t.kind = 'target_group' AND t.id = p.other_id
  LEFT JOIN home_network AS h ON h.account_id = p.account_id AND h.region = p.region
)
SELECT source, object_id, id, coalesce(min(stated), min(supposed)) AS vpc_id, min(stated) IS NOT NULL AS stated
FROM told
GROUP BY source, object_id, id
HAVING coalesce(min(stated), min(supposed)) IS NOT NULL
  AND (min(stated) IS NULL OR count(DISTINCT stated) = 1)
ORDER BY source, object_id, id
"""
"""Per object and thing named in it the VPC: stated by the records that made it, or else the only one known there."""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `record_network` and make the temporary table `home_network`; needs `interface` and `lifetime`."""
    con.execute("DELETE FROM record_network")
    telling.take(con)
    scanned.take(con, _FLOWED)
    for statement in (_MADE, _HOME, _RECORDED):
        con.execute(statement)
    con.execute("DROP TABLE temp.stated_network")
