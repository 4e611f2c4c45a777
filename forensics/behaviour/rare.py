"""A principal with few ways does something a time or two that nobody else does, from where the logs begin."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import CALL, HABIT, SPOKEN, VALUE, constants, of_value, reasons

_SQL = f"""
WITH {CALL}, {HABIT}, {VALUE}, narrow AS (
  SELECT v.principal, v.dimension, count(*) AS values
  FROM value AS v
  JOIN whole AS w ON w.principal = v.principal AND w.calls >= $least_calls
  GROUP BY v.principal, v.dimension
  HAVING count(*) BETWEEN 2 AND $values
), odd AS (
  SELECT v.principal, v.dimension, v.value, v.first, v.last, v.calls, w.calls AS of_calls, n.values
  FROM value AS v
  JOIN narrow AS n ON n.principal = v.principal AND n.dimension = v.dimension
  JOIN whole AS w ON w.principal = v.principal
  WHERE v.calls <= $few
    AND date_diff('second', w.began, v.first) < 3600 * $new_hours
), shared AS (
  SELECT o.dimension, o.value
  FROM odd AS o
  JOIN value AS v ON v.dimension = o.dimension AND v.value = o.value AND v.principal <> o.principal
  GROUP BY o.dimension, o.value
), candidate AS (
  SELECT o.principal || ' ' || o.dimension || ' ' || o.value AS who, o.principal, o.dimension, o.value, o.first, o.last, o.calls,
    o.of_calls, o.values
  FROM odd AS o
  LEFT JOIN shared AS s ON s.dimension = o.dimension AND s.value = o.value
  WHERE s.value IS NULL
), {of_value("candidate", "who")}
SELECT x.first AS time, x.last AS end_time, x.principal, i.access_key_id, CAST(NULL AS VARCHAR) AS workload,
  CAST(NULL AS VARCHAR[]) AS resources,
  CAST(2 + CASE WHEN x.of_calls >= $many_calls THEN 1 ELSE 0 END + CASE WHEN x.values = 2 THEN 1 ELSE 0 END AS DOUBLE) AS severity,
  'rarely ' || {SPOKEN} AS title,
  {
    reasons(
        "x.calls || ' of its ' || x.of_calls || ' calls'",
        "'one of only ' || x.values || ' of the kind (' || x.dimension || ') that it ever had'",
        "'nobody else in the logs ever had it'",
        "'so early in its logs that it cannot be told whether it was new'",
    )
} AS reasons, c.ids AS evidence_event_ids, x.calls AS evidence_count
FROM candidate AS x
JOIN cited AS c ON c.who = x.who
JOIN once AS i ON i.who = x.who
ORDER BY x.first, x.who
"""

BEHAVIOUR = Behaviour(
    name="rare",
    question="Does a principal with few ways do something a time or two that nobody else does, too early to be told as new?",
    sources=("cloudtrail",),
    sql=_SQL,
    constants=constants(
        ("least_calls", 200, "of fewer calls most things are rare"),
        ("many_calls", 2000, "the rarest thing of so many stands out"),
        ("values", 6, "who does many kinds of things does some of them rarely"),
        ("few", 3, "calls: a try, and two more"),
        ("new_hours", 2, "what comes later is told by first-seen"),
    ),
    severity="2; 1 more for each: 2,000 calls, only one other of the kind",
    false_positives=(
        "What a program does once when it starts: its identity, its configuration.",
        "A person who was at another place when the logs begin.",
    ),
    technique="T1078.004",
    playbook="account-first-look",
)
