"""Glue, SageMaker and EMR Serverless: jobs whose sessions do not say which job they are; and jobs of Batch."""

from forensics.arn import key
from forensics.each import each


def _of_service(service: str) -> str:
    return f"""
  SELECT event_id, moment, event_name, region, account_id, ask, answer
  FROM service_call
  WHERE event_source = '{service}'
"""


_GLUE = f"""
SELECT
  CASE
    WHEN c.event_name LIKE '%Job' THEN {key("glue", "c.region", "c.account_id", "'job/' || c.name")}
    WHEN c.event_name LIKE '%Crawler' THEN {key("glue", "c.region", "c.account_id", "'crawler/' || c.name")}
    WHEN c.event_name = 'CreateSession' THEN {key("glue", "c.region", "c.account_id", "'session/' || c.name")}
    ELSE {key("glue", "c.region", "c.account_id", "'devEndpoint/' || c.name")}
  END AS workload,
  CASE WHEN c.event_name LIKE '%Job' THEN 'glue_job' WHEN c.event_name LIKE '%Crawler' THEN 'glue_crawler'
    WHEN c.event_name = 'CreateSession' THEN 'glue_session' ELSE 'glue_dev_endpoint' END AS kind,
  'glue.amazonaws.com' AS service, c.role, c.moment, c.event_name LIKE 'Create%' AS is_made, c.event_id
FROM (
  SELECT event_id, moment, event_name, region, account_id,
    coalesce(ask->>'$.name', ask->>'$.jobName', ask->>'$.id', ask->>'$.endpointName') AS name,
    coalesce(ask->>'$.role', ask->>'$.jobUpdate.role', ask->>'$.roleArn') AS role
  FROM ({_of_service("glue.amazonaws.com")}) AS g
) AS c
"""

_SAGEMAKER_KINDS = (
    ("TrainingJob", "sagemaker_training_job", "trainingJobArn"),
    ("ProcessingJob", "sagemaker_processing_job", "processingJobArn"),
    ("HyperParameterTuningJob", "sagemaker_tuning_job", "hyperParameterTuningJobArn"),
    ("AutoMLJob", "sagemaker_automl_job", "autoMLJobArn"),
    ("AutoMLJobV2", "sagemaker_automl_job", "autoMLJobArn"),
    ("NotebookInstance", "sagemaker_notebook_instance", "notebookInstanceArn"),
    ("Model", "sagemaker_model", "modelArn"),
    ("Pipeline", "sagemaker_pipeline", "pipelineArn"),
    ("Domain", "sagemaker_domain", "domainArn"),
    ("UserProfile", "sagemaker_user_profile", "userProfileArn"),
)
_KIND = " ".join(f"WHEN '{thing}' THEN '{kind}'" for thing, kind, _ in _SAGEMAKER_KINDS)
_ARN = " ".join(f"WHEN '{thing}' THEN c.answer->>'$.{arn}'" for thing, _, arn in _SAGEMAKER_KINDS)

_SAGEMAKER = f"""
SELECT
  coalesce(CASE c.thing {_ARN} END, CASE WHEN c.thing = 'NotebookInstance'
    THEN {key("sagemaker", "c.region", "c.account_id", "'notebook-instance/' || lower(c.ask->>'$.notebookInstanceName')")}
  END) AS workload,
  CASE c.thing {_KIND} END AS kind, 'sagemaker.amazonaws.com' AS service,
  coalesce(c.ask->>'$.roleArn', c.ask->>'$.executionRoleArn', c.ask->>'$.trainingJobDefinition.roleArn',
    c.ask->>'$.defaultUserSettings.executionRole', c.ask->>'$.userSettings.executionRole') AS role,
  c.moment, c.event_name LIKE 'Create%' AS is_made, c.event_id
FROM (
  SELECT *, regexp_replace(event_name, '^(?:Create|Update)', '') AS thing
  FROM ({_of_service("sagemaker.amazonaws.com")}) AS s
) AS c
"""

_EMR_SERVERLESS = f"""
SELECT c.answer->>'$.arn' AS workload, 'emr_serverless_job_run' AS kind, 'emr-serverless.amazonaws.com' AS service,
  c.ask->>'$.executionRoleArn' AS role, c.moment, TRUE AS is_made, c.event_id
FROM ({_of_service("emr-serverless.amazonaws.com")}) AS c
"""

USERS = (_GLUE, _SAGEMAKER, _EMR_SERVERLESS)
"""What has which role: `workload, kind, service, role, moment, is_made, event_id`."""

_BATCH_SUBMITTED = f"""
SELECT coalesce(c.answer->>'$.jobArn', {key("batch", "c.region", "c.account_id", "'job/' || (c.answer->>'$.jobId')")})
    AS workload,
  c.answer->>'$.jobName' AS name, c.ask->>'$.jobQueue' AS queue, c.ask->>'$.jobDefinition' AS definition,
  CAST(NULL AS VARCHAR) AS role, CAST(NULL AS VARCHAR) AS image, CAST(NULL AS VARCHAR) AS task, 'seen' AS phase,
  c.moment, c.event_id
FROM ({_of_service("batch.amazonaws.com")}) AS c
"""

_BATCH_NOTIFIED = """
SELECT s.detail->>'$.jobArn' AS workload, s.detail->>'$.jobName' AS name, s.detail->>'$.jobQueue' AS queue,
  s.detail->>'$.jobDefinition' AS definition, s.detail->>'$.container.jobRoleArn' AS role,
  s.detail->>'$.container.image' AS image, s.detail->>'$.container.taskArn' AS task,
  CASE s.detail->>'$.status' WHEN 'STARTING' THEN 'seen' WHEN 'RUNNING' THEN 'started'
    WHEN 'SUCCEEDED' THEN 'stopped' WHEN 'FAILED' THEN 'stopped' ELSE 'seen' END AS phase,
  s.time AS moment, coalesce(nullif(s.id, ''), s.object_id || '/' || s.record) AS event_id
FROM eventbridge_event AS s
WHERE s.event_source = 'aws.batch'
  AND s.detail_type = 'Batch Job State Change'
"""

BATCH_TABLE = f"""
CREATE OR REPLACE TEMP TABLE batch_job AS
SELECT workload, name, queue, definition, role, image, task, phase, moment, event_id
FROM ({_BATCH_SUBMITTED}
UNION ALL
{_BATCH_NOTIFIED}) AS j
WHERE regexp_matches(workload, '^arn:[a-z-]+:batch:[a-z0-9-]+:[0-9]{{12}}:job/[^/]+$')
"""
"""Jobs of Batch run as ECS tasks, and their keys are those of the tasks."""

SIGHTINGS = """
SELECT workload, 'batch_job' AS kind, name, role, image, CAST(NULL AS VARCHAR) AS code_sha256, moment, phase
FROM batch_job
"""

_PROPERTIES = """[
    {'property': 'job_queue', 'value': j.queue},
    {'property': 'job_definition', 'value': j.definition},
    {'property': 'task', 'value': j.task}]"""

DETAILS = (
    f"""
SELECT j.workload, j.p.property, j.p.value, j.moment, j.event_id
FROM {each("batch_job AS j", _PROPERTIES, "p")} AS j
WHERE j.p.value IS NOT NULL
""",
    """
SELECT task AS workload, 'batch_job' AS property, workload AS value, moment, event_id
FROM batch_job
WHERE regexp_matches(task, '^arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:task/.+$')
""",
)
