"""Tables of who: identities, principals, sessions, credentials and where each came from."""

IDENTITY = """
CREATE TABLE identity (
  identity_key UBIGINT NOT NULL,
  kind VARCHAR,
  principal VARCHAR,
  session VARCHAR,
  unique_id VARCHAR,
  how VARCHAR
)
"""
"""What each distinct identity of the source tables resolves to; `how` names the rule, NULL where the record says it."""

SUPERSEDED = """
CREATE TABLE superseded (source VARCHAR NOT NULL, copy_object_id VARCHAR NOT NULL, copy_record BIGINT NOT NULL)
"""
"""Rows that are a further copy or an earlier version of an event; the event view leaves them out."""

PRINCIPAL = """
CREATE TABLE principal (
  principal VARCHAR PRIMARY KEY,
  kind VARCHAR NOT NULL,
  account_id VARCHAR,
  name VARCHAR,
  unique_id VARCHAR,
  first_seen TIMESTAMP,
  last_seen TIMESTAMP
)
"""
"""kind: user, role, root, federated_user, service, identity_center_user, saml_user, web_identity_user, account, anonymous.

Only those that have an ARN, and services, are here; `identity` also knows directory_user and those of Kubernetes, who
are no principals of AWS: kubernetes_service_account, kubernetes_user."""

SESSION = """
CREATE TABLE session (
  session VARCHAR NOT NULL,
  principal VARCHAR,
  name VARCHAR,
  source_identity VARCHAR,
  issuer VARCHAR,
  first_seen TIMESTAMP,
  last_seen TIMESTAMP
)
"""

CREDENTIAL = """
CREATE TABLE credential (
  access_key_id VARCHAR PRIMARY KEY,
  kind VARCHAR,
  principal VARCHAR,
  session VARCHAR,
  issued_at TIMESTAMP,
  expires_at TIMESTAMP,
  issued_by_principal VARCHAR,
  issued_by_access_key_id VARCHAR,
  issuance_event_id VARCHAR,
  first_used TIMESTAMP,
  last_used TIMESTAMP,
  workload VARCHAR,
  workload_certainty VARCHAR,
  class VARCHAR,
  session_created_at TIMESTAMP,
  issuance_certainty VARCHAR,
  expires_how VARCHAR,
  source_identity VARCHAR
)
"""
"""kind: long_term, temporary. Issuance columns are NULL where the issuance is not in evidence.
issuance_certainty: recorded, where a record names the key; matched, where exactly one mint, sign-in or hand-out that names
no key is of the same session (unique id and name) and of the moment at which the key's session began; shared, where
several are: then no issuance column is filled.
class, NULL where the issuance is recorded: forward_access (made by a service for a call on behalf), console,
service_linked, workload (the session's form says that AWS minted it for one), long_term (its creation is not in
evidence), before_logs, read_only_filtered, not_covered (why the minting is not in evidence: `lineage_gap`), unknown.
expires_how: NULL where the answer states it; duration asked for, default duration, where it had to be reckoned.
source_identity: what the calls with the key state, else what its issuance passed on; it cannot be changed later."""

LOGIN = """
CREATE TABLE login (
  principal VARCHAR,
  session VARCHAR,
  created_at TIMESTAMP NOT NULL,
  kind VARCHAR NOT NULL CHECK (kind IN
    ('console', 'identity_center', 'role', 'root', 'federation', 'session_token', 'unknown')),
  keys VARCHAR[] NOT NULL,
  first_seen TIMESTAMP,
  last_seen TIMESTAMP,
  login_event_id VARCHAR,
  person VARCHAR,
  person_id VARCHAR,
  person_id_how VARCHAR
)
"""
"""One sign-in or one assumption of a role: all keys that were made of it at `created_at`, as the console makes many.

`login_event_id` is the ConsoleLogin or the issuance, if one is in evidence. `person` is the user of Identity Center,
`person_id` its id, and `person_id_how` the rule that joined them: onBehalfOf, or name at sign-in."""

LINEAGE = """
CREATE TABLE lineage (
  access_key_id VARCHAR NOT NULL,
  ancestor_access_key_id VARCHAR,
  ancestor_principal VARCHAR,
  hops INTEGER NOT NULL,
  certainty VARCHAR NOT NULL
)
"""
"""certainty: recorded, matched: that of the weakest issuance on the way."""

ON_BEHALF = """
CREATE TABLE on_behalf (
  event_id VARCHAR NOT NULL,
  cause_event_id VARCHAR,
  certainty VARCHAR,
  candidates BIGINT NOT NULL,
  why VARCHAR NOT NULL
)
"""
"""Calls that a service made for a principal (forward access sessions), each with the call that caused it, if one is in
evidence; never a separate actor."""

LINEAGE_GAP = """
CREATE TABLE lineage_gap (
  access_key_id VARCHAR NOT NULL,
  class VARCHAR NOT NULL,
  account_id VARCHAR,
  region VARCHAR,
  window_from TIMESTAMP,
  window_to TIMESTAMP,
  statement VARCHAR NOT NULL
)
"""
"""Why a key's issuance is not in evidence, and the account, Region and window whose trail would hold it."""
