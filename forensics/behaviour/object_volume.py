"""A principal reads far more from S3 within minutes than it ever did before."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import CALL, LONG, LOST, constants, hours, number, past, reasons, size, span

_SQL = f"""
WITH {CALL}, {hours("cloudtrail")}, began AS (
  SELECT principal, min(time) AS began
  FROM call
  GROUP BY principal
), read AS (
  SELECT c.principal, c.account_id, c.event_id, c.time, c.access_key_id, c.address, c.bytes,
    floor(date_diff('second', TIMESTAMP '1970-01-01', c.time) / (60 * $slice_minutes)) AS slice
  FROM call AS c
  WHERE c.action LIKE 's3:GetObject%'
    AND c.bytes > 0
), slice AS (
  SELECT r.principal, r.slice, min(r.account_id) AS account_id, min(r.time) AS first, max(r.time) AS last, count(*) AS objects,
    sum(r.bytes) AS bytes, count(DISTINCT r.access_key_id) AS keys, min(r.access_key_id) AS access_key_id
  FROM read AS r
  GROUP BY r.principal, r.slice
), ranked AS (
  SELECT s.principal, s.slice, s.account_id, s.first, s.last, s.objects, s.bytes, s.keys, s.access_key_id,
    count(*) OVER before AS slices, coalesce(max(s.bytes) OVER before, 0) AS most
  FROM slice AS s
  WINDOW before AS (PARTITION BY s.principal ORDER BY s.slice ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), out_of_line AS (
  SELECT r.principal || ' ' || r.slice AS who, r.principal, r.slice, r.account_id, b.began, r.first, r.last, r.objects, r.bytes,
    r.keys, r.access_key_id, r.slices, r.most
  FROM ranked AS r
  JOIN began AS b ON b.principal = r.principal
  WHERE r.bytes >= $least_bytes
    AND r.bytes >= $factor * r.most
    AND date_diff('second', b.began, r.first) >= 3600 * $past_hours
), {past("out_of_line", "who")}, middle AS (
  SELECT o.who, percentile_cont(0.5) WITHIN GROUP (ORDER BY s.bytes) AS median
  FROM out_of_line AS o
  JOIN slice AS s ON s.principal = o.principal AND s.slice < o.slice
  GROUP BY o.who
), spread AS (
  SELECT o.who, m.median, percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(s.bytes - m.median)) AS deviation
  FROM out_of_line AS o
  JOIN middle AS m ON m.who = o.who
  JOIN slice AS s ON s.principal = o.principal AND s.slice < o.slice
  GROUP BY o.who, m.median
), placed AS (
  SELECT o.who, r.event_id, r.time, r.address, r.bytes,
    row_number() OVER (PARTITION BY o.who ORDER BY r.bytes DESC, r.time, r.event_id) AS place
  FROM out_of_line AS o
  JOIN read AS r ON r.principal = o.principal AND r.slice = o.slice
), cited AS (
  SELECT who, array_agg(event_id ORDER BY time, event_id) AS ids
  FROM placed
  WHERE place <= $evidence
  GROUP BY who
), taker AS (
  SELECT p.who, p.address, sum(p.bytes) AS bytes, count(*) OVER (PARTITION BY p.who) AS addresses,
    row_number() OVER (PARTITION BY p.who ORDER BY sum(p.bytes) DESC, p.address) AS place
  FROM placed AS p
  GROUP BY p.who, p.address
)
SELECT o.first AS time, o.last AS end_time, o.principal, CASE WHEN o.keys = 1 THEN o.access_key_id END AS access_key_id,
  CAST(NULL AS VARCHAR) AS workload, CAST(NULL AS VARCHAR[]) AS resources,
  CAST(least(8, 5 + CASE WHEN o.bytes >= 10 * $least_bytes THEN 1 ELSE 0 END
    + CASE WHEN o.slices < $slices THEN -1 ELSE 0 END + {LONG}) AS DOUBLE) AS severity,
  {size("o.bytes")} || ' read from S3 in ' || {number("$slice_minutes", 0)} || ' minutes, at most ' || {
    size("o.most")
} || ' before' AS title,
  {
    reasons(
        size("o.bytes")
        + " || ' in ' || o.objects || ' objects' || CASE WHEN t.addresses = 1 THEN ', all from ' || t.address ELSE ', most of it, '"
        " || " + size("t.bytes") + " || ', from ' || t.address END",
        "CASE WHEN d.who IS NULL THEN 'it read nothing from S3 in the ' || "
        + span("o.began", "o.first")
        + " || ' before' ELSE 'before: at most ' || "
        + size("o.most")
        + " || ', median ' || "
        + size("d.median")
        + " || ', median deviation ' || "
        + size("d.deviation")
        + " || ', over ' || o.slices || ' slices with reads' END",
        "'its calls are known for ' || "
        + span("o.began", "o.first")
        + " || ', ' || p.held || ' h of them in the logs'",
        LOST,
    )
} AS reasons, i.ids AS evidence_event_ids, o.objects AS evidence_count
FROM out_of_line AS o
JOIN past AS p ON p.who = o.who AND p.held >= $past_hours
JOIN cited AS i ON i.who = o.who
JOIN taker AS t ON t.who = o.who AND t.place = 1
LEFT JOIN spread AS d ON d.who = o.who
WHERE d.who IS NULL OR o.bytes >= d.median + $deviations * d.deviation
ORDER BY o.first, o.principal
"""

BEHAVIOUR = Behaviour(
    name="object-volume",
    question="Did a principal read far more from S3 within minutes than ever before?",
    sources=("cloudtrail",),
    sql=_SQL,
    past=2,
    constants=constants(
        ("slice_minutes", 10, "as long as the longest aggregation of flow logs, so that both volumes compare"),
        ("least_bytes", 4e6, "below it a single picture or archive decides"),
        ("factor", 3, "of the most before: a busy hour is seldom three times the busiest yet"),
        ("deviations", 10, "median deviations above the median; about 7 standard deviations of a normal spread"),
        ("slices", 6, "a median of fewer says little: the severity is one lower"),
    ),
    severity="5; 1 more for each: 10 times the least volume, a day of past; 1 less with fewer than 6 slices before",
    false_positives=(
        "The first nightly job, backup or report in the logs.",
        "A release that reads all objects once.",
    ),
    technique="T1530",
    playbook="s3-exfiltration",
)
