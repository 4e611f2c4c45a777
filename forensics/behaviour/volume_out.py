"""A workload sends far more to the internet within minutes than it ever did before."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import (
    ANSWER,
    HOLDER,
    LONG,
    LOST,
    OUT,
    constants,
    hours,
    number,
    past,
    reasons,
    size,
    span,
)

_SQL = f"""
WITH {ANSWER}, {OUT}, {hours("vpc_flow")}, {HOLDER}, began AS (
  SELECT f.interface_id, min(f.start) AS began
  FROM vpc_flow AS f
  WHERE f.action IN ('ACCEPT', 'REJECT')
  GROUP BY f.interface_id
), slice AS (
  SELECT s.interface_id, floor(date_diff('second', TIMESTAMP '1970-01-01', s.start) / (60 * $slice_minutes)) AS slice,
    min(s.account_id) AS account_id, min(s.start) AS first, max(s.until) AS last, sum(s.bytes) AS bytes, count(*) AS records,
    count(DISTINCT s.remote) AS remotes, min(s.instance_id) AS instance_id, min(s.ecs_task_arn) AS ecs_task_arn
  FROM sent AS s
  GROUP BY s.interface_id, floor(date_diff('second', TIMESTAMP '1970-01-01', s.start) / (60 * $slice_minutes))
), ranked AS (
  SELECT s.interface_id, s.slice, s.account_id, s.first, s.last, s.bytes, s.records, s.remotes, s.instance_id, s.ecs_task_arn,
    count(*) OVER earlier AS slices, coalesce(max(s.bytes) OVER earlier, 0) AS most
  FROM slice AS s
  WINDOW earlier AS (PARTITION BY s.interface_id ORDER BY s.slice ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), out_of_line AS (
  SELECT r.interface_id || ' ' || r.slice AS who, r.interface_id, r.slice, r.account_id, b.began, r.first, r.last, r.bytes, r.records,
    r.remotes, r.instance_id, r.ecs_task_arn, r.slices, r.most
  FROM ranked AS r
  JOIN began AS b ON b.interface_id = r.interface_id
  WHERE r.bytes >= $least_bytes
    AND r.bytes >= $factor * r.most
    AND date_diff('second', b.began, r.first) >= 3600 * $past_hours
), {past("out_of_line", "who")}, middle AS (
  SELECT o.who, percentile_cont(0.5) WITHIN GROUP (ORDER BY s.bytes) AS median
  FROM out_of_line AS o
  JOIN slice AS s ON s.interface_id = o.interface_id AND s.slice < o.slice
  GROUP BY o.who
), spread AS (
  SELECT o.who, m.median, percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(s.bytes - m.median)) AS deviation
  FROM out_of_line AS o
  JOIN middle AS m ON m.who = o.who
  JOIN slice AS s ON s.interface_id = o.interface_id AND s.slice < o.slice
  GROUP BY o.who, m.median
), flow AS (
  SELECT o.who, s.flow, s.start, s.remote, s.bytes,
    row_number() OVER (PARTITION BY o.who ORDER BY s.bytes DESC, s.start, s.flow) AS place
  FROM out_of_line AS o
  JOIN sent AS s ON s.interface_id = o.interface_id
    AND floor(date_diff('second', TIMESTAMP '1970-01-01', s.start) / (60 * $slice_minutes)) = o.slice
), cited AS (
  SELECT who, array_agg(flow ORDER BY start, flow) AS ids
  FROM flow
  WHERE place <= $evidence
  GROUP BY who
), remote AS (
  SELECT f.who, f.remote, sum(f.bytes) AS bytes, row_number() OVER (PARTITION BY f.who ORDER BY sum(f.bytes) DESC, f.remote) AS place
  FROM flow AS f
  GROUP BY f.who, f.remote
), owner AS (
  SELECT o.who, CASE WHEN count(DISTINCT h.workload) = 1 THEN min(h.workload) END AS workload
  FROM out_of_line AS o
  JOIN held AS h ON h.interface_id = o.interface_id
    AND coalesce(h.valid_from, o.first) <= o.first AND o.first < coalesce(h.valid_to, o.first + INTERVAL 1 SECOND)
  GROUP BY o.who
)
SELECT o.first AS time, o.last AS end_time, CAST(NULL AS VARCHAR) AS principal, CAST(NULL AS VARCHAR) AS access_key_id,
  coalesce(o.ecs_task_arn, k.workload, w.workload) AS workload, ARRAY[o.interface_id] AS resources,
  CAST(least(8, 5 + CASE WHEN o.bytes >= 10 * $least_bytes THEN 1 ELSE 0 END
    + CASE WHEN o.slices < $slices THEN -1 ELSE 0 END + {LONG}) AS DOUBLE) AS severity,
  {size("o.bytes")} || ' sent to the internet in ' || {number("$slice_minutes", 0)} || ' minutes, at most ' || {
    size("o.most")
} || ' before' AS title,
  {
    reasons(
        size("o.bytes")
        + " || ' to ' || o.remotes || CASE WHEN o.remotes = 1 THEN ' address' ELSE ' addresses' END || ', most of it, '"
        " || " + size("t.bytes") + " || ', to ' || coalesce(a.name || ' (' || t.remote || ')', t.remote)",
        "CASE WHEN d.who IS NULL THEN 'nothing was sent to the internet in the ' || "
        + span("o.began", "o.first")
        + " || ' before' ELSE 'before: at most ' || "
        + size("o.most")
        + " || ', median ' || "
        + size("d.median")
        + " || ', median deviation ' || "
        + size("d.deviation")
        + " || ', over ' || o.slices || ' slices with traffic' END",
        "'its traffic is known for ' || " + span("o.began", "o.first") + " || ', ' || p.held || ' h of it in the logs'",
        LOST,
    )
} AS reasons, i.ids AS evidence_event_ids, o.records AS evidence_count
FROM out_of_line AS o
JOIN past AS p ON p.who = o.who AND p.held >= $past_hours
JOIN cited AS i ON i.who = o.who
JOIN remote AS t ON t.who = o.who AND t.place = 1
LEFT JOIN spread AS d ON d.who = o.who
LEFT JOIN owner AS w ON w.who = o.who
LEFT JOIN instance_key AS k ON k.instance_id = o.instance_id
LEFT JOIN answer AS a ON a.address = t.remote
WHERE d.who IS NULL OR o.bytes >= d.median + $deviations * d.deviation
ORDER BY o.first, o.who
"""

BEHAVIOUR = Behaviour(
    name="volume-out",
    question="Did a workload send far more to the internet within minutes than ever before?",
    sources=("vpc_flow",),
    sql=_SQL,
    past=2,
    constants=constants(
        ("slice_minutes", 10, "the longest aggregation of flow logs: a record lies in one slice, or starts in it"),
        ("least_bytes", 1e6, "less is a request with a picture"),
        ("factor", 3, "of the most before: a busy hour is seldom three times the busiest yet"),
        ("deviations", 10, "median deviations above the median; about 7 standard deviations of a normal spread"),
        ("slices", 6, "a median of fewer says little: the severity is one lower"),
    ),
    severity="5; 1 more for each: 10 times the least volume, a day of past; 1 less with fewer than 6 slices before",
    false_positives=(
        "The first backup, export or nightly transfer in the logs.",
        "Uploads to AWS, where neither pkt-dst-aws-service nor DNS logs say that the address is AWS's.",
    ),
    technique="T1048",
    playbook="egress-and-dns",
)
