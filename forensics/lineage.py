"""Which credential came from which: every access key, who issued it, and its ancestors hop by hop."""

import duckdb

from forensics import identity, issuance
from forensics.case import Case, Query
from forensics.source import Source
from forensics.sources import sources

MAX_HOPS = 32
"""Longest chain of keys followed; STS lets a chained session live an hour, so real chains are short."""

WORKLOAD_SESSION = r"^i-[0-9a-f]{8,17}$|^[0-9a-f]{32}$"
"""Session names that EC2 and ECS give: the instance's or the task's id."""

SAMPLE_KEY = "GeneratedFindingAccessKeyId"
"""What GuardDuty's sample findings name; it is no key."""

_SIGNALS = """
  bool_and(coalesce(s.user_identity_invoked_by, '') NOT IN ('', 'signin.amazonaws.com')) AS forwarded,
  bool_or(lower(s.session_credential_from_console) = 'true'
    OR s.user_identity_invoked_by = 'signin.amazonaws.com') AS console,
  bool_or(ltrim(s.user_agent, '[') LIKE 'Mozilla/%' OR s.user_agent LIKE '%console.%amazonaws.com%'
    OR s.user_agent LIKE '%signin.amazonaws.com%' OR s.user_agent LIKE '%S3Console%'
    OR lower(s.user_agent) LIKE '%aws%internal%') AS browser,
  bool_or(s.session_issuer_arn LIKE '%:role/aws-service-role/%') AS service_linked,
  bool_or(s.credentials_issued_to <> '' OR s.session_ec2_role_delivery <> '') AS delivered,
  min(s.user_identity_arn) AS arn,
  min(s.session_creation_date) AS created_at"""

_NO_SIGNALS = """
  CAST(NULL AS BOOLEAN) AS forwarded, CAST(NULL AS BOOLEAN) AS console, CAST(NULL AS BOOLEAN) AS browser,
  CAST(NULL AS BOOLEAN) AS service_linked, CAST(NULL AS BOOLEAN) AS delivered, CAST(NULL AS VARCHAR) AS arn,
  CAST(NULL AS TIMESTAMP) AS created_at"""

_FACTS = """
INSERT INTO fact
SELECT kind, unique_id, split_part(principal, '#', 1) AS arn, first_seen AS time
FROM principal
WHERE kind IN ('role', 'user')
"""

_CREDENTIAL = """
INSERT INTO credential
WITH holder AS (
  SELECT
    n.access_key_id,
    CASE WHEN count(DISTINCT CASE WHEN n.called THEN i.principal END) = 1
      THEN min(CASE WHEN n.called THEN i.principal END) END AS caller,
    CASE WHEN count(DISTINCT CASE WHEN n.called THEN i.session END) = 1
      THEN min(CASE WHEN n.called THEN i.session END) END AS caller_session,
    CASE WHEN count(DISTINCT i.principal) = 1 THEN min(i.principal) END AS named,
    CASE WHEN count(DISTINCT i.session) = 1 THEN min(i.session) END AS named_session,
    count(DISTINCT CASE WHEN n.called THEN i.principal END) AS callers,
    min(n.first_used) AS first_used,
    max(n.last_used) AS last_used,
    bool_and(n.forwarded) AND bool_or(i.kind IN ('user', 'role', 'root', 'federated_user')) AS forwarded,
    bool_or(n.console) AS console,
    bool_or(n.browser) AS browser,
    bool_or(n.service_linked) AS service_linked,
    bool_or(n.delivered) AS delivered,
    min(n.arn) AS arn,
    min(n.created_at) AS created_at
  FROM named AS n
  LEFT JOIN identity AS i ON i.identity_key = n.identity_key
  GROUP BY n.access_key_id
), login AS (
  SELECT s.user_identity_arn AS arn, s.event_time AS time
  FROM cloudtrail AS s
  WHERE s.event_name = 'ConsoleLogin' AND s.response_elements->>'$.ConsoleLogin' = 'Success'
  GROUP BY s.user_identity_arn, s.event_time
), every_key AS (
  SELECT access_key_id FROM holder
  UNION
  SELECT access_key_id FROM minted
), judged AS (
  SELECT
    k.access_key_id,
    CASE substr(k.access_key_id, 1, 4) WHEN 'AKIA' THEN 'long_term' WHEN 'ASIA' THEN 'temporary' END AS kind,
    CASE WHEN coalesce(h.callers, 0) <= 1 THEN coalesce(h.caller, g.principal, h.named) END AS principal,
    coalesce(h.caller_session, g.session, h.named_session) AS session,
    g.time AS issued_at,
    g.expires_at,
    g.issuer_principal,
    g.issuer_key,
    g.event_id,
    h.first_used,
    h.last_used,
    h.created_at,
    h.forwarded AND k.access_key_id NOT LIKE 'AKIA%' AS forwarded,
    h.console OR login.time IS NOT NULL AS console,
    h.browser,
    h.service_linked,
    h.delivered
  FROM every_key AS k
  LEFT JOIN holder AS h ON h.access_key_id = k.access_key_id
  LEFT JOIN given AS g ON g.access_key_id = k.access_key_id
  LEFT JOIN login ON login.arn = h.arn AND login.time = h.created_at
)
SELECT
  access_key_id,
  kind,
  principal,
  session,
  issued_at,
  expires_at,
  issuer_principal AS issued_by_principal,
  issuer_key AS issued_by_access_key_id,
  event_id AS issuance_event_id,
  first_used,
  last_used,
  NULL AS workload,
  NULL AS workload_certainty,
  CASE
    WHEN event_id IS NOT NULL THEN NULL
    WHEN service_linked THEN 'service_linked'
    WHEN forwarded THEN 'forward_access'
    WHEN console THEN 'console'
    WHEN delivered OR regexp_matches(regexp_extract(session, '[^/]+$'), $workload_session) THEN 'workload'
    WHEN browser AND kind IS DISTINCT FROM 'long_term' THEN 'console'
    ELSE 'unknown'
  END AS class,
  created_at AS session_created_at
FROM judged
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
  m.issuer_key,
  i.principal AS issuer_principal,
  CASE m.event_name
    WHEN 'GetSessionToken' THEN i.principal
    WHEN 'GetFederationToken' THEN m.session
    WHEN 'AssumeRoot' THEN 'arn:aws:iam::' || nullif(m.target_account, '') || ':root'
    WHEN 'CreateAccessKey' THEN u.principal
    ELSE coalesce(r.principal, a.principal)
  END AS principal,
  m.session
FROM minted AS m
LEFT JOIN identity AS i ON i.identity_key = m.identity_key
LEFT JOIN role AS r ON r.unique_id = m.role_id AND r.account_id = m.role_account
LEFT JOIN role_arn AS a ON a.arn = m.role_arn
LEFT JOIN user_name AS u ON u.account_id = m.account_id AND u.name = m.user_name
"""

_LINEAGE = """
INSERT INTO lineage
WITH RECURSIVE walk AS (
  SELECT access_key_id, access_key_id AS ancestor, 0 AS hops, [access_key_id] AS seen
  FROM credential
  WHERE issuance_event_id IS NOT NULL
  UNION ALL
  SELECT w.access_key_id, c.issued_by_access_key_id AS ancestor, w.hops + 1 AS hops,
    list_append(w.seen, c.issued_by_access_key_id) AS seen
  FROM walk AS w
  JOIN credential AS c ON c.access_key_id = w.ancestor
  WHERE c.issued_by_access_key_id IS NOT NULL
    AND NOT list_contains(w.seen, c.issued_by_access_key_id)
    AND w.hops < $max_hops
)
SELECT w.access_key_id, w.ancestor AS ancestor_access_key_id, c.principal AS ancestor_principal, w.hops
FROM walk AS w
LEFT JOIN credential AS c ON c.access_key_id = w.ancestor
WHERE w.hops > 0
UNION ALL
SELECT w.access_key_id, NULL AS ancestor_access_key_id, c.issued_by_principal AS ancestor_principal,
  w.hops + 1 AS hops
FROM walk AS w
JOIN credential AS c ON c.access_key_id = w.ancestor
WHERE c.issuance_event_id IS NOT NULL
  AND c.issued_by_access_key_id IS NULL
ORDER BY access_key_id, hops
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


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `credential` (but for its workload) and `lineage` afresh; `identity.resolve` comes first.

    The caller owns the transaction. A key in the calls of several principals, as in masked logs, has none.
    """
    issuance.collect(con)
    con.execute(_FACTS)
    issuance.name_principals(con)
    con.execute(_named())
    con.execute(_GIVEN)
    con.execute("DELETE FROM credential")
    con.execute("DELETE FROM lineage")
    con.execute(_CREDENTIAL, {"workload_session": WORKLOAD_SESSION})
    con.execute(_LINEAGE, {"max_hops": MAX_HOPS})
    issuance.drop(con)
    for table in ("given", "named"):
        con.execute(f"DROP TABLE temp.{table}")


def chain(case: Case, access_key_id: str) -> Query:
    """Ancestors and descendants of a key, nearest first, with who held each and when it was issued.

    Columns: access_key_id (NULL for the service, login or federation that issued the first key of the chain),
    direction ("ancestor", "descendant"), hops, principal, session, issued_at, issuance_event_id.
    """
    return case.sql(_CHAIN, {"access_key_id": access_key_id})


def _named() -> str:
    selects = [_named_by(item) for item in sources().values() if "access_key_id" in item.event.columns]
    return "CREATE OR REPLACE TEMP TABLE named AS\n" + "\nUNION ALL\n".join(selects)


def _named_by(source: Source) -> str:
    """One row per key and identity named together; in a log of calls, with when and how the key was used."""
    called = identity.logs_calls(source)
    time = source.event.columns["time"] if called else "CAST(NULL AS TIMESTAMP)"
    key = source.event.columns["access_key_id"]
    signals = _SIGNALS if source.name == "cloudtrail" else _NO_SIGNALS
    who = "s.identity_key" if source.identity else "CAST(NULL AS UBIGINT)"
    return f"""SELECT {key} AS access_key_id, {who} AS identity_key, {str(called).lower()} AS called,
  min({time}) AS first_used, max({time}) AS last_used,{signals}
{identity.rows(source)}
WHERE {key} <> '{SAMPLE_KEY}'
GROUP BY {key}, {who}"""
