"""Which functions use an interface that Lambda made: those whose subnets and security groups are its own."""

import duckdb

from forensics import configuration, workload, workload_call
from forensics.arn import SAMPLE, function_key

MADE_FOR = r"^AWS Lambda VPC ENI-(.+?)(?:-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?$"
"""The function for which an interface was made, in its description: not the one that uses it."""

_CONFIGURED = f"""
CREATE OR REPLACE TEMP TABLE function_network AS
WITH stated AS (
  SELECT
    {function_key("c.answer->>'$.functionArn'")} AS workload,
    c.moment,
    c.event_id,
    regexp_matches(c.event_name,
      '{workload_call.LAMBDA_CREATE}') OR (c.ask->>'$.vpcConfig') IS NOT NULL AS from_known,
    list_sort(json_extract_string(c.answer, '$.vpcConfig.subnetIds[*]')) AS subnets,
    list_sort(json_extract_string(c.answer, '$.vpcConfig.securityGroupIds[*]')) AS groups,
    FALSE AS gone
  FROM workload_call AS c
  WHERE c.event_source = 'lambda.amazonaws.com'
    AND (c.answer->>'$.vpcConfig') IS NOT NULL
  UNION ALL
  SELECT
    {function_key("s.function_arn")} AS workload,
    coalesce(s.event_first_seen, s.created_at) AS moment,
    s.id AS event_id,
    FALSE AS from_known,
    list_sort(json_extract_string(s.resource, '$.lambdaDetails.vpcConfig.subnetIds[*]')) AS subnets,
    list_sort(json_extract_string(s.resource,
      '$.lambdaDetails.vpcConfig.securityGroups[*].groupId')) AS groups,
    FALSE AS gone
  FROM guardduty AS s
  WHERE s.function_arn IS NOT NULL
    AND (s.resource->>'$.lambdaDetails.vpcConfig') IS NOT NULL
    AND NOT {SAMPLE}
  UNION ALL
  SELECT c.workload, c.moment, c.event_id, FALSE AS from_known, c.subnets, c.groups, FALSE AS gone
  FROM ({configuration.FUNCTION_NETWORKS}) AS c
  WHERE NOT c.deleted
  UNION ALL
  SELECT d.workload, d.moment, d.event_id, TRUE AS from_known,
    CAST([] AS VARCHAR[]) AS subnets, CAST([] AS VARCHAR[]) AS groups, TRUE AS gone
  FROM ({workload.DELETED}) AS d
  UNION ALL
  SELECT c.workload, c.moment, c.event_id, FALSE AS from_known, c.subnets, c.groups, TRUE AS gone
  FROM ({configuration.FUNCTION_NETWORKS}) AS c
  WHERE c.deleted
), compared AS (
  SELECT workload, moment, event_id, from_known, coalesce(subnets, []) AS subnets, coalesce(groups, []) AS groups,
    lag(coalesce(subnets, [])) OVER (PARTITION BY workload ORDER BY moment, gone DESC, event_id) AS subnets_before,
    lag(coalesce(groups, [])) OVER (PARTITION BY workload ORDER BY moment, gone DESC, event_id) AS groups_before,
    lag(moment) OVER (PARTITION BY workload ORDER BY moment, gone DESC, event_id) AS moment_before,
    gone
  FROM stated
  WHERE workload IS NOT NULL
    AND moment IS NOT NULL
), changed AS (
  SELECT workload, moment, event_id, from_known, subnets, groups, gone, moment_before
  FROM compared
  WHERE subnets_before IS NULL
    OR subnets <> subnets_before
    OR groups <> groups_before
)
SELECT workload, CASE WHEN from_known THEN moment ELSE coalesce(moment_before, TIMESTAMP '0001-01-01') END AS valid_from,
  moment AS shown_at, from_known, subnets, groups, event_id,
  lead(moment) OVER (PARTITION BY workload ORDER BY moment, gone DESC, event_id) AS valid_to,
  coalesce(lead(from_known) OVER (PARTITION BY workload ORDER BY moment, gone DESC, event_id), FALSE) AS to_known,
  lead(event_id) OVER (PARTITION BY workload ORDER BY moment, gone DESC, event_id) AS end_event_id
FROM changed
"""
"""Network settings of functions over time; a call that changes something else repeats them.

What only shows settings (an item of AWS Config, a finding, a call that changes something else) shows what held before
it too: back to the record before, which they may contradict for a while; then both are candidates. Nobody is the only
user of an interface because the others' settings were seen late.
"""

_INTERFACE = rf"""
CREATE OR REPLACE TEMP TABLE lambda_interface AS
SELECT interface_id AS eni, account_id, region AS aws_region, valid_from, from_known, subnet_id AS subnet,
  security_groups AS groups, valid_to, to_known, evidence_event_ids,
  regexp_extract(description, '{MADE_FOR}', 1) AS made_for
FROM interface
WHERE owner = 'lambda'
"""

_SETTINGS = """
CREATE OR REPLACE TEMP TABLE lambda_candidate AS
SELECT
  i.eni, n.workload,
  CASE WHEN n.valid_from > i.valid_from THEN n.valid_from ELSE i.valid_from END AS valid_from,
  CASE WHEN n.shown_at <= i.valid_from THEN i.from_known ELSE n.valid_from > i.valid_from AND n.from_known END
    AS from_known,
  CASE WHEN i.valid_to IS NULL OR n.valid_to < i.valid_to THEN n.valid_to ELSE i.valid_to END AS valid_to,
  CASE WHEN n.valid_to < coalesce(i.valid_to, TIMESTAMP '9999-12-31') THEN n.to_known ELSE i.to_known END AS to_known,
  list_distinct([n.event_id] || i.evidence_event_ids
    || CASE WHEN n.end_event_id IS NULL THEN [] ELSE [n.end_event_id] END) AS evidence_event_ids
FROM lambda_interface AS i
JOIN function_network AS n ON n.groups = i.groups
  AND split_part(n.workload, ':', 5) = i.account_id
  AND split_part(n.workload, ':', 4) = i.aws_region
  AND (n.valid_to IS NULL OR i.valid_from < n.valid_to)
  AND (i.valid_to IS NULL OR n.valid_from < i.valid_to)
WHERE list_contains(n.subnets, i.subnet)
"""

_HELD = """
CREATE OR REPLACE TEMP TABLE held_by_function AS
WITH judged AS (
  SELECT c.*,
    EXISTS (
      SELECT 1 FROM lambda_candidate AS o
      WHERE o.eni = c.eni
        AND o.workload <> c.workload
        AND (c.valid_to IS NULL OR o.valid_from < c.valid_to)
        AND (o.valid_to IS NULL OR c.valid_from < o.valid_to)) AS shared
  FROM lambda_candidate AS c
)
SELECT 'eni' AS holds_kind, eni AS holds, workload, valid_from, valid_to, from_known, to_known,
  CASE WHEN shared THEN 'shared' WHEN from_known AND to_known THEN 'matched'
    ELSE 'bounded' END AS certainty,
  evidence_event_ids
FROM judged
UNION ALL
SELECT 'eni' AS holds_kind, i.eni AS holds, w.workload, i.valid_from,
  CASE WHEN i.valid_to IS NULL OR w.stopped_at < i.valid_to THEN w.stopped_at ELSE i.valid_to END AS valid_to,
  FALSE AS from_known, FALSE AS to_known, 'inferred' AS certainty, i.evidence_event_ids
FROM lambda_interface AS i
JOIN workload AS w ON w.kind = 'lambda_function'
  AND w.name = i.made_for
  AND w.account_id = i.account_id
  AND w.region = i.aws_region
  AND (w.stopped_at IS NULL OR i.valid_from < w.stopped_at)
WHERE NOT EXISTS (SELECT 1 FROM lambda_candidate AS c WHERE c.eni = i.eni)
  AND NOT EXISTS (SELECT 1 FROM function_network AS n WHERE n.workload = w.workload AND len(n.groups) > 0)
"""
"""The function in a description only says for whom it was made: used where no settings are known at all."""


def hold(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `held_by_function`: which functions may use which of Lambda's interfaces, and when.

    Source: page "Giving Lambda functions access to resources in an Amazon VPC".
    """
    for statement in (_CONFIGURED, _INTERFACE, _SETTINGS, _HELD):
        con.execute(statement)
    for table in ("function_network", "lambda_interface", "lambda_candidate"):
        con.execute(f"DROP TABLE temp.{table}")
