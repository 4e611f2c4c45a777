"""Who acted: principals and sessions, resolved once for each distinct identity that the records state."""

import duckdb

from forensics import actor, issuance, scanned
from forensics.case import Case
from forensics.errors import AmbiguousName, UnknownName
from forensics.source import IDENTITY_COLUMNS, Source
from forensics.sources import sources

_FACTS = """
INSERT INTO fact
SELECT kind, unique_id, arn, first_seen AS time
FROM actor
WHERE kind IN ('role', 'user')
UNION ALL
SELECT 'user' AS kind, issuer_principal_id AS unique_id, issuer_arn AS arn, first_seen AS time
FROM actor
WHERE kind = 'federated_user'
UNION ALL
SELECT 'role' AS kind, s.configuration->>'$.RoleId' AS unique_id, s.configuration->>'$.Arn' AS arn,
  unnest([s.created, s.observed_at]) AS time
FROM inventory AS s
WHERE s.api = 'iam'
  AND regexp_matches(s.configuration->>'$.RoleId', $role_id)
  AND regexp_matches(s.configuration->>'$.Arn', $role_arn)
UNION ALL
SELECT 'user' AS kind, s.configuration->>'$.UserId' AS unique_id, s.configuration->>'$.Arn' AS arn,
  unnest([s.created, s.observed_at]) AS time
FROM inventory AS s
WHERE s.api = 'iam'
  AND s.operation IN ('GetAccountAuthorizationDetails', 'ListUsers')
  AND regexp_matches(s.configuration->>'$.UserId', '^AIDA[A-Z0-9]+$')
"""
"""What records state of roles and users, and what IAM says of those that exist: ids, and ARNs with their paths."""

_PATHLESS_FACTS = """
INSERT INTO fact
SELECT a.kind, a.unique_id, a.pathless_arn AS arn, a.first_seen AS time
FROM actor AS a
WHERE regexp_matches(a.pathless_arn, $role_arn)
  AND NOT EXISTS (
    SELECT 1 FROM fact AS f
    WHERE f.kind = 'role' AND split_part(f.arn, ':', 5) = a.role_account
      AND regexp_extract(f.arn, '[^/]+$') = a.role_name)
"""
"""An ARN without its path is the role's only while no record shows the role of that name with its path."""

_GENERATION = """
CREATE OR REPLACE TEMP TABLE generation AS
WITH seen AS (
  SELECT k.kind, k.arn, k.account_id, k.principal, regexp_extract(k.arn, '[^/]+$') AS name,
    count(k.unique_id) > 0 AS has_id, min(k.time) AS first, greatest(max(k.time), max(a.last_seen)) AS last
  FROM known AS k
  LEFT JOIN actor AS a ON a.unique_id = k.unique_id AND a.arn = k.arn
  GROUP BY k.kind, k.arn, k.account_id, k.principal
), placed AS (
  SELECT *,
    row_number() OVER (PARTITION BY arn ORDER BY first NULLS LAST, principal) AS of_arn,
    count(*) OVER (PARTITION BY arn) AS of_arns,
    row_number() OVER (PARTITION BY kind, account_id, name ORDER BY first NULLS LAST, principal) AS of_name,
    count(*) OVER (PARTITION BY kind, account_id, name) AS of_names
  FROM seen
)
SELECT kind, arn, account_id, name, principal, has_id, of_arns = 1 AS only_of_arn, of_names = 1 AS only_of_name,
  CASE of_arn WHEN 1 THEN TIMESTAMP '0001-01-01' ELSE first END AS arn_from,
  CASE of_arn WHEN of_arns THEN TIMESTAMP '9999-12-31' ELSE last END AS arn_to,
  CASE of_name WHEN 1 THEN TIMESTAMP '0001-01-01' ELSE first END AS name_from,
  CASE of_name WHEN of_names THEN TIMESTAMP '9999-12-31' ELSE last END AS name_to
FROM placed
"""
"""Who bore an ARN or a role's name in turn, and when for certain: one name is one principal's at a time, so from its
first sight to its last sight it is nobody else's, before the last sight of the first it is no later one's."""

_NAMED = """
CREATE OR REPLACE TEMP TABLE named_actor AS
WITH stranger AS (
  SELECT role_account, role_name, count(DISTINCT unique_id) AS strangers
  FROM actor
  WHERE kind = 'role' AND arn IS NULL
  GROUP BY role_account, role_name
), by_arn AS (
  SELECT a.identity_key, min(g.principal) AS principal, 'same ARN' AS how
  FROM actor AS a
  JOIN generation AS g ON g.arn = a.arn
    AND (g.only_of_arn OR (g.arn_from <= a.first_seen AND a.last_seen <= g.arn_to))
  WHERE a.unique_id IS NULL
  GROUP BY a.identity_key
  HAVING count(DISTINCT g.principal) = 1
), by_name AS (
  SELECT a.identity_key, min(g.principal) AS principal, 'same name' AS how
  FROM actor AS a
  JOIN generation AS g ON g.kind = 'role' AND g.account_id = a.role_account AND g.name = a.role_name
  LEFT JOIN stranger AS s ON s.role_account = a.role_account AND s.role_name = a.role_name
  WHERE a.kind = 'role'
    AND a.arn IS NULL
    AND CASE WHEN a.unique_id IS NULL
      THEN g.only_of_name OR (g.name_from <= a.first_seen AND a.last_seen <= g.name_to)
      ELSE g.only_of_name AND NOT g.has_id AND s.strangers = 1 END
  GROUP BY a.identity_key
  HAVING count(DISTINCT g.principal) = 1
)
SELECT identity_key, principal, how
FROM by_arn
UNION ALL
SELECT identity_key, principal, how
FROM by_name
"""
"""Identities without a known unique id that an ARN or, of roles without their path, the name tells."""

_IDENTITY = """
INSERT INTO identity
WITH by_unique_id AS (
  SELECT unique_id, account_id, min(kind) AS kind, min(principal) AS principal,
    count(DISTINCT principal) AS principals, count(*) OVER (PARTITION BY unique_id) AS accounts
  FROM known
  WHERE unique_id IS NOT NULL
  GROUP BY unique_id, account_id
), by_both AS (
  SELECT DISTINCT unique_id, arn, principal
  FROM known
  WHERE unique_id IS NOT NULL
), by_session_id AS (
  SELECT session_id, min(session) AS session, count(DISTINCT session) AS sessions
  FROM (
    SELECT session_id, session FROM actor WHERE session IS NOT NULL AND session_id IS NOT NULL
    UNION ALL
    SELECT session_id, session FROM minted WHERE regexp_matches(role_id, $role_id)) AS stated
  GROUP BY session_id
), root AS (
  SELECT split_part(arn, ':', 5) AS account_id, min(arn) FILTER (kind = 'root') AS principal,
    CASE WHEN count(DISTINCT split_part(arn, ':', 2)) = 1 THEN min(split_part(arn, ':', 2)) END AS partition
  FROM actor
  WHERE kind <> 'service' AND arn IS NOT NULL
  GROUP BY split_part(arn, ':', 5)
), joined AS (
  SELECT a.*, i.kind AS id_kind,
    coalesce(b.principal, CASE WHEN i.principals = 1 THEN i.principal END) AS id_principal,
    n.principal AS named_principal, n.how AS named_how, f.session AS id_session,
    coalesce(r.principal, 'arn:' || coalesce(r.partition, 'aws') || ':iam::' || a.unique_id || ':root')
      AS root_principal
  FROM actor AS a
  LEFT JOIN by_unique_id AS i ON i.unique_id = a.unique_id
    AND (i.account_id = a.home_account OR (i.accounts = 1 AND a.arn IS NULL))
  LEFT JOIN by_both AS b ON b.unique_id = a.unique_id AND b.arn = coalesce(a.arn, a.pathless_arn)
  LEFT JOIN named_actor AS n ON n.identity_key = a.identity_key
  LEFT JOIN by_session_id AS f ON f.session_id = a.session_id AND f.sessions = 1 AND a.session IS NULL
  LEFT JOIN root AS r ON a.kind = 'root' AND a.arn IS NULL AND r.account_id = a.unique_id
), resolved AS (
  SELECT
    identity_key,
    CASE WHEN kind = 'account' THEN coalesce(id_kind, kind) ELSE kind END AS kind,
    CASE kind
      WHEN 'service' THEN arn
      WHEN 'root' THEN coalesce(arn, root_principal)
      WHEN 'federated_user' THEN coalesce(arn, id_session)
      ELSE coalesce(id_principal, named_principal)
    END AS principal,
    coalesce(session, id_session) AS session,
    unique_id, arn, pathless_arn, id_principal, named_how
  FROM joined
)
SELECT
  identity_key,
  kind,
  principal,
  session,
  unique_id,
  CASE
    WHEN principal IS NULL OR principal = arn THEN NULL
    WHEN kind = 'root' THEN 'account'
    WHEN kind = 'federated_user' THEN 'principal id'
    WHEN principal = pathless_arn THEN 'path not recorded'
    WHEN principal = id_principal THEN 'unique id'
    ELSE named_how
  END AS how
FROM resolved
"""

_SHARED_EVENT = """
UPDATE identity
SET kind = found.kind,
  principal = found.principal,
  session = coalesce(identity.session, found.session),
  how = 'sharedEventID'
FROM (
  WITH pending AS (
    SELECT a.identity_key, coalesce(a.unique_id, a.session_id) IS NOT NULL AS one_caller
    FROM actor AS a
    JOIN identity AS i ON i.identity_key = a.identity_key
    WHERE a.type = 'AWSAccount' AND i.principal IS NULL AND i.kind = 'account'
  ), half AS (
    SELECT p.identity_key, p.one_caller, s.shared_event_id
    FROM pending AS p
    JOIN cloudtrail AS s ON s.identity_key = p.identity_key
  ), other_half AS (
    SELECT s.shared_event_id, min(i.principal) AS principal, min(i.session) AS session, min(i.kind) AS kind,
      count(DISTINCT i.principal) AS principals
    FROM (SELECT DISTINCT shared_event_id FROM half WHERE shared_event_id <> '') AS h
    JOIN cloudtrail AS s ON s.shared_event_id = h.shared_event_id
    JOIN identity AS i ON i.identity_key = s.identity_key
    WHERE i.principal IS NOT NULL
    GROUP BY s.shared_event_id
  )
  SELECT h.identity_key, min(o.principal) AS principal, min(o.kind) AS kind,
    CASE WHEN count(DISTINCT o.session) = 1 THEN min(o.session) END AS session
  FROM half AS h
  LEFT JOIN other_half AS o ON o.shared_event_id = h.shared_event_id AND o.principals = 1
  GROUP BY h.identity_key, h.one_caller
  HAVING count(DISTINCT o.principal) = 1 AND (h.one_caller OR count(*) = count(o.principal))
) AS found
WHERE found.identity_key = identity.identity_key
"""
"""An identity without an id of its own may stand for many callers: then each of its records needs a match."""

_PRINCIPAL = """
INSERT INTO principal
SELECT
  i.principal,
  min(i.kind) AS kind,
  min(CASE WHEN i.kind <> 'service' THEN nullif(split_part(i.principal, ':', 5), '') END) AS account_id,
  min(CASE
    WHEN i.kind = 'service' THEN i.principal
    WHEN i.kind = 'root' THEN 'root'
    ELSE regexp_extract(split_part(i.principal, '#', 1), '[^/]+$')
  END) AS name,
  min(CASE WHEN i.kind IN ('role', 'user', 'root') THEN i.unique_id END) AS unique_id,
  min(a.first_seen) AS first_seen,
  max(a.last_seen) AS last_seen
FROM identity AS i
JOIN actor AS a ON a.identity_key = i.identity_key
WHERE i.principal IS NOT NULL
GROUP BY i.principal
"""

_SESSION = """
INSERT INTO session
WITH issuer AS (
  SELECT m.session, min(i.principal) AS principal
  FROM minted AS m
  JOIN identity AS i ON i.identity_key = m.identity_key
  GROUP BY m.session
  HAVING count(DISTINCT i.principal) = 1 AND count(i.principal) = count(*)
), seen AS (
  SELECT i.session, i.principal, min(a.first_seen) AS first_seen, max(a.last_seen) AS last_seen,
    CASE WHEN count(DISTINCT a.source_identity) = 1 THEN min(a.source_identity) END AS source_identity
  FROM identity AS i
  JOIN actor AS a ON a.identity_key = i.identity_key
  WHERE i.session IS NOT NULL
  GROUP BY i.session, i.principal
)
SELECT
  s.session,
  s.principal,
  regexp_extract(s.session, '[^/]+$') AS name,
  s.source_identity,
  u.principal AS issuer,
  s.first_seen,
  s.last_seen
FROM seen AS s
LEFT JOIN issuer AS u ON u.session = s.session
"""

_MATCHING = """
SELECT principal
FROM principal
WHERE principal = $text OR unique_id = $text OR name = $text
UNION
SELECT principal
FROM session
WHERE session = $text AND principal IS NOT NULL
"""

_NEAREST = """
SELECT principal
FROM principal
ORDER BY jaro_winkler_similarity(lower(name), lower($text)) DESC, principal
LIMIT 10
"""


def logs_calls(source: Source) -> bool:
    """Whether the records are calls made, which have an outcome, and not judgements of what others recorded."""
    return "outcome" in source.event.columns and source.event.finding != "TRUE"


def is_call(source: Source) -> str:
    """SQL: whether a record is of a call made, not a judgement of what others recorded."""
    if not logs_calls(source):
        return "FALSE"
    return f"NOT ({source.event.finding})" if source.event.finding else "TRUE"


def call_time(source: Source) -> str:
    """SQL: when a record's call was made; NULL of a record that only mentions who acted."""
    called = is_call(source)
    if called == "FALSE":
        return "CAST(NULL AS TIMESTAMP)"
    time = source.event.columns["time"]
    return time if called == "TRUE" else f"CASE WHEN {called} THEN {time} END"


def rows(source: Source) -> str:
    """The FROM clause of a scan under which the expressions of a source's event and identity maps hold."""
    joined = "\nLEFT JOIN evidence AS e ON e.object_id = s.object_id" if source.event.evidence else ""
    return f"FROM {{rows}} AS s{joined}"


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `identity`, `principal` and `session` afresh; the caller owns the transaction."""
    said = _said()
    scanned.take(con, said)
    con.execute(f"CREATE OR REPLACE TEMP VIEW said AS\nSELECT * FROM {scanned.latest(con, said)} AS k")
    actor.collect(con)
    issuance.collect(con, afresh=True)
    con.execute(_FACTS, {"role_id": issuance.ROLE_ID, "role_arn": issuance.ROLE_ARN})
    con.execute(_PATHLESS_FACTS, {"role_arn": issuance.ROLE_ARN})
    issuance.name_principals(con)
    for table in ("identity", "principal", "session"):
        con.execute(f"DELETE FROM {table}")
    con.execute(_GENERATION)
    con.execute(_NAMED)
    con.execute(_IDENTITY, {"role_id": issuance.ROLE_ID})
    for statement in (_SHARED_EVENT, _PRINCIPAL, _SESSION):
        con.execute(statement)
    issuance.drop(con, last=False)
    actor.drop(con)
    con.execute("DROP VIEW temp.said")
    for table in ("generation", "named_actor"):
        con.execute(f"DROP TABLE temp.{table}")


def find_principal(case: Case, text: str) -> str:
    """The principal key meant by an ARN, a unique id, a session's STS ARN or a bare name.

    A full key is never ambiguous. Raises UnknownName with the nearest keys, AmbiguousName with all matches.
    """
    found = sorted(row[0] for row in case.sql(_MATCHING, {"text": text}).rows())
    if text in found:
        return text
    if not found:
        near = case.sql(_NEAREST, {"text": text}).rows()
        raise UnknownName("principal", text, [row[0] for row in near])
    if len(found) > 1:
        raise AmbiguousName("principal", text, found)
    return str(found[0])


def _said() -> scanned.Scan:
    """Each distinct identity, what records state of it, and when it made calls."""
    columns = ", ".join(f"any_value({name}) AS {name}" for name in IDENTITY_COLUMNS)
    return scanned.Scan(
        "said",
        {item.name: _said_by(item) for item in sources().values() if item.identity},
        f"SELECT identity_key, {columns}, min(first_seen) AS first_seen, max(last_seen) AS last_seen\n"
        "FROM {kept}\nGROUP BY identity_key",
    )


def _said_by(source: Source) -> str:
    mapped = source.identity.columns if source.identity else {}
    columns = ",\n  ".join(
        f"any_value(nullif(CAST({mapped.get(name, 'NULL')} AS VARCHAR), '')) AS {name}" for name in IDENTITY_COLUMNS
    )
    time = call_time(source)
    return f"""SELECT s.identity_key AS identity_key, {columns},
  min({time}) AS first_seen, max({time}) AS last_seen
{rows(source)}
GROUP BY s.identity_key"""
