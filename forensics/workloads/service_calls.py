"""Calls that make, start, change and end builds, jobs, state machines, services and clusters; and who uses which role."""

from forensics import telling
from forensics.sources.cloudtrail import EVENT as CALL

CALLS = {
    "codebuild.amazonaws.com": ("StartBuild", "StopBuild", "RetryBuild", "BatchGetBuilds"),
    "glue.amazonaws.com": (
        "CreateJob",
        "UpdateJob",
        "CreateCrawler",
        "UpdateCrawler",
        "CreateSession",
        "CreateDevEndpoint",
    ),
    "sagemaker.amazonaws.com": (
        "CreateTrainingJob",
        "CreateProcessingJob",
        "CreateHyperParameterTuningJob",
        "CreateAutoMLJob",
        "CreateAutoMLJobV2",
        "CreateNotebookInstance",
        "UpdateNotebookInstance",
        "CreateModel",
        "CreatePipeline",
        "UpdatePipeline",
        "CreateDomain",
        "UpdateDomain",
        "CreateUserProfile",
        "UpdateUserProfile",
    ),
    "states.amazonaws.com": ("CreateStateMachine", "UpdateStateMachine"),
    "apprunner.amazonaws.com": ("CreateService", "UpdateService", "DeleteService"),
    "batch.amazonaws.com": ("SubmitJob",),
    "elasticmapreduce.amazonaws.com": ("RunJobFlow", "TerminateJobFlows"),
    "emr-serverless.amazonaws.com": ("StartJobRun",),
}
"""By service (pages "Logging … API calls with AWS CloudTrail")."""

CALLS_READ = " OR ".join(
    f"(s.event_source = '{service}' AND s.event_name IN ('" + "', '".join(names) + "'))"
    for service, names in CALLS.items()
)

CALL_TABLE = f"""
CREATE OR REPLACE TEMP TABLE service_call AS
SELECT {CALL.columns["event_id"]} AS event_id, s.event_time AS moment, s.event_source, s.event_name,
  s.aws_region AS region, s.recipient_account_id AS account_id, s.request_parameters AS ask,
  s.response_elements AS answer
FROM {telling.TABLE} AS s
WHERE ({CALLS_READ})
  AND coalesce(s.error_code, '') = ''
  AND NOT EXISTS (
    SELECT 1 FROM superseded AS x
    WHERE x.source = 'cloudtrail' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)
"""

START_PADDING = 60
"""Seconds by which a service may assume the role before the call that gave it the role is recorded."""

USER_TABLE = f"""
CREATE OR REPLACE TEMP TABLE role_user AS
WITH told AS (
  SELECT workload, kind, service, role, moment, is_made, event_id,
    row_number() OVER (PARTITION BY workload, service ORDER BY moment, event_id) AS place
  FROM ({{users}}) AS u
  WHERE workload LIKE 'arn:%'
    AND role <> ''
)
SELECT service, split_part(workload, ':', 5) AS account_id, regexp_extract(role, '[^/]+$') AS role_name, workload,
  min(kind) AS kind, arg_min(role, (moment, event_id)) AS role, arg_min(event_id, (moment, event_id)) AS event_id,
  min(CASE WHEN is_made OR place > 1 THEN moment - to_seconds({START_PADDING}) ELSE TIMESTAMP '0001-01-01' END)
    AS valid_from
FROM told
GROUP BY service, split_part(workload, ':', 5), regexp_extract(role, '[^/]+$'), workload
"""
"""What has a role that its service assumes, and from when it can have had it: before it was made nothing can.

What was given another role may still run with this one, so that having it never ends."""

CLAIM = """
WITH minted AS (
  SELECT m.access_key_id, m.role, m.event_id, m.moment, u.workload,
    count(*) OVER (PARTITION BY m.access_key_id) AS candidates
  FROM key_mint AS m
  JOIN role_user AS u ON u.service = m.service
    AND u.account_id = split_part(m.role, ':', 5)
    AND u.role_name = regexp_extract(m.role, '[^/]+$')
    AND u.valid_from <= m.moment
  WHERE m.service = '{service}'
    AND m.role LIKE 'arn:%'
    AND regexp_matches(coalesce(m.session_name, ''), '{session}')
)
SELECT access_key_id, workload, CASE WHEN candidates = 1 THEN '{alone}' ELSE 'shared' END AS certainty,
  '{via}' AS via, role, event_id, moment
FROM minted
"""
"""Keys that a service had made for a role, and all that have this role: names of roles are unique in an account."""


def claim(service: str, via: str, *, alone: str = "shared", session: str = "") -> str:
    """SELECT of claims on keys made for a service; `alone` is the certainty where but one has the role."""
    return CLAIM.format(service=service, via=via, alone=alone, session=session)
