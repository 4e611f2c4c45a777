"""Data in DNS: many long names under one domain, each asked for once."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import ASKED, constants, number, reasons, size, span

_SQL = f"""
WITH {ASKED}, long_name AS (
  SELECT a.asker, a.who, a.query, a.time, a.domain, a.registered, a.query_type,
    length(a.domain) - length(a.registered) - 1 AS carried
  FROM asked AS a
  WHERE length(a.domain) - length(a.registered) - 1 >= $least_length
), found AS (
  SELECT n.asker, n.registered, min(n.who) AS who, min(n.time) AS first, max(n.time) AS last, count(*) AS queries,
    count(DISTINCT n.domain) AS names, sum(n.carried) AS carried, min(n.domain) AS one,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY n.carried) AS median,
    count(CASE WHEN n.query_type IN ('TXT', 'NULL', 'CNAME', 'MX', 'TYPE10') THEN 1 END) AS odd_types
  FROM long_name AS n
  GROUP BY n.asker, n.registered
  HAVING count(DISTINCT n.domain) >= $names
    AND count(DISTINCT n.domain) >= $once * count(*)
), placed AS (
  SELECT n.asker, n.registered, n.query, n.time,
    row_number() OVER (PARTITION BY n.asker, n.registered ORDER BY n.time, n.query) AS place
  FROM long_name AS n
  JOIN found AS f ON f.asker = n.asker AND f.registered = n.registered
), cited AS (
  SELECT asker, registered, array_agg(query ORDER BY time, query) AS ids
  FROM placed
  WHERE place <= $evidence
  GROUP BY asker, registered
), askers AS (
  SELECT n.registered, count(DISTINCT n.asker) AS askers
  FROM long_name AS n
  GROUP BY n.registered
)
SELECT f.first AS time, f.last AS end_time, CAST(NULL AS VARCHAR) AS principal, CAST(NULL AS VARCHAR) AS access_key_id,
  CAST(NULL AS VARCHAR) AS workload, ARRAY[f.registered, f.who] AS resources,
  CAST(5 + CASE WHEN 2 * f.odd_types >= f.queries THEN 1 ELSE 0 END + CASE WHEN f.carried >= $much THEN 1 ELSE 0 END
    - CASE WHEN n.askers >= $askers THEN 2 ELSE 0 END AS DOUBLE) AS severity,
  f.who || ' asked for ' || f.names || ' long names under ' || f.registered AS title,
  {
    reasons(
        "f.names || ' different names in ' || f.queries || ' queries within ' || "
        + span("f.first", "f.last")
        + " || ', such as ' || f.one",
        "'median ' || "
        + number("f.median", 0)
        + " || ' characters before the domain, ' || "
        + size("f.carried")
        + " || ' of them in all'",
        "CASE WHEN f.odd_types > 0 THEN f.odd_types || ' queries of types that carry text (TXT, NULL, CNAME, MX)' END",
        "CASE WHEN n.askers >= $askers THEN n.askers || ' ask under that domain: more like a service of the platform' END",
    )
} AS reasons, i.ids AS evidence_event_ids, f.queries AS evidence_count
FROM found AS f
JOIN cited AS i ON i.asker = f.asker AND i.registered = f.registered
JOIN askers AS n ON n.registered = f.registered
ORDER BY f.first, f.asker, f.registered
"""

BEHAVIOUR = Behaviour(
    name="dns-tunnel",
    question="Does a workload send data in the names it asks for?",
    sources=("route53_resolver",),
    sql=_SQL,
    constants=constants(
        (
            "least_length",
            25,
            "characters before the domain; host names are shorter, encoded data fills the 63 of a label",
        ),
        ("names", 30, "30 names of 25 characters carry a key or a token"),
        ("once", 0.8, "data is asked for once, hosts again and again"),
        ("much", 10_000, "characters: a document"),
        ("askers", 5, "what five do alike is more often a product than an implant"),
    ),
    severity="5; 1 more for each: mostly types that carry text, 10,000 characters; 2 less if 5 do so",
    false_positives=(
        "Products that look up reputation by DNS: mail filters, virus scanners, block lists.",
        "Content networks and storage with a name for each customer or object.",
        "AWS's own names are left out, and so would be a tunnel through a name of AWS.",
    ),
    technique="T1572",
    playbook="egress-and-dns",
)
