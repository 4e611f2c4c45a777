"""What each workload held and when: interfaces, addresses, keys, sessions and execution environments."""

import duckdb

from forensics import described, holding, hyperplane, invocation, private_address, workloads
from forensics.replaced import replace

_INSTANCE_KEY = """
SELECT split_part(workload, '/', 2) AS instance_id, min(workload) AS workload
FROM workload
WHERE kind = 'ec2_instance'
GROUP BY split_part(workload, '/', 2)
HAVING count(*) = 1
"""

_KEY = """
SELECT w.workload, 'access_key_id' AS holds_kind, c.access_key_id AS holds,
  coalesce(c.issued_at, c.session_created_at, c.first_used) AS valid_from,
  coalesce(c.expires_at, c.last_used) AS valid_to,
  c.issued_at IS NOT NULL OR c.session_created_at IS NOT NULL AS from_known,
  c.expires_at IS NOT NULL AS to_known,
  w.certainty, w.evidence_event_ids
FROM credential AS c
JOIN credential_workload AS w ON w.access_key_id = c.access_key_id
"""

_SESSION = """
SELECT w.workload, 'session' AS holds_kind, c.session AS holds,
  coalesce(c.issued_at, c.session_created_at, c.first_used) AS valid_from,
  coalesce(c.expires_at, c.last_used) AS valid_to,
  c.issued_at IS NOT NULL OR c.session_created_at IS NOT NULL AS from_known,
  c.expires_at IS NOT NULL AS to_known,
  w.certainty, w.evidence_event_ids
FROM credential AS c
JOIN credential_workload AS w ON w.access_key_id = c.access_key_id
WHERE c.session IS NOT NULL
"""

_ENVIRONMENT = """
SELECT workload, 'execution_environment' AS holds_kind, log_stream AS holds,
  min(moment) AS valid_from, max(moment) AS valid_to,
  bool_or(coalesce(type IN ('platform.initStart', 'platform.restoreStart'), FALSE)) AS from_known,
  bool_or(coalesce(type IN ('platform.spinDownReport', 'platform.shutdown'), FALSE)) AS to_known,
  CASE WHEN bool_or(coalesce(type IN ('platform.initStart', 'platform.restoreStart'), FALSE))
    AND bool_or(coalesce(type IN ('platform.spinDownReport', 'platform.shutdown'), FALSE))
    THEN 'matched' ELSE 'bounded' END AS certainty,
  [arg_min(event_id, (moment, event_id)), arg_max(event_id, (moment, event_id))] AS evidence_event_ids
FROM log_line
WHERE workload IS NOT NULL
  AND log_stream IS NOT NULL
GROUP BY workload, log_stream
"""

_PLACE = (
    "SELECT workload, holds_kind, holds, valid_from, valid_to, from_known, to_known, "
    "certainty, evidence_event_ids\nFROM"
)

HOLDINGS = (
    f"{_PLACE} held_alone",
    f"{_PLACE} held_by_function",
    f"{_PLACE} held_address",
    f"{_PLACE} held_running",
    private_address.UNIQUE,
    _KEY,
    _SESSION,
    _ENVIRONMENT,
)
"""What was held: SELECTs of the columns of `lifetime`, in order. A new kind of workload adds its own here."""

_LIFETIME = (
    "INSERT INTO lifetime\nSELECT * FROM (\n"
    + "\nUNION ALL\n".join(f"(SELECT * FROM ({holding}))" for holding in HOLDINGS)
    + "\n) ORDER BY workload, holds_kind, holds, valid_from, valid_to"
)

_NETWORK = """
INSERT INTO address_network
SELECT DISTINCT workload, holds AS address, vpc_id
FROM held_address
WHERE vpc_id IS NOT NULL
UNION
SELECT DISTINCT workload, holds AS address, network AS vpc_id
FROM held_alone
WHERE holds_kind = 'private_ip'
  AND network LIKE 'vpc-%'
"""

_TEMPORARY = (
    "configured_card",
    "found_card",
    "held_alone",
    "held_by_function",
    "held_address",
    "held_running",
)


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `lifetime`, `instance_key` and `address_network`; needs what the stage `workload` made, and drops the rest."""
    for table in ("lifetime", "address_network"):
        con.execute(f"DELETE FROM {table}")
    replace(con, "instance_key", ("instance_id",), _INSTANCE_KEY)
    holding.hold(con)
    hyperplane.hold(con)
    private_address.hold(con)
    con.execute(_NETWORK)
    invocation.collect_lines(con)
    con.execute(_LIFETIME)
    invocation.drop_lines(con)
    workloads.drop(con)
    for table in (*_TEMPORARY, "workload_call"):
        con.execute(f"DROP TABLE temp.{table}")
    described.drop(con)
