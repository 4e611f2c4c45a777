"""Layers of another account put into a function."""

from forensics.detect.statements.statement import Statement

_SQL = """
WITH given AS (
  SELECT s.object_id, s.record, s.recipient_account_id AS own,
    CAST(json_extract(s.request_parameters, '$.layers') AS VARCHAR) AS layers
  FROM cloudtrail AS s
  WHERE s.event_source = 'lambda.amazonaws.com'
    AND regexp_matches(s.event_name, '^(CreateFunction2|UpdateFunctionConfiguration)')
    AND s.error_code IS NULL
)
SELECT DISTINCT g.object_id, g.record
FROM given AS g, unnest(regexp_extract_all(g.layers, ':lambda:[a-z0-9-]+:([0-9]{12}):layer:', 1)) AS u(account)
WHERE u.account <> g.own
  AND u.account NOT IN ('017000801446', '580247275435', '901920570463', '753240598075')
"""
"""Left out: the accounts of Powertools for AWS Lambda, Lambda Insights, AWS Distro for OpenTelemetry, Lambda Web Adapter."""

STATEMENT = Statement(
    name="layer_of_another_account",
    title="Layer of another account put into a function",
    level="high",
    techniques=("T1525", "T1648"),
    description=(
        "A function runs a layer that another account owns, which may change what new versions of it do. The layer runs"
        " in every invocation and sees its credentials. Layers that AWS publishes are left out."
    ),
    false_positives=(
        "Layers of monitoring products",
        "Layers that accounts of one organisation share",
        "Layers of AWS that are published from other accounts than those known here",
    ),
    references=(
        "Managing Lambda dependencies with layers",
        "AWS Lambda API Reference, UpdateFunctionConfiguration",
    ),
    playbook="lambda-code-tampering",
    sql=_SQL,
)
