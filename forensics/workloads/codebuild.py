"""CodeBuild: builds, and the keys that were made for each; a session's name has the build's id but not its project."""

from forensics.each import each

BUILD = r"^arn:[a-z-]+:codebuild:[a-z0-9-]+:[0-9]{12}:build/[A-Za-z0-9_-]+:([0-9A-Za-z-]{8,})$"
SESSION = r"^AWSCodeBuild-([0-9A-Za-z-]{8,})$"
"""Name of a build's session: the part of the build's id after the project (seen in public logs)."""

_BUILDS = "list_concat([json_extract(c.answer, '$.build')], json_extract(c.answer, '$.builds[*]'))"

_ANSWERED = f"""
SELECT c.event_id, c.moment, c.event_name, c.item->>'$.arn' AS workload, c.item->>'$.serviceRole' AS role,
  c.item->>'$.environment.image' AS image, c.item->>'$.initiator' AS initiator,
  c.item->>'$.sourceVersion' AS source_version,
  CASE c.event_name WHEN 'StartBuild' THEN 'started' WHEN 'RetryBuild' THEN 'started' ELSE 'seen' END AS phase
FROM {each("service_call AS c", _BUILDS, "item")} AS c
WHERE c.event_source = 'codebuild.amazonaws.com'
"""

_NOTIFIED = """
SELECT coalesce(nullif(s.id, ''), s.object_id || '/' || s.record) AS event_id, s.time AS moment,
  s.detail_type AS event_name, s.detail->>'$.build-id' AS workload, CAST(NULL AS VARCHAR) AS role,
  s.detail->>'$.additional-information.environment.image' AS image,
  s.detail->>'$.additional-information.initiator' AS initiator,
  s.detail->>'$.additional-information.source-version' AS source_version,
  CASE WHEN s.detail->>'$.build-status' = 'IN_PROGRESS' THEN 'seen'
    WHEN s.detail->>'$.build-status' IN ('SUCCEEDED', 'FAILED', 'STOPPED', 'FAULT', 'TIMED_OUT') THEN 'stopped'
    ELSE 'seen' END AS phase
FROM eventbridge_event AS s
WHERE s.event_source = 'aws.codebuild'
  AND s.detail_type = 'CodeBuild Build State Change'
"""

BUILD_TABLE = f"""
CREATE OR REPLACE TEMP TABLE codebuild_build AS
SELECT event_id, moment, event_name, workload, role, image, initiator, source_version, phase,
  split_part(workload, ':', 5) AS account_id, regexp_extract(workload, '{BUILD}', 1) AS build_id
FROM ({_ANSWERED}
UNION ALL
{_NOTIFIED}) AS b
WHERE regexp_matches(workload, '{BUILD}')
"""
"""Builds as CodeBuild itself names them: in its answers and in what it notifies; what a caller asks for is not believed."""

SIGHTINGS = """
SELECT workload, 'codebuild_build' AS kind, split_part(split_part(workload, '/', 2), ':', 1) AS name, role, image,
  CAST(NULL AS VARCHAR) AS code_sha256, moment, phase
FROM codebuild_build
"""

_PROPERTIES = """[
    {'property': 'project', 'value': split_part(split_part(b.workload, '/', 2), ':', 1)},
    {'property': 'started_by', 'value': b.initiator},
    {'property': 'source_version', 'value': b.source_version}]"""

DETAILS = f"""
SELECT b.workload, b.p.property, b.p.value, b.moment, b.event_id
FROM {each("codebuild_build AS b", _PROPERTIES, "p")} AS b
WHERE b.p.value IS NOT NULL
"""

_KNOWN = """
  SELECT account_id, build_id, min(workload) AS workload, min(role) AS role, arg_min(event_id, (moment, event_id)) AS event_id
  FROM codebuild_build
  GROUP BY account_id, build_id
  HAVING count(DISTINCT workload) = 1
"""

MINTED = f"""
WITH known AS ({_KNOWN})
SELECT m.access_key_id, k.workload, 'recorded' AS certainty, 'issuance by CodeBuild' AS via, m.role, m.event_id,
  m.moment
FROM key_mint AS m
JOIN known AS k ON k.build_id = regexp_extract(m.session_name, '{SESSION}', 1)
  AND k.account_id = split_part(m.role, ':', 5)
WHERE m.service = 'codebuild.amazonaws.com'
"""
"""Where no record names the project of the build, its ARN is not known, and the key has no workload."""

NAMED_ALIKE = f"""
WITH known AS ({_KNOWN})
SELECT u.access_key_id, k.workload, 'inferred' AS certainty, 'session name' AS via, u.role, u.event_id, u.moment
FROM key_unminted AS u
JOIN known AS k ON k.build_id = regexp_extract(u.session_name, '{SESSION}', 1)
  AND k.account_id = u.account_id
WHERE regexp_extract(k.role, '[^/]+$') = regexp_extract(u.role, '[^/]+$')
"""
"""Without an issuance in evidence, only a build whose role is known to be the session's."""
