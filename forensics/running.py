"""When instances ran: between what starts and what stops them, by call, by state change, by AWS Config."""

import duckdb

from forensics import workload
from forensics.arn import key
from forensics.each import each

ENDED = f"""
SELECT workload, event_id, moment FROM ({workload.TERMINATED}) AS t
UNION ALL
SELECT workload, event_id, moment FROM ({workload.STATES}) AS s WHERE state IN ('shutting-down', 'terminated')
"""
"""Ends of instances: `workload, event_id, moment`."""

_INSTANCES = """coalesce(
  json_extract_string(c.answer, '$.instancesSet.items[*].instanceId'),
  json_extract_string(c.ask, '$.instancesSet.items[*].instanceId'))"""

_STARTED = f"""
SELECT {key("ec2", "c.aws_region", "c.account_id", "'instance/' || c.instance_id")} AS workload, c.event_id, c.moment,
  c.event_name
FROM {each("workload_call AS c", _INSTANCES, "instance_id")} AS c
WHERE c.event_name IN ('RunInstances', 'StartInstances', 'StopInstances')
"""

_CONFIGURED = f"""
SELECT {key("ec2", "s.aws_region", "s.aws_account_id", "'instance/' || s.resource_id")} AS workload,
  s.object_id || '/' || s.record AS event_id, s.configuration_item_capture_time AS moment,
  CASE WHEN s.configuration_item_status LIKE 'ResourceDeleted%' THEN 'terminated'
    ELSE s.configuration->>'$.state.name' END AS state,
  try_cast(s.configuration->>'$.launchTime' AS TIMESTAMP) AS launched_at
FROM resource_item AS s
WHERE s.resource_type = 'AWS::EC2::Instance'
  AND s.configuration_item_capture_time IS NOT NULL
"""

_UP = "('pending', 'running')"
_DOWN = "('stopping', 'stopped', 'shutting-down', 'terminated')"

_FACT = f"""
CREATE OR REPLACE TEMP TABLE running_fact AS
WITH configured AS ({_CONFIGURED})
SELECT workload, event_id, moment, event_name <> 'StopInstances' AS up, TRUE AS exact FROM ({_STARTED}) AS c
UNION ALL
SELECT workload, event_id, moment, FALSE AS up, TRUE AS exact FROM ({workload.TERMINATED}) AS t
UNION ALL
SELECT workload, event_id, moment, state IN {_UP} AS up, TRUE AS exact
FROM ({workload.STATES}) AS s
WHERE state IN {_UP} OR state IN {_DOWN}
UNION ALL
SELECT workload, event_id, moment, state IN {_UP} AS up, FALSE AS exact
FROM configured
WHERE state IN {_UP} OR state IN {_DOWN}
UNION ALL
SELECT workload, event_id, launched_at AS moment, TRUE AS up, TRUE AS exact
FROM configured
WHERE state IN {_UP} AND launched_at <= moment
"""

_HELD = """
CREATE OR REPLACE TEMP TABLE held_running AS
WITH compared AS (
  SELECT workload, moment, up, exact, event_id,
    lag(up) OVER (PARTITION BY workload ORDER BY moment, up, event_id) AS up_before
  FROM running_fact
  WHERE workload IS NOT NULL
), numbered AS (
  SELECT *, sum(CASE WHEN up AND up_before IS DISTINCT FROM TRUE THEN 1 ELSE 0 END) OVER (
    PARTITION BY workload ORDER BY moment, up, event_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS number
  FROM compared
), stretch AS (
  SELECT workload, number,
    min(moment) FILTER (up) AS valid_from,
    coalesce(arg_min(exact, (moment, NOT exact)) FILTER (up), FALSE) AS from_known,
    min(moment) FILTER (NOT up) AS valid_to,
    coalesce(arg_min(exact, (moment, NOT exact)) FILTER (NOT up), FALSE) AS to_known,
    list_distinct(list_filter([arg_min(event_id, (moment, event_id)) FILTER (up),
      arg_min(event_id, (moment, NOT exact, event_id)) FILTER (NOT up)], lambda e: e IS NOT NULL)) AS evidence_event_ids
  FROM numbered
  GROUP BY workload, number
)
SELECT workload, 'instance' AS holds_kind, workload AS holds, valid_from, valid_to, from_known, to_known,
  CASE WHEN from_known AND to_known THEN 'matched' ELSE 'bounded' END AS certainty, evidence_event_ids
FROM stretch
"""
"""An instance whose first record stops it ran before: since when is not in evidence."""

STOPPED = "SELECT workload, event_id, moment, exact FROM running_fact WHERE NOT up"
"""Moments at which instances ran no longer: `workload, event_id, moment, exact`. Their own public addresses are lost then."""


def hold(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables `running_fact` and `held_running`; needs `workload_call`."""
    con.execute(_FACT)
    con.execute(_HELD)
