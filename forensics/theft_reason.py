"""What speaks for and against a credential having been stolen: one row per reason, each with its records."""

import duckdb

from forensics.attribution.part import current

_BUSY = """
CREATE OR REPLACE TEMP TABLE use_busy AS
WITH run AS (
  SELECT workload, started_at - INTERVAL 2 SECOND AS begun, coalesce(ended_at, started_at) + INTERVAL 2 SECOND AS ended
  FROM invocation
  WHERE workload IS NOT NULL
    AND started_at IS NOT NULL
), fresh AS (
  SELECT workload, begun, ended, coalesce(begun > max(ended) OVER (PARTITION BY workload ORDER BY begun, ended
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), TRUE) AS first
  FROM run
), numbered AS (
  SELECT workload, begun, ended, sum(CASE WHEN first THEN 1 ELSE 0 END) OVER (PARTITION BY workload ORDER BY begun, ended
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS number
  FROM fresh
)
SELECT workload, min(begun) AS begun, max(ended) AS ended
FROM numbered
GROUP BY workload, number
"""
"""Stretches in which some invocation of a function was in progress."""

_IDLE = f"""
CREATE OR REPLACE TEMP TABLE use_idle AS
WITH covered AS (
  SELECT workload, min(begun) AS begun, max(ended) AS ended
  FROM use_busy
  GROUP BY workload
), asked AS (
  SELECT u.access_key_id, u.workload, u.address, u.vpc_endpoint_id, s.event_time, count(*) AS calls
  FROM cloudtrail AS s
  JOIN use_judged AS u ON u.access_key_id = s.user_identity_access_key_id
    AND u.address = s.source_ip_address
    AND coalesce(u.vpc_endpoint_id, '') = coalesce(s.vpc_endpoint_id, '')
  JOIN covered AS c ON c.workload = u.workload AND c.begun <= s.event_time AND s.event_time <= c.ended
  WHERE u.is_address
    AND u.runtime_calls = 0
    AND u.place <> 'inside'
    AND {current("cloudtrail")}
  GROUP BY u.access_key_id, u.workload, u.address, u.vpc_endpoint_id, s.event_time
)
SELECT a.access_key_id, a.workload, a.address, a.vpc_endpoint_id,
  CAST(sum(CASE WHEN b.workload IS NULL THEN a.calls ELSE 0 END) AS BIGINT) AS idle_calls
FROM asked AS a
LEFT JOIN use_busy AS b ON b.workload = a.workload
  AND b.begun <= a.event_time
  AND a.event_time <= b.ended
GROUP BY a.access_key_id, a.workload, a.address, a.vpc_endpoint_id
"""

_USE = "u.access_key_id, u.workload, u.address, u.vpc_endpoint_id"


def _reason(speaks: str, reason: str, evidence: str, condition: str, *, joined: str = "") -> str:
    """A SELECT of the uses (alias `u`) for which a condition holds; reason and evidence are SQL."""
    return f"""
SELECT {_USE}, '{speaks}' AS speaks, {reason} AS reason, {evidence} AS evidence_event_ids
FROM use_judged AS u
{joined}
WHERE {condition}
"""


_OTHERS = """
LEFT JOIN (
  SELECT workload, count(*) FILTER (vpc_endpoint_id IS NULL) AS direct, count(*) FILTER (vpc_endpoint_id IS NOT NULL) AS through,
    min(first_event_id) FILTER (vpc_endpoint_id IS NOT NULL) AS event_id
  FROM use_judged
  WHERE is_address
    AND platform_calls < calls
  GROUP BY workload
) AS o ON o.workload = u.workload"""

_EARLIER = """
LEFT JOIN (
  SELECT a.access_key_id, a.workload, a.address, count(DISTINCT b.access_key_id) AS keys, min(b.first_event_id) AS event_id
  FROM use_judged AS a
  JOIN use_judged AS b ON b.address = a.address
    AND b.principal = a.principal
    AND b.access_key_id <> a.access_key_id
    AND b.first_used < a.first_used
  WHERE a.is_address
  GROUP BY a.access_key_id, a.workload, a.address
) AS e ON e.access_key_id = u.access_key_id AND e.workload = u.workload AND e.address = u.address
LEFT JOIN (
  SELECT principal, min(first_used) AS first_used
  FROM use_judged
  WHERE is_address
  GROUP BY principal
) AS r ON r.principal = u.principal"""

_FOR = (
    _reason(
        "for",
        "'GuardDuty says that this credential was used from this address, and that it is foreign'",
        "[u.finding_id, u.first_event_id]",
        "u.is_address AND u.finding_id IS NOT NULL",
    ),
    _reason(
        "for",
        "'no call from it carries the runtime''s user agent, as the workload''s own calls do'",
        "[u.first_event_id, u.baseline_event_id]",
        """u.is_address
  AND u.runtime_calls = 0
  AND u.platform_calls < u.calls
  AND u.baseline_event_id IS NOT NULL""",
    ),
    _reason(
        "for",
        "u.other || ' held the address at that time'",
        "list_distinct(list_prepend(u.first_event_id, u.holder_event_ids))",
        "u.is_address AND u.other IS NOT NULL AND u.gateway IS NULL",
    ),
    _reason(
        "for",
        "'the workload''s other calls came through a VPC endpoint, these did not'",
        "[u.first_event_id, o.event_id]",
        """u.is_address
  AND u.vpc_endpoint_id IS NULL
  AND u.platform_calls < u.calls
  AND o.through > 0
  AND o.direct = 1""",
        joined=_OTHERS,
    ),
    _reason(
        "for",
        "'no earlier call with a credential of the role came from this address'",
        "[u.first_event_id]",
        "u.is_address AND e.keys IS NULL AND r.first_used < u.first_used",
        joined=_EARLIER,
    ),
    _reason(
        "for",
        """'no invocation was in progress at ' || i.idle_calls || ' of ' || u.calls || ' calls, as far as the function''s log"""
        """ tells (an extension may call between invocations)'""",
        "[u.first_event_id]",
        "i.idle_calls > 0",
        joined="""JOIN use_idle AS i ON i.access_key_id = u.access_key_id
  AND i.workload = u.workload
  AND i.address = u.address
  AND i.vpc_endpoint_id IS NOT DISTINCT FROM u.vpc_endpoint_id""",
    ),
)

_AGAINST = (
    _reason(
        "against",
        "'AWS made the calls on its behalf'",
        "[u.first_event_id]",
        "u.address IS NOT NULL AND NOT u.is_address",
    ),
    _reason(
        "against",
        "'the workload, or the instance it ran on, held the address at ' || u.own_calls || ' of ' || u.calls || ' calls'",
        "list_distinct(list_prepend(u.first_event_id, u.holder_event_ids))",
        "u.own_calls > 0",
    ),
    _reason(
        "against",
        "u.platform_calls || ' of ' || u.calls || ' calls are such as Lambda itself makes with the function''s role'",
        "[u.first_event_id]",
        "u.is_address AND u.platform_calls > 0",
    ),
    _reason(
        "against",
        "u.runtime_calls || ' of ' || u.calls || ' calls carry the runtime''s user agent (which a caller can copy)'",
        "[u.runtime_event_id]",
        "u.is_address AND u.runtime_calls > 0",
    ),
    _reason(
        "against",
        "'the address was held by ' || u.gateway || ' (anything behind that gateway looks the same)'",
        "list_distinct(list_prepend(u.first_event_id, u.holder_event_ids))",
        "u.gateway IS NOT NULL",
    ),
    _reason(
        "against",
        "'calls that carry the runtime''s user agent came from this address before'",
        "[u.learned_event_id]",
        "u.runtime_calls = 0 AND u.learned_event_id IS NOT NULL",
    ),
    _reason(
        "against",
        "e.keys || ' earlier credential(s) of the role were used from this address'",
        "[e.event_id]",
        "u.is_address AND e.keys > 0",
        joined=_EARLIER,
    ),
    _reason(
        "against",
        "'no interface in a VPC is known of the function: its calls come from addresses of AWS, which change'",
        "[u.first_event_id]",
        """u.is_address
  AND u.kind = 'lambda_function'
  AND u.own_calls = 0
  AND NOT EXISTS (SELECT 1 FROM lifetime AS h WHERE h.workload = u.workload AND h.holds_kind = 'eni')""",
    ),
)

_INSERT = f"""
INSERT INTO credential_use_reason
SELECT access_key_id, workload, address, vpc_endpoint_id, speaks, reason, list_filter(evidence_event_ids, lambda e: e IS NOT NULL)
FROM ({"UNION ALL".join((*_FOR, *_AGAINST))}) AS r
ORDER BY workload, access_key_id, address, vpc_endpoint_id, speaks, reason
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `credential_use_reason`; needs the temporary table `use_judged`, `invocation` and `lifetime`."""
    for statement in (_BUSY, _IDLE, _INSERT):
        con.execute(statement)
    for table in ("busy", "idle"):
        con.execute(f"DROP TABLE temp.use_{table}")
