"""Tables of what ran, what it held and when."""

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
    ('eni', 'private_ip', 'public_ip', 'access_key_id', 'session', 'execution_environment', 'instance')),
  holds VARCHAR NOT NULL,
  valid_from TIMESTAMP,
  valid_to TIMESTAMP,
  from_known BOOLEAN NOT NULL,
  to_known BOOLEAN NOT NULL,
  certainty VARCHAR NOT NULL CHECK (certainty IN ('recorded', 'matched', 'bounded', 'inferred', 'shared')),
  evidence_event_ids VARCHAR[]
)
"""
"""Of kind `instance`: the EC2 instance that a task or pod ran on; of an instance itself, when it ran."""

WORKLOAD_DETAIL = """
CREATE TABLE workload_detail (
  workload VARCHAR NOT NULL,
  property VARCHAR NOT NULL,
  value VARCHAR NOT NULL,
  first_seen TIMESTAMP,
  last_seen TIMESTAMP,
  evidence_event_ids VARCHAR[]
)
"""
"""What else is known of a workload: task_definition, launch_type, service, service_account, pod_uid, started_by…

`evidence_event_ids` are the first and the last record that say so."""

WORKLOAD_CONTAINER = """
CREATE TABLE workload_container (
  workload VARCHAR NOT NULL,
  name VARCHAR,
  image VARCHAR,
  image_digest VARCHAR,
  runtime_id VARCHAR,
  first_seen TIMESTAMP,
  last_seen TIMESTAMP,
  evidence_event_ids VARCHAR[]
)
"""
"""Containers of tasks and pods, as far as records name them."""

INTERFACE = """
CREATE TABLE interface (
  interface_id VARCHAR NOT NULL,
  owner VARCHAR NOT NULL,
  owner_id VARCHAR,
  how VARCHAR NOT NULL,
  account_id VARCHAR,
  region VARCHAR,
  vpc_id VARCHAR,
  subnet_id VARCHAR,
  security_groups VARCHAR[],
  private_ip VARCHAR,
  public_ip VARCHAR,
  description VARCHAR,
  interface_type VARCHAR,
  requester_id VARCHAR,
  valid_from TIMESTAMP,
  valid_to TIMESTAMP,
  from_known BOOLEAN NOT NULL,
  to_known BOOLEAN NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Network interfaces and whose they are by their own marks: `owner` is the kind of thing (ecs_task, lambda, nat_gateway,
vpc_endpoint, load_balancer, rds, unknown…), `owner_id` its id where a mark states one, `how` the mark that told."""

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

CREDENTIAL_WORKLOAD = """
CREATE TABLE credential_workload (
  access_key_id VARCHAR NOT NULL,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL,
  via VARCHAR NOT NULL,
  candidates BIGINT NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""To which workload a key was issued, and how that is known; several rows only where it is `shared`."""

INSTANCE_KEY = "CREATE TABLE instance_key (instance_id VARCHAR PRIMARY KEY, workload VARCHAR NOT NULL)"
"""The instance that an id names, where only one of that id is known."""

ADDRESS_NETWORK = """
CREATE TABLE address_network (workload VARCHAR NOT NULL, address VARCHAR NOT NULL, vpc_id VARCHAR NOT NULL)
"""
"""In which VPC a workload held a private address."""

FLOW_NARROWED = """
CREATE TABLE flow_narrowed (
  event_id VARCHAR NOT NULL,
  workload VARCHAR NOT NULL,
  candidates BIGINT NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Flow records at an interface that `candidates` functions share, while only this one had an invocation in progress."""
