"""What the inventory describes, in the form of AWS Config's items: one table of resources for the resolution.

An answer of an API is a state at the moment of asking and says nothing of the hours before, as an item of AWS Config
that is recorded daily: what it shows begins at or before then, and ends at or after. Where the answer itself says since
when (`AttachTime`, `LaunchTime`), that is known.
"""

from string import ascii_uppercase

import duckdb

_DESCRIBES = (
    ("ec2", "DescribeNetworkInterfaces"),
    ("ec2", "DescribeInstances"),
    ("ec2", "DescribeNatGateways"),
    ("ec2", "DescribeVpcEndpoints"),
    ("lambda", "ListFunctions"),
    ("lambda", "GetFunction"),
    ("ecs", "DescribeTaskDefinition"),
    ("eks", "DescribeCluster"),
)
"""Answers that say of a resource what an item of AWS Config says of it."""


def _lowered(text: str) -> str:
    """SQL: a JSON text whose names begin with a small letter, as AWS Config writes them."""
    for letter in ascii_uppercase:
        text = f"regexp_replace({text}, '\"{letter}([A-Za-z0-9]*)\"\\s*:', '\"{letter.lower()}\\1\":', 'g')"
    return text


_TOLD = f"""
SELECT s.object_id, s.record, s.account_id, s.region, s.observed_at, s.resource_type, s.resource_id, s.arn,
  CASE WHEN s.operation = 'GetFunction' THEN s.configuration->'$.Configuration' ELSE s.configuration END AS held
FROM inventory AS s
WHERE (s.api, s.operation) IN ({", ".join(str(pair) for pair in _DESCRIBES)})
  AND s.configuration IS NOT NULL
  AND s.resource_id IS NOT NULL
  AND s.observed_at IS NOT NULL
"""

_DESCRIBED = f"""
CREATE OR REPLACE TEMP TABLE described_item AS
WITH told AS ({_TOLD}), formed AS (
  SELECT object_id, record, account_id, region, observed_at, resource_type, resource_id, arn,
    CAST({_lowered("CAST(held AS VARCHAR)")} AS JSON) AS configuration
  FROM told
  WHERE json_type(held) = 'OBJECT'
)
SELECT object_id, record, account_id AS aws_account_id, region AS aws_region,
  coalesce(CASE WHEN gone THEN deleted_at END, observed_at) AS configuration_item_capture_time,
  CASE WHEN gone THEN 'ResourceDeleted' ELSE 'OK' END AS configuration_item_status, resource_type, resource_id,
  CAST(NULL AS VARCHAR) AS resource_name, arn, configuration, CAST(NULL AS TIMESTAMP) AS resource_creation_time,
  'DAILY' AS recording_frequency
FROM (
  SELECT *,
    coalesce(configuration->>'$.state.name', configuration->>'$.state') IN ('terminated', 'deleted') AS gone,
    try_cast(configuration->>'$.deleteTime' AS TIMESTAMP) AS deleted_at
  FROM formed
) AS f
WHERE resource_type <> 'AWS::Lambda::Function'
  OR coalesce(configuration->>'$.version', '$LATEST') = '$LATEST'
"""
"""What has ended is still described for an hour or so."""

_COLUMNS = (
    "object_id, record, aws_account_id, aws_region, configuration_item_capture_time, configuration_item_status,"
    " resource_type, resource_id, resource_name, arn, configuration, resource_creation_time, recording_frequency"
)

_ITEMS = f"""
CREATE OR REPLACE TEMP VIEW resource_item AS
SELECT {_COLUMNS}
FROM config_item
UNION ALL
SELECT {_COLUMNS}
FROM described_item
"""


def collect(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary view `resource_item`: items of AWS Config, and what the inventory describes in their form."""
    con.execute(_DESCRIBED)
    con.execute(_ITEMS)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Remove what `collect` makes."""
    con.execute("DROP VIEW temp.resource_item")
    con.execute("DROP TABLE temp.described_item")
