"""Beacons in flows: connections to one address on the internet, one after the other at the same interval."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import ANSWER, HOLDER, OUT, constants, number, reasons, span

_SQL = f"""
WITH {ANSWER}, {OUT}, {HOLDER}, began AS (
  SELECT f.interface_id, min(f.start) AS began
  FROM vpc_flow AS f
  WHERE f.action IN ('ACCEPT', 'REJECT')
  GROUP BY f.interface_id
), busy AS (
  SELECT s.interface_id, s.remote, s.dstport
  FROM sent AS s
  GROUP BY s.interface_id, s.remote, s.dstport
  HAVING count(*) >= $connections
    AND count(DISTINCT s.start) >= $connections
    AND date_diff('second', min(s.start), max(s.start)) >= 60 * $least_minutes
), part AS (
  SELECT s.interface_id, s.remote, s.dstport, s.flow, s.start, s.bytes, s.instance_id, s.ecs_task_arn,
    CASE WHEN s.srcport IS NOT NULL AND date_diff('second', max(s.until) OVER (
        PARTITION BY s.interface_id, s.remote, s.dstport, s.srcport ORDER BY s.start, s.flow
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), s.start) <= $aggregation THEN 0 ELSE 1 END AS begins
  FROM sent AS s
  JOIN busy AS b ON b.interface_id = s.interface_id AND b.remote = s.remote AND b.dstport IS NOT DISTINCT FROM s.dstport
), connection AS (
  SELECT p.interface_id, p.remote, p.dstport, p.start, min(p.flow) AS flow, sum(p.bytes) AS bytes,
    min(p.instance_id) AS instance_id, min(p.ecs_task_arn) AS ecs_task_arn
  FROM part AS p
  WHERE p.begins = 1
  GROUP BY p.interface_id, p.remote, p.dstport, p.start
), paused AS (
  SELECT c.interface_id, c.remote, c.dstport, c.flow, c.start, c.bytes, c.instance_id, c.ecs_task_arn,
    date_diff('second', lag(c.start) OVER (PARTITION BY c.interface_id, c.remote, c.dstport ORDER BY c.start), c.start) AS pause
  FROM connection AS c
), usual AS (
  SELECT q.interface_id, q.remote, q.dstport, percentile_cont(0.5) WITHIN GROUP (ORDER BY q.pause) AS median,
    count(*) + 1 AS connections, max(q.pause) AS longest
  FROM paused AS q
  WHERE q.pause IS NOT NULL
  GROUP BY q.interface_id, q.remote, q.dstport
  HAVING count(*) + 1 >= $connections
), spread AS (
  SELECT u.interface_id, u.remote, u.dstport, u.median, u.connections, u.longest,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(q.pause - u.median)) AS deviation
  FROM usual AS u
  JOIN paused AS q ON q.interface_id = u.interface_id AND q.remote = u.remote AND q.dstport IS NOT DISTINCT FROM u.dstport
    AND q.pause IS NOT NULL
  WHERE u.median >= $least_seconds
  GROUP BY u.interface_id, u.remote, u.dstport, u.median, u.connections, u.longest
), regular AS (
  SELECT r.interface_id, r.remote, r.dstport, r.median, r.connections, r.longest, r.deviation,
    count(*) OVER (PARTITION BY r.remote, r.dstport) AS interfaces
  FROM spread AS r
  WHERE r.deviation <= $deviation * r.median
), gathered AS (
  SELECT r.interface_id, r.remote, r.dstport, min(q.start) AS first, max(q.start) AS last, min(q.instance_id) AS instance_id,
    min(q.ecs_task_arn) AS ecs_task_arn, count(DISTINCT q.bytes) AS sizes
  FROM regular AS r
  JOIN paused AS q ON q.interface_id = r.interface_id AND q.remote = r.remote AND q.dstport IS NOT DISTINCT FROM r.dstport
  GROUP BY r.interface_id, r.remote, r.dstport
), placed AS (
  SELECT r.interface_id, r.remote, r.dstport, q.flow, q.start,
    row_number() OVER (PARTITION BY r.interface_id, r.remote, r.dstport ORDER BY q.start, q.flow) AS place
  FROM regular AS r
  JOIN paused AS q ON q.interface_id = r.interface_id AND q.remote = r.remote AND q.dstport IS NOT DISTINCT FROM r.dstport
), cited AS (
  SELECT interface_id, remote, dstport, array_agg(flow ORDER BY start, flow) AS ids
  FROM placed
  WHERE place <= $evidence
  GROUP BY interface_id, remote, dstport
), owner AS (
  SELECT g.interface_id, g.remote, g.dstport, CASE WHEN count(DISTINCT h.workload) = 1 THEN min(h.workload) END AS workload
  FROM gathered AS g
  JOIN held AS h ON h.interface_id = g.interface_id
    AND coalesce(h.valid_from, g.first) <= g.first AND g.first < coalesce(h.valid_to, g.first + INTERVAL 1 SECOND)
  GROUP BY g.interface_id, g.remote, g.dstport
)
SELECT g.first AS time, g.last AS end_time, CAST(NULL AS VARCHAR) AS principal, CAST(NULL AS VARCHAR) AS access_key_id,
  coalesce(g.ecs_task_arn, k.workload, o.workload) AS workload, ARRAY[g.interface_id] AS resources,
  CAST(least(8, 4 + CASE WHEN r.connections >= $many_connections THEN 1 ELSE 0 END
    + CASE WHEN g.sizes <= 3 THEN 1 ELSE 0 END + CASE WHEN coalesce(r.dstport, 443) NOT IN (80, 443) THEN 1 ELSE 0 END
    + CASE WHEN date_diff('second', b.began, g.first) >= 60 * $usual_minutes THEN 1 ELSE -1 END
    - CASE WHEN r.interfaces >= $interfaces THEN 2 ELSE 0 END) AS DOUBLE) AS severity,
  'every ' || {
    number("r.median", 0)
} || ' s a connection to ' || coalesce(a.name || ' (' || r.remote || ')', r.remote) || coalesce(':' || r.dstport, '') AS title,
  {
    reasons(
        "r.connections || ' connections, every '|| "
        + number("r.median")
        + " || ' s ± ' || "
        + number("r.deviation")
        + " || ' s (medians), for ' || "
        + span("g.first", "g.last"),
        "CASE WHEN g.sizes = 1 THEN 'always of the same size' WHEN g.sizes <= 3 THEN 'of ' || g.sizes || ' sizes only' END",
        "CASE WHEN coalesce(r.dstport, 443) NOT IN (80, 443) THEN 'to port ' || r.dstport END",
        "CASE WHEN r.interfaces >= $interfaces THEN r.interfaces || ' interfaces do so: more like a service of the platform' END",
        "CASE WHEN date_diff('second', b.began, g.first) >= 60 * $usual_minutes THEN 'it began ' || "
        + span("b.began", "g.first")
        + " || ' after the first traffic of the interface' ELSE 'so from the first traffic of the interface on: more like its work' END",
        "'the longest pause was ' || " + number("r.longest", 0) + " || ' s'",
    )
} AS reasons, i.ids AS evidence_event_ids, r.connections AS evidence_count
FROM regular AS r
JOIN gathered AS g ON g.interface_id = r.interface_id AND g.remote = r.remote AND g.dstport IS NOT DISTINCT FROM r.dstport
JOIN cited AS i ON i.interface_id = r.interface_id AND i.remote = r.remote AND i.dstport IS NOT DISTINCT FROM r.dstport
JOIN began AS b ON b.interface_id = r.interface_id
LEFT JOIN owner AS o ON o.interface_id = r.interface_id AND o.remote = r.remote AND o.dstport IS NOT DISTINCT FROM r.dstport
LEFT JOIN instance_key AS k ON k.instance_id = g.instance_id
LEFT JOIN answer AS a ON a.address = r.remote
ORDER BY g.first, r.interface_id, r.remote, r.dstport
"""

BEHAVIOUR = Behaviour(
    name="beacon",
    question="Does a workload connect to one address on the internet at the same interval again and again?",
    sources=("vpc_flow",),
    sql=_SQL,
    constants=constants(
        ("connections", 12, "fewer intervals agree by chance"),
        ("least_minutes", 30, "a retry or a start of a program is over by then"),
        ("least_seconds", 10, "shorter intervals are a program at work; flow logs have whole seconds"),
        (
            "aggregation",
            60,
            "seconds between records of the same ports that are still one connection: a long one is cut, `start` may be late",
        ),
        (
            "deviation",
            0.2,
            "of the median interval, as median deviation; of chance arrivals it is 0.7, of even spread 0.5",
        ),
        (
            "usual_minutes",
            60,
            "what a workload does from its first hour on is what it was made for, or it was made for that",
        ),
        ("many_connections", 100, "over an hour and a half at one a minute"),
        ("interfaces", 5, "what five interfaces do alike is more often an agent than an implant"),
    ),
    severity="4; 1 more for each: 100 connections, the same size, a port other than 80 and 443, begun after the first hour, else 1 less; 2 less if 5 interfaces do so",
    false_positives=(
        "Agents of monitoring, licences and updates; webhooks and polls of an API on a timer; scheduled functions.",
        "Health checks that a workload makes of a service on the internet.",
        "AWS's own endpoints, where neither pkt-dst-aws-service nor DNS logs say that they are.",
        "Without ports in the flow log, one long connection, cut by the aggregation interval.",
    ),
    technique="T1071",
    playbook="egress-and-dns",
)
