"""Workloads: EKS audit, ECS events and drivers, logs of functions, sessions, databases."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.readiness.quoting import comment, hcl, label, shell
from forensics.readiness.remedy import OFF, Remedy, Target, names, regions

_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")


def _eks(targets: Sequence[Target]) -> str:
    listed = ", ".join(f'"{item}"' for item in _TYPES)
    return "\n".join(
        f"{comment(f'in the resource aws_eks_cluster of {name} ({region})')}\nenabled_cluster_log_types = [{listed}]"
        for region, name in names(targets)
    )


def _eks_cli(targets: Sequence[Target]) -> str:
    listed = ",".join(f'"{item}"' for item in _TYPES)
    return "\n".join(
        f"aws eks update-cluster-config --region {shell(region)} --name {shell(name)} \\\n"
        f'  --logging \'{{"clusterLogging":[{{"types":[{listed}],"enabled":true}}]}}\''
        for region, name in names(targets)
    )


_PATTERN = '{"source":["aws.ecs"],"detail-type":["ECS Task State Change","ECS Container Instance State Change","ECS Service Action"]}'


def _events(targets: Sequence[Target]) -> str:
    made = []
    for region in regions(targets):
        own, place = label("ecs_events", region), f"  region = {hcl(region)}\n"
        made.append(
            f'resource "aws_cloudwatch_log_group" "{own}" {{\n{place}  name              = "/aws/events/ecs"\n'
            "  retention_in_days = 365\n}\n"
            f'resource "aws_cloudwatch_event_rule" "{own}" {{\n{place}  name          = "keep-ecs-events"\n'
            f"  event_pattern = {hcl(_PATTERN)}\n}}\n"
            f'resource "aws_cloudwatch_event_target" "{own}" {{\n{place}  rule = aws_cloudwatch_event_rule.{own}.name\n'
            f"  arn  = aws_cloudwatch_log_group.{own}.arn\n}}"
        )
    made.append(
        comment("the log group's resource policy must let events.amazonaws.com and delivery.logs.amazonaws.com write")
    )
    return "\n".join(made)


def _events_cli(targets: Sequence[Target]) -> str:
    made = []
    for region in regions(targets):
        at = f"--region {shell(region)}"
        made.append(
            f"aws logs create-log-group {at} --log-group-name /aws/events/ecs\n"
            f"aws logs put-retention-policy {at} --log-group-name /aws/events/ecs --retention-in-days 365\n"
            f"aws events put-rule {at} --name keep-ecs-events --event-pattern \\\n  '{_PATTERN}'\n"
            f"aws events put-targets {at} --rule keep-ecs-events --targets \\\n"
            f'  "Id=logs,Arn=$(aws logs describe-log-groups {at} --log-group-name-prefix /aws/events/ecs'
            " --query 'logGroups[0].logGroupArn' --output text)\""
        )
    return "\n".join(made)


_DRIVER = """"logConfiguration": {
  "logDriver": "awslogs",
  "options": {"awslogs-group": "/ecs/NAME", "awslogs-region": "REGION", "awslogs-stream-prefix": "NAME", "mode": "non-blocking"}
}"""


def _driver(targets: Sequence[Target]) -> str:
    made = [comment(f"in container_definitions of {name} ({region})") for region, name in names(targets)]
    return "\n".join([*made, *(f"#   {line}" for line in _DRIVER.split("\n"))])


def _insights(targets: Sequence[Target]) -> str:
    return "\n".join(
        f"{comment(f'in the resource aws_ecs_cluster of {name} ({region})')}\n"
        'setting {\n  name  = "containerInsights"\n  value = "enhanced"\n}'
        for region, name in names(targets)
    )


def _insights_cli(targets: Sequence[Target]) -> str:
    return "\n".join(
        f"aws ecs update-cluster-settings --region {shell(region)} --cluster {shell(name)}"
        " --settings name=containerInsights,value=enhanced"
        for region, name in names(targets)
    )


def _json_logs(targets: Sequence[Target]) -> str:
    return "\n".join(
        f"{comment(f'in the resource aws_lambda_function of {name} ({region})')}\n"
        'logging_config {\n  log_format            = "JSON"\n  system_log_level      = "INFO"\n  application_log_level = "INFO"\n}'
        for region, name in names(targets)
    )


def _json_logs_cli(targets: Sequence[Target]) -> str:
    made = [comment("what reads these logs today must take JSON: change one function first")]
    made += [
        f"aws lambda update-function-configuration --region {shell(region)} --function-name {shell(name)}"
        " --logging-config LogFormat=JSON,SystemLogLevel=INFO"
        for region, name in names(targets)
    ]
    return "\n".join(made)


_SESSION = (
    '{"schemaVersion":"1.0","description":"Session Manager settings","sessionType":"Standard_Stream","inputs":'
    '{"cloudWatchLogGroupName":"/aws/ssm/sessions","cloudWatchEncryptionEnabled":true,"cloudWatchStreamingEnabled":true}}'
)


def _sessions(targets: Sequence[Target]) -> str:
    return "\n".join(
        f'resource "aws_ssm_document" "{label("sessions", region)}" {{\n  region          = {hcl(region)}\n'
        f'  name            = "SSM-SessionManagerRunShell"\n  document_type   = "Session"\n  document_format = "JSON"\n'
        f"  content         = {hcl(_SESSION)}\n}}"
        for region in regions(targets)
    )


def _sessions_cli(targets: Sequence[Target]) -> str:
    made = [comment("where the document exists: update-document with --document-version '$LATEST'")]
    made += [
        f"aws ssm create-document --region {shell(region)} --name SSM-SessionManagerRunShell --document-type Session \\\n"
        f"  --document-format JSON --content '{_SESSION}'"
        for region in regions(targets)
    ]
    return "\n".join(made)


def _databases(targets: Sequence[Target]) -> str:
    return "\n".join(
        f"{comment(f'in the resource of {name} ({region}); audit for MySQL and MariaDB, postgresql for PostgreSQL')}\n"
        'enabled_cloudwatch_logs_exports = ["audit", "error"]'
        for region, name in names(targets)
    )


def _databases_cli(targets: Sequence[Target]) -> str:
    made = [comment("audit for MySQL and MariaDB, postgresql for PostgreSQL; of a cluster: modify-db-cluster")]
    made += [
        f"aws rds modify-db-instance --region {shell(region)} --db-instance-identifier {shell(name)} \\\n"
        "  --cloudwatch-logs-export-configuration EnableLogTypes=audit,error"
        for region, name in names(targets)
    ]
    return "\n".join(made)


REMEDIES = (
    Remedy(
        "eks_control_plane",
        "EKS control plane logs: api, audit, authenticator and the rest",
        "what is done inside a cluster is in no other log; the authenticator says which IAM role it was",
        {"eks_audit": (OFF, "audit_off", "authenticator_off")},
        _eks,
        _eks_cli,
    ),
    Remedy(
        "ecs_events",
        "Keep ECS task events in a log group",
        "a stopped task is described for about an hour; its events say which address, image and role it had",
        {"ecs_event": (OFF,)},
        _events,
        _events_cli,
    ),
    Remedy(
        "container_driver",
        "A log driver for every container",
        "what a container writes is lost with it",
        {"container_log": (OFF, "no_driver")},
        _driver,
        _driver,
    ),
    Remedy(
        "container_insights",
        "Container Insights of ECS clusters",
        "processor and network of each task: mining and uploads show, also where nothing else was kept",
        {"container_insights": (OFF,)},
        _insights,
        _insights_cli,
    ),
    Remedy(
        "lambda_json",
        "JSON logs of Lambda functions",
        "each line carries its request id: it can be given to an invocation",
        {"lambda_log": ("text_format",)},
        _json_logs,
        _json_logs_cli,
    ),
    Remedy(
        "ssm_session",
        "Keep what is typed in sessions",
        "CloudTrail tells that a session was opened, not what was done in it",
        {"ssm_session": (OFF,)},
        _sessions,
        _sessions_cli,
    ),
    Remedy(
        "rds_audit",
        "Audit logs of databases",
        "who logged in and what was asked is known to the engine only",
        {"rds_log": (OFF, "no_audit")},
        _databases,
        _databases_cli,
    ),
)
