"""Where records name ECS tasks, and the one key that each task has: its ARN with the cluster, where any record says it."""

from forensics import scanned, telling
from forensics.arn import SAMPLE, partition
from forensics.each import each
from forensics.source import snake
from forensics.sources.cloudtrail import EVENT as CALL

TASK_ID = r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""A task's id: 32 hexadecimal digits, of old accounts a UUID (page "Account settings")."""

TASK = (
    r"^arn:[a-z-]+:ecs:([a-z0-9-]+):([0-9]{12}):task/"
    rf"(?:([A-Za-z0-9_-]+)/([0-9A-Za-z-]+)|({TASK_ID}))$"
)
"""A task's ARN: Region, account, cluster and id; in the old format the id alone."""

CLUSTER = r"^(?:arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:cluster/)?([A-Za-z0-9_-]+)$"

CALLS = (
    "RunTask",
    "StartTask",
    "StopTask",
    "ExecuteCommand",
    "SubmitTaskStateChange",
    "RegisterTaskDefinition",
    "RegisterContainerInstance",
)
"""Calls that name tasks, what they run and where; those of services that start tasks are not logged."""

CALLS_READ = f"""s.event_source = 'ecs.amazonaws.com'
  AND s.event_name IN ({", ".join(f"'{name}'" for name in CALLS)})"""

_CALL = f"""
CREATE OR REPLACE TEMP TABLE ecs_call AS
SELECT {CALL.columns["event_id"]} AS event_id, s.event_time AS moment, s.event_name,
  s.aws_region AS region, s.recipient_account_id AS account_id,
  s.request_parameters AS ask, s.response_elements AS answer,
  i.principal, nullif(s.user_identity_access_key_id, '') AS access_key_id
FROM {telling.TABLE} AS s
LEFT JOIN identity AS i ON i.identity_key = s.identity_key
WHERE {CALLS_READ}
  AND coalesce(s.error_code, '') = ''
  AND NOT EXISTS (
    SELECT 1 FROM superseded AS x
    WHERE x.source = 'cloudtrail' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)
"""


def _parts(arn: str, cluster: str, task_id: str = "NULL", place: tuple[str, str] = ("NULL", "NULL")) -> str:
    """SQL: `account_id`, `region`, `task_id`, `cluster` from a task's ARN, or from id, account and Region beside it."""
    account, region = place

    def part(number: int) -> str:
        return f"nullif(regexp_extract({arn}, '{TASK}', ['_1', '_2', '_3', '_4', '_5'])._{number}, '')"

    alone = f"CASE WHEN regexp_matches({task_id}, '^(?:{TASK_ID})$') THEN {task_id} END"
    return f"""coalesce({part(2)}, {account}) AS account_id, coalesce({part(1)}, {region}) AS region,
  coalesce({part(4)}, {part(5)}, {alone}) AS task_id,
  coalesce({part(3)}, nullif(regexp_extract({cluster}, '{CLUSTER}', 1), '')) AS cluster"""


_TIMES = ("createdAt", "pullStartedAt", "startedAt", "stoppingAt", "executionStoppedAt", "stoppedAt")


def _time(name: str) -> str:
    return f"try_cast(d.task->>'$.{name}' AS TIMESTAMP) AS {snake(name)}"


STATES = {
    "ecs_event": f"""
SELECT {_parts("s.task_arn", "s.cluster_arn")},
  coalesce(nullif(s.id, ''), s.object_id || '/' || s.record) AS event_id, s.time AS moment, s.cluster_arn,
  s.state_version, s.last_status, s.created_at, s.pull_started_at, s.started_at, s.stopping_at,
  s.execution_stopped_at, s.stopped_at, s.task_definition_arn, s.container_instance_arn, s.task_group, s.launch_type,
  s.capacity_provider_name, s.availability_zone, s.stop_code, s.stopped_reason, s.started_by, s.enable_execute_command,
  s.detail->>'$.platformVersion' AS platform_version, s.containers, s.attachments, s.overrides,
  CAST(NULL AS TIMESTAMP) AS seen_at
FROM {{rows}} AS s
WHERE s.detail_type = 'ECS Task State Change'
  AND regexp_matches(s.task_arn, '{TASK}')
""",
    "inventory": f"""
SELECT {_parts("d.arn", "d.cluster_arn")}, d.object_id || '/' || d.record AS event_id, d.observed_at AS moment,
  d.cluster_arn, try_cast(d.task->>'$.version' AS BIGINT) AS state_version, d.task->>'$.lastStatus' AS last_status,
  {", ".join(_time(name) for name in _TIMES)},
  d.task->>'$.taskDefinitionArn' AS task_definition_arn, d.task->>'$.containerInstanceArn' AS container_instance_arn,
  d.task->>'$.group' AS task_group, d.task->>'$.launchType' AS launch_type,
  d.task->>'$.capacityProviderName' AS capacity_provider_name, d.task->>'$.availabilityZone' AS availability_zone,
  d.task->>'$.stopCode' AS stop_code, d.task->>'$.stoppedReason' AS stopped_reason,
  d.task->>'$.startedBy' AS started_by, try_cast(d.task->>'$.enableExecuteCommand' AS BOOLEAN) AS enable_execute_command,
  d.task->>'$.platformVersion' AS platform_version, d.task->'$.containers' AS containers,
  d.task->'$.attachments' AS attachments, d.task->'$.overrides' AS overrides,
  CASE WHEN d.task->>'$.lastStatus' = 'RUNNING' THEN d.observed_at END AS seen_at
FROM (
  SELECT s.object_id, s.record, s.observed_at, s.configuration AS task, s.configuration->>'$.taskArn' AS arn,
    s.configuration->>'$.clusterArn' AS cluster_arn
  FROM {{rows}} AS s
  WHERE s.api = 'ecs'
    AND s.operation = 'DescribeTasks'
    AND s.configuration IS NOT NULL
) AS d
WHERE regexp_matches(d.arn, '{TASK}')
""",
}
"""States of tasks, as events tell them and as DescribeTasks answers; `seen_at` is when one was asked that then ran."""

_STATE = "CREATE OR REPLACE TEMP TABLE ecs_state AS" + "UNION ALL".join(
    sql.replace("{rows}", source) for source, sql in STATES.items()
)

_ANSWERED = f"""
CREATE OR REPLACE TEMP TABLE ecs_answered AS
WITH named AS (
  SELECT c.event_id, c.moment, c.event_name, c.region, c.account_id, c.ask, c.principal, c.access_key_id, c.item,
    c.item->>'$.taskArn' AS arn, NULL AS id, coalesce(c.item->>'$.clusterArn', c.ask->>'$.cluster', 'default') AS cluster
  FROM {each("ecs_call AS c", "json_extract(c.answer, '$.tasks[*]')", "item")} AS c
  WHERE c.event_name IN ('RunTask', 'StartTask')
  UNION ALL
  SELECT c.event_id, c.moment, c.event_name, c.region, c.account_id, c.ask, c.principal, c.access_key_id,
    json_extract(c.answer, '$.task') AS item,
    coalesce(c.answer->>'$.task.taskArn', c.answer->>'$.taskArn', c.ask->>'$.task') AS arn, c.ask->>'$.task' AS id,
    coalesce(c.answer->>'$.task.clusterArn', c.ask->>'$.cluster', 'default') AS cluster
  FROM ecs_call AS c
  WHERE c.event_name IN ('StopTask', 'ExecuteCommand', 'SubmitTaskStateChange')
)
SELECT {_parts("n.arn", "n.cluster", "n.id", ("n.account_id", "n.region"))},
  n.event_id, n.moment, n.event_name, n.ask, n.item, n.principal, n.access_key_id,
  coalesce(n.item->>'$.taskDefinitionArn', CASE
    WHEN n.event_name NOT IN ('RunTask', 'StartTask') THEN NULL
    WHEN regexp_matches(n.ask->>'$.taskDefinition', '^arn:.*:[0-9]+$') THEN n.ask->>'$.taskDefinition'
    WHEN regexp_matches(n.ask->>'$.taskDefinition', '^[A-Za-z0-9_-]+:[0-9]+$')
      THEN 'arn:' || {partition("n.region")} || ':ecs:' || n.region || ':' || n.account_id || ':task-definition/'
        || (n.ask->>'$.taskDefinition') END) AS task_definition_arn
FROM named AS n
WHERE regexp_matches(n.arn, '{TASK}')
  OR regexp_matches(n.id, '^(?:{TASK_ID})$')
"""
"""Tasks in answers of calls; where no cluster is named, it is the one called default."""

_TOLD = scanned.one(
    "flow_task",
    "vpc_flow",
    """
SELECT s.object_id, s.ecs_task_arn, s.ecs_task_id, s.interface_id, date_trunc('hour', s.start) AS hour,
    (s.flow_direction = 'egress' OR (s.flow_direction IS NULL AND s.instance_id IS NULL)) IS TRUE AS is_own,
    min(s.ecs_cluster_arn) AS cluster_arn, min(s.ecs_cluster_name) AS cluster_name, min(s.ecs_service_name) AS service,
    min(s.ecs_task_definition_arn) AS task_definition_arn, min(s.ecs_container_instance_arn) AS container_instance_arn,
    min(s.instance_id) AS instance_id, min(nullif(s.account_id, 'unknown')) AS account_id, min(s.region) AS region,
    min(s.start) AS first_seen, max(s."end") AS last_seen, min(s.record) AS record
  FROM {rows} AS s
  WHERE s.ecs_task_arn IS NOT NULL
    OR s.ecs_task_id IS NOT NULL
  GROUP BY s.object_id, s.ecs_task_arn, s.ecs_task_id, s.interface_id, hour, is_own
""",
)
"""Tasks that flow records name, by object and hour: an object is read once, so that nothing is to be merged."""

_FLOW = f"""
CREATE OR REPLACE TEMP TABLE ecs_flow AS
WITH placed AS (
  SELECT t.ecs_task_arn, t.ecs_task_id, t.hour, CASE WHEN t.is_own THEN t.interface_id END AS interface_id,
    coalesce(t.cluster_arn, t.cluster_name) AS cluster, t.service, t.task_definition_arn, t.container_instance_arn,
    t.instance_id,
    coalesce(nullif(split_part(t.cluster_arn, ':', 5), ''), t.account_id, e.account_id) AS account_id,
    coalesce(nullif(split_part(t.cluster_arn, ':', 4), ''), t.region, e.region) AS region,
    t.first_seen, t.last_seen, t.object_id || '/' || t.record AS event_id
  FROM {_TOLD.table} AS t
  LEFT JOIN evidence AS e ON e.object_id = t.object_id
), hourly AS (
  SELECT ecs_task_arn, ecs_task_id, interface_id, cluster, account_id, region, min(service) AS service,
    min(task_definition_arn) AS task_definition_arn, min(container_instance_arn) AS container_instance_arn,
    min(instance_id) AS instance_id, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
    arg_min(event_id, (first_seen, event_id)) AS event_id
  FROM placed
  GROUP BY ecs_task_arn, ecs_task_id, interface_id, cluster, account_id, region, hour
)
SELECT {_parts("h.ecs_task_arn", "h.cluster", "h.ecs_task_id", ("h.account_id", "h.region"))},
  h.interface_id, h.instance_id, h.container_instance_arn, h.service, h.task_definition_arn, h.first_seen, h.last_seen,
  h.event_id
FROM hourly AS h
WHERE regexp_matches(h.ecs_task_arn, '{TASK}')
  OR regexp_matches(h.ecs_task_id, '^(?:{TASK_ID})$')
"""
"""Tasks in flow records, by hour. Only what leaves an interface says that it is the task's."""

_FOUND = f"""
CREATE OR REPLACE TEMP TABLE ecs_found AS
SELECT {_parts("s.task_arn", "s.ecs_cluster_arn")},
  coalesce(nullif(s.id, ''), s.object_id || '/' || s.record) AS event_id,
  coalesce(s.event_first_seen, s.created_at, s.updated_at) AS first_seen,
  coalesce(s.updated_at, s.event_last_seen, s.created_at) AS last_seen,
  s.access_key_id, s.instance_id, s.task_definition_arn, s.task_containers AS containers,
  s.resource->'$.ecsClusterDetails.taskDetails' AS task, s.container_details AS container
FROM guardduty AS s
WHERE regexp_matches(s.task_arn, '{TASK}')
  AND NOT {SAMPLE}
"""

_LOGGED = f"""
CREATE OR REPLACE TEMP TABLE ecs_logged AS
WITH told AS (
  SELECT s.task_arn, s.task_id, s.cluster_name, s.owner, s.object_id, s.container_name, s.container_image,
    s.container_image_digest, s.container_id, s.ec2_instance_id,
    min(coalesce(s.time, s.timestamp)) AS first_seen, max(coalesce(s.time, s.timestamp)) AS last_seen,
    arg_min(s.object_id || '/' || s.record, (s.object_id, s.record)) AS event_id
  FROM container_log AS s
  WHERE s.pod_name IS NULL
    AND (s.task_arn IS NOT NULL OR s.task_id IS NOT NULL)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
)
SELECT {_parts("t.task_arn", "t.cluster_name", "t.task_id", ("coalesce(t.owner, e.account_id)", "e.region"))},
  t.container_name, t.container_image, t.container_image_digest, t.container_id, t.ec2_instance_id,
  t.first_seen, t.last_seen, t.event_id
FROM told AS t
LEFT JOIN evidence AS e ON e.object_id = t.object_id
WHERE regexp_matches(t.task_arn, '{TASK}')
  OR regexp_matches(t.task_id, '^(?:{TASK_ID})$')
"""

_AGENT = f"""
CREATE OR REPLACE TEMP TABLE ecs_fetched AS
SELECT {_parts("s.task_arn", "s.cluster_name")}, s.container_instance_arn,
  min(s.time) AS first_seen, max(s.time) AS last_seen,
  arg_min(s.object_id || '/' || s.record, (s.time, s.object_id, s.record)) AS event_id
FROM ecs_agent_log AS s
WHERE regexp_matches(s.task_arn, '{TASK}')
GROUP BY s.task_arn, s.cluster_name, s.container_instance_arn
"""

_SCOPED = f"""
CREATE OR REPLACE TEMP TABLE ecs_scoped AS
SELECT {_parts("t.issued_to", "NULL")}, t.issued_to
FROM (SELECT DISTINCT issued_to FROM kept.issued_to WHERE issued_to LIKE '%:task/%') AS t
WHERE regexp_matches(t.issued_to, '{TASK}')
"""

_KNOWN = "SELECT account_id, region, task_id, cluster, {trust} AS trust FROM {table}"

_TASK = f"""
CREATE OR REPLACE TEMP TABLE ecs_task AS
WITH named AS (
  {_KNOWN.format(table="ecs_state", trust=0)}
  UNION {_KNOWN.format(table="ecs_answered", trust="CASE WHEN item IS NULL THEN 1 ELSE 0 END")}
  UNION {_KNOWN.format(table="ecs_flow", trust=0)}
  UNION {_KNOWN.format(table="ecs_found", trust=0)}
  UNION {_KNOWN.format(table="ecs_scoped", trust=0)}
  UNION {_KNOWN.format(table="ecs_fetched", trust=1)}
  UNION {_KNOWN.format(table="ecs_logged", trust=1)} WHERE cluster IS NOT NULL
), counted AS (
  SELECT account_id, region, task_id,
    count(DISTINCT CASE WHEN trust = 0 THEN cluster END) AS of_aws,
    min(CASE WHEN trust = 0 THEN cluster END) AS by_aws,
    count(DISTINCT CASE WHEN trust = 1 THEN cluster END) AS of_others,
    min(CASE WHEN trust = 1 THEN cluster END) AS by_others
  FROM named
  WHERE account_id IS NOT NULL AND region IS NOT NULL AND task_id IS NOT NULL
  GROUP BY account_id, region, task_id
), settled AS (
  SELECT account_id, region, task_id,
    CASE WHEN of_aws = 1 THEN by_aws WHEN of_aws = 0 AND of_others = 1 THEN by_others END AS cluster
  FROM counted
)
SELECT account_id, region, task_id, cluster,
  'arn:' || {partition("region")} || ':ecs:' || region || ':' || account_id || ':task/'
    || coalesce(cluster || '/', '') || task_id AS workload
FROM settled
"""
"""Every task that a record names, with its key. AWS's word on its cluster goes before that of hosts and containers;
where its word is divided, the cluster is not known."""

_HOST = r"""
CREATE OR REPLACE TEMP TABLE ecs_host AS
WITH told AS (
  SELECT container_instance_arn AS arn, ec2_instance_id AS instance_id
  FROM ecs_event
  WHERE detail_type = 'ECS Container Instance State Change'
  UNION
  SELECT answer->>'$.containerInstance.containerInstanceArn' AS arn,
    coalesce(answer->>'$.containerInstance.ec2InstanceId',
      regexp_extract(ask->>'$.instanceIdentityDocument', '"instanceId"\s*:\s*"([^"]+)"', 1)) AS instance_id
  FROM ecs_call
  WHERE event_name = 'RegisterContainerInstance'
  UNION
  SELECT configuration->>'$.containerInstanceArn' AS arn, configuration->>'$.ec2InstanceId' AS instance_id
  FROM inventory
  WHERE api = 'ecs'
    AND operation = 'DescribeContainerInstances'
  UNION
  SELECT container_instance_arn AS arn, instance_id
  FROM ecs_flow
)
SELECT arn, split_part(arn, ':', 4) AS region, split_part(arn, ':', 5) AS account_id, min(instance_id) AS instance_id
FROM told
WHERE regexp_matches(arn, '^arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:container-instance/[A-Za-z0-9_/-]+$')
  AND regexp_matches(instance_id, '^i-[0-9a-f]{8,17}$')
GROUP BY arn
HAVING count(DISTINCT instance_id) = 1
"""
"""Which EC2 instance a container instance is."""

TRACES = f"""
SELECT 1 FROM ecs_event
UNION ALL
SELECT 1 FROM inventory WHERE api = 'ecs'
UNION ALL
SELECT 1 FROM {telling.TABLE} AS s WHERE {CALLS_READ}
UNION ALL
SELECT 1 FROM {_TOLD.table}
UNION ALL
SELECT 1 FROM guardduty WHERE task_arn IS NOT NULL
UNION ALL
SELECT 1 FROM container_log WHERE task_arn IS NOT NULL OR task_id IS NOT NULL
UNION ALL
SELECT 1 FROM ecs_agent_log
UNION ALL
SELECT 1 FROM kept.issued_to WHERE issued_to LIKE '%:task/%'
"""
"""Records that may name a task or a host of tasks."""

SCANS = (_TOLD,)
PREPARE = (_CALL, _STATE, _ANSWERED, _FLOW, _FOUND, _LOGGED, _AGENT, _SCOPED, _TASK, _HOST)
TEMPORARY = (
    "ecs_call",
    "ecs_state",
    "ecs_answered",
    "ecs_flow",
    "ecs_found",
    "ecs_logged",
    "ecs_fetched",
    "ecs_scoped",
    "ecs_task",
    "ecs_host",
)


def of_task(table: str, alias: str) -> str:
    """SQL: a table of namings joined with the keys of the tasks it names, as `t`."""
    return (
        f"{table} AS {alias} JOIN ecs_task AS t ON t.account_id = {alias}.account_id"
        f" AND t.region = {alias}.region AND t.task_id = {alias}.task_id"
    )
