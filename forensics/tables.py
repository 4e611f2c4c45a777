"""The tables of a case besides the source tables: what others rely on, one statement each."""

EVIDENCE = """
CREATE TABLE evidence (
  object_id VARCHAR PRIMARY KEY,
  uri VARCHAR NOT NULL,
  sha256 VARCHAR NOT NULL,
  size BIGINT NOT NULL,
  etag VARCHAR,
  version_id VARCHAR,
  last_modified TIMESTAMP,
  acquired_at TIMESTAMP NOT NULL,
  source VARCHAR,
  account_id VARCHAR,
  region VARCHAR,
  status VARCHAR NOT NULL CHECK (status IN ('pending', 'loaded', 'partial', 'rejected', 'unrecognised', 'duplicate')),
  records BIGINT,
  rejected BIGINT,
  reason VARCHAR,
  stored_at VARCHAR
)
"""
"""`stored_at` is the path of the bytes: relative to the case when copied, absolute when referenced in place."""

REJECTED_RECORD = """
CREATE TABLE rejected_record (object_id VARCHAR NOT NULL, record BIGINT, reason VARCHAR NOT NULL, excerpt VARCHAR)
"""

NAMED_STREAM = """
CREATE TABLE IF NOT EXISTS named_stream (
  object_id VARCHAR PRIMARY KEY,
  log_group VARCHAR,
  log_stream VARCHAR,
  owner VARCHAR,
  region VARCHAR
)
"""
"""What the analyst said of objects of log events that do not say themselves of which stream they are."""

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
"""kind: user, role, root, federated_user, service, identity_center_user, saml_user, web_identity_user, account, anonymous."""

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
  session_created_at TIMESTAMP
)
"""
"""kind: long_term, temporary. class, where no issuance is in evidence: forward_access, console, service_linked,
workload, unknown. Issuance columns are NULL where the issuance is not in evidence."""

LINEAGE = """
CREATE TABLE lineage (
  access_key_id VARCHAR NOT NULL,
  ancestor_access_key_id VARCHAR,
  ancestor_principal VARCHAR,
  hops INTEGER NOT NULL
)
"""

WORKLOAD = """
CREATE TABLE workload (
  workload VARCHAR PRIMARY KEY,
  kind VARCHAR NOT NULL,
  account_id VARCHAR,
  region VARCHAR,
  name VARCHAR,
  role VARCHAR,
  image VARCHAR,
  code_sha256 VARCHAR,
  started_at TIMESTAMP,
  stopped_at TIMESTAMP
)
"""
"""kind: lambda_function, ec2_instance, ecs_task, eks_pod, nat_gateway…"""

LIFETIME = """
CREATE TABLE lifetime (
  workload VARCHAR NOT NULL,
  holds_kind VARCHAR NOT NULL CHECK (holds_kind IN
    ('eni', 'private_ip', 'public_ip', 'access_key_id', 'session', 'execution_environment')),
  holds VARCHAR NOT NULL,
  valid_from TIMESTAMP,
  valid_to TIMESTAMP,
  from_known BOOLEAN NOT NULL,
  to_known BOOLEAN NOT NULL,
  certainty VARCHAR NOT NULL CHECK (certainty IN ('recorded', 'matched', 'bounded', 'inferred', 'shared')),
  evidence_event_ids VARCHAR[]
)
"""

FINDING = """
CREATE TABLE finding (
  finding_id VARCHAR PRIMARY KEY,
  source VARCHAR NOT NULL,
  type VARCHAR,
  severity DOUBLE,
  time TIMESTAMP,
  end_time TIMESTAMP,
  principal VARCHAR,
  access_key_id VARCHAR,
  workload VARCHAR,
  resources VARCHAR[],
  title VARCHAR
)
"""

FINDING_EVIDENCE = """
CREATE TABLE finding_evidence (finding_id VARCHAR NOT NULL, event_id VARCHAR NOT NULL, why VARCHAR NOT NULL)
"""

INVOCATION = """
CREATE TABLE invocation (
  request_id VARCHAR,
  workload VARCHAR,
  version VARCHAR,
  execution_environment VARCHAR,
  started_at TIMESTAMP,
  ended_at TIMESTAMP,
  init_ms DOUBLE,
  duration_ms DOUBLE,
  billed_ms DOUBLE,
  memory_mb BIGINT,
  max_memory_mb BIGINT,
  error VARCHAR,
  evidence_event_ids VARCHAR[]
)
"""

COVERAGE = """
CREATE TABLE coverage (
  source VARCHAR NOT NULL,
  account_id VARCHAR,
  region VARCHAR,
  hour TIMESTAMP NOT NULL,
  records BIGINT NOT NULL,
  status VARCHAR NOT NULL CHECK (status IN ('present', 'silent', 'missing', 'switched_off', 'tampered', 'unknown')),
  cause VARCHAR
)
"""

CREDENTIAL_WORKLOAD = """
CREATE TABLE credential_workload (
  access_key_id VARCHAR PRIMARY KEY,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL,
  via VARCHAR NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""To which workload a key was issued, and how that is known."""

INSTANCE_KEY = "CREATE TABLE instance_key (instance_id VARCHAR PRIMARY KEY, workload VARCHAR NOT NULL)"
"""The instance that an id names, where only one of that id is known."""

ADDRESS_NETWORK = """
CREATE TABLE address_network (workload VARCHAR NOT NULL, address VARCHAR NOT NULL, vpc_id VARCHAR NOT NULL)
"""
"""In which VPC a workload held a private address."""

CALL_PLACE = """
CREATE TABLE call_place (
  source_ip VARCHAR NOT NULL,
  vpc_endpoint_id VARCHAR NOT NULL,
  valid_from TIMESTAMP NOT NULL,
  valid_to TIMESTAMP NOT NULL,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL,
  via VARCHAR NOT NULL,
  candidates BIGINT NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Stretches of time in which the holders of a source address do not change, one row per holder.

`vpc_endpoint_id` is empty for public addresses. Stretches without a known beginning or end reach far out."""

FLOW_PLACE = """
CREATE TABLE flow_place (
  interface_id VARCHAR NOT NULL,
  valid_from TIMESTAMP NOT NULL,
  valid_to TIMESTAMP NOT NULL,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL,
  candidates BIGINT NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Stretches of time in which the holders of an interface do not change, one row per holder."""

FLOW_CROSSING = """
CREATE TABLE flow_crossing (
  event_id VARCHAR NOT NULL,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL,
  candidates BIGINT NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Holders of the interface of each flow record that lasts from one stretch of `flow_place` into another."""

CASE_INFO = "CREATE TABLE case_info (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)"

TABLES = {
    "case_info": CASE_INFO,
    "evidence": EVIDENCE,
    "rejected_record": REJECTED_RECORD,
    "named_stream": NAMED_STREAM,
    "identity": IDENTITY,
    "superseded": SUPERSEDED,
    "principal": PRINCIPAL,
    "session": SESSION,
    "credential": CREDENTIAL,
    "lineage": LINEAGE,
    "workload": WORKLOAD,
    "lifetime": LIFETIME,
    "finding": FINDING,
    "finding_evidence": FINDING_EVIDENCE,
    "invocation": INVOCATION,
    "coverage": COVERAGE,
    "credential_workload": CREDENTIAL_WORKLOAD,
    "instance_key": INSTANCE_KEY,
    "address_network": ADDRESS_NETWORK,
    "call_place": CALL_PLACE,
    "flow_place": FLOW_PLACE,
    "flow_crossing": FLOW_CROSSING,
}
"""Name and CREATE statement of each; the views `event` and `attribution` are made by the modules of those names."""
