"""A workload asks for a domain that neither it nor anybody else asked for before."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import ASKED, LONG, LOST, constants, hours, past, reasons, span

_SQL = f"""
WITH {ASKED}, {hours("route53_resolver")}, began AS (
  SELECT a.asker, min(a.time) AS began, count(DISTINCT a.registered) AS domains
  FROM asked AS a
  GROUP BY a.asker
), domain_first AS (
  SELECT a.registered, min(a.time) AS first, count(DISTINCT a.asker) AS askers
  FROM asked AS a
  GROUP BY a.registered
), own AS (
  SELECT a.asker, a.registered, min(a.time) AS first, max(a.time) AS last, count(*) AS queries, min(a.account_id) AS account_id,
    min(a.who) AS who, min(a.domain) AS one
  FROM asked AS a
  GROUP BY a.asker, a.registered
), turn AS (
  SELECT o.asker || ' ' || o.registered AS candidate, o.asker, o.registered, o.first, o.last, o.queries, o.account_id, o.who, o.one,
    b.began, d.askers, d.first >= o.first AS of_nobody,
    count(*) OVER (PARTITION BY o.asker ORDER BY o.first, o.registered) - 1 AS known_before,
    count(CASE WHEN date_diff('second', b.began, o.first) >= 3600 THEN 1 END) OVER (
      PARTITION BY o.asker ORDER BY o.first, o.registered ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS new_before
  FROM own AS o
  JOIN began AS b ON b.asker = o.asker
  JOIN domain_first AS d ON d.registered = o.registered
), candidate AS (
  SELECT t.candidate, t.asker, t.registered, t.first, t.last, t.queries, t.account_id, t.who, t.one, t.began, t.askers, t.known_before
  FROM turn AS t
  WHERE t.of_nobody
    AND t.new_before <= $new_before
    AND date_diff('second', t.began, t.first) >= 3600 * $past_hours
), {past("candidate", "candidate")}, placed AS (
  SELECT c.candidate, a.query, a.time, row_number() OVER (PARTITION BY c.candidate ORDER BY a.time, a.query) AS place
  FROM candidate AS c
  JOIN asked AS a ON a.asker = c.asker AND a.registered = c.registered
), cited AS (
  SELECT candidate, array_agg(query ORDER BY time, query) AS ids
  FROM placed
  WHERE place <= $evidence
  GROUP BY candidate
)
SELECT c.first AS time, c.last AS end_time, CAST(NULL AS VARCHAR) AS principal, CAST(NULL AS VARCHAR) AS access_key_id,
  CAST(NULL AS VARCHAR) AS workload, ARRAY[c.registered, c.who] AS resources,
  CAST(3 + CASE WHEN c.askers = 1 THEN 1 ELSE 0 END + {LONG} AS DOUBLE) AS severity,
  c.who || ' asked for ' || c.one || ', the first name under ' || c.registered AS title,
  {
    reasons(
        "'in ' || "
        + span("c.began", "c.first")
        + " || ' of its queries before, ' || p.held || ' h of them in the logs, ' || c.known_before || ' other domains'",
        "'nobody had asked for a name under ' || c.registered",
        "c.queries || CASE WHEN c.queries = 1 THEN ' query' ELSE ' queries' END || CASE WHEN c.askers = 1 THEN ', and nobody"
        " else asked since' ELSE '; ' || c.askers || ' asked since' END",
        LOST,
    )
} AS reasons, i.ids AS evidence_event_ids, c.queries AS evidence_count
FROM candidate AS c
JOIN past AS p ON p.candidate = c.candidate AND p.held >= $past_hours
JOIN cited AS i ON i.candidate = c.candidate
ORDER BY c.first, c.candidate
"""

BEHAVIOUR = Behaviour(
    name="new-domain",
    question="Does a workload whose domains were stable ask for one that nobody asked for before?",
    sources=("route53_resolver",),
    sql=_SQL,
    past=2,
    constants=constants(
        (
            "new_before",
            2,
            "after its first hour; a workload that always asks for new domains, such as a browser, has no past",
        ),
    ),
    severity="3; 1 more for each: nobody else asked since, a day of past",
    false_positives=("Updates of software; a release that calls another service; a link that is followed once.",),
    technique="T1071.004",
    playbook="egress-and-dns",
)
