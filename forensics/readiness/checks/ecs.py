"""ECS: what containers write, what happened to tasks, what the cluster measures."""

from forensics.readiness.check import RETENTION, Check
from forensics.readiness.latest import retained

_CONTAINERS = f"""
SELECT k.account_id, k.region, k.task_definition || '/' || k.container AS thing,
  CASE WHEN k.driver IS NULL THEN 'off' ELSE 'on' END AS state, k.driver AS scope,
  coalesce(k.log_group, k.driver) AS destination, g.retention, g.encryption,
  [CASE WHEN k.driver IS NULL THEN 'no_driver' END, {retained("g.days", "g.log_group IS NOT NULL")}] AS warnings,
  [k.event_id, g.event_id] AS evidence
FROM (
  SELECT d.account_id, d.region, (d.said->>'family') || ':' || (d.said->>'revision') AS task_definition,
    (u.container->>'name') AS container, (u.container->'logConfiguration'->>'logDriver') AS driver,
    (u.container->'logConfiguration'->'options'->>'awslogs-group') AS log_group, max(d.event_id) AS event_id
  FROM (
    SELECT a.account_id, a.region, coalesce(a.c->'taskDefinition', a.c) AS said, a.event_id
    FROM answer AS a
    WHERE a.api = 'ecs' AND a.operation = 'DescribeTaskDefinition' AND a.c IS NOT NULL
  ) AS d, unnest(from_json(d.said->'containerDefinitions', '["JSON"]')) AS u(container)
  WHERE coalesce(d.said->>'status', 'ACTIVE') = 'ACTIVE'
  GROUP BY d.account_id, d.region, (d.said->>'family') || ':' || (d.said->>'revision'), (u.container->>'name'),
    (u.container->'logConfiguration'->>'logDriver'), (u.container->'logConfiguration'->'options'->>'awslogs-group')
) AS k
LEFT JOIN log_group AS g ON g.account_id = k.account_id AND g.region = k.region AND g.log_group = k.log_group
"""

_CLUSTERS = """,
cluster AS (
  SELECT a.account_id, a.region, (a.c->>'clusterName') AS cluster, max(CAST(a.c->'settings' AS VARCHAR)) AS settings,
    max(a.event_id) AS event_id
  FROM answer AS a
  WHERE a.api = 'ecs' AND a.operation = 'DescribeClusters' AND (a.c->>'clusterName') IS NOT NULL
  GROUP BY a.account_id, a.region, (a.c->>'clusterName')
)"""

_EVENTS = f"""{_CLUSTERS},
rule AS (
  SELECT a.account_id, a.region, (a.c->>'Name') AS rule, max(a.event_id) AS event_id
  FROM answer AS a
  WHERE a.api = 'events' AND a.operation = 'ListRules' AND (a.c->>'State') LIKE 'ENABLED%'
    AND (a.c->>'EventPattern') LIKE '%"aws.ecs"%'
  GROUP BY a.account_id, a.region, (a.c->>'Name')
),
target AS (
  SELECT a.account_id, a.region, (a.parameters->>'Rule') AS rule, (a.c->>'Arn') AS target, a.event_id
  FROM answer AS a
  WHERE a.api = 'events' AND a.operation = 'ListTargetsByRule' AND (a.c->>'Arn') IS NOT NULL
)
SELECT k.account_id, k.region, k.cluster AS thing,
  CASE WHEN count(t.target) > 0 THEN 'on' WHEN max(s.api) IS NULL OR count(r.rule) > 0 AND max(d.api) IS NULL THEN NULL
    ELSE 'off' END AS state,
  string_agg(DISTINCT t.target, ', ' ORDER BY t.target) AS destination,
  [k.event_id, max(r.event_id), max(t.event_id)] AS evidence
FROM cluster AS k
LEFT JOIN rule AS r ON r.account_id = k.account_id AND r.region = k.region
LEFT JOIN target AS t ON t.account_id = r.account_id AND t.region = r.region AND t.rule = r.rule
LEFT JOIN answered AS s ON s.api = 'events' AND s.operation = 'ListRules' AND s.account_id = k.account_id
  AND s.region = k.region
LEFT JOIN answered AS d ON d.api = 'events' AND d.operation = 'ListTargetsByRule' AND d.account_id = k.account_id
  AND d.region = k.region
GROUP BY k.account_id, k.region, k.cluster, k.event_id
"""

_INSIGHTS = f"""{_CLUSTERS}
SELECT k.account_id, k.region, k.cluster AS thing,
  CASE WHEN k.settings IS NULL OR k.settings = '[]' THEN NULL
    WHEN k.settings LIKE '%"containerInsights"%"enhanced"%' OR k.settings LIKE '%"containerInsights"%"enabled"%' THEN 'on'
    ELSE 'off' END AS state,
  '/aws/ecs/containerinsights/' || k.cluster || '/performance' AS destination, g.retention, g.encryption,
  [{retained("g.days", "g.log_group IS NOT NULL")}] AS warnings, [k.event_id, g.event_id] AS evidence
FROM cluster AS k
LEFT JOIN log_group AS g ON g.account_id = k.account_id AND g.region = k.region
  AND g.log_group = '/aws/ecs/containerinsights/' || k.cluster || '/performance'
"""

_LIST = ("ecs", "ListClusters")
_CLUSTER_CALL = ("ecs", "DescribeClusters")

CHECKS = (
    Check(
        "container_log",
        "ECS container logs",
        "Send Amazon ECS logs to CloudWatch",
        "what ran in a container that is gone",
        (_LIST, ("ecs", "DescribeTaskDefinition")),
        _CONTAINERS,
        delay="seconds",
        cost="per GB ingested, then per GB stored",
        kind="container_log",
        warnings={"no_driver": "no log driver: what the container writes is lost with it"} | RETENTION,
    ),
    Check(
        "ecs_event",
        "ECS task events",
        "Amazon ECS events",
        "which task held which address and role, and when it started and stopped: a stopped task is described for an hour",
        (_LIST, _CLUSTER_CALL, ("events", "ListRules"), ("events", "ListTargetsByRule")),
        _EVENTS,
        delay="seconds",
        cost="events of AWS services are free; the log group per GB",
        kind="ecs_event",
    ),
    Check(
        "container_insights",
        "ECS Container Insights",
        "Monitor Amazon ECS containers using Container Insights with enhanced observability",
        "processor and network use per task: mining and uploads show",
        (_LIST, _CLUSTER_CALL),
        _INSIGHTS,
        delay="a minute",
        cost="per metric and per GB",
        warnings=RETENTION,
    ),
)
