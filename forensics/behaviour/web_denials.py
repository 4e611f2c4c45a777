"""Bursts of denied requests: one client is refused again and again within minutes by S3, a load balancer, WAF or CloudFront."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import constants, reasons, span

_SLICE = "floor(date_diff('second', TIMESTAMP '1970-01-01', r.time) / (60 * $slice_minutes))"

_SQL = f"""
WITH request AS (
  SELECT e.source, e.source_ip AS address, e.event_id, e.time, e.principal, e.outcome, e.resources
  FROM event AS e
  WHERE e.source IN ('s3_access', 'alb', 'clb', 'cloudfront', 'waf', 'api_gateway')
    AND e.time IS NOT NULL
    AND e.source_ip IS NOT NULL
), slice AS (
  SELECT r.source, r.address, {
    _SLICE
} AS slice, count(CASE WHEN r.outcome = 'denied' THEN 1 END) AS denials, count(*) AS requests
  FROM request AS r
  GROUP BY r.source, r.address, {_SLICE}
  HAVING count(CASE WHEN r.outcome = 'denied' THEN 1 END) >= $denials
    AND count(CASE WHEN r.outcome = 'denied' THEN 1 END) >= $share * count(*)
), denied AS (
  SELECT s.source, s.address, r.event_id, r.time, r.principal, r.resources,
    row_number() OVER (PARTITION BY s.source, s.address ORDER BY r.time, r.event_id) AS place
  FROM slice AS s
  JOIN request AS r ON r.source = s.source AND r.address = s.address AND {_SLICE} = s.slice AND r.outcome = 'denied'
), found AS (
  SELECT d.source, d.address, min(d.time) AS first, max(d.time) AS last, count(*) AS denials,
    CASE WHEN count(DISTINCT d.principal) = 1 THEN min(d.principal) END AS principal
  FROM denied AS d
  GROUP BY d.source, d.address
), asked AS (
  SELECT d.source, d.address, count(DISTINCT u.resource) AS resources, min(u.resource) AS one_resource
  FROM denied AS d, unnest(d.resources) AS u(resource)
  GROUP BY d.source, d.address
), answered AS (
  SELECT f.source, f.address, count(CASE WHEN r.time < f.first THEN 1 END) AS before,
    count(CASE WHEN r.time > f.first THEN 1 END) AS after
  FROM found AS f
  JOIN request AS r ON r.source = f.source AND r.address = f.address AND r.outcome = 'success'
  GROUP BY f.source, f.address
), cited AS (
  SELECT source, address, array_agg(event_id ORDER BY time, event_id) AS ids
  FROM denied
  WHERE place <= $evidence
  GROUP BY source, address
)
SELECT f.first AS time, f.last AS end_time, f.principal, CAST(NULL AS VARCHAR) AS access_key_id, CAST(NULL AS VARCHAR) AS workload,
  CAST(NULL AS VARCHAR[]) AS resources,
  CAST(3 + CASE WHEN f.source = 's3_access' THEN 1 ELSE 0 END + CASE WHEN f.denials >= $many_denials THEN 1 ELSE 0 END
    + CASE WHEN a.after > 0 AND a.before = 0 THEN 1 ELSE 0 END AS DOUBLE) AS severity,
  f.denials || ' requests of ' || f.address || ' denied (' || f.source || ') within ' || {
    span("f.first", "f.last")
} AS title,
  {
    reasons(
        "f.denials || ' requests denied, at least half of all that it made in those minutes'",
        "CASE WHEN q.resources > 0 THEN 'for ' || q.resources || CASE WHEN q.resources = 1 THEN ' resource' ELSE ' resources' END"
        " || ', such as ' || q.one_resource END",
        "CASE WHEN a.after > 0 AND a.before = 0 THEN 'then ' || a.after || ' of its requests succeeded, and none before'"
        " WHEN a.before > 0 THEN 'requests of it that succeeded before: ' || a.before ELSE 'no request of it succeeded' END",
    )
} AS reasons, c.ids AS evidence_event_ids, f.denials AS evidence_count
FROM found AS f
JOIN cited AS c ON c.source = f.source AND c.address = f.address
LEFT JOIN asked AS q ON q.source = f.source AND q.address = f.address
LEFT JOIN answered AS a ON a.source = f.source AND a.address = f.address
ORDER BY f.first, f.source, f.address
"""

BEHAVIOUR = Behaviour(
    name="web-denials",
    question="Was one client denied many requests within minutes by S3, a load balancer, WAF, CloudFront or an API?",
    sources=("s3_access",),
    instead=("alb", "waf", "cloudfront", "api_gateway", "clb"),
    sql=_SQL,
    constants=constants(
        ("slice_minutes", 10, "as long as that of volumes and rejects, so that they compare"),
        ("denials", 20, "a page without its pictures is refused fewer"),
        ("share", 0.5, "of the client's requests: who works there succeeds mostly"),
        ("many_denials", 200, "beyond what a person or a wrong setting does in minutes"),
    ),
    severity="3; 1 more for each: a bucket, 200 denials, requests that then succeeded and none before",
    false_positives=(
        "Scanners of the whole internet, which every public address meets: alone that is severity 3.",
        "A client whose password, token or policy ran out; a page that links to objects that are not public.",
        "Many people behind one address.",
    ),
    technique="T1595",
    playbook="edge-attack",
)
