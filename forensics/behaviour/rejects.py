"""Bursts of rejected traffic from inside: one address tries many hosts or ports within minutes, and is refused."""

from forensics.analysis.egress_destinations import PRIVATE
from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import constants, reasons, span

_SLICE = "floor(date_diff('second', TIMESTAMP '1970-01-01', f.start) / (60 * $slice_minutes))"

_SQL = f"""
WITH inner_address AS (
  SELECT a.srcaddr
  FROM (SELECT f.srcaddr FROM vpc_flow AS f WHERE f.action = 'REJECT' GROUP BY f.srcaddr) AS a
  WHERE regexp_matches(a.srcaddr, {PRIVATE})
), target AS (
  SELECT f.srcaddr, {_SLICE} AS slice, f.dstaddr, f.dstport, f.protocol, min(f.start) AS first, max(f.start) AS last,
    count(*) AS records, min(f.account_id) AS account_id
  FROM vpc_flow AS f
  JOIN inner_address AS i ON i.srcaddr = f.srcaddr
  WHERE f.action = 'REJECT'
    AND f.start IS NOT NULL
    AND coalesce(f.srcport, 65535) > coalesce(f.dstport, 0)
  GROUP BY f.srcaddr, {_SLICE}, f.dstaddr, f.dstport, f.protocol
), burst AS (
  SELECT t.srcaddr, t.slice, count(*) AS targets
  FROM target AS t
  GROUP BY t.srcaddr, t.slice
  HAVING count(*) >= $targets
), found AS (
  SELECT t.srcaddr, min(t.first) AS first, max(t.last) AS last, sum(t.records) AS records, max(b.targets) AS most,
    count(DISTINCT t.dstaddr) AS hosts, count(DISTINCT t.dstport) AS ports, min(t.dstaddr) AS one_host, min(t.dstport) AS one_port,
    max(t.dstport) AS another_port
  FROM burst AS b
  JOIN target AS t ON t.srcaddr = b.srcaddr AND t.slice = b.slice
  GROUP BY t.srcaddr
), earlier AS (
  SELECT o.srcaddr, count(*) AS targets
  FROM found AS o
  JOIN target AS t ON t.srcaddr = o.srcaddr AND t.first < o.first
  GROUP BY o.srcaddr
), placed AS (
  SELECT f.srcaddr, f.object_id || '/' || f.record AS flow, f.start,
    row_number() OVER (PARTITION BY f.srcaddr ORDER BY f.start, f.object_id, f.record) AS place
  FROM vpc_flow AS f
  JOIN burst AS b ON b.srcaddr = f.srcaddr AND b.slice = {_SLICE}
  WHERE f.action = 'REJECT'
    AND coalesce(f.srcport, 65535) > coalesce(f.dstport, 0)
), cited AS (
  SELECT srcaddr, array_agg(flow ORDER BY start, flow) AS ids
  FROM placed
  WHERE place <= $evidence
  GROUP BY srcaddr
), owner AS (
  SELECT o.srcaddr, CASE WHEN count(DISTINCT l.workload) = 1 THEN min(l.workload) END AS workload
  FROM found AS o
  JOIN lifetime AS l ON l.holds = o.srcaddr AND l.holds_kind = 'private_ip' AND l.certainty <> 'shared'
    AND coalesce(l.valid_from, o.first) <= o.first AND o.first < coalesce(l.valid_to, o.first + INTERVAL 1 SECOND)
  GROUP BY o.srcaddr
)
SELECT o.first AS time, o.last AS end_time, CAST(NULL AS VARCHAR) AS principal, CAST(NULL AS VARCHAR) AS access_key_id,
  w.workload, ARRAY[o.srcaddr] AS resources,
  CAST(least(8, 5 + CASE WHEN o.hosts >= $many_hosts THEN 1 ELSE 0 END + CASE WHEN o.most >= $many_targets THEN 1 ELSE 0 END
    - CASE WHEN e.targets >= $targets THEN 2 ELSE 0 END) AS DOUBLE) AS severity,
  o.srcaddr || ' was refused at ' || o.most || ' hosts and ports within minutes' AS title,
  {
    reasons(
        "o.records || ' records of rejected traffic to ' || o.hosts || CASE WHEN o.hosts = 1 THEN ' host' ELSE ' hosts' END"
        " || ' and ' || o.ports || CASE WHEN o.ports = 1 THEN ' port' ELSE ' ports' END || ', within ' || "
        + span("o.first", "o.last"),
        "'such as ' || o.one_host || coalesce(', ports ' || o.one_port || ' to ' || o.another_port, '')",
        "CASE WHEN e.targets IS NULL THEN 'nothing of it was refused before' ELSE 'before, it was refused at ' || e.targets"
        " || ' hosts and ports' END",
    )
} AS reasons, c.ids AS evidence_event_ids, o.records AS evidence_count
FROM found AS o
JOIN cited AS c ON c.srcaddr = o.srcaddr
LEFT JOIN earlier AS e ON e.srcaddr = o.srcaddr
LEFT JOIN owner AS w ON w.srcaddr = o.srcaddr
ORDER BY o.first, o.srcaddr
"""

BEHAVIOUR = Behaviour(
    name="rejects",
    question="Was traffic from an address inside rejected at many hosts or ports within minutes?",
    sources=("vpc_flow",),
    sql=_SQL,
    constants=constants(
        ("slice_minutes", 10, "the longest aggregation of flow logs: a record lies in one slice, or starts in it"),
        ("targets", 20, "hosts and ports: a service that lost a rule is refused at a few"),
        ("many_targets", 100, "beyond what a wrong configuration tries"),
        ("many_hosts", 5, "who looks for a way on tries several hosts"),
    ),
    severity="5; 1 more for each: 5 hosts, 100 hosts and ports in 10 minutes; 2 less if it was refused at as many before",
    false_positives=(
        "Scanners of weaknesses and monitoring that belong there.",
        "A security group or a route that was just changed; a service that looks for its peers.",
        "Scans from the internet are everyday, and left out.",
    ),
    technique="T1046",
    playbook="egress-and-dns",
)
