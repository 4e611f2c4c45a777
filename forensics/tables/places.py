"""Tables of places and their holders, stretch by stretch: what the view `attribution` joins records with."""

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

ADDRESS_PLACE = """
CREATE TABLE address_place (
  address VARCHAR NOT NULL,
  vpc_id VARCHAR NOT NULL,
  valid_from TIMESTAMP NOT NULL,
  valid_to TIMESTAMP NOT NULL,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL,
  contained BOOLEAN NOT NULL,
  candidates BIGINT NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Stretches in which the holders of a private address in a VPC do not change; `contained`: a task's or pod's own."""

FLOW_PLACE = """
CREATE TABLE flow_place (
  interface_id VARCHAR NOT NULL,
  valid_from TIMESTAMP NOT NULL,
  valid_to TIMESTAMP NOT NULL,
  workload VARCHAR NOT NULL,
  host VARCHAR,
  certainty VARCHAR NOT NULL,
  candidates BIGINT NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Stretches of time in which the holders of an interface do not change, one row per holder; `host` is the instance
that a task or pod ran on."""

FLOW_CROSSING = """
CREATE TABLE flow_crossing (
  event_id VARCHAR NOT NULL,
  start TIMESTAMP NOT NULL,
  "end" TIMESTAMP NOT NULL,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL,
  candidates BIGINT NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Holders of the interface of each flow record that lasts from one stretch of `flow_place` into another."""

SESSION_PLACE = """
CREATE TABLE session_place (
  session VARCHAR NOT NULL,
  valid_from TIMESTAMP NOT NULL,
  valid_to TIMESTAMP NOT NULL,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL,
  candidates BIGINT NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Stretches in which all keys known of a session's name were the same workloads'."""

TASK_KEY = "CREATE TABLE task_key (task_id VARCHAR PRIMARY KEY, workload VARCHAR NOT NULL)"
"""The ECS task that an id names, where only one of that id is known."""

HOST_CONTAINER = """
CREATE TABLE host_container (
  host VARCHAR NOT NULL,
  workload VARCHAR NOT NULL,
  valid_from TIMESTAMP NOT NULL,
  valid_to TIMESTAMP NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Tasks and pods that ran on an instance without an interface of their own, padded as flow records are."""

HOST_COUNT = """
CREATE TABLE host_count (
  host VARCHAR NOT NULL,
  what VARCHAR NOT NULL CHECK (what IN ('started', 'stopped')),
  valid_from TIMESTAMP NOT NULL,
  valid_to TIMESTAMP NOT NULL,
  number BIGINT NOT NULL
)
"""
"""How many of `host_container` had started, or stopped, in each stretch of time."""

CONTAINER_ADDRESS = """
CREATE TABLE container_address (
  host VARCHAR NOT NULL,
  address VARCHAR NOT NULL,
  valid_from TIMESTAMP NOT NULL,
  valid_to TIMESTAMP NOT NULL,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Stretches in which one task or pod alone held an address of its own on an instance."""

RECORD_NETWORK = """
CREATE TABLE record_network (
  source VARCHAR NOT NULL,
  object_id VARCHAR NOT NULL,
  id VARCHAR NOT NULL,
  vpc_id VARCHAR NOT NULL,
  stated BOOLEAN NOT NULL
)
"""
"""The VPC of a load balancer, cluster, database or firewall that records name: stated, or the only one known there."""

S3_CALL = """
CREATE TABLE s3_call (
  event_id VARCHAR PRIMARY KEY,
  call_event_id VARCHAR NOT NULL,
  access_key_id VARCHAR,
  vpc_endpoint_id VARCHAR,
  on_behalf BOOLEAN NOT NULL
)
"""
"""Records of S3 server access logs that CloudTrail has too: the same request id, by the same key throughout."""

STREAM_WORKLOAD = """
CREATE TABLE stream_workload (
  object_id VARCHAR NOT NULL,
  owner VARCHAR,
  log_group VARCHAR,
  function_name VARCHAR NOT NULL,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL
)
"""
"""The function whose log an object of Lambda's log events holds."""

GATEWAY_MINUTE = """
CREATE TABLE gateway_minute (
  source_ip VARCHAR NOT NULL,
  minute TIMESTAMP NOT NULL,
  service VARCHAR NOT NULL,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL,
  candidates BIGINT NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""Workloads with traffic to AWS through a NAT gateway, minute by minute: who may be behind a call from its address."""

POD_KEY = """
CREATE TABLE pod_key (
  what VARCHAR NOT NULL CHECK (what IN ('uid', 'name')),
  named VARCHAR NOT NULL,
  workload VARCHAR NOT NULL
)
"""
"""The pod that a uid, or cluster, namespace and name, names, where only one of them is known."""

REQUEST_FUNCTION = """
CREATE TABLE request_function (
  event_id VARCHAR PRIMARY KEY,
  workload VARCHAR NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""The function that answered a load balancer's request, by a trace id that no other request had."""
