"""What each way back gives, in words, and the command that closes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from shlex import quote
from typing import Any

from forensics.analysis.isolation import Command
from forensics.analysis.policy import allows, trusts
from forensics.analysis.ways_back import Way
from forensics.analysis.words import listed

_LONGEST = 300
"""Characters of a text of the record that are shown."""


def gives(way: Way) -> str:
    """What somebody who has it can do, as far as the call itself says."""
    said = _GIVES.get(way.kind.what)
    return said(way) if said else f"{way.kind.what} {way.name}"


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _granted(way: Way) -> str:
    """Rights by an attached policy or by a document."""
    holder = way.owner or "whoever has the policy"
    if document := way.asked.get("policyDocument"):
        return f"{holder} may do: {allows(document)}"
    name = (way.thing or "").rpartition("/")[2]
    if name in {"AdministratorAccess", "PowerUserAccess", "IAMFullAccess"}:
        return f"{holder} has {name}: {'every action on every resource' if name[0] == 'A' else 'nearly everything'}"
    return f"{holder} has what the policy {name} allows; its text is not in this call"


def _version(way: Way) -> str:
    named = way.answered.get("policyVersion")
    version = named.get("versionId") if isinstance(named, dict) else way.asked.get("versionId")
    if not way.asked.get("policyDocument"):
        return f"whoever has the policy has its version {_text(version)}"
    valid = way.asked.get("setAsDefault") is True
    return f"version {_text(version)}{', in force,' if valid else ', not set in force,'} allows {allows(way.asked['policyDocument'])}"


def _trusted(way: Way) -> str:
    document = way.asked.get("assumeRolePolicyDocument") or way.asked.get("policyDocument")
    return f"the role may be assumed by {trusts(document)}"


def _target(way: Way) -> str:
    targets = way.asked.get("targets")
    arns = [_text(item.get("arn")) for item in targets if isinstance(item, dict)] if isinstance(targets, list) else []
    return f"the rule runs {listed(arns) or 'targets that are not named'}"


def _rule(way: Way) -> str:
    if schedule := way.asked.get("scheduleExpression"):
        return f"its targets run by the clock: {_text(schedule)}"
    return (
        f"its targets run on every event that matches {_text(way.asked.get('eventPattern') or 'a pattern not named')}"
    )


def _permission(way: Way) -> str:
    source = way.asked.get("sourceArn") or way.asked.get("sourceAccount")
    return (
        f"{_text(way.asked.get('principal') or 'somebody not named')} may call {_text(way.asked.get('action') or 'it')}"
        + (f" for {_text(source)}" if source else "")
    )


def _url(way: Way) -> str:
    url = way.answered.get("functionUrl")
    open_to = "anybody who knows it, without a credential" if way.asked.get("authType") == "NONE" else "IAM principals"
    return f"the function can be run over {_text(url) if url else 'a URL'} by {open_to}"


def _token(way: Way) -> str:
    given = way.answered.get("credentials")
    until = given.get("expiration") if isinstance(given, dict) else None
    return (
        f"the credential {way.thing} acts with the user's rights until {_text(until or 'it expires')};"
        " switching off the key that asked for it does not end it"
    )


_GIVES: Mapping[str, Callable[[Way], str]] = {
    "user": lambda _: "an identity of its own: keys, a password and policies can be given to it",
    "access key": lambda way: f"whoever has it acts as {way.owner or 'its owner'} until it is switched off",
    "password": lambda way: f"whoever has it can sign in to the console as {way.owner or way.thing}",
    "policy of a user": _granted,
    "policy of a role": _granted,
    "policy of a group": _granted,
    "policy": _granted,
    "policy of a permission set": _granted,
    "version of a policy": _version,
    "membership": lambda way: f"{way.owner} has what the group {way.thing} has",
    "role": _trusted,
    "trust of a role": _trusted,
    "SAML provider": lambda _: "whoever signs its assertions can assume every role that trusts it",
    "OIDC provider": lambda _: "whoever signs its tokens can assume every role that trusts it",
    "MFA device": lambda way: f"its holder passes as the second factor of {way.owner}",
    "removed MFA device": lambda way: f"{way.owner} signs in without that second factor",
    "removed boundary": lambda way: f"nothing bounds the rights of {way.thing} any more",
    "federation token": _token,
    "rule": _rule,
    "target of a rule": _target,
    "schedule": _rule,
    "permission on an event bus": _permission,
    "permission on a function": _permission,
    "function": lambda _: "code that runs with the function's role whenever something invokes it",
    "function URL": _url,
}


def closing(way: Way) -> Iterator[Command]:
    """The command that closes the way, for a person to adapt and run; none where the call does not name enough."""
    made = _CLOSING.get(way.kind.what)
    if made and way.thing:
        yield Command(*made(way, _quoted(way)))


def _quoted(way: Way) -> dict[str, str]:
    names = {"thing": way.thing or "", "owner": way.owner or "", "region": way.region or "us-east-1"}
    return {name: quote(value) for name, value in names.items()}


Made = tuple[str, str]


def _detach(way: Way, q: dict[str, str]) -> Made:
    whose = {"policy of a user": "user", "policy of a role": "role", "policy of a group": "group"}[way.kind.what]
    attached = (way.thing or "").startswith("arn:")
    verb, what = (f"detach-{whose}-policy", "policy-arn") if attached else (f"delete-{whose}-policy", "policy-name")
    return (
        f"take {(way.thing or '').rpartition('/')[2]} from the {whose} {way.owner}",
        f"aws iam {verb} --{whose}-name {q['owner']} --{what} {q['thing']}",
    )


def _revert(way: Way, q: dict[str, str]) -> Made:
    return (
        f"put the former version of {(way.thing or '').rpartition('/')[2]} in force again (look which it was)",
        f"aws iam set-default-policy-version --policy-arn {q['thing']} --version-id FORMER-VERSION",
    )


def _trust_back(way: Way, q: dict[str, str]) -> Made:
    return (
        f"give the role {way.thing} its former trust policy again (from AWS Config or code)",
        f"aws iam update-assume-role-policy --role-name {q['thing']} --policy-document file://FORMER-TRUST.json",
    )


def _no_role(way: Way, q: dict[str, str]) -> Made:
    return (
        f"let nobody assume the role {way.thing}, before its policies are taken and it is deleted",
        f"aws iam put-role-policy --role-name {q['thing']} --policy-name deny-all --policy-document "
        + quote('{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'),
    )


def _token_ends(way: Way, q: dict[str, str]) -> Made:
    user = quote((way.principal or "").rpartition("/")[2])
    deny: dict[str, Any] = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    deny |= {"Condition": {"DateLessThan": {"aws:TokenIssueTime": "REPLACE-WITH-NOW"}}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    return (
        f"end the federation token {q['thing']}: a policy of the user {user} that denies all that was issued before now",
        f"aws iam put-user-policy --user-name {user} --policy-name revoke-older-sessions --policy-document {quote(document)}",
    )


_NO_RUNS = "--reserved-concurrent-executions 0"

_CLOSING: Mapping[str, Callable[[Way, dict[str, str]], Made]] = {
    "rule": lambda way, q: (
        f"stop the rule {way.thing}, before keys are switched off: it may bring them back",
        f"aws events disable-rule --region {q['region']} --name {q['thing']}",
    ),
    "schedule": lambda way, q: (
        f"delete the schedule {way.thing}",
        f"aws scheduler delete-schedule --region {q['region']} --name {q['thing']}",
    ),
    "function": lambda way, q: (
        f"stop the planted function {way.thing}; keep its code as evidence",
        f"aws lambda put-function-concurrency --region {q['region']} --function-name {q['thing']} {_NO_RUNS}",
    ),
    "function URL": lambda way, q: (
        f"close the URL of {way.thing}",
        f"aws lambda delete-function-url-config --region {q['region']} --function-name {q['thing']}",
    ),
    "permission on a function": lambda way, q: (
        f"take the permission {way.thing} from the function {way.owner}",
        f"aws lambda remove-permission --region {q['region']} --function-name {q['owner']} --statement-id {q['thing']}",
    ),
    "permission on an event bus": lambda way, q: (
        f"take the permission {way.thing} from the event bus",
        f"aws events remove-permission --region {q['region']} --statement-id {q['thing']}",
    ),
    "password": lambda way, q: (
        f"take the password of {way.thing}",
        f"aws iam delete-login-profile --user-name {q['thing']}",
    ),
    "policy of a user": _detach,
    "policy of a role": _detach,
    "policy of a group": _detach,
    "version of a policy": _revert,
    "membership": lambda way, q: (
        f"take {way.owner} out of the group {way.thing}",
        f"aws iam remove-user-from-group --user-name {q['owner']} --group-name {q['thing']}",
    ),
    "role": _no_role,
    "trust of a role": _trust_back,
    "SAML provider": lambda way, q: (
        f"delete the SAML provider {(way.thing or '').rpartition('/')[2]}",
        f"aws iam delete-saml-provider --saml-provider-arn {q['thing']}",
    ),
    "OIDC provider": lambda way, q: (
        f"delete the OIDC provider {(way.thing or '').rpartition('/')[2]}",
        f"aws iam delete-open-id-connect-provider --open-id-connect-provider-arn {q['thing']}",
    ),
    "federation token": _token_ends,
}
"""Users and their keys are contained with the intrusion itself."""
