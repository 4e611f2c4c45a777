"""Beacons in DNS: one asker asks for one name at the same interval, for long."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import ASKED, constants, number, reasons, span

_SQL = f"""
WITH {ASKED}, question AS (
  SELECT a.asker, a.domain, a.time, min(a.query) AS query, min(a.who) AS who, min(a.vpc_id) AS vpc_id,
    min(a.registered) AS registered
  FROM asked AS a
  GROUP BY a.asker, a.domain, a.time
), busy AS (
  SELECT q.asker, q.domain
  FROM question AS q
  GROUP BY q.asker, q.domain
  HAVING count(*) >= $queries
    AND date_diff('second', min(q.time), max(q.time)) >= 60 * $least_minutes
), paused AS (
  SELECT q.asker, q.domain, q.time, q.query, q.who, q.vpc_id, q.registered,
    date_diff('millisecond', lag(q.time) OVER (PARTITION BY q.asker, q.domain ORDER BY q.time), q.time) / 1000.0 AS pause
  FROM question AS q
  JOIN busy AS b ON b.asker = q.asker AND b.domain = q.domain
), apart AS (
  SELECT p.asker, p.domain, p.time, p.query, p.pause
  FROM paused AS p
  WHERE p.pause >= $same_seconds
), usual AS (
  SELECT a.asker, a.domain, percentile_cont(0.5) WITHIN GROUP (ORDER BY a.pause) AS median, count(*) + 1 AS queries,
    max(a.pause) AS longest
  FROM apart AS a
  GROUP BY a.asker, a.domain
  HAVING count(*) + 1 >= $queries
), spread AS (
  SELECT u.asker, u.domain, u.median, u.queries, u.longest,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(a.pause - u.median)) AS deviation
  FROM usual AS u
  JOIN apart AS a ON a.asker = u.asker AND a.domain = u.domain
  WHERE u.median >= $least_seconds
  GROUP BY u.asker, u.domain, u.median, u.queries, u.longest
), askers AS (
  SELECT q.domain, count(DISTINCT q.asker) AS askers
  FROM question AS q
  GROUP BY q.domain
), regular AS (
  SELECT s.asker, s.domain, s.median, s.queries, s.longest, s.deviation, n.askers
  FROM spread AS s
  JOIN askers AS n ON n.domain = s.domain
  WHERE s.deviation <= $deviation * s.median
), gathered AS (
  SELECT r.asker, r.domain, min(p.time) AS first, max(p.time) AS last, min(p.who) AS who, min(p.vpc_id) AS vpc_id
  FROM regular AS r
  JOIN paused AS p ON p.asker = r.asker AND p.domain = r.domain
  GROUP BY r.asker, r.domain
), placed AS (
  SELECT r.asker, r.domain, p.query, p.time, row_number() OVER (PARTITION BY r.asker, r.domain ORDER BY p.time, p.query) AS place
  FROM regular AS r
  JOIN paused AS p ON p.asker = r.asker AND p.domain = r.domain
), cited AS (
  SELECT asker, domain, array_agg(query ORDER BY time, query) AS ids
  FROM placed
  WHERE place <= $evidence
  GROUP BY asker, domain
)
SELECT g.first AS time, g.last AS end_time, CAST(NULL AS VARCHAR) AS principal, CAST(NULL AS VARCHAR) AS access_key_id,
  CAST(NULL AS VARCHAR) AS workload, ARRAY[r.domain, g.who] AS resources,
  CAST(4 + CASE WHEN r.queries >= $many_queries THEN 1 ELSE 0 END - CASE WHEN r.askers >= $askers THEN 2 ELSE 0 END
    + CASE WHEN r.deviation <= $steady * r.median AND r.median > $longest_ttl THEN 1 ELSE 0 END AS DOUBLE) AS severity,
  g.who || ' asks for ' || r.domain || ' every ' || {number("r.median", 0)} || ' s' AS title,
  {
    reasons(
        "r.queries || ' queries, every ' || "
        + number("r.median")
        + " || ' s ± ' || "
        + number("r.deviation")
        + " || ' s (medians), for ' || "
        + span("g.first", "g.last"),
        "CASE WHEN r.median > $longest_ttl THEN 'longer apart than most answers are kept' ELSE 'the Resolver logs a name again only once its answer"
        " has run out: the interval may be that of its answer' END",
        "CASE WHEN r.askers >= $askers THEN r.askers || ' ask for that name: more like a service of the platform' END",
        "'the longest pause was ' || " + number("r.longest", 0) + " || ' s'",
    )
} AS reasons, i.ids AS evidence_event_ids, r.queries AS evidence_count
FROM regular AS r
JOIN gathered AS g ON g.asker = r.asker AND g.domain = r.domain
JOIN cited AS i ON i.asker = r.asker AND i.domain = r.domain
ORDER BY g.first, r.asker, r.domain
"""

BEHAVIOUR = Behaviour(
    name="dns-beacon",
    question="Does a workload ask for one name at the same interval again and again?",
    sources=("route53_resolver",),
    sql=_SQL,
    constants=constants(
        ("queries", 12, "fewer intervals agree by chance"),
        ("least_minutes", 30, "a retry or a start of a program is over by then"),
        ("same_seconds", 2, "A and AAAA, and both tries of a resolver, are one question"),
        ("least_seconds", 20, "shorter intervals are a program at work"),
        ("deviation", 0.1, "of the median interval, as median deviation; of chance arrivals it is 0.7"),
        ("steady", 0.05, "a timer without jitter"),
        ("longest_ttl", 300, "common answers are kept for 60 or 300 seconds: a longer interval is the asker's own"),
        ("many_queries", 100, "over an hour and a half at one a minute"),
        ("askers", 5, "what five ask for alike is more often an agent than an implant"),
    ),
    severity="4; 1 more for each: 100 queries, steady and longer apart than answers are kept; 2 less if 5 ask for the name",
    false_positives=(
        "Any name in steady use: the Resolver logs it once for each time its answer runs out.",
        "Agents of monitoring, licences and updates.",
    ),
    technique="T1071.004",
    playbook="egress-and-dns",
)
