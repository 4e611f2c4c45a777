"""To which pods keys were issued: by Pod Identity's tags, by what its sessions are called, by web identity tokens."""

from forensics.each import each
from forensics.workloads.eks_clusters import PROVIDER
from forensics.workloads.eks_mentions import SERVICE_ACCOUNT
from forensics.workloads.eks_pods import FAR_AHEAD, LONG_AGO

PADDING = 2
"""Seconds by which CloudTrail's time may be off."""
MOST_CANDIDATES = 100
"""Beyond so many pods that a token may be of, none is named."""
SESSION = "^eks-(.+)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
"""A session of Pod Identity: parts of cluster and pod, cut to fit, and a random UUID."""
PRIVATE = r"^(?:10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd][0-9a-f]{2}:)"
"""Addresses that subnets and pods have; 100.64.0.0/10 is usual for secondary ranges."""

_LIVING = f"""coalesce(l.started_at, {LONG_AGO}) <= m.moment + to_seconds({PADDING})
    AND m.moment - to_seconds({PADDING}) <= coalesce(l.ended_at, l.next_start, {FAR_AHEAD})
    AND coalesce(l.account_id, m.account_id) = m.account_id"""

_TAGGED = """
SELECT c.access_key_id, p.workload, 'recorded' AS certainty, 'issuance by EKS Pod Identity' AS via, c.role, c.event_id,
  c.moment
FROM eks_call AS c
JOIN eks_pod AS p ON p.first_event = c.event_id
WHERE c.own
  AND c.tag_pod IS NOT NULL
  AND c.access_key_id <> ''
"""

_UNTAGGED = """
SELECT c.access_key_id, c.session_name, c.role, c.account_id, c.region, c.event_id, c.moment
FROM eks_call AS c
WHERE c.own
  AND c.tag_pod IS NULL
  AND c.access_key_id <> ''
"""

_MIDDLE = f"""
    SELECT access_key_id, regexp_extract(session_name, '{SESSION}', 1) AS middle
    FROM m
    WHERE regexp_matches(session_name, '{SESSION}')
      AND length(session_name) <= 64"""

_NAME = """
    SELECT workload, cluster, split_part(split_part(workload, '/', 3), '#', 1) AS name
    FROM eks_life
    WHERE EXISTS (SELECT 1 FROM cut)"""

_FITTING = f"""
WITH m AS (
  {_UNTAGGED}
), cut AS (
  SELECT m.access_key_id, m.account_id, m.role, m.event_id, m.moment,
    left(s.middle, CAST(s.place AS BIGINT) - 1) AS cluster_part, substring(s.middle, CAST(s.place AS BIGINT) + 1) AS pod_part
  FROM m
  JOIN {each(f"({_MIDDLE}) AS n", "range(2, length(n.middle))", "place")} AS s ON s.access_key_id = m.access_key_id
  WHERE substring(s.middle, CAST(s.place AS BIGINT), 1) = '-'
), beginning AS (
  SELECT DISTINCT l.workload, l.cluster, left(l.name, CAST(l.size AS BIGINT)) AS pod_part
  FROM {each(f"({_NAME}) AS l", "range(1, least(length(l.name), 64) + 1)", "size")} AS l
), fitting AS (
  SELECT DISTINCT m.access_key_id, m.role, m.event_id, m.moment, l.workload
  FROM cut AS m
  JOIN beginning AS b ON b.pod_part = m.pod_part AND starts_with(b.cluster, m.cluster_part)
  JOIN eks_life AS l ON l.workload = b.workload
  WHERE {_LIVING}
)
SELECT access_key_id, min(workload) AS workload, 'inferred' AS certainty, 'session name, issued by EKS' AS via,
  min(role) AS role, min(event_id) AS event_id, min(moment) AS moment
FROM fitting
GROUP BY access_key_id
HAVING count(DISTINCT workload) = 1
"""
"""Session names of keys without tags: names are cut, so that one only fits, and only if it fits one known pod."""

_ASSOCIATED = f"""
WITH m AS (
  {_UNTAGGED}
)
SELECT DISTINCT m.access_key_id, l.workload, 'shared' AS certainty, 'Pod Identity association of the role' AS via, m.role,
  m.event_id, m.moment
FROM m
JOIN eks_association AS a ON a.role = m.role
  AND a.account_id = m.account_id
  AND a.region = m.region
  AND a.moment <= m.moment
  AND m.moment < coalesce(a.until, {FAR_AHEAD})
JOIN eks_life AS l ON l.cluster = a.cluster
  AND l.namespace = a.namespace
  AND l.service_account = a.service_account
WHERE a.event_name IN ('CreatePodIdentityAssociation', 'UpdatePodIdentityAssociation')
  AND {_LIVING}
"""

_WEB = f"""
SELECT c.access_key_id, c.role, c.event_id, c.moment, coalesce(k.account_id, p.account_id) AS account_id, p.cluster, p.stated,
  regexp_extract(c.subject, '{SERVICE_ACCOUNT}', 1) AS namespace,
  regexp_extract(c.subject, '{SERVICE_ACCOUNT}', 2) AS service_account,
  CASE WHEN regexp_matches(c.source_ip, '{PRIVATE}') AND c.vpc_endpoint_id IS NOT NULL
    AND coalesce(c.endpoint_account_id, k.account_id, p.account_id) = coalesce(k.account_id, p.account_id)
    AND coalesce(e.vpc_id, k.vpc_id, '') = coalesce(k.vpc_id, e.vpc_id, '') THEN c.source_ip END AS address,
  c.endpoint_account_id IS NOT NULL OR (e.vpc_id IS NOT NULL AND k.vpc_id IS NOT NULL) AS placed
FROM eks_call AS c
JOIN eks_provider AS p ON p.account_id = regexp_extract(c.answer->>'$.provider', '{PROVIDER}', 1)
  AND p.region = regexp_extract(c.answer->>'$.provider', '{PROVIDER}', 2)
  AND p.provider_id = regexp_extract(c.answer->>'$.provider', '{PROVIDER}', 3)
JOIN eks_cluster AS k ON k.cluster = p.cluster
LEFT JOIN (
  SELECT vpc_endpoint_id, min(vpc_id) AS vpc_id
  FROM (
    SELECT coalesce(answer->>'$.CreateVpcEndpointResponse.vpcEndpoint.vpcEndpointId',
        answer->>'$.vpcEndpoint.vpcEndpointId') AS vpc_endpoint_id,
      coalesce(answer->>'$.CreateVpcEndpointResponse.vpcEndpoint.vpcId', answer->>'$.vpcEndpoint.vpcId') AS vpc_id
    FROM workload_call
    WHERE event_name = 'CreateVpcEndpoint'
  ) AS v
  GROUP BY vpc_endpoint_id
) AS e ON e.vpc_endpoint_id = c.vpc_endpoint_id
WHERE c.event_name = 'AssumeRoleWithWebIdentity'
  AND c.access_key_id <> ''
  AND regexp_matches(c.subject, '{SERVICE_ACCOUNT}')
  AND coalesce(c.answer->>'$.subjectFromWebIdentityToken', c.subject) = c.subject
"""
"""Keys given for tokens of service accounts of known clusters; `address` where a call came through an endpoint."""

_COUNTED = f"""
WITH step AS (
  SELECT cluster, namespace, NULL AS event_id, moment, 1 AS change
  FROM (SELECT cluster, namespace, coalesce(started_at, {LONG_AGO}) AS moment FROM eks_life) AS b
  UNION ALL
  SELECT cluster, namespace, NULL AS event_id, moment + to_seconds({2 * PADDING}) AS moment, -1 AS change
  FROM (SELECT cluster, namespace, coalesce(ended_at, next_start) AS moment FROM eks_life) AS b
  WHERE moment IS NOT NULL
  UNION ALL
  SELECT cluster, namespace, event_id, moment, 0 AS change
  FROM eks_web
), counted AS (
  SELECT event_id, sum(change) OVER (PARTITION BY cluster, namespace ORDER BY moment, change DESC
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS pods
  FROM step
)
SELECT event_id
FROM counted
WHERE event_id IS NOT NULL
  AND pods <= {MOST_CANDIDATES}
"""

_CANDIDATE = f"""
WITH wanted AS (
  SELECT m.event_id, m.cluster, m.namespace, m.service_account, m.account_id, m.moment, date_trunc('hour', m.moment) AS hour
  FROM eks_web AS m
  JOIN eks_web_count AS n ON n.event_id = m.event_id
), hourly AS (
  SELECT h.cluster, h.namespace, h.hour, l.workload, l.service_account, l.account_id, l.started_at, l.started_event,
    l.first_event, l.ended_at, l.next_start
  FROM (SELECT DISTINCT cluster, namespace, hour FROM wanted) AS h
  JOIN eks_life AS l ON l.cluster = h.cluster
    AND l.namespace = h.namespace
    AND coalesce(l.started_at, {LONG_AGO}) <= h.hour + INTERVAL 2 HOUR
    AND h.hour - INTERVAL 1 HOUR <= coalesce(l.ended_at, l.next_start, {FAR_AHEAD})
)
SELECT m.event_id, l.workload, min(coalesce(l.started_event, l.first_event)) AS pod_event,
  bool_or(l.service_account = m.service_account) AS own,
  bool_and(l.started_event IS NOT NULL) AS begun,
  bool_and(l.started_at + to_seconds({PADDING}) <= m.moment AND m.moment + to_seconds({PADDING}) <= l.ended_at) IS TRUE AS ended
FROM wanted AS m
JOIN hourly AS l ON l.cluster = m.cluster AND l.namespace = m.namespace AND l.hour = m.hour
WHERE coalesce(l.service_account, m.service_account) = m.service_account
  AND {_LIVING}
GROUP BY m.event_id, l.workload
"""
"""Pods alive when a key was given: of the service account (`own`), or of one that is not known."""

_AT = f"""
WITH holder AS (
  SELECT m.event_id, a.workload, min(a.first_event) AS pod_event, l.namespace = m.namespace
      AND coalesce(l.service_account, m.service_account) = m.service_account AS fits,
    bool_or(l.started_event IS NOT NULL AND a.first_seen + to_seconds({PADDING}) <= m.moment
      AND m.moment + to_seconds({PADDING}) <= l.ended_at) IS TRUE AS known
  FROM eks_web AS m
  JOIN eks_address AS a ON a.cluster = m.cluster AND a.address = m.address
  JOIN eks_life AS l ON l.workload = a.workload
  WHERE {_LIVING}
    AND m.moment + to_seconds({PADDING}) >= least(a.first_seen, coalesce(l.started_at, a.first_seen))
    AND m.moment - to_seconds({PADDING}) <= coalesce(l.ended_at, l.last_seen)
  GROUP BY m.event_id, a.workload, l.namespace, l.service_account, m.namespace, m.service_account
)
SELECT event_id, min(workload) AS workload, min(pod_event) AS pod_event, bool_and(known) AS known
FROM holder
GROUP BY event_id
HAVING count(DISTINCT workload) = 1
  AND bool_and(fits)
"""
"""The one pod that had the address which a key was asked for from."""

_NARROWED = """
SELECT m.access_key_id, h.workload,
  CASE WHEN NOT m.stated THEN 'inferred' WHEN h.known AND m.placed THEN 'matched' ELSE 'bounded' END AS certainty,
  'service account of the token, address of its pod' AS via, m.role, h.pod_event AS event_id, m.moment
FROM eks_web AS m
JOIN eks_web_place AS h ON h.event_id = m.event_id
"""

_OF_ACCOUNT = """
WITH counted AS (
  SELECT event_id, workload, pod_event, own, begun, ended, count(*) OVER (PARTITION BY event_id) AS candidates,
    bool_or(own) OVER (PARTITION BY event_id) AS any_own
  FROM eks_web_candidate
)
SELECT m.access_key_id, n.workload,
  CASE WHEN n.candidates > 1 THEN 'shared' WHEN NOT m.stated OR NOT n.begun THEN 'inferred'
    WHEN n.ended THEN 'matched' ELSE 'bounded' END AS certainty,
  'service account of the token' AS via, m.role, n.pod_event AS event_id, m.moment
FROM eks_web AS m
JOIN counted AS n ON n.event_id = m.event_id
WHERE n.any_own
  AND m.event_id NOT IN (SELECT event_id FROM eks_web_place)
"""
"""Every pod that may hold such a token; a single one that was not seen to begin may have siblings unseen: inferred."""

_EXCHANGED = f"""
WITH eks_web AS ({_WEB}), eks_web_count AS ({_COUNTED}), eks_web_candidate AS ({_CANDIDATE}), eks_web_place AS ({_AT})
SELECT * FROM ({_NARROWED}) AS n
UNION ALL
SELECT * FROM ({_OF_ACCOUNT}) AS o
"""

PREPARE: tuple[str, ...] = ()
TEMPORARY: tuple[str, ...] = ()
CLAIMS = (_TAGGED, _FITTING, _ASSOCIATED, _EXCHANGED)
