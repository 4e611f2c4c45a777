"""A principal calls in a Region where nobody in the account did before."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import CALL, LONG, LOST, constants, hours, past, reasons, span

_SQL = f"""
WITH {CALL}, {hours("cloudtrail")}, account AS (
  SELECT account_id, min(time) AS began
  FROM call
  GROUP BY account_id
), region_first AS (
  SELECT c.account_id, c.region, min(c.time) AS first
  FROM call AS c
  GROUP BY c.account_id, c.region
), entered AS (
  SELECT r.account_id || ' ' || r.region AS who, r.account_id, r.region, a.began, r.first,
    arg_min(c.principal, (c.time, c.event_id)) AS principal
  FROM region_first AS r
  JOIN account AS a ON a.account_id = r.account_id
  JOIN call AS c ON c.account_id = r.account_id AND c.region = r.region
  WHERE date_diff('second', a.began, r.first) >= 3600 * $past_hours
  GROUP BY r.account_id, r.region, a.began, r.first
), {past("entered", "who")}, noted AS (
  SELECT e.who, c.event_id, c.time, c.action, c.outcome, c.access_key_id, c.address,
    regexp_matches(c.action, ':(Describe|Get|List|Lookup|Head)') AS reads,
    row_number() OVER (PARTITION BY e.who ORDER BY c.time, c.event_id) AS place
  FROM entered AS e
  JOIN call AS c ON c.account_id = e.account_id AND c.region = e.region AND c.principal = e.principal
), judged AS (
  SELECT n.who, max(n.time) AS last, count(*) AS calls, count(CASE WHEN NOT n.reads THEN 1 END) AS writes,
    min(CASE WHEN NOT n.reads THEN n.action END) AS one_write, count(CASE WHEN n.outcome = 'denied' THEN 1 END) AS denied,
    count(DISTINCT n.access_key_id) AS keys, min(n.access_key_id) AS access_key_id, min(n.address) AS address
  FROM noted AS n
  GROUP BY n.who
), cited AS (
  SELECT who, array_agg(event_id ORDER BY time, event_id) AS ids
  FROM noted
  WHERE place <= $evidence
  GROUP BY who
)
SELECT e.first AS time, j.last AS end_time, e.principal, CASE WHEN j.keys = 1 THEN j.access_key_id END AS access_key_id,
  CAST(NULL AS VARCHAR) AS workload, CAST(NULL AS VARCHAR[]) AS resources,
  CAST(least(9, 4 + CASE WHEN j.writes > 0 THEN 1 ELSE 0 END + CASE WHEN j.denied >= $denials THEN 1 ELSE 0 END
    + {LONG}) AS DOUBLE) AS severity,
  'the first to call in ' || e.region || ', ' || j.calls || CASE WHEN j.calls = 1 THEN ' call' ELSE ' calls' END AS title,
  {
    reasons(
        "'nobody of account ' || e.account_id || ' called in ' || e.region || ' in the ' || "
        + span("e.began", "e.first")
        + " || ' before, ' || p.held || ' h of them in the logs'",
        "j.calls || CASE WHEN j.calls = 1 THEN ' call from ' ELSE ' calls from ' END || j.address",
        "CASE WHEN j.writes > 0 THEN 'calls that change something: ' || j.writes || ', such as ' || j.one_write END",
        "CASE WHEN j.denied > 0 THEN 'denied: ' || j.denied || ' of them' END",
        LOST,
    )
} AS reasons, i.ids AS evidence_event_ids, j.calls AS evidence_count
FROM entered AS e
JOIN past AS p ON p.who = e.who AND p.held >= $past_hours
JOIN judged AS j ON j.who = e.who
JOIN cited AS i ON i.who = e.who
ORDER BY e.first, e.who
"""

BEHAVIOUR = Behaviour(
    name="new-region",
    question="Does somebody begin to call in a Region that the account did not use?",
    sources=("cloudtrail",),
    sql=_SQL,
    past=2,
    constants=constants(("denials", 2, "one denial in a Region may be a policy that forbids it, met by mistake")),
    severity="4; 1 more for each: a call that changes something, 2 denials, a day of past",
    false_positives=(
        "A console that asks every Region; tools that take stock of all Regions.",
        "Global services, whose calls CloudTrail writes into us-east-1, in an account that works elsewhere.",
    ),
    technique="T1535",
    playbook="account-first-look",
)
