"""A principal that has a past calls from an address, with a client, and does things that it never did before."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import CALL, HABIT, LONG, LOST, constants, hours, past, reasons, span

_BLOCK = "split_part(h.address, '.', 1) || '.' || split_part(h.address, '.', 2)"

_SQL = f"""
WITH {CALL}, {HABIT}, {hours("cloudtrail")}, began AS (
  SELECT principal, min(first) AS began
  FROM habit
  GROUP BY principal
), client_first AS (
  SELECT principal, client, min(first) AS first
  FROM habit
  GROUP BY principal, client
), late_client AS (
  SELECT f.principal, f.client, f.first, b.began
  FROM client_first AS f
  JOIN began AS b ON b.principal = f.principal
  WHERE date_diff('second', b.began, f.first) >= 3600 * $past_hours
), other_client AS (
  SELECT client, min(first) AS first
  FROM client_first
  GROUP BY client
), action_first AS (
  SELECT h.principal, h.action, min(h.first) AS first
  FROM habit AS h
  WHERE h.principal IN (SELECT l.principal FROM late_client AS l)
  GROUP BY h.principal, h.action
), own AS (
  SELECT h.principal, h.account_id, h.action, h.address, h.client, h.first, h.last, h.calls
  FROM habit AS h
  WHERE h.principal IN (SELECT l.principal FROM late_client AS l)
), visited AS (
  SELECT o.principal, o.address, min(o.account_id) AS account_id, min(o.first) AS first, max(o.last) AS last, sum(o.calls) AS calls
  FROM own AS o
  GROUP BY o.principal, o.address
), visit AS (
  SELECT v.principal || ' ' || v.address AS visit, v.principal, v.address, v.account_id, b.began, v.first, v.last, v.calls
  FROM visited AS v
  JOIN began AS b ON b.principal = v.principal
  WHERE date_diff('second', b.began, v.first) >= 3600 * $past_hours
    AND EXISTS (
      SELECT 1
      FROM own AS o
      JOIN late_client AS l ON l.principal = o.principal AND l.client = o.client
      WHERE o.principal = v.principal
        AND o.address = v.address)
), {past("visit", "visit")}, noted AS (
  SELECT v.visit, o.action, o.client,
    date_diff('second', f.first, v.first) <= 3600 * $recent_hours
      AND date_diff('second', v.began, f.first) >= 3600 * $past_hours AS new_client,
    a.first >= v.first AND a.first = o.first AS new_action,
    date_diff('second', n.first, v.first) <= 3600 * $recent_hours AS client_of_nobody
  FROM visit AS v
  JOIN own AS o ON o.principal = v.principal AND o.address = v.address
  JOIN client_first AS f ON f.principal = o.principal AND f.client = o.client
  JOIN action_first AS a ON a.principal = o.principal AND a.action = o.action
  JOIN other_client AS n ON n.client = o.client
), judged AS (
  SELECT n.visit, min(CASE WHEN n.new_client THEN n.client END) AS client,
    min(CASE WHEN n.new_client AND n.client_of_nobody THEN n.client END) AS strange_client,
    count(DISTINCT CASE WHEN n.new_action THEN n.action END) AS new_actions,
    min(CASE WHEN n.new_action THEN n.action END) AS one_action,
    max(CASE WHEN n.new_action THEN n.action END) AS another_action
  FROM noted AS n
  GROUP BY n.visit
  HAVING count(CASE WHEN n.new_client THEN 1 END) > 0
    AND count(DISTINCT CASE WHEN n.new_action THEN n.action END) >= $new_actions
), strange AS (
  SELECT v.visit, v.principal, v.address
  FROM visit AS v
  JOIN judged AS j ON j.visit = v.visit
), address_first AS (
  SELECT h.address, min(h.first) AS first
  FROM habit AS h
  WHERE h.address IN (SELECT s.address FROM strange AS s)
  GROUP BY h.address
), network_of AS (
  SELECT h.principal, h.address, k.network AS named, coalesce(k.network, {_BLOCK}) AS network, h.first
  FROM visited AS h
  LEFT JOIN known_place AS k ON k.address = h.address
  WHERE h.principal IN (SELECT s.principal FROM strange AS s)
), network_first AS (
  SELECT n.principal, n.network, min(n.first) AS first
  FROM network_of AS n
  GROUP BY n.principal, n.network
), called AS (
  SELECT s.visit, c.event_id, c.time, c.outcome, c.access_key_id,
    row_number() OVER (PARTITION BY s.visit ORDER BY c.time, c.event_id) AS place
  FROM strange AS s
  JOIN call AS c ON c.principal = s.principal AND c.address = s.address
), cited AS (
  SELECT visit, array_agg(event_id ORDER BY time, event_id) AS ids
  FROM called
  WHERE place <= $evidence
  GROUP BY visit
), counted AS (
  SELECT visit, count(CASE WHEN outcome = 'denied' THEN 1 END) AS denied, count(DISTINCT access_key_id) AS keys,
    min(access_key_id) AS access_key_id
  FROM called
  GROUP BY visit
), found AS (
  SELECT v.principal, v.address, v.first, v.last, v.calls, v.began, j.client, j.strange_client, j.new_actions, j.one_action,
    j.another_action, t.denied, CASE WHEN t.keys = 1 THEN t.access_key_id END AS access_key_id, p.held, p.lost, i.ids,
    o.named, w.first >= v.first AS new_network, d.first >= v.first AS address_of_nobody
  FROM visit AS v
  JOIN judged AS j ON j.visit = v.visit
  JOIN past AS p ON p.visit = v.visit AND p.held >= $past_hours
  JOIN cited AS i ON i.visit = v.visit
  JOIN counted AS t ON t.visit = v.visit
  JOIN network_of AS o ON o.principal = v.principal AND o.address = v.address
  JOIN network_first AS w ON w.principal = o.principal AND w.network = o.network
  JOIN address_first AS d ON d.address = v.address
)
SELECT p.first AS time, p.last AS end_time, p.principal, p.access_key_id, CAST(NULL AS VARCHAR) AS workload,
  CAST(NULL AS VARCHAR[]) AS resources,
  CAST(least(9, 4 + CASE WHEN p.new_network THEN 1 ELSE 0 END + CASE WHEN p.address_of_nobody THEN 1 ELSE -1 END
    + CASE WHEN p.strange_client IS NOT NULL THEN 1 ELSE 0 END + CASE WHEN p.new_actions >= $many_actions THEN 1 ELSE 0 END
    + CASE WHEN p.denied > 0 THEN 1 ELSE 0 END + {LONG}) AS DOUBLE) AS severity,
  'from ' || p.address || ', with ' || p.client || ', ' || p.new_actions || ' actions it never did before' AS title,
  {
    reasons(
        "'first call from ' || p.address || ' after ' || " + span("p.began", "p.first") + " || ' of its calls, '"
        " || p.held || ' h of them in the logs'",
        "CASE WHEN p.new_network AND p.named IS NOT NULL THEN 'none of its calls before came from ' || p.named"
        " WHEN p.new_network THEN 'none of its addresses before began with the same two numbers' END",
        "CASE WHEN p.address_of_nobody THEN 'nobody else called from there before' ELSE 'others called from there before' END",
        "'new client: ' || p.client || CASE WHEN p.strange_client IS NULL THEN '' ELSE ', which nobody else used before' END",
        "'first-ever actions: ' || p.new_actions || ', such as ' || p.one_action || CASE WHEN p.another_action = p.one_action"
        " THEN '' ELSE ', ' || p.another_action END",
        "CASE WHEN p.denied > 0 THEN 'denied: ' || p.denied || ' of ' || p.calls || ' calls' END",
        LOST,
    )
} AS reasons, p.ids AS evidence_event_ids, p.calls AS evidence_count
FROM found AS p
ORDER BY p.first, p.principal, p.address
"""

BEHAVIOUR = Behaviour(
    name="new-manner",
    question="Does a principal suddenly call from a new address, with a new client, and do what it never did?",
    sources=("cloudtrail",),
    sql=_SQL,
    past=2,
    constants=constants(
        ("recent_hours", 24, "a client that came a day before the address is of the same change"),
        ("new_actions", 2, "one new action is everyday; the first call of a tool is often sts:GetCallerIdentity"),
        ("many_actions", 5, "more first-ever actions than a task of its own kind brings"),
    ),
    severity="4; 1 less if others called from there; 1 more for each: new network, address of nobody, client of nobody, 5 new actions, a denial, a day of past",
    false_positives=(
        "A person who travels or changes network and machine on one day, and takes up other work.",
        "A build system that moves to other runners with another tool.",
        "A person who takes on a role that programs use, to look after them.",
        "A role whose use goes over from one program to another.",
    ),
    technique="T1078.004",
    playbook="credential-theft",
)
