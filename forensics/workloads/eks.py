"""EKS pods: where they are named, what they were, whose service account, and which tokens they used."""

from forensics import telling
from forensics.each import each
from forensics.workloads import WorkloadKind, eks_claims, eks_clusters, eks_mentions, eks_places, eks_pods
from forensics.workloads.eks_clusters import LABEL, SUBDOMAIN, shaped
from forensics.workloads.eks_mentions import SERVICE_ACCOUNT
from forensics.workloads.eks_pods import FAR_AHEAD

_REST = "NULL AS image, NULL AS code_sha256"

_SEEN = f"""
SELECT workload, 'eks_pod' AS kind, NULL AS name, NULL AS role, {_REST}, max(last_seen) AS moment, 'seen' AS phase
FROM eks_pod
GROUP BY workload
"""

_STARTED = f"""
SELECT workload, 'eks_pod' AS kind, NULL AS name, NULL AS role, {_REST}, started_at AS moment, 'started' AS phase
FROM eks_life
WHERE started_at IS NOT NULL
"""

_STOPPED = f"""
SELECT workload, 'eks_pod' AS kind, NULL AS name, NULL AS role, {_REST}, ended_at AS moment,
  CASE WHEN deleted THEN 'stopped' ELSE 'gone' END AS phase
FROM eks_life
WHERE ended_at IS NOT NULL
"""

_ASSOCIATED = f"""
SELECT l.workload, 'eks_pod' AS kind, NULL AS name, a.role, {_REST}, a.moment, 'configured' AS phase
FROM eks_association AS a
JOIN eks_life AS l ON l.cluster = a.cluster
  AND l.namespace = a.namespace
  AND l.service_account = a.service_account
  AND coalesce(l.account_id, a.account_id, '') = coalesce(a.account_id, l.account_id, '')
WHERE a.role IS NOT NULL
  AND a.event_name NOT LIKE 'Delete%'
  AND a.moment <= coalesce(l.ended_at, {FAR_AHEAD})
  AND coalesce(a.until, {FAR_AHEAD}) > coalesce(l.started_at, l.first_seen)
"""
"""The role of a pod's service account while the pod was there."""

_MINTED = f"""
SELECT workload, 'eks_pod' AS kind, NULL AS name, role, {_REST}, first_seen AS moment, 'configured' AS phase
FROM eks_pod
WHERE role IS NOT NULL
"""

_PROPERTIES = """[
  {'property': 'cluster', 'value': p.cluster}, {'property': 'namespace', 'value': p.namespace},
  {'property': 'pod_uid', 'value': p.uid}, {'property': 'node', 'value': p.node},
  {'property': 'service_account', 'value': p.service_account},
  {'property': 'host_network', 'value': CASE WHEN p.host_network THEN 'true' END}]"""

_DETAIL = f"""
SELECT p.workload, p.d.property, p.d.value, p.first_seen AS moment, p.first_event AS event_id
FROM {each("eks_pod AS p", _PROPERTIES, "d")} AS p
WHERE p.d.value IS NOT NULL
"""

_INSTANCE = """
SELECT workload, 'instance' AS property, instance AS value, first_seen AS moment, first_event AS event_id
FROM eks_on
UNION ALL
SELECT workload, 'instance' AS property, instance AS value, last_seen AS moment, last_event AS event_id
FROM eks_on
"""

_CONTAINER = """
WITH recorded AS (
  SELECT p.workload, r.spec, r.status, r.moment, r.event_id
  FROM eks_pod_record AS r
  JOIN eks_pod AS p ON p.first_event = r.event_id AND p.pod = r.pod
), named AS (
  SELECT workload, FALSE AS ran, moment, event_id,
    unnest(list_concat(json_extract(spec, '$.containers[*]'), json_extract(spec, '$.initContainers[*]'),
      json_extract(spec, '$.ephemeralContainers[*]'))) AS item
  FROM recorded
  UNION ALL
  SELECT workload, TRUE AS ran, moment, event_id,
    unnest(list_concat(json_extract(status, '$.containerStatuses[*]'), json_extract(status, '$.initContainerStatuses[*]'),
      json_extract(status, '$.ephemeralContainerStatuses[*]'))) AS item
  FROM recorded
)
SELECT workload, item->>'$.name' AS name, item->>'$.image' AS image,
  CASE WHEN ran THEN nullif(regexp_extract(item->>'$.imageID', 'sha256:[0-9a-f]{64}$'), '') END AS image_digest,
  CASE WHEN ran THEN nullif(regexp_extract(item->>'$.containerID', '^[a-z-]+://(.+)$', 1), '') END AS runtime_id,
  moment, event_id
FROM named
"""

_LOGGED = """
SELECT p.workload, s.name, s.image, s.image_digest, s.runtime_id, s.moment, s.event_id
FROM (
  SELECT cluster_name, namespace_name, pod_name, pod_id, container_name AS name, container_image AS image,
    nullif(regexp_extract(container_image_digest, 'sha256:[0-9a-f]{64}$'), '') AS image_digest,
    container_id AS runtime_id, g.sight.moment, g.sight.event_id
  FROM (SELECT g.*, unnest([{'moment': g.first_seen, 'event_id': g.first_event},
    {'moment': g.last_seen, 'event_id': g.last_event}]) AS sight
  FROM (
    SELECT cluster_name, namespace_name, pod_name, pod_id, container_name, container_image, container_image_digest,
      container_id, min(coalesce(time, "timestamp")) AS first_seen, max(coalesce(time, "timestamp")) AS last_seen,
      object_id || '/' || arg_min(record, (coalesce(time, "timestamp"), record)) AS first_event,
      object_id || '/' || arg_max(record, (coalesce(time, "timestamp"), record)) AS last_event
    FROM container_log
    WHERE pod_name IS NOT NULL
      AND cluster_name IS NOT NULL
    GROUP BY object_id, cluster_name, namespace_name, pod_name, pod_id, container_name, container_image,
      container_image_digest, container_id
  ) AS g) AS g
) AS s
JOIN (
  SELECT DISTINCT cluster, namespace, pod, uid, workload FROM eks_pod
) AS p ON p.cluster = s.cluster_name
  AND p.namespace = s.namespace_name
  AND p.pod = s.pod_name
  AND p.uid = s.pod_id
"""

_TOKEN = f"""
SELECT s.object_id || '/' || s.record AS event_id, s.object_id, s.record, s.cluster_name AS cluster, s.pod_name, s.pod_uid,
  {shaped(f"regexp_extract(s.username, '{SERVICE_ACCOUNT}', 1)", LABEL)} AS namespace
FROM eks_audit AS s
WHERE s.username LIKE 'system:serviceaccount:%'
  AND s.cluster_name IS NOT NULL
  AND regexp_matches(s.pod_name, '{SUBDOMAIN}')
"""

AUDIT_ISSUED = f"""
SELECT t.event_id AS event_id, 'issued_to' AS question, d.workload AS workload, 'recorded' AS certainty,
  'pod of the token' AS via, CAST(1 AS BIGINT) AS candidates, [t.event_id] AS evidence_event_ids,
  t.object_id, t.record
FROM ({_TOKEN}) AS t
JOIN workload_detail AS d ON d.property = 'pod_uid'
  AND d.value = t.pod_uid
  AND split_part(d.workload, '#', 1) = 'k8s:' || t.cluster || '/' || t.namespace || '/' || t.pod_name
UNION ALL
SELECT t.event_id AS event_id, 'issued_to' AS question, w.workload AS workload, 'recorded' AS certainty,
  'pod of the token' AS via, CAST(1 AS BIGINT) AS candidates, [t.event_id] AS evidence_event_ids,
  t.object_id, t.record
FROM ({_TOKEN}) AS t
JOIN (
  SELECT split_part(workload, '#', 1) AS place, min(workload) AS workload
  FROM workload
  WHERE kind = 'eks_pod'
  GROUP BY split_part(workload, '#', 1)
  HAVING count(*) = 1
) AS w ON w.place = 'k8s:' || t.cluster || '/' || t.namespace || '/' || t.pod_name
WHERE t.pod_uid IS NULL
"""
"""Which pod's token made a request to a cluster: the API server wrote it from the token itself."""

_PARTS = (eks_clusters, eks_mentions, eks_pods, eks_claims, eks_places)

_TRACES = f"""
SELECT 1 FROM eks_audit
UNION ALL
SELECT 1 FROM container_log WHERE pod_name IS NOT NULL
UNION ALL
SELECT 1 FROM guardduty WHERE kubernetes_workload_type = 'pods'
UNION ALL
SELECT 1 FROM {telling.TABLE} WHERE user_identity_invoked_by = '{eks_clusters.POD_ISSUER}'
"""
"""All else rests on these: they alone name pods."""

KIND = WorkloadKind(
    name="eks_pod",
    traces=_TRACES,
    prepare=tuple(statement for part in _PARTS for statement in part.PREPARE),
    temporary=tuple(table for part in _PARTS for table in part.TEMPORARY),
    sightings=(_SEEN, _STARTED, _STOPPED, _ASSOCIATED, _MINTED),
    details=(_DETAIL, _INSTANCE),
    containers=(_CONTAINER, _LOGGED),
    claims=eks_claims.CLAIMS,
    facts=eks_places.FACTS,
)
