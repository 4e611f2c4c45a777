"""Step Functions, App Runner and EMR: state machines and services by the role that they alone have; clusters."""

from forensics.arn import key
from forensics.each import each

_STATE_MACHINE = """
SELECT coalesce(c.answer->>'$.stateMachineArn', c.ask->>'$.stateMachineArn') AS workload,
  'states_state_machine' AS kind, 'states.amazonaws.com' AS service, c.ask->>'$.roleArn' AS role, c.moment,
  c.event_name = 'CreateStateMachine' AS is_made, c.event_id
FROM service_call AS c
WHERE c.event_source = 'states.amazonaws.com'
"""

_APP_RUNNER = """
SELECT coalesce(c.answer->>'$.service.serviceArn', c.ask->>'$.serviceArn') AS workload, 'apprunner_service' AS kind,
  'tasks.apprunner.amazonaws.com' AS service,
  coalesce(c.answer->>'$.service.instanceConfiguration.instanceRoleArn',
    c.ask->>'$.instanceConfiguration.instanceRoleArn') AS role,
  c.moment, c.event_name = 'CreateService' AS is_made, c.event_id
FROM service_call AS c
WHERE c.event_source = 'apprunner.amazonaws.com'
  AND c.event_name <> 'DeleteService'
"""
"""The instance role is the code's; the access role, by which App Runner fetches the image, is the service's own."""

USERS = (_STATE_MACHINE, _APP_RUNNER)
"""What has which role: `workload, kind, service, role, moment, is_made, event_id`."""

_CLUSTER = key("elasticmapreduce", "c.region", "c.account_id", "'cluster/' || c.cluster_id")

_CLUSTER_IDS = """CASE c.event_name WHEN 'RunJobFlow' THEN [c.answer->>'$.jobFlowId']
    ELSE json_extract_string(c.ask, '$.jobFlowIds[*]') END"""

_CLUSTERS = f"""
SELECT {_CLUSTER} AS workload, 'emr_cluster' AS kind, c.ask->>'$.name' AS name, c.ask->>'$.jobFlowRole' AS role,
  CAST(NULL AS VARCHAR) AS image, CAST(NULL AS VARCHAR) AS code_sha256, c.moment,
  CASE c.event_name WHEN 'RunJobFlow' THEN 'started' ELSE 'stopped' END AS phase
FROM {each("service_call AS c", _CLUSTER_IDS, "cluster_id")} AS c
WHERE c.event_source = 'elasticmapreduce.amazonaws.com'
  AND regexp_matches(c.cluster_id, '^j-[A-Z0-9]+$')
"""

_DELETED = """
SELECT coalesce(c.answer->>'$.service.serviceArn', c.ask->>'$.serviceArn') AS workload, 'apprunner_service' AS kind,
  CAST(NULL AS VARCHAR) AS name, CAST(NULL AS VARCHAR) AS role, CAST(NULL AS VARCHAR) AS image,
  CAST(NULL AS VARCHAR) AS code_sha256, c.moment, 'stopped' AS phase
FROM service_call AS c
WHERE c.event_source = 'apprunner.amazonaws.com'
  AND c.event_name = 'DeleteService'
"""

SIGHTINGS = (_CLUSTERS, _DELETED)

_INSTANCE = key("ec2", "c.aws_region", "c.account_id", "'instance/' || (c.item->>'$.instanceId')")
_NODE_CLUSTER = key("elasticmapreduce", "c.aws_region", "c.account_id", "'cluster/' || (c.tag->>'$.value')")

_RUN = each("workload_call AS c", "json_extract(c.answer, '$.instancesSet.items[*]')", "item")

DETAILS = f"""
SELECT {_INSTANCE} AS workload, 'emr_cluster' AS property, {_NODE_CLUSTER} AS value, c.moment, c.event_id
FROM {each(f"{_RUN} AS c", "json_extract(c.item, '$.tagSet.items[*]')", "tag")} AS c
WHERE c.event_name = 'RunInstances'
  AND c.tag->>'$.key' = 'aws:elasticmapreduce:job-flow-id'
  AND regexp_matches(c.tag->>'$.value', '^j-[A-Z0-9]+$')
"""
"""Instances of a cluster have keys of their own; only AWS writes tags that begin with `aws:`."""
