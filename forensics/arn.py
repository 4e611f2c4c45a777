"""Keys of workloads as SQL: ARNs put together from their parts, and ARNs cut down to what they name."""

PARTITIONS = (
    ("cn-%", "aws-cn"),
    ("us-gov-%", "aws-us-gov"),
    ("us-isob-%", "aws-iso-b"),
    ("us-iso-%", "aws-iso"),
    ("eusc-%", "aws-eusc"),
)
"""Partition of the Regions whose names match; all others are in `aws` (page "AWS partitions")."""

FUNCTION = r"^(arn:[^:]+:lambda:[^:]+:[0-9]{12}:function:[^:]+)(?::[^:]+)?$"
"""A function's ARN; version and alias come after the name and are no part of the key."""

INSTANCE = r"^arn:[^:]+:ec2:[^:]+:[0-9]{12}:instance/i-[0-9a-f]+$"
INSTANCE_ID = r"^i-[0-9a-f]{8,17}$"

SAMPLE = r"""(coalesce(s.title, '') LIKE '[SAMPLE]%'
    OR coalesce(s.additional_info->>'$.sample', '') = 'true'
    OR regexp_matches(coalesce(s.additional_info->>'$.value', ''), '"sample"\s*:\s*true'))"""
"""A GuardDuty finding made for show (page "Sample findings"); it names nothing that exists."""


def partition(region: str) -> str:
    """SQL for the partition of a Region given as an SQL expression."""
    cases = " ".join(f"WHEN {region} LIKE '{pattern}' THEN '{name}'" for pattern, name in PARTITIONS)
    return f"CASE {cases} ELSE 'aws' END"


def function_key(arn: str) -> str:
    """SQL for a function's key from an SQL expression of an ARN: qualifiers cut off, NULL if it is none."""
    return f"nullif(regexp_extract({arn}, '{FUNCTION}', 1), '')"


def key(service: str, region: str, account: str, resource: str) -> str:
    """SQL for an ARN from expressions of its parts; NULL where any of them is NULL."""
    where = f"'arn:' || {partition(region)} || ':{service}:' || {region} || ':' || {account}"
    return f"{where} || ':' || {resource}"


def kind_of(arn: str) -> str:
    """SQL for the kind of thing that an ARN names, as service and type: `glue_job`, `states_state_machine`."""
    service = f"replace(replace(split_part({arn}, ':', 3), 'elasticmapreduce', 'emr'), '-', '_')"
    thing = f"regexp_extract({arn}, '^(?:[^:]*:){{5}}([A-Za-z-]+)[:/]', 1)"
    words = rf"lower(replace(regexp_replace({thing}, '([a-z])([A-Z])', '\1_\2', 'g'), '-', '_'))"
    return f"{service} || coalesce('_' || nullif({words}, ''), '')"
