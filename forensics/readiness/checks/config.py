"""AWS Config: what is recorded of every resource, how often, and where it comes together."""

from forensics.readiness.check import Check

_RECORDER = """,
recording AS (
  SELECT a.account_id, a.region, (a.c->>'name') AS name, max(a.c->>'recording') AS recording,
    max(a.c->>'lastStatus') AS status, max(a.event_id) AS event_id
  FROM answer AS a
  WHERE a.api = 'config' AND a.operation = 'DescribeConfigurationRecorderStatus' AND a.c IS NOT NULL
  GROUP BY a.account_id, a.region, (a.c->>'name')
),
channel AS (
  SELECT a.account_id, a.region, max(a.c->>'s3BucketName') AS bucket, max(a.event_id) AS event_id
  FROM answer AS a
  WHERE a.api = 'config' AND a.operation = 'DescribeDeliveryChannels' AND a.c IS NOT NULL
  GROUP BY a.account_id, a.region
),
aggregator AS (
  SELECT a.account_id, string_agg(DISTINCT (a.c->>'ConfigurationAggregatorName'), ', ') AS name,
    max(CASE WHEN (a.c->'OrganizationAggregationSource') IS NOT NULL THEN 1 ELSE 0 END) AS organisation,
    max(a.event_id) AS event_id
  FROM answer AS a
  WHERE a.api = 'config' AND a.operation = 'DescribeConfigurationAggregators' AND a.c IS NOT NULL
  GROUP BY a.account_id
),
recorder AS (
  SELECT a.account_id, a.region, (a.c->>'name') AS name, (a.c->'recordingGroup'->>'allSupported') = 'true' AS whole,
    (a.c->'recordingGroup'->>'includeGlobalResourceTypes') = 'true' AS worldwide,
    CAST(a.c->'recordingGroup' AS VARCHAR) LIKE '%"EXCLUSION_BY_RESOURCE_TYPES"%' AS excluding,
    (a.c->'recordingMode'->>'recordingFrequency') AS frequency, a.event_id
  FROM answer AS a
  WHERE a.api = 'config' AND a.operation = 'DescribeConfigurationRecorders' AND a.c IS NOT NULL
)
SELECT r.account_id, r.region, r.name AS thing,
  CASE WHEN s.recording = 'false' THEN 'off' WHEN s.recording IS NULL OR d.api IS NULL THEN NULL WHEN c.bucket IS NULL THEN 'partly'
    WHEN r.whole OR r.excluding THEN 'on' ELSE 'partly' END AS state,
  CASE WHEN r.whole THEN 'all types' WHEN r.excluding THEN 'all types but some' ELSE 'chosen types' END AS scope,
  's3://' || c.bucket AS destination, b.retention, b.encryption, b.integrity, coalesce(g.organisation = 1, FALSE) AS organisation_wide,
  'aggregator ' || g.name AS managed_by,
  [CASE WHEN r.frequency = 'DAILY' THEN 'daily' END, CASE WHEN NOT coalesce(r.whole OR r.excluding, FALSE) THEN 'narrowed' END,
    CASE WHEN s.recording = 'false' THEN 'stopped' END, CASE WHEN s.status = 'Failure' THEN 'not_delivered' END] AS warnings,
  [r.event_id, s.event_id, c.event_id, g.event_id] AS evidence
FROM recorder AS r
LEFT JOIN recording AS s ON s.account_id = r.account_id AND s.region = r.region AND s.name = r.name
LEFT JOIN channel AS c ON c.account_id = r.account_id AND c.region = r.region
LEFT JOIN bucket AS b ON b.bucket = c.bucket
LEFT JOIN aggregator AS g ON g.account_id = r.account_id
LEFT JOIN answered AS d ON d.api = 'config' AND d.operation = 'DescribeDeliveryChannels' AND d.account_id = r.account_id
  AND d.region = r.region
"""

CHECKS = (
    Check(
        "config_item",
        "AWS Config",
        "Recording AWS resources with AWS Config",
        "what a resource was like at any moment: which role, image, address and network a workload had",
        (
            ("config", "DescribeConfigurationRecorders"),
            ("config", "DescribeConfigurationRecorderStatus"),
            ("config", "DescribeDeliveryChannels"),
        ),
        _RECORDER,
        delay="minutes when CONTINUOUS, a day when DAILY",
        cost="per configuration item; types that change often cost most, DAILY costs less",
        kind="config_item",
        fold="any",
        empty="off",
        warnings={
            "daily": "recorded once a day: what lived less than a day, a task or an interface, is not in it",
            "narrowed": "only chosen types are recorded: others leave no history",
            "stopped": "the recorder is there and does not record",
            "not_delivered": "the last delivery failed",
        },
    ),
)
