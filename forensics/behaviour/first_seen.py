"""A principal that has a past does, or calls from, with or in, one thing that is new to it, though little was new before."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import (
    CALL,
    HABIT,
    LONG,
    LOST,
    SPOKEN,
    VALUE,
    constants,
    hours,
    of_value,
    past,
    reasons,
    span,
)

_SQL = f"""
WITH {CALL}, {HABIT}, {VALUE}, {hours("cloudtrail")}, unsettled AS (
  SELECT v.principal, v.dimension
  FROM value AS v
  JOIN whole AS w ON w.principal = v.principal
  WHERE date_diff('second', w.began, v.first) >= 3600
    AND date_diff('second', w.began, v.first) < 3600 * $past_hours
  GROUP BY v.principal, v.dimension
  HAVING count(*) > $new_before
), late AS (
  SELECT v.principal, v.dimension, v.value, v.first, v.last, v.calls, w.account_id, w.began, w.calls AS of_calls
  FROM value AS v
  JOIN whole AS w ON w.principal = v.principal
  LEFT JOIN unsettled AS u ON u.principal = v.principal AND u.dimension = v.dimension
  WHERE date_diff('second', w.began, v.first) >= 3600
    AND u.principal IS NULL
), turn AS (
  SELECT l.principal, l.dimension, l.value, l.first, l.last, l.calls, l.account_id, l.began, l.of_calls,
    row_number() OVER (PARTITION BY l.principal, l.dimension ORDER BY l.first, l.value) - 1 AS new_before
  FROM late AS l
), candidate AS (
  SELECT t.principal || ' ' || t.dimension || ' ' || t.value AS who, t.principal, t.dimension, t.value, t.first, t.last, t.calls,
    t.account_id, t.began, t.of_calls, t.new_before
  FROM turn AS t
  WHERE t.new_before <= $new_before
    AND date_diff('second', t.began, t.first) >= 3600 * $past_hours
), {past("candidate", "who")}, known AS (
  SELECT c.who, count(v.value) AS values
  FROM candidate AS c
  LEFT JOIN value AS v ON v.principal = c.principal AND v.dimension = c.dimension AND v.first < c.first
  GROUP BY c.who
), others AS (
  SELECT c.who, min(v.first) AS first, count(v.principal) AS principals
  FROM candidate AS c
  JOIN value AS v ON v.dimension = c.dimension AND v.value = c.value
  GROUP BY c.who
), {of_value("candidate", "who")}
SELECT x.first AS time, x.last AS end_time, x.principal, i.access_key_id, CAST(NULL AS VARCHAR) AS workload,
  CAST(NULL AS VARCHAR[]) AS resources,
  CAST(least(4, 2 + CASE WHEN o.first >= x.first THEN 1 ELSE 0 END + {LONG}) AS DOUBLE) AS severity,
  'for the first time ' || {SPOKEN} AS title,
  {
    reasons(
        "'first ' || x.dimension || ' of this after ' || "
        + span("x.began", "x.first")
        + " || ' of its calls, ' || p.held || ' h of them in the logs, in which it had ' || k.values || ' others'",
        "CASE WHEN x.new_before = 0 THEN 'none was new to it since its first hour' ELSE x.new_before"
        " || ' others were new to it since its first hour' END",
        "CASE WHEN o.first >= x.first THEN 'nobody else had it before' ELSE 'others had it before' END",
        "CASE WHEN x.calls <= $few THEN 'rare: ' ELSE '' END || x.calls || ' of its ' || x.of_calls || ' calls'",
        LOST,
    )
} AS reasons, c.ids AS evidence_event_ids, x.calls AS evidence_count
FROM candidate AS x
JOIN past AS p ON p.who = x.who AND p.held >= $past_hours
JOIN known AS k ON k.who = x.who
JOIN others AS o ON o.who = x.who
JOIN cited AS c ON c.who = x.who
JOIN once AS i ON i.who = x.who
ORDER BY x.first, x.who
"""

BEHAVIOUR = Behaviour(
    name="first-seen",
    question="Does a settled principal act, or call from an address or network, with a client or in a Region, for the first time?",
    sources=("cloudtrail",),
    sql=_SQL,
    past=2,
    constants=constants(
        ("new_before", 2, "after its first hour; a principal that always does new things has no settled ways"),
        ("few", 3, "what is done once or twice in a night is seldom its work"),
    ),
    severity="2; 1 more for each: nobody had it before, a day of past; at most 4: several of them at once are new-manner",
    false_positives=(
        "Any new piece of work, and most journeys: one new thing alone is something to keep in mind, not a sign.",
        "Weekly and monthly work, in logs that begin in between.",
        "Clients and networks are told by the words of user agents and by the files that are given.",
    ),
    technique="T1078.004",
    playbook="account-first-look",
)
