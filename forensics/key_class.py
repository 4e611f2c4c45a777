"""What a key is whose issuance is not recorded, and which account's trail, of which time, would hold it."""

import duckdb

from forensics import scanned, telling
from forensics.key_match import MINT_PADDING
from forensics.key_use import WORKLOAD_SESSION

LONGEST_HOURS = 36
"""Of a temporary key (GetSessionToken); a role's session lives 12 hours at most."""
LONGEST_ROLE_HOURS = 12

IAM_REGION = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Where the records of IAM's calls are, by partition."""

_TRAIL = scanned.one(
    "trail_hour",
    "cloudtrail",
    """
SELECT s.recipient_account_id AS account_id, date_trunc('hour', s.event_time) AS hour, s.aws_region AS region,
  min(s.event_time) AS first_record,
  count(*) FILTER (s.read_only) AS reading,
  count(*) FILTER (NOT s.read_only) AS changing
FROM {rows} AS s
WHERE s.recipient_account_id <> '' AND s.event_time IS NOT NULL
GROUP BY s.recipient_account_id, date_trunc('hour', s.event_time), s.aws_region
""",
    """
SELECT account_id, hour, region, min(first_record) AS first_record, CAST(sum(reading) AS BIGINT) AS reading,
  CAST(sum(changing) AS BIGINT) AS changing
FROM {kept}
GROUP BY account_id, hour, region
""",
)

CALLS_READ = "s.event_name = 'ConsoleLogin'"

_CLASS = f"""
CREATE OR REPLACE TEMP TABLE key_class AS
WITH login AS (
  SELECT l.arn, l.time
  FROM (SELECT s.user_identity_arn AS arn, s.event_time AS time
    FROM {telling.TABLE} AS s
    WHERE {CALLS_READ} AND s.response_elements->>'$.ConsoleLogin' = 'Success') AS l
  GROUP BY l.arn, l.time
), open AS (
  SELECT
    h.access_key_id,
    substr(h.access_key_id, 1, 4) AS prefix,
    h.first_used,
    h.session_start,
    m.certainty AS matched,
    m.candidates,
    m.event_id AS candidate,
    h.invoked_by,
    h.role_arn,
    coalesce(nullif(split_part(h.arn, ':', 5), ''), h.account_id) AS account_id,
    split_part(h.arn, ':', 2) AS partition,
    CASE
      WHEN h.service_linked THEN 'service_linked'
      WHEN h.access_key_id LIKE 'AKIA%' THEN 'long_term'
      WHEN h.forwarded THEN 'forward_access'
      WHEN h.console OR login.time IS NOT NULL THEN 'console'
      WHEN coalesce(m.certainty, '') NOT IN ('matched', 'shared')
        AND (h.delivered OR regexp_matches(
          regexp_extract(coalesce(h.caller_session, h.named_session), '[^/]+$'), $workload_session)) THEN 'workload'
      WHEN h.browser THEN 'console'
    END AS sign
  FROM holder AS h
  LEFT JOIN key_match AS m ON m.access_key_id = h.access_key_id
  LEFT JOIN login ON login.arn = h.arn AND login.time = h.created_at
  WHERE NOT EXISTS (SELECT 1 FROM minted AS g WHERE g.access_key_id = h.access_key_id)
), windowed AS (
  SELECT *,
    CASE
      WHEN prefix = 'AKIA' THEN NULL
      WHEN session_start IS NOT NULL THEN session_start - to_seconds({MINT_PADDING})
      ELSE first_used - to_hours(CASE WHEN role_arn IS NULL THEN {LONGEST_HOURS} ELSE {LONGEST_ROLE_HOURS} END)
    END AS window_from,
    CASE WHEN prefix <> 'AKIA' AND session_start IS NOT NULL THEN session_start + to_seconds({MINT_PADDING})
      ELSE first_used END AS window_to
  FROM open
), trail AS (
  SELECT account_id, min(first_record) AS first_record,
    CAST(sum(reading) AS BIGINT) AS reading, CAST(sum(changing) AS BIGINT) AS changing
  FROM trail_hour
  GROUP BY account_id
), around AS (
  SELECT w.account_id, w.session_start, CAST(sum(t.reading) AS BIGINT) AS reading,
    CAST(sum(t.changing) AS BIGINT) AS changing, string_agg(DISTINCT t.region, ', ' ORDER BY t.region) AS regions
  FROM (SELECT DISTINCT account_id, session_start FROM windowed WHERE session_start IS NOT NULL) AS w,
    unnest([-1, 0, 1]) AS u(off)
  JOIN trail_hour AS t ON t.account_id = w.account_id
    AND t.hour = date_trunc('hour', w.session_start) + to_hours(u.off)
  GROUP BY w.account_id, w.session_start
)
SELECT w.*, t.first_record, a.regions,
  CASE
    WHEN w.sign IS NOT NULL THEN w.sign
    WHEN w.matched = 'matched' THEN NULL
    WHEN w.first_used IS NULL THEN 'unknown'
    WHEN w.matched = 'shared' THEN 'unknown'
    WHEN t.account_id IS NULL THEN 'not_covered'
    WHEN t.first_record > w.window_to OR (w.session_start IS NULL AND t.first_record = w.first_used) THEN 'before_logs'
    WHEN w.session_start IS NOT NULL AND a.account_id IS NULL THEN 'not_covered'
    WHEN w.role_arn IS NOT NULL AND w.session_start IS NOT NULL AND a.reading = 0 AND a.changing > 0
      THEN 'read_only_filtered'
    WHEN w.role_arn IS NOT NULL AND w.session_start IS NULL AND t.reading = 0 AND t.changing > 0
      THEN 'read_only_filtered'
    ELSE 'unknown'
  END AS class
FROM windowed AS w
LEFT JOIN trail AS t ON t.account_id = w.account_id
LEFT JOIN around AS a ON a.account_id = w.account_id AND a.session_start = w.session_start
"""

_GAP = f"""
INSERT INTO lineage_gap
SELECT
  access_key_id,
  class,
  account_id,
  CASE WHEN class = 'long_term' THEN CASE partition
    {" ".join(f"WHEN '{name}' THEN '{region}'" for name, region in IAM_REGION.items())} END END AS region,
  window_from,
  window_to,
  CASE class
    WHEN 'long_term' THEN 'a long-term key: its CreateAccessKey, before its first use, is not in evidence'
    WHEN 'forward_access' THEN 'made by ' || CASE WHEN regexp_matches(invoked_by, '^[a-z0-9.-]+$') THEN invoked_by
      ELSE 'a service' END || ' for calls on behalf of the principal; AWS records no issuance of such a key'
    WHEN 'service_linked' THEN 'a session of a service-linked role, which its service opens for itself'
    WHEN 'console' THEN 'parent unknown: a session of the console whose sign-in is not in evidence; it is recorded in'
      || ' us-east-1 for root, otherwise in the Region of the sign-in endpoint'
    WHEN 'workload' THEN 'parent unknown: the session is of the form that AWS gives to a workload;'
      || ' the issuance by its service is not in evidence'
    WHEN 'before_logs' THEN 'parent unknown: minting not in evidence; it lies before the first record of the account'
    WHEN 'read_only_filtered' THEN 'parent unknown: minting not in evidence; around then the account''s trail holds no'
      || ' read-only event, and AssumeRole is one'
    WHEN 'not_covered' THEN 'parent unknown: minting not in evidence; nor is any record of the account around then'
    ELSE 'parent unknown: minting not in evidence' || CASE WHEN regions <> ''
      THEN ', although the account has records around then, of ' || regions ELSE '' END
  END || CASE matched
    WHEN 'shared' THEN '; ' || candidates || ' mints of that session and moment are in evidence, and none names the key'
    WHEN 'inferred' THEN '; a call that hands out such keys coincides with it: ' || candidate
    ELSE '' END
  || CASE WHEN other > 0 AND coalesce(matched, '') <> 'shared'
    THEN '; ' || other || ' other mints of the same role and session name are in evidence, none of this key' ELSE '' END
    AS statement
FROM (
  SELECT c.*, o.other
  FROM key_class AS c
  LEFT JOIN (
    SELECT k.access_key_id, count(DISTINCT m.call) AS other
    FROM key_sought AS k
    JOIN mint_candidate AS m ON m.who = k.who
    WHERE m.rank = 1 AND k.who LIKE 'session:%'
    GROUP BY k.access_key_id
  ) AS o ON o.access_key_id = c.access_key_id
  WHERE c.first_used IS NOT NULL
    AND coalesce(c.matched, '') <> 'matched'
) AS c
ORDER BY access_key_id
"""


def collect(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `key_class`: every key whose issuance is not recorded; needs `key_match`."""
    telling.take(con)
    scanned.take(con, _TRAIL)
    con.execute(f"CREATE OR REPLACE TEMP TABLE trail_hour AS\nSELECT * FROM {_TRAIL.rows} AS k")
    con.execute(_CLASS, {"workload_session": WORKLOAD_SESSION})


def tell_gaps(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `lineage_gap` from `key_class`."""
    con.execute("DELETE FROM lineage_gap")
    con.execute(_GAP)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Remove the temporary tables of this module."""
    for table in ("key_class", "trail_hour"):
        con.execute(f"DROP TABLE IF EXISTS temp.{table}")
