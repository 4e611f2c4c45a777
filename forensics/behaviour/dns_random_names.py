"""Names in DNS that nobody would choose: many registered domains that a program made up."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import ASKED, constants, number, reasons, span

_SQL = f"""
WITH {ASKED}, label AS (
  SELECT DISTINCT a.registered, split_part(a.registered, '.', 1) AS label
  FROM asked AS a
  WHERE length(split_part(a.registered, '.', 1)) >= $least_length
    AND split_part(a.registered, '.', 1) NOT LIKE 'xn--%'
), sign AS (
  SELECT l.registered, substr(l.label, CAST(u.place AS INTEGER), 1) AS sign, count(*) AS times, max(length(l.label)) AS size
  FROM label AS l, unnest(generate_series(1, 63)) AS u(place)
  WHERE u.place <= length(l.label)
  GROUP BY l.registered, substr(l.label, CAST(u.place AS INTEGER), 1)
), measured AS (
  SELECT s.registered, max(s.size) AS size, -sum(1.0 * s.times / s.size * ln(1.0 * s.times / s.size) / ln(2)) AS entropy,
    1.0 * sum(CASE WHEN s.sign IN ('a', 'e', 'i', 'o', 'u', 'y') THEN s.times ELSE 0 END) / max(s.size) AS vowels,
    1.0 * sum(CASE WHEN '0' <= s.sign AND s.sign <= '9' THEN s.times ELSE 0 END) / max(s.size) AS digits
  FROM sign AS s
  GROUP BY s.registered
), generated AS (
  SELECT m.registered, m.entropy
  FROM measured AS m
  WHERE m.entropy >= $entropy
    AND (m.vowels <= $vowels OR m.digits >= $digits OR regexp_matches(m.registered, '^[^.]*[bcdfghjklmnpqrstvwxz]{{5}}'))
), query AS (
  SELECT a.asker, a.who, a.query, a.time, a.domain, a.registered, a.rcode, g.entropy,
    CASE WHEN date_diff('second', lag(a.time) OVER (PARTITION BY a.asker ORDER BY a.time, a.query), a.time)
      <= 60 * $gap_minutes THEN 0 ELSE 1 END AS starts
  FROM asked AS a
  JOIN generated AS g ON g.registered = a.registered
), numbered AS (
  SELECT q.asker, q.who, q.query, q.time, q.domain, q.registered, q.rcode, q.entropy,
    sum(q.starts) OVER (PARTITION BY q.asker ORDER BY q.time, q.query) AS burst
  FROM query AS q
), found AS (
  SELECT n.asker, n.burst, min(n.who) AS who, min(n.time) AS first, max(n.time) AS last, count(*) AS queries,
    count(DISTINCT n.registered) AS domains, count(DISTINCT CASE WHEN n.rcode = 'NXDOMAIN' THEN n.registered END) AS missing,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY n.entropy) AS entropy, min(n.registered) AS one, max(n.registered) AS another,
    min(CASE WHEN n.rcode = 'NOERROR' THEN n.registered END) AS reached
  FROM numbered AS n
  GROUP BY n.asker, n.burst
  HAVING count(DISTINCT n.registered) >= $domains
), placed AS (
  SELECT n.asker, n.burst, n.query, n.time, row_number() OVER (PARTITION BY n.asker, n.burst ORDER BY n.time, n.query) AS place
  FROM numbered AS n
  JOIN found AS f ON f.asker = n.asker AND f.burst = n.burst
), cited AS (
  SELECT asker, burst, array_agg(query ORDER BY time, query) AS ids
  FROM placed
  WHERE place <= $evidence
  GROUP BY asker, burst
)
SELECT f.first AS time, f.last AS end_time, CAST(NULL AS VARCHAR) AS principal, CAST(NULL AS VARCHAR) AS access_key_id,
  CAST(NULL AS VARCHAR) AS workload, ARRAY[coalesce(f.reached, f.one), f.who] AS resources,
  CAST(4 + CASE WHEN 2 * f.missing >= f.domains THEN 1 ELSE 0 END + CASE WHEN f.domains >= 4 * $domains THEN 1 ELSE 0 END
    + CASE WHEN f.missing > 0 AND f.reached IS NOT NULL THEN 1 ELSE 0 END AS DOUBLE) AS severity,
  f.who || ' asked for ' || f.domains || ' domains whose names look made up' AS title,
  {
    reasons(
        "f.domains || ' domains in ' || f.queries || ' queries within ' || "
        + span("f.first", "f.last")
        + " || ', such as ' || f.one || ', ' || f.another",
        "'median entropy ' || " + number("f.entropy", 2) + " || ' bits a character'",
        "CASE WHEN f.missing > 0 THEN f.missing || ' of them do not exist (NXDOMAIN)' END",
        "CASE WHEN f.missing > 0 AND f.reached IS NOT NULL THEN 'one that exists: ' || f.reached END",
    )
} AS reasons, i.ids AS evidence_event_ids, f.queries AS evidence_count
FROM found AS f
JOIN cited AS i ON i.asker = f.asker AND i.burst = f.burst
ORDER BY f.first, f.asker
"""

BEHAVIOUR = Behaviour(
    name="dns-random-names",
    question="Does a workload ask for many domains whose names look made up by a program?",
    sources=("route53_resolver",),
    sql=_SQL,
    constants=constants(
        ("least_length", 8, "shorter names have too few characters to tell"),
        ("entropy", 2.75, "bits a character: of 8 different ones it is 3, of English words of 10 letters 2.6 to 3.1"),
        ("vowels", 0.2, "English has 0.4, chance letters 0.23"),
        ("digits", 0.25, "names of companies end in one or two at most"),
        ("domains", 5, "one or two odd names are of an advertiser or a content network"),
        ("gap_minutes", 60, "a program that looks for its server tries several names an hour"),
    ),
    severity="4; 1 more for each: half do not exist, 20 domains, one exists among those that do not",
    false_positives=(
        "Content networks, trackers and short links with domains of chance letters, in traffic of browsers.",
        "Names in other alphabets and languages; abbreviations. Names that begin with xn-- are left out.",
        "Lists of blocked domains that a scanner tests.",
    ),
    technique="T1568.002",
    playbook="egress-and-dns",
)
