"""CloudTrail: management, data, Insights and network activity events of the trails that reach into a Region."""

from forensics.readiness.check import RETENTION, Check
from forensics.readiness.latest import retained

_TRAILS = """,
trail AS (
  SELECT a.account_id, a.region, (a.c->>'Name') AS name, (a.c->>'TrailARN') AS arn, (a.c->>'HomeRegion') AS home,
    (a.c->>'IsMultiRegionTrail') = 'true' AS multi, (a.c->>'IsOrganizationTrail') = 'true' AS organisation,
    (a.c->>'S3BucketName') AS bucket, (a.c->>'S3KeyPrefix') AS prefix, (a.c->>'KmsKeyId') AS kms,
    (a.c->>'LogFileValidationEnabled') = 'true' AS validated, a.event_id
  FROM answer AS a
  WHERE a.api = 'cloudtrail' AND a.operation = 'DescribeTrails' AND a.c IS NOT NULL
),
logging AS (
  SELECT a.account_id, (a.parameters->>'Name') AS trail, max(a.c->>'IsLogging') AS logging,
    max(a.c->>'LatestDeliveryError') AS problem, max(a.event_id) AS event_id
  FROM answer AS a
  WHERE a.api = 'cloudtrail' AND a.operation = 'GetTrailStatus' AND a.c IS NOT NULL
  GROUP BY a.account_id, (a.parameters->>'Name')
),
selector AS (
  SELECT a.account_id, a.trail, u.said AS chosen, CAST(u.said AS VARCHAR) AS said, a.event_id
  FROM (
    SELECT b.account_id, (b.parameters->>'TrailName') AS trail, b.event_id,
      CASE WHEN json_array_length(b.c->'AdvancedEventSelectors') > 0 THEN b.c->'AdvancedEventSelectors'
        WHEN json_array_length(b.c->'EventSelectors') > 0 THEN b.c->'EventSelectors'
        ELSE CAST('[{"IncludeManagementEvents":true,"ReadWriteType":"All"}]' AS JSON) END AS listed
    FROM answer AS b
    WHERE b.api = 'cloudtrail' AND b.operation = 'GetEventSelectors' AND b.c IS NOT NULL
  ) AS a, unnest(from_json(a.listed, '["JSON"]')) AS u(said)
),
chosen AS (
  SELECT s.account_id, s.trail, max({rank}) AS rank, max(s.event_id) AS event_id
  FROM selector AS s
  GROUP BY s.account_id, s.trail
)
SELECT t.account_id, t.region, t.name AS thing,
  CASE WHEN l.logging = 'false' THEN 'off' WHEN l.logging IS NULL OR d.rank IS NULL THEN NULL
    WHEN d.rank = 2 THEN 'on' WHEN d.rank = 1 THEN 'partly' ELSE 'off' END AS state,
  CASE WHEN t.multi THEN 'all Regions' ELSE 'Region ' || coalesce(t.home, t.region) END AS scope,
  's3://' || t.bucket || coalesce('/' || t.prefix, '') AS destination, b.retention,
  CASE WHEN t.kms IS NOT NULL THEN 'SSE-KMS' ELSE coalesce(b.encryption, 'SSE-S3') END AS encryption,
  concat_ws(', ', CASE WHEN t.validated THEN 'digests' ELSE 'no digests' END, b.integrity) AS integrity,
  coalesce(t.organisation, FALSE) AS organisation_wide,
  CASE WHEN t.organisation THEN 'organisation trail' END AS managed_by,
  [CASE WHEN NOT t.multi THEN 'single_region' END, CASE WHEN NOT t.validated THEN 'no_validation' END,
    CASE WHEN l.logging = 'false' THEN 'stopped' END, CASE WHEN l.problem <> '' THEN 'not_delivered' END,
    CASE WHEN d.rank = 1 THEN 'narrowed' END, {retained}] AS warnings,
  [t.event_id, l.event_id, d.event_id] AS evidence
FROM trail AS t
LEFT JOIN logging AS l ON l.account_id = t.account_id AND l.trail IN (t.arn, t.name)
LEFT JOIN chosen AS d ON d.account_id = t.account_id AND d.trail IN (t.arn, t.name)
LEFT JOIN bucket AS b ON b.bucket = t.bucket
"""

_MANAGEMENT = """CASE
      WHEN s.said LIKE '%"eventCategory"%' THEN CASE WHEN s.said NOT LIKE '%"Management"%' THEN 0
        WHEN s.said LIKE '%"readOnly"%' OR s.said LIKE '%"NotEquals"%' THEN 1 ELSE 2 END
      WHEN (s.chosen->>'IncludeManagementEvents') = 'true' THEN
        CASE WHEN (s.chosen->>'ReadWriteType') = 'All' AND s.said NOT LIKE '%"ExcludeManagementEventSources":["%' THEN 2 ELSE 1 END
      ELSE 0 END"""

_DATA = """CASE
      WHEN s.said NOT LIKE '%"{type}"%' THEN 0
      WHEN s.said LIKE '%"eventCategory"%' THEN
        CASE WHEN s.said LIKE '%"resources.ARN"%' OR s.said LIKE '%"readOnly"%' OR s.said LIKE '%"eventName"%' THEN 1 ELSE 2 END
      WHEN (s.chosen->>'ReadWriteType') = 'All' AND regexp_matches(s.said, '"arn:aws[a-z-]*:{all}"') THEN 2 ELSE 1 END"""

_NETWORK = (
    """CASE WHEN s.said NOT LIKE '%"NetworkActivity"%' THEN 0 WHEN s.said LIKE '%"errorCode"%' THEN 1 ELSE 2 END"""
)

"""How much of its events a selector chooses: 2 all, 1 some, 0 none. A trail without one logs management events whole."""

_INSIGHTS = """,
trail AS (
  SELECT a.account_id, a.region, (a.c->>'Name') AS name, (a.c->>'TrailARN') AS arn, (a.c->>'S3BucketName') AS bucket,
    (a.c->>'IsOrganizationTrail') = 'true' AS organisation, (a.c->>'HasInsightSelectors') AS has, a.event_id
  FROM answer AS a
  WHERE a.api = 'cloudtrail' AND a.operation = 'DescribeTrails' AND a.c IS NOT NULL
)
SELECT t.account_id, t.region, t.name AS thing,
  CASE WHEN i.said LIKE '%Insight%' THEN
      CASE WHEN i.said LIKE '%ApiErrorRateInsight%' AND i.said LIKE '%ApiCallRateInsight%' THEN 'on' ELSE 'partly' END
    WHEN t.has = 'true' THEN 'on' WHEN t.has = 'false' OR i.event_id IS NOT NULL THEN 'off' END AS state,
  's3://' || t.bucket AS destination, coalesce(t.organisation, FALSE) AS organisation_wide, [t.event_id, i.event_id] AS evidence
FROM trail AS t
LEFT JOIN (
  SELECT a.account_id, (a.parameters->>'TrailName') AS trail, string_agg(CAST(a.c AS VARCHAR), ' ') AS said,
    max(a.event_id) AS event_id
  FROM answer AS a
  WHERE a.api = 'cloudtrail' AND a.operation = 'GetInsightSelectors'
    AND (a.c IS NOT NULL OR a.error_code IS NULL OR a.error_code = 'InsightNotEnabledException')
  GROUP BY a.account_id, (a.parameters->>'TrailName')
) AS i ON i.account_id = t.account_id AND i.trail IN (t.arn, t.name)
"""

_TRAIL = ("cloudtrail", "DescribeTrails")
_STATUS = ("cloudtrail", "GetTrailStatus")
_SELECTORS = ("cloudtrail", "GetEventSelectors")
_DELAY = "about 5 minutes, no promise"
_WARNINGS = {
    "single_region": "the trail sees its own Region only: what is done in another one leaves no record",
    "no_validation": "no digest files: that log files are whole and unaltered cannot be shown",
    "stopped": "the trail is there and does not log",
    "not_delivered": "the last delivery failed",
    "narrowed": "selectors leave a part of the events out",
} | RETENTION

_NARROWED = {"narrowed": _WARNINGS["narrowed"]}
"""What else is wrong with a trail is said of its management events."""


def _of_trails(rank: str) -> str:
    return _TRAILS.replace("{rank}", rank).replace("{retained}", retained("b.days", "b.known"))


CHECKS = (
    Check(
        "cloudtrail_management",
        "CloudTrail management events",
        "Creating a trail for an organization",
        "who called which API with which credential, from where: the spine of every answer",
        (_TRAIL, _STATUS, _SELECTORS),
        _of_trails(_MANAGEMENT),
        delay=_DELAY,
        cost="the first copy is free; S3 storage; each further trail per event",
        kind="cloudtrail",
        fold="any",
        empty="off",
        warnings=_WARNINGS,
    ),
    Check(
        "cloudtrail_data_s3",
        "CloudTrail data: S3 objects",
        "Logging data events",
        "which object was read, written or deleted, with which credential",
        (_TRAIL, _STATUS, _SELECTORS),
        _of_trails(_DATA.format(type="AWS::S3::Object", all="s3(:::)?")),
        delay=_DELAY,
        cost="per event: grows with requests to objects; choose buckets that matter",
        kind="cloudtrail",
        fold="any",
        empty="off",
        warnings={"missing": "no data events: who read, wrote or deleted an object is not recorded"} | _NARROWED,
    ),
    Check(
        "cloudtrail_data_lambda",
        "CloudTrail data: Lambda",
        "Logging data events",
        "who invoked which function; the function's own log names no caller",
        (_TRAIL, _STATUS, _SELECTORS),
        _of_trails(_DATA.format(type="AWS::Lambda::Function", all="lambda")),
        delay=_DELAY,
        cost="per event: grows with invocations",
        kind="cloudtrail",
        fold="any",
        empty="off",
        warnings={"missing": "no data events: who invoked a function is not recorded"} | _NARROWED,
    ),
    Check(
        "cloudtrail_insight",
        "CloudTrail Insights",
        "Logging Insights events",
        "unusual rates of calls and errors, without anybody looking",
        (_TRAIL, ("cloudtrail", "GetInsightSelectors")),
        _INSIGHTS,
        delay="about 30 minutes after the unusual activity",
        cost="per management event that is analysed",
        kind="cloudtrail_insight",
        fold="any",
        empty="off",
    ),
    Check(
        "cloudtrail_network",
        "CloudTrail network activity",
        "Logging network activity events",
        "calls that passed a VPC endpoint, those refused by its policy among them: credentials of others too",
        (_TRAIL, _STATUS, _SELECTORS),
        _of_trails(_NETWORK),
        delay=_DELAY,
        cost="per event: grows with calls through VPC endpoints",
        kind="cloudtrail",
        fold="any",
        empty="off",
        warnings=_NARROWED,
    ),
)
