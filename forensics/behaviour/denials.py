"""Bursts of denials: one principal, at one address, is denied many different actions within minutes."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import constants, reasons, span

_SQL = f"""
WITH call AS (
  SELECT e.source, e.event_id, e.time,
    coalesce(e.principal, e.access_key_id, e.source) || coalesce(' ' || e.source_ip, '') AS who, e.principal,
    e.access_key_id, e.action, e.source_ip, e.outcome
  FROM event AS e
  WHERE e.source IN ('cloudtrail', 'eks_audit')
    AND e.time IS NOT NULL
), denied AS (
  SELECT c.source, c.event_id, c.time, c.who, c.principal, c.access_key_id, c.action, c.source_ip,
    CASE WHEN date_diff('second', lag(c.time) OVER (PARTITION BY c.source, c.who ORDER BY c.time, c.event_id), c.time)
      <= 60 * $gap_minutes THEN 0 ELSE 1 END AS starts
  FROM call AS c
  WHERE c.outcome = 'denied'
    AND c.who IS NOT NULL
), numbered AS (
  SELECT d.source, d.event_id, d.time, d.who, d.principal, d.access_key_id, d.action, d.source_ip,
    sum(d.starts) OVER (PARTITION BY d.source, d.who ORDER BY d.time, d.event_id) AS burst
  FROM denied AS d
), found AS (
  SELECT n.source, n.who, n.burst, min(n.principal) AS principal, min(n.time) AS first, max(n.time) AS last,
    count(*) AS denials, count(DISTINCT n.action) AS actions, count(DISTINCT split_part(n.action, ':', 1)) AS services,
    min(n.action) AS one_action, max(n.action) AS another_action, count(DISTINCT n.access_key_id) AS keys,
    min(n.access_key_id) AS access_key_id, min(n.source_ip) AS address
  FROM numbered AS n
  GROUP BY n.source, n.who, n.burst
  HAVING count(DISTINCT n.action) >= $actions
), earlier AS (
  SELECT f.source, f.who, f.burst, count(DISTINCT d.action) AS actions
  FROM found AS f
  JOIN denied AS d ON d.source = f.source AND d.who = f.who AND d.time < f.first
  GROUP BY f.source, f.who, f.burst
), around AS (
  SELECT f.source, f.who, f.burst, count(*) AS calls
  FROM found AS f
  JOIN call AS c ON c.source = f.source AND c.who = f.who AND f.first <= c.time AND c.time <= f.last
  GROUP BY f.source, f.who, f.burst
), burst AS (
  SELECT f.source, f.who, f.burst, a.calls
  FROM found AS f
  JOIN around AS a ON a.source = f.source AND a.who = f.who AND a.burst = f.burst
  WHERE f.denials >= $share * a.calls
    OR date_diff('second', f.first, f.last) <= 60 * $within_minutes
), placed AS (
  SELECT n.source, n.who, n.burst, n.event_id, n.time,
    row_number() OVER (PARTITION BY n.source, n.who, n.burst ORDER BY n.time, n.event_id) AS place
  FROM numbered AS n
  JOIN burst AS f ON f.source = n.source AND f.who = n.who AND f.burst = n.burst
), cited AS (
  SELECT source, who, burst, array_agg(event_id ORDER BY time, event_id) AS ids
  FROM placed
  WHERE place <= $evidence
  GROUP BY source, who, burst
)
SELECT f.first AS time, f.last AS end_time, f.principal, CASE WHEN f.keys = 1 THEN f.access_key_id END AS access_key_id,
  CAST(NULL AS VARCHAR) AS workload, CAST(NULL AS VARCHAR[]) AS resources,
  CAST(least(8, 4 + CASE WHEN f.actions >= $many_actions THEN 1 ELSE 0 END + CASE WHEN f.services >= $services THEN 1 ELSE 0 END
    + CASE WHEN e.actions IS NULL THEN 1 ELSE 0 END) AS DOUBLE) AS severity,
  f.denials || ' denials of ' || f.actions || ' different actions within ' || {span("f.first", "f.last")} AS title,
  {
    reasons(
        "f.denials || ' of ' || a.calls || ' calls denied, ' || f.actions || ' different actions of ' || f.services"
        " || ' services, within ' || " + span("f.first", "f.last"),
        "'such as ' || f.one_action || ', ' || f.another_action || ', from ' || coalesce(f.address, 'an unknown address')",
        "CASE WHEN e.actions IS NULL THEN 'nothing was denied to it there before' ELSE 'before, ' || e.actions"
        " || ' different actions were denied to it there' END",
    )
} AS reasons, i.ids AS evidence_event_ids, f.denials AS evidence_count
FROM found AS f
JOIN burst AS a ON a.source = f.source AND a.who = f.who AND a.burst = f.burst
JOIN cited AS i ON i.source = f.source AND i.who = f.who AND i.burst = f.burst
LEFT JOIN earlier AS e ON e.source = f.source AND e.who = f.who AND e.burst = f.burst
ORDER BY f.first, f.who
"""

BEHAVIOUR = Behaviour(
    name="denials",
    question="Was one principal, at one address, denied many different actions within minutes?",
    sources=("cloudtrail",),
    instead=("eks_audit",),
    sql=_SQL,
    constants=constants(
        ("gap_minutes", 10, "who tries what a key may do pauses for less"),
        ("actions", 3, "one or two actions, however often denied, are a program without a permission"),
        ("within_minutes", 60, "a run of denials that goes on for longer is somebody's everyday, unless"),
        ("share", 0.2, "of the calls in it were denied, which is nobody's everyday"),
        ("many_actions", 6, "beyond what a person without a permission clicks on"),
        ("services", 3, "a task lies within one or two services"),
    ),
    severity="4; 1 more for each: 6 actions, 3 services, nothing denied before",
    false_positives=(
        "A person who opens a page of the console that asks for many things at once.",
        "A tool that takes stock of an account with a role that may not see all of it.",
        "A role whose permissions were just taken away, or a new role that lacks some.",
    ),
    technique="T1580",
    playbook="credential-theft",
)
