"""What each distinct identity of the records states of who acted: its kind, ARN, unique id and session."""

import duckdb

from forensics import issuance

SESSION_ARN = r"^arn:[^:]+:sts::[^:]*:assumed-role/[^/]+/[^/]+$"
FEDERATED_ARN = r"^arn:[^:]+:sts::[^:]*:federated-user/.+$"
ROOT_ARN = r"^arn:[^:]+:iam::[^:]*:root$"
FEDERATED_ID = r"^[0-9]{12}:[^:]+$"
PATHLESS_ARN = r"^arn:[^:]+:(?:iam::[^:]*:role|sts::[^:]*:assumed-role)/[^/]+$"
"""A role as EKS and Insights name it: without its path, so that the ARN may be no role's."""

_SHAPES = {
    "role_arn": issuance.ROLE_ARN,
    "user_arn": issuance.USER_ARN,
    "role_id": issuance.ROLE_ID,
    "user_id": issuance.USER_ID,
    "session_arn": SESSION_ARN,
    "federated_arn": FEDERATED_ARN,
    "root_arn": ROOT_ARN,
    "federated_id": FEDERATED_ID,
    "pathless_arn": PATHLESS_ARN,
}

_KIND = """CASE
    WHEN 'ANONYMOUS_PRINCIPAL' IN (coalesce(principal_id, ''), coalesce(account_id, '')) THEN 'anonymous'
    WHEN type = 'KubernetesServiceAccount' THEN 'kubernetes_service_account'
    WHEN type = 'KubernetesUser' THEN 'kubernetes_user'
    WHEN type = 'AWSService' OR (type IS NULL AND arn IS NULL AND invoked_by IS NOT NULL) THEN 'service'
    WHEN type = 'Root' OR (type IS DISTINCT FROM 'AWSAccount' AND regexp_matches(arn, $root_arn)) THEN 'root'
    WHEN type = 'FederatedUser' OR regexp_matches(arn, $federated_arn) THEN 'federated_user'
    WHEN type IN ('AssumedRole', 'Role') THEN 'role'
    WHEN regexp_matches(arn, $session_arn) OR regexp_matches(arn, $role_arn) THEN 'role'
    WHEN type = 'IAMUser' OR regexp_matches(arn, $user_arn) THEN 'user'
    WHEN type = 'SAMLUser' THEN 'saml_user'
    WHEN type = 'WebIdentityUser' THEN 'web_identity_user'
    WHEN type = 'IdentityCenterUser' OR on_behalf_of IS NOT NULL THEN 'identity_center_user'
    WHEN type = 'Directory' THEN 'directory_user'
    WHEN type = 'AWSAccount' THEN 'account'
    WHEN regexp_matches(pathless_arn, $pathless_arn) OR regexp_matches(principal_id, $role_id)
      OR regexp_matches(before_name, $role_id) THEN 'role'
    WHEN regexp_matches(principal_id, $user_id) THEN 'user'
  END"""
"""`type` first, as the record says it; then what its ARN or unique id can only be."""

_ACTOR = f"""
CREATE OR REPLACE TEMP TABLE actor AS
WITH split AS (
  SELECT *, regexp_extract(principal_id, '^(.*):[^:]*$', 1) AS before_name
  FROM said
), kinds AS (
  SELECT *, {_KIND} AS kind
  FROM split
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
    CASE WHEN kind = 'role' AND regexp_matches(pathless_arn, $pathless_arn) THEN pathless_arn END AS pathless_arn,
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
  coalesce(split_part(arn, ':', 5), account_id, split_part(coalesce(session, pathless_arn), ':', 5)) AS home_account,
  split_part(coalesce(session, pathless_arn), ':', 5) AS role_account,
  split_part(coalesce(session, pathless_arn), '/', 2) AS role_name
FROM stated
"""
"""`arn` is the principal as the record states it; `session_id` is a principalId that is one session's."""


def collect(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `actor` from `said`: one row per identity."""
    con.execute(_ACTOR, _SHAPES)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Remove the temporary table of this module."""
    con.execute("DROP TABLE IF EXISTS temp.actor")
