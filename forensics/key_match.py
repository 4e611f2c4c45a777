"""Keys whose own issuance is not recorded, matched with a mint that names no key by who, session and time."""

import duckdb

from forensics import telling
from forensics.sources.cloudtrail import EVENT as CALL

MINT_PADDING = 2
"""Seconds between a session's creationDate and the time of the call that opened it."""

SIGN_IN_TOKEN_SECONDS = 900
"""How long a token of GetSigninToken can be turned into a console session (page "Custom identity broker")."""

RESERVED_ROLE = (
    r"^arn:[^:]+:iam::([0-9]{12}):role/aws-reserved/sso\.amazonaws\.com/(?:.*/)?AWSReservedSSO_(.+)_[0-9a-f]{16}$"
)
"""A role of IAM Identity Center: account and permission set."""

HINT = 9
"""Rank of what coincides only, and is told in words, never joined."""

_ID = CALL.columns["event_id"]

CALLS_READ = """s.event_source IN ('signin.amazonaws.com', 'sso.amazonaws.com', 'eks-auth.amazonaws.com')"""

_HANDED = f"""
CREATE OR REPLACE TEMP TABLE mint_signal AS
SELECT
  {_ID} AS event_id,
  coalesce(nullif(s.shared_event_id, ''), {_ID}) AS call,
  s.event_time AS time,
  s.event_name,
  s.identity_key,
  nullif(s.user_identity_access_key_id, '') AS key,
  s.user_identity_principal_id AS principal_id,
  s.session_creation_date AS created_at,
  s.recipient_account_id AS account_id,
  s.on_behalf_of_user_id AS sso_user,
  coalesce(s.service_event_details->>'$.account_id', s.request_parameters->>'$.accountId') AS sso_account,
  coalesce(s.service_event_details->>'$.role_name', s.request_parameters->>'$.roleName') AS permission_set,
  s.additional_event_data->>'$.SwitchFrom' AS switched_from,
  coalesce(s.additional_event_data->>'$.signInSessionArn',
    s.user_identity->>'$.sessionContext.signInSessionArn') AS signin_session
FROM {telling.TABLE} AS s
WHERE {CALLS_READ}
  AND coalesce(s.error_code, '') = ''
  AND ((s.event_name = 'ConsoleLogin' AND s.response_elements->>'$.ConsoleLogin' = 'Success')
    OR (s.event_name = 'SwitchRole' AND s.response_elements->>'$.SwitchRole' = 'Success')
    OR (s.event_name = 'GetSigninToken' AND s.response_elements->>'$.GetSigninToken' = 'Success')
    OR (s.event_name = 'CreateOAuth2Token'
      AND lower(coalesce(s.additional_event_data->>'$.success', 'true')) = 'true')
    OR s.event_name IN ('GetRoleCredentials', 'AssumeRoleForPodIdentity'))
"""
"""Calls that hand out keys, or open a session whose keys are handed out later, without a key in the answer."""

_CANDIDATE = f"""
CREATE OR REPLACE TEMP TABLE mint_candidate AS
WITH role_id AS (
  SELECT arn, CASE WHEN count(DISTINCT unique_id) = 1 THEN min(unique_id) END AS unique_id
  FROM known
  WHERE kind = 'role'
  GROUP BY arn
), mint AS (
  SELECT m.*,
    CASE
      WHEN m.event_name = 'AssumeRoot' THEN m.target_account
      WHEN m.event_name = 'GetSessionToken' THEN m.caller_id
      ELSE coalesce(m.session_id, r.unique_id || ':' || m.session_name)
    END AS who
  FROM mint_call AS m
  LEFT JOIN role_id AS r ON r.arn = m.role_arn
  WHERE m.event_name <> 'CreateAccessKey'
), sought AS (
  SELECT DISTINCT who
  FROM key_sought
  WHERE who IS NOT NULL
), token AS (
  SELECT principal_id, time, key, event_id
  FROM mint_signal
  WHERE event_name = 'GetSigninToken' AND key IS NOT NULL
), login AS (
  SELECT l.event_id, l.call, l.time, l.principal_id, l.identity_key,
    CASE WHEN count(DISTINCT t.key) = 1 THEN min(t.key) END AS key
  FROM mint_signal AS l
  LEFT JOIN token AS t ON t.principal_id = l.principal_id
    AND t.time BETWEEN l.time - to_seconds({SIGN_IN_TOKEN_SECONDS}) AND l.time
  WHERE l.event_name = 'ConsoleLogin'
  GROUP BY l.event_id, l.call, l.time, l.principal_id, l.identity_key
)
SELECT 'session:' || who AS who, time, CASE WHEN event_name IN ('GetSessionToken', 'AssumeRoot') THEN 3 ELSE 1 END AS rank,
  access_key_id IS NOT NULL AS derived, call, side, event_id, time AS moment, identity_key, issuer_key,
  access_key_id AS answered, CAST(NULL AS VARCHAR) AS switched_from
FROM mint
WHERE who <> ''
  AND 'session:' || who IN (SELECT who FROM sought)
  AND (access_key_id IS NULL OR event_name NOT IN ('GetSessionToken', 'AssumeRoot'))
UNION ALL
SELECT 'session:' || principal_id, created_at, 0, true, key, 0, event_id, time, identity_key, key, key, NULL
FROM mint_signal
WHERE event_name = 'GetSigninToken' AND key IS NOT NULL
UNION ALL
SELECT 'sign-in:' || signin_session, TIMESTAMP '1970-01-01', 0, false, signin_session, 0,
  arg_min(event_id, (time, event_id)), min(time), arg_min(identity_key, (time, event_id)), NULL, NULL, NULL
FROM mint_signal
WHERE event_name = 'CreateOAuth2Token' AND signin_session LIKE 'arn:%:session/%'
GROUP BY signin_session
UNION ALL
SELECT 'session:' || principal_id, time, 3, false, call, 0, event_id, time, identity_key, key, NULL, NULL
FROM login
UNION ALL
SELECT 'session:' || principal_id, time, 2, true, call, 0, event_id, time, NULL, NULL, NULL, switched_from
FROM mint_signal
WHERE event_name = 'SwitchRole'
UNION ALL
SELECT 'portal:' || sso_account || '/' || permission_set || '/' || sso_user, time, 4, false, call, 0, event_id,
  time, identity_key, NULL, NULL, NULL
FROM mint_signal
WHERE event_name = 'GetRoleCredentials'
UNION ALL
SELECT 'permission set:' || sso_account || '/' || permission_set, time, {HINT}, false, call, 0, event_id, time, NULL, NULL,
  NULL, NULL
FROM mint_signal
WHERE event_name = 'GetRoleCredentials'
UNION ALL
SELECT 'pod identity:' || account_id, time, {HINT}, false, call, 0, event_id, time, NULL, NULL, NULL, NULL
FROM mint_signal
WHERE event_name = 'AssumeRoleForPodIdentity'
UNION ALL
SELECT CASE event_source WHEN 'cognito-identity.amazonaws.com' THEN 'cognito:' || account_id
    ELSE 'anywhere:' || role_arn END,
  time, {HINT}, false, call, side, event_id, time, NULL, NULL, NULL, NULL
FROM mint_call
WHERE access_key_id IS NULL
  AND event_source IN ('cognito-identity.amazonaws.com', 'rolesanywhere.amazonaws.com')
"""
"""`who` and `time` say which keys it may have given; the lowest `rank` counts. `derived`: keys other than the one
answered come of it, as the console's and the portal's do. Of rank 0 are a sign-in token and the tokens of `aws login`,
which last as long as their session."""

_SOUGHT = r"""
CREATE OR REPLACE TEMP TABLE key_sought AS
WITH open AS (
  SELECT h.*,
    coalesce(h.console OR h.browser, false) OR regexp_matches(coalesce(h.role_arn, ''), $reserved_role) AS derived
  FROM holder AS h
  WHERE NOT EXISTS (SELECT 1 FROM minted AS m WHERE m.access_key_id = h.access_key_id)
    AND h.access_key_id NOT LIKE 'AKIA%'
    AND h.first_used IS NOT NULL
    AND NOT h.contested
    AND NOT coalesce(h.forwarded, false)
    AND NOT coalesce(h.service_linked, false)
)
SELECT access_key_id, 'session:' || nullif(principal_id, '') AS who, session_start AS time, derived, first_used
FROM open
UNION ALL
SELECT access_key_id, 'sign-in:' || signin_session, TIMESTAMP '1970-01-01', derived, first_used
FROM open
UNION ALL
SELECT access_key_id, regexp_replace(role_arn, $reserved_role, 'portal:\1/\2/') || sso_user, session_start, derived,
  first_used
FROM open
WHERE regexp_matches(role_arn, $reserved_role)
UNION ALL
SELECT access_key_id, regexp_replace(role_arn, $reserved_role, 'permission set:\1/\2'), session_start, derived,
  first_used
FROM open
WHERE regexp_matches(role_arn, $reserved_role)
UNION ALL
SELECT access_key_id, 'anywhere:' || role_arn, session_start, derived, first_used
FROM open
UNION ALL
SELECT access_key_id, 'cognito:' || account_id, session_start, derived, first_used
FROM open
WHERE principal_id LIKE '%:CognitoIdentityCredentials'
UNION ALL
SELECT access_key_id, 'pod identity:' || account_id, session_start, derived, first_used
FROM open
WHERE principal_id LIKE '%:eks-%'
"""

_MATCH = f"""
CREATE OR REPLACE TEMP TABLE key_match AS
WITH sought AS (
  SELECT k.access_key_id, k.who, k.time + to_seconds(u.off) AS second, k.derived, k.first_used
  FROM key_sought AS k, unnest(generate_series(-{MINT_PADDING}, {MINT_PADDING})) AS u(off)
  WHERE k.who IS NOT NULL AND k.time IS NOT NULL
), found AS (
  SELECT DISTINCT k.access_key_id, c.rank, c.call, c.side, c.event_id, c.moment, c.identity_key, c.issuer_key,
    c.switched_from, c.answered
  FROM sought AS k
  JOIN mint_candidate AS c ON c.who = k.who AND c.time = k.second
  WHERE (k.derived OR NOT c.derived)
    AND (c.rank > 0 OR c.derived = k.derived)
    AND c.moment <= k.first_used + to_seconds({MINT_PADDING})
    AND c.answered IS DISTINCT FROM k.access_key_id
    AND c.issuer_key IS DISTINCT FROM k.access_key_id
), best AS (
  SELECT *, min(rank) OVER (PARTITION BY access_key_id) AS best_rank
  FROM found
), counted AS (
  SELECT *,
    dense_rank() OVER (PARTITION BY access_key_id ORDER BY call) AS number,
    row_number() OVER (PARTITION BY access_key_id ORDER BY side, moment, event_id) AS place
  FROM best
  WHERE rank = best_rank
), whole AS (
  SELECT *, max(number) OVER (PARTITION BY access_key_id) AS candidates
  FROM counted
)
SELECT access_key_id, event_id, moment, identity_key, issuer_key, switched_from, candidates, rank,
  CASE WHEN rank = {HINT} THEN 'inferred' WHEN candidates = 1 THEN 'matched' ELSE 'shared' END AS certainty
FROM whole
WHERE place = 1
"""
"""One row per key for which there is a candidate; of several only how many there are."""


def collect(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `key_match`; needs `holder`, `minted`, `mint_call` and `known`."""
    telling.take(con)
    con.execute(_HANDED)
    con.execute(_SOUGHT, {"reserved_role": RESERVED_ROLE})
    con.execute(_CANDIDATE)
    con.execute(_MATCH)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Remove the temporary tables of this module."""
    for table in ("match", "sought"):
        con.execute(f"DROP TABLE IF EXISTS temp.key_{table}")
    for table in ("signal", "candidate"):
        con.execute(f"DROP TABLE IF EXISTS temp.mint_{table}")
