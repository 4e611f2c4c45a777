"""Invocations of Lambda functions, put together from the lines that the platform logs about each."""

import duckdb

STARTED = ("platform.start",)
ENDED = ("platform.end", "platform.report", "platform.runtimeDone")

FUNCTION_OF_LOG = """
WITH named AS (
  SELECT DISTINCT
    s.object_id,
    s.owner,
    s.log_group,
    s.function_name,
    coalesce(s.owner, e.account_id) AS account_id,
    CASE WHEN s.log_group LIKE '/aws/lambda/us-east-1.%' THEN 'us-east-1' ELSE e.region END AS region
  FROM (
    SELECT DISTINCT object_id, owner, log_group, function_name
    FROM lambda_log
    WHERE function_name IS NOT NULL
  ) AS s
  LEFT JOIN evidence AS e ON e.object_id = s.object_id
)
SELECT n.object_id, n.owner, n.log_group, n.function_name, min(w.workload) AS workload,
  CASE WHEN min(n.region) IS NULL THEN 'inferred' ELSE 'recorded' END AS certainty
FROM named AS n
JOIN workload AS w ON w.kind = 'lambda_function'
  AND w.name = n.function_name
  AND w.account_id = n.account_id
  AND w.region = coalesce(n.region, w.region)
GROUP BY n.object_id, n.owner, n.log_group, n.function_name
HAVING count(*) = 1
"""
"""The function that a log of an object is of: by account, Region and name; `inferred` where its Region is not known."""

_LINE = """
CREATE OR REPLACE TEMP TABLE log_line AS
SELECT
  s.object_id || '/' || s.record AS event_id,
  s.timestamp AS moment,
  s.log_group,
  s.log_stream,
  s.type,
  s.request_id,
  s.function_version AS version,
  s.level,
  s.status,
  s.error_type,
  s.duration_ms,
  s.billed_duration_ms AS billed_ms,
  s.init_duration_ms AS init_ms,
  s.memory_size_mb AS memory_mb,
  s.max_memory_used_mb AS max_memory_mb,
  f.workload
FROM lambda_log AS s
LEFT JOIN log_function AS f ON f.object_id = s.object_id
  AND f.function_name = s.function_name
  AND f.owner IS NOT DISTINCT FROM s.owner
  AND f.log_group IS NOT DISTINCT FROM s.log_group
"""

_INVOCATION = f"""
INSERT INTO invocation
WITH whole AS (
  SELECT
    request_id,
    log_stream,
    log_group,
    min(workload) AS workload,
    min(version) AS version,
    min(moment) FILTER (type IN ({", ".join(f"'{name}'" for name in STARTED)})) AS started_at,
    max(moment) FILTER (type IN ({", ".join(f"'{name}'" for name in ENDED)})) AS ended_at,
    max(init_ms) AS init_ms,
    max(duration_ms) FILTER (type = 'platform.report') AS duration_ms,
    max(billed_ms) AS billed_ms,
    max(memory_mb) AS memory_mb,
    max(max_memory_mb) AS max_memory_mb,
    bool_or(starts_with(type, 'platform.') AND status = 'success') AS succeeded,
    max(status) FILTER (starts_with(type, 'platform.') AND status <> 'success') AS status,
    arg_min(error_type, (moment, event_id)) FILTER (starts_with(type, 'platform.')
      AND error_type <> '') AS platform_error,
    arg_min(error_type, (moment, event_id)) FILTER (level = 'ERROR' AND error_type <> '') AS own_error,
    list(event_id ORDER BY moment, event_id) AS evidence_event_ids
  FROM log_line
  WHERE request_id IS NOT NULL
  GROUP BY request_id, log_stream, log_group
), first_init AS (
  SELECT log_group, log_stream, max(init_ms) AS init_ms
  FROM log_line
  WHERE type = 'platform.initReport'
    AND request_id IS NULL
  GROUP BY log_group, log_stream
), ranked AS (
  SELECT *,
    row_number() OVER (PARTITION BY log_group, log_stream ORDER BY started_at NULLS LAST, request_id) AS place
  FROM whole
)
SELECT
  r.request_id,
  r.workload,
  r.version,
  r.log_stream AS execution_environment,
  r.started_at,
  r.ended_at,
  coalesce(r.init_ms, CASE WHEN r.place = 1 THEN i.init_ms END) AS init_ms,
  r.duration_ms,
  r.billed_ms,
  r.memory_mb,
  r.max_memory_mb,
  CASE
    WHEN r.succeeded THEN NULL
    WHEN r.status = 'timeout' THEN 'timeout'
    ELSE coalesce(r.platform_error, r.own_error, r.status)
  END AS error,
  r.evidence_event_ids
FROM ranked AS r
LEFT JOIN first_init AS i ON i.log_stream = r.log_stream
  AND i.log_group IS NOT DISTINCT FROM r.log_group
ORDER BY r.started_at, r.request_id, r.log_stream
"""


def collect_lines(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `log_line`: Lambda's log lines, each with its function if one is known."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE log_function AS{FUNCTION_OF_LOG}")
    con.execute(_LINE)


def drop_lines(con: duckdb.DuckDBPyConnection) -> None:
    """Remove what `collect_lines` made."""
    con.execute("DROP TABLE temp.log_line")
    con.execute("DROP TABLE temp.log_function")


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `invocation`: one row per request id and log stream, so a retry elsewhere is a row of its own.

    Needs `workload`. `error` is the platform's error type, `timeout`, or the type of the code's own error.
    """
    con.execute("DELETE FROM invocation")
    collect_lines(con)
    con.execute(_INVOCATION)
    drop_lines(con)
