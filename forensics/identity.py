"""Who acted: principals and sessions, resolved once for each distinct identity that the records state."""

import duckdb

from forensics import issuance
from forensics.case import Case
from forensics.errors import AmbiguousName, UnknownName
from forensics.source import IDENTITY_COLUMNS, Source
from forensics.sources import sources

_SESSION_ARN = r"^arn:[^:]+:sts::[^:]*:assumed-role/[^/]+/[^/]+$"
_FEDERATED_ARN = r"^arn:[^:]+:sts::[^:]*:federated-user/.+$"
_ROOT_ARN = r"^arn:[^:]+:iam::[^:]*:root$"
_FEDERATED_ID = r"^[0-9]{12}:[^:]+$"

_SHAPES = {
    "role_arn": issuance.ROLE_ARN,
    "user_arn": issuance.USER_ARN,
    "role_id": issuance.ROLE_ID,
    "user_id": issuance.USER_ID,
    "session_arn": _SESSION_ARN,
    "federated_arn": _FEDERATED_ARN,
    "root_arn": _ROOT_ARN,
    "federated_id": _FEDERATED_ID,
}

_KIND = """CASE
    WHEN 'ANONYMOUS_PRINCIPAL' IN (coalesce(principal_id, ''), coalesce(account_id, '')) THEN 'anonymous'
    WHEN type = 'AWSService' OR (type IS NULL AND arn IS NULL AND invoked_by IS NOT NULL) THEN 'service'
    WHEN type = 'Root' OR (type IS DISTINCT FROM 'AWSAccount' AND regexp_matches(arn, $root_arn)) THEN 'root'
    WHEN type = 'FederatedUser' OR regexp_matches(arn, $federated_arn) THEN 'federated_user'
    WHEN type IN ('AssumedRole', 'Role') THEN 'role'
    WHEN regexp_matches(arn, $session_arn) OR regexp_matches(arn, $role_arn) THEN 'role'
    WHEN type = 'IAMUser' OR regexp_matches(arn, $user_arn) THEN 'user'
    WHEN type = 'SAMLUser' THEN 'saml_user'
    WHEN type = 'WebIdentityUser' THEN 'web_identity_user'
    WHEN type = 'IdentityCenterUser' OR on_behalf_of IS NOT NULL THEN 'identity_center_user'
    WHEN type = 'AWSAccount' THEN 'account'
  END"""

_ACTOR = f"""
CREATE OR REPLACE TEMP TABLE actor AS
WITH kinds AS (
  SELECT *, {_KIND} AS kind, regexp_extract(principal_id, '^(.*):[^:]*$', 1) AS before_name
  FROM said
), stated AS (
  SELECT
    identity_key,
    kind,
    type,
    CASE kind
      WHEN 'service' THEN invoked_by
      WHEN 'root' THEN CASE WHEN regexp_matches(arn, $root_arn) THEN arn END
      WHEN 'federated_user' THEN CASE WHEN regexp_matches(arn, $federated_arn) THEN arn END
      WHEN 'role' THEN CASE
        WHEN regexp_matches(issuer_arn, $role_arn) THEN issuer_arn
        WHEN regexp_matches(arn, $role_arn) THEN arn END
      WHEN 'user' THEN CASE WHEN regexp_matches(arn, $user_arn) THEN arn END
    END AS arn,
    CASE
      WHEN kind = 'root' THEN coalesce(account_id, nullif(split_part(arn, ':', 5), ''))
      WHEN kind = 'role' AND regexp_matches(issuer_principal_id, $role_id) THEN issuer_principal_id
      WHEN kind IN ('role', 'account') AND regexp_matches(before_name, $role_id) THEN before_name
      WHEN kind IN ('role', 'account') AND regexp_matches(principal_id, $role_id) THEN principal_id
      WHEN kind IN ('user', 'account') AND regexp_matches(principal_id, $user_id) THEN principal_id
    END AS unique_id,
    CASE
      WHEN kind = 'role' AND regexp_matches(arn, $session_arn) THEN arn
      WHEN kind = 'federated_user' AND regexp_matches(arn, $federated_arn) THEN arn
    END AS session,
    CASE WHEN regexp_matches(before_name, $role_id) OR regexp_matches(principal_id, $federated_id)
      THEN principal_id END AS session_id,
    principal_id,
    account_id,
    issuer_arn,
    issuer_principal_id,
    source_identity,
    first_seen,
    last_seen
  FROM kinds
)
SELECT
  *,
  coalesce(split_part(arn, ':', 5), account_id) AS home_account,
  split_part(session, ':', 5) AS session_account,
  split_part(session, '/', 2) AS session_role
FROM stated
"""
"""`arn` is the principal as the record states it; `session_id` is a principalId that is one session's."""

_FACTS = """
INSERT INTO fact
SELECT kind, unique_id, arn, first_seen AS time
FROM actor
WHERE kind IN ('role', 'user')
UNION ALL
SELECT 'user' AS kind, issuer_principal_id AS unique_id, issuer_arn AS arn, first_seen AS time
FROM actor
WHERE kind = 'federated_user'
"""

_IDENTITY = """
INSERT INTO identity
WITH by_unique_id AS (
  SELECT unique_id, account_id, min(kind) AS kind, min(principal) AS principal,
    count(*) OVER (PARTITION BY unique_id) AS accounts
  FROM known
  WHERE unique_id IS NOT NULL
  GROUP BY unique_id, account_id
), by_arn AS (
  SELECT arn, min(principal) AS principal, count(DISTINCT principal) AS principals
  FROM known
  GROUP BY arn
), by_name AS (
  SELECT account_id, regexp_extract(arn, '[^/]+$') AS name, min(principal) AS principal,
    count(DISTINCT principal) AS principals, count(unique_id) AS unique_ids
  FROM known
  WHERE kind = 'role'
  GROUP BY account_id, regexp_extract(arn, '[^/]+$')
), by_session_id AS (
  SELECT session_id, min(session) AS session, count(DISTINCT session) AS sessions
  FROM (
    SELECT session_id, session FROM actor WHERE session IS NOT NULL AND session_id IS NOT NULL
    UNION ALL
    SELECT session_id, session FROM minted WHERE regexp_matches(role_id, $role_id)) AS stated
  GROUP BY session_id
), root AS (
  SELECT split_part(arn, ':', 5) AS account_id, min(arn) AS principal
  FROM actor
  WHERE kind = 'root' AND arn IS NOT NULL
  GROUP BY split_part(arn, ':', 5)
), joined AS (
  SELECT a.*, i.kind AS id_kind, i.principal AS id_principal,
    n.principal AS arn_principal, n.principals AS arn_principals,
    m.principal AS name_principal, f.session AS id_session, r.principal AS root_principal
  FROM actor AS a
  LEFT JOIN by_unique_id AS i ON i.unique_id = a.unique_id
    AND (i.account_id = a.home_account OR (i.accounts = 1 AND a.arn IS NULL))
  LEFT JOIN by_arn AS n ON n.arn = a.arn AND a.unique_id IS NULL
  LEFT JOIN by_name AS m ON a.kind = 'role' AND a.arn IS NULL AND a.session IS NOT NULL
    AND m.account_id = a.session_account AND m.name = a.session_role
    AND m.principals = 1 AND (a.unique_id IS NULL OR m.unique_ids = 0)
  LEFT JOIN by_session_id AS f ON f.session_id = a.session_id AND f.sessions = 1 AND a.session IS NULL
  LEFT JOIN root AS r ON a.kind = 'root' AND a.arn IS NULL AND r.account_id = a.unique_id
), resolved AS (
  SELECT
    identity_key,
    CASE WHEN kind = 'account' THEN coalesce(id_kind, kind) ELSE kind END AS kind,
    CASE kind
      WHEN 'service' THEN arn
      WHEN 'root' THEN coalesce(arn, root_principal, 'arn:aws:iam::' || unique_id || ':root')
      WHEN 'federated_user' THEN coalesce(arn, id_session)
      ELSE coalesce(id_principal, CASE WHEN arn_principals = 1 THEN arn_principal END, name_principal)
    END AS principal,
    coalesce(session, id_session) AS session,
    unique_id,
    arn,
    id_principal
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
    WHEN principal = id_principal THEN 'unique id'
    ELSE 'same name'
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
    """Whether the records are calls made, which have an outcome, and not findings about some."""
    return "outcome" in source.event.columns


def rows(source: Source) -> str:
    """The FROM clause under which the expressions of a source's event and identity maps hold."""
    joined = "\nLEFT JOIN evidence AS e ON e.object_id = s.object_id" if source.event.evidence else ""
    return f'FROM "{source.name}" AS s{joined}'


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `identity`, `principal` and `session` afresh; the caller owns the transaction."""
    con.execute(_said())
    con.execute(_ACTOR, _SHAPES)
    issuance.collect(con, afresh=True)
    con.execute(_FACTS)
    issuance.name_principals(con)
    for table in ("identity", "principal", "session"):
        con.execute(f"DELETE FROM {table}")
    con.execute(_IDENTITY, {"role_id": issuance.ROLE_ID})
    for statement in (_SHARED_EVENT, _PRINCIPAL, _SESSION):
        con.execute(statement)
    issuance.drop(con)
    for table in ("actor", "said"):
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


def _said() -> str:
    selects = "\nUNION ALL\n".join(_said_by(item) for item in sources().values() if item.identity)
    columns = ", ".join(f"any_value({name}) AS {name}" for name in IDENTITY_COLUMNS)
    return f"""
CREATE OR REPLACE TEMP TABLE said AS
SELECT identity_key, {columns}, min(first_seen) AS first_seen, max(last_seen) AS last_seen
FROM (
{selects}
) AS stated
GROUP BY identity_key
"""


def _said_by(source: Source) -> str:
    mapped = source.identity.columns if source.identity else {}
    columns = ",\n  ".join(
        f"any_value(nullif(CAST({mapped.get(name, 'NULL')} AS VARCHAR), '')) AS {name}" for name in IDENTITY_COLUMNS
    )
    time = source.event.columns["time"] if logs_calls(source) else "CAST(NULL AS TIMESTAMP)"
    return f"""SELECT s.identity_key AS identity_key, {columns},
  min({time}) AS first_seen, max({time}) AS last_seen
{rows(source)}
GROUP BY s.identity_key"""
