"""IAM: who may do what, and when keys were last used; "Actions" in the IAM API Reference.

An account is told by GetAccountAuthorizationDetails; the calls about one role are for sets that name it.
"""

from functools import partial

from forensics.acquire.calls.call import Call

_iam = partial(Call, "iam", everywhere=False)
_role = partial(_iam, for_each="GetRole", given={"RoleName": "RoleName"}, about="RoleName")
_user = partial(_iam, for_each="ListUsers", given={"UserName": "UserName"}, about="UserName")
_KIND = (
    "RoleId && 'AWS::IAM::Role' || UserId && 'AWS::IAM::User' || GroupId && 'AWS::IAM::Group'"
    " || 'AWS::IAM::ManagedPolicy'"
)

CALLS = (
    _iam(
        "GetAccountAuthorizationDetails",
        "[UserDetailList, GroupDetailList, RoleDetailList, Policies][]",
        "AWS::IAM::Role",
        resource_id="RoleId || UserId || GroupId || PolicyId",
        arn="Arn",
        name="RoleName || UserName || GroupName || PolicyName",
        created="CreateDate",
        kind=_KIND,
    ),
    _iam(
        "ListUsers", "Users", "AWS::IAM::User", resource_id="UserId", arn="Arn", name="UserName", created="CreateDate"
    ),
    _user(
        "ListAccessKeys",
        "AccessKeyMetadata",
        "AWS::IAM::AccessKey",
        resource_id="AccessKeyId",
        name="UserName",
        created="CreateDate",
    ),
    _iam(
        "GetAccessKeyLastUsed",
        "@",
        "AWS::IAM::AccessKey",
        name="UserName",
        for_each="ListAccessKeys",
        given={"AccessKeyId": "AccessKeyId"},
        about="AccessKeyId",
    ),
    _user(
        "GetLoginProfile",
        "LoginProfile",
        "AWS::IAM::User",
        name="UserName",
        created="CreateDate",
        absent=("NoSuchEntity",),
    ),
    _user(
        "ListMFADevices",
        "MFADevices",
        "AWS::IAM::VirtualMFADevice",
        resource_id="SerialNumber",
        name="UserName",
        created="EnableDate",
    ),
    _iam(
        "ListInstanceProfiles",
        "InstanceProfiles",
        "AWS::IAM::InstanceProfile",
        "InstanceProfileId",
        arn="Arn",
        name="InstanceProfileName",
        created="CreateDate",
    ),
    _iam("ListOpenIDConnectProviders", "OpenIDConnectProviderList", "AWS::IAM::OIDCProvider", "Arn", arn="Arn"),
    _iam(
        "GetOpenIDConnectProvider",
        "@",
        "AWS::IAM::OIDCProvider",
        name="Url",
        created="CreateDate",
        for_each="ListOpenIDConnectProviders",
        given={"OpenIDConnectProviderArn": "Arn"},
        about="OpenIDConnectProviderArn",
    ),
    _iam("ListSAMLProviders", "SAMLProviderList", "AWS::IAM::SAMLProvider", "Arn", arn="Arn", created="CreateDate"),
    _iam("ListAccountAliases", "AccountAliases", "AWS::IAM::AccountAlias", resource_id="@"),
    _iam("GetAccountSummary", "SummaryMap", "AWS::::Account"),
    _iam("GetAccountPasswordPolicy", "PasswordPolicy", "AWS::IAM::AccountPasswordPolicy", absent=("NoSuchEntity",)),
    _iam(
        "GetRole",
        "Role",
        "AWS::IAM::Role",
        "RoleId",
        arn="Arn",
        name="RoleName",
        created="CreateDate",
        about="RoleName",
    ),
    _role(
        "ListAttachedRolePolicies",
        "AttachedPolicies",
        "AWS::IAM::ManagedPolicy",
        "PolicyArn",
        arn="PolicyArn",
        name="PolicyName",
    ),
    _role("ListRolePolicies", "PolicyNames", "AWS::IAM::RolePolicy", resource_id="@"),
    _iam(
        "GetRolePolicy",
        "@",
        "AWS::IAM::RolePolicy",
        resource_id="PolicyName",
        name="RoleName",
        for_each="ListRolePolicies",
        given={"RoleName": "_request.RoleName", "PolicyName": "value"},
        about="PolicyName",
    ),
    _iam(
        "GetPolicy",
        "Policy",
        "AWS::IAM::ManagedPolicy",
        resource_id="PolicyId",
        arn="Arn",
        name="PolicyName",
        created="CreateDate",
        for_each="ListAttachedRolePolicies",
        given={"PolicyArn": "PolicyArn"},
        about="PolicyArn",
    ),
    _iam(
        "GetPolicyVersion",
        "PolicyVersion",
        "AWS::IAM::ManagedPolicy",
        created="CreateDate",
        for_each="GetPolicy",
        given={"PolicyArn": "Arn", "VersionId": "DefaultVersionId"},
        about="PolicyArn",
    ),
)
