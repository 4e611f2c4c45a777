"""What pods held: their own address in the cluster's VPC, and the EC2 instance they ran on."""

from forensics.arn import key
from forensics.workloads.eks_clusters import INSTANCE_ID

START = 600
"""Seconds from a pod's creation in which its first sight with an address, or on a node, still counts as the beginning."""

_OF_NODE = """
SELECT p.workload, p.account_id, p.region, p.cluster, coalesce(p.instance_id, n.instance_id) AS instance_id,
  p.first_seen, p.last_seen, p.first_event, p.last_event
FROM eks_pod AS p
LEFT JOIN eks_node AS n ON n.cluster = p.cluster
  AND n.node = p.node
  AND (n.instances = 1 OR n.first_seen <= p.first_seen AND p.last_seen <= n.last_seen)
WHERE p.workload IS NOT NULL
"""

_PAIRED = f"""
WITH asked AS (
  SELECT account_id, region, ask->>'$.clusterName' AS cluster, date_trunc('second', moment) AS moment, event_id,
    regexp_extract(principal_id, ':({INSTANCE_ID})$', 1) AS instance_id
  FROM eks_call
  WHERE event_source = 'eks-auth.amazonaws.com'
    AND event_name = 'AssumeRoleForPodIdentity'
), given AS (
  SELECT account_id, region, tag_cluster AS cluster, date_trunc('second', moment) AS moment, event_id
  FROM eks_call
  WHERE own
), near AS (
  SELECT a.account_id, a.region, a.cluster, a.moment + to_seconds(u.apart) AS moment, u.apart, a.instance_id, a.event_id
  FROM asked AS a, unnest([-1, 0, 1]) AS u(apart)
), asked_near AS (
  SELECT account_id, region, cluster, moment, count(*) AS calls, count(DISTINCT instance_id) AS instances,
    min(instance_id) AS instance_id, min(event_id) FILTER (apart = 0) AS event_id
  FROM near
  GROUP BY account_id, region, cluster, moment
), given_near AS (
  SELECT g.account_id, g.region, g.cluster, g.moment + to_seconds(u.apart) AS moment, count(*) AS mints
  FROM given AS g, unnest([-1, 0, 1]) AS u(apart)
  GROUP BY g.account_id, g.region, g.cluster, g.moment + to_seconds(u.apart)
)
SELECT p.workload, g.account_id, g.region, g.cluster, a.instance_id, g.moment AS first_seen, g.moment AS last_seen,
  a.event_id AS first_event, g.event_id AS last_event
FROM given AS g
JOIN eks_pod AS p ON p.first_event = g.event_id AND p.workload IS NOT NULL
JOIN asked_near AS a ON a.account_id = g.account_id AND a.region = g.region AND a.cluster = g.cluster AND a.moment = g.moment
JOIN given_near AS m ON m.account_id = g.account_id AND m.region = g.region AND m.cluster = g.cluster AND m.moment = g.moment
WHERE a.instances = 1
  AND a.instance_id <> ''
  AND a.event_id IS NOT NULL
  AND a.calls = m.mints
"""
"""The node that asked for a pod's credentials: the two calls share no id, so that only seconds without another pair count."""

_ON = f"""
CREATE OR REPLACE TEMP TABLE eks_on AS
SELECT workload, instance, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
  arg_min(first_event, (first_seen, first_event)) AS first_event,
  arg_max(last_event, (last_seen, last_event)) AS last_event,
  count(*) OVER (PARTITION BY workload) AS instances
FROM (
  SELECT o.workload,
    {key("ec2", "coalesce(i.region, o.region, c.region)", "coalesce(i.account_id, o.account_id, c.account_id)", "'instance/' || o.instance_id")} AS instance,
    o.first_seen, o.last_seen, o.first_event, o.last_event
  FROM (
    {_OF_NODE}
    UNION ALL
    SELECT * FROM ({_PAIRED}) AS p
  ) AS o
  JOIN eks_cluster AS c ON c.cluster = o.cluster
  LEFT JOIN eks_instance AS i ON i.instance_id = o.instance_id
  WHERE o.instance_id IS NOT NULL
) AS n
WHERE instance IS NOT NULL
GROUP BY workload, instance
"""

_HELD = """
SELECT 'private_ip' AS holds_kind, a.address AS holds, coalesce(c.vpc_id, 'cluster:' || a.cluster) AS network, a.workload,
  a.first_seen, a.last_seen, a.first_event, a.last_event
FROM eks_address AS a
LEFT JOIN eks_cluster AS c ON c.cluster = a.cluster
UNION ALL
SELECT 'instance' AS holds_kind, instance AS holds, workload AS network, workload, first_seen, last_seen, first_event,
  last_event
FROM eks_on
WHERE instances = 1
"""
"""`network` of an instance is the pod: several pods run on one, each for itself."""

_HOLD = f"""
CREATE OR REPLACE TEMP TABLE eks_hold AS
SELECT h.holds_kind, h.holds, h.network, h.workload, h.first_seen, h.last_seen, h.first_event, h.last_event,
  row_number() OVER (PARTITION BY h.workload, h.holds_kind, h.holds ORDER BY h.first_seen, h.first_event) = 1
    AND l.started_at IS NOT NULL
    AND h.first_seen BETWEEN l.started_at AND l.started_at + to_seconds({START}) AS opens
FROM ({_HELD}) AS h
LEFT JOIN (
  SELECT workload, min(started_at) AS started_at
  FROM eks_life
  GROUP BY workload
) AS l ON l.workload = h.workload
"""

_FACT = """
SELECT h.holds_kind, h.holds, h.network, h.workload, h.first_seen AS moment,
  CASE WHEN h.opens THEN 'open' ELSE 'seen' END AS what, h.first_event AS event_id
FROM eks_hold AS h
UNION ALL
SELECT h.holds_kind, h.holds, h.network, h.workload, h.last_seen AS moment, 'seen' AS what, h.last_event AS event_id
FROM eks_hold AS h
UNION ALL
SELECT h.holds_kind, h.holds, h.network, h.workload, l.ended_at AS moment, 'close' AS what, l.ended_event AS event_id
FROM (SELECT DISTINCT holds_kind, holds, network, workload FROM eks_hold) AS h
JOIN eks_life AS l ON l.workload = h.workload
WHERE l.ended_at IS NOT NULL
"""
"""An address goes to another pod 30 seconds after the last one gave it back at the earliest (VPC CNI's cool-down)."""

PREPARE = (_ON, _HOLD)
TEMPORARY = ("eks_on", "eks_hold")
FACTS = (_FACT,)
