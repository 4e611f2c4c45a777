"""Ways back: what somebody leaves in an account to return by, and whether evidence shows it gone again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from forensics.case import Case
from forensics.jsons import parsed
from forensics.timeline import Timeline


@dataclass(frozen=True)
class Kind:
    """A call that opens a way: what it makes, where its request or answer names that and whose it is, and what ends it.

    `thing`, `answer` and `owner` are JSON paths into the request, the answer and the request; `ends` are pairs of an
    action and the path in its request that names the same thing, or, with `of_owner`, the same owner.
    """

    action: str
    what: str
    thing: str | None = None
    answer: str | None = None
    owner: str | None = None
    ends: tuple[tuple[str, str], ...] = ()
    of_owner: tuple[tuple[str, str], ...] = ()


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

_WAYS = """
SELECT t.event_id, t.time, t.action, t.principal, t.access_key_id, t.source_ip, t.region, t.resources, k.kind,
  regexp_replace(coalesce(json_extract_string(c.response_elements, k.answer),
    json_extract_string(c.request_parameters, k.thing)), '^arn:.*:function:', '') AS thing,
  regexp_replace(json_extract_string(c.request_parameters, k.owner), '^arn:.*:function:', '') AS owner,
  CAST(c.request_parameters AS VARCHAR) AS asked, CAST(c.response_elements AS VARCHAR) AS answered
FROM timeline AS t
JOIN cloudtrail AS c ON c.object_id = t.object_id AND c.record = t.record
JOIN (
  SELECT unnest(CAST(? AS VARCHAR[])) AS action, unnest(CAST(? AS BIGINT[])) AS kind, unnest(CAST(? AS VARCHAR[])) AS thing,
    unnest(CAST(? AS VARCHAR[])) AS answer, unnest(CAST(? AS VARCHAR[])) AS owner
) AS k ON k.action = regexp_replace(t.action, '[0-9]{8}(v[0-9]+)?$', '')
WHERE t.outcome = 'success'
ORDER BY t.time, t.event_id
"""

_ENDED = """
SELECT w.event_id, arg_min(e.event_id, (e.time, e.event_id)) AS ended_by, min(e.time) AS time,
  arg_min(e.principal, (e.time, e.event_id)) AS principal, arg_min(e.action, (e.time, e.event_id)) AS action
FROM (
  SELECT unnest(CAST(? AS VARCHAR[])) AS event_id, unnest(CAST(? AS TIMESTAMP[])) AS time,
    unnest(CAST(? AS VARCHAR[])) AS name, unnest(CAST(? AS VARCHAR[])) AS action, unnest(CAST(? AS VARCHAR[])) AS path,
    unnest(CAST(? AS VARCHAR[])) AS owner, unnest(CAST(? AS VARCHAR[])) AS owner_path
) AS w
JOIN event AS e ON e.source = 'cloudtrail' AND e.outcome = 'success' AND e.time > w.time
  AND regexp_replace(e.action, '[0-9]{8}(v[0-9]+)?$', '') = w.action
JOIN cloudtrail AS c ON c.object_id = e.object_id AND c.record = e.record
WHERE regexp_replace(json_extract_string(c.request_parameters, w.path), '^arn:.*:function:', '') = w.name
  AND coalesce(json_extract_string(c.request_parameters, w.owner_path), w.owner, '') = coalesce(w.owner, '')
  AND coalesce(json_extract_string(c.request_parameters, '$.status'), 'Inactive') <> 'Active'
GROUP BY w.event_id
"""
"""An access key that is set active is not ended."""


@dataclass(frozen=True)
class End:
    """The first call after a way was opened that ends it, or changes it again."""

    event_id: str
    time: datetime
    principal: str | None
    action: str


@dataclass(frozen=True)
class Way:
    """A way back: the call that opened it, with which credential from where, what it made, and what ended it."""

    event_id: str
    time: datetime | None
    action: str
    principal: str | None
    access_key_id: str | None
    address: str | None
    region: str | None
    resources: tuple[str, ...]
    kind: Kind
    thing: str | None
    owner: str | None
    asked: dict[str, Any]
    answered: dict[str, Any]
    end: End | None = None

    @property
    def name(self) -> str:
        """The thing, and whose it is."""
        thing = self.thing or "(not named)"
        return f"{thing} of {self.owner}" if self.owner and self.owner != self.thing else thing


def ways(case: Case, calls: Timeline) -> list[Way]:
    """The ways that those calls opened and that succeeded, in order of time."""
    lists = (
        list(ACTIONS),
        list(range(len(KINDS))),
        [kind.thing for kind in KINDS],
        [kind.answer for kind in KINDS],
        [kind.owner for kind in KINDS],
    )
    found = [_way(row) for row in calls.select(_WAYS, *lists).rows()]
    ended = _ended(case, found)
    return [replace(way, end=ended.get(way.event_id)) for way in found]


def _way(row: tuple[Any, ...]) -> Way:
    event_id, time, action, principal, key, address, region, resources, kind, thing, owner, asked, answered = row
    return Way(
        event_id,
        time,
        action,
        principal,
        key,
        address,
        region,
        tuple(resources or ()),
        KINDS[kind],
        thing,
        owner,
        _object(asked),
        _object(answered),
    )


def _object(text: str | None) -> dict[str, Any]:
    value = parsed(text) if text else None
    return value if isinstance(value, dict) else {}


def _ended(case: Case, found: Sequence[Way]) -> dict[str, End]:
    looked_for = [
        (way.event_id, way.time, name, action, path, way.owner, way.kind.owner)
        for way in found
        for name, pairs in ((way.thing, way.kind.ends), (way.owner, way.kind.of_owner))
        for action, path in pairs
        if name and way.time
    ]
    if not looked_for:
        return {}
    columns = [list(column) for column in zip(*looked_for, strict=True)]
    rows = case.sql(_ENDED, tuple(columns)).rows()
    return {row[0]: End(*row[1:]) for row in rows}
