"""Pods told apart: one key each, when each began and ended, its service account, its address."""

from forensics.workloads.eks_mentions import FARGATE, GRACE

LONG_AGO = "TIMESTAMP '0001-01-01'"
FAR_AHEAD = "TIMESTAMP '9999-12-31'"

_UID = """
CREATE OR REPLACE TEMP TABLE eks_uid AS
WITH homed AS (
  SELECT m.cluster, m.namespace, m.pod, m.uid, m.first_seen, m.last_seen,
    CASE WHEN c.accounts > 1 THEN m.account_id ELSE '' END || '/' || CASE WHEN c.regions > 1 THEN m.region ELSE '' END AS home
  FROM eks_mention AS m
  LEFT JOIN eks_cluster AS c ON c.cluster = m.cluster
), single AS (
  SELECT cluster, namespace, pod, uid, min(home) AS home, min(first_seen) AS first_seen, max(last_seen) AS last_seen
  FROM homed
  WHERE uid IS NOT NULL
  GROUP BY cluster, namespace, pod, uid
)
SELECT cluster, namespace, pod, uid, home, first_seen, last_seen,
  'k8s:' || cluster || '/' || namespace || '/' || pod
    || CASE WHEN row_number() OVER (PARTITION BY cluster, namespace, pod ORDER BY first_seen NULLS LAST, uid) > 1
      THEN '#' || uid ELSE '' END AS workload,
  count(*) OVER (PARTITION BY cluster, namespace, pod, home) AS uids,
  lag(last_seen) OVER (PARTITION BY cluster, namespace, pod, home ORDER BY first_seen NULLS LAST, uid) AS last_before,
  lead(first_seen) OVER (PARTITION BY cluster, namespace, pod, home ORDER BY first_seen NULLS LAST, uid) AS first_after
FROM single
"""
"""Pods of which the uid is known; the first of a name has its plain key, a later one its uid behind it.

`home` tells clusters of one name apart, where several accounts or Regions have one; '/' where not."""

_POD = f"""
CREATE OR REPLACE TEMP TABLE eks_pod AS
WITH homed AS (
  SELECT m.*,
    CASE WHEN c.accounts > 1 THEN m.account_id ELSE '' END || '/' || CASE WHEN c.regions > 1 THEN m.region ELSE '' END AS home
  FROM eks_mention AS m
  LEFT JOIN eks_cluster AS c ON c.cluster = m.cluster
), nameless AS (
  SELECT h.number, count(u.uid) AS fitting, min(u.workload) AS workload, min(u.uid) AS uid
  FROM homed AS h
  JOIN eks_uid AS u ON u.cluster = h.cluster
    AND u.namespace = h.namespace
    AND u.pod = h.pod
    AND u.home = h.home
    AND (u.uids = 1
      OR u.first_seen <= h.first_seen AND h.last_seen <= u.last_seen
      OR h.what IN ('deleting', 'evicted', 'ended') AND u.last_seen < h.first_seen
        AND h.last_seen < coalesce(u.first_after, {FAR_AHEAD})
      OR h.what IN ('created', 'bound') AND h.last_seen < u.first_seen AND coalesce(u.last_before, {LONG_AGO}) < h.first_seen)
  WHERE h.uid IS NULL
  GROUP BY h.number
), known AS (
  SELECT DISTINCT cluster, namespace, pod, home FROM eks_uid
), named AS (
  SELECT DISTINCT cluster, namespace, pod FROM eks_uid
)
SELECT CASE
    WHEN u.workload IS NOT NULL THEN u.workload
    WHEN h.home IS NULL THEN NULL
    WHEN n.fitting = 1 THEN n.workload
    WHEN k.pod IS NULL AND a.pod IS NULL AND h.home = '/'
      THEN 'k8s:' || h.cluster || '/' || h.namespace || '/' || h.pod
  END AS workload,
  coalesce(u.uid, n.uid) AS own_uid, h.*
FROM homed AS h
LEFT JOIN eks_uid AS u ON u.cluster = h.cluster AND u.namespace = h.namespace AND u.pod = h.pod AND u.uid = h.uid
LEFT JOIN nameless AS n ON n.number = h.number
LEFT JOIN known AS k ON k.cluster = h.cluster AND k.namespace = h.namespace AND k.pod = h.pod AND k.home = h.home
LEFT JOIN named AS a ON a.cluster = h.cluster AND a.namespace = h.namespace AND a.pod = h.pod
"""
"""Every mention with the pod it is of. A name without a uid, where several pods bore it, is one's only if no other's
time fits; else it is nobody's."""

_LIFE = f"""
CREATE OR REPLACE TEMP TABLE eks_life AS
WITH step AS (
  SELECT workload, own_uid, what, first_seen AS moment, first_event AS event_id, grace,
    lag(what) OVER (PARTITION BY workload ORDER BY first_seen, what, first_event) AS what_before,
    lag(first_seen) OVER (PARTITION BY workload ORDER BY first_seen, what, first_event) AS moment_before
  FROM eks_pod
  WHERE what <> 'named'
    AND workload IS NOT NULL
    AND first_seen IS NOT NULL
), numbered AS (
  SELECT workload, what, moment, event_id, grace,
    sum(CASE WHEN what = 'created' AND own_uid IS NULL AND (what_before IN ('deleting', 'evicted', 'ended')
      OR moment_before < moment - INTERVAL 1 MINUTE) THEN 1 ELSE 0 END) OVER (PARTITION BY workload ORDER BY moment, what, event_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS number
  FROM step
), cycle AS (
  SELECT workload, number,
    min(moment) FILTER (what IN ('created', 'bound')) AS started_at,
    arg_min(event_id, (moment, event_id)) FILTER (what IN ('created', 'bound')) AS started_event,
    coalesce(min(moment) FILTER (what = 'ended'),
      min(moment + to_seconds(grace)) FILTER (what IN ('deleting', 'evicted'))) AS ended_at,
    coalesce(arg_min(event_id, (moment, event_id)) FILTER (what = 'ended'),
      arg_min(event_id, (moment, event_id)) FILTER (what IN ('deleting', 'evicted'))) AS ended_event,
    bool_or(what IN ('ended', 'deleting')) AS deleted
  FROM numbered
  GROUP BY workload, number
), whole AS (
  SELECT workload, min(cluster) AS cluster, min(namespace) AS namespace, min(home) AS home,
    min(account_id) AS account_id, min(region) AS region,
    CASE WHEN count(DISTINCT service_account) = 1 THEN min(service_account) END AS service_account,
    min(first_seen) AS first_seen, max(last_seen) AS last_seen,
    arg_min(first_event, (first_seen, first_event)) AS first_event, min(started_at) AS status_start, bool_or(host_network) AS host_network
  FROM eks_pod
  WHERE workload IS NOT NULL
  GROUP BY workload
), purge AS (
  SELECT w.workload, min(s.stage_timestamp) + to_seconds({GRACE}) AS ended_at,
    arg_min(s.object_id || '/' || s.record, (s.stage_timestamp, s.object_id, s.record)) AS ended_event
  FROM eks_audit AS s
  JOIN whole AS w ON w.cluster = s.cluster_name
    AND w.namespace = s.object_namespace
    AND w.home = '/'
    AND w.first_seen <= s.stage_timestamp
    AND w.last_seen <= s.stage_timestamp + to_seconds({GRACE})
  WHERE s.object_resource = 'pods'
    AND s.verb = 'deletecollection'
    AND s.stage = 'ResponseComplete'
    AND s.response_code BETWEEN 200 AND 299
    AND NOT regexp_matches(s.request_uri, '[?&](?:dryRun|labelSelector|fieldSelector)=')
    AND (s.request_object->>'$.dryRun') IS NULL
  GROUP BY w.workload
)
SELECT w.workload, w.cluster, w.namespace, w.account_id, w.region, w.service_account, w.host_network, w.first_seen,
  w.last_seen, w.first_event, coalesce(c.started_at, CASE WHEN coalesce(c.number, 0) = 0 THEN w.status_start END) AS started_at,
  c.started_event, coalesce(c.ended_at, p.ended_at) AS ended_at, coalesce(c.ended_event, p.ended_event) AS ended_event,
  coalesce(c.deleted, FALSE) AS deleted,
  lead(c.started_at) OVER (PARTITION BY w.workload ORDER BY c.number) AS next_start
FROM whole AS w
LEFT JOIN cycle AS c ON c.workload = w.workload
LEFT JOIN purge AS p ON p.workload = w.workload
"""
"""Lives of pods: a key has several where only names are known and a name came again.

A pod that is deleted ends when its kubelet says so, else when its grace is over. `deleted` is false where an eviction
or a deletion of many is all that is known. Containers done, its address is free, though the pod is still listed."""

_ADDRESS = f"""
CREATE OR REPLACE TEMP TABLE eks_address AS
WITH node_address AS (
  SELECT DISTINCT cluster, host_ip AS address FROM eks_mention
  WHERE host_ip IS NOT NULL AND NOT starts_with(coalesce(node, ''), '{FARGATE}')
), hosted AS (
  SELECT DISTINCT workload FROM eks_pod WHERE host_network
)
SELECT p.workload, p.pod_ip AS address, min(p.cluster) AS cluster,
  min(coalesce(p.running_since, p.first_seen)) AS first_seen, max(p.last_seen) AS last_seen,
  arg_min(p.first_event, (p.first_seen, p.first_event)) AS first_event,
  arg_max(p.last_event, (p.last_seen, p.last_event)) AS last_event
FROM eks_pod AS p
WHERE p.workload IS NOT NULL
  AND p.pod_ip IS NOT NULL
  AND p.what <> 'ended'
  AND p.workload NOT IN (SELECT workload FROM hosted)
  AND coalesce(regexp_extract(p.node, '^ip-([0-9]+-[0-9]+-[0-9]+-[0-9]+)[.]', 1), '') <> replace(p.pod_ip, '.', '-')
  AND NOT EXISTS (SELECT 1 FROM node_address AS n WHERE n.cluster = p.cluster AND n.address = p.pod_ip)
GROUP BY p.workload, p.pod_ip, date_trunc('hour', p.first_seen)
"""
"""Addresses of pods, hour by hour. A pod in its node's network has none of its own: the node's address is the node's."""

PREPARE = (_UID, _POD, _LIFE, _ADDRESS)
TEMPORARY = ("eks_uid", "eks_pod", "eks_life", "eks_address")
