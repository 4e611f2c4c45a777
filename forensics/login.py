"""Logins: the keys of one sign-in or one assumption of a role together, and the person behind those of Identity Center."""

import duckdb

from forensics import scanned, telling
from forensics.key_match import MINT_PADDING, RESERVED_ROLE
from forensics.sources.cloudtrail import EVENT as CALL

_ID = CALL.columns["event_id"]

CALLS_READ = """s.event_name = 'ConsoleLogin'
  AND s.event_source = 'signin.amazonaws.com'"""

_CONSOLE = f"""
CREATE OR REPLACE TEMP TABLE console_login AS
SELECT i.principal, i.session, s.event_time AS time, {_ID} AS event_id
FROM {telling.TABLE} AS s
JOIN identity AS i ON i.identity_key = s.identity_key
WHERE {CALLS_READ}
  AND s.response_elements->>'$.ConsoleLogin' = 'Success'
  AND s.event_time IS NOT NULL
  AND i.principal IS NOT NULL
  AND NOT EXISTS (
    SELECT 1 FROM superseded AS x
    WHERE x.source = 'cloudtrail' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)
"""

_TOGETHER = """
CREATE OR REPLACE TEMP TABLE key_together AS
SELECT principal, session, coalesce(session_created_at, issued_at) AS created_at,
  CASE WHEN issuance_certainty = 'recorded' THEN issuance_event_id END AS mint,
  list_sort(list(access_key_id)) AS keys, min(first_used) AS first_seen, max(last_used) AS last_seen,
  bool_or(coalesce(class = 'console', FALSE)) AS console,
  CASE WHEN count(DISTINCT issuance_event_id) = 1 AND bool_and(issuance_certainty IN ('recorded', 'matched'))
    THEN min(issuance_event_id) END AS event_id
FROM credential
WHERE kind IS DISTINCT FROM 'long_term'
  AND class IS DISTINCT FROM 'forward_access'
  AND coalesce(principal, session) IS NOT NULL
  AND coalesce(session_created_at, issued_at) IS NOT NULL
GROUP BY principal, session, coalesce(session_created_at, issued_at),
  CASE WHEN issuance_certainty = 'recorded' THEN issuance_event_id END
"""
"""Keys of one principal and session that were made at one moment, unless they were given by calls of their own; those
for calls on behalf are nobody's login."""

_SIGNED_IN = f"""
CREATE OR REPLACE TEMP TABLE signed_in AS
WITH near AS (
  SELECT DISTINCT k.principal, k.session, k.created_at, c.event_id, c.time,
    rank() OVER (PARTITION BY k.principal, k.session, k.created_at
      ORDER BY abs(date_diff('second', c.time, k.created_at))) AS place
  FROM key_together AS k
  JOIN console_login AS c ON c.principal = k.principal
    AND coalesce(c.session, '') = coalesce(k.session, '')
    AND c.time BETWEEN k.created_at - to_seconds({MINT_PADDING}) AND k.created_at + to_seconds({MINT_PADDING})
)
SELECT principal, session, created_at, min(event_id) AS event_id, min(time) AS time
FROM near
WHERE place = 1
GROUP BY principal, session, created_at
HAVING count(DISTINCT event_id) = 1
"""

_SAID = scanned.one(
    "on_behalf_of",
    "cloudtrail",
    """
SELECT DISTINCT s.identity_key, s.on_behalf_of_user_id AS user_id,
  CASE WHEN s.event_source IN ('signin.amazonaws.com', 'sso.amazonaws.com')
    THEN s.additional_event_data->>'$.UserName' END AS name
FROM {rows} AS s
WHERE s.on_behalf_of_user_id <> ''
""",
    "SELECT DISTINCT identity_key, user_id, name\nFROM {kept}",
)
"""Users of Identity Center that records name, by identity and, of sign-ins, by the name given there."""

_PERSON = """
CREATE OR REPLACE TEMP TABLE person AS
WITH reserved AS (
  SELECT DISTINCT session, regexp_extract(session, '[^/]+$') AS name
  FROM session
  WHERE regexp_matches(split_part(principal, '#', 1), $reserved_role)
), said AS (
  SELECT DISTINCT i.session, s.user_id
  FROM kept.on_behalf_of AS s
  JOIN identity AS i ON i.identity_key = s.identity_key
  WHERE i.session IS NOT NULL
), of_session AS (
  SELECT session, min(user_id) AS user_id, count(*) AS users
  FROM said
  GROUP BY session
), of_name AS (
  SELECT name, min(user_id) AS user_id, count(DISTINCT user_id) AS users
  FROM kept.on_behalf_of
  WHERE name <> 'HIDDEN_DUE_TO_SECURITY_REASONS'
  GROUP BY name
)
SELECT r.session, r.name,
  CASE WHEN o.session IS NULL THEN CASE WHEN n.users = 1 THEN n.user_id END
    WHEN o.users = 1 THEN o.user_id END AS user_id,
  CASE WHEN o.users = 1 THEN 'onBehalfOf'
    WHEN o.session IS NULL AND n.users = 1 THEN 'name at sign-in' END AS user_id_how
FROM reserved AS r
LEFT JOIN of_session AS o ON o.session = r.session
LEFT JOIN of_name AS n ON n.name = r.name
"""
"""Identity Center names the sessions of its roles after the user; a role of the path `aws-reserved` is made by it alone."""

_LOGIN = """
INSERT INTO login
WITH every AS (
  SELECT k.principal, k.session, k.created_at, k.keys, k.first_seen, k.last_seen,
    k.console OR s.event_id IS NOT NULL AS console, coalesce(s.event_id, k.event_id) AS event_id
  FROM key_together AS k
  LEFT JOIN signed_in AS s ON s.principal = k.principal
    AND coalesce(s.session, '') = coalesce(k.session, '')
    AND s.created_at = k.created_at
  UNION ALL
  SELECT c.principal, c.session, c.time AS created_at, CAST([] AS VARCHAR[]) AS keys, c.time AS first_seen,
    c.time AS last_seen, TRUE AS console, c.event_id
  FROM console_login AS c
  WHERE NOT EXISTS (SELECT 1 FROM signed_in AS s WHERE s.event_id = c.event_id)
)
SELECT e.principal, e.session, e.created_at,
  CASE WHEN e.console THEN 'console' WHEN p.kind = 'role' AND h.session IS NOT NULL THEN 'identity_center'
    WHEN p.kind IN ('role', 'root') THEN p.kind WHEN p.kind = 'federated_user' THEN 'federation'
    WHEN p.kind = 'user' THEN 'session_token' WHEN e.session LIKE '%:assumed-role/%' THEN 'role'
    ELSE 'unknown' END AS kind,
  e.keys, e.first_seen, e.last_seen, e.event_id AS login_event_id,
  h.name AS person, h.user_id AS person_id, h.user_id_how AS person_id_how
FROM every AS e
LEFT JOIN principal AS p ON p.principal = e.principal
LEFT JOIN person AS h ON h.session = e.session
ORDER BY e.created_at, e.principal, e.session, e.event_id
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `login`; needs `identity`, `principal`, `session` and `credential`."""
    con.execute("DELETE FROM login")
    telling.take(con)
    scanned.take(con, _SAID)
    con.execute(_CONSOLE)
    con.execute(_TOGETHER)
    con.execute(_SIGNED_IN)
    con.execute(_PERSON, {"reserved_role": RESERVED_ROLE})
    con.execute(_LOGIN)
    for table in ("console_login", "key_together", "signed_in", "person"):
        con.execute(f"DROP TABLE temp.{table}")
