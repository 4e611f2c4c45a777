"""Tables of what belongs together: findings, requests, uses of credentials, coverage."""

REQUEST_LINK = """
CREATE TABLE request_link (
  id_kind VARCHAR NOT NULL,
  id VARCHAR NOT NULL,
  event_id VARCHAR NOT NULL,
  source VARCHAR NOT NULL,
  time TIMESTAMP,
  workload VARCHAR,
  certainty VARCHAR NOT NULL CHECK (certainty IN ('recorded', 'inferred', 'shared'))
)
"""
"""Records of different sources that carry one id.

Ids of requests, every record: lambda_request, api_gateway_request, cloudfront_request, s3_request, shared_event, trace.
Ids of things, the first and the last record of each source: ecs_attachment, pod_uid, vpc_endpoint, function_context.
`certainty` is `recorded` where AWS made the id; a trace's root may be a client's choice: `inferred`, or `shared` where
several requests from outside had it."""

CREDENTIAL_USE = """
CREATE TABLE credential_use (
  access_key_id VARCHAR NOT NULL,
  workload VARCHAR NOT NULL,
  certainty VARCHAR NOT NULL,
  address VARCHAR,
  vpc_endpoint_id VARCHAR,
  calls BIGINT NOT NULL,
  first_used TIMESTAMP,
  last_used TIMESTAMP,
  user_agent VARCHAR,
  first_event_id VARCHAR NOT NULL,
  place VARCHAR NOT NULL CHECK (place IN ('inside', 'outside', 'undetermined')),
  why VARCHAR NOT NULL,
  finding_id VARCHAR
)
"""
"""The stolen credential test: each workload credential at each place it was used from.

`certainty` is that of the credential being the workload's; `user_agent` and `first_event_id` are the first call's."""

CREDENTIAL_USE_REASON = """
CREATE TABLE credential_use_reason (
  access_key_id VARCHAR NOT NULL,
  workload VARCHAR NOT NULL,
  address VARCHAR,
  vpc_endpoint_id VARCHAR,
  speaks VARCHAR NOT NULL CHECK (speaks IN ('for', 'against')),
  reason VARCHAR NOT NULL,
  evidence_event_ids VARCHAR[]
)
"""
"""What speaks for and against theft, each with the records that say so."""

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

DETECTION_RUN = """
CREATE TABLE IF NOT EXISTS detection_run (
  source VARCHAR PRIMARY KEY,
  run_at TIMESTAMP NOT NULL,
  said VARCHAR NOT NULL,
  findings BIGINT NOT NULL,
  part BOOLEAN NOT NULL,
  before_load BOOLEAN NOT NULL
)
"""
"""When rules (`sigma`) and behaviours last looked, and what came of it; `part` where only a part of the case was looked
at, `before_load` where records were loaded since. No row: they never looked."""

DETECTION_RULE = """
CREATE TABLE IF NOT EXISTS detection_rule (
  source VARCHAR NOT NULL,
  key VARCHAR NOT NULL,
  title VARCHAR NOT NULL,
  level VARCHAR,
  description VARCHAR,
  techniques VARCHAR[] NOT NULL,
  false_positives VARCHAR[] NOT NULL,
  playbook VARCHAR,
  place VARCHAR
)
"""
"""Each rule that has findings, as it was when it looked: its `finding_id` begins with `sigma:`, the key and a colon."""

DIGEST_CHECK = """
CREATE TABLE digest_check (
  account_id VARCHAR,
  region VARCHAR,
  trail VARCHAR,
  period_start TIMESTAMP,
  period_end TIMESTAMP,
  status VARCHAR NOT NULL CHECK (status IN (
    'valid', 'altered', 'missing_log_file', 'missing_digest', 'missing_digests', 'gap', 'unverified', 'not_covered')),
  uri VARCHAR,
  object_id VARCHAR,
  detail VARCHAR
)
"""
"""What CloudTrail's digests prove, a row per digest, per log file, and per stretch without a digest.

`uri` is the object spoken of (s3://BUCKET/KEY as the digest names it), `object_id` its row of `evidence`, NULL where it
is not there. The period of a log file is that of the digest that lists it, which is of delivery; of one that none
lists, the hour that its name tells. `missing_digests` is two or more in a row; `gap` is a time that no digest covers:
between two that follow each other, or before one that begins a chain anew (`detail` says what explains it).
`unverified` is what evidence can neither prove nor refute, with the reason in `detail`: a digest without its signature
or key, a log file whose digest is no proof, a log file or digest that was perhaps never acquired, what came too late for
the newest digest. `not_covered` is a log file that no digest lists although there are those of its hour, or (`uri` NULL)
the log files of an account and Region without any digest."""

LOGGING_STATE = """
CREATE TABLE IF NOT EXISTS logging_state (
  source VARCHAR NOT NULL,
  account_id VARCHAR,
  region VARCHAR,
  every_region BOOLEAN,
  thing VARCHAR,
  state VARCHAR NOT NULL CHECK (state IN ('on', 'off', 'selects')),
  valid_from TIMESTAMP NOT NULL,
  valid_to TIMESTAMP,
  cause VARCHAR NOT NULL,
  event_id VARCHAR,
  principal VARCHAR,
  basis VARCHAR NOT NULL CHECK (basis IN ('act', 'config_item', 'inventory')),
  narrow BOOLEAN NOT NULL,
  selectors JSON
)
"""
"""When what writes a log (`thing`: a trail, flow log, detector, recorder…) was proven on or off, and by what.

`valid_to` NULL is open: nothing in evidence changes it. `every_region` is TRUE of a multi-Region trail, FALSE of one of
a Region, NULL where evidence does not say. A row with `selects` holds a trail's event selectors, classic or advanced,
as the request had them; `narrow` where they leave out what a trail records unless told otherwise. `event_id` is the act."""

FINDING_COVERAGE = """
CREATE TABLE IF NOT EXISTS finding_coverage (
  finding_id VARCHAR NOT NULL,
  source VARCHAR NOT NULL,
  account_id VARCHAR,
  region VARCHAR,
  hour_from TIMESTAMP NOT NULL,
  hour_to TIMESTAMP NOT NULL,
  hours BIGINT NOT NULL
)
"""
"""The cells of `coverage` that an act against a log emptied: how many between the first hour and the end of the last."""

COVERAGE = """
CREATE TABLE coverage (
  source VARCHAR NOT NULL,
  account_id VARCHAR,
  region VARCHAR,
  hour TIMESTAMP NOT NULL,
  records BIGINT NOT NULL,
  status VARCHAR NOT NULL CHECK (status IN ('present', 'silent', 'missing', 'switched_off', 'tampered', 'unknown')),
  cause VARCHAR,
  bytes BIGINT,
  since TIMESTAMP,
  until TIMESTAMP,
  event_id VARCHAR
)
"""
"""An hour of a log: how much of it is in evidence, or why not.

`records` are rows of `event` whose `time` is in the hour; `bytes` the share of their objects' stored sizes, by records,
so that the sum over an object's cells is its size. `cause` is in words, but for `late`: not yet delivered when it was
acquired. `since` and `until` are the part of the hour that was switched off, NULL of other cells; `event_id` is the act
that switched it off. An hour of which only a part was off is `switched_off`, and has the records of the rest."""
