"""What watches by itself: GuardDuty and its plans, findings kept, Security Hub, Config, Security Lake."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.readiness.quoting import comment, hcl, label, shell
from forensics.readiness.remedy import OFF, Remedy, Target, Text, regions

FEATURES = (
    *("S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "RUNTIME_MONITORING", "LAMBDA_NETWORK_LOGS"),
    *("EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS"),
)


def _guardduty(targets: Sequence[Target]) -> str:
    made = [comment("best switched on by the organisation's administrator of GuardDuty, for all accounts at once")]
    for region in regions(targets):
        own = label("guardduty", region)
        made.append(
            f'resource "aws_guardduty_detector" "{own}" {{\n  region                       = {hcl(region)}\n'
            '  enable                       = true\n  finding_publishing_frequency = "FIFTEEN_MINUTES"\n}'
        )
        made += [
            f'resource "aws_guardduty_detector_feature" "{label(region, feature)}" {{\n  region      = {hcl(region)}\n'
            f'  detector_id = aws_guardduty_detector.{own}.id\n  name        = {hcl(feature)}\n  status      = "ENABLED"\n}}'
            for feature in FEATURES
        ]
    return "\n".join(made)


def _guardduty_cli(targets: Sequence[Target]) -> str:
    features = " ".join(f"Name={name},Status=ENABLED" for name in FEATURES)
    made = []
    for region in regions(targets):
        there = [item for item in targets if item.region == region and item.row.log_type == "guardduty" and item.name]
        there += [
            item
            for item in targets
            if item.region == region and item.row.log_type == "guardduty_features" and item.thing
        ]
        if there:
            made.append(
                f"aws guardduty update-detector --region {shell(region)} --enable --finding-publishing-frequency FIFTEEN_MINUTES"
                f" \\\n  --detector-id \"$(aws guardduty list-detectors --region {shell(region)} --query 'DetectorIds[0]' --output text)\""
                f" \\\n  --features {features}"
            )
        else:
            made.append(
                f"aws guardduty create-detector --region {shell(region)} --enable --finding-publishing-frequency FIFTEEN_MINUTES"
                f" \\\n  --features {features}"
            )
    return "\n".join(made)


def _each_region(template: str, quote: str = "hcl") -> Text:
    def text(targets: Sequence[Target]) -> str:
        put = hcl if quote == "hcl" else shell
        return "\n".join(
            template.replace("@REGION@", put(region)).replace("@LABEL@", label(region)) for region in regions(targets)
        )

    return text


_EXPORT = """resource "aws_guardduty_publishing_destination" "@LABEL@" {
  region          = @REGION@
  detector_id     = "REPLACE-WITH-DETECTOR-ID"
  destination_arn = "arn:aws:s3:::${var.log_bucket}"
  kms_key_arn     = "REPLACE-WITH-KEY-ARN" # GuardDuty encrypts findings, always
}"""
_EXPORT_CLI = """aws guardduty create-publishing-destination --region @REGION@ --destination-type S3 \\
  --detector-id "$(aws guardduty list-detectors --region @REGION@ --query 'DetectorIds[0]' --output text)" \\
  --destination-properties "DestinationArn=arn:aws:s3:::$LOG_BUCKET,KmsKeyArn=REPLACE-WITH-KEY-ARN\""""
_HUB = """resource "aws_securityhub_account" "@LABEL@" {
  region                   = @REGION@
  enable_default_standards = false # findings only; standards cost per check
}"""
_HUB_CLI = "aws securityhub enable-security-hub --region @REGION@ --no-enable-default-standards"
_CONFIG = """resource "aws_config_configuration_recorder" "@LABEL@" {
  region   = @REGION@
  role_arn = "REPLACE-WITH-arn:aws:iam::ACCOUNT:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
  recording_group {
    all_supported                 = true
    include_global_resource_types = true # in one Region only: set it to false in the others
  }
  recording_mode {
    recording_frequency = "CONTINUOUS" # DAILY misses what lives less than a day
  }
}
resource "aws_config_delivery_channel" "@LABEL@" {
  region         = @REGION@
  s3_bucket_name = var.log_bucket
  depends_on     = [aws_config_configuration_recorder.@LABEL@]
}
resource "aws_config_configuration_recorder_status" "@LABEL@" {
  region     = @REGION@
  name       = aws_config_configuration_recorder.@LABEL@.name
  is_enabled = true
  depends_on = [aws_config_delivery_channel.@LABEL@]
}"""
_CONFIG_CLI = """aws configservice put-configuration-recorder --region @REGION@ --configuration-recorder \\
  'name=default,roleARN=REPLACE-WITH-ROLE-ARN,recordingMode={recordingFrequency=CONTINUOUS}' \\
  --recording-group allSupported=true,includeGlobalResourceTypes=true
aws configservice put-delivery-channel --region @REGION@ --delivery-channel "name=default,s3BucketName=$LOG_BUCKET"
aws configservice start-configuration-recorder --region @REGION@ --configuration-recorder-name default"""
_LAKE = """resource "aws_securitylake_data_lake" "@LABEL@" {
  region                      = @REGION@
  meta_store_manager_role_arn = "REPLACE-WITH-ROLE-ARN"
  configuration {
    region = @REGION@
  }
}"""
_LAKE_CLI = """aws securitylake create-data-lake --region @REGION@ --meta-store-manager-role-arn REPLACE-WITH-ROLE-ARN \\
  --configurations "region=@REGION@" # from the delegated administrator, for the organisation"""

REMEDIES = (
    Remedy(
        "guardduty",
        "GuardDuty in every Region, with its protection plans",
        "it reads flow, DNS, CloudTrail and audit logs that you do not keep, and tells of stolen credentials within minutes",
        {"guardduty": (OFF, "slow_updates"), "guardduty_features": (OFF, "feature_off")},
        _guardduty,
        _guardduty_cli,
    ),
    Remedy(
        "config",
        "AWS Config: all types, at once, with an aggregator of the organisation",
        "what a resource was like then: the address of a task, the policy of a bucket, before it was changed",
        {"config_item": (OFF, "daily", "narrowed", "stopped")},
        _each_region(_CONFIG),
        _each_region(_CONFIG_CLI, "shell"),
    ),
    Remedy(
        "guardduty_export",
        "Keep GuardDuty's findings in the central bucket",
        "GuardDuty itself forgets them after 90 days",
        {"guardduty_export": (OFF,)},
        _each_region(_EXPORT),
        _each_region(_EXPORT_CLI, "shell"),
    ),
    Remedy(
        "security_hub",
        "Security Hub: findings of all products and accounts in one place",
        "one place to look, and findings of Inspector, Macie and others beside GuardDuty's",
        {"security_hub": (OFF,)},
        _each_region(_HUB),
        _each_region(_HUB_CLI, "shell"),
    ),
    Remedy(
        "security_lake",
        "Security Lake, where an organisation wants one format",
        "it keeps CloudTrail, flow, DNS, WAF and EKS audit logs as OCSF; it does not replace the trail",
        {"ocsf": (OFF,)},
        _each_region(_LAKE),
        _each_region(_LAKE_CLI, "shell"),
    ),
)
