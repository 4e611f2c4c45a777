"""Workloads told by the service that a key was made for, the session's name or the role: builds, jobs, services.

A session's name is believed only where the record says that the service itself had the key made: anyone who may assume
a role chooses the name. Sessions that services hold for themselves (CloudFormation, RDS, CloudTrail, Inspector, the
access role of App Runner…) belong to no workload.
"""

from forensics.workloads import WorkloadKind, codebuild, jobs, scoped, service_calls, services

_USERS = "\nUNION ALL\n".join(
    f"(SELECT workload, kind, service, role, moment, is_made, event_id FROM ({users}) AS k)"
    for users in (*jobs.USERS, *services.USERS)
)

_ROLE_USERS = f"""
SELECT workload, kind, CAST(NULL AS VARCHAR) AS name, role, CAST(NULL AS VARCHAR) AS image,
  CAST(NULL AS VARCHAR) AS code_sha256, moment, CASE WHEN is_made THEN 'started' ELSE 'configured' END AS phase
FROM ({_USERS}) AS u
WHERE workload LIKE 'arn:%'
"""

KIND = WorkloadKind(
    name="named",
    prepare=(
        service_calls.CALL_TABLE,
        service_calls.USER_TABLE.format(users=_USERS),
        codebuild.BUILD_TABLE,
        jobs.BATCH_TABLE,
        scoped.SCOPED_TABLE,
    ),
    temporary=("service_call", "role_user", "codebuild_build", "batch_job", "scoped"),
    sightings=(codebuild.SIGHTINGS, jobs.SIGHTINGS, *services.SIGHTINGS, scoped.SIGHTINGS, _ROLE_USERS),
    details=(codebuild.DETAILS, *jobs.DETAILS, services.DETAILS),
    claims=(
        scoped.CLAIM,
        codebuild.MINTED,
        codebuild.NAMED_ALIKE,
        service_calls.claim("states.amazonaws.com", "role of the only state machine", alone="bounded"),
        service_calls.claim("tasks.apprunner.amazonaws.com", "instance role of the only service", alone="bounded"),
        service_calls.claim("glue.amazonaws.com", "role, issued by Glue", session="^GlueJobRunnerSession$"),
        service_calls.claim("sagemaker.amazonaws.com", "role, issued by SageMaker", session="^SageMaker$"),
        service_calls.claim("emr-serverless.amazonaws.com", "role, issued by EMR Serverless"),
    ),
)
