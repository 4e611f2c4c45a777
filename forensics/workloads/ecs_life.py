"""What ECS tasks were: when they ran, from which definition and image, with which roles, and the containers within."""

from forensics.each import each
from forensics.workloads.ecs_named import of_task

_FOUND_START = """CASE
    WHEN TRY_CAST(f.task->>'$.startedAt' AS DOUBLE) BETWEEN 1e9 AND 4e9
      THEN make_timestamp(CAST(TRY_CAST(f.task->>'$.startedAt' AS DOUBLE) * 1000000 AS BIGINT))
    ELSE TRY_CAST(f.task->>'$.startedAt' AS TIMESTAMP) END"""
"""GuardDuty's `startedAt` of a task: seconds since 1970 in its exports, text elsewhere."""

_DEFINITION = """
CREATE OR REPLACE TEMP TABLE ecs_definition AS
WITH told AS (
  SELECT coalesce(answer->>'$.taskDefinition.taskDefinitionArn', '') AS definition, event_id, moment,
    coalesce(answer->>'$.taskDefinition.taskRoleArn', ask->>'$.taskRoleArn') AS task_role,
    coalesce(answer->>'$.taskDefinition.executionRoleArn', ask->>'$.executionRoleArn') AS execution_role,
    coalesce(answer->>'$.taskDefinition.networkMode', ask->>'$.networkMode') AS network_mode,
    coalesce(answer->>'$.taskDefinition.pidMode', ask->>'$.pidMode') AS pid_mode,
    coalesce(answer->>'$.taskDefinition.ipcMode', ask->>'$.ipcMode') AS ipc_mode,
    coalesce(ask->>'$.containerDefinitions[0].image',
      answer->>'$.taskDefinition.containerDefinitions[0].image') AS image,
    list_contains(json_extract_string(ask, '$.containerDefinitions[*].privileged'), 'true') AS privileged,
    json_extract_string(ask, '$.volumes[*].host.sourcePath') AS host_paths
  FROM ecs_call
  WHERE event_name = 'RegisterTaskDefinition'
  UNION ALL
  SELECT coalesce(s.arn, s.resource_id) AS definition, s.object_id || '/' || s.record AS event_id,
    s.configuration_item_capture_time AS moment,
    coalesce(s.configuration->>'$.TaskRoleArn', s.configuration->>'$.taskRoleArn') AS task_role,
    coalesce(s.configuration->>'$.ExecutionRoleArn', s.configuration->>'$.executionRoleArn') AS execution_role,
    coalesce(s.configuration->>'$.NetworkMode', s.configuration->>'$.networkMode') AS network_mode,
    coalesce(s.configuration->>'$.PidMode', s.configuration->>'$.pidMode') AS pid_mode,
    coalesce(s.configuration->>'$.IpcMode', s.configuration->>'$.ipcMode') AS ipc_mode,
    coalesce(s.configuration->>'$.ContainerDefinitions[0].Image',
      s.configuration->>'$.containerDefinitions[0].image') AS image,
    list_contains(list_concat(json_extract_string(s.configuration, '$.ContainerDefinitions[*].Privileged'),
      json_extract_string(s.configuration, '$.containerDefinitions[*].privileged')), 'true') AS privileged,
    list_concat(json_extract_string(s.configuration, '$.Volumes[*].Host.SourcePath'),
      json_extract_string(s.configuration, '$.volumes[*].host.sourcePath')) AS host_paths
  FROM resource_item AS s
  WHERE s.resource_type = 'AWS::ECS::TaskDefinition'
    AND s.configuration IS NOT NULL
)
SELECT definition, arg_min(event_id, (moment, event_id)) AS event_id, min(moment) AS moment,
  max(nullif(task_role, '')) AS task_role, max(nullif(execution_role, '')) AS execution_role,
  max(network_mode) AS network_mode, max(pid_mode) AS pid_mode, max(ipc_mode) AS ipc_mode, max(image) AS image,
  bool_or(privileged) AS privileged, max(host_paths) AS host_paths
FROM told
WHERE regexp_matches(definition, '^arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:task-definition/[A-Za-z0-9_-]+:[0-9]+$')
GROUP BY definition
"""
"""Task definitions; a revision never changes."""

_TRAIT = f"""
CREATE OR REPLACE TEMP TABLE ecs_trait AS
SELECT t.workload, s.task_definition_arn AS definition, s.overrides->>'$.taskRoleArn' AS task_role,
  s.overrides->>'$.executionRoleArn' AS execution_role
FROM {of_task("ecs_state", "s")}
UNION
SELECT t.workload, a.task_definition_arn AS definition,
  coalesce(a.item->>'$.overrides.taskRoleArn', a.ask->>'$.overrides.taskRoleArn') AS task_role,
  coalesce(a.item->>'$.overrides.executionRoleArn', a.ask->>'$.overrides.executionRoleArn') AS execution_role
FROM {of_task("ecs_answered", "a")}
UNION
SELECT t.workload, f.task_definition_arn AS definition, NULL AS task_role, NULL AS execution_role
FROM {of_task("ecs_found", "f")}
UNION
SELECT t.workload, f.task_definition_arn AS definition, NULL AS task_role, NULL AS execution_role
FROM {of_task("ecs_flow", "f")}
"""

_ROLE = """
CREATE OR REPLACE TEMP TABLE ecs_role AS
WITH told AS (
  SELECT workload, CASE WHEN count(DISTINCT definition) = 1 THEN min(definition) END AS definition,
    min(nullif(task_role, '')) AS task_role, min(nullif(execution_role, '')) AS execution_role
  FROM ecs_trait
  GROUP BY workload
)
SELECT t.workload, d.definition, d.moment, d.event_id, d.image, coalesce(t.task_role, d.task_role) AS task_role,
  coalesce(t.execution_role, d.execution_role) AS execution_role,
  regexp_extract(coalesce(t.task_role, d.task_role), '[^/]+$') AS task_role_name,
  regexp_extract(coalesce(t.execution_role, d.execution_role), '[^/]+$') AS execution_role_name
FROM told AS t
LEFT JOIN ecs_definition AS d ON d.definition = t.definition
"""
"""Roles of a task: those that whoever started it put in their place, else those of its definition, by ARN or name.

`definition` is NULL where its registration is not in evidence."""

_LIFE = f"""
CREATE OR REPLACE TEMP TABLE ecs_life AS
WITH state AS (
  SELECT t.workload, min(s.created_at) AS created_at, min(s.started_at) AS started_at,
    min(least(s.execution_stopped_at, s.stopped_at)) AS stopped_at,
    min(least(s.stopped_at, CASE WHEN s.last_status IN ('DEPROVISIONING', 'STOPPED') THEN s.moment END)) AS gone_at,
    min(least(s.stopped_at, CASE WHEN s.last_status = 'STOPPED' THEN s.moment END)) AS left_at,
    arg_min(s.event_id, (least(s.stopped_at, s.moment), s.event_id))
      FILTER (s.stopped_at IS NOT NULL OR s.last_status = 'STOPPED') AS left_event,
    arg_min(s.event_id, (s.started_at, s.moment, s.event_id)) FILTER (s.started_at IS NOT NULL) AS started_event,
    arg_min(s.event_id, (least(s.execution_stopped_at, s.stopped_at), s.moment, s.event_id))
      FILTER (coalesce(s.execution_stopped_at, s.stopped_at) IS NOT NULL) AS stopped_event,
    arg_min(s.event_id, (least(s.stopped_at, s.moment), s.event_id))
      FILTER (s.stopped_at IS NOT NULL OR s.last_status IN ('DEPROVISIONING', 'STOPPED')) AS gone_event,
    arg_max(s.containers->>'$[0].image', (s.state_version, s.moment, s.event_id))
      FILTER (s.containers->>'$[0].image' <> '') AS image,
    min(s.launch_type) AS launch_type
  FROM {of_task("ecs_state", "s")}
  GROUP BY t.workload
), asked AS (
  SELECT t.workload,
    min(CASE WHEN a.event_name = 'SubmitTaskStateChange' AND a.ask->>'$.status' = 'RUNNING' THEN a.moment END)
      AS started_at,
    min(CASE WHEN a.event_name = 'SubmitTaskStateChange' AND a.ask->>'$.status' = 'STOPPED' THEN a.moment END)
      AS stopped_at,
    arg_min(a.event_id, (a.moment, a.event_id))
      FILTER (a.event_name = 'SubmitTaskStateChange' AND a.ask->>'$.status' = 'RUNNING') AS started_event,
    arg_min(a.event_id, (a.moment, a.event_id))
      FILTER (a.event_name = 'SubmitTaskStateChange' AND a.ask->>'$.status' = 'STOPPED') AS stopped_event,
    arg_min(a.item->>'$.containers[0].image', (a.moment, a.event_id)) AS image,
    min(coalesce(a.item->>'$.launchType',
      CASE WHEN a.event_name = 'RunTask' THEN a.ask->>'$.launchType' END)) AS launch_type
  FROM {of_task("ecs_answered", "a")}
  GROUP BY t.workload
), found AS (
  SELECT t.workload, min(f.containers->>'$[0].image') AS image, min(f.task->>'$.launchType') AS launch_type,
    min({_FOUND_START}) AS started_at, min(f.event_id) FILTER ({_FOUND_START} IS NOT NULL) AS started_event
  FROM {of_task("ecs_found", "f")}
  GROUP BY t.workload
), logged AS (
  SELECT t.workload, CASE WHEN count(DISTINCT l.container_image) = 1 THEN min(l.container_image) END AS image
  FROM {of_task("ecs_logged", "l")}
  WHERE l.cluster IS NOT DISTINCT FROM t.cluster
  GROUP BY t.workload
)
SELECT t.workload, s.created_at, coalesce(s.started_at, f.started_at, a.started_at) AS started_at,
  CASE WHEN s.started_at IS NOT NULL THEN s.started_event WHEN f.started_at IS NOT NULL THEN f.started_event
    ELSE a.started_event END AS started_event,
  coalesce(s.stopped_at, a.stopped_at) AS stopped_at,
  CASE WHEN s.stopped_at IS NULL THEN a.stopped_event ELSE s.stopped_event END AS stopped_event,
  coalesce(s.gone_at, s.stopped_at, a.stopped_at) AS gone_at,
  CASE WHEN s.gone_at IS NOT NULL THEN s.gone_event WHEN s.stopped_at IS NOT NULL THEN s.stopped_event
    ELSE a.stopped_event END AS gone_event,
  coalesce(s.left_at, s.gone_at, s.stopped_at, a.stopped_at) AS left_at,
  CASE WHEN s.left_at IS NOT NULL THEN s.left_event WHEN s.gone_at IS NOT NULL THEN s.gone_event
    WHEN s.stopped_at IS NOT NULL THEN s.stopped_event ELSE a.stopped_event END AS left_event,
  coalesce(s.launch_type, a.launch_type, f.launch_type) AS launch_type,
  coalesce(s.image, a.image, r.image, f.image, l.image) AS image, r.task_role, r.moment AS registered_at
FROM ecs_task AS t
LEFT JOIN state AS s ON s.workload = t.workload
LEFT JOIN asked AS a ON a.workload = t.workload
LEFT JOIN found AS f ON f.workload = t.workload
LEFT JOIN logged AS l ON l.workload = t.workload
LEFT JOIN ecs_role AS r ON r.workload = t.workload
"""
"""A row per task. It stopped when its last container did (`executionStoppedAt`), at the latest when AWS says that it
was gone (`stoppedAt`); after `stoppingAt` its containers may go on for minutes. What it held, it held until `gone_at`:
the first sight of the states DEPROVISIONING or STOPPED; or, where it is in evidence that the thing itself ended
between the two, until then, at the latest until `left_at`: STOPPED. What its host told ECS counts where no event of ECS is there."""

PREPARE = (_DEFINITION, _TRAIT, _ROLE, _LIFE)
TEMPORARY = ("ecs_definition", "ecs_trait", "ecs_role", "ecs_life")

_TASK = """
SELECT workload, 'ecs_task' AS kind, NULL AS name, CASE WHEN task_role LIKE 'arn:%' THEN task_role END AS role, image,
  NULL AS code_sha256, coalesce(started_at, registered_at, created_at) AS moment, 'configured' AS phase
FROM ecs_life
"""

_PHASE = """
SELECT workload, 'ecs_task' AS kind, NULL AS name, NULL AS role, NULL AS image, NULL AS code_sha256,
  {moment} AS moment, '{phase}' AS phase
FROM ecs_life
WHERE {moment} IS NOT NULL
"""

SIGHTINGS = (
    _TASK,
    _PHASE.format(moment="started_at", phase="started"),
    _PHASE.format(moment="stopped_at", phase="stopped"),
)

_STATE_PROPERTIES = """[
    {'property': 'task_definition', 'value': s.task_definition_arn},
    {'property': 'cluster', 'value': s.cluster_arn},
    {'property': 'launch_type', 'value': s.launch_type},
    {'property': 'capacity_provider', 'value': s.capacity_provider_name},
    {'property': 'group', 'value': s.task_group},
    {'property': 'service', 'value': nullif(regexp_extract(s.task_group, '^service:(.+)$', 1), '')},
    {'property': 'started_by', 'value': s.started_by},
    {'property': 'container_instance', 'value': s.container_instance_arn},
    {'property': 'execute_command_enabled', 'value': CAST(s.enable_execute_command AS VARCHAR)},
    {'property': 'stop_code', 'value': s.stop_code},
    {'property': 'stopped_reason', 'value': s.stopped_reason},
    {'property': 'availability_zone', 'value': s.availability_zone},
    {'property': 'platform_version', 'value': s.platform_version},
    {'property': 'created_at', 'value': CAST(s.created_at AS VARCHAR)}
  ]"""

_STATE_DETAIL = f"""
SELECT t.workload, s.p.property, s.p.value, s.moment, s.event_id
FROM {of_task(each("ecs_state AS s", _STATE_PROPERTIES, "p"), "s")}
"""

_CALL_PROPERTIES = """CASE a.event_name
    WHEN 'ExecuteCommand' THEN [{'property': 'command_executed_by', 'value': a.principal}]
    WHEN 'StopTask' THEN [{'property': 'stop_requested_by', 'value': a.principal},
      {'property': 'stopped_reason', 'value': a.ask->>'$.reason'}]
    WHEN 'SubmitTaskStateChange' THEN []
    ELSE [
      {'property': 'requested_by', 'value': a.principal},
      {'property': 'requested_with', 'value': a.access_key_id},
      {'property': 'task_definition', 'value': a.task_definition_arn},
      {'property': 'cluster', 'value': a.item->>'$.clusterArn'},
      {'property': 'launch_type', 'value': coalesce(a.item->>'$.launchType',
        CASE WHEN a.event_name = 'RunTask' THEN a.ask->>'$.launchType' END)},
      {'property': 'group', 'value': coalesce(a.item->>'$.group', a.ask->>'$.group')},
      {'property': 'started_by', 'value': coalesce(a.item->>'$.startedBy', a.ask->>'$.startedBy')},
      {'property': 'container_instance', 'value': a.item->>'$.containerInstanceArn'},
      {'property': 'execute_command_enabled',
        'value': coalesce(a.item->>'$.enableExecuteCommand', a.ask->>'$.enableExecuteCommand')},
      {'property': 'platform_version', 'value': a.item->>'$.platformVersion'}
    ] END"""

_CALL_DETAIL = f"""
SELECT t.workload, a.p.property, a.p.value, a.moment, a.event_id
FROM {of_task(each("ecs_answered AS a", _CALL_PROPERTIES, "p"), "a")}
"""

_FLOW_PROPERTIES = """[
    {'property': 'task_definition', 'value': f.task_definition_arn},
    {'property': 'service', 'value': f.service},
    {'property': 'container_instance', 'value': f.container_instance_arn}
  ]"""

_FLOW_DETAIL = f"""
SELECT t.workload, f.p.property, f.p.value, f.first_seen AS moment, f.event_id
FROM {of_task(each("ecs_flow AS f", _FLOW_PROPERTIES, "p"), "f")}
"""

_FOUND_PROPERTIES = """[
    {'property': 'task_definition', 'value': f.task_definition_arn},
    {'property': 'launch_type', 'value': f.task->>'$.launchType'},
    {'property': 'group', 'value': f.task->>'$.group'},
    {'property': 'started_by', 'value': f.task->>'$.startedBy'}
  ]"""

_FOUND_DETAIL = f"""
SELECT t.workload, f.p.property, f.p.value, f.last_seen AS moment, f.event_id
FROM {of_task(each("ecs_found AS f", _FOUND_PROPERTIES, "p"), "f")}
"""

_DEFINED_DETAIL = """
SELECT d.workload, d.p.property, d.p.value, d.moment, d.event_id
FROM (
  SELECT r.workload, d.moment, d.event_id, unnest([
    {'property': 'task_role', 'value': r.task_role},
    {'property': 'execution_role', 'value': r.execution_role},
    {'property': 'network_mode', 'value': d.network_mode},
    {'property': 'pid_mode', 'value': d.pid_mode},
    {'property': 'ipc_mode', 'value': d.ipc_mode},
    {'property': 'privileged', 'value': CASE WHEN d.privileged THEN 'true' END},
    {'property': 'host_path', 'value': array_to_string(d.host_paths, ', ')}
  ]) AS p
  FROM ecs_role AS r
  JOIN ecs_definition AS d ON d.definition = r.definition
) AS d
"""

_INFERRED_ROLE = """
SELECT w.workload, 'role_inferred_from' AS property,
  CASE WHEN max(r.execution_role) IS NULL THEN 'calls that no agent of ECS makes'
    ELSE 'keys of a role that is not the execution role' END AS value,
  min(w.started_at) AS moment, min(k.evidence_event_ids[1]) AS event_id
FROM workload AS w
JOIN credential_workload AS k ON k.workload = w.workload
LEFT JOIN ecs_role AS r ON r.workload = w.workload
WHERE w.kind = 'ecs_task'
  AND w.role IS NOT NULL
  AND r.task_role IS NULL
GROUP BY w.workload
"""

DETAILS = (_STATE_DETAIL, _CALL_DETAIL, _FLOW_DETAIL, _FOUND_DETAIL, _DEFINED_DETAIL, _INFERRED_ROLE)

CONTAINERS = (
    f"""
WITH told AS (
  SELECT t.workload, s.held->>'$.name' AS name, s.held->>'$.image' AS image, s.held->>'$.imageDigest' AS image_digest,
    s.held->>'$.runtimeId' AS runtime_id, s.moment, s.event_id
  FROM {of_task(each("ecs_state AS s", "json_extract(s.containers, '$[*]')", "held"), "s")}
  UNION ALL
  SELECT t.workload, a.held->>'$.name' AS name, a.held->>'$.image' AS image, a.held->>'$.imageDigest' AS image_digest,
    a.held->>'$.runtimeId' AS runtime_id, a.moment, a.event_id
  FROM {of_task(each("ecs_answered AS a", "json_extract(a.item, '$.containers[*]')", "held"), "a")}
  UNION ALL
  SELECT t.workload, f.held->>'$.name' AS name, f.held->>'$.image' AS image, NULL AS image_digest,
    nullif(f.held->>'$.id', '') AS runtime_id, f.last_seen AS moment, f.event_id
  FROM {of_task(each("ecs_found AS f", "list_concat(json_extract(f.containers, '$[*]'), [f.container])", "held"), "f")}
  UNION ALL
  SELECT t.workload, l.container_name AS name, l.container_image AS image, l.container_image_digest AS image_digest,
    l.container_id AS runtime_id, l.first_seen AS moment, l.event_id
  FROM {of_task("ecs_logged", "l")}
  WHERE l.cluster IS NULL OR l.cluster = t.cluster
), judged AS (
  SELECT workload, name, image, image_digest, runtime_id, moment, event_id,
    runtime_id IS NOT NULL AND image_digest IS NOT NULL AS is_full, runtime_id IS NOT NULL AS is_known,
    bool_or(runtime_id IS NOT NULL AND image_digest IS NOT NULL) OVER (PARTITION BY workload, name) AS full_known,
    bool_or(runtime_id IS NOT NULL) OVER (PARTITION BY workload, name) AS known
  FROM told
)
SELECT workload, name, image, image_digest, runtime_id, moment, event_id
FROM judged
WHERE is_full
  OR (NOT full_known AND (is_known OR NOT known))
""",
)
"""Of each container the records that say most; before a task runs, ECS knows neither digest nor runtime id."""
