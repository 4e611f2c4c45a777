"""A principal that has a past does, within minutes, many things that it and everybody else never did before."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import CALL, LONG, LOST, constants, hours, past, reasons, span

_SQL = f"""
WITH {CALL}, {hours("cloudtrail")}, began AS (
  SELECT principal, min(time) AS began
  FROM call
  GROUP BY principal
), account_first AS (
  SELECT account_id, action, min(time) AS first
  FROM call
  GROUP BY account_id, action
), own_first AS (
  SELECT c.principal, c.account_id, c.action, b.began, min(c.time) AS time, arg_min(c.event_id, (c.time, c.event_id)) AS event_id,
    arg_min(c.outcome, (c.time, c.event_id)) AS outcome, arg_min(c.access_key_id, (c.time, c.event_id)) AS access_key_id
  FROM call AS c
  JOIN began AS b ON b.principal = c.principal
  GROUP BY c.principal, c.account_id, c.action, b.began
  HAVING date_diff('second', b.began, min(c.time)) >= 3600 * $past_hours
), spaced AS (
  SELECT o.principal, o.account_id, o.action, o.began, o.time, o.event_id, o.outcome, o.access_key_id, a.first = o.time AS of_nobody,
    CASE WHEN date_diff('second', lag(o.time) OVER (PARTITION BY o.principal, o.account_id ORDER BY o.time, o.action), o.time)
      <= 60 * $gap_minutes THEN 0 ELSE 1 END AS starts
  FROM own_first AS o
  JOIN account_first AS a ON a.account_id IS NOT DISTINCT FROM o.account_id AND a.action = o.action
), numbered AS (
  SELECT s.principal, s.account_id, s.action, s.began, s.time, s.event_id, s.outcome, s.access_key_id, s.of_nobody,
    sum(s.starts) OVER (PARTITION BY s.principal, s.account_id ORDER BY s.time, s.action) AS burst
  FROM spaced AS s
), found AS (
  SELECT n.principal || ' ' || coalesce(n.account_id, '') || ' ' || n.burst AS who, n.principal, n.account_id, n.began,
    min(n.time) AS first, max(n.time) AS last, count(*) AS actions, count(CASE WHEN n.of_nobody THEN 1 END) AS of_nobody,
    count(CASE WHEN n.outcome = 'denied' THEN 1 END) AS denied, min(n.action) AS one_action, max(n.action) AS another_action,
    count(DISTINCT split_part(n.action, ':', 1)) AS services, count(DISTINCT n.access_key_id) AS keys,
    min(n.access_key_id) AS access_key_id, array_agg(n.event_id ORDER BY n.time, n.event_id) AS ids
  FROM numbered AS n
  GROUP BY n.principal, n.account_id, n.began, n.burst
  HAVING count(*) >= $actions
    AND count(CASE WHEN n.of_nobody THEN 1 END) >= $of_nobody
), {past("found", "who")}
SELECT x.first AS time, x.last AS end_time, x.principal, CASE WHEN x.keys = 1 THEN x.access_key_id END AS access_key_id,
  CAST(NULL AS VARCHAR) AS workload, CAST(NULL AS VARCHAR[]) AS resources,
  CAST(least(9, 4 + CASE WHEN x.of_nobody >= 2 * $of_nobody THEN 1 ELSE 0 END + CASE WHEN x.services >= 3 THEN 1 ELSE 0 END
    + CASE WHEN x.denied > 0 THEN 1 ELSE 0 END + {LONG}) AS DOUBLE) AS severity,
  x.actions || ' actions for the first time within ' || {span("x.first", "x.last")} AS title,
  {
    reasons(
        "x.actions || ' actions of ' || x.services || ' services that it did not do in the ' || "
        + span("x.began", "x.first")
        + " || ' of its calls before, ' || p.held || ' h of them in the logs'",
        "x.of_nobody || ' of them nobody else had done in the account'",
        "'within ' || " + span("x.first", "x.last") + " || ', such as ' || x.one_action || ', ' || x.another_action",
        "CASE WHEN x.denied > 0 THEN 'denied: ' || x.denied || ' of them' END",
        LOST,
    )
} AS reasons, x.ids AS evidence_event_ids, x.actions AS evidence_count
FROM found AS x
JOIN past AS p ON p.who = x.who AND p.held >= $past_hours
ORDER BY x.first, x.principal
"""

BEHAVIOUR = Behaviour(
    name="new-actions",
    question="Does a principal do many things at once that it, and nobody else, did before?",
    sources=("cloudtrail",),
    sql=_SQL,
    past=2,
    constants=constants(
        ("gap_minutes", 10, "a person or script that looks around pauses for less"),
        ("actions", 5, "a new piece of work brings two or three actions, a look around brings more"),
        ("of_nobody", 2, "what colleagues do all day is no sign"),
    ),
    severity="4; 1 more for each: twice as many of nobody, 3 services, a denial, a day of past",
    false_positives=(
        "A deployment that uses a service for the first time.",
        "A person with wide rights who looks after something rare: audit, costs, an incident.",
    ),
    technique="T1580",
    playbook="account-first-look",
)
