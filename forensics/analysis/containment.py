"""Commands that contain an intrusion, for a person to read, adapt and run; nothing here runs them."""

from __future__ import annotations

import json
from shlex import quote

from forensics.analysis.intrusion import Intrusion
from forensics.analysis.isolation import Command, in_phases, isolation

_KEYS = """
SELECT k.access_key_id, k.kind, k.principal, p.name, p.kind AS principal_kind
FROM credential AS k
LEFT JOIN principal AS p ON p.principal = k.principal
WHERE k.access_key_id IN (SELECT u.key FROM unnest(CAST(? AS VARCHAR[])) AS u(key))
ORDER BY k.access_key_id
"""

_USERS = """
SELECT regexp_extract(u.resource, ':user/(.*)$', 1) AS name
FROM timeline AS t, unnest(t.resources) AS u(resource)
WHERE t.action = 'iam:CreateUser' AND t.outcome = 'success' AND u.resource LIKE 'arn:%:user/%'
GROUP BY regexp_extract(u.resource, ':user/(.*)$', 1)
ORDER BY name
"""

_SECRETS = """
SELECT u.resource, min(t.region) AS region
FROM timeline AS t, unnest(t.resources) AS u(resource)
WHERE t.action = 'secretsmanager:GetSecretValue' AND t.outcome = 'success'
GROUP BY u.resource
ORDER BY u.resource
"""

_RUNNING = """
SELECT w.workload
FROM workload AS w
WHERE list_contains(CAST(? AS VARCHAR[]), w.workload)
  AND w.stopped_at IS NULL
ORDER BY w.workload
"""

_REVOKE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"DateLessThan": {"aws:TokenIssueTime": "REPLACE-WITH-NOW"}},
        }
    ],
}


def containment(intrusion: Intrusion, workload: str | None = None) -> list[Command]:
    """Preserve what still is, cut the credentials off, isolate and stop the workloads; in that order."""
    keys = intrusion.case.sql(_KEYS, (list(intrusion.keys),)).rows()
    found = [
        _of_key(str(key), str(kind), principal=principal, name=name, principal_kind=principal_kind)
        for key, kind, principal, name, principal_kind in keys
    ]
    made = [item for item in found if item]
    made += [_of_user(str(user)) for (user,) in intrusion.calls.select(_USERS).rows()]
    made += [_of_secret(str(secret), str(region)) for secret, region in intrusion.calls.select(_SECRETS).rows()]
    running = [str(item) for (item,) in intrusion.case.sql(_RUNNING, (list(intrusion.launched),)).rows()]
    made += isolation(intrusion.case, [*([workload] if workload else []), *running])
    return in_phases(made)


def _of_key(
    key: str, kind: str, *, principal: str | None, name: str | None, principal_kind: str | None
) -> Command | None:
    user = name or (principal or "").rpartition("/")[2]
    if kind == "long_term" and principal_kind == "root":
        return Command(
            f"switch off the access key {key} of the account's root, signed in as root",
            f"aws iam update-access-key --access-key-id {quote(key)} --status Inactive",
        )
    if kind == "long_term" and user:
        return Command(
            f"switch off the access key {key} of {user}",
            f"aws iam update-access-key --user-name {quote(user)} --access-key-id {quote(key)} --status Inactive",
        )
    if principal_kind == "role" or (principal or "").find(":role/") > 0:
        return revoked(user)
    return None


def revoked(role: str) -> Command:
    """End every session of a role, by its name."""
    return Command(
        f"revoke every session of the role {role} issued before now (put in the present time)",
        f"aws iam put-role-policy --role-name {quote(role)} --policy-name AWSRevokeOlderSessions"
        f" --policy-document {quote(json.dumps(_REVOKE))}",
    )


def _of_user(name: str) -> Command:
    return Command(
        f"deny everything to the user {name} that was created",
        f"aws iam attach-user-policy --user-name {quote(name.rpartition('/')[2])}"
        " --policy-arn arn:aws:iam::aws:policy/AWSDenyAll",
    )


def _of_secret(secret: str, region: str) -> Command:
    return Command(
        f"rotate the secret {secret} that was read, once its consumers are ready",
        f"aws secretsmanager rotate-secret --region {quote(region)} --secret-id {quote(secret)}",
        "afterwards",
    )
