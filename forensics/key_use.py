"""How each access key was used: by whom, when, and what the records say of the session that it belongs to."""

import duckdb

from forensics import identity, scanned
from forensics.source import Source
from forensics.sources import sources

SAMPLE_KEY = "GeneratedFindingAccessKeyId"
"""What GuardDuty's sample findings name; it is no key."""

WORKLOAD_SESSION = (
    r"^i-[0-9a-f]{8,17}$|^[0-9a-f]{32}$|^awslambda_[0-9]+_[0-9]+$|^AWSCodeBuild-[0-9a-f-]{36}$"
    r"|^GlueJobRunnerSession$|^SageMaker$|^eks-.+-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
)
"""Session names that AWS gives: instance, task, Lambda's own, build, job, notebook, pod with Pod Identity."""

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
  min(s.user_identity_principal_id) AS principal_id,
  min(s.user_identity_account_id) AS account_id,
  min(s.session_issuer_arn) AS role_arn,
  min(s.user_identity_invoked_by) AS invoked_by,
  min(s.on_behalf_of_user_id) AS sso_user,
  min(nullif(s.session_source_identity, '')) AS source_identity,
  max(nullif(s.session_source_identity, '')) AS last_source_identity,
  min(s.session_creation_date) AS created_at,
  max(s.session_creation_date) AS last_created_at,
  min(CASE WHEN contains(CAST(s.user_identity AS VARCHAR), 'signInSessionArn')
    THEN s.user_identity->>'$.sessionContext.signInSessionArn' END) AS signin_session"""

_NO_SIGNALS = ",".join(
    f" CAST(NULL AS {kind}) AS {name}"
    for kind, names in (
        ("BOOLEAN", "forwarded console browser service_linked delivered"),
        ("VARCHAR", "arn principal_id account_id role_arn invoked_by sso_user source_identity last_source_identity"),
        ("TIMESTAMP", "created_at last_created_at"),
        ("VARCHAR", "signin_session"),
    )
    for name in names.split()
)

_PUT_TOGETHER = {
    "forwarded": "bool_and",
    **dict.fromkeys(("console", "browser", "service_linked", "delivered"), "bool_or"),
    **dict.fromkeys(
        ("arn", "principal_id", "account_id", "role_arn", "invoked_by", "sso_user", "source_identity"), "min"
    ),
    "last_source_identity": "max",
    "created_at": "min",
    "last_created_at": "max",
    "signin_session": "min",
}
"""How signals of the same key and identity become one."""

_HOLDER = """
CREATE OR REPLACE TEMP TABLE holder AS
SELECT
  n.access_key_id,
  CASE WHEN min(CASE WHEN n.called THEN i.principal END) = max(CASE WHEN n.called THEN i.principal END)
    THEN min(CASE WHEN n.called THEN i.principal END) END AS caller,
  CASE WHEN min(CASE WHEN n.called THEN i.session END) = max(CASE WHEN n.called THEN i.session END)
    THEN min(CASE WHEN n.called THEN i.session END) END AS caller_session,
  CASE WHEN min(i.principal) = max(i.principal) THEN min(i.principal) END AS named,
  CASE WHEN min(i.session) = max(i.session) THEN min(i.session) END AS named_session,
  coalesce(min(CASE WHEN n.called THEN i.principal END) <> max(CASE WHEN n.called THEN i.principal END), false)
    AS contested,
  min(n.first_used) AS first_used,
  max(n.last_used) AS last_used,
  bool_and(n.forwarded) AND bool_or(i.kind IN ('user', 'role', 'root', 'federated_user')) AS forwarded,
  bool_or(n.console) AS console,
  bool_or(n.browser) AS browser,
  bool_or(n.service_linked) AS service_linked,
  bool_or(n.delivered) AS delivered,
  min(n.arn) AS arn,
  min(n.created_at) AS created_at,
  CASE WHEN min(n.created_at) = max(n.last_created_at) THEN min(n.created_at) END AS session_start,
  CASE WHEN min(n.principal_id) = max(n.principal_id) THEN min(n.principal_id) END AS principal_id,
  CASE WHEN min(n.account_id) = max(n.account_id) THEN min(n.account_id) END AS account_id,
  CASE WHEN min(n.role_arn) = max(n.role_arn) THEN min(n.role_arn) END AS role_arn,
  min(n.invoked_by) AS invoked_by,
  CASE WHEN min(n.sso_user) = max(n.sso_user) THEN min(n.sso_user) END AS sso_user,
  CASE WHEN min(n.source_identity) = max(n.last_source_identity) THEN min(n.source_identity) END AS source_identity,
  CASE WHEN min(n.signin_session) = max(n.signin_session) THEN min(n.signin_session) END AS signin_session
FROM named AS n
LEFT JOIN identity AS i ON i.identity_key = n.identity_key
GROUP BY n.access_key_id
"""
"""`contested`: principals with other names called with it, as in masked logs. min = max stands for one distinct value."""


def collect(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary view `named` (by key and identity) and table `holder` (by key); needs `identity`."""
    named = _named()
    scanned.take(con, named)
    con.execute(f"CREATE OR REPLACE TEMP VIEW named AS\nSELECT * FROM {scanned.latest(con, named)} AS k")
    con.execute(_HOLDER)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Remove the temporary tables of this module."""
    con.execute("DROP VIEW IF EXISTS temp.named")
    con.execute("DROP TABLE IF EXISTS temp.holder")


def _named() -> scanned.Scan:
    signals = ", ".join(f"{how}({name}) AS {name}" for name, how in _PUT_TOGETHER.items())
    return scanned.Scan(
        "named_key",
        {item.name: _named_by(item) for item in sources().values() if "access_key_id" in item.event.columns},
        f"""
SELECT access_key_id, identity_key, called, min(first_used) AS first_used, max(last_used) AS last_used, {signals}
FROM {{kept}}
GROUP BY access_key_id, identity_key, called
""",
    )


def _named_by(source: Source) -> str:
    """One row per key and identity named together; in a log of calls, with when and how the key was used."""
    called = identity.is_call(source)
    time = identity.call_time(source)
    key = source.event.columns["access_key_id"]
    signals = _SIGNALS if source.name == "cloudtrail" else _NO_SIGNALS
    who = "s.identity_key" if source.identity else "CAST(NULL AS UBIGINT)"
    return f"""SELECT {key} AS access_key_id, {who} AS identity_key, {called} AS called,
  min({time}) AS first_used, max({time}) AS last_used,{signals}
{identity.rows(source)}
WHERE {key} <> '{SAMPLE_KEY}'
GROUP BY {key}, {who}, {called}"""
