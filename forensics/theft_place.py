"""Whose place an address was at the calls of a workload's credential: what the stolen credential test judges by."""

import duckdb

from forensics.attribution.part import current
from forensics.sources.cloudtrail import EVENT as CALL

ADDRESS = "^[0-9a-fA-F:.]+$"
"""An address; anything else in its place is the name of a service."""

PRIVATE = (
    "^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|100\\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\\.|[fF][cdCD])"
)
"""Addresses that do not cross the internet, as far as workloads have them: RFC 1918, RFC 6598, unique local IPv6."""

ONE_PLACE = ("ec2_instance", "ecs_task", "eks_pod")
"""Kinds of workload that are in one subnet at a time; a function may be in several, each with routes of its own."""

_ID = CALL.columns["event_id"]

_OWN = """
CREATE OR REPLACE TEMP TABLE use_own AS
SELECT DISTINCT access_key_id, workload, holder
FROM (
  SELECT access_key_id, workload, workload AS holder
  FROM credential_workload
  UNION
  SELECT c.access_key_id, c.workload, h.holds AS holder
  FROM credential_workload AS c
  JOIN lifetime AS h ON h.workload = c.workload AND h.holds_kind = 'instance'
  UNION
  SELECT c.access_key_id, c.workload, h.workload AS holder
  FROM credential_workload AS c
  JOIN lifetime AS h ON h.holds = c.workload AND h.holds_kind = 'instance'
) AS h
"""
"""Whose places are a credential's own: the workload's, of the instance it runs on, of what runs on it."""

_HOLDER = f"""
CREATE OR REPLACE TEMP TABLE use_holder AS
WITH held AS (
  SELECT s.user_identity_access_key_id AS access_key_id, nullif(s.source_ip_address, '') AS address,
    nullif(s.vpc_endpoint_id, '') AS vpc_endpoint_id, {_ID} AS event_id, p.via, p.workload, p.certainty,
    p.evidence_event_ids
  FROM cloudtrail AS s
  JOIN call_place AS p ON p.source_ip = s.source_ip_address
    AND p.vpc_endpoint_id = coalesce(s.vpc_endpoint_id, '')
    AND p.valid_from <= s.event_time
    AND s.event_time < p.valid_to
  WHERE s.user_identity_access_key_id IN (SELECT access_key_id FROM credential_workload)
    AND {current("cloudtrail")}
), called AS (
  SELECT h.access_key_id, h.address, h.vpc_endpoint_id, h.event_id, bool_or(o.holder IS NOT NULL) AS own,
    bool_or(h.via = 'public address') AS public,
    min(h.workload) FILTER (o.holder IS NULL) AS other,
    min(h.workload) FILTER (o.holder IS NULL AND h.certainty IN ('recorded', 'matched', 'bounded')) AS other_surely,
    min(h.workload) FILTER (w.kind = 'nat_gateway') AS gateway,
    min(h.evidence_event_ids) AS evidence_event_ids
  FROM held AS h
  LEFT JOIN (
    SELECT DISTINCT access_key_id, holder
    FROM use_own
  ) AS o ON o.access_key_id = h.access_key_id AND o.holder = h.workload
  LEFT JOIN workload AS w ON w.workload = h.workload
  GROUP BY h.access_key_id, h.address, h.vpc_endpoint_id, h.event_id
)
SELECT access_key_id, address, vpc_endpoint_id, count(*) FILTER (own) AS own_calls,
  count(*) FILTER (own AND public) AS own_public_calls, min(other) FILTER (NOT own) AS other,
  count(*) FILTER (NOT own AND gateway IS NULL AND other_surely IS NOT NULL) AS other_calls, min(gateway) AS gateway,
  min(evidence_event_ids) AS evidence_event_ids
FROM called
GROUP BY access_key_id, address, vpc_endpoint_id
"""
"""Whether the workload, the instance it ran on, or what ran on it held the address at each call; or who else did."""

_OPEN = f"""
CREATE OR REPLACE TEMP TABLE use_open AS
WITH seen AS (
  SELECT h.workload, h.holds AS address, min(h.valid_from) AS valid_from, max(h.valid_to) AS valid_to,
    NOT arg_min(h.from_known, h.valid_from) AS from_open,
    NOT arg_max(h.to_known, coalesce(h.valid_to, TIMESTAMP '9999-12-31')) AS to_open
  FROM lifetime AS h
  WHERE h.holds_kind = 'public_ip'
    AND h.certainty = 'bounded'
    AND NOT EXISTS (
      SELECT 1 FROM lifetime AS o WHERE o.holds_kind = 'public_ip' AND o.holds = h.holds AND o.workload <> h.workload)
  GROUP BY h.workload, h.holds
)
SELECT s.user_identity_access_key_id AS access_key_id, s.source_ip_address AS address,
  nullif(s.vpc_endpoint_id, '') AS vpc_endpoint_id, count(DISTINCT {_ID}) AS open_calls
FROM cloudtrail AS s
JOIN credential_workload AS c ON c.access_key_id = s.user_identity_access_key_id
JOIN seen AS h ON h.workload = c.workload AND h.address = s.source_ip_address
  AND (s.event_time < h.valid_from AND h.from_open OR h.valid_to <= s.event_time AND h.to_open)
WHERE {current("cloudtrail")}
  AND NOT EXISTS (
    SELECT 1
    FROM lifetime AS r
    WHERE r.holds_kind = 'instance'
      AND r.workload = h.workload
      AND r.holds = h.workload
      AND (r.from_known AND s.event_time < r.valid_from AND r.valid_from <= h.valid_from
        OR r.to_known AND r.valid_to <= s.event_time AND h.valid_to <= r.valid_to))
GROUP BY s.user_identity_access_key_id, s.source_ip_address, nullif(s.vpc_endpoint_id, '')
"""
"""Calls from an instance's own public address before it was first seen there or after it was last: nothing shows that it
did not hold it then, no start or stop in between, no other holder in evidence."""

_PRIVATE_CALLS = f"""
CREATE OR REPLACE TEMP TABLE use_private AS
SELECT s.user_identity_access_key_id AS access_key_id, s.source_ip_address AS address, count(DISTINCT {_ID}) AS private_calls,
  min(h.evidence_event_ids) AS evidence_event_ids
FROM cloudtrail AS s
JOIN use_own AS o ON o.access_key_id = s.user_identity_access_key_id
JOIN lifetime AS h ON h.workload = o.holder
  AND h.holds_kind = 'private_ip'
  AND h.holds = s.source_ip_address
  AND coalesce(h.valid_from, TIMESTAMP '0001-01-01') <= s.event_time
  AND s.event_time < coalesce(h.valid_to, TIMESTAMP '9999-12-31')
WHERE coalesce(s.vpc_endpoint_id, '') = ''
  AND regexp_matches(s.source_ip_address, '{PRIVATE}')
  AND {current("cloudtrail")}
GROUP BY s.user_identity_access_key_id, s.source_ip_address
"""
"""Calls from a private address that the workload held then, whose records name no endpoint that would tell the network."""

_BYPASS = f"""
CREATE OR REPLACE TEMP TABLE use_bypass AS
WITH through AS (
  SELECT c.workload, s.event_source, s.aws_region, min(s.event_time) AS first, max(s.event_time) AS last,
    min({_ID}) AS event_id
  FROM cloudtrail AS s
  JOIN credential_workload AS c ON c.access_key_id = s.user_identity_access_key_id
  JOIN workload AS w ON w.workload = c.workload AND w.kind IN ({", ".join(f"'{kind}'" for kind in ONE_PLACE)})
  JOIN use_holder AS h ON h.access_key_id = s.user_identity_access_key_id
    AND h.address = s.source_ip_address
    AND h.vpc_endpoint_id = s.vpc_endpoint_id
    AND h.own_calls > 0
  WHERE {current("cloudtrail")}
  GROUP BY c.workload, s.event_source, s.aws_region
)
SELECT s.user_identity_access_key_id AS access_key_id, s.source_ip_address AS address, count(DISTINCT {_ID}) AS bypass_calls,
  min(t.event_id) AS event_id
FROM cloudtrail AS s
JOIN credential_workload AS c ON c.access_key_id = s.user_identity_access_key_id
JOIN through AS t ON t.workload = c.workload
  AND t.event_source = s.event_source
  AND t.aws_region = s.aws_region
  AND t.first <= s.event_time
  AND s.event_time <= t.last
WHERE coalesce(s.vpc_endpoint_id, '') = ''
  AND regexp_matches(s.source_ip_address, '{ADDRESS}')
  AND NOT regexp_matches(s.source_ip_address, '{PRIVATE}')
  AND {current("cloudtrail")}
GROUP BY s.user_identity_access_key_id, s.source_ip_address
"""
"""Calls of a service from a public address, while the workload's own calls of it there went through a VPC endpoint."""


_ANY_HELD = """
SELECT 1
FROM use_group AS g
JOIN call_place AS p ON p.source_ip = g.address AND p.vpc_endpoint_id = coalesce(g.vpc_endpoint_id, '')
LIMIT 1
"""

_ANY_SEEN = """
SELECT 1
FROM use_group AS g
JOIN credential_workload AS c ON c.access_key_id = g.access_key_id
JOIN lifetime AS h ON h.holds_kind = 'public_ip' AND h.workload = c.workload AND h.holds = g.address
LIMIT 1
"""

_ANY_PRIVATE = """
SELECT 1
FROM use_group AS g
JOIN use_own AS o ON o.access_key_id = g.access_key_id
JOIN lifetime AS h ON h.holds_kind = 'private_ip' AND h.workload = o.holder AND h.holds = g.address
WHERE g.vpc_endpoint_id IS NULL
LIMIT 1
"""

_ANY_THROUGH = "SELECT 1 FROM use_holder WHERE own_calls > 0 AND vpc_endpoint_id IS NOT NULL LIMIT 1"
"""Whether any use can be what the statement looks for, before every call is looked at."""


def find(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables `use_own`, `use_holder`, `use_open`, `use_private` and `use_bypass`; needs `use_group`."""
    con.execute(_OWN)
    for any_use, statement in (
        (_ANY_HELD, _HOLDER),
        (_ANY_SEEN, _OPEN),
        (_ANY_PRIVATE, _PRIVATE_CALLS),
        (_ANY_THROUGH, _BYPASS),
    ):
        con.execute(statement if con.execute(any_use).fetchall() else f"{statement}LIMIT 0")


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop them again."""
    for table in ("own", "holder", "open", "private", "bypass"):
        con.execute(f"DROP TABLE temp.use_{table}")
