"""A workload whose destinations were the same for hours connects to another address on the internet."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import ANSWER, HOLDER, LONG, LOST, OUT, constants, hours, past, reasons, size, span

_SQL = f"""
WITH {ANSWER}, {OUT}, {hours("vpc_flow")}, {HOLDER}, began AS (
  SELECT f.interface_id, min(f.start) AS began, min(f.account_id) AS account_id
  FROM vpc_flow AS f
  WHERE f.action IN ('ACCEPT', 'REJECT')
  GROUP BY f.interface_id
), pair AS (
  SELECT s.interface_id, s.remote, min(s.start) AS first, max(s.until) AS last, count(*) AS records, sum(s.bytes) AS sent,
    min(s.dstport) AS port, min(s.instance_id) AS instance_id, min(s.ecs_task_arn) AS ecs_task_arn
  FROM sent AS s
  GROUP BY s.interface_id, s.remote
), unsettled AS (
  SELECT p.interface_id
  FROM pair AS p
  JOIN began AS b ON b.interface_id = p.interface_id
  WHERE date_diff('second', b.began, p.first) >= 3600
    AND date_diff('second', b.began, p.first) < 3600 * $past_hours
  GROUP BY p.interface_id
  HAVING count(*) > $new_before
), turn AS (
  SELECT p.interface_id, p.remote, p.first, p.last, p.records, p.sent, p.port, p.instance_id, p.ecs_task_arn, b.began, b.account_id,
    count(CASE WHEN date_diff('second', b.began, p.first) >= 3600 THEN 1 END) OVER (
      PARTITION BY p.interface_id ORDER BY p.first, p.remote ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS new_before,
    count(*) OVER (PARTITION BY p.interface_id ORDER BY p.first, p.remote) - 1 AS known_before
  FROM pair AS p
  JOIN began AS b ON b.interface_id = p.interface_id
  LEFT JOIN unsettled AS u ON u.interface_id = p.interface_id
  WHERE u.interface_id IS NULL
), candidate AS (
  SELECT t.interface_id || ' ' || t.remote AS who, t.interface_id, t.remote, t.first, t.last, t.records, t.sent, t.port,
    t.instance_id, t.ecs_task_arn, t.began, t.account_id, t.known_before
  FROM turn AS t
  WHERE date_diff('second', t.began, t.first) >= 3600 * $past_hours
    AND t.new_before <= $new_before
), {past("candidate", "who")}, own_port AS (
  SELECT s.interface_id, s.dstport, min(s.start) AS first
  FROM sent AS s
  GROUP BY s.interface_id, s.dstport
), others AS (
  SELECT p.remote, min(p.first) AS first, count(*) AS interfaces
  FROM pair AS p
  GROUP BY p.remote
), back AS (
  SELECT c.who, sum(f.bytes) AS received
  FROM candidate AS c
  JOIN vpc_flow AS f ON f.interface_id = c.interface_id AND f.srcaddr = c.remote
  GROUP BY c.who
), placed AS (
  SELECT c.who, s.flow, s.start, row_number() OVER (PARTITION BY c.who ORDER BY s.start, s.flow) AS place
  FROM candidate AS c
  JOIN sent AS s ON s.interface_id = c.interface_id AND s.remote = c.remote
), cited AS (
  SELECT who, array_agg(flow ORDER BY start, flow) AS ids
  FROM placed
  WHERE place <= $evidence
  GROUP BY who
), owner AS (
  SELECT c.who, CASE WHEN count(DISTINCT h.workload) = 1 THEN min(h.workload) END AS workload
  FROM candidate AS c
  JOIN held AS h ON h.interface_id = c.interface_id
    AND coalesce(h.valid_from, c.first) <= c.first AND c.first < coalesce(h.valid_to, c.first + INTERVAL 1 SECOND)
  GROUP BY c.who
), found AS (
  SELECT c.who, c.interface_id, c.remote, c.first, c.last, c.records, c.sent, c.port, c.began, c.known_before, i.ids, p.held, p.lost,
    coalesce(c.ecs_task_arn, k.workload, w.workload) AS workload, o.interfaces, a.name,
    coalesce(b.received, 0) AS received, o.first >= c.first AS of_nobody, r.first >= c.first AND c.port IS NOT NULL AS new_port,
    c.sent >= $least_bytes AND c.sent >= $factor * coalesce(b.received, 0) AS upload
  FROM candidate AS c
  JOIN past AS p ON p.who = c.who AND p.held >= $past_hours
  JOIN cited AS i ON i.who = c.who
  JOIN others AS o ON o.remote = c.remote
  LEFT JOIN own_port AS r ON r.interface_id = c.interface_id AND r.dstport = c.port
  LEFT JOIN back AS b ON b.who = c.who
  LEFT JOIN owner AS w ON w.who = c.who
  LEFT JOIN instance_key AS k ON k.instance_id = c.instance_id
  LEFT JOIN answer AS a ON a.address = c.remote
)
SELECT p.first AS time, p.last AS end_time, CAST(NULL AS VARCHAR) AS principal, CAST(NULL AS VARCHAR) AS access_key_id, p.workload,
  ARRAY[p.interface_id] AS resources,
  CAST(least(8, 3 + CASE WHEN p.of_nobody THEN 1 ELSE 0 END + CASE WHEN p.new_port THEN 1 ELSE 0 END
    + CASE WHEN p.upload THEN 2 ELSE 0 END + {LONG}) AS DOUBLE) AS severity,
  'first connection to ' || coalesce(p.name || ' (' || p.remote || ')', p.remote) || coalesce(':' || p.port, '') AS title,
  {
    reasons(
        "'in ' || "
        + span("p.began", "p.first")
        + " || ' of its traffic before, ' || p.held || ' h of it in the logs, ' || p.known_before"
        " || CASE WHEN p.known_before = 1 THEN ' other destination' ELSE ' other destinations' END || ' on the internet'",
        "CASE WHEN p.of_nobody THEN 'no other interface had connected there' ELSE 'other interfaces connected there before' END",
        "CASE WHEN p.new_port THEN 'port ' || p.port || ' is new to it' END",
        "CASE WHEN p.upload THEN 'an upload: ' || "
        + size("p.sent")
        + " || ' sent, ' || "
        + size("p.received")
        + " || ' received' ELSE "
        + size("p.sent")
        + " || ' sent, ' || "
        + size("p.received")
        + " || ' received' END",
        LOST,
    )
} AS reasons, p.ids AS evidence_event_ids, p.records AS evidence_count
FROM found AS p
ORDER BY p.first, p.who
"""

BEHAVIOUR = Behaviour(
    name="new-destination",
    question="Does a workload whose destinations were stable connect to another address on the internet?",
    sources=("vpc_flow",),
    sql=_SQL,
    past=2,
    constants=constants(
        (
            "new_before",
            2,
            "after its first hour; a workload that always meets new addresses has no stable destinations",
        ),
        ("least_bytes", 1e6, "less than a picture is no upload worth the name"),
        ("factor", 10, "an upload sends, and is only acknowledged"),
    ),
    severity="3; 2 more for an upload; 1 more for each: address of nobody, new port, a day of past",
    false_positives=(
        "A service behind changing addresses: a content network, a load balancer, a round of DNS.",
        "Updates of software; a release that calls another service.",
        "AWS's own addresses, where neither the field pkt-dst-aws-service nor DNS logs say that they are.",
    ),
    technique="T1071.001",
    playbook="egress-and-dns",
)
