"""Keys whose records say that they were issued to a thing of another kind: `inScopeOf.credentialsIssuedTo`."""

from forensics.arn import FUNCTION, INSTANCE, kind_of
from forensics.sources.cloudtrail import EVENT as CALL

_ID = CALL.columns["event_id"]

_ARN = r"^arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:[A-Za-z].*$"
_TASK = r"^arn:[a-z-]+:ecs:[^:]*:[0-9]{12}:task/"
_WHO = r"^arn:[^:]+:(?:iam|sts):"

SCOPED_TABLE = f"""
CREATE OR REPLACE TEMP TABLE scoped AS
SELECT issued_to AS workload, role, max(moment) AS moment
FROM kept.issued_to
WHERE issued_to LIKE 'arn:%'
  AND regexp_matches(issued_to, '{_ARN}')
  AND NOT regexp_matches(issued_to, '{FUNCTION}|{INSTANCE}|{_TASK}|{_WHO}')
GROUP BY issued_to, role
"""
"""Functions, instances and tasks have kinds of their own; a role or user is not what ran."""

SIGHTINGS = f"""
SELECT workload, {kind_of("workload")} AS kind, CAST(NULL AS VARCHAR) AS name, role, CAST(NULL AS VARCHAR) AS image,
  CAST(NULL AS VARCHAR) AS code_sha256, moment, 'seen' AS phase
FROM scoped
"""

CLAIM = """
SELECT s.access_key_id, s.issued_to AS workload, 'recorded' AS certainty, 'credentialsIssuedTo' AS via, s.role,
  s.event_id, s.moment
FROM key_session AS s
JOIN (SELECT DISTINCT workload FROM scoped) AS c ON c.workload = s.issued_to
"""
