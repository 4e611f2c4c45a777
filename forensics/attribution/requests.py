"""Requests from outside: who sent them, if a workload of ours did, and which workload they reached."""

import duckdb

from forensics.attribution.part import Answer, Near, client, nearby, part

LONGEST_REQUEST = 900
"""Seconds within which the function behind a request starts (page "Lambda quotas": the longest it runs)."""


def _network(source: str, name: str) -> str:
    return f"""JOIN record_network AS n ON n.source = '{source}'
  AND n.object_id = s.object_id
  AND n.id = coalesce(s.{name}, '')"""


def _near(source: str, address: str, time: str, *, name: str = "elb", where: str = "TRUE") -> Near:
    return Near(
        address=address,
        vpc_id="n.vpc_id",
        begin=time,
        end=time,
        joined=_network(source, name),
        stated="n.stated",
        where=where,
    )


_INTEGRATION = part(
    "api_gateway",
    "endpoint",
    Answer(
        workload="v.workload",
        certainty="'recorded'",
        via="'request id of the integration'",
        needs=("invocation",),
        evidence="v.evidence_event_ids",
        joined=f"""
JOIN (
  SELECT request_id, min(workload) AS workload, min(started_at) AS started_at, min(evidence_event_ids) AS evidence_event_ids
  FROM invocation
  WHERE workload IS NOT NULL
  GROUP BY request_id
  HAVING count(DISTINCT workload) = 1
) AS v ON v.request_id = s.integration_request_id
WHERE abs(epoch(v.started_at) - epoch(coalesce(s.request_time, s.timestamp))) <= {LONGEST_REQUEST}""",
    ),
)

_TRACED = part(
    "alb",
    "endpoint",
    Answer(
        workload="f.workload",
        certainty="'inferred'",
        via="'trace id (which a client can choose)'",
        needs=("request_function",),
        evidence="f.evidence_event_ids",
        joined="JOIN request_function AS f ON f.event_id = s.object_id || '/' || s.record",
    ),
)

_REQUEST_FUNCTION = """
INSERT INTO request_function
WITH request AS (
  SELECT s.object_id || '/' || s.record AS event_id, regexp_extract(s.trace_id, 'Root=([0-9A-Za-z-]+)', 1) AS root,
    s.target_ip IS NULL AND s.target_group_arn IS NOT NULL AS to_function,
    coalesce(s.request_creation_time, s.time) AS begun, s.time AS ended
  FROM alb AS s
  WHERE s.trace_id IS NOT NULL
), single AS (
  SELECT root, min(event_id) AS event_id, bool_and(to_function) AS to_function, min(begun) AS begun, max(ended) AS ended
  FROM request
  WHERE root <> ''
  GROUP BY root
  HAVING count(*) = 1
), traced AS (
  SELECT regexp_extract(s.trace_id, '^(?:Root=)?(1-[0-9a-f]{8}-[0-9a-f]{24})', 1) AS root, w.workload,
    min(s.timestamp) AS moment, list_distinct([min(s.object_id || '/' || s.record)]) AS evidence_event_ids
  FROM lambda_log AS s
  JOIN stream_workload AS w ON w.object_id = s.object_id
    AND w.function_name = s.function_name
    AND w.owner IS NOT DISTINCT FROM s.owner
    AND w.log_group IS NOT DISTINCT FROM s.log_group
  WHERE s.trace_id IS NOT NULL
  GROUP BY 1, w.workload
), alone AS (
  SELECT root, min(workload) AS workload, min(moment) AS moment, min(evidence_event_ids) AS evidence_event_ids
  FROM traced
  WHERE root <> ''
  GROUP BY root
  HAVING count(*) = 1
)
SELECT r.event_id, f.workload, f.evidence_event_ids
FROM single AS r
JOIN alone AS f ON f.root = r.root
WHERE r.to_function
  AND f.moment >= r.begun - INTERVAL 2 SECOND
  AND f.moment <= r.ended + INTERVAL 2 SECOND
ORDER BY r.event_id
"""
"""A load balancer keeps the root that a client sends (page "Request tracing"): two requests of one root tell nothing."""

_ONLY_ADDRESS = "json_array_length(s.source_ips) = 1"
"""Of several addresses all but the last are what a client may have written into X-Forwarded-For."""

_AUDITED = "coalesce(s.stage_timestamp, s.request_received_timestamp, s.timestamp)"
_GATEWAY_TIME = "coalesce(s.request_time, s.timestamp)"
_DATABASE_TIME = "coalesce(s.time, s.timestamp)"

PARTS = (
    nearby("alb", "endpoint", _near("alb", "s.target_ip", "s.time")),
    _TRACED,
    client("alb", "s.client_ip", "s.time"),
    nearby("alb", "used_from", _near("alb", "s.client_ip", "s.time")),
    client("alb_connection", "s.client_ip", "s.timestamp"),
    nearby("alb_connection", "used_from", _near("alb_connection", "s.client_ip", "s.timestamp")),
    nearby("alb_health_check", "endpoint", _near("alb_health_check", "s.target_ip", "s.time")),
    nearby("clb", "endpoint", _near("clb", "s.backend_ip", "s.timestamp")),
    client("clb", "s.client_ip", "s.timestamp"),
    nearby("clb", "used_from", _near("clb", "s.client_ip", "s.timestamp")),
    client("nlb", "s.client_ip", "s.time"),
    nearby("nlb", "used_from", _near("nlb", "s.client_ip", "s.time")),
    _INTEGRATION,
    client("api_gateway", "s.source_ip", _GATEWAY_TIME),
    nearby("api_gateway", "used_from", Near("s.source_ip", "s.vpc_id", _GATEWAY_TIME, _GATEWAY_TIME)),
    client("waf", "s.client_ip", "s.timestamp"),
    client("cloudfront", "s.c_ip", "s.time"),
    client("cloudfront_connection", "s.client_ip", "s.event_timestamp"),
    client("route53_public", "s.resolver_ip", "s.query_timestamp"),
    client("eks_audit", "s.source_ips->>0", _AUDITED, where=_ONLY_ADDRESS),
    nearby(
        "eks_audit",
        "used_from",
        _near("eks_audit", "s.source_ips->>0", _AUDITED, name="cluster_name", where=_ONLY_ADDRESS),
    ),
    client("rds_log", "s.remote_host", _DATABASE_TIME),
    nearby("rds_log", "used_from", _near("rds_log", "s.remote_host", _DATABASE_TIME, name="database_id")),
)
"""Requests through load balancers, gateways and distributions, and logins to clusters and databases."""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `request_function`; needs `stream_workload`."""
    con.execute("DELETE FROM request_function")
    con.execute(_REQUEST_FUNCTION)
