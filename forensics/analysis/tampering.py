"""Acts against logs: what was switched off, narrowed or thrown away, and what that does to which log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from forensics.analysis.deeds import Deed, Kind
from forensics.analysis.words import listed
from forensics.timeline import Timeline

_TRAIL, _DETECTOR, _BUCKET, _GROUP, _KEY = "$.name", "$.detectorId", "$.bucketName", "$.logGroupName", "$.keyId"
_RECORDER = "$.configurationRecorderName"
_STARTED = (("cloudtrail:StartLogging", _TRAIL),)
_SELECTED = (("cloudtrail:PutEventSelectors", "$.trailName"),)
_CONFIGURED = (("config:StartConfigurationRecorder", _RECORDER),)

KINDS: tuple[Kind, ...] = (
    Kind("cloudtrail:StopLogging", "trail stopped", _TRAIL, ends=_STARTED),
    Kind("cloudtrail:DeleteTrail", "trail deleted", _TRAIL, ends=(("cloudtrail:CreateTrail", _TRAIL),)),
    Kind("cloudtrail:UpdateTrail", "trail changed", _TRAIL, ends=(("cloudtrail:UpdateTrail", _TRAIL),)),
    Kind("cloudtrail:PutEventSelectors", "trail narrowed", "$.trailName", ends=_SELECTED),
    Kind("cloudtrail:PutInsightSelectors", "insights changed", "$.trailName"),
    Kind("cloudtrail:DeleteEventDataStore", "event data store deleted", "$.eventDataStore"),
    Kind("cloudtrail:StopEventDataStoreIngestion", "event data store stopped", "$.eventDataStore"),
    Kind(
        "guardduty:UpdateDetector",
        "detector changed",
        _DETECTOR,
        ends=(("guardduty:UpdateDetector", _DETECTOR),),
    ),
    Kind("guardduty:DeleteDetector", "detector deleted", _DETECTOR),
    Kind(
        "guardduty:CreateFilter",
        "findings filtered",
        "$.name",
        None,
        _DETECTOR,
        (("guardduty:DeleteFilter", "$.filterName"),),
    ),
    Kind("guardduty:UpdateFilter", "findings filtered", "$.filterName", None, _DETECTOR),
    Kind("guardduty:CreateIPSet", "addresses trusted", "$.name", None, _DETECTOR),
    Kind("guardduty:UpdateIPSet", "addresses trusted", "$.ipSetId", None, _DETECTOR),
    Kind("guardduty:ArchiveFindings", "findings archived", _DETECTOR),
    Kind("guardduty:DeletePublishingDestination", "findings' export deleted", "$.destinationId", None, _DETECTOR),
    Kind("guardduty:DisassociateFromAdministratorAccount", "detector left its administrator", _DETECTOR),
    Kind("config:StopConfigurationRecorder", "recorder stopped", _RECORDER, ends=_CONFIGURED),
    Kind("config:DeleteConfigurationRecorder", "recorder deleted", _RECORDER, ends=_CONFIGURED),
    Kind("config:DeleteDeliveryChannel", "delivery channel deleted", "$.deliveryChannelName"),
    Kind("config:PutConfigurationRecorder", "recorder changed", "$.configurationRecorder.name"),
    Kind("ec2:DeleteFlowLogs", "flow logs deleted", "$.DeleteFlowLogsRequest.FlowLogId.content"),
    Kind("logs:PutRetentionPolicy", "retention changed", _GROUP, ends=(("logs:PutRetentionPolicy", _GROUP),)),
    Kind("logs:DeleteLogGroup", "log group deleted", _GROUP, ends=(("logs:CreateLogGroup", _GROUP),)),
    Kind("logs:DeleteLogStream", "log stream deleted", "$.logStreamName", None, _GROUP),
    Kind("logs:DeleteSubscriptionFilter", "subscription deleted", "$.filterName", None, _GROUP),
    Kind(
        "s3:PutBucketLifecycle",
        "lifecycle of a log bucket",
        _BUCKET,
        ends=(("s3:PutBucketLifecycle", _BUCKET), ("s3:DeleteBucketLifecycle", _BUCKET)),
    ),
    Kind("s3:PutBucketVersioning", "versioning of a log bucket", _BUCKET, ends=(("s3:PutBucketVersioning", _BUCKET),)),
    Kind("s3:PutBucketPolicy", "policy of a log bucket", _BUCKET, ends=(("s3:PutBucketPolicy", _BUCKET),)),
    Kind("s3:PutBucketEncryption", "encryption of a log bucket", _BUCKET, ends=(("s3:PutBucketEncryption", _BUCKET),)),
    Kind("s3:PutBucketLogging", "access log of a bucket", _BUCKET, ends=(("s3:PutBucketLogging", _BUCKET),)),
    Kind("s3:DeleteBucket", "log bucket deleted", _BUCKET),
    Kind("s3:DeleteObject", "log file deleted", "$.key", None, _BUCKET),
    Kind("s3:DeleteObjects", "log files deleted", _BUCKET),
    Kind("kms:DisableKey", "key disabled", _KEY, ends=(("kms:EnableKey", _KEY),)),
    Kind("kms:ScheduleKeyDeletion", "key scheduled for deletion", _KEY, ends=(("kms:CancelKeyDeletion", _KEY),)),
    Kind("route53resolver:DeleteResolverQueryLogConfig", "query log deleted", "$.resolverQueryLogConfigId"),
    Kind(
        "route53resolver:DisassociateResolverQueryLogConfig", "query log taken from a VPC", "$.resolverQueryLogConfigId"
    ),
    Kind("elasticloadbalancing:ModifyLoadBalancerAttributes", "balancer changed", "$.loadBalancerArn"),
    Kind("wafv2:DeleteLoggingConfiguration", "log of the web ACL deleted", "$.resourceArn"),
    Kind("securityhub:DisableSecurityHub", "Security Hub switched off"),
    Kind("eks:UpdateClusterConfig", "cluster changed", _TRAIL),
    Kind("organizations:LeaveOrganization", "account left its organization"),
)

STARTS: tuple[Kind, ...] = (
    Kind("cloudtrail:CreateTrail", "trail made", _TRAIL),
    Kind("cloudtrail:StartLogging", "trail started", _TRAIL),
    Kind("guardduty:CreateDetector", "detector made", None, "$.detectorId"),
    Kind("config:StartConfigurationRecorder", "recorder started", _RECORDER),
    Kind("ec2:CreateFlowLogs", "flow logs made"),
    Kind("wafv2:PutLoggingConfiguration", "log of the web ACL made", "$.loggingConfiguration.resourceArn"),
    Kind(
        "route53resolver:AssociateResolverQueryLogConfig",
        "query log put on a VPC",
        "$.resolverQueryLogConfigId",
    ),
)
"""Calls that switch a log on, besides those that switch both ways."""

ACTIONS: tuple[str, ...] = tuple(kind.action for kind in KINDS)

LOG_BUCKETS = """
SELECT DISTINCT 'arn:aws:s3:::' || b.bucket AS bucket
FROM (
  SELECT regexp_extract(v.uri, '([^/]+)/AWSLogs/', 1) AS bucket
  FROM evidence AS v
  UNION ALL
  SELECT regexp_extract(v.uri, '([^/]+)/[^/]+/AWSLogs/', 1) AS bucket
  FROM evidence AS v
  UNION ALL
  SELECT json_extract_string(c.request_parameters, '$.s3BucketName') AS bucket
  FROM cloudtrail AS c
  WHERE c.event_source = 'cloudtrail.amazonaws.com'
) AS b
WHERE b.bucket <> '' AND b.bucket NOT LIKE '%/%'
"""
"""Buckets with logs: of objects in evidence, and those that a trail was told to write to."""

OF_LOGS = """(action NOT LIKE 's3:%' OR action = 's3:PutBucketLogging' OR list_has_any(resources, CAST(? AS VARCHAR[]))
  OR array_to_string(resources, ' ') LIKE '%/AWSLogs/%')"""
"""A bucket's lifecycle is an act against logs only where logs are in the bucket."""


def of_logs(calls: Timeline) -> Timeline:
    """Those of calls of `ACTIONS` that are against logs."""
    return calls.where(OF_LOGS, [str(row[0]) for row in calls.case.sql(LOG_BUCKETS).rows()])


SILENCES: Mapping[str, str] = {
    "trail stopped": "cloudtrail",
    "trail deleted": "cloudtrail",
    "detector changed": "guardduty",
    "detector deleted": "guardduty",
    "recorder stopped": "config_item",
    "recorder deleted": "config_item",
    "flow logs deleted": "vpc_flow",
    "query log deleted": "route53_resolver",
    "query log taken from a VPC": "route53_resolver",
    "access log of a bucket": "s3_access",
    "balancer changed": "alb",
    "log of the web ACL deleted": "waf",
    "cluster changed": "eks_audit",
}
"""Acts after which a log has nothing, and the source that is."""


def effect(deed: Deed) -> str:
    """What the act does to the log, as far as the call itself says."""
    said = _EFFECT.get(deed.kind.what)
    return said(deed) if said else deed.kind.what


def silences(deed: Deed) -> str | None:
    """The source that has nothing after the act; None where it goes on."""
    switched = _SWITCHES.get(deed.kind.what)
    if switched and switched(deed) is not False:
        return None
    return SILENCES.get(deed.kind.what)


def switched_on(deed: Deed) -> bool:
    """Whether a call that can switch a log on or off switched it on."""
    switched = _SWITCHES.get(deed.kind.what)
    return bool(switched and switched(deed))


def _access_log(deed: Deed) -> bool | None:
    status = deed.asked.get("BucketLoggingStatus")
    return bool(status.get("LoggingEnabled")) if isinstance(status, dict) else None


def _balancer(deed: Deed) -> bool | None:
    for item in _items(deed.asked.get("attributes")):
        if item.get("key") == "access_logs.s3.enabled":
            return str(item.get("value")).lower() == "true"
    return None


def _cluster(deed: Deed) -> bool | None:
    logging = deed.asked.get("logging")
    found = _items(logging.get("clusterLogging")) if isinstance(logging, dict) else []
    audits = [item.get("enabled") for item in found if "audit" in (item.get("types") or ())]
    return bool(audits[-1]) if audits else None


_SWITCHES: Mapping[str, Callable[[Deed], bool | None]] = {
    "detector changed": lambda deed: deed.asked.get("enable"),
    "access log of a bucket": _access_log,
    "balancer changed": _balancer,
    "cluster changed": _cluster,
}
"""Calls that switch on as well as off: TRUE on, FALSE off, None neither."""


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:300]


def _items(value: Any) -> list[dict[str, Any]]:
    every = value if isinstance(value, list) else [value]
    return [item for item in every if isinstance(item, dict)]


def _selectors(deed: Deed) -> str:
    found = _items(deed.asked.get("eventSelectors"))
    if not found:
        return f"the trail records what its advanced selectors say: {_text(deed.asked.get('advancedEventSelectors'))}"
    said = []
    for item in found:
        kind = {"WriteOnly": "writes only, no reads", "ReadOnly": "reads only, no writes"}.get(
            str(item.get("readWriteType")), "reads and writes"
        )
        data = listed([_text(thing.get("type")) for thing in _items(item.get("dataResources"))]) or "none"
        management = "" if item.get("includeManagementEvents") is not False else ", no management events"
        without = (
            f", without {_text(item['excludeManagementEventSources'])}"
            if item.get("excludeManagementEventSources")
            else ""
        )
        said.append(f"{kind}{management}{without}; data events: {data}")
    return f"from then on the trail records {'; '.join(said)}"


def _trail(deed: Deed) -> str:
    changed = {key: value for key, value in deed.asked.items() if key != "name"}
    return f"the trail is changed: {_text(changed)}"


def _detector(deed: Deed) -> str:
    if deed.asked.get("enable") is False:
        return "GuardDuty is switched off: nothing is detected from then on"
    return f"the detector is changed: {_text({key: value for key, value in deed.asked.items() if key != 'detectorId'})}"


def _filter(deed: Deed) -> str:
    if deed.asked.get("action") == "ARCHIVE":
        return "findings that match the filter are archived unseen, and are not sent on"
    return f"a filter of findings, action {_text(deed.asked.get('action') or 'not named')}"


def _retention(deed: Deed) -> str:
    days = deed.asked.get("retentionInDays")
    return f"what is older than {_text(days)} {'day' if days == 1 else 'days'} is deleted from the log group"


def _lifecycle(deed: Deed) -> str:
    asked = deed.asked.get("LifecycleConfiguration")
    rules = _items(asked.get("Rule")) if isinstance(asked, dict) else []
    days = [item["Expiration"].get("Days") for item in rules if isinstance(item.get("Expiration"), dict)]
    kept = listed([_text(number) for number in days if number is not None])
    return f"objects of the bucket are deleted after {kept} day(s)" if kept else "the bucket's lifecycle is changed"


_EFFECT: Mapping[str, Callable[[Deed], str]] = {
    "trail stopped": lambda _: "the trail records nothing from then on",
    "trail deleted": lambda _: "the trail records nothing from then on; what it delivered stays in its bucket",
    "trail changed": _trail,
    "trail narrowed": _selectors,
    "detector changed": _detector,
    "detector deleted": lambda _: "GuardDuty is switched off, and its findings in the account are deleted",
    "findings filtered": _filter,
    "addresses trusted": lambda _: "GuardDuty reports nothing of the addresses in the list",
    "recorder stopped": lambda _: "AWS Config records no change of configuration from then on",
    "recorder deleted": lambda _: "AWS Config records no change of configuration from then on",
    "flow logs deleted": lambda _: "no flow of that network is recorded from then on; what was delivered stays",
    "retention changed": _retention,
    "log group deleted": lambda _: "every line of the log group is deleted, and cannot be brought back",
    "log stream deleted": lambda _: "every line of the log stream is deleted, and cannot be brought back",
    "lifecycle of a log bucket": _lifecycle,
    "key disabled": lambda _: "what is encrypted under the key, logs among it, cannot be read",
    "key scheduled for deletion": lambda deed: (
        "what is encrypted under the key, logs among it, is lost"
        f" after {_text(deed.asked.get('pendingWindowInDays') or 30)} days, unless that is cancelled before"
    ),
}
