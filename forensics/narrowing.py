"""Flow records at an interface that several functions share, of which only one was at work then.

Of a flow at a shared interface of Lambda every function that may use it is a candidate (`shared`). Where the logs of
all of them are in evidence around that time and one alone had an invocation in progress, `flow_narrowed` has a row,
and `attribution` a further one for that function: `inferred`, its `via` saying among how many. The rows of the
candidates stay: an extension may send while its environment is shut down, and of that no line tells.
"""

import duckdb

from forensics import invocation, padding

LONGEST_INVOCATION = 900
"""Seconds, the longest that a function may run (page "Lambda quotas"): an invocation without an end in evidence may last so long."""

LONGEST_INIT = 10
"""Seconds that code may run before the first invocation (page "Understanding the Lambda execution environment lifecycle")."""

BUCKET = 600
"""Seconds of the stretches by which flows and invocations are brought together; a flow lasts ten minutes at most."""

_PLACE = """
CREATE OR REPLACE TEMP TABLE shared_place AS
SELECT p.interface_id, p.valid_from, p.valid_to, p.workload
FROM flow_place AS p
JOIN interface AS i ON i.interface_id = p.interface_id
WHERE p.candidates > 1
  AND i.owner = 'lambda'
  AND EXISTS (SELECT 1 FROM invocation AS v WHERE v.workload = p.workload)
"""

_WINDOW = f"""
CREATE OR REPLACE TEMP TABLE shared_window AS
SELECT s.interface_id, s.start AS started_at, coalesce(s."end", s.start) AS ended_at,
  s.start - to_seconds({padding.INVOCATION}) AS padded_from, coalesce(s."end", s.start) + to_seconds({padding.INVOCATION}) AS padded_to
FROM vpc_flow AS s
WHERE s.interface_id IN (SELECT interface_id FROM shared_place)
  AND s.start IS NOT NULL
  AND coalesce(s.log_status, 'OK') = 'OK'
GROUP BY s.interface_id, s.start, s."end"
"""

_CANDIDATE = """
CREATE OR REPLACE TEMP TABLE window_candidate AS
WITH logged AS (
  SELECT workload, min(moment) AS first_line, max(moment) AS last_line
  FROM log_line
  WHERE workload IS NOT NULL
  GROUP BY workload
), candidate AS (
  SELECT DISTINCT w.interface_id, w.started_at, w.ended_at, w.padded_from, w.padded_to, p.workload
  FROM shared_window AS w
  JOIN flow_place AS p ON p.interface_id = w.interface_id
    AND w.started_at < p.valid_to
    AND p.valid_from <= w.ended_at
), judged AS (
  SELECT c.*,
    count(*) OVER (PARTITION BY c.interface_id, c.started_at, c.ended_at) AS candidates,
    count(*) FILTER (l.first_line <= c.started_at AND c.ended_at <= l.last_line) OVER (
      PARTITION BY c.interface_id, c.started_at, c.ended_at) AS logged
  FROM candidate AS c
  LEFT JOIN logged AS l ON l.workload = c.workload
)
SELECT interface_id, started_at, ended_at, padded_from, padded_to, workload, candidates
FROM judged
WHERE candidates > 1
  AND logged = candidates
"""
"""Candidates of each window of which every one has log lines before and after: a log that is silent then was there."""

_BUSY = f"""
CREATE OR REPLACE TEMP TABLE busy AS
WITH spent AS (
  SELECT workload, evidence_event_ids,
    coalesce(started_at, ended_at - to_seconds({LONGEST_INVOCATION})) AS busy_from,
    coalesce(ended_at, started_at + to_seconds({LONGEST_INVOCATION})) AS busy_to,
    started_at IS NOT NULL AND ended_at IS NOT NULL AS known
  FROM invocation
  WHERE workload IN (SELECT workload FROM window_candidate)
    AND (started_at IS NOT NULL OR ended_at IS NOT NULL)
  UNION ALL
  SELECT workload, [event_id], moment, moment + to_seconds({LONGEST_INIT}), FALSE
  FROM log_line
  WHERE workload IN (SELECT workload FROM window_candidate)
    AND type = 'platform.initStart'
)
SELECT s.workload, s.busy_from, s.busy_to, s.known, s.evidence_event_ids,
  unnest(range(CAST(epoch(s.busy_from) AS BIGINT) // {BUCKET}, CAST(epoch(s.busy_to) AS BIGINT) // {BUCKET} + 1)) AS bucket
FROM spent AS s
WHERE s.busy_to - s.busy_from <= to_seconds(2 * {LONGEST_INVOCATION})
"""

_WORKING = f"""
CREATE OR REPLACE TEMP TABLE window_worker AS
WITH bucketed AS (
  SELECT w.*, unnest(range(
    CAST(epoch(w.padded_from) AS BIGINT) // {BUCKET}, CAST(epoch(w.padded_to) AS BIGINT) // {BUCKET} + 1)) AS bucket
  FROM window_candidate AS w
  WHERE w.ended_at - w.started_at <= to_seconds(2 * {BUCKET})
), working AS (
  SELECT w.interface_id, w.started_at, w.ended_at, w.workload, min(w.candidates) AS candidates,
    bool_or(b.known) AS known, arg_min(b.evidence_event_ids, (NOT b.known, b.busy_from, b.evidence_event_ids)) AS evidence_event_ids
  FROM bucketed AS w
  JOIN busy AS b ON b.workload = w.workload
    AND b.bucket = w.bucket
    AND b.busy_from <= w.padded_to
    AND w.padded_from <= b.busy_to
  GROUP BY w.interface_id, w.started_at, w.ended_at, w.workload
), counted AS (
  SELECT *, count(*) OVER (PARTITION BY interface_id, started_at, ended_at) AS workers
  FROM working
)
SELECT interface_id, started_at, ended_at, workload, candidates, evidence_event_ids
FROM counted
WHERE workers = 1
  AND known
"""

_NARROWED = """
INSERT INTO flow_narrowed
SELECT s.object_id || '/' || s.record AS event_id, w.workload, w.candidates, w.evidence_event_ids
FROM vpc_flow AS s
JOIN window_worker AS w ON w.interface_id = s.interface_id
  AND w.started_at = s.start
  AND w.ended_at = coalesce(s."end", s.start)
WHERE s.instance_id IS NULL
  AND coalesce(s.log_status, 'OK') = 'OK'
ORDER BY s.object_id, s.record
"""

NARROWED = """
SELECT
  s.event_id, 'endpoint' AS question, s.workload, 'inferred' AS certainty,
  'only invocation in progress among ' || s.candidates || ' candidates' AS via, s.candidates, s.evidence_event_ids,
  split_part(s.event_id, '/', 1) AS object_id, CAST(split_part(s.event_id, '/', 2) AS BIGINT) AS record
FROM flow_narrowed AS s
"""
"""A part of the view `attribution`; the rows of all candidates are in other parts."""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `flow_narrowed` from `flow_place`, `invocation` and the logs; the caller owns the transaction."""
    con.execute("DELETE FROM flow_narrowed")
    con.execute(_PLACE)
    if con.execute("SELECT 1 FROM shared_place LIMIT 1").fetchall():
        _narrow(con)
    con.execute("DROP TABLE temp.shared_place")


def _narrow(con: duckdb.DuckDBPyConnection) -> None:
    invocation.collect_lines(con)
    for statement in (_WINDOW, _CANDIDATE, _BUSY, _WORKING, _NARROWED):
        con.execute(statement)
    invocation.drop_lines(con)
    for table in ("shared_window", "window_candidate", "busy", "window_worker"):
        con.execute(f"DROP TABLE temp.{table}")
