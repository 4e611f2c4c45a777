"""Which ATT&CK technique a call is known for, by its action; identifiers as of ATT&CK v18."""

from __future__ import annotations

from fnmatch import fnmatchcase

ATTACK_VERSION = "18"

TECHNIQUES: tuple[tuple[str, str], ...] = (
    ("sts:GetCallerIdentity", "T1087.004"),
    ("sts:AssumeRole*", "T1078.004"),
    ("sts:GetFederationToken", "T1550.001"),
    ("sts:GetSessionToken", "T1550.001"),
    ("signin:GetSigninToken", "T1538"),
    ("iam:CreateUser", "T1136.003"),
    ("iam:CreateAccessKey", "T1098.001"),
    ("iam:CreateLoginProfile", "T1098.001"),
    ("iam:UpdateLoginProfile", "T1098.001"),
    ("iam:Attach*Policy", "T1098.003"),
    ("iam:Put*Policy", "T1098.003"),
    ("iam:CreatePolicyVersion", "T1098.003"),
    ("iam:AddUserToGroup", "T1098.003"),
    ("iam:SetDefaultPolicyVersion", "T1098.003"),
    ("iam:UpdateAssumeRolePolicy", "T1098.003"),
    ("iam:CreateRole", "T1098.003"),
    ("iam:CreateSAMLProvider", "T1484.002"),
    ("iam:UpdateSAMLProvider", "T1484.002"),
    ("iam:CreateOpenIDConnectProvider", "T1484.002"),
    ("iam:DeactivateMFADevice", "T1556.006"),
    ("iam:EnableMFADevice", "T1098.005"),
    ("iam:UploadSSHPublicKey", "T1098.004"),
    ("iam:List*", "T1087.004"),
    ("iam:Get*", "T1087.004"),
    ("secretsmanager:*SecretValue", "T1555.006"),
    ("secretsmanager:List*", "T1555.006"),
    ("ssm:GetParameter*", "T1552.001"),
    ("s3:ListBuckets", "T1580"),
    ("s3:ListObject*", "T1619"),
    ("s3:GetBucket*", "T1619"),
    ("s3:GetObject*", "T1530"),
    ("s3:CopyObject", "T1537"),
    ("s3:DeleteObject*", "T1485"),
    ("s3:DeleteBucket", "T1485"),
    ("s3:PutBucketLifecycle", "T1485.001"),
    ("s3:PutBucketVersioning", "T1490"),
    ("s3:PutBucketReplication", "T1537"),
    ("s3:PutBucketLogging", "T1562.008"),
    ("s3:PutBucketPolicy", "T1537"),
    ("lambda:List*", "T1526"),
    ("lambda:GetFunction*", "T1526"),
    ("lambda:CreateFunction*", "T1648"),
    ("lambda:UpdateFunction*", "T1648"),
    ("lambda:PublishLayerVersion*", "T1648"),
    ("lambda:CreateEventSourceMapping*", "T1546"),
    ("lambda:AddPermission*", "T1098"),
    ("events:PutRule", "T1546"),
    ("events:PutTargets", "T1546"),
    ("events:PutPermission", "T1098"),
    ("scheduler:CreateSchedule", "T1053"),
    ("ec2:RunInstances", "T1578.002"),
    ("ec2:RequestSpotInstances", "T1578.002"),
    ("ec2:TerminateInstances", "T1578.003"),
    ("ec2:Describe*", "T1580"),
    ("rds:Describe*", "T1580"),
    ("ecs:RunTask", "T1610"),
    ("ecs:RegisterTaskDefinition", "T1610"),
    ("ecs:ExecuteCommand", "T1609"),
    ("kubernetes:*:pods/exec", "T1609"),
    ("kubernetes:*:pods/attach", "T1609"),
    ("kubernetes:*:secrets", "T1552.007"),
    ("kubernetes:create:serviceaccounts/token", "T1528"),
    ("kubernetes:create:selfsubject*", "T1613"),
    ("kubernetes:list:*", "T1613"),
    ("kubernetes:*:*rolebindings", "T1098.006"),
    ("kubernetes:*:*roles", "T1098.006"),
    ("kubernetes:create:pods", "T1610"),
    ("kubernetes:create:daemonsets", "T1610"),
    ("kubernetes:create:deployments", "T1610"),
    ("kubernetes:create:*jobs", "T1610"),
    ("cloudtrail:StopLogging", "T1562.008"),
    ("cloudtrail:DeleteTrail", "T1562.008"),
    ("cloudtrail:UpdateTrail", "T1562.008"),
    ("cloudtrail:PutEventSelectors", "T1562.008"),
    ("ec2:DeleteFlowLogs", "T1562.008"),
    ("config:StopConfigurationRecorder", "T1562.008"),
    ("config:DeleteConfigurationRecorder", "T1562.008"),
    ("config:DeleteDeliveryChannel", "T1562.008"),
    ("logs:PutRetentionPolicy", "T1562.008"),
    ("logs:DeleteSubscriptionFilter", "T1562.008"),
    ("logs:DeleteLog*", "T1070"),
    ("route53resolver:DeleteResolverQueryLogConfig", "T1562.008"),
    ("kms:DisableKey", "T1485"),
    ("kms:ScheduleKeyDeletion", "T1485"),
    ("guardduty:CreateFilter", "T1562.001"),
    ("guardduty:DeleteDetector", "T1562.001"),
    ("guardduty:UpdateDetector", "T1562.001"),
    ("cloudtrail:Describe*", "T1654"),
    ("logs:Describe*", "T1654"),
)
"""Pattern over `event.action` and technique; the first that matches counts."""

TRANSFER = "T1041"
EXPOSURE = "T1552.001"
USE = "T1078.004"
ENCRYPTED = "T1486"
HIJACKED = "T1496.001"
HOST_KEY = "T1552.005"


def technique(action: str | None) -> str:
    """The technique a call is known for; "" where it is known for none, or the record names no action."""
    return next((found for pattern, found in TECHNIQUES if fnmatchcase(action or "", pattern)), "")
