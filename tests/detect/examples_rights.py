"""Examples of our rules on users, roles, keys, sign-in and organisations."""

from tests.detect.example_records import (
    ALL,
    CONSOLE,
    DENIED,
    DEV,
    ON_BEHALF,
    OTHER,
    PIPELINE,
    REGISTER,
    ROOT,
    URL,
    Examples,
    Record,
    asks,
    call,
    signed_in,
    times,
)
from tests.worlds import user

EVE = user("eve", key="AKIAEXAMPLEEVE", uid="AIDAEXAMPLEEVE")
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
SOME = ALL.replace('"*"', '"s3:*"', 1)
NONE = ALL.replace("Allow", "Deny")
AMONG = ALL.replace('"*"', '["s3:Get*", "iam:*"]', 1)
ROLE = "arn:aws:iam::111122223333:role/admin"
FAILURE = {"responseElements": {"ConsoleLogin": "Failure"}, "errorMessage": "Failed authentication"}


def failures(count: int, address: str) -> list[Record]:
    """Sign-ins that failed, from one address."""
    return times(count, "signin:ConsoleLogin", sourceIPAddress=address, **FAILURE)


EXAMPLES: Examples = {
    "iam_administrator_policy_attached": (
        [
            asks("iam:AttachUserPolicy", policyArn=ADMINISTRATOR),
            asks("iam:PutRolePolicy", policyDocument=ALL),
            asks("iam:PutUserPolicy", policyDocument=AMONG),
        ],
        [
            asks("iam:AttachUserPolicy", policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
            asks("iam:PutRolePolicy", policyDocument=SOME),
            asks("iam:PutUserPolicy", policyDocument=NONE),
        ],
    ),
    "iam_policy_version_allows_everything": (
        [asks("iam:CreatePolicyVersion", policyDocument=ALL, setAsDefault=True)],
        [
            asks("iam:CreatePolicyVersion", policyDocument=SOME),
            asks("iam:CreatePolicyVersion", policyDocument=ALL) | DENIED,
        ],
    ),
    "iam_default_policy_version_set": (
        [asks("iam:SetDefaultPolicyVersion", versionId="v1")],
        [asks("iam:SetDefaultPolicyVersion", PIPELINE, versionId="v1"), asks("iam:ListPolicyVersions")],
    ),
    "iam_rights_given_to_oneself": (
        [
            asks("iam:PutUserPolicy", userName="dev"),
            asks("iam:AddUserToGroup", userName="dev", groupName="x"),
            asks("iam:AttachRolePolicy", PIPELINE, roleName="deploy"),
        ],
        [
            asks("iam:PutUserPolicy", userName="ops"),
            asks("iam:AttachRolePolicy", PIPELINE, roleName="other"),
            asks("iam:PutUserPolicy", userName="dev") | DENIED,
        ],
    ),
    "iam_user_put_into_administrators": (
        [asks("iam:AddUserToGroup", userName="x", groupName="Administrators")],
        [asks("iam:AddUserToGroup", userName="x", groupName="readers")],
    ),
    "iam_boundary_removed": (
        [
            asks("iam:DeleteRolePermissionsBoundary"),
            asks("iam:PutUserPermissionsBoundary", permissionsBoundary=ADMINISTRATOR),
        ],
        [
            asks("iam:PutUserPermissionsBoundary", permissionsBoundary="arn:aws:iam::111122223333:policy/bound"),
            asks("iam:DeleteUserPermissionsBoundary") | DENIED,
        ],
    ),
    "iam_access_key_for_another_user": (
        [asks("iam:CreateAccessKey", userName="ops"), asks("iam:UpdateAccessKey", userName="ops", status="Active")],
        [
            asks("iam:CreateAccessKey", userName="dev"),
            asks("iam:CreateAccessKey"),
            asks("iam:UpdateAccessKey", userName="ops", status="Inactive"),
            asks("iam:CreateAccessKey", userName="ops") | DENIED,
        ],
    ),
    "iam_password_for_another_user": (
        [asks("iam:CreateLoginProfile", userName="ops"), asks("iam:UpdateLoginProfile", userName="ops")],
        [asks("iam:UpdateLoginProfile", userName="dev"), asks("iam:GetLoginProfile", userName="ops")],
    ),
    "iam_user_with_key_and_rights": (
        [
            asks("iam:CreateUser", at="09:00:00", userName="x"),
            asks("iam:CreateAccessKey", at="09:00:30", userName="x"),
            asks("iam:AttachUserPolicy", at="09:01:00", userName="x", policyArn=ADMINISTRATOR),
        ],
        [
            asks("iam:CreateUser", EVE, "09:10:00", userName="y"),
            asks("iam:CreateAccessKey", EVE, "09:11:00", userName="y"),
            asks("iam:AttachUserPolicy", EVE, "09:12:00", policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ],
    ),
    "iam_user_made_by_a_person": (
        [asks("iam:CreateUser")],
        [asks("iam:CreateUser", PIPELINE), asks("iam:CreateUser") | DENIED],
    ),
    "iam_service_credential_made": (
        [asks("iam:CreateServiceSpecificCredential"), asks("iam:UploadSSHPublicKey")],
        [asks("iam:ListServiceSpecificCredentials"), asks("iam:UploadSSHPublicKey") | DENIED],
    ),
    "iam_mfa_taken_away": (
        [asks("iam:DeactivateMFADevice", userName="ops")],
        [asks("iam:EnableMFADevice", userName="ops"), asks("iam:DeactivateMFADevice", userName="ops") | DENIED],
    ),
    "iam_trust_policy_changed": ([asks("iam:UpdateAssumeRolePolicy")], [asks("iam:UpdateAssumeRolePolicy", ON_BEHALF)]),
    "iam_identity_provider_changed": (
        [asks("iam:CreateSAMLProvider"), asks("iam:CreateOpenIDConnectProvider")],
        [asks("iam:ListSAMLProviders"), asks("iam:UpdateSAMLProvider") | DENIED],
    ),
    "roles_anywhere_changed": (
        [asks("rolesanywhere:CreateTrustAnchor"), asks("rolesanywhere:CreateProfile")],
        [asks("rolesanywhere:ListTrustAnchors"), asks("rolesanywhere:CreateSession")],
    ),
    "identity_center_rights_given": (
        [
            asks("sso:CreateAccountAssignment"),
            asks("sso:AttachManagedPolicyToPermissionSet", managedPolicyArn=ADMINISTRATOR),
        ],
        [asks("sso:AttachManagedPolicyToPermissionSet", managedPolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")],
    ),
    "identity_center_user_made": (
        [asks("sso-directory:CreateUser"), asks("identitystore:CreateGroupMembership")],
        [asks("sso-directory:CreateUser") | {"userAgent": "Okta SCIM Client 1.0"}, asks("sso-directory:DescribeUser")],
    ),
    "federation_token_by_a_user": (
        [asks("sts:GetFederationToken")],
        [asks("sts:GetSessionToken"), asks("sts:GetFederationToken") | DENIED],
    ),
    "root_session_taken": (
        [asks("sts:AssumeRoot", PIPELINE)],
        [asks("sts:AssumeRole"), asks("sts:AssumeRoot") | DENIED],
    ),
    "role_passed_to_rare_compute": (
        [
            asks("glue:CreateDevEndpoint", roleArn=ROLE),
            asks("sagemaker:CreateNotebookInstance", roleArn=ROLE),
            asks("cloudformation:CreateStack", roleARN=ROLE),
        ],
        [asks("glue:CreateJob", PIPELINE), asks("cloudformation:CreateStack"), asks("glue:CreateDevEndpoint") | DENIED],
    ),
    "roles_listed_then_passed": (
        [asks("iam:ListRoles", at="09:00:00"), asks(REGISTER, at="09:20:00", taskRoleArn=ROLE)],
        [
            asks("iam:ListRoles", EVE, at="09:00:00") | CONSOLE,
            asks(REGISTER, EVE, at="09:20:00", taskRoleArn=ROLE),
            asks(REGISTER, at="09:30:00"),
        ],
    ),
    "event_rule_by_a_person": (
        [asks("events:PutTargets"), asks("scheduler:CreateSchedule")],
        [asks("events:PutTargets", PIPELINE), asks("events:DescribeRule")],
    ),
    "function_made_and_wired": (
        [asks("lambda:CreateFunction20150331", at="09:00:00"), asks(URL, at="09:05:00")],
        [asks("lambda:CreateFunction20150331", PIPELINE, "09:00:00"), asks(URL, PIPELINE, "09:05:00")],
    ),
    "event_bus_opened": (
        [asks("events:PutPermission", principal=OTHER), asks("events:PutPermission", principal="*")],
        [
            asks(
                "events:PutPermission", principal="*", condition={"type": "StringEquals", "key": "aws:PrincipalOrgID"}
            ),
            asks("events:PutPermission", principal="111122223333"),
        ],
    ),
    "organization_left_or_loosened": (
        [asks("organizations:LeaveOrganization"), asks("organizations:DetachPolicy")],
        [asks("organizations:AttachPolicy"), asks("organizations:LeaveOrganization") | DENIED],
    ),
    "root_user_used": (
        [asks("s3:ListBuckets", ROOT)],
        [asks("s3:ListBuckets"), asks("s3:GetObject", ROOT | {"invokedBy": "support.amazonaws.com"})],
    ),
    "root_password_recovered": (
        [call(ROOT, "signin:PasswordRecoveryRequested"), asks("iam:CreateAccessKey", ROOT)],
        [call(DEV, "signin:PasswordUpdated"), asks("iam:CreateAccessKey", ROOT, userName="x")],
    ),
    "console_login_without_mfa": ([signed_in()], [signed_in("Failure"), signed_in(mfa="Yes")]),
    "console_logins_failed": (failures(5, "203.0.113.7"), failures(1, "203.0.113.8")),
    "console_link_made_of_a_key": (
        [asks("signin:GetSigninToken") | {"userAgent": "python-requests/2.32.3"}],
        [asks("signin:GetSigninToken") | {"userAgent": "Jersey/${project.version}"}, signed_in()],
    ),
    "rights_change_refused": (
        [asks("iam:CreateUser") | DENIED, asks("iam:AttachRolePolicy", PIPELINE) | DENIED],
        [
            asks("iam:CreateUser"),
            asks("iam:ListUsers") | DENIED,
            asks("iam:CreateUser", ON_BEHALF) | DENIED,
            asks("iam:CreateUser") | {"errorCode": "EntityAlreadyExistsException"},
        ],
    ),
    "iam_taken_stock_of": (
        [asks("iam:GetAccountAuthorizationDetails"), asks("iam:SimulatePrincipalPolicy") | DENIED],
        [
            asks("iam:GetAccountAuthorizationDetails", ON_BEHALF),
            asks("iam:ListUsers"),
            asks("iam:GenerateCredentialReport") | CONSOLE,
        ],
    ),
}
FEW = {
    "console_logins_failed": failures(4, "203.0.113.7"),
    "iam_user_with_key_and_rights": EXAMPLES["iam_user_with_key_and_rights"][0][:2],
}
