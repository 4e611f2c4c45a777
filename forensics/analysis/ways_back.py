"""Ways back: what somebody leaves in an account to return by."""

from __future__ import annotations

from forensics.analysis.deeds import Deed, Kind, deeds
from forensics.case import Case
from forensics.timeline import Timeline

_USER, _ROLE, _GROUP, _FUNCTION = "$.userName", "$.roleName", "$.groupName", "$.functionName"
_NO_USER = (("iam:DeleteUser", _USER),)
_NO_ROLE = (("iam:DeleteRole", _ROLE),)
_NO_FUNCTION = (("lambda:DeleteFunction", _FUNCTION),)
_KEY_ENDS = (("iam:DeleteAccessKey", "$.accessKeyId"), ("iam:UpdateAccessKey", "$.accessKeyId"))

KINDS: tuple[Kind, ...] = (
    Kind("iam:CreateUser", "user", _USER, ends=_NO_USER),
    Kind("iam:CreateAccessKey", "access key", None, "$.accessKey.accessKeyId", _USER, _KEY_ENDS, _NO_USER),
    Kind("iam:CreateLoginProfile", "password", _USER, ends=(("iam:DeleteLoginProfile", _USER), *_NO_USER)),
    Kind("iam:UpdateLoginProfile", "password", _USER, ends=(("iam:DeleteLoginProfile", _USER), *_NO_USER)),
    Kind(
        "iam:AttachUserPolicy",
        "policy of a user",
        "$.policyArn",
        None,
        _USER,
        (("iam:DetachUserPolicy", "$.policyArn"),),
        _NO_USER,
    ),
    Kind(
        "iam:PutUserPolicy",
        "policy of a user",
        "$.policyName",
        None,
        _USER,
        (("iam:DeleteUserPolicy", "$.policyName"),),
        _NO_USER,
    ),
    Kind(
        "iam:AddUserToGroup",
        "membership",
        _GROUP,
        None,
        _USER,
        (("iam:RemoveUserFromGroup", _GROUP),),
        _NO_USER,
    ),
    Kind(
        "iam:AttachRolePolicy",
        "policy of a role",
        "$.policyArn",
        None,
        _ROLE,
        (("iam:DetachRolePolicy", "$.policyArn"),),
        _NO_ROLE,
    ),
    Kind(
        "iam:PutRolePolicy",
        "policy of a role",
        "$.policyName",
        None,
        _ROLE,
        (("iam:DeleteRolePolicy", "$.policyName"),),
        _NO_ROLE,
    ),
    Kind(
        "iam:AttachGroupPolicy",
        "policy of a group",
        "$.policyArn",
        None,
        _GROUP,
        (("iam:DetachGroupPolicy", "$.policyArn"),),
    ),
    Kind(
        "iam:PutGroupPolicy",
        "policy of a group",
        "$.policyName",
        None,
        _GROUP,
        (("iam:DeleteGroupPolicy", "$.policyName"),),
    ),
    Kind("iam:CreatePolicy", "policy", "$.policyName", "$.policy.arn", None, (("iam:DeletePolicy", "$.policyArn"),)),
    Kind(
        "iam:CreatePolicyVersion",
        "version of a policy",
        "$.policyArn",
        ends=(("iam:SetDefaultPolicyVersion", "$.policyArn"), ("iam:DeletePolicyVersion", "$.policyArn")),
    ),
    Kind(
        "iam:SetDefaultPolicyVersion",
        "version of a policy",
        "$.policyArn",
        ends=(("iam:SetDefaultPolicyVersion", "$.policyArn"),),
    ),
    Kind("iam:CreateRole", "role", _ROLE, ends=_NO_ROLE),
    Kind(
        "iam:UpdateAssumeRolePolicy",
        "trust of a role",
        _ROLE,
        ends=(("iam:UpdateAssumeRolePolicy", _ROLE), *_NO_ROLE),
    ),
    Kind(
        "iam:CreateSAMLProvider",
        "SAML provider",
        "$.name",
        "$.sAMLProviderArn",
        None,
        (("iam:DeleteSAMLProvider", "$.sAMLProviderArn"),),
    ),
    Kind(
        "iam:UpdateSAMLProvider",
        "SAML provider",
        "$.sAMLProviderArn",
        ends=(("iam:DeleteSAMLProvider", "$.sAMLProviderArn"),),
    ),
    Kind(
        "iam:CreateOpenIDConnectProvider",
        "OIDC provider",
        "$.url",
        "$.openIDConnectProviderArn",
        None,
        (("iam:DeleteOpenIDConnectProvider", "$.openIDConnectProviderArn"),),
    ),
    Kind(
        "iam:EnableMFADevice",
        "MFA device",
        "$.serialNumber",
        None,
        _USER,
        (("iam:DeactivateMFADevice", "$.serialNumber"),),
        _NO_USER,
    ),
    Kind(
        "iam:DeactivateMFADevice",
        "removed MFA device",
        "$.serialNumber",
        None,
        _USER,
        (("iam:EnableMFADevice", "$.serialNumber"),),
        _NO_USER,
    ),
    Kind(
        "iam:DeleteUserPermissionsBoundary",
        "removed boundary",
        _USER,
        ends=(("iam:PutUserPermissionsBoundary", _USER),),
    ),
    Kind(
        "iam:DeleteRolePermissionsBoundary",
        "removed boundary",
        _ROLE,
        ends=(("iam:PutRolePermissionsBoundary", _ROLE),),
    ),
    Kind("iam:UploadSSHPublicKey", "SSH key", None, "$.sSHPublicKey.sSHPublicKeyId", _USER, of_owner=_NO_USER),
    Kind("iam:UploadSigningCertificate", "certificate", None, "$.certificate.certificateId", _USER, of_owner=_NO_USER),
    Kind("iam:CreateServiceSpecificCredential", "service password", "$.serviceName", None, _USER, of_owner=_NO_USER),
    Kind("rolesanywhere:CreateTrustAnchor", "trust anchor", "$.name"),
    Kind("rolesanywhere:CreateProfile", "profile of Roles Anywhere", "$.name"),
    Kind("sso:CreateAccountAssignment", "assignment of Identity Center", "$.principalId", None, "$.permissionSetArn"),
    Kind("sso:PutInlinePolicyToPermissionSet", "policy of a permission set", "$.permissionSetArn"),
    Kind("sts:GetFederationToken", "federation token", "$.name", "$.credentials.accessKeyId"),
    Kind(
        "events:PutRule",
        "rule",
        "$.name",
        ends=(("events:DeleteRule", "$.name"), ("events:DisableRule", "$.name")),
    ),
    Kind(
        "events:PutTargets",
        "target of a rule",
        "$.rule",
        ends=(("events:RemoveTargets", "$.rule"), ("events:DisableRule", "$.name"), ("events:DeleteRule", "$.name")),
    ),
    Kind(
        "events:PutPermission",
        "permission on an event bus",
        "$.statementId",
        ends=(("events:RemovePermission", "$.statementId"),),
    ),
    Kind("scheduler:CreateSchedule", "schedule", "$.name", ends=(("scheduler:DeleteSchedule", "$.name"),)),
    Kind("scheduler:UpdateSchedule", "schedule", "$.name", ends=(("scheduler:DeleteSchedule", "$.name"),)),
    Kind("lambda:CreateFunction", "function", _FUNCTION, ends=_NO_FUNCTION),
    Kind(
        "lambda:CreateFunctionUrlConfig",
        "function URL",
        _FUNCTION,
        ends=(("lambda:DeleteFunctionUrlConfig", _FUNCTION), *_NO_FUNCTION),
    ),
    Kind(
        "lambda:UpdateFunctionUrlConfig",
        "function URL",
        _FUNCTION,
        ends=(("lambda:DeleteFunctionUrlConfig", _FUNCTION), *_NO_FUNCTION),
    ),
    Kind(
        "lambda:AddPermission",
        "permission on a function",
        "$.statementId",
        None,
        _FUNCTION,
        (("lambda:RemovePermission", "$.statementId"),),
        _NO_FUNCTION,
    ),
    Kind("lambda:CreateEventSourceMapping", "event source of a function", _FUNCTION, ends=_NO_FUNCTION),
    Kind("logs:PutSubscriptionFilter", "subscription of a log group", "$.filterName", None, "$.logGroupName"),
    Kind("sns:Subscribe", "subscription", "$.endpoint", None, "$.topicArn"),
    Kind("states:CreateStateMachine", "state machine", "$.name"),
)

ACTIONS: tuple[str, ...] = tuple(kind.action for kind in KINDS)

Way = Deed


def ways(case: Case, calls: Timeline) -> list[Way]:
    """The ways that those calls opened and that succeeded, in order of time."""
    return deeds(case, calls, KINDS)
