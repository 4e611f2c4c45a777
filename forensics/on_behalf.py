"""Calls that services made for a principal, each linked with the call that caused it."""

import duckdb

from forensics.sources.cloudtrail import EVENT as CALL

SECONDS_BEFORE = 2
"""A service makes its calls within this time after the one that caused them; times are whole seconds."""

SECONDS_AFTER = 1
"""A record's time is that of the call's completion, so the cause may be the later one: believed only of the same
resource."""

_ENDS = "{said} = {asked} OR ends_with({said}, '{mark}' || ltrim({asked}, '/'))"
_SIX_MORE = r"""{said} = {asked} OR {said} LIKE '%:secret:%' AND regexp_replace(regexp_extract({said}, ':secret:(.+)$', 1),
  '-[A-Za-z0-9]{{6}}$', '') = coalesce(nullif(regexp_extract({asked}, ':secret:(.+)$', 1), ''), {asked})"""
"""A secret's ARN ends in six characters that its name has not; callers may give the name, or the ARN without them."""
_BUCKET = "split_part(split_part({said}, ':::', 2), '/', 1) = {asked}"
_FUNCTION = "{said} = {asked} OR ends_with({said}, ':' || {asked}) OR starts_with({asked}, {said} || ':')"
_LAST = "regexp_extract({said}, '[^:/]+$') = regexp_extract({asked}, '[^:/]+$')"

SUBJECTS = {
    "secretsmanager.amazonaws.com": ("SecretARN", "secretId", _SIX_MORE),
    "s3.amazonaws.com": ("aws:s3:arn", "bucketName", _BUCKET),
    "lambda.amazonaws.com": ("aws:lambda:FunctionArn", "functionName", _FUNCTION),
    "ssm.amazonaws.com": ("PARAMETER_ARN", "name", _ENDS.replace("{mark}", ":parameter/")),
    "dynamodb.amazonaws.com": ("aws:dynamodb:tableName", "tableName", _LAST),
    "sqs.amazonaws.com": ("aws:sqs:arn", "queueUrl", _LAST),
    "sns.amazonaws.com": ("aws:sns:topicArn", "topicArn", "{said} = {asked}"),
    "kinesis.amazonaws.com": ("aws:kinesis:arn", "streamName", _LAST),
    "ec2.amazonaws.com": ("aws:ebs:id", "volumeId", "{said} = {asked}"),
}
"""What a service states in KMS's encryption context, what its own call names the same thing, and when they agree."""

NAMING = (
    "bucketName",
    "tableName",
    "functionName",
    "secretId",
    "streamName",
    "queueUrl",
    "topicArn",
    "stackName",
    "logGroupName",
    "clusterName",
    "repositoryName",
    "volumeId",
    "snapshotId",
    "networkInterfaceId",
    "databaseName",
    "roleArn",
    "keyId",
)
"""Request parameters whose values name a thing, so that two calls with the same value concern the same."""

_ID = CALL.columns["event_id"]

_COLUMNS = f"""{_ID} AS event_id, s.event_time AS time, s.event_source, s.user_identity_invoked_by AS invoked_by,
    coalesce(i.session, i.principal, nullif(s.user_identity_arn, '')) AS who, s.request_parameters AS ask, s.resources"""

_CURRENT = """NOT EXISTS (
    SELECT 1 FROM superseded AS x
    WHERE x.source = 'cloudtrail' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)"""

_MADE = f"""
CREATE OR REPLACE TEMP TABLE made_on_behalf AS
SELECT DISTINCT ON (event_id) *
FROM (
  SELECT {_COLUMNS}
  FROM cloudtrail AS s
  LEFT JOIN identity AS i ON i.identity_key = s.identity_key
  WHERE s.user_identity_invoked_by <> ''
    AND (i.kind IN ('user', 'role', 'root', 'federated_user')
      OR i.kind IS NULL AND s.user_identity_type IN ('IAMUser', 'AssumedRole', 'Root', 'FederatedUser'))
    AND {_CURRENT}
) AS m
ORDER BY event_id, time
"""
"""Calls of a principal that a service made; what services do for themselves is not among them."""

_SECOND = """
CREATE OR REPLACE TEMP TABLE cause_second AS
SELECT m.event_id, m.who, m.invoked_by, m.event_source = m.invoked_by AS itself,
  date_trunc('second', m.time) AS made_at, date_trunc('second', m.time) + to_seconds(u.off) AS second
FROM made_on_behalf AS m, unnest(generate_series(-$before, $after)) AS u(off)
WHERE m.who IS NOT NULL
"""
"""Where to look for the cause of each: the seconds, so that the join with all calls is one of equalities."""

_PAIR = f"""
CREATE OR REPLACE TEMP TABLE cause_pair AS
WITH call AS (
  SELECT {_COLUMNS}
  FROM cloudtrail AS s
  JOIN (SELECT DISTINCT invoked_by, second FROM cause_second) AS k
    ON k.invoked_by = s.event_source AND k.second = date_trunc('second', s.event_time)
  LEFT JOIN identity AS i ON i.identity_key = s.identity_key
  WHERE {_CURRENT}
), pair AS (
  SELECT DISTINCT ON (k.event_id, c.event_id) k.event_id, c.event_id AS cause_event_id, k.second > k.made_at AS after,
    c.ask, c.resources
  FROM cause_second AS k
  JOIN call AS c ON c.who = k.who AND c.event_source = k.invoked_by AND date_trunc('second', c.time) = k.second
  WHERE c.event_id <> k.event_id
    AND NOT (k.itself AND coalesce(c.invoked_by, '') = k.invoked_by)
  ORDER BY k.event_id, c.event_id, k.second
)
SELECT c.event_id, c.cause_event_id, c.after, {{same}} AS same_subject,
  list_filter(list_concat(json_extract_string(m.resources, '$[*].ARN'),
    json_extract_string(m.ask, [{{naming}}])), lambda v: v <> '') AS things,
  list_filter(list_concat(json_extract_string(c.resources, '$[*].ARN'),
    json_extract_string(c.ask, [{{naming}}])), lambda v: v <> '') AS cause_things
FROM pair AS c
JOIN made_on_behalf AS m ON m.event_id = c.event_id
"""
"""Calls of the same principal to that service; what a service's own calls to itself led to is not told by another."""

_LINK = """
INSERT INTO on_behalf
WITH judged AS (
  SELECT event_id, cause_event_id, after,
    CASE WHEN same_subject IS NOT NULL THEN same_subject WHEN list_has_any(things, cause_things) THEN true END AS same
  FROM cause_pair
), believed AS (
  SELECT *, bool_or(coalesce(same, false)) OVER (PARTITION BY event_id) AS told
  FROM judged
  WHERE coalesce(same, NOT after)
), kept AS (
  SELECT *, count(*) OVER (PARTITION BY event_id) AS candidates
  FROM believed
  WHERE same OR NOT told
), near AS (
  SELECT DISTINCT event_id
  FROM judged
  WHERE same = false
)
SELECT
  m.event_id,
  k.cause_event_id,
  CASE WHEN k.candidates = 1 THEN 'matched' WHEN k.candidates > 1 THEN 'shared' END AS certainty,
  coalesce(k.candidates, 0) AS candidates,
  CASE
    WHEN k.same THEN 'same principal, service, moment and resource'
    WHEN k.candidates > 0 THEN 'same principal, service and moment'
    WHEN m.invoked_by = 'AWS Internal' THEN 'the record does not name the service'
    WHEN m.invoked_by = 'signin.amazonaws.com' THEN 'made by the console for its user'
    WHEN m.who IS NULL THEN 'the record does not say for whom'
    WHEN n.event_id IS NOT NULL THEN 'the calls to ' || m.invoked_by || ' at that moment concern another resource'
    ELSE 'no call of the principal to ' || m.invoked_by || ' at that moment is in evidence'
  END AS why
FROM made_on_behalf AS m
LEFT JOIN kept AS k ON k.event_id = m.event_id
LEFT JOIN near AS n ON n.event_id = m.event_id
ORDER BY m.event_id, k.cause_event_id
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `on_behalf`; needs `identity` and `superseded`. Address and key of the cause stay with the cause."""
    con.execute("DELETE FROM on_behalf")
    con.execute(_MADE)
    con.execute(_SECOND, {"before": SECONDS_BEFORE, "after": SECONDS_AFTER})
    con.execute(_pair())
    con.execute(_LINK)
    for table in ("made_on_behalf", "cause_second", "cause_pair"):
        con.execute(f"DROP TABLE temp.{table}")


def _pair() -> str:
    """The statement that pairs calls, with whether what each says of the thing it concerns agrees."""
    whens = []
    for service, (context, name, agree) in SUBJECTS.items():
        said, asked = f"""(m.ask->'$.encryptionContext'->>'$."{context}"')""", f"(c.ask->>'$.{name}')"
        known = f"m.invoked_by = '{service}' AND {said} <> '' AND {asked} <> ''"
        whens.append(f"WHEN {known} THEN {agree.format(said=said, asked=asked)}")
    return _PAIR.format(same=f"CASE {' '.join(whens)} END", naming=", ".join(f"'$.{name}'" for name in NAMING))
