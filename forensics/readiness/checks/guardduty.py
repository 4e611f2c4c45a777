"""GuardDuty: detectors, what they look at, where findings are kept, who administers them; and Security Hub."""

from forensics.readiness.check import Check

_DETECTOR = """
SELECT a.account_id, a.region, coalesce(a.resource_id, a.parameters->>'DetectorId', 'detector') AS thing,
  CASE WHEN (a.c->>'Status') = 'ENABLED' THEN 'on' WHEN (a.c->>'Status') = 'DISABLED' THEN 'off' END AS state,
  'GuardDuty' AS destination, '90 days' AS retention,
  m.administrator IS NOT NULL AS organisation_wide, 'administrator ' || m.administrator AS managed_by,
  [CASE WHEN (a.c->>'FindingPublishingFrequency') = 'SIX_HOURS' THEN 'slow_updates' END] AS warnings,
  [a.event_id, m.event_id] AS evidence
FROM answer AS a
LEFT JOIN (
  SELECT b.account_id, b.region, max(b.c->>'AccountId') AS administrator, max(b.event_id) AS event_id
  FROM answer AS b
  WHERE b.api = 'guardduty' AND b.operation IN ('GetAdministratorAccount', 'GetMasterAccount') AND b.c IS NOT NULL
  GROUP BY b.account_id, b.region
) AS m ON m.account_id = a.account_id AND m.region = a.region
WHERE a.api = 'guardduty' AND a.operation = 'GetDetector' AND a.c IS NOT NULL
"""

_FEATURES = """
SELECT d.account_id, d.region, w.feature AS thing,
  CASE WHEN d.listed IS NULL THEN NULL WHEN d.status <> 'ENABLED' THEN 'off'
    WHEN bool_or(f.feature = w.feature AND f.status = 'ENABLED') THEN 'on' ELSE 'off' END AS state,
  [CASE WHEN d.listed IS NOT NULL AND NOT coalesce(bool_or(f.feature = w.feature AND f.status = 'ENABLED'), FALSE)
    THEN 'feature_off' END] AS warnings,
  [d.event_id] AS evidence
FROM (
  SELECT a.account_id, a.region, (a.c->>'Status') AS status, a.c->'Features' AS listed, a.event_id
  FROM answer AS a
  WHERE a.api = 'guardduty' AND a.operation = 'GetDetector' AND a.c IS NOT NULL
) AS d
CROSS JOIN (
  SELECT unnest(['S3_DATA_EVENTS', 'EKS_AUDIT_LOGS', 'RUNTIME_MONITORING', 'LAMBDA_NETWORK_LOGS',
    'EBS_MALWARE_PROTECTION', 'RDS_LOGIN_EVENTS']) AS feature
) AS w
LEFT JOIN (
  SELECT a.event_id, (u.item->>'Name') AS feature, (u.item->>'Status') AS status
  FROM answer AS a, unnest(from_json(a.c->'Features', '["JSON"]')) AS u(item)
  WHERE a.api = 'guardduty' AND a.operation = 'GetDetector'
) AS f ON f.event_id = d.event_id
GROUP BY d.account_id, d.region, w.feature, d.listed, d.status, d.event_id
"""

_EXPORT = """
SELECT a.account_id, a.region, coalesce(a.c->>'DestinationId', a.resource_id) AS thing,
  CASE WHEN (a.c->>'Status') = 'PUBLISHING' THEN 'on' WHEN (a.c->>'Status') IS NULL THEN NULL ELSE 'partly' END AS state,
  coalesce(e.destination, a.c->>'DestinationType') AS destination, 'KMS' AS encryption,
  [CASE WHEN (a.c->>'Status') <> 'PUBLISHING' THEN 'not_delivered' END] AS warnings, [a.event_id, e.event_id] AS evidence
FROM answer AS a
LEFT JOIN (
  SELECT b.account_id, b.region, (b.parameters->>'DestinationId') AS id, (b.c->'DestinationProperties'->>'DestinationArn') AS destination,
    b.event_id
  FROM answer AS b
  WHERE b.api = 'guardduty' AND b.operation = 'DescribePublishingDestination' AND b.c IS NOT NULL
) AS e ON e.account_id = a.account_id AND e.region = a.region AND e.id = (a.c->>'DestinationId')
WHERE a.api = 'guardduty' AND a.operation = 'ListPublishingDestinations' AND a.c IS NOT NULL
"""

_HUB = """
SELECT a.account_id, a.region, (a.c->>'HubArn') AS thing, 'on' AS state, 'Security Hub' AS destination,
  '90 days' AS retention, m.administrator IS NOT NULL AS organisation_wide, 'administrator ' || m.administrator AS managed_by,
  [a.event_id, m.event_id] AS evidence
FROM answer AS a
LEFT JOIN (
  SELECT b.account_id, b.region, max(b.c->>'AccountId') AS administrator, max(b.event_id) AS event_id
  FROM answer AS b
  WHERE b.api = 'securityhub' AND b.operation = 'GetAdministratorAccount' AND b.c IS NOT NULL
  GROUP BY b.account_id, b.region
) AS m ON m.account_id = a.account_id AND m.region = a.region
WHERE a.api = 'securityhub' AND a.operation = 'DescribeHub' AND (a.c->>'HubArn') IS NOT NULL
"""

_LIST = ("guardduty", "ListDetectors")
_GET = ("guardduty", "GetDetector")
_UPDATES = {"slow_updates": "later occurrences of a finding are published every six hours only"}

CHECKS = (
    Check(
        "guardduty",
        "GuardDuty",
        "Getting started with GuardDuty",
        "stolen credentials, odd callers and known bad addresses, without anybody searching",
        (_LIST, _GET),
        _DETECTOR,
        delay="minutes; updates of a finding every 15 minutes to 6 hours",
        cost="per event and GB analysed; 30 days free in each Region",
        kind="guardduty",
        fold="any",
        empty="off",
        warnings=_UPDATES,
    ),
    Check(
        "guardduty_features",
        "GuardDuty protection plans",
        "GuardDuty feature activation",
        "S3 data events, EKS audit logs, runtime, Lambda networks, malware, RDS logins: seen by GuardDuty only if chosen",
        (_LIST, _GET),
        _FEATURES,
        delay="as GuardDuty",
        cost="each plan has its own price",
        kind="guardduty",
        empty="off",
        warnings={"feature_off": "the protection plan is off"},
    ),
    Check(
        "guardduty_export",
        "GuardDuty findings kept in S3",
        "Exporting generated GuardDuty findings to Amazon S3 buckets",
        "findings older than 90 days",
        (_LIST, ("guardduty", "ListPublishingDestinations")),
        _EXPORT,
        delay="5 minutes for new findings",
        cost="S3 storage, KMS requests",
        kind="guardduty",
        fold="any",
        empty="off",
        warnings={"not_delivered": "findings do not arrive at the destination"},
    ),
    Check(
        "security_hub",
        "Security Hub",
        "Enabling Security Hub CSPM",
        "findings of all products and accounts in one place",
        (("securityhub", "DescribeHub"),),
        _HUB,
        delay="minutes",
        cost="per check and finding ingested",
        kind="security_hub",
        fold="any",
        empty="off",
    ),
)
