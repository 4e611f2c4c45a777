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

CASE_INFO = "CREATE TABLE case_info (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)"
