"""Records of traffic: the workloads at its ends, whose interface or address it was."""

import duckdb

from forensics import scanned
from forensics.attribution.part import PLACE_OF_ID, Answer, Near, Part, nearby, part

_TASK_ARN = r"^arn:[^:]+:ecs:[^:]+:[0-9]{12}:task/[^/]+/[^/]+$"
_UNTOLD = "s.ecs_task_arn IS NULL\n  AND s.ecs_task_id IS NULL"
_END = 'coalesce(s."end", s.start)'

_BARE = scanned.one(
    "flow_bare",
    "vpc_flow",
    f"""
SELECT s.interface_id, date_trunc('hour', s.start) AS hour, min(s.start) AS begun, max({_END}) AS ended
FROM {{rows}} AS s
WHERE s.instance_id IS NULL
  AND {_UNTOLD}
  AND s.interface_id IS NOT NULL
GROUP BY s.interface_id, date_trunc('hour', s.start)
""",
    """
SELECT interface_id, hour, min(begun) AS begun, max(ended) AS ended
FROM {kept}
GROUP BY interface_id, hour
""",
)
"""When flow records name an interface, but neither instance nor task, by hour."""

_ANY_CROSSING = f"""
SELECT 1
FROM {_BARE.rows} AS b
JOIN flow_place AS p ON p.interface_id = b.interface_id
WHERE (b.begun < p.valid_from AND p.valid_from <= b.ended)
  OR (b.begun < p.valid_to AND p.valid_to <= b.ended)
LIMIT 1
"""
"""Whether a stretch begins or ends in an hour's records: else no record lasts from one into another."""

FLOW_CROSSING = f"""
INSERT INTO flow_crossing
WITH crossing AS (
  SELECT s.object_id || '/' || s.record AS event_id, s.start, {_END} AS "end", p.workload,
    CASE p.certainty WHEN 'inferred' THEN 3 ELSE 2 END AS strength, p.evidence_event_ids
  FROM vpc_flow AS s
  JOIN flow_place AS p ON p.interface_id = s.interface_id
    AND s.start < p.valid_to
    AND p.valid_from <= {_END}
  WHERE s.instance_id IS NULL
    AND {_UNTOLD}
    AND (s.start < p.valid_from OR p.valid_to <= {_END})
), candidate AS (
  SELECT event_id, workload, min(start) AS start, min("end") AS "end", max(strength) AS strength,
    arg_min(evidence_event_ids, (strength, evidence_event_ids)) AS evidence_event_ids
  FROM crossing
  GROUP BY event_id, workload
), counted AS (
  SELECT *, count(*) OVER (PARTITION BY event_id) AS candidates
  FROM candidate
)
SELECT event_id, start, "end", workload,
  CASE WHEN candidates > 1 THEN 'shared' WHEN strength = 2 THEN 'bounded' ELSE 'inferred' END AS certainty,
  candidates, evidence_event_ids
FROM counted
ORDER BY event_id, workload
"""

_INSTANCE = part(
    "vpc_flow",
    "endpoint",
    Answer(
        workload="i.workload",
        certainty="'recorded'",
        via="'instance id of the record'",
        needs=("instance_key",),
        joined="JOIN instance_key AS i ON i.instance_id = s.instance_id",
    ),
)

_TASK = part(
    "vpc_flow",
    "endpoint",
    Answer(
        workload="s.ecs_task_arn",
        certainty="'recorded'",
        via="'task of the record'",
        joined=f"WHERE regexp_matches(s.ecs_task_arn, '{_TASK_ARN}')",
    ),
)

_TASK_ID = part(
    "vpc_flow",
    "endpoint",
    Answer(
        workload="k.workload",
        certainty="'recorded'",
        via="'task id of the record'",
        needs=("task_key",),
        joined=f"""
JOIN task_key AS k ON k.task_id = coalesce(s.ecs_task_id, regexp_extract(s.ecs_task_arn, '[^/]+$'))
WHERE NOT coalesce(regexp_matches(s.ecs_task_arn, '{_TASK_ARN}'), FALSE)""",
    ),
)

_PLACED = f"""
JOIN flow_place AS p ON p.interface_id = s.interface_id
  AND p.valid_from <= s.start
  AND {_END} < p.valid_to"""


def _held(condition: str) -> Part:
    return part(
        "vpc_flow",
        "endpoint",
        Answer(
            workload="p.workload",
            certainty="p.certainty",
            via="'interface'",
            needs=("flow_place",),
            candidates="p.candidates",
            evidence="p.evidence_event_ids",
            joined=f"""{_PLACED}
WHERE {condition}
  AND {_UNTOLD}""",
        ),
    )


_CROSSING = Part(
    "vpc_flow",
    "endpoint",
    f"""
SELECT
  s.event_id, 'endpoint' AS question, s.workload, s.certainty, 'interface' AS via, s.candidates, s.evidence_event_ids,
  {PLACE_OF_ID}
FROM flow_crossing AS s
""",
    ("flow_crossing",),
)


def _running(host: str, begin: str, end: str) -> str:
    """SQL: joins with what ran on a host in an interval (alias `h`), and with how many that were (`a`, `b`)."""
    return f"""
JOIN host_container AS h ON h.host = {host}
  AND h.valid_from <= {end}
  AND {begin} < h.valid_to
JOIN host_count AS a ON a.host = {host}
  AND a.what = 'started'
  AND a.valid_from <= {end}
  AND {end} < a.valid_to
JOIN host_count AS b ON b.host = {host}
  AND b.what = 'stopped'
  AND b.valid_from <= {begin}
  AND {begin} < b.valid_to"""


_NUMBER = "1 + a.number - b.number"
"""Whatever ran on the host, and the host itself."""
_BEHIND = "'ran on the instance'"


def _own(side: str, host: str) -> str:
    """SQL: joins with the one pod of a host whose own address stands at one side (alias the side)."""
    return f"""container_address AS {side} ON {side}.host = {host}
  AND {side}.address = s.pkt_{side}addr
  AND {side}.valid_from <= s.start
  AND {_END} < {side}.valid_to"""


_ON_RECORDED = ("JOIN instance_key AS i ON i.instance_id = s.instance_id", "i.workload", "TRUE")
_ON_HELD = (_PLACED, "p.workload", "s.instance_id IS NULL")


def _hosted(found: tuple[str, str, str]) -> Part:
    joined, host, condition = found
    return part(
        "vpc_flow",
        "endpoint",
        Answer(
            workload="h.workload",
            certainty="'shared'",
            via=_BEHIND,
            needs=("host_container",),
            candidates=_NUMBER,
            evidence="h.evidence_event_ids",
            joined=f"""{joined}{_running(host, "s.start", _END)}
LEFT JOIN {_own("src", host)}
LEFT JOIN {_own("dst", host)}
LEFT JOIN flow_place AS o ON o.interface_id = s.interface_id
  AND o.host = {host}
  AND o.valid_from <= s.start
  AND {_END} < o.valid_to
WHERE {condition}
  AND {_UNTOLD}
  AND src.host IS NULL
  AND dst.host IS NULL
  AND o.host IS NULL""",
        ),
    )


def _of_pod(side: str, found: tuple[str, str, str]) -> Part:
    joined, host, condition = found
    return part(
        "vpc_flow",
        "endpoint",
        Answer(
            workload=f"{side}.workload",
            certainty=f"{side}.certainty",
            via="'own address of a pod'",
            needs=("container_address",),
            evidence=f"{side}.evidence_event_ids",
            joined=f"""{joined}
JOIN {_own(side, host)}
WHERE {condition}
  AND {_UNTOLD}""",
        ),
    )


_HOSTED_CROSSING = Part(
    "vpc_flow",
    "endpoint",
    f"""
SELECT
  s.event_id, 'endpoint' AS question, h.workload, 'shared' AS certainty, {_BEHIND} AS via, {_NUMBER} AS candidates,
  h.evidence_event_ids, {PLACE_OF_ID}
FROM flow_crossing AS s{_running("s.workload", "s.start", 's."end"')}
WHERE s.candidates = 1
""",
    ("flow_crossing", "host_container"),
)

_DNS_NEAR = Near(
    address="s.srcaddr",
    vpc_id="s.vpc_id",
    begin="s.query_timestamp",
    end="s.query_timestamp",
    where="""(s.instance_id IS NULL
    OR p.contained
    OR NOT EXISTS (SELECT 1 FROM instance_key AS i WHERE i.instance_id = s.instance_id))""",
)
"""Of what is no instance (a function, a task) the record has the id of one that is not in the account."""
_DNS_OWN = """
LEFT JOIN (
  SELECT DISTINCT address, vpc_id, valid_from, valid_to
  FROM address_place
  WHERE contained
) AS o ON o.address = s.srcaddr
  AND o.vpc_id = s.vpc_id
  AND o.valid_from <= s.query_timestamp
  AND s.query_timestamp < o.valid_to"""
_DNS_HELD = """
JOIN address_place AS p ON p.address = s.srcaddr
  AND p.vpc_id = s.vpc_id
  AND p.valid_from <= s.query_timestamp
  AND s.query_timestamp < p.valid_to"""


def _dns_hosted(joined: str, host: str, condition: str) -> Part:
    return part(
        "route53_resolver",
        "endpoint",
        Answer(
            workload="h.workload",
            certainty="'shared'",
            via=_BEHIND,
            needs=("host_container",),
            candidates=_NUMBER,
            evidence="h.evidence_event_ids",
            joined=f"""{joined}{_running(host, "s.query_timestamp", "s.query_timestamp")}{_DNS_OWN}
WHERE {condition}
  AND o.address IS NULL""",
        ),
    )


_DNS_INSTANCE = part(
    "route53_resolver",
    "endpoint",
    Answer(
        workload="i.workload",
        certainty="'recorded'",
        via="'instance id of the record'",
        needs=("instance_key",),
        joined="JOIN instance_key AS i ON i.instance_id = s.instance_id",
    ),
)


def _gateway(side: str) -> Near:
    return Near(address=f"s.{side}addr", vpc_id=f"s.tgw_{side}_vpc_id", begin="s.start", end=_END)


def _firewall(side: str) -> Near:
    """A firewall may stand before other VPCs than its own."""
    return Near(
        address=f"s.{side}_ip",
        vpc_id="n.vpc_id",
        begin="coalesce(s.netflow_start, s.event_time)",
        end="coalesce(s.netflow_end, s.netflow_start, s.event_time)",
        joined="""JOIN record_network AS n ON n.source = 'network_firewall'
  AND n.object_id = s.object_id
  AND n.id = coalesce(s.firewall_name, '')""",
        stated="FALSE",
    )


_OCSF_HELD = part(
    "ocsf",
    "endpoint",
    Answer(
        workload="p.workload",
        certainty="p.certainty",
        via="'interface'",
        needs=("flow_place",),
        candidates="p.candidates",
        evidence="p.evidence_event_ids",
        joined="""
JOIN flow_place AS p ON p.interface_id = coalesce(s.src_interface_uid, s.dst_interface_uid)
  AND p.valid_from <= coalesce(s.start_time, s.time)
  AND coalesce(s.end_time, s.start_time, s.time) < p.valid_to
WHERE s.class_uid = 4001
  AND s.instance_id IS NULL""",
    ),
)
_OCSF_INSTANCE = part(
    "ocsf",
    "endpoint",
    Answer(
        workload="i.workload",
        certainty="'recorded'",
        via="'instance id of the record'",
        needs=("instance_key",),
        joined="""
JOIN instance_key AS i ON i.instance_id = s.instance_id
WHERE s.class_uid IN (4001, 4003)""",
    ),
)

PARTS = (
    _INSTANCE,
    _TASK,
    _TASK_ID,
    _held("s.instance_id IS NULL"),
    _held("s.instance_id IS NOT NULL\n  AND p.host IS NOT NULL"),
    _CROSSING,
    *(_of_pod(side, found) for side in ("src", "dst") for found in (_ON_RECORDED, _ON_HELD)),
    _hosted(_ON_RECORDED),
    _hosted(_ON_HELD),
    _HOSTED_CROSSING,
    _DNS_INSTANCE,
    nearby("route53_resolver", "endpoint", _DNS_NEAR),
    _dns_hosted("JOIN instance_key AS i ON i.instance_id = s.instance_id", "i.workload", "TRUE"),
    _dns_hosted(_DNS_HELD, "p.workload", "s.instance_id IS NULL"),
    *(nearby("transit_gateway_flow", "endpoint", _gateway(side)) for side in ("src", "dst")),
    *(nearby("network_firewall", "endpoint", _firewall(side)) for side in ("src", "dest")),
    _OCSF_INSTANCE,
    _OCSF_HELD,
)
"""Flow records, DNS queries, firewall entries: whoever is at an end of them."""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `flow_crossing`: flows that last from one stretch of their interface's time into another."""
    con.execute("DELETE FROM flow_crossing")
    scanned.take(con, _BARE)
    if con.execute(_ANY_CROSSING).fetchall():
        con.execute(FLOW_CROSSING)
