"""Requests at the edge of an account, of whatever kind of log, and the invocations that served them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forensics.case import Case, Query
from forensics.theft_place import ADDRESS

UNUSUAL_FACTOR = 5
"""An invocation this many times longer than the function's median is unusual."""

SLACK_SECONDS = 2
"""A request and the invocation that served it begin, and end, within so much of each other."""

ATTACK_LIKE = (
    r"\{\{.*\}\}|\$\{|(\.|%2e){2}(/|\\|%2f|%5c)|%252e|/\.(env|git|aws|ssh)\b|169\.254\.(169\.254|170\.(2|23))|/proc/(self|[0-9]+)/"
    r"|/etc/(passwd|shadow)|(<|%3c)script|union(\+|%20|\s)+(all(\+|%20|\s)+)?select|(\?|&)(cmd|exec)=|jndi:|wp-login\.php"
    r"|phpmyadmin|%0d%0a|file(:|%3a)(/|%2f){2}"
)
"""What no honest client asks for: templates, ways out of a directory, files of secrets, addresses of metadata."""

REQUESTS = """
  SELECT s.object_id || '/' || s.record AS event_id, 'alb' AS source, coalesce(s.request_creation_time, s.time) AS begun,
    s.time AS ended, s.client_ip AS client, s.request AS asked, CAST(s.elb_status_code AS VARCHAR) AS status, s.user_agent,
    regexp_extract(s.trace_id, '(1-[0-9a-f]{8}-[0-9a-f]{24})', 1) AS trace,
    s.target_ip IS NULL AND s.target_group_arn IS NOT NULL AS to_function, FALSE AS blocked,
    CAST(NULL AS VARCHAR) AS integration
  FROM alb AS s
  UNION ALL
  SELECT s.object_id || '/' || s.record, 'waf', s.timestamp, s.timestamp, s.client_ip,
    concat_ws(' ', s.http_method, coalesce(s.host, '') || coalesce(s.uri, '') || coalesce('?' || nullif(s.args, ''), '')),
    CAST(s.response_code_sent AS VARCHAR), s.user_agent, s.request_id, FALSE, coalesce(s.action = 'BLOCK', FALSE), NULL
  FROM waf AS s
  UNION ALL
  SELECT s.object_id || '/' || s.record, 'cloudfront', s.time, s.time, s.c_ip,
    concat_ws(' ', s.cs_method, coalesce(s.x_host_header, s.cs_host, '') || coalesce(s.cs_uri_stem, '')
      || coalesce('?' || nullif(s.cs_uri_query, '-'), '')),
    CAST(s.sc_status AS VARCHAR), s.cs_user_agent, s.x_edge_request_id, FALSE, FALSE, NULL
  FROM cloudfront AS s
  UNION ALL
  SELECT s.object_id || '/' || s.record, 'api_gateway', coalesce(s.request_time, s.timestamp),
    coalesce(s.request_time, s.timestamp), s.source_ip, concat_ws(' ', s.http_method, coalesce(s.path, s.resource_path, s.route_key)),
    CAST(s.http_status AS VARCHAR), s.user_agent, coalesce(s.xray_trace_id, s.request_id), FALSE, FALSE, s.integration_request_id
  FROM api_gateway AS s
"""
"""Every request in a load balancer's, WAF's, distribution's or gateway's log, in columns of one name."""

_ASKED = f"""
request AS (
  SELECT r.event_id, r.source, r.begun, r.ended, r.client, r.asked, r.status, r.user_agent, r.trace, r.to_function, r.blocked,
    r.integration
  FROM (
{REQUESTS}  ) AS r
  WHERE ($address IS NULL OR r.client = $address)
    AND ($request IS NULL OR r.event_id = $request OR r.integration = $request OR contains(coalesce(r.trace, ''), $request))
    AND ($start IS NULL OR r.begun >= $start)
    AND ($end IS NULL OR r.begun < $end)
)"""

_CLIENTS = f"""
WITH {_ASKED}
SELECT r.client, count(*) AS requests, count(*) FILTER (WHERE NOT regexp_matches(r.status, '^[45]')) AS answered,
  count(*) FILTER (WHERE regexp_matches(r.asked, $pattern, 'i')) AS attack_like,
  count(*) FILTER (WHERE r.blocked) AS blocked, min(r.begun) AS first, max(r.begun) AS last,
  min(r.user_agent) AS user_agent
FROM request AS r
WHERE r.client IS NOT NULL
GROUP BY r.client
ORDER BY attack_like DESC, blocked DESC, requests DESC, r.client
"""

_RAW = f"""
WITH {_ASKED}
SELECT r.event_id, r.source, r.begun, r.client, r.asked, r.status, r.user_agent, r.trace, r.blocked,
  regexp_matches(r.asked, $pattern, 'i') AS attack_like
FROM request AS r
WHERE list_contains(CAST($clients AS VARCHAR[]), r.client)
ORDER BY r.begun, r.event_id
"""

_SERVED = f"""
WITH {_ASKED}, usual AS (
  SELECT i.workload, median(i.duration_ms) AS duration_ms
  FROM invocation AS i
  GROUP BY i.workload
), invoked AS (
  SELECT i.request_id, i.workload, i.execution_environment, i.started_at, coalesce(i.ended_at, i.started_at) AS ended_at,
    i.duration_ms, u.duration_ms AS usual_ms, i.error, i.evidence_event_ids,
    i.error IS NOT NULL OR i.duration_ms > {UNUSUAL_FACTOR} * u.duration_ms AS unusual
  FROM invocation AS i
  JOIN usual AS u ON u.workload = i.workload
), by_id AS (
  SELECT r.event_id, i.request_id, 'recorded' AS certainty, 'the gateway logged the invocation''s request id' AS how
  FROM request AS r
  JOIN invoked AS i ON i.request_id = r.integration
  UNION ALL
  SELECT DISTINCT t.event_id, l.request_id, 'inferred' AS certainty, 'both bear one trace id, which a client can choose' AS how
  FROM request_link AS t
  JOIN request_link AS x ON x.id_kind = 'trace' AND x.id = t.id AND x.source = 'lambda_log'
  JOIN lambda_log AS l ON l.object_id = split_part(x.event_id, '/', 1)
    AND l.record = CAST(split_part(x.event_id, '/', 2) AS BIGINT)
  WHERE t.id_kind = 'trace'
    AND t.source IN ('alb', 'waf', 'api_gateway')
    AND l.request_id IS NOT NULL
  UNION ALL
  SELECT w.event_id, i.request_id, 'recorded' AS certainty, 'WAF and the gateway logged one request id' AS how
  FROM request_link AS w
  JOIN request_link AS g ON g.id_kind = w.id_kind AND g.id = w.id AND g.source = 'api_gateway'
  JOIN request AS r ON r.event_id = g.event_id
  JOIN invoked AS i ON i.request_id = r.integration
  WHERE w.id_kind = 'api_gateway_request'
    AND w.source = 'waf'
), met AS (
  SELECT r.event_id, i.request_id, count(*) OVER (PARTITION BY r.event_id) AS invocations,
    count(*) OVER (PARTITION BY i.workload, i.request_id) AS requests
  FROM request AS r
  JOIN invoked AS i ON i.started_at >= r.begun - to_seconds({SLACK_SECONDS})
    AND i.started_at <= r.begun + to_seconds({SLACK_SECONDS})
    AND i.ended_at >= r.ended - to_seconds({SLACK_SECONDS})
    AND i.ended_at <= r.ended + to_seconds({SLACK_SECONDS})
  WHERE r.to_function
    AND i.unusual
), served AS (
  SELECT b.event_id, b.request_id, b.certainty, b.how
  FROM by_id AS b
  UNION ALL
  SELECT m.event_id, m.request_id, 'inferred' AS certainty, 'they began and ended together, as no other did' AS how
  FROM met AS m
  WHERE m.invocations = 1
    AND m.requests = 1
    AND NOT EXISTS (SELECT 1 FROM by_id AS b WHERE b.event_id = m.event_id)
)
SELECT r.event_id, r.client, r.begun, r.asked, r.status, i.workload, s.certainty, s.how, i.request_id, i.execution_environment,
  i.started_at, i.ended_at, i.duration_ms, i.usual_ms, i.error, i.unusual, i.evidence_event_ids
FROM served AS s
JOIN request AS r ON r.event_id = s.event_id
JOIN invoked AS i ON i.request_id = s.request_id
WHERE i.unusual
  OR list_contains(CAST($clients AS VARCHAR[]), r.client)
ORDER BY r.begun, r.event_id, i.request_id
"""

_REACHED = f"""
WITH {_ASKED}
SELECT r.client, a.workload, max(a.certainty) AS certainty, count(*) AS requests, min(r.begun) AS first, max(r.begun) AS last,
  array_agg(r.event_id ORDER BY r.begun, r.event_id) AS ids
FROM request AS r
JOIN attribution AS a ON a.event_id = r.event_id AND a.question = 'endpoint' AND a.certainty <> 'shared'
WHERE regexp_matches(r.client, '{ADDRESS}')
GROUP BY r.client, a.workload
ORDER BY min(r.begun), r.client, a.workload
"""

_CALLED_BACK = f"""
WITH {_ASKED}, reached AS (
  SELECT r.client, a.workload, min(r.begun) AS first
  FROM request AS r
  JOIN attribution AS a ON a.event_id = r.event_id AND a.question = 'endpoint' AND a.certainty <> 'shared'
  WHERE r.source = 'alb'
    AND regexp_matches(r.client, '{ADDRESS}')
  GROUP BY r.client, a.workload
)
SELECT h.client, h.workload, CAST(sum(f.bytes) AS BIGINT) AS bytes, min(f.start) AS first,
  array_agg(f.object_id || '/' || f.record ORDER BY f.start, f.object_id, f.record) AS ids
FROM vpc_flow AS f
JOIN reached AS h ON (f.dstaddr = h.client OR f.pkt_dstaddr = h.client) AND f.start >= h.first
JOIN attribution AS a ON a.event_id = f.object_id || '/' || f.record AND a.question = 'endpoint' AND a.workload = h.workload
WHERE f.action = 'ACCEPT'
GROUP BY h.client, h.workload
ORDER BY min(f.start), h.client, h.workload
"""
"""A load balancer's target answers the load balancer: what it sends to the client itself is no answer."""


@dataclass(frozen=True)
class Scope:
    """Which requests are asked about: of one client, one request or trace id, from when until before when."""

    address: str | None = None
    request: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    @property
    def values(self) -> dict[str, object]:
        """What the statements of this module bind."""
        return {"address": self.address, "request": self.request, "start": self.start, "end": self.end}


@dataclass(frozen=True)
class Served:
    """A request and the invocation that served it; `how` says how that is known, `usual_ms` the function's median."""

    event_id: str
    client: str | None
    begun: datetime
    asked: str | None
    status: str | None
    workload: str
    certainty: str
    how: str
    request_id: str
    environment: str
    started_at: datetime
    ended_at: datetime
    duration_ms: float | None
    usual_ms: float | None
    error: str | None
    unusual: bool
    lines: list[str]


_CHAIN = """
SELECT t.id_kind, t.id, x.source, x.time, x.event_id, x.workload
FROM (SELECT DISTINCT r.id_kind, r.id FROM request_link AS r WHERE list_contains(CAST(? AS VARCHAR[]), r.event_id)) AS t
JOIN request_link AS x ON x.id_kind = t.id_kind AND x.id = t.id
ORDER BY x.time, t.id, x.source, x.event_id
"""


def chain(case: Case, event_ids: list[str]) -> Query:
    """Every record of any source that bears an id which one of those requests bears: trace, request."""
    return case.sql(_CHAIN, (event_ids,))


def clients(case: Case, scope: Scope) -> Query:
    """A row per client address: how many requests, how many that no honest client makes, how many were blocked."""
    return case.sql(_CLIENTS, scope.values | {"pattern": ATTACK_LIKE})


def requests_of(case: Case, scope: Scope, addresses: list[str]) -> Query:
    """Every request of those clients, in order of time."""
    return case.sql(_RAW, scope.values | {"pattern": ATTACK_LIKE, "clients": addresses})


def served(case: Case, scope: Scope, addresses: list[str]) -> list[Served]:
    """Requests with the invocation that served each: of unusual invocations, and of those clients' requests any.

    Without an id in common, only of an unusual invocation and a request to a function that began and ended together.
    """
    return [Served(*row) for row in case.sql(_SERVED, scope.values | {"clients": addresses}).rows()]


def called_back(case: Case, scope: Scope) -> Query:
    """A row per client to whose own address a workload that it had reached sent afterwards."""
    return case.sql(_CALLED_BACK, scope.values)


def reached(case: Case, scope: Scope) -> Query:
    """A row per client and workload that its requests reached: how many, when, their event ids."""
    return case.sql(_REACHED, scope.values)
