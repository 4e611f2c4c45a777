"""Every mention of a pod: in audit logs, container logs, findings and what STS handed out, in one shape."""

from forensics.arn import SAMPLE
from forensics.each import each
from forensics.workloads.eks_clusters import AUDIT_ACCOUNT, CLUSTER_NAME, INSTANCE_ID, LABEL, SUBDOMAIN, UID, shaped

GRACE = 30
"""Seconds that a pod has to end after it was deleted, where the request names no others (page "Pod Lifecycle")."""
LONGEST_GRACE = 86400
ADDRESS = r"^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:]*)$"
SERVICE_ACCOUNT = "^system:serviceaccount:([^:]+):([^:]+)$"
"""The Kubernetes user of a token: namespace and service account."""
FARGATE = "fargate-"
"""How names of nodes on Fargate begin; each is one pod's, and its address the pod's."""
CHANGES = "('create', 'update', 'patch', 'delete')"

_COMPLETE = """s.cluster_name IS NOT NULL
    AND s.object_resource = 'pods'
    AND coalesce(s.object_api_group, '') = ''
    AND NOT coalesce(regexp_matches(s.request_uri, '[?&]dryRun='), FALSE)
    AND (s.request_object->>'$.dryRun') IS NULL"""

_RECORD = f"""
CREATE OR REPLACE TEMP TABLE eks_pod_record AS
WITH request AS (
  SELECT s.cluster_name AS cluster, s.object_namespace AS namespace, s.object_name AS name, s.verb,
    s.object_subresource AS part, {AUDIT_ACCOUNT} AS account_id, e.region,
    coalesce(s.stage_timestamp, s.request_received_timestamp) AS moment, s.object_id || '/' || s.record AS event_id,
    CASE WHEN s.username LIKE 'system:node:%' THEN substring(s.username, 13) END AS kubelet,
    s.object_ref->>'$.uid' AS uid, s.request_object AS ask, s.response_object AS whole,
    CASE WHEN s.response_object->>'$.kind' = 'Pod' THEN s.response_object END AS answer
  FROM eks_audit AS s
  LEFT JOIN evidence AS e ON e.object_id = s.object_id
  WHERE {_COMPLETE}
    AND s.verb NOT IN ('list', 'watch', 'deletecollection')
    AND (s.response_code BETWEEN 200 AND 299 OR s.response_code = 101)
    AND (coalesce(s.stage, 'ResponseComplete') = 'ResponseComplete'
      OR s.stage = 'ResponseStarted' AND s.object_subresource IN ('exec', 'attach', 'portforward', 'log'))
), read AS (
  SELECT cluster, coalesce(namespace, answer->>'$.metadata.namespace') AS namespace,
    CASE WHEN verb = 'create' AND part IS NULL THEN coalesce(answer->>'$.metadata.name', name, ask->>'$.metadata.name')
      ELSE coalesce(name, answer->>'$.metadata.name') END AS pod,
    coalesce(uid, answer->>'$.metadata.uid',
      CASE WHEN verb <> 'create' OR part = 'binding' THEN ask->>'$.metadata.uid' END, ask->>'$.preconditions.uid',
      CASE WHEN whole->>'$.details.kind' = 'pods' THEN whole->>'$.details.uid' END) AS uid,
    account_id, region, moment, event_id, verb, part, kubelet, ask, answer,
    coalesce(answer->'$.status', CASE WHEN part = 'status' THEN ask->'$.status' END) AS status,
    coalesce(answer->'$.spec', CASE WHEN verb = 'create' AND part IS NULL THEN ask->'$.spec' END) AS spec
  FROM request
)
SELECT cluster, namespace, pod, uid, account_id, region, moment, event_id,
  CASE
    WHEN verb = 'create' AND part IS NULL THEN 'created'
    WHEN verb = 'create' AND part = 'binding' THEN 'bound'
    WHEN verb = 'create' AND part = 'eviction' THEN 'evicted'
    WHEN verb = 'delete' AND part IS NULL THEN CASE WHEN kubelet IS NOT NULL THEN 'ended' ELSE 'deleting' END
    WHEN kubelet IS NOT NULL AND status->>'$.phase' IN ('Succeeded', 'Failed') THEN 'ended'
    ELSE 'named'
  END AS what,
  coalesce(spec->>'$.nodeName', CASE WHEN part = 'binding' THEN ask->>'$.target.name' END,
    CASE WHEN verb IN {CHANGES} AND coalesce(part, 'status') = 'status' THEN kubelet END) AS node,
  spec->>'$.serviceAccountName' AS service_account,
  CASE WHEN kubelet IS NOT NULL THEN status->>'$.podIP' END AS pod_ip,
  status->>'$.hostIP' AS host_ip,
  coalesce(spec->>'$.hostNetwork' = 'true', FALSE) AS host_network,
  CASE WHEN kubelet IS NOT NULL THEN try_cast(status->>'$.startTime' AS TIMESTAMP) END AS started_at,
  CASE WHEN kubelet IS NOT NULL THEN (
    SELECT min(try_cast(u.started AS TIMESTAMP))
    FROM unnest(json_extract_string(status, '$.containerStatuses[*].state.running.startedAt')) AS u(started)
  ) END AS running_since,
  coalesce(
    CASE WHEN verb = 'delete' THEN try_cast(answer->>'$.metadata.deletionGracePeriodSeconds' AS BIGINT) END,
    CASE WHEN verb = 'delete' THEN try_cast(ask->>'$.gracePeriodSeconds' AS BIGINT) END,
    CASE WHEN part = 'eviction' THEN try_cast(ask->>'$.deleteOptions.gracePeriodSeconds' AS BIGINT) END,
    {GRACE}) AS grace,
  spec, status
FROM read
"""
"""What audit logs say of single pods, finished requests only: each counts once, whatever its stages.

Only a kubelet's word counts for addresses and times of a pod: others may write what they like into its status."""

_COLUMNS = (
    "cluster, namespace, pod, uid, account_id, region, what, first_seen, last_seen, first_event, last_event, node,"
    " service_account, pod_ip, host_ip, host_network, instance_id, started_at, running_since, grace, role"
)

_AUDITED = f"""
SELECT cluster, namespace, pod, uid, account_id, region, what, moment AS first_seen, moment AS last_seen,
  event_id AS first_event, event_id AS last_event, node, service_account, pod_ip, host_ip,
  host_network OR coalesce(pod_ip = host_ip AND NOT coalesce(starts_with(node, '{FARGATE}'), FALSE), FALSE) AS host_network, NULL AS instance_id,
  CASE WHEN started_at <= moment THEN started_at END AS started_at,
  CASE WHEN running_since <= moment THEN running_since END AS running_since,
  CASE WHEN grace BETWEEN 0 AND {LONGEST_GRACE} THEN grace ELSE {GRACE} END AS grace, NULL AS role
FROM eks_pod_record
"""

_COLLECTED = f"""
SELECT s.cluster_name AS cluster, coalesce(s.item->>'$.metadata.namespace', s.object_namespace) AS namespace,
  s.item->>'$.metadata.name' AS pod, s.item->>'$.metadata.uid' AS uid, {AUDIT_ACCOUNT} AS account_id, e.region,
  'evicted' AS what, s.stage_timestamp AS first_seen, s.stage_timestamp AS last_seen,
  s.object_id || '/' || s.record AS first_event, s.object_id || '/' || s.record AS last_event,
  s.item->>'$.spec.nodeName' AS node, s.item->>'$.spec.serviceAccountName' AS service_account, NULL AS pod_ip,
  NULL AS host_ip, FALSE AS host_network, NULL AS instance_id, NULL AS started_at, NULL AS running_since,
  {GRACE} AS grace, NULL AS role
FROM {each("eks_audit AS s", "json_extract(s.response_object, '$.items[*]')", "item")} AS s
LEFT JOIN evidence AS e ON e.object_id = s.object_id
WHERE {_COMPLETE}
  AND s.verb = 'deletecollection'
  AND s.stage = 'ResponseComplete'
  AND s.response_code BETWEEN 200 AND 299
"""
"""Pods that a request for several named in its answer."""

_USED = f"""
SELECT s.cluster, regexp_extract(s.username, '{SERVICE_ACCOUNT}', 1) AS namespace, s.pod_name AS pod, s.pod_uid AS uid,
  coalesce(s.owner, e.account_id) AS account_id, e.region, 'named' AS what, s.first_seen, s.last_seen, s.first_event,
  s.last_event, s.node, regexp_extract(s.username, '{SERVICE_ACCOUNT}', 2) AS service_account, NULL AS pod_ip,
  NULL AS host_ip, FALSE AS host_network, NULL AS instance_id, NULL AS started_at, NULL AS running_since,
  {GRACE} AS grace, NULL AS role
FROM (
  SELECT cluster_name AS cluster, username, pod_name, pod_uid, max(node_name) AS node, owner, object_id,
    min(stage_timestamp) AS first_seen, max(stage_timestamp) AS last_seen,
    object_id || '/' || arg_min(record, (stage_timestamp, record)) AS first_event,
    object_id || '/' || arg_max(record, (stage_timestamp, record)) AS last_event
  FROM eks_audit
  WHERE pod_name IS NOT NULL
    AND username LIKE 'system:serviceaccount:%'
  GROUP BY cluster_name, username, pod_name, pod_uid, owner, object_id, date_trunc('hour', stage_timestamp)
) AS s
LEFT JOIN evidence AS e ON e.object_id = s.object_id
"""
"""Pods whose tokens were used: the API server writes their names, of service accounts' tokens only."""

_LOGGED = f"""
SELECT s.cluster_name AS cluster, s.namespace_name AS namespace, s.pod_name AS pod, s.pod_id AS uid,
  s.owner AS account_id, NULL AS region, 'named' AS what, s.first_seen, s.last_seen, s.first_event, s.last_event,
  s.node_name AS node, NULL AS service_account, s.pod_ip, NULL AS host_ip, FALSE AS host_network,
  s.ec2_instance_id AS instance_id, NULL AS started_at, NULL AS running_since, {GRACE} AS grace, NULL AS role
FROM (
  SELECT cluster_name, namespace_name, pod_name, pod_id, owner, node_name, pod_ip, ec2_instance_id,
    min(coalesce(time, "timestamp")) AS first_seen, max(coalesce(time, "timestamp")) AS last_seen,
    object_id || '/' || arg_min(record, (coalesce(time, "timestamp"), record)) AS first_event,
    object_id || '/' || arg_max(record, (coalesce(time, "timestamp"), record)) AS last_event
  FROM container_log
  WHERE pod_name IS NOT NULL
    AND cluster_name IS NOT NULL
  GROUP BY object_id, cluster_name, namespace_name, pod_name, pod_id, owner, node_name, pod_ip, ec2_instance_id,
    date_trunc('hour', coalesce(time, "timestamp"))
) AS s
"""

_FOUND = f"""
SELECT s.eks_cluster_name AS cluster, s.kubernetes_namespace AS namespace, s.kubernetes_workload_name AS pod,
  s.kubernetes_workload_details->>'$.uid' AS uid, s.account_id, s.region, 'named' AS what,
  coalesce(s.event_first_seen, s.created_at, s.updated_at) AS first_seen,
  coalesce(s.event_last_seen, s.updated_at, s.created_at) AS last_seen, s.id AS first_event, s.id AS last_event,
  NULL AS node, s.kubernetes_service_account AS service_account, NULL AS pod_ip, NULL AS host_ip,
  coalesce(s.kubernetes_workload_details->>'$.hostNetwork' = 'true', FALSE) AS host_network, s.instance_id,
  NULL AS started_at, NULL AS running_since, {GRACE} AS grace, NULL AS role
FROM guardduty AS s
WHERE s.kubernetes_workload_type = 'pods'
  AND s.eks_cluster_name IS NOT NULL
  AND NOT {SAMPLE}
"""

_GIVEN = f"""
SELECT tag_cluster AS cluster, tag_namespace AS namespace, tag_pod AS pod, tag_uid AS uid, account_id, region,
  'named' AS what, moment AS first_seen, moment AS last_seen, event_id AS first_event, event_id AS last_event,
  NULL AS node, tag_service_account AS service_account, NULL AS pod_ip, NULL AS host_ip, FALSE AS host_network,
  NULL AS instance_id, NULL AS started_at, NULL AS running_since, {GRACE} AS grace, role
FROM eks_call
WHERE own
  AND tag_pod IS NOT NULL
"""

_MENTION = f"""
CREATE OR REPLACE TEMP TABLE eks_mention AS
SELECT m.cluster, m.namespace, m.pod, {shaped("m.uid", UID)} AS uid, {shaped("m.account_id", "^[0-9]{12}$")} AS account_id,
  m.region, m.what, m.first_seen, m.last_seen, m.first_event, m.last_event, {shaped("m.node", SUBDOMAIN)} AS node,
  {shaped("m.service_account", SUBDOMAIN)} AS service_account, {shaped("m.pod_ip", ADDRESS)} AS pod_ip,
  {shaped("m.host_ip", ADDRESS)} AS host_ip, m.host_network, {shaped("m.instance_id", f"^{INSTANCE_ID}$")} AS instance_id,
  m.started_at, m.running_since, m.grace, m.role, row_number() OVER () AS number
FROM (
{" UNION ALL ".join(f"(SELECT {_COLUMNS} FROM ({part}) AS p)" for part in (_AUDITED, _COLLECTED, _USED, _LOGGED, _FOUND, _GIVEN))}
) AS m
WHERE regexp_matches(m.cluster, '{CLUSTER_NAME}')
  AND regexp_matches(m.namespace, '{LABEL}')
  AND regexp_matches(m.pod, '{SUBDOMAIN}')
"""
"""Without a cluster, as of audit logs that lost their log group, a name is no pod's: it gives no row."""

PREPARE = (_RECORD, _MENTION)
TEMPORARY = ("eks_pod_record", "eks_mention")
