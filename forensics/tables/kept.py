"""Tables of the evidence itself, which only `add` and `load` write."""

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
  stored_at VARCHAR,
  storage_class VARCHAR,
  metadata JSON
)
"""
"""`stored_at` is the path of the bytes: relative to the case when copied, absolute when referenced in place.

`storage_class` and `metadata` (user metadata, names in lower case) are those of an S3 object; a digest's signature
stands in its metadata."""

EVIDENCE_SINCE_3 = ("storage_class VARCHAR", "metadata JSON")
"""Columns that cases of table versions before 3 do not have."""

ACQUISITION = """
CREATE TABLE IF NOT EXISTS acquisition (
  acquisition_id VARCHAR PRIMARY KEY,
  kind VARCHAR NOT NULL CHECK (kind IN ('s3', 'api')),
  command VARCHAR NOT NULL,
  caller VARCHAR,
  account_id VARCHAR,
  profile VARCHAR,
  region VARCHAR,
  endpoint VARCHAR,
  parameters JSON,
  started_at TIMESTAMP NOT NULL,
  ended_at TIMESTAMP,
  outcome VARCHAR CHECK (outcome IN ('complete', 'partial', 'failed')),
  objects BIGINT,
  bytes BIGINT,
  problems JSON
)
"""
"""What was asked of AWS, by whom, and how it ended; also in the custody record.

`ended_at` and `outcome` are NULL of one that was interrupted; `problems` is a list of what could not be had, each
{what, code, message}."""

CONTENT_HASH = """
CREATE TABLE IF NOT EXISTS content_hash (object_id VARCHAR PRIMARY KEY, sha256 VARCHAR)
"""
"""SHA-256 of the decompressed bytes of CloudTrail's log files, where there are digests to hold against; NULL of those
that are damaged. Objects are never altered, so that a later load has only new ones to hash."""

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

CASE_INFO = "CREATE TABLE case_info (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)"
