"""The stolen credential test: each workload credential at each place it was used from, and what speaks for and against."""

import duckdb

from forensics import scanned, theft_place, theft_reason
from forensics.arn import SAMPLE
from forensics.attribution.part import current
from forensics.sources.cloudtrail import EVENT as CALL
from forensics.sources.guardduty import ACCESS_KEY
from forensics.sources.guardduty import EVENT as FOUND
from forensics.theft_place import ADDRESS, PRIVATE

RUNTIME_AGENTS = {"lambda_function": "exec-env/AWS_Lambda", "ecs_task": "exec-env/AWS_ECS"}
"""What the SDK of a runtime adds to its user agent, by kind of workload; a caller can copy it."""

FOREIGN_PLACE = "(CredentialExfiltration|MaliciousIPCaller|TorIPCaller)"
"""Finding types that speak of the place of a call; `AnomalousBehavior` speaks of the behaviour, even of the workload
itself."""

PLATFORM_AGENT = "awslambda-worker"
PLATFORM_CALLS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments")
"""Calls that Lambda itself makes with a function's role (page "Using source function ARN to control function access
behavior")."""

_ID = CALL.columns["event_id"]
_ACTION = CALL.columns["action"]
_PLATFORM = ", ".join(f"'{name}'" for name in PLATFORM_CALLS)
_MARKED = {kind: f"contains(s.user_agent, '{agent}')" for kind, agent in RUNTIME_AGENTS.items()}


def _grouped(where: str) -> str:
    """SELECT of the uses of keys: a row per key, address and VPC endpoint, of the rows of `cloudtrail` (alias `s`)."""
    marked = "".join(
        f"count(*) FILTER ({mark}) AS {kind}_calls, min({_ID}) FILTER ({mark}) AS {kind}_event_id,\n  "
        for kind, mark in _MARKED.items()
    )
    return f"""
SELECT s.user_identity_access_key_id AS access_key_id, nullif(s.source_ip_address, '') AS address,
  nullif(s.vpc_endpoint_id, '') AS vpc_endpoint_id, count(*) AS calls,
  min(s.event_time) AS first_used, max(s.event_time) AS last_used,
  arg_min(struct_pack(agent := s.user_agent, id := {_ID}, time := coalesce(s.event_time, TIMESTAMP '9999-12-31')),
    (coalesce(s.event_time, TIMESTAMP '9999-12-31'), {_ID})) AS first_call,
  {marked}count(*) FILTER (contains(s.user_agent, '{PLATFORM_AGENT}') AND {_ACTION} IN ({_PLATFORM})) AS platform_calls
FROM {{rows}} AS s
WHERE {where}
GROUP BY 1, 2, 3
"""


_USED = scanned.one(
    "key_place",
    "cloudtrail",
    _grouped("s.user_identity_access_key_id <> ''"),
    f"""
SELECT access_key_id, address, vpc_endpoint_id, CAST(sum(calls) AS BIGINT) AS calls, min(first_used) AS first_used,
  max(last_used) AS last_used, arg_min(first_call, (first_call.time, first_call.id)) AS first_call,
  {"".join(f"CAST(sum({kind}_calls) AS BIGINT) AS {kind}_calls, min({kind}_event_id) AS {kind}_event_id, " for kind in RUNTIME_AGENTS)}
  CAST(sum(platform_calls) AS BIGINT) AS platform_calls
FROM {{kept}}
GROUP BY access_key_id, address, vpc_endpoint_id
""",
)
"""Uses of every key, further copies of events included."""

_RECOUNTED = """
CREATE OR REPLACE TEMP TABLE use_recounted AS
SELECT DISTINCT s.user_identity_access_key_id AS access_key_id, nullif(s.source_ip_address, '') AS address,
  nullif(s.vpc_endpoint_id, '') AS vpc_endpoint_id
FROM cloudtrail AS s
JOIN superseded AS x ON x.source = 'cloudtrail' AND x.copy_object_id = s.object_id AND x.copy_record = s.record
WHERE s.user_identity_access_key_id IN (SELECT access_key_id FROM credential_workload)
"""
"""Uses of which an event was delivered again: what was counted when it was read is too much."""

_SAME_USE = """r.access_key_id = {0}.access_key_id
    AND r.address IS NOT DISTINCT FROM {0}.address
    AND r.vpc_endpoint_id IS NOT DISTINCT FROM {0}.vpc_endpoint_id"""

_GROUP = f"""
CREATE OR REPLACE TEMP TABLE use_group AS
SELECT g.*
FROM {_USED.rows} AS g
WHERE g.access_key_id IN (SELECT access_key_id FROM credential_workload)
  AND NOT EXISTS (SELECT 1 FROM use_recounted AS r WHERE {_SAME_USE.format("g")})
"""

_GROUP_ANEW = "INSERT INTO use_group" + _grouped(
    f"""s.user_identity_access_key_id IN (SELECT access_key_id FROM use_recounted)
  AND EXISTS (
    SELECT 1 FROM use_recounted AS r
    WHERE r.access_key_id = s.user_identity_access_key_id
      AND r.address IS NOT DISTINCT FROM nullif(s.source_ip_address, '')
      AND r.vpc_endpoint_id IS NOT DISTINCT FROM nullif(s.vpc_endpoint_id, ''))
  AND {current("cloudtrail")}"""
).replace("{rows}", "cloudtrail")

_NAMED = f"""
CREATE OR REPLACE TEMP TABLE use_finding AS
SELECT access_key_id, address, min(finding_id) AS finding_id
FROM (
  SELECT {ACCESS_KEY} AS access_key_id, {FOUND.columns["source_ip"]} AS address, {FOUND.columns["event_id"]} AS finding_id
  FROM guardduty AS s
  WHERE regexp_matches(s.type, '{FOREIGN_PLACE}')
    AND NOT {SAMPLE}
  UNION ALL
  SELECT s.access_key_id, s.api_remote_ip AS address, s.id AS finding_id
  FROM security_hub AS s
  WHERE regexp_matches(CAST(s.types AS VARCHAR), '{FOREIGN_PLACE}')
    AND s.product_name = 'GuardDuty'
    AND NOT coalesce(s.sample, FALSE)
) AS f
WHERE access_key_id <> ''
  AND address <> ''
GROUP BY access_key_id, address
"""

_KNOWN = f"""
CREATE OR REPLACE TEMP TABLE use_known AS
WITH whole AS (
  SELECT g.access_key_id, c.workload, c.certainty, w.kind, k.principal, g.address, g.vpc_endpoint_id, g.calls,
    g.first_used, g.last_used, g.first_call.agent AS user_agent, g.first_call.id AS first_event_id,
    coalesce(regexp_matches(g.address, '{ADDRESS}'), FALSE) AS is_address,
    CASE w.kind {" ".join(f"WHEN '{kind}' THEN g.{kind}_calls" for kind in RUNTIME_AGENTS)} ELSE 0 END AS runtime_calls,
    CASE w.kind {" ".join(f"WHEN '{kind}' THEN g.{kind}_event_id" for kind in RUNTIME_AGENTS)} END AS runtime_event_id,
    g.platform_calls, coalesce(h.own_calls, 0) AS own_calls, coalesce(h.own_public_calls, 0) AS own_public_calls,
    coalesce(o.open_calls, 0) AS open_calls, coalesce(p.private_calls, 0) AS private_calls, b.bypass_calls,
    b.event_id AS bypass_event_id, trim(g.first_call.agent, '[]') AS agent, h.other, coalesce(h.other_calls, 0) AS other_calls, h.gateway, coalesce(h.evidence_event_ids, p.evidence_event_ids) AS holder_event_ids, f.finding_id
  FROM use_group AS g
  JOIN credential_workload AS c ON c.access_key_id = g.access_key_id
  LEFT JOIN workload AS w ON w.workload = c.workload
  LEFT JOIN credential AS k ON k.access_key_id = g.access_key_id
  LEFT JOIN use_holder AS h ON h.access_key_id = g.access_key_id
    AND h.address = g.address
    AND h.vpc_endpoint_id IS NOT DISTINCT FROM g.vpc_endpoint_id
  LEFT JOIN use_open AS o ON o.access_key_id = g.access_key_id
    AND o.address = g.address
    AND o.vpc_endpoint_id IS NOT DISTINCT FROM g.vpc_endpoint_id
  LEFT JOIN use_private AS p ON p.access_key_id = g.access_key_id AND p.address = g.address AND g.vpc_endpoint_id IS NULL
  LEFT JOIN use_bypass AS b ON b.access_key_id = g.access_key_id AND b.address = g.address AND g.vpc_endpoint_id IS NULL
  LEFT JOIN use_finding AS f ON f.access_key_id = g.access_key_id AND f.address = g.address
), learned AS (
  SELECT workload, address, min(first_used) AS since, min(runtime_event_id) AS event_id
  FROM whole
  WHERE runtime_calls > 0
    AND is_address
    AND finding_id IS NULL
  GROUP BY workload, address
), foreign_use AS (
  SELECT address, count(DISTINCT access_key_id) AS keys
  FROM whole
  WHERE other_calls > 0
  GROUP BY address
), accused AS (
  SELECT access_key_id, agent, min(address) AS address, min(finding_id) AS finding_id
  FROM whole AS w
  WHERE finding_id IS NOT NULL
    AND own_calls < calls
    AND EXISTS (
      SELECT 1 FROM whole AS o WHERE o.workload = w.workload AND o.finding_id IS NULL AND o.agent <> w.agent)
    AND NOT EXISTS (
      SELECT 1 FROM whole AS o WHERE o.workload = w.workload AND o.own_calls > 0 AND o.agent = w.agent)
  GROUP BY access_key_id, agent
), baseline AS (
  SELECT workload, min(runtime_event_id) AS runtime_event_id,
    bool_or(own_public_calls > 0 OR gateway IS NOT NULL) AS has_public
  FROM whole
  GROUP BY workload
)
SELECT w.*, b.runtime_event_id AS baseline_event_id, b.has_public,
  CASE WHEN l.since <= w.first_used THEN l.event_id END AS learned_event_id,
  w.other_calls = w.calls AND f.keys = 1 AS in_another, a.address AS accused_address, a.finding_id AS accused_finding_id
FROM whole AS w
LEFT JOIN accused AS a ON a.access_key_id = w.access_key_id AND a.agent = w.agent AND a.address <> w.address
LEFT JOIN foreign_use AS f ON f.address = w.address
JOIN baseline AS b ON b.workload = w.workload
LEFT JOIN learned AS l ON l.workload = w.workload AND l.address = w.address
"""
"""What is known of each use. Egress is learned from calls that carry the runtime's mark, never from those judged.

Another workload's address is foreign where but one key that is not its own was ever used from it: several make it a
proxy or NAT instance.
"""

_JUDGED = f"""
CREATE OR REPLACE TEMP TABLE use_judged AS
SELECT u.*,
  CASE
    WHEN address IS NULL THEN 'undetermined'
    WHEN NOT is_address THEN 'inside'
    WHEN own_calls = calls THEN 'inside'
    WHEN finding_id IS NOT NULL THEN 'outside'
    WHEN platform_calls = calls THEN 'inside'
    WHEN own_calls + open_calls >= calls OR private_calls = calls THEN 'inside'
    WHEN runtime_calls > 0 OR gateway IS NOT NULL OR learned_event_id IS NOT NULL THEN 'inside'
    WHEN regexp_matches(address, '{PRIVATE}') AND NOT in_another THEN 'undetermined'
    WHEN bypass_calls > 0 OR accused_finding_id IS NOT NULL THEN 'outside'
    WHEN in_another OR baseline_event_id IS NOT NULL OR has_public THEN 'outside'
    ELSE 'undetermined'
  END AS place,
  CASE
    WHEN address IS NULL THEN 'the records give no address'
    WHEN NOT is_address THEN 'AWS made the calls on its behalf'
    WHEN own_calls = calls THEN 'the workload itself held the address at that time'
    WHEN finding_id IS NOT NULL
      THEN 'GuardDuty says that this credential was used from this address, and that it is foreign'
    WHEN platform_calls = calls THEN 'only calls that Lambda itself makes with the function''s role'
    WHEN own_calls + open_calls >= calls
      THEN 'the workload was seen to hold the address at ' || own_calls || ' of ' || calls || ' calls, and nothing shows that it held it only then'
    WHEN private_calls = calls
      THEN 'a private address that the workload, or the instance it ran on, held then (the records do not say in which network)'
    WHEN runtime_calls > 0
      THEN runtime_calls || ' of ' || calls || ' calls carry the runtime''s user agent (which a caller can copy)'
    WHEN gateway IS NOT NULL
      THEN 'the address was held by ' || gateway || ' (anything behind that gateway looks the same)'
    WHEN learned_event_id IS NOT NULL
      THEN 'calls with another of the workload''s credentials carry the runtime''s user agent and came from this address before'
    ELSE CASE
        WHEN regexp_matches(address, '{PRIVATE}') AND NOT in_another
          THEN 'a private address, and the records do not say in which network'
        WHEN bypass_calls > 0
          THEN 'the workload''s own calls of that service went through a VPC endpoint, ' || bypass_calls || ' of ' || calls || ' calls from here did not'
        WHEN accused_finding_id IS NOT NULL
          THEN 'the user agent of the calls from ' || accused_address || ', which GuardDuty says is foreign'
        WHEN baseline_event_id IS NOT NULL
          THEN 'no call from it carries the runtime''s user agent, as the workload''s own calls do'
        WHEN has_public THEN 'the workload''s own calls come from a public address that it, or its gateway, held'
        WHEN in_another THEN 'not an address of the workload'
        ELSE 'nothing in evidence shows which addresses are the workload''s own'
      END || coalesce('; ' || other || ' held the address at that time', '')
  END AS why
FROM use_known AS u
"""

_USE = """
INSERT INTO credential_use
SELECT access_key_id, workload, certainty, address, vpc_endpoint_id, calls, first_used, last_used, user_agent,
  first_event_id, place, why, CASE WHEN is_address THEN finding_id END AS finding_id
FROM use_judged
ORDER BY workload, first_used, access_key_id, address
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `credential_use` and `credential_use_reason`; needs `attribution` and `invocation`."""
    for table in ("credential_use", "credential_use_reason"):
        con.execute(f"DELETE FROM {table}")
    scanned.take(con, _USED)
    con.execute(_RECOUNTED)
    con.execute(_GROUP)
    if con.execute("SELECT 1 FROM use_recounted LIMIT 1").fetchall():
        con.execute(_GROUP_ANEW)
    theft_place.find(con)
    for statement in (_NAMED, _KNOWN, _JUDGED, _USE):
        con.execute(statement)
    theft_reason.resolve(con)
    theft_place.drop(con)
    for table in ("group", "recounted", "finding", "known", "judged"):
        con.execute(f"DROP TABLE temp.use_{table}")
