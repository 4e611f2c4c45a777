"""Images put under a tag that somebody else had pushed."""

from forensics.detect.statements.statement import Statement

_SQL = """
WITH push AS (
  SELECT s.object_id, s.record, s.event_time, s.recipient_account_id AS account, s.aws_region AS region,
    coalesce(json_extract_string(s.user_identity, '$.sessionContext.sessionIssuer.arn'), s.user_identity_arn) AS pusher,
    json_extract_string(s.request_parameters, '$.repositoryName') AS repository,
    json_extract_string(s.response_elements, '$.image.imageId.imageTag') AS tag,
    json_extract_string(s.response_elements, '$.image.imageId.imageDigest') AS digest
  FROM cloudtrail AS s
  WHERE s.event_source = 'ecr.amazonaws.com'
    AND s.event_name = 'PutImage'
    AND s.error_code IS NULL
), first_push AS (
  SELECT p.account, p.region, p.repository, p.pusher, min(p.event_time) AS since
  FROM push AS p
  GROUP BY p.account, p.region, p.repository, p.pusher
)
SELECT DISTINCT p.object_id, p.record
FROM push AS p
JOIN push AS o ON o.account = p.account
  AND o.region = p.region
  AND o.repository = p.repository
  AND o.tag = p.tag
  AND o.digest <> p.digest
  AND o.pusher <> p.pusher
  AND o.event_time < p.event_time
JOIN first_push AS f ON f.account = p.account
  AND f.region = p.region
  AND f.repository = p.repository
  AND f.pusher = p.pusher
  AND f.since > o.event_time
"""

STATEMENT = Statement(
    name="image_tag_taken_over",
    title="Image put under a tag of somebody else’s",
    level="high",
    techniques=("T1525",),
    description=(
        "A container image was pushed under a tag that another principal had pushed before, by one that had not pushed to"
        " that repository until then. Whatever starts by that tag runs the new image."
    ),
    false_positives=(
        "A pipeline whose role was replaced by another",
        "Developers who push by hand over what the pipeline made",
    ),
    references=(
        "Amazon ECR API Reference, PutImage",
        "Preventing image tags from being overwritten in Amazon ECR",
    ),
    playbook="ecs-task-compromise",
    sql=_SQL,
)
