"""Where logs lie: one central bucket that keeps them unaltered, and how long each log is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence

from forensics.readiness.check import SHORTEST
from forensics.readiness.quoting import comment, hcl, label, shell
from forensics.readiness.remedy import OFF, Remedy, Target, names

DAYS = {"eks_audit": 365, "lambda_log": 180, "container_log": 180, "container_insights": 90, "pod_log": 180}
"""Days that groups of CloudWatch Logs are kept, by use: who did what a year, what applications wrote half of it."""
OTHERS = 180
ARCHIVE = 400
"""Days in the bucket: a year, and time to notice. Object Lock keeps them from deletion for SHORTEST days."""

_BUCKET = f"""resource "aws_s3_bucket" "logs" {{
  bucket              = var.log_bucket
  object_lock_enabled = true
}}

resource "aws_s3_bucket_versioning" "logs" {{
  bucket = aws_s3_bucket.logs.id
  versioning_configuration {{
    status = "Enabled"
  }}
}}

resource "aws_s3_bucket_object_lock_configuration" "logs" {{
  bucket = aws_s3_bucket.logs.id
  rule {{
    default_retention {{
      mode = "GOVERNANCE"
      days = {SHORTEST}
    }}
  }}
}}

resource "aws_s3_bucket_public_access_block" "logs" {{
  bucket                  = aws_s3_bucket.logs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {{
  bucket = aws_s3_bucket.logs.id
  rule {{
    id     = "keep-{ARCHIVE}-days"
    status = "Enabled"
    filter {{}}
    transition {{
      days          = 90
      storage_class = "GLACIER_IR"
    }}
    expiration {{
      days = {ARCHIVE}
    }}
    noncurrent_version_expiration {{
      noncurrent_days = 30
    }}
  }}
}}

# The bucket's policy must let each service write (cloudtrail, config, delivery.logs, logging.s3): their pages give it.
# The target of S3 access logs must not have a default retention: use a second bucket for these."""

_LIFECYCLE = json.dumps(
    {
        "Rules": [
            {
                "ID": f"keep-{ARCHIVE}-days",
                "Status": "Enabled",
                "Filter": {},
                "Transitions": [{"Days": 90, "StorageClass": "GLACIER_IR"}],
                "Expiration": {"Days": ARCHIVE},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
            }
        ]
    }
)
_BUCKET_CLI = f"""aws s3api create-bucket --bucket "$LOG_BUCKET" --object-lock-enabled-for-bucket
aws s3api put-public-access-block --bucket "$LOG_BUCKET" --public-access-block-configuration \\
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
aws s3api put-object-lock-configuration --bucket "$LOG_BUCKET" --object-lock-configuration \\
  'ObjectLockEnabled=Enabled,Rule={{DefaultRetention={{Mode=GOVERNANCE,Days={SHORTEST}}}}}'
aws s3api put-bucket-lifecycle-configuration --bucket "$LOG_BUCKET" --lifecycle-configuration \\
  '{_LIFECYCLE}'
# outside us-east-1 create-bucket needs --create-bucket-configuration LocationConstraint=REGION
# the bucket's policy must let each service write (cloudtrail, config, delivery.logs, logging.s3): their pages give it"""

_BUCKETS = (
    "cloudtrail_management",
    "vpc_flow",
    "transit_gateway_flow",
    "s3_access",
    "alb",
    "alb_connection",
    "nlb",
    "clb",
    "cloudfront",
)
_GROUPS = ("lambda_log", "cloudwatch_log", "container_log", "container_insights", "eks_audit", "pod_log")
_KEPT = ("retention_unlimited", "retention_short")


def _group(target: Target) -> str:
    """The log group that a thing writes to."""
    held = target.thing.destination if target.thing else ""
    return target.name if target.row.log_type == "cloudwatch_log" else held


def _days(target: Target) -> int:
    return DAYS.get(target.row.log_type, OTHERS)


def _retention(targets: Sequence[Target]) -> str:
    made = [
        f'resource "aws_cloudwatch_log_group" "{label(region, group)}" {{\n  region            = {hcl(region)}\n'
        f"  name              = {hcl(group)}\n  retention_in_days = {days}\n}}"
        for region, group, days in _groups(targets)
    ]
    hint = [comment("these groups exist: terraform import aws_cloudwatch_log_group.LABEL NAME first")] if made else []
    return "\n".join([*hint, *made, *_buckets(targets)])


def _retention_cli(targets: Sequence[Target]) -> str:
    made = [
        f"aws logs put-retention-policy --region {shell(region)} --log-group-name {shell(group)} --retention-in-days {days}"
        for region, group, days in _groups(targets)
    ]
    return "\n".join([*made, *_buckets(targets)])


def _groups(targets: Sequence[Target]) -> list[tuple[str, str, int]]:
    return sorted(
        {(item.region, _group(item), _days(item)) for item in targets if item.row.log_type in _GROUPS and _group(item)}
    )


def _buckets(targets: Sequence[Target]) -> list[str]:
    held = {
        item.thing.destination
        for item in targets
        if item.thing and item.row.log_type in _BUCKETS and item.thing.destination
    }
    return [
        comment(f"{place}: give it the lifecycle of the central bucket, or deliver there") for place in sorted(held)
    ]


def _recursive(targets: Sequence[Target]) -> str:
    return "\n".join(
        f'resource "aws_s3_bucket_logging" "{label(name)}" {{\n  bucket        = {hcl(name)}\n'
        f"  target_bucket = var.access_log_bucket # never the bucket itself\n  target_prefix = {hcl(f's3-access/{name}/')}\n}}"
        for _, name in names(targets)
    )


def _recursive_cli(targets: Sequence[Target]) -> str:
    return "\n".join(
        f"aws s3api put-bucket-logging --bucket {shell(name)} --bucket-logging-status \\\n"
        f'  "LoggingEnabled={{TargetBucket=$ACCESS_LOG_BUCKET,TargetPrefix=s3-access/"{shell(name)}"/}}"'
        for _, name in names(targets)
    )


REMEDIES = (
    Remedy(
        "log_bucket",
        "One central bucket: versions, Object Lock, a lifecycle",
        "whoever takes over an account can delete what lies in it; a bucket of another account with Object Lock keeps it",
        {
            "cloudtrail_management": (OFF, "retention_unlimited", "retention_short"),
            "vpc_flow": (OFF,),
            "config_item": (OFF,),
            "guardduty_export": (OFF,),
        },
        lambda _: _BUCKET,
        lambda _: _BUCKET_CLI,
        once=True,
    ),
    Remedy(
        "recursive",
        "Let no bucket log into itself",
        "each log object makes further lines, without end: cost, and a log that no one can read",
        {"s3_access": ("recursive",)},
        _recursive,
        _recursive_cli,
    ),
    Remedy(
        "retention",
        "Keep each log as long as its use asks, and no longer",
        f"intrusions are found after weeks or months: nothing under {SHORTEST} days; without end, cost grows and no one decides",
        {**dict.fromkeys(_BUCKETS, _KEPT), **dict.fromkeys(_GROUPS, _KEPT)},
        _retention,
        _retention_cli,
    ),
)
