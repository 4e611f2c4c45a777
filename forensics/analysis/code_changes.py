"""Changes of what a Lambda function runs, as whom, and who may make it run: by whom, when, and from what to what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forensics.case import Case

ASPECTS = {
    "lambda:CreateFunction": "created",
    "lambda:DeleteFunction": "deleted",
    "lambda:UpdateFunctionCode": "code",
    "lambda:UpdateFunctionConfiguration": "configuration",
    "lambda:PublishLayerVersion": "layer",
    "lambda:AddLayerVersionPermission": "layer",
    "lambda:PublishVersion": "version",
    "lambda:CreateAlias": "version",
    "lambda:UpdateAlias": "version",
    "lambda:PutRuntimeManagementConfig": "runtime",
    "lambda:PutFunctionCodeSigningConfig": "code signing",
    "lambda:DeleteFunctionCodeSigningConfig": "code signing",
    "lambda:AddPermission": "who may invoke",
    "lambda:RemovePermission": "who may invoke",
    "lambda:CreateFunctionUrlConfig": "function URL",
    "lambda:UpdateFunctionUrlConfig": "function URL",
    "lambda:CreateEventSourceMapping": "event source",
    "lambda:UpdateEventSourceMapping": "event source",
    "lambda:PutFunctionEventInvokeConfig": "destination",
    "lambda:UpdateFunctionEventInvokeConfig": "destination",
    "events:PutTargets": "event source",
    "iam:AttachRolePolicy": "role",
    "iam:DetachRolePolicy": "role",
    "iam:PutRolePolicy": "role",
    "iam:DeleteRolePolicy": "role",
    "iam:UpdateAssumeRolePolicy": "role",
    "iam:PutRolePermissionsBoundary": "role",
    "iam:DeleteRolePermissionsBoundary": "role",
}
"""What of a function an action changes, by the action without the date that Lambda's API puts after its name."""

RUNS = ("created", "code", "configuration", "version", "runtime")
"""Changes after which other code may run: each begins new execution environments."""

_DATED = "20[0-9]{6}(v[0-9]+)?$"
_FUNCTION = "arn:[a-z0-9-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+"
_LAYER = "arn:[a-z0-9-]+:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+"

_CHANGES = f"""
WITH aspect AS (
  SELECT unnest(CAST($actions AS VARCHAR[])) AS action, unnest(CAST($aspects AS VARCHAR[])) AS aspect
), act AS (
  SELECT e.event_id, e.time, e.action, a.aspect, e.outcome, e.access_key_id, e.source_ip, e.principal, e.resources,
    e.account_id, CAST(c.request_parameters AS VARCHAR) AS asked, CAST(c.response_elements AS VARCHAR) AS answered
  FROM event AS e
  JOIN aspect AS a ON a.action = regexp_replace(e.action, '{_DATED}', '')
  JOIN cloudtrail AS c ON c.object_id = e.object_id
    AND c.record = e.record
  WHERE e.source = 'cloudtrail'
), act_function AS (
  SELECT DISTINCT s.event_id, regexp_extract(u.resource, '{_FUNCTION}') AS function
  FROM act AS s, unnest(s.resources) AS u(resource)
  WHERE regexp_matches(u.resource, '{_FUNCTION}')
  UNION
  SELECT s.event_id, u.function
  FROM act AS s, unnest(regexp_extract_all(s.asked, '{_FUNCTION}')) AS u(function)
  WHERE s.action = 'events:PutTargets'
), act_layer AS (
  SELECT DISTINCT s.event_id, s.aspect, u.layer
  FROM act AS s, unnest(regexp_extract_all(coalesce(s.asked, '') || coalesce(s.answered, ''), '{_LAYER}')) AS u(layer)
), concerned AS (
  SELECT f.event_id, f.function
  FROM act_function AS f
  UNION
  SELECT p.event_id, f.function
  FROM act_layer AS p
  JOIN act_layer AS t ON t.layer = p.layer AND t.aspect IN ('created', 'configuration', 'code')
  JOIN act_function AS f ON f.event_id = t.event_id
  WHERE p.aspect = 'layer'
  UNION
  SELECT s.event_id, w.workload AS function
  FROM act AS s
  JOIN workload AS w ON w.kind = 'lambda_function'
    AND w.account_id = s.account_id
    AND regexp_extract(w.role, '([^/]+)$', 1) = json_extract_string(s.asked, '$.roleName')
  WHERE s.aspect = 'role'
)
SELECT s.event_id, s.time, s.action, s.aspect, s.outcome, s.access_key_id, s.source_ip, s.principal, c.function,
  coalesce(json_extract_string(s.answered, '$.codeSha256'), json_extract_string(s.answered, '$.content.codeSha256')) AS sha256,
  regexp_extract_all(coalesce(json_extract_string(s.asked, '$.layers'), json_extract_string(s.answered, '$.layerVersionArn'), ''),
    '{_LAYER}') AS layers,
  json_extract_string(s.asked, '$.role') AS role,
  json_extract_string(s.asked, '$.handler') AS handler,
  coalesce(json_extract_string(s.asked, '$.authType'), json_extract_string(s.answered, '$.authType')) AS auth_type,
  coalesce(json_extract_string(s.asked, '$.eventSourceArn'), json_extract_string(s.asked, '$.sourceArn'),
    json_extract_string(s.asked, '$.principal'), json_extract_string(s.asked, '$.rule')) AS caller,
  coalesce(json_extract_string(s.asked, '$.policyArn'), json_extract_string(s.asked, '$.policyName')) AS policy,
  json_extract(s.asked, '$.environment') IS NOT NULL AS environment
FROM act AS s
LEFT JOIN concerned AS c ON c.event_id = s.event_id
WHERE coalesce(json_extract_string(s.asked, '$.dryRun'), 'false') <> 'true'
  AND (c.function IS NOT NULL OR s.aspect <> 'role')
ORDER BY s.time, s.event_id, c.function
"""
"""A change of a role concerns the functions that have it; a layer's, those that it was laid under."""


@dataclass(frozen=True)
class Change:
    """A call that changed a function, or tried to: what of it, by which credential from where.

    `function` is None where the call names none; `sha256` that of the code, or of a layer's, after it.
    """

    event_id: str
    time: datetime | None
    action: str
    aspect: str
    outcome: str | None
    access_key_id: str | None
    address: str | None
    principal: str | None
    function: str | None
    sha256: str | None
    layers: tuple[str, ...]
    role: str | None
    handler: str | None
    auth_type: str | None
    caller: str | None
    policy: str | None
    environment: bool

    @property
    def runs_other_code(self) -> bool:
        """Whether execution environments that begin from then on may run other code than before."""
        return self.aspect in RUNS and self.outcome == "success"

    @property
    def details(self) -> str:
        """What the call set, as far as its record has it: values of environment variables never are in it."""
        found = [
            ("layers", ", ".join(self.layers)),
            ("code SHA-256", self.sha256),
            ("role", self.role),
            ("handler", self.handler),
            ("authentication", self.auth_type),
            ("caller", self.caller),
            ("policy", self.policy),
            ("environment variables", "changed" if self.environment else None),
        ]
        return "; ".join(f"{name} {value[:200]}" for name, value in found if value)


def changes(case: Case) -> list[Change]:
    """Every change of a function in evidence, in order of time; one row for each function that it concerns."""
    values = {"actions": list(ASPECTS), "aspects": list(ASPECTS.values())}
    rows = case.sql(_CHANGES, values).rows()
    return [Change(*(*row[:10], tuple(row[10]), *row[11:])) for row in rows]
