"""A principal that nobody knew, from where nobody called, does what nobody did."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import CALL, HABIT, LONG, LOST, constants, hours, past, reasons, span

_SQL = f"""
WITH {CALL}, {HABIT}, {hours("cloudtrail")}, account AS (
  SELECT account_id, min(first) AS began
  FROM habit
  GROUP BY account_id
), newcomer AS (
  SELECT h.principal || ' ' || h.account_id AS who, h.principal, h.account_id, a.began, min(h.first) AS first,
    max(h.last) AS last, sum(h.calls) AS calls
  FROM habit AS h
  JOIN account AS a ON a.account_id = h.account_id
  GROUP BY h.principal, h.account_id, a.began
  HAVING date_diff('second', a.began, min(h.first)) >= 3600 * $past_hours
), {past("newcomer", "who")}, own AS (
  SELECT n.who, n.began, n.first AS came, h.account_id, h.action, h.address, h.client, h.first
  FROM newcomer AS n
  JOIN habit AS h ON h.principal = n.principal AND h.account_id = n.account_id
), action_first AS (
  SELECT h.account_id, h.action, min(h.first) AS first
  FROM habit AS h
  GROUP BY h.account_id, h.action
), address_first AS (
  SELECT h.address, min(h.first) AS first
  FROM habit AS h
  WHERE h.address IN (SELECT o.address FROM own AS o)
  GROUP BY h.address
), client_first AS (
  SELECT h.client, min(h.first) AS first
  FROM habit AS h
  GROUP BY h.client
), noted AS (
  SELECT o.who, o.action, o.address, o.client, a.first = o.first AS new_action,
    date_diff('second', d.first, o.came) <= 3600 * $recent_hours AND date_diff('second', o.began, d.first) >= 3600 * $past_hours
      AS new_address,
    date_diff('second', f.first, o.came) <= 3600 * $recent_hours AND date_diff('second', o.began, f.first) >= 3600 * $past_hours
      AS new_client
  FROM own AS o
  JOIN action_first AS a ON a.account_id = o.account_id AND a.action = o.action
  JOIN address_first AS d ON d.address = o.address
  JOIN client_first AS f ON f.client = o.client
), judged AS (
  SELECT n.who, min(CASE WHEN n.new_address THEN n.address END) AS address,
    min(CASE WHEN n.new_client THEN n.client END) AS client,
    count(DISTINCT CASE WHEN n.new_action THEN n.action END) AS new_actions,
    min(CASE WHEN n.new_action THEN n.action END) AS one_action,
    max(CASE WHEN n.new_action THEN n.action END) AS another_action
  FROM noted AS n
  GROUP BY n.who
  HAVING count(DISTINCT CASE WHEN n.new_action THEN n.action END) >= $new_actions
    AND count(CASE WHEN n.new_address THEN 1 END) > 0
), called AS (
  SELECT n.who, c.event_id, c.time, c.outcome, c.access_key_id,
    row_number() OVER (PARTITION BY n.who ORDER BY c.time, c.event_id) AS place
  FROM newcomer AS n
  JOIN judged AS j ON j.who = n.who
  JOIN call AS c ON c.principal = n.principal AND c.account_id = n.account_id
), cited AS (
  SELECT who, array_agg(event_id ORDER BY time, event_id) AS ids
  FROM called
  WHERE place <= $evidence
  GROUP BY who
), counted AS (
  SELECT who, count(CASE WHEN outcome = 'denied' THEN 1 END) AS denied, count(DISTINCT access_key_id) AS keys,
    min(access_key_id) AS access_key_id
  FROM called
  GROUP BY who
), found AS (
  SELECT n.principal, n.account_id, n.began, n.first, n.last, n.calls, t.denied,
    CASE WHEN t.keys = 1 THEN t.access_key_id END AS access_key_id, j.address, j.client, j.new_actions, j.one_action,
    j.another_action, p.held, p.lost, i.ids
  FROM newcomer AS n
  JOIN judged AS j ON j.who = n.who
  JOIN past AS p ON p.who = n.who AND p.held >= $past_hours
  JOIN cited AS i ON i.who = n.who
  JOIN counted AS t ON t.who = n.who
)
SELECT p.first AS time, p.last AS end_time, p.principal, p.access_key_id, CAST(NULL AS VARCHAR) AS workload,
  CAST(NULL AS VARCHAR[]) AS resources,
  CAST(least(9, 3 + CASE WHEN p.client IS NOT NULL THEN 1 ELSE 0 END
    + CASE WHEN p.new_actions >= $many_actions THEN 2 ELSE 0 END + CASE WHEN p.denied >= $denials THEN 1 ELSE 0 END + {
    LONG
}) AS DOUBLE) AS severity,
  'not seen before, from ' || p.address || ', ' || p.new_actions || ' actions that nobody did before' AS title,
  {
    reasons(
        "'first call in account ' || p.account_id || ' after ' || "
        + span("p.began", "p.first")
        + " || ' of its logs, '"
        " || p.held || ' h of them held'",
        "'nobody called from ' || p.address || ' until shortly before'",
        "CASE WHEN p.client IS NOT NULL THEN 'new client: ' || p.client || ', which nobody used until shortly before' END",
        "'actions that nobody did before: ' || p.new_actions || ', such as ' || p.one_action || CASE WHEN p.another_action ="
        " p.one_action THEN '' ELSE ', ' || p.another_action END",
        "CASE WHEN p.denied > 0 THEN 'denied: ' || p.denied || ' of ' || p.calls || ' calls' END",
        LOST,
    )
} AS reasons, p.ids AS evidence_event_ids, p.calls AS evidence_count
FROM found AS p
ORDER BY p.first, p.principal
"""

BEHAVIOUR = Behaviour(
    name="newcomer",
    question="Does a principal appear that the logs did not know, from a new address, doing what nobody did?",
    sources=("cloudtrail",),
    sql=_SQL,
    past=2,
    constants=constants(
        ("recent_hours", 1, "who steals one principal's key and goes on to the next is new with both"),
        ("denials", 2, "anybody meets one"),
        ("new_actions", 2, "one action that is new to an account comes with any new person"),
        ("many_actions", 5, "an account's usual work brings few actions a day that nobody did before"),
    ),
    severity="3; 2 more for 5 new actions; 1 more for each: client of nobody, 2 denials, a day of past",
    false_positives=(
        "A person or a role that works rarely: once a week, at the end of a month, in an emergency.",
        "The first use of a new role, tool or service.",
    ),
    technique="T1078.004",
    playbook="account-first-look",
)
