"""Names asked of the Route 53 Resolver: by whom, with what answer, and the connections that followed."""

from __future__ import annotations

from forensics.analysis.egress_destinations import ASKED_BEFORE_SECONDS, GENERATED_NAME, POOL_NAME, Window
from forensics.case import Case, Query

MANY_UNKNOWN = 20
"""So many names that look generated and do not exist, asked from one address, are a program's search for its master."""

_QUERIES = """
query AS (
  SELECT q.object_id || '/' || q.record AS event_id, q.query_timestamp AS time, q.domain, q.query_type, q.rcode, q.srcaddr,
    q.answer_data, q.firewall_rule_action
  FROM route53_resolver AS q
  WHERE ($domain IS NULL OR q.domain = $domain OR q.domain LIKE '%.' || $domain)
    AND ($start IS NULL OR q.query_timestamp >= $start)
    AND ($end IS NULL OR q.query_timestamp < $end)
)"""

_NAMES = f"""
WITH {_QUERIES}, asker AS (
  SELECT DISTINCT q.domain, a.workload
  FROM query AS q
  JOIN attribution AS a ON a.event_id = q.event_id AND a.question = 'endpoint'
)
SELECT q.domain,
  CASE WHEN regexp_matches(q.domain, $pool, 'i') THEN 'like a mining pool'
    WHEN regexp_matches(q.domain, $generated, 'i') THEN 'looks generated' END AS looks,
  count(*) AS queries, count(DISTINCT q.srcaddr) AS askers, count(*) FILTER (WHERE q.rcode = 'NXDOMAIN') AS unknown,
  min(q.time) AS first, max(q.time) AS last, min(list_aggregate(q.answer_data, 'string_agg', ', ')) AS an_answer,
  (SELECT string_agg(w.workload, ', ' ORDER BY w.workload) FROM asker AS w WHERE w.domain = q.domain) AS workloads
FROM query AS q
WHERE $workload IS NULL
  OR q.domain IN (SELECT w.domain FROM asker AS w WHERE w.workload = $workload)
GROUP BY q.domain
ORDER BY looks NULLS LAST, min(q.time), q.domain
"""

_FOLLOWED = f"""
WITH {_QUERIES}, answered AS (
  SELECT q.event_id, q.time, q.domain, q.srcaddr, u.answer
  FROM query AS q, unnest(q.answer_data) AS u(answer)
)
SELECT a.domain, a.answer, a.srcaddr, min(a.time) AS asked, min(f.start) AS connected, f.interface_id,
  count(DISTINCT f.object_id || '/' || f.record) AS records, array_agg(DISTINCT f.dstport ORDER BY f.dstport) AS ports
FROM answered AS a
JOIN vpc_flow AS f ON f.srcaddr = a.srcaddr AND f.dstaddr = a.answer
  AND f.start >= a.time - to_seconds(60)
  AND f.start < a.time + to_seconds({ASKED_BEFORE_SECONDS})
GROUP BY a.domain, a.answer, a.srcaddr, f.interface_id
ORDER BY min(a.time), a.domain, a.answer, a.srcaddr
"""
"""A flow record may begin up to a minute before the query: its start is that of an aggregation interval."""

_SEARCHING = f"""
WITH {_QUERIES}
SELECT q.srcaddr, count(DISTINCT q.domain) AS names, min(q.time) AS first, max(q.time) AS last,
  array_agg(q.event_id ORDER BY q.time, q.event_id) AS ids, min(q.domain) AS example
FROM query AS q
WHERE q.rcode = 'NXDOMAIN'
  AND regexp_matches(q.domain, $generated, 'i')
GROUP BY q.srcaddr
HAVING count(DISTINCT q.domain) >= {MANY_UNKNOWN}
ORDER BY min(q.time), q.srcaddr
"""

_KNOWN = "SELECT DISTINCT domain FROM route53_resolver WHERE domain IS NOT NULL ORDER BY domain LIMIT 11"


def names(case: Case, window: Window, *, domain: str | None = None, workload: str | None = None) -> Query:
    """A row per name: what it looks like, how often and by whom it was asked for, an answer."""
    values = _values(window, domain) | {"workload": workload, "pool": POOL_NAME, "generated": GENERATED_NAME}
    return case.sql(_NAMES, values)


def followed(case: Case, window: Window, *, domain: str | None = None) -> Query:
    """A row per name, answer and asking address from which a connection to that answer followed."""
    return case.sql(_FOLLOWED, _values(window, domain))


def searching(case: Case, window: Window, *, domain: str | None = None) -> Query:
    """A row per address that asked for many names that look generated and do not exist."""
    return case.sql(_SEARCHING, _values(window, domain) | {"generated": GENERATED_NAME})


def known(case: Case) -> list[str]:
    """Some names that were asked for."""
    return [str(row[0]) for row in case.sql(_KNOWN).rows()]


def _values(window: Window, domain: str | None) -> dict[str, object]:
    return {"start": window.start, "end": window.end, "domain": domain.rstrip(".").lower() if domain else None}
