"""Issuances: records that hand out credentials or make principals, and the names they tie to unique ids."""

import duckdb

from forensics import scanned
from forensics.source import Source
from forensics.sources import source


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


ISSUING = {
    "sts.amazonaws.com": (
        "AssumeRole",
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "AssumeRoot",
        "GetSessionToken",
        "GetFederationToken",
    ),
    "iam.amazonaws.com": ("CreateAccessKey",),
    "cognito-identity.amazonaws.com": ("GetCredentialsForIdentity",),
    "rolesanywhere.amazonaws.com": ("CreateSession",),
    "s3.amazonaws.com": ("CreateSession",),
    "s3express.amazonaws.com": ("CreateSession",),
}
"""Calls answered with a new access key (page "Logging IAM and AWS STS API calls with AWS CloudTrail", and those of the
services on their events). The answer may be missing from the record: then the key is matched, see `key_match`."""

DEFAULT_SECONDS = {
    "AssumeRole": 3_600,
    "AssumeRoleWithSAML": 3_600,
    "AssumeRoleWithWebIdentity": 3_600,
    "AssumeRoot": 900,
    "GetSessionToken": 43_200,
    "GetFederationToken": 43_200,
}
"""How long a key lives where neither the answer says it nor the request asks for it; services choose their own."""

CREATING = ("CreateRole", "CreateUser")
"""IAM calls whose answer holds the ARN and the unique id of a new principal."""

ROLE_ARN = r"^arn:[^:]+:iam::[^:]*:role/.+$"
USER_ARN = r"^arn:[^:]+:iam::[^:]*:user/.+$"
ROLE_ID = r"^AROA[A-Z0-9]+$|^[0-9]{12}:aws:[^:]+$"
"""Unique id of a role; AWS's pseudo roles have `ACCOUNT:aws:NAME` instead."""
USER_ID = r"^AIDA[A-Z0-9]+$"

EXPIRATION_FORMATS = ("%b %d, %Y, %I:%M:%S %p", "%b %d, %Y %I:%M:%S %p")
"""How STS answers write a time; since 2023 with a second comma, some with U+202F before AM and PM."""

_ROLE_ARN_PARTS = r"^(arn:[^:]+):iam::([^:]*):role/(?:.*/)?([^/]+)$"

_ASKED = (
    "roleArn",
    "customRoleArn",
    "roleSessionName",
    "sourceIdentity",
    "durationSeconds",
    "targetPrincipal",
    "userName",
)
_ANSWERED = (
    "credentials.accessKeyId",
    "credentialSet[0].credentials.accessKeyId",
    "accessKey.accessKeyId",
    "credentials.expiration",
    "credentialSet[0].credentials.expiration",
    "assumedRoleUser.assumedRoleId",
    "credentialSet[0].assumedRoleUser.assumedRoleId",
    "federatedUser.federatedUserId",
    "assumedRoleUser.arn",
    "credentialSet[0].assumedRoleUser.arn",
    "federatedUser.arn",
    "sourceIdentity",
    "credentialSet[0].sourceIdentity",
    "accessKey.userName",
)
"""Members of a mint's request and answer; each document is parsed once for all of them."""

_READ = r"""
WITH read AS (
  SELECT
    {event_id} AS event_id,
    s.event_time AS time,
    s.event_source AS event_source,
    s.event_name AS event_name,
    s.aws_region AS region,
    s.user_identity_type AS caller_type,
    s.user_identity_arn AS caller_arn,
    s.user_identity_invoked_by AS invoked_by,
    s.user_identity_principal_id AS caller_id,
    s.identity_key AS identity_key,
    nullif(s.user_identity_access_key_id, '') AS issuer_key,
    s.recipient_account_id AS account_id,
    CASE
      WHEN s.user_identity_type = 'AWSAccount' THEN 2
      WHEN s.user_identity_account_id IS DISTINCT FROM s.recipient_account_id THEN 1
      ELSE 0
    END AS side,
    coalesce(nullif(s.shared_event_id, ''), s.event_id, s.object_id || '/' || s.record) AS call,
    s.session_source_identity AS caller_source_identity,
    s.resources->>'$[0].ARN' AS resource,
    json_extract_string(s.request_parameters, [{asked}]) AS q,
    json_extract_string(s.response_elements, [{answered}]) AS a
  FROM {{rows}} AS s
  WHERE ({issuing})
    AND coalesce(s.error_code, '') = ''
)
SELECT * EXCLUDE (q, a), q[1] AS asked_arn, q[3] AS asked_session_name,
  nullif(coalesce(a[1], a[2], a[3]), '') AS own_key,
  coalesce(a[4], a[5]) AS expiration,
  try_cast(q[5] AS BIGINT) AS own_seconds,
  coalesce(a[6], a[7], a[8]) AS own_session_id,
  coalesce(a[9], a[10], a[11]) AS own_session,
  nullif(coalesce(q[4], a[12], a[13], caller_source_identity), '') AS own_source_identity,
  CASE
    WHEN regexp_matches(q[1], '{role_arn}') THEN q[1]
    WHEN regexp_matches(q[2], '{role_arn}') THEN q[2]
    WHEN regexp_matches(resource, '{role_arn}') THEN resource
  END AS own_role_arn,
  regexp_extract(q[6], '[0-9]{{12}}') AS target_account,
  coalesce(a[14], q[7]) AS user_name
FROM read
"""
"""Calls that hand out keys, as their records say."""

_MINT_WHOLE = """
CREATE OR REPLACE TEMP TABLE mint_whole AS
WITH several AS (
  SELECT call
  FROM kept.mint
  GROUP BY call
  HAVING count(*) > 1
)
SELECT m.call, max(m.own_key) AS own_key, max(m.own_session_id) AS own_session_id, max(m.own_session) AS own_session,
  max(m.own_role_arn) AS own_role_arn, max(m.asked_session_name) AS asked_session_name,
  max(m.own_source_identity) AS own_source_identity, max(m.expiration) AS expiration, max(m.own_seconds) AS own_seconds
FROM kept.mint AS m
JOIN several AS s ON s.call = m.call
GROUP BY m.call
"""
"""Calls of which several accounts have a record, with what any of these says."""

_MINT_CALL = """
CREATE OR REPLACE TEMP VIEW mint_call AS
SELECT
  m.rowid AS place, m.event_id, m.time, m.event_source, m.event_name, m.region, m.caller_type, m.caller_arn, m.invoked_by, m.caller_id,
  m.identity_key, m.issuer_key, m.account_id, m.side, m.call, m.own_key,
  coalesce(m.asked_arn, m.resource) AS asked_role,
  m.asked_session_name,
  coalesce(m.own_key, w.own_key) AS access_key_id,
  coalesce(m.own_session_id, w.own_session_id) AS session_id,
  coalesce(m.own_session, w.own_session) AS session,
  coalesce(m.own_role_arn, w.own_role_arn) AS role_arn,
  coalesce(m.asked_session_name, w.asked_session_name) AS session_name,
  coalesce(m.own_source_identity, w.own_source_identity) AS source_identity,
  m.target_account, m.user_name,
  coalesce(m.expiration, w.expiration) AS expires_text,
  coalesce(m.own_seconds, w.own_seconds) AS seconds
FROM kept.mint AS m
LEFT JOIN mint_whole AS w ON w.call = m.call
"""
"""Every mint that succeeded, whether or not its record names the key; `call` joins the two accounts' records of one.
What is `own` or `asked` is the record's alone, the rest is completed from the other account's."""

_MINTED = r"""
CREATE OR REPLACE TEMP TABLE minted AS
WITH first AS (
  SELECT arg_min(place, (side, event_source <> 'sts.amazonaws.com', time, event_id)) AS place
  FROM mint_call
  WHERE access_key_id IS NOT NULL
  GROUP BY access_key_id
), placed AS (
  SELECT m.*,
    coalesce(try_strptime(replace(expires_text, chr(8239), ' '), $expiration_formats),
             try_cast(expires_text AS TIMESTAMP)) AS stated
  FROM mint_call AS m
  JOIN first AS f ON f.place = m.place
), lasting AS (
  SELECT *,
    CASE
      WHEN seconds BETWEEN 1 AND 129600 THEN seconds
      WHEN seconds IS NULL AND caller_type IS DISTINCT FROM 'AWSService' THEN CASE event_name {defaults} END
    END AS lives
  FROM placed
)
SELECT
  access_key_id,
  event_id,
  time,
  event_source,
  event_name,
  identity_key,
  issuer_key,
  account_id,
  role_arn,
  split_part(role_arn, ':', 5) AS role_account,
  session_id,
  regexp_extract(session_id, '^(.*):[^:]*$', 1) AS role_id,
  coalesce(
    session,
    regexp_replace(role_arn, $role_arn_parts, '\1:sts::\2:assumed-role/\3/') || session_name) AS session,
  source_identity,
  target_account,
  user_name,
  coalesce(stated, time + to_seconds(lives)) AS expires_at,
  CASE
    WHEN stated IS NOT NULL OR lives IS NULL THEN NULL
    WHEN seconds IS NULL THEN 'default duration'
    ELSE 'duration asked for'
  END AS expires_how
FROM lasting
"""

_MADE = scanned.one(
    "made_principal",
    "cloudtrail",
    f"""
SELECT
  CASE s.event_name WHEN 'CreateRole' THEN 'role' ELSE 'user' END AS kind,
  coalesce(s.response_elements->>'$.role.roleId', s.response_elements->>'$.user.userId') AS unique_id,
  coalesce(s.response_elements->>'$.role.arn', s.response_elements->>'$.user.arn') AS arn,
  s.event_time AS time
FROM {{rows}} AS s
WHERE s.event_source = 'iam.amazonaws.com'
  AND s.event_name IN ({_quoted(CREATING)})
  AND coalesce(s.error_code, '') = ''
""",
)
"""Roles and users made: kind, id, ARN, time."""

_FACT = """
CREATE OR REPLACE TEMP TABLE fact AS
SELECT 'role' AS kind, role_id AS unique_id, role_arn AS arn, min(time) AS time
FROM minted
WHERE role_arn IS NOT NULL
GROUP BY role_id, role_arn
UNION ALL
SELECT kind, unique_id, arn, time
FROM kept.made_principal
"""

_KNOWN = """
CREATE OR REPLACE TEMP TABLE known AS
WITH distinct_fact AS (
  SELECT kind, unique_id, arn, min(time) AS time
  FROM fact
  GROUP BY kind, unique_id, arn
), sound AS (
  SELECT kind, arn, time,
    CASE WHEN CASE kind WHEN 'role' THEN regexp_matches(unique_id, $role_id)
      ELSE regexp_matches(unique_id, $user_id) END THEN unique_id END AS unique_id
  FROM distinct_fact
  WHERE CASE kind WHEN 'role' THEN regexp_matches(arn, $role_arn) ELSE regexp_matches(arn, $user_arn) END
), stated AS (
  SELECT kind, unique_id, arn, split_part(arn, ':', 5) AS account_id, min(time) AS time
  FROM sound
  GROUP BY kind, unique_id, arn
), first_name AS (
  SELECT kind, unique_id, account_id, arn, time,
    row_number() OVER (
      PARTITION BY unique_id, account_id, CASE kind WHEN 'role' THEN arn END ORDER BY time NULLS LAST, arn) AS place
  FROM stated
  WHERE unique_id IS NOT NULL
), generation AS (
  SELECT unique_id, account_id, arn,
    row_number() OVER (PARTITION BY arn ORDER BY time NULLS LAST, unique_id) AS place
  FROM first_name
  WHERE place = 1
), keyed AS (
  SELECT unique_id, account_id, arn, CASE place WHEN 1 THEN arn ELSE arn || '#' || unique_id END AS principal
  FROM generation
)
SELECT s.kind, s.unique_id, s.account_id, s.arn, k.principal, s.time
FROM stated AS s
JOIN keyed AS k ON k.unique_id = s.unique_id AND k.account_id = s.account_id
  AND (s.kind <> 'role' OR k.arn = s.arn)
UNION ALL
SELECT s.kind, NULL AS unique_id, s.account_id, s.arn, s.arn AS principal, s.time
FROM stated AS s
WHERE s.unique_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM first_name AS f WHERE f.arn = s.arn)
"""


def collect_calls(con: duckdb.DuckDBPyConnection, *, afresh: bool = False) -> None:
    """Make the temporary view `mint_call`, unless an earlier stage of the same resolution did."""
    if afresh or not _there(con, "mint_whole"):
        scanned.take(con, _mints())
        con.execute(_MINT_WHOLE)
        con.execute(_MINT_CALL)


def _there(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(con.execute("SELECT 1 FROM duckdb_tables() WHERE temporary AND table_name = ?", [table]).fetchall())


def _mints() -> scanned.Scan:
    issuing = " OR ".join(
        f"s.event_source = '{service}' AND s.event_name IN ({_quoted(names)})" for service, names in ISSUING.items()
    )
    read = _READ.format(
        event_id=_event_id(source("cloudtrail")),
        issuing=issuing,
        asked=_quoted(tuple(f"$.{name}" for name in _ASKED)),
        answered=_quoted(tuple(f"$.{name}" for name in _ANSWERED)),
        role_arn=ROLE_ARN,
    )
    return scanned.one("mint", "cloudtrail", read)


def drop_calls(con: duckdb.DuckDBPyConnection) -> None:
    """Remove the temporary view `mint_call`; the last stage that reads it does so."""
    con.execute("DROP VIEW IF EXISTS temp.mint_call")
    con.execute("DROP TABLE IF EXISTS temp.mint_whole")


def collect(con: duckdb.DuckDBPyConnection, *, afresh: bool = False) -> None:
    """Make the temporary view `mint_call` and tables `minted` and `fact` from the issuances and creations that succeeded.

    `minted` has one row per issued key: where both accounts recorded a call, the caller's record is cited,
    completed with what the other says. `fact` is what records state of a principal: kind, id, ARN, time.
    """
    collect_calls(con, afresh=afresh)
    if afresh or not _there(con, "minted"):
        defaults = " ".join(f"WHEN '{name}' THEN {seconds}" for name, seconds in DEFAULT_SECONDS.items())
        con.execute(
            _MINTED.format(defaults=defaults),
            {"role_arn_parts": _ROLE_ARN_PARTS, "expiration_formats": list(EXPIRATION_FORMATS)},
        )
    scanned.take(con, _MADE)
    con.execute(_FACT)


def name_principals(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `known` from `fact`: the principal of each kind, unique id, account and ARN.

    One unique id is one principal, of a user named by its first ARN, for users can be renamed; a later one under the
    same ARN is `ARN#UNIQUE_ID`. A role keeps its ARN: two under one unique id, as in masked logs, stay two.
    Rows without a unique id stand for ARNs of which no record states one.
    """
    con.execute(_KNOWN, {"role_id": ROLE_ID, "user_id": USER_ID, "role_arn": ROLE_ARN, "user_arn": USER_ARN})


def drop(con: duckdb.DuckDBPyConnection, *, last: bool = True) -> None:
    """Remove the temporary tables of this module but for `mint_call`, and `minted` where it is not the last use."""
    for table in ("known", "fact", *(("minted",) if last else ())):
        con.execute(f"DROP TABLE IF EXISTS temp.{table}")


def _event_id(item: Source) -> str:
    return item.event.columns["event_id"]
