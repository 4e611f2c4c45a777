"""One connection to an address on the internet that stays open: a shell, a tunnel, a miner's pool."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import ANSWER, HOLDER, OUT, constants, reasons, size, span

_SQL = f"""
WITH {ANSWER}, {OUT}, {HOLDER}, kept AS (
  SELECT s.interface_id || ' ' || s.remote || ' ' || s.dstport || ' ' || s.srcport AS who, s.interface_id, s.remote, s.dstport,
    min(s.start) AS first, max(s.until) AS last, count(*) AS records, sum(s.bytes) AS sent,
    sum(date_diff('second', s.start, s.until) + 1) AS covered, min(s.instance_id) AS instance_id,
    min(s.ecs_task_arn) AS ecs_task_arn
  FROM sent AS s
  WHERE s.dstport IS NOT NULL
    AND s.srcport IS NOT NULL
    AND s.dstport NOT IN (80, 443)
    AND s.protocol = 6
  GROUP BY s.interface_id, s.remote, s.dstport, s.srcport
  HAVING date_diff('second', min(s.start), max(s.until)) >= 60 * $least_minutes
    AND sum(date_diff('second', s.start, s.until) + 1) >= $share * date_diff('second', min(s.start), max(s.until))
), counted AS (
  SELECT k.who, k.interface_id, k.remote, k.dstport, k.first, k.last, k.records, k.sent, k.instance_id, k.ecs_task_arn,
    count(*) OVER (PARTITION BY k.remote, k.dstport) AS alike
  FROM kept AS k
), placed AS (
  SELECT c.who, s.flow, s.start, row_number() OVER (PARTITION BY c.who ORDER BY s.start, s.flow) AS place
  FROM counted AS c
  JOIN sent AS s ON s.interface_id = c.interface_id AND s.remote = c.remote AND s.dstport = c.dstport
    AND c.who = s.interface_id || ' ' || s.remote || ' ' || s.dstport || ' ' || s.srcport
), cited AS (
  SELECT who, array_agg(flow ORDER BY start, flow) AS ids
  FROM placed
  WHERE place <= $evidence
  GROUP BY who
), owner AS (
  SELECT c.who, CASE WHEN count(DISTINCT h.workload) = 1 THEN min(h.workload) END AS workload
  FROM counted AS c
  JOIN held AS h ON h.interface_id = c.interface_id
    AND coalesce(h.valid_from, c.first) <= c.first AND c.first < coalesce(h.valid_to, c.first + INTERVAL 1 SECOND)
  GROUP BY c.who
)
SELECT c.first AS time, c.last AS end_time, CAST(NULL AS VARCHAR) AS principal, CAST(NULL AS VARCHAR) AS access_key_id,
  coalesce(c.ecs_task_arn, k.workload, o.workload) AS workload, ARRAY[c.interface_id] AS resources,
  CAST(4 + CASE WHEN c.alike >= $alike THEN 1 ELSE 0 END + CASE WHEN c.dstport NOT IN (22, 3306, 5432, 5671, 8883, 27017) THEN 1 ELSE 0 END
    AS DOUBLE) AS severity,
  'open for ' || {
    span("c.first", "c.last")
} || ': a connection to ' || coalesce(a.name || ' (' || c.remote || ')', c.remote) || ':' || c.dstport AS title,
  {
    reasons(
        "'one connection to port ' || c.dstport || ', open for ' || "
        + span("c.first", "c.last")
        + " || ', ' || "
        + size("c.sent")
        + " || ' sent'",
        "CASE WHEN c.alike >= $alike THEN c.alike || ' such connections to that address and port' END",
    )
} AS reasons, i.ids AS evidence_event_ids, c.records AS evidence_count
FROM counted AS c
JOIN cited AS i ON i.who = c.who
LEFT JOIN owner AS o ON o.who = c.who
LEFT JOIN instance_key AS k ON k.instance_id = c.instance_id
LEFT JOIN answer AS a ON a.address = c.remote
ORDER BY c.first, c.who
"""

BEHAVIOUR = Behaviour(
    name="long-connection",
    question="Does a workload keep one connection to an address on the internet open for long?",
    sources=("vpc_flow",),
    sql=_SQL,
    constants=constants(
        ("least_minutes", 10, "requests and downloads are over by then; a shell, a tunnel or a pool is not"),
        (
            "share",
            0.8,
            "of the time has records: the connection was in use, and its ports were not used again for another",
        ),
        ("alike", 3, "one program on several machines"),
    ),
    severity="4; 1 more for each: three alike, a port that is none of a common server (SSH, databases, message queues)",
    false_positives=(
        "Databases, message queues and SSH that a workload uses outside AWS.",
        "Tunnels and VPNs that belong there. Ports 80 and 443 are left out: browsers and SDKs keep connections open.",
    ),
    technique="T1571",
    playbook="egress-and-dns",
)
