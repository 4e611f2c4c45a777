"""CloudTrail: one trail of the organisation in all Regions, validated, with data events where they matter."""

from __future__ import annotations

import json
from collections.abc import Sequence

from forensics.readiness.quoting import comment, hcl, shell
from forensics.readiness.remedy import OFF, Remedy, Target

_TYPES = {
    "cloudtrail_data_s3": ("S3 objects", "AWS::S3::Object"),
    "cloudtrail_data_lambda": ("Lambda invocations", "AWS::Lambda::Function"),
}
_INSIGHTS = ("ApiCallRateInsight", "ApiErrorRateInsight")
_NETWORK = ("s3.amazonaws.com", "secretsmanager.amazonaws.com", "kms.amazonaws.com", "ec2.amazonaws.com")


def _selectors() -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Every selector: management whole, data events of buckets and functions, refused calls through endpoints."""
    found = [("Management events", [("eventCategory", ["Management"])])]
    found += [(name, [("eventCategory", ["Data"]), ("resources.type", [kind])]) for name, kind in _TYPES.values()]
    found += [
        (
            f"Refused at the VPC endpoint of {source}",
            [("eventCategory", ["NetworkActivity"]), ("eventSource", [source]), ("errorCode", ["VpceAccessDenied"])],
        )
        for source in _NETWORK
    ]
    return found


def _existing(targets: Sequence[Target]) -> str:
    """The trail that there is already, by name; "" where there is none."""
    return next((item.name for item in targets if item.name), "")


def _terraform(targets: Sequence[Target]) -> str:
    name = _existing(targets)
    blocks = "\n".join(
        f"  advanced_event_selector {{\n    name = {hcl(title)}\n"
        + "\n".join(
            f"    field_selector {{\n      field  = {hcl(field)}\n      equals = {json.dumps(values)}\n    }}"
            for field, values in fields
        )
        + "\n  }"
        for title, fields in _selectors()
    )
    insights = "\n".join(f"  insight_selector {{\n    insight_type = {hcl(item)}\n  }}" for item in _INSIGHTS)
    hint = (
        f"this trail exists: terraform import aws_cloudtrail.organization {name}"
        if name
        else "in the management account"
    )
    return f"""{comment(hint)}
resource "aws_cloudtrail" "organization" {{
  name                          = {hcl(name or "organization")}
  s3_bucket_name                = var.log_bucket
  is_organization_trail         = true # false without an organisation
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  enable_logging                = true
{blocks}
{insights}
}}
{comment(_CHOICE)}"""


_PLACE = (
    "in the management account, in the trail's home Region; without an organisation leave --is-organization-trail out"
)
_REPLACES = "this replaces every selector of the trail: add those it has and that you keep"
_CHOICE = "data events cost per event: to choose buckets, add a field_selector resources.ARN with starts_with; leave out the log bucket"


def _cli(targets: Sequence[Target]) -> str:
    name = _existing(targets)
    verb = "update-trail" if name else "create-trail"
    chosen = [
        {"Name": title, "FieldSelectors": [{"Field": field, "Equals": values} for field, values in fields]}
        for title, fields in _selectors()
    ]
    given = shell(name or "organization")
    insights = json.dumps([{"InsightType": item} for item in _INSIGHTS])
    bucket = "" if name else ' --s3-bucket-name "$LOG_BUCKET"'
    return f"""{comment(_PLACE)}
aws cloudtrail {verb} --name {given}{bucket} --is-organization-trail --is-multi-region-trail \\
  --include-global-service-events --enable-log-file-validation
{comment(_REPLACES)}
aws cloudtrail put-event-selectors --trail-name {given} --advanced-event-selectors \\
  '{json.dumps(chosen)}'
aws cloudtrail put-insight-selectors --trail-name {given} --insight-selectors '{insights}'
aws cloudtrail start-logging --name {given}"""


REMEDIES = (
    Remedy(
        "trail",
        "An organisation trail in all Regions, validated, with data events where they matter",
        "the spine of every answer: no Region unseen, no account without, proof that files are whole; objects and invocations"
        " leave no other record of the credential",
        {
            "cloudtrail_management": (OFF, "single_region", "no_validation", "stopped", "narrowed"),
            "cloudtrail_data_s3": (OFF, "missing", "narrowed"),
            "cloudtrail_data_lambda": (OFF, "missing", "narrowed"),
            "cloudtrail_insight": (OFF,),
            "cloudtrail_network": (OFF, "narrowed"),
        },
        _terraform,
        _cli,
        once=True,
    ),
)
