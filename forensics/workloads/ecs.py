"""ECS tasks on Fargate and EC2: to whom their keys were issued, and the kind of workload as a whole."""

from forensics import scanned
from forensics.arn import key
from forensics.workloads import WorkloadKind, ecs_cards, ecs_life, ecs_named
from forensics.workloads.ecs_named import TASK_ID, of_task

ISSUER = "ecs-tasks.amazonaws.com"
"""Who assumes task and execution roles; the session's name is the task's id (page "Task IAM role")."""

AGENT_CALLS = """(s.event_source IN ('ecr.amazonaws.com', 'api.ecr-public.amazonaws.com', 'ecr-public.amazonaws.com', 'logs.amazonaws.com')
    OR (s.event_source, s.event_name) IN (
      ('secretsmanager.amazonaws.com', 'GetSecretValue'), ('ssm.amazonaws.com', 'GetParameter'),
      ('ssm.amazonaws.com', 'GetParameters'), ('kms.amazonaws.com', 'Decrypt'), ('kms.amazonaws.com', 'GenerateDataKey'),
      ('s3.amazonaws.com', 'GetObject'), ('s3.amazonaws.com', 'GetBucketLocation')))"""
"""What ECS itself does with an execution role (page "Task execution IAM role"); containers may do the same."""

_OWN = scanned.one(
    "own_use",
    "cloudtrail",
    f"""
SELECT DISTINCT s.user_identity_access_key_id AS access_key_id
FROM {{rows}} AS s
WHERE s.user_identity_access_key_id <> ''
  AND coalesce(s.user_identity_invoked_by, '') = ''
  AND NOT {AGENT_CALLS}
""",
    "SELECT DISTINCT access_key_id\nFROM {kept}",
)
"""Keys with which calls were made that no agent makes."""

_ROLE = """CASE
    WHEN regexp_extract(c.role, '[^/]+$') = r.task_role_name THEN c.role
    WHEN r.task_role IS NOT NULL OR regexp_extract(c.role, '[^/]+$') = r.execution_role_name THEN NULL
    WHEN r.execution_role IS NOT NULL OR o.access_key_id IS NOT NULL THEN c.role
  END"""
"""The role, where it is the task's own: by its definition, as it is not the execution role, or by calls no agent makes."""

_PLACED = f"""
SELECT m.access_key_id, m.session_name AS task_id, m.role, m.account_id, m.event_id, m.moment,
  coalesce(
    min(CASE WHEN m.region <> 'us-east-1' THEN m.region END) OVER (PARTITION BY m.account_id, m.session_name),
    m.region) AS region
FROM key_mint AS m
WHERE m.service = '{ISSUER}'
  AND regexp_matches(m.session_name, '^(?:{TASK_ID})$')
"""
"""Keys that ECS had made for tasks. STS in us-east-1 serves other Regions too, so any other says more."""

_ONLY = """
SELECT account_id, task_id, min(workload) AS workload
FROM ecs_task
GROUP BY account_id, task_id
HAVING count(*) = 1
"""

_MINTED = f"""
SELECT p.access_key_id, p.task_id, p.account_id, p.role, p.event_id, p.moment,
  coalesce(t.workload, k.workload, {key("ecs", "p.region", "p.account_id", "'task/' || p.task_id")}) AS workload
FROM ({_PLACED}) AS p
LEFT JOIN ecs_task AS t ON t.account_id = p.account_id AND t.region = p.region AND t.task_id = p.task_id
LEFT JOIN ({_ONLY}) AS k ON k.account_id = p.account_id AND k.task_id = p.task_id
"""

_RECORDED = f"""
WITH told AS (
  SELECT access_key_id, workload, 'issuance by ECS' AS via, role, event_id, moment
  FROM ({_MINTED}) AS m
  UNION ALL
  SELECT s.access_key_id, t.workload, 'credentialsIssuedTo' AS via, s.role, s.event_id, s.moment
  FROM {of_task("ecs_scoped", "i")}
  JOIN key_session AS s ON s.issued_to = i.issued_to
)
SELECT c.access_key_id, c.workload, 'recorded' AS certainty, c.via, {_ROLE} AS role, c.event_id, c.moment
FROM told AS c
LEFT JOIN ecs_role AS r ON r.workload = c.workload
LEFT JOIN {_OWN.rows} AS o ON o.access_key_id = c.access_key_id
"""

_FOUND = f"""
SELECT f.access_key_id, t.workload, 'recorded' AS certainty, 'resource of a finding' AS via, NULL AS role, f.event_id,
  f.last_seen AS moment
FROM {of_task("ecs_found", "f")}
WHERE f.access_key_id <> ''
"""

_NAMED_ALIKE = f"""
WITH task AS (
  SELECT account_id, task_id, workload FROM ecs_task
  UNION
  SELECT account_id, task_id, workload FROM ({_MINTED}) AS m
), known AS (
  SELECT account_id, task_id, min(workload) AS workload
  FROM task
  GROUP BY account_id, task_id
  HAVING count(*) = 1
)
SELECT u.access_key_id, k.workload, 'inferred' AS certainty, 'session name' AS via, NULL AS role, u.event_id, u.moment
FROM key_unminted AS u
JOIN known AS k ON k.task_id = u.session_name AND k.account_id = u.account_id
LEFT JOIN ecs_life AS l ON l.workload = k.workload
LEFT JOIN ecs_role AS r ON r.workload = k.workload
WHERE regexp_matches(u.session_name, '^(?:{TASK_ID})$')
  AND u.delivery IS NULL
  AND (l.created_at IS NULL OR l.created_at <= u.moment)
  AND (r.definition IS NULL OR regexp_extract(u.role, '[^/]+$') IN (r.task_role_name, r.execution_role_name))
"""
"""A session that is named like a task, whose issuance nothing shows: not if it was used before the task was made, and
not if its role is none of the task's definition."""

KIND = WorkloadKind(
    name="ecs_task",
    scans=(*ecs_named.SCANS, *ecs_cards.SCANS, _OWN),
    traces=f"{ecs_named.TRACES}UNION ALL\nSELECT 1 FROM mint_call WHERE invoked_by = '{ISSUER}'",
    prepare=(*ecs_named.PREPARE, *ecs_life.PREPARE, *ecs_cards.PREPARE),
    temporary=(*ecs_named.TEMPORARY, *ecs_life.TEMPORARY, *ecs_cards.TEMPORARY),
    sightings=(*ecs_life.SIGHTINGS, ecs_cards.HOSTS),
    details=ecs_life.DETAILS,
    containers=ecs_life.CONTAINERS,
    claims=(_RECORDED, _FOUND, _NAMED_ALIKE),
    facts=ecs_cards.FACTS,
    addresses=ecs_cards.ADDRESSES,
)
