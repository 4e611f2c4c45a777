"""AWS Config rule compliance: how a resource was judged by a rule, and how that changed."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from forensics.key_layout import KeyLayout
from forensics.source import About, BlindSpot, Column, EventMap, Source

COLUMNS = (
    Column("configRuleName", doc="Rule that judged."),
    Column("configRuleARN", doc="ARN of the rule."),
    Column("resourceType", doc="Kind of the resource judged."),
    Column("resourceId", doc="Id of the resource judged."),
    Column("awsAccountId", doc="Account of the resource."),
    Column("awsRegion", doc="Region of the resource."),
    Column("complianceType", doc="COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE, INSUFFICIENT_DATA."),
    Column("oldComplianceType", doc="Of a change: what it was before."),
    Column("annotation", doc="Why, in the rule's words."),
    Column("resultRecordedTime", "TIMESTAMP", "When Config recorded the result."),
    Column("configRuleInvokedTime", "TIMESTAMP", "When the rule was run."),
    Column("orderingTimestamp", "TIMESTAMP", "Time of the change or of the run that was judged."),
    Column("notificationCreationTime", "TIMESTAMP", "Of a change: when it was told."),
    Column("newEvaluationResult", "JSON", "Of a change: the new result, whole."),
    Column("oldEvaluationResult", "JSON", "Of a change: the old result, whole."),
)


_INSTEAD = {"AccountId": "awsAccountId"}
"""Names of aggregators, where a change notification has others."""


def _lower(record: Mapping[str, Any]) -> dict[str, Any]:
    return {_INSTEAD.get(name) or name[:1].lower() + name[1:]: held for name, held in record.items()}


def _api(record: Mapping[str, Any]) -> Mapping[str, Any]:
    qualifier = record.get("EvaluationResultIdentifier")
    held = qualifier.get("EvaluationResultQualifier") if isinstance(qualifier, dict) else None
    return held if isinstance(held, dict) else {}


def claims(record: Mapping[str, Any]) -> bool:
    """A change of compliance, an evaluation result of the API, or a record in the declared form."""
    if "newEvaluationResult" in record or record.get("messageType") == "ComplianceChangeNotification":
        return True
    if "ComplianceType" in record and _api(record):
        return True
    return isinstance(record.get("Compliance"), dict) and bool({"ConfigRuleName", "ResourceId"} & record.keys())


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every form with the members of a change notification; what those do not have stays beside them."""
    found = _lower(record)
    old, new = found.get("oldEvaluationResult"), found.get("newEvaluationResult")
    if isinstance(old, dict):
        found["oldComplianceType"] = old.get("complianceType")
    if isinstance(new, dict):
        found |= {name: found.get(name, held) for name, held in _changed(new).items()}
    for outer in ("evaluationResultIdentifier", "compliance"):
        if isinstance(found.get(outer), dict):
            found = {**_lower(found.pop(outer)), **found}
    qualifier = found.pop("evaluationResultQualifier", None)
    return found | (_lower(qualifier) if isinstance(qualifier, dict) else {})


def _changed(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the new result of a change says, which is kept whole too."""
    inner = result.get("evaluationResultIdentifier")
    found = {name: result.get(name) for name in ("annotation", "resultRecordedTime", "configRuleInvokedTime")}
    found["complianceType"] = result.get("complianceType")
    return found | {"orderingTimestamp": inner.get("orderingTimestamp") if isinstance(inner, dict) else None}


SOURCE = Source(
    name="config_compliance",
    title="AWS Config rule compliance and its changes",
    reference="Example notification of an AWS Config rule compliance change",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "coalesce(s.result_recorded_time, s.notification_creation_time, s.config_rule_invoked_time)",
            "account_id": "coalesce(s.aws_account_id, e.account_id)",
            "region": "coalesce(s.aws_region, e.region)",
            "action": "'config:' || coalesce(s.compliance_type, 'evaluation')",
            "resources": "list_filter([s.resource_id, s.config_rule_arn], lambda r: r IS NOT NULL)",
            "summary": """coalesce(s.resource_type, 'resource') || ' ' || coalesce(s.resource_id, '?')
      || ' by ' || coalesce(s.config_rule_name, 'a rule') || coalesce(': ' || s.compliance_type, '')
      || coalesce(', before ' || s.old_compliance_type, '') || coalesce(' (' || s.annotation || ')', '')""",
        },
    ),
    layouts=(
        KeyLayout(
            "AWSLogs/[{org}/]{account}/Config/{region}/{YYYY}/{M}/{D}/",
            timedelta(hours=30),
            "history every 6 hours; recording may be daily",
        ),
    ),
    about=About(
        recognised="ComplianceChangeNotification in SNS or EventBridge, EvaluationResults of the API",
        delivered="SNS, EventBridge, GetComplianceDetailsByConfigRule and its kin",
        delay="minutes after a rule was run; rules run at changes or by schedule",
        minutes=15,
        organisation="by aggregator; awsAccountId is the account",
        cannot_show=(
            BlindSpot("state", "Why it changed, and by whom."),
            BlindSpot("state", "Results of rules that were deleted: Config drops them."),
        ),
    ),
    claims=claims,
    lists=(
        *("EvaluationResults", "ComplianceByConfigRules", "ComplianceByResources"),
        *("AggregateEvaluationResults", "AggregateComplianceByConfigRules"),
    ),
    reshape=reshape,
    required=("compliance_type",),
    account="s.aws_account_id",
    region="s.aws_region",
)
