"""CloudWatch Logs: log groups of Lambda functions, of containers, and all the others."""

from forensics.readiness.check import RETENTION, Check
from forensics.readiness.latest import retained

_KEPT = retained("g.days", "g.log_group IS NOT NULL")

_LAMBDA = f"""
SELECT f.account_id, f.region, f.name AS thing,
  CASE WHEN g.log_group IS NOT NULL THEN 'on' WHEN l.api IS NOT NULL THEN 'off' END AS state, f.log_group AS destination,
  g.retention, g.encryption,
  [CASE WHEN f.format = 'Text' THEN 'text_format' END, CASE WHEN g.log_group IS NULL AND l.api IS NOT NULL THEN 'no_group' END,
    {_KEPT}] AS warnings,
  [f.event_id, g.event_id] AS evidence
FROM (
  SELECT a.account_id, a.region, (a.c->>'FunctionName') AS name, (a.c->'LoggingConfig'->>'LogFormat') AS format,
    coalesce(a.c->'LoggingConfig'->>'LogGroup', '/aws/lambda/' || (a.c->>'FunctionName')) AS log_group,
    max(a.event_id) AS event_id
  FROM answer AS a
  WHERE a.api = 'lambda' AND a.operation = 'ListFunctions' AND (a.c->>'FunctionName') IS NOT NULL
  GROUP BY a.account_id, a.region, (a.c->>'FunctionName'), (a.c->'LoggingConfig'->>'LogFormat'),
    coalesce(a.c->'LoggingConfig'->>'LogGroup', '/aws/lambda/' || (a.c->>'FunctionName'))
) AS f
LEFT JOIN log_group AS g ON g.account_id = f.account_id AND g.region = f.region AND g.log_group = f.log_group
LEFT JOIN answered AS l ON l.api = 'logs' AND l.operation = 'DescribeLogGroups' AND l.account_id = f.account_id
  AND l.region = f.region
"""

_GROUPS = f"""
SELECT g.account_id, g.region, g.log_group AS thing, 'on' AS state, 'CloudWatch Logs' AS destination, g.retention,
  g.encryption, [{_KEPT}] AS warnings, [g.event_id] AS evidence
FROM log_group AS g
WHERE g.log_group NOT LIKE '/aws/lambda/%' AND g.log_group NOT LIKE '/aws/eks/%'
  AND g.log_group NOT LIKE '/aws/%containerinsights/%'
"""

_GROUP_CALL = ("logs", "DescribeLogGroups")

CHECKS = (
    Check(
        "lambda_log",
        "Lambda function logs",
        "Sending Lambda function logs to CloudWatch Logs",
        "which invocation ran in which execution environment, and what the function itself wrote",
        (("lambda", "ListFunctions"), _GROUP_CALL),
        _LAMBDA,
        delay="seconds",
        cost="per GB ingested, then per GB stored",
        kind="lambda_log",
        warnings={
            "no_group": "no log group: it never ran, or its role may not write",
            "text_format": "plain text: lines of the function do not carry the request id; JSON does",
        }
        | RETENTION,
    ),
    Check(
        "cloudwatch_log",
        "CloudWatch Logs: other groups",
        "Change log data retention in CloudWatch Logs",
        "what applications and services write, as long as it is kept",
        (_GROUP_CALL,),
        _GROUPS,
        delay="seconds",
        cost="per GB ingested, then per GB stored",
        kind="cloudwatch_log",
        warnings=RETENTION,
    ),
)
