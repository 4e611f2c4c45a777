"""To which workload each access key was issued: every record that says so, and one answer per key."""

import duckdb

from forensics import issuance, scanned, workloads
from forensics.arn import FUNCTION, INSTANCE, INSTANCE_ID, SAMPLE, function_key, key
from forensics.sources.cloudtrail import EVENT as CALL

CONTROL_PLANE = r"^awslambda_[0-9]+_[0-9]+$"
"""Session names of Lambda's own use of a function's role; such keys are never in the function's hands."""

GLOBAL = (
    "iam.amazonaws.com",
    "sts.amazonaws.com",
    "route53.amazonaws.com",
    "cloudfront.amazonaws.com",
    "organizations.amazonaws.com",
    "support.amazonaws.com",
    "health.amazonaws.com",
    "account.amazonaws.com",
    "ce.amazonaws.com",
    "globalaccelerator.amazonaws.com",
)
"""Services whose records carry one Region for the whole partition: it says nothing of where the caller is."""

LONGEST_SESSION_NAME = 64
"""Characters of a role session name (page "AssumeRole"); a longer function name is cut."""

_ID = CALL.columns["event_id"]

_MINT = """
CREATE OR REPLACE TEMP TABLE key_mint AS
SELECT
  own_key AS access_key_id,
  asked_session_name AS session_name,
  asked_role AS role,
  account_id,
  region,
  CASE WHEN coalesce(caller_type, 'AWSService') = 'AWSService' AND coalesce(caller_arn, '') = '' THEN invoked_by END
    AS service,
  issuer_key,
  event_id,
  time AS moment
FROM mint_call
WHERE event_source = 'sts.amazonaws.com'
  AND own_key IS NOT NULL
"""
"""`service` only where the record says that a service called for itself; an address or agent that names one is chosen
by the caller."""

_SEEN = scanned.one(
    "key_session",
    "cloudtrail",
    f"""
SELECT
  s.user_identity_access_key_id AS access_key_id,
  s.user_identity_principal_id AS principal_id,
  s.session_issuer_arn AS role,
  s.user_identity_account_id AS account_id,
  s.credentials_issued_to AS issued_to,
  s.session_ec2_role_delivery AS delivery,
  CASE WHEN s.event_source NOT IN ({", ".join(f"'{name}'" for name in GLOBAL)})
    THEN s.aws_region END AS region,
  min(s.event_time) AS moment,
  arg_min({_ID}, (s.event_time, {_ID})) AS event_id
FROM {{rows}} AS s
WHERE s.user_identity_access_key_id <> ''
  AND coalesce(s.user_identity_invoked_by, '') = ''
  AND s.user_identity_type = 'AssumedRole'
GROUP BY 1, 2, 3, 4, 5, 6, 7
""",
    """
SELECT access_key_id, principal_id, role, account_id, issued_to, delivery, region, min(moment) AS moment,
  arg_min(event_id, (moment, event_id)) AS event_id
FROM {kept}
GROUP BY access_key_id, principal_id, role, account_id, issued_to, delivery, region
""",
)

_SESSION = """
CREATE OR REPLACE TEMP TABLE key_session AS
SELECT access_key_id, regexp_extract(principal_id, ':([^:]*)$', 1) AS session_name, role, account_id, issued_to,
  nullif(delivery, '') AS delivery, region, moment, event_id
FROM {seen} AS k
"""

_BARRED = f"""
CREATE OR REPLACE TEMP TABLE key_barred AS
SELECT access_key_id FROM key_mint WHERE issuer_key IS NOT NULL
UNION
SELECT access_key_id FROM credential WHERE issued_by_access_key_id IS NOT NULL
UNION
SELECT access_key_id FROM key_mint WHERE regexp_matches(session_name, '{CONTROL_PLANE}')
UNION
SELECT access_key_id FROM key_session WHERE regexp_matches(session_name, '{CONTROL_PLANE}')
UNION
SELECT access_key_id FROM credential WHERE class = 'forward_access'
"""
"""Keys that no workload was given: obtained with another key, Lambda's own, or made for a call on behalf."""

_UNMINTED = """
CREATE OR REPLACE TEMP TABLE key_unminted AS
SELECT s.access_key_id, s.session_name, min(s.role) AS role, min(s.account_id) AS account_id,
  min(s.delivery) AS delivery,
  CASE WHEN count(DISTINCT s.region) = 1 THEN min(s.region) END AS region,
  min(s.moment) AS moment, arg_min(s.event_id, (s.moment, s.event_id)) AS event_id,
  min(c.issued_by_principal) AS service
FROM key_session AS s
LEFT JOIN credential AS c ON c.access_key_id = s.access_key_id
WHERE (c.issuance_certainty IS NULL
    OR c.issuance_certainty = 'matched' AND c.issued_by_access_key_id IS NULL AND c.issued_by_principal LIKE '%.amazonaws.com')
  AND coalesce(c.class, 'unknown') NOT IN ('console', 'service_linked', 'forward_access')
  AND coalesce(s.role, '') NOT LIKE '%:role/aws:%'
  AND NOT EXISTS (SELECT 1 FROM key_mint AS m WHERE m.access_key_id = s.access_key_id)
GROUP BY s.access_key_id, s.session_name
"""
"""Keys of sessions that no record of a mint names; `service` minted the session, where a mint without its key is matched."""

_KNOWN_FUNCTION = f"""
CREATE OR REPLACE TEMP TABLE known_function AS
WITH configured AS (
  SELECT workload, arg_max(role, (moment, role)) AS role
  FROM workload_sighting
  WHERE kind = 'lambda_function' AND role IS NOT NULL AND phase <> 'seen'
  GROUP BY workload
), issued AS (
  SELECT workload, arg_max(role, (moment, role)) AS role
  FROM workload_sighting
  WHERE kind = 'lambda_function' AND role IS NOT NULL AND phase = 'seen'
  GROUP BY workload
)
SELECT f.workload, left(split_part(f.workload, ':', 7), {LONGEST_SESSION_NAME}) AS session_name,
  split_part(f.workload, ':', 5) AS account_id,
  split_part(f.workload, ':', 4) AS region, coalesce(c.role, i.role) AS role
FROM (SELECT DISTINCT workload FROM workload_sighting WHERE kind = 'lambda_function'
  AND workload IS NOT NULL) AS f
LEFT JOIN configured AS c ON c.workload = f.workload
LEFT JOIN issued AS i ON i.workload = f.workload
"""

_KNOWN_INSTANCE = """
CREATE OR REPLACE TEMP TABLE known_instance AS
SELECT split_part(workload, '/', 2) AS instance_id, min(workload) AS workload
FROM workload_sighting
WHERE kind = 'ec2_instance' AND workload IS NOT NULL
GROUP BY split_part(workload, '/', 2)
HAVING count(DISTINCT workload) = 1
"""

_NAMED = f"""
SELECT s.access_key_id, coalesce({function_key("s.issued_to")}, s.issued_to) AS workload,
  'recorded' AS certainty, 'credentialsIssuedTo' AS via, s.role, s.event_id, s.moment
FROM key_session AS s
WHERE regexp_matches(s.issued_to, '{FUNCTION}')
  OR regexp_matches(s.issued_to, '{INSTANCE}')
"""

_FOUND = f"""
SELECT s.access_key_id,
  coalesce({function_key("s.function_arn")},
    {key("ec2", "s.region", "s.account_id", "'instance/' || s.instance_id")}) AS workload,
  'recorded' AS certainty, 'resource of a finding' AS via, NULL AS role, s.id AS event_id,
    s.updated_at AS moment
FROM guardduty AS s
WHERE s.access_key_id <> ''
  AND (s.function_arn IS NOT NULL OR s.instance_id IS NOT NULL)
  AND NOT {SAMPLE}
"""

_EC2_MINTED = f"""
SELECT m.access_key_id,
  coalesce(i.workload, {key("ec2", "m.region", "m.account_id", "'instance/' || m.session_name")}) AS workload,
  'recorded' AS certainty, 'issuance by EC2' AS via, m.role, m.event_id, m.moment
FROM key_mint AS m
LEFT JOIN known_instance AS i ON i.instance_id = m.session_name
WHERE m.service = 'ec2.amazonaws.com'
  AND regexp_matches(m.session_name, '{INSTANCE_ID}')
  AND coalesce(m.role, '') NOT LIKE '%:role/aws:%'
"""

_EC2_DELIVERED = f"""
SELECT u.access_key_id,
  coalesce(i.workload, {key("ec2", "u.region", "u.account_id", "'instance/' || u.session_name")}) AS workload,
  'recorded' AS certainty, 'ec2RoleDelivery' AS via, u.role, u.event_id, u.moment
FROM key_unminted AS u
LEFT JOIN known_instance AS i ON i.instance_id = u.session_name
WHERE u.delivery IS NOT NULL
  AND coalesce(u.service, 'ec2.amazonaws.com') = 'ec2.amazonaws.com'
  AND regexp_matches(u.session_name, '{INSTANCE_ID}')
"""

_EC2_NAMED_ALIKE = """
SELECT u.access_key_id, i.workload, 'inferred' AS certainty, 'session name' AS via, NULL AS role,
  u.event_id, u.moment
FROM key_unminted AS u
JOIN known_instance AS i ON i.instance_id = u.session_name
WHERE u.delivery IS NULL
  AND coalesce(u.service, 'ec2.amazonaws.com') = 'ec2.amazonaws.com'
  AND split_part(i.workload, ':', 5) = u.account_id
"""

_LAMBDA_MINTED = f"""
WITH minted AS (
  SELECT m.access_key_id, m.session_name, m.role, m.account_id, m.region, m.event_id, m.moment,
    min(CASE WHEN f.region = m.region AND (f.role IS NULL OR f.role = m.role) THEN f.workload END) AS here,
    min(CASE WHEN f.role = m.role THEN f.workload END) AS same_role,
    count(DISTINCT CASE WHEN f.role = m.role THEN f.workload END) AS same_roles,
    count(f.workload) AS known
  FROM key_mint AS m
  LEFT JOIN known_function AS f ON f.session_name = m.session_name AND f.account_id = m.account_id
  WHERE m.service = 'lambda.amazonaws.com'
  GROUP BY m.access_key_id, m.session_name, m.role, m.account_id, m.region, m.event_id, m.moment
)
SELECT access_key_id,
  CASE
    WHEN here IS NOT NULL THEN here
    WHEN same_roles = 1 THEN same_role
    WHEN known = 0 AND length(session_name) < {LONGEST_SESSION_NAME}
      THEN {key("lambda", "region", "account_id", "'function:' || session_name")}
  END AS workload,
  'inferred' AS certainty, 'session name, issued by Lambda' AS via, role, event_id, moment
FROM minted
"""

_LAMBDA_NAMED_ALIKE = """
SELECT u.access_key_id, min(f.workload) AS workload, 'inferred' AS certainty, 'session name' AS via,
  NULL AS role, min(u.event_id) AS event_id, min(u.moment) AS moment
FROM key_unminted AS u
JOIN known_function AS f ON f.session_name = u.session_name AND f.account_id = u.account_id
WHERE (f.role IS NULL OR f.role = u.role)
  AND coalesce(u.service, 'lambda.amazonaws.com') = 'lambda.amazonaws.com'
GROUP BY u.access_key_id
HAVING count(DISTINCT f.workload) = 1
"""

CLAIMS = (
    _NAMED,
    _FOUND,
    _EC2_MINTED,
    _EC2_DELIVERED,
    _EC2_NAMED_ALIKE,
    _LAMBDA_MINTED,
    _LAMBDA_NAMED_ALIKE,
)
"""What says to whom a key was issued: SELECTs of `access_key_id, workload, certainty, via, role, event_id,
  moment`."""

_CLAIM = """
CREATE OR REPLACE TEMP TABLE key_claim AS
SELECT access_key_id, workload, certainty, via, role, event_id, moment
FROM (
{claims}
) AS c
WHERE c.workload IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM key_barred AS b WHERE b.access_key_id = c.access_key_id)
"""

_STRENGTH = "CASE {certainty} WHEN 'recorded' THEN 0 WHEN 'matched' THEN 1 WHEN 'bounded' THEN 2 WHEN 'inferred' THEN 3 ELSE 4 END"

_CONCLUDE = f"""
INSERT INTO credential_workload
WITH strongest AS (
  SELECT access_key_id, min({_STRENGTH.format(certainty="certainty")}) AS strength
  FROM key_claim
  GROUP BY access_key_id
), counted AS (
  SELECT c.access_key_id, c.workload, c.certainty, min(c.via) AS via,
    arg_min(c.event_id, (c.moment, c.event_id)) AS event_id
  FROM key_claim AS c
  JOIN strongest AS s ON s.access_key_id = c.access_key_id
    AND s.strength = {_STRENGTH.format(certainty="c.certainty")}
  GROUP BY c.access_key_id, c.workload, c.certainty
), rivals AS (
  SELECT *, count(*) OVER (PARTITION BY access_key_id) AS candidates
  FROM counted
), minted AS (
  SELECT access_key_id, min(event_id) AS event_id
  FROM key_mint
  GROUP BY access_key_id
)
SELECT c.access_key_id, c.workload, CASE WHEN c.candidates = 1 AND c.certainty = 'shared' THEN 'inferred' ELSE c.certainty END AS certainty,
  c.via, c.candidates,
  CASE WHEN m.event_id IS NULL OR m.event_id = c.event_id THEN [c.event_id] ELSE [m.event_id, c.event_id] END
    AS evidence_event_ids
FROM rivals AS c
LEFT JOIN minted AS m ON m.access_key_id = c.access_key_id
WHERE c.candidates = 1
  OR c.certainty = 'shared'
"""

_FORGET = "UPDATE credential SET workload = NULL, workload_certainty = NULL WHERE workload IS NOT NULL"

_STATE = """
UPDATE credential
SET workload = c.workload, workload_certainty = c.certainty
FROM credential_workload AS c
WHERE c.access_key_id = credential.access_key_id
  AND c.candidates = 1
"""


def claim(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `key_claim`; needs `workload_sighting`, `credential` and the source tables."""
    issuance.collect_calls(con)
    scanned.take(con, _SEEN)
    con.execute(_MINT)
    con.execute(_SESSION.format(seen=scanned.latest(con, _SEEN)))
    for statement in (_BARRED, _UNMINTED, _KNOWN_FUNCTION, _KNOWN_INSTANCE):
        con.execute(statement)
    claims = [f"(SELECT * FROM ({claim}))" for claim in CLAIMS] + workloads.selected(con, "claims", workloads.CLAIM)
    con.execute(_CLAIM.format(claims="\nUNION ALL\n".join(claims)))


def conclude(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `credential_workload` from `key_claim`; a key that strong claims dispute gets no row."""
    con.execute("DELETE FROM credential_workload")
    for statement in (_CONCLUDE, _FORGET, _STATE):
        con.execute(statement)
    for name in ("claim", "mint", "session", "barred", "unminted"):
        con.execute(f"DROP TABLE temp.key_{name}")
    con.execute("DROP TABLE temp.known_function")
    con.execute("DROP TABLE temp.known_instance")
    issuance.drop_calls(con)
