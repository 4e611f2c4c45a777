"""Images pulled by a digest of which there was no push."""

from forensics.detect.statements.statement import Statement

_SQL = """
WITH born AS (
  SELECT s.recipient_account_id AS account, s.aws_region AS region, min(s.event_time) AS since,
    json_extract_string(s.request_parameters, '$.repositoryName') AS repository
  FROM cloudtrail AS s
  WHERE s.event_source = 'ecr.amazonaws.com'
    AND s.event_name = 'CreateRepository'
    AND s.error_code IS NULL
  GROUP BY s.recipient_account_id, s.aws_region, json_extract_string(s.request_parameters, '$.repositoryName')
), push AS (
  SELECT s.recipient_account_id AS account, s.aws_region AS region, s.event_time,
    json_extract_string(s.request_parameters, '$.repositoryName') AS repository,
    json_extract_string(s.response_elements, '$.image.imageId.imageDigest') AS digest
  FROM cloudtrail AS s
  WHERE s.event_source = 'ecr.amazonaws.com'
    AND s.event_name = 'PutImage'
    AND s.error_code IS NULL
), pull AS (
  SELECT s.object_id, s.record, s.recipient_account_id AS account, s.aws_region AS region, s.event_time,
    json_extract_string(s.request_parameters, '$.repositoryName') AS repository,
    CAST(json_extract(s.request_parameters, '$.imageIds') AS VARCHAR) AS asked
  FROM cloudtrail AS s
  WHERE s.event_source = 'ecr.amazonaws.com'
    AND s.event_name = 'BatchGetImage'
    AND s.error_code IS NULL
)
SELECT DISTINCT l.object_id, l.record
FROM pull AS l
JOIN born AS b ON b.account = l.account
  AND b.region = l.region
  AND b.repository = l.repository
  AND b.since <= l.event_time
JOIN push AS a ON a.account = l.account AND a.region = l.region AND a.repository = l.repository,
  unnest(regexp_extract_all(l.asked, 'sha256:[0-9a-f]{64}')) AS u(digest)
WHERE u.digest NOT IN (
  SELECT p.digest
  FROM push AS p
  WHERE p.account = l.account
    AND p.region = l.region
    AND p.repository = l.repository
    AND p.digest IS NOT NULL
    AND p.event_time <= l.event_time)
"""

STATEMENT = Statement(
    name="image_that_nobody_pushed",
    title="Image pulled by a digest that nobody pushed",
    level="medium",
    techniques=("T1525", "T1610"),
    description=(
        "A container image was pulled by a digest of which no push is in evidence, out of a repository whose making and"
        " pushes are. Either records are missing, or the image came there in another way."
    ),
    false_positives=(
        "Repositories that ECR fills itself: replication, pull through cache",
        "Images of several platforms, whose parts some tools push in another way",
    ),
    references=(
        "Logging Amazon ECR actions with AWS CloudTrail",
        "Amazon ECR API Reference, BatchGetImage",
    ),
    playbook="ecs-task-compromise",
    sql=_SQL,
)
