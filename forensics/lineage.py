"""Which credential came from which: every access key, who issued it, and its ancestors hop by hop."""

import duckdb

from forensics import ancestry, issuance, key_class, key_match, key_use
from forensics.case import Case, Query
from forensics.sources.cloudtrail import EVENT as CALL

_FACTS = """
INSERT INTO fact
SELECT kind, unique_id, split_part(principal, '#', 1) AS arn, first_seen AS time
FROM principal
WHERE kind IN ('role', 'user')
"""

_GIVEN = """
CREATE OR REPLACE TEMP TABLE given AS
WITH role AS (
  SELECT unique_id, account_id, min(principal) AS principal
  FROM known
  WHERE kind = 'role' AND unique_id IS NOT NULL
  GROUP BY unique_id, account_id
), role_arn AS (
  SELECT arn, CASE WHEN count(DISTINCT principal) = 1 THEN min(principal) END AS principal
  FROM known
  WHERE kind = 'role'
  GROUP BY arn
), user_name AS (
  SELECT account_id, regexp_extract(arn, '[^/]+$') AS name, min(principal) AS principal
  FROM known
  WHERE kind = 'user'
  GROUP BY account_id, regexp_extract(arn, '[^/]+$')
  HAVING count(DISTINCT principal) = 1
)
SELECT
  m.access_key_id,
  m.event_id,
  m.time,
  m.expires_at,
  m.expires_how,
  m.source_identity,
  m.issuer_key,
  i.principal AS issuer_principal,
  CASE m.event_name
    WHEN 'GetSessionToken' THEN i.principal
    WHEN 'CreateSession' THEN CASE WHEN m.role_arn IS NULL THEN i.principal ELSE coalesce(r.principal, a.principal) END
    WHEN 'GetFederationToken' THEN m.session
    WHEN 'AssumeRoot' THEN 'arn:aws:iam::' || nullif(m.target_account, '') || ':root'
    WHEN 'CreateAccessKey' THEN u.principal
    ELSE coalesce(r.principal, a.principal)
  END AS principal,
  CASE WHEN m.event_name = 'CreateSession' AND m.role_arn IS NULL THEN i.session ELSE m.session END AS session,
  'recorded' AS certainty
FROM minted AS m
LEFT JOIN identity AS i ON i.identity_key = m.identity_key
LEFT JOIN role AS r ON r.unique_id = m.role_id AND r.account_id = m.role_account
LEFT JOIN role_arn AS a ON a.arn = m.role_arn
LEFT JOIN user_name AS u ON u.account_id = m.account_id AND u.name = m.user_name
"""

_MATCHED = """
INSERT INTO given
WITH switched AS (
  SELECT arn, CASE WHEN count(DISTINCT principal) = 1 THEN min(principal) END AS principal
  FROM (SELECT arn, principal FROM known
    UNION ALL
    SELECT session AS arn, principal FROM session) AS k
  GROUP BY arn
), mint AS (
  SELECT event_id, any_value(CASE WHEN access_key_id IS NULL THEN expires_text END) AS expires_text,
    any_value(source_identity) AS source_identity
  FROM mint_call
  GROUP BY event_id
)
SELECT
  m.access_key_id,
  m.event_id,
  m.moment AS time,
  coalesce(try_strptime(replace(c.expires_text, chr(8239), ' '), $expiration_formats),
           try_cast(c.expires_text AS TIMESTAMP)) AS expires_at,
  NULL AS expires_how,
  c.source_identity,
  m.issuer_key,
  coalesce(s.principal, i.principal) AS issuer_principal,
  NULL AS principal,
  NULL AS session,
  'matched' AS certainty
FROM key_match AS m
LEFT JOIN mint AS c ON c.event_id = m.event_id
LEFT JOIN identity AS i ON i.identity_key = m.identity_key
LEFT JOIN switched AS s ON s.arn = m.switched_from
WHERE m.certainty = 'matched'
"""

_CREDENTIAL = """
INSERT INTO credential
WITH every_key AS (
  SELECT access_key_id FROM holder
  UNION
  SELECT access_key_id FROM minted
)
SELECT
  k.access_key_id,
  CASE substr(k.access_key_id, 1, 4) WHEN 'AKIA' THEN 'long_term' WHEN 'ASIA' THEN 'temporary' END AS kind,
  CASE WHEN NOT coalesce(h.contested, false) THEN coalesce(h.caller, g.principal, h.named) END AS principal,
  coalesce(h.caller_session, g.session, h.named_session) AS session,
  g.time AS issued_at,
  g.expires_at,
  g.issuer_principal AS issued_by_principal,
  g.issuer_key AS issued_by_access_key_id,
  g.event_id AS issuance_event_id,
  h.first_used,
  h.last_used,
  NULL AS workload,
  NULL AS workload_certainty,
  c.class,
  h.created_at AS session_created_at,
  coalesce(g.certainty, CASE WHEN m.certainty = 'shared' THEN 'shared' END) AS issuance_certainty,
  g.expires_how,
  coalesce(h.source_identity, g.source_identity) AS source_identity
FROM every_key AS k
LEFT JOIN holder AS h ON h.access_key_id = k.access_key_id
LEFT JOIN given AS g ON g.access_key_id = k.access_key_id
LEFT JOIN key_match AS m ON m.access_key_id = k.access_key_id
LEFT JOIN key_class AS c ON c.access_key_id = k.access_key_id
"""

_CHAIN = """
SELECT l.ancestor_access_key_id AS access_key_id, 'ancestor' AS direction, l.hops,
  l.ancestor_principal AS principal, c.session, c.issued_at, c.issuance_event_id
FROM lineage AS l
LEFT JOIN credential AS c ON c.access_key_id = l.ancestor_access_key_id
WHERE l.access_key_id = $access_key_id
UNION ALL
SELECT l.access_key_id, 'descendant' AS direction, l.hops,
  c.principal, c.session, c.issued_at, c.issuance_event_id
FROM lineage AS l
JOIN credential AS c ON c.access_key_id = l.access_key_id
WHERE l.ancestor_access_key_id = $access_key_id
ORDER BY direction, hops, access_key_id
"""


_ISSUED_NEVER_USED = """
SELECT c.access_key_id, c.kind, c.principal, c.session, c.issued_at, c.expires_at, c.issued_by_principal,
  c.issued_by_access_key_id, c.issuance_event_id
FROM credential AS c
WHERE c.issuance_event_id IS NOT NULL
  AND c.first_used IS NULL
ORDER BY c.issued_at, c.access_key_id
"""

_USED_NEVER_ISSUED = """
SELECT c.access_key_id, c.kind, c.class, c.principal, c.session, c.session_created_at, c.first_used, c.last_used,
  g.account_id, g.region, g.window_from, g.window_to, g.statement
FROM credential AS c
LEFT JOIN lineage_gap AS g ON g.access_key_id = c.access_key_id
WHERE c.issuance_event_id IS NULL
  AND c.first_used IS NOT NULL
ORDER BY c.first_used, c.access_key_id
"""

USE_PADDING = 2
"""Seconds by which the times of a call and of an expiry may be off."""

_USED_AFTER_EXPIRY = f"""
SELECT c.access_key_id, c.principal, c.session, c.issued_at, c.expires_at, c.expires_how, c.issuance_certainty,
  min(s.event_time) AS first_used_after, c.last_used, count(DISTINCT {CALL.columns["event_id"]}) AS calls,
  arg_min({CALL.columns["event_id"]}, (s.event_time, {CALL.columns["event_id"]})) AS event_id
FROM credential AS c
JOIN cloudtrail AS s ON s.user_identity_access_key_id = c.access_key_id
WHERE c.last_used > c.expires_at + to_seconds({USE_PADDING})
  AND s.event_time > c.expires_at + to_seconds({USE_PADDING})
GROUP BY c.access_key_id, c.principal, c.session, c.issued_at, c.expires_at, c.expires_how, c.issuance_certainty,
  c.last_used
ORDER BY first_used_after, c.access_key_id
"""

_ORIGIN = f"""
WITH tip AS (
  SELECT k.access_key_id, k.access_key_id AS first_key, 0 AS hops, 'recorded' AS certainty
  FROM credential AS k
  WHERE k.access_key_id = $access_key_id
  UNION ALL
  SELECT l.access_key_id, l.ancestor_access_key_id, l.hops, l.certainty
  FROM lineage AS l
  WHERE l.access_key_id = $access_key_id AND l.ancestor_access_key_id IS NOT NULL
), root AS (
  SELECT *
  FROM tip
  ORDER BY hops DESC
  LIMIT 1
), issuance AS (
  SELECT {CALL.columns["event_id"]} AS event_id, min(s.event_name) AS event_name, min(i.kind) AS kind,
    min(s.user_identity_user_name) AS user_name
  FROM cloudtrail AS s
  LEFT JOIN identity AS i ON i.identity_key = s.identity_key
  WHERE {CALL.columns["event_id"]} IN (SELECT c.issuance_event_id FROM root AS r
    JOIN credential AS c ON c.access_key_id = r.first_key)
  GROUP BY {CALL.columns["event_id"]}
)
SELECT
  CASE
    WHEN c.issuance_event_id IS NOT NULL AND c.issued_by_access_key_id IS NOT NULL THEN 'cycle'
    WHEN i.kind = 'service' THEN 'service'
    WHEN i.event_name IN ('ConsoleLogin', 'SwitchRole', 'GetRoleCredentials', 'CreateOAuth2Token')
      OR i.kind IN ('saml_user', 'identity_center_user') THEN 'human'
    WHEN i.kind = 'web_identity_user' THEN 'web identity'
    WHEN c.issuance_event_id IS NOT NULL THEN 'caller without a key'
    WHEN c.kind = 'long_term' THEN 'long-term key'
    ELSE 'gap'
  END AS ends_in,
  r.hops,
  r.first_key AS access_key_id,
  CASE WHEN c.issuance_event_id IS NULL THEN c.principal ELSE c.issued_by_principal END AS principal,
  i.user_name AS name,
  c.issuance_event_id,
  r.certainty,
  c.class,
  g.statement
FROM root AS r
JOIN credential AS c ON c.access_key_id = r.first_key
LEFT JOIN issuance AS i ON i.event_id = c.issuance_event_id
LEFT JOIN lineage_gap AS g ON g.access_key_id = r.first_key
"""

_TAGS = f"""
WITH line AS (
  SELECT $access_key_id AS access_key_id, 0 AS hops
  UNION ALL
  SELECT l.ancestor_access_key_id, l.hops
  FROM lineage AS l
  WHERE l.access_key_id = $access_key_id AND l.ancestor_access_key_id IS NOT NULL
), asked AS (
  SELECT l.access_key_id, l.hops, c.issuance_event_id AS event_id, s.request_parameters AS ask,
    row_number() OVER (PARTITION BY l.access_key_id ORDER BY s.object_id, s.record) AS copy
  FROM line AS l
  JOIN credential AS c ON c.access_key_id = l.access_key_id
  JOIN cloudtrail AS s ON {CALL.columns["event_id"]} = c.issuance_event_id
), tag AS (
  SELECT a.access_key_id, a.hops, a.event_id, u.tag->>'$.key' AS key, u.tag->>'$.value' AS value,
    list_contains(json_extract_string(a.ask, '$.transitiveTagKeys[*]'), u.tag->>'$.key') AS transitive
  FROM asked AS a, unnest(json_extract(a.ask, '$.tags[*]')) AS u(tag)
  WHERE a.copy = 1
  UNION ALL
  SELECT a.access_key_id, a.hops, a.event_id, e.key, e.value->>'$' AS value,
    list_contains(json_extract_string(a.ask, '$.transitiveTagKeys[*]'), e.key) AS transitive
  FROM asked AS a, json_each(a.ask, '$.principalTags') AS e
  WHERE a.copy = 1
  UNION ALL
  SELECT a.access_key_id, a.hops, a.event_id, e.key, e.value->>'$' AS value, true AS transitive
  FROM asked AS a, json_each(a.ask, '$.incomingTransitiveTags') AS e
  WHERE a.copy = 1
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY key ORDER BY hops, transitive, event_id) AS place
  FROM tag
  WHERE key IS NOT NULL AND (hops = 0 OR transitive)
)
SELECT key, value, coalesce(transitive, false) AS transitive, hops, access_key_id AS set_with, event_id
FROM ranked
WHERE place = 1
ORDER BY key
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `credential` (but for its workload), `lineage` and `lineage_gap` afresh; `identity.resolve` comes first.

    The caller owns the transaction. A key in the calls of several principals, as in masked logs, has none.
    """
    issuance.collect(con)
    con.execute(_FACTS)
    issuance.name_principals(con)
    key_use.collect(con)
    key_match.collect(con)
    key_class.collect(con)
    con.execute(_GIVEN)
    con.execute(_MATCHED, {"expiration_formats": list(issuance.EXPIRATION_FORMATS)})
    con.execute("DELETE FROM credential")
    con.execute(_CREDENTIAL)
    ancestry.walk(con)
    key_class.tell_gaps(con)
    for part in (key_class, key_match, key_use, issuance):
        part.drop(con)
    con.execute("DROP TABLE temp.given")


def chain(case: Case, access_key_id: str) -> Query:
    """Ancestors and descendants of a key, nearest first, with who held each and when it was issued.

    Columns: access_key_id (NULL for the service, login or federation that issued the first key of the chain),
    direction ("ancestor", "descendant"), hops, principal, session, issued_at, issuance_event_id.
    """
    return case.sql(_CHAIN, {"access_key_id": access_key_id})


def origin(case: Case, access_key_id: str) -> Query:
    """Where a key's chain ends, in one row: ends_in, hops, the first key known, its principal or issuer, its gap.

    ends_in: human (a sign-in, SAML or IAM Identity Center), web identity (a pipeline or a pod, by `name`), service,
    caller without a key, long-term key, cycle, gap: then `class` and `statement` say what is not in evidence.
    """
    return case.sql(_ORIGIN, {"access_key_id": access_key_id})


def tags(case: Case, access_key_id: str) -> Query:
    """Session tags of a key as its issuance and those of its ancestors state them; of these only transitive ones."""
    return case.sql(_TAGS, {"access_key_id": access_key_id})


def issued_never_used(case: Case) -> Query:
    """Keys that were issued and made no call in evidence."""
    return case.sql(_ISSUED_NEVER_USED)


def used_never_issued(case: Case) -> Query:
    """Keys that made calls and whose issuance is not in evidence, with what they are and where it would be recorded."""
    return case.sql(_USED_NEVER_ISSUED)


def used_after_expiry(case: Case) -> Query:
    """Keys that made calls after they expired, which AWS would not allow: a wrong clock, record or reading.

    Where `expires_how` is not NULL, the expiry itself was only reckoned.
    """
    return case.sql(_USED_AFTER_EXPIRY)
