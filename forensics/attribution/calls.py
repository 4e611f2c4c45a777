"""Records of calls: to which workload the credential was issued, and from where it was used."""

import duckdb

from forensics.attribution.part import Answer, client, current, keyed, part
from forensics.sources.cloudtrail import EVENT as CALL
from forensics.sources.guardduty import ACCESS_KEY, API_REMOTE

SAME_CALL = 300
"""Seconds by which S3's time of a request may differ from CloudTrail's of the same."""

_CURRENT_CALL = current("cloudtrail")

_SESSION = part(
    "s3_access",
    "issued_to",
    Answer(
        workload="p.workload",
        certainty="p.certainty",
        via="'session of the requester'",
        needs=("session_place",),
        candidates="p.candidates",
        evidence="p.evidence_event_ids",
        joined="""
JOIN session_place AS p ON p.session = s.requester
  AND p.valid_from <= s.time
  AND s.time < p.valid_to
LEFT JOIN s3_call AS x ON x.event_id = s.object_id || '/' || s.record
WHERE x.event_id IS NULL""",
    ),
)

_REQUEST = part(
    "s3_access",
    "issued_to",
    Answer(
        workload="c.workload",
        certainty="c.certainty",
        via="'access key of the request id: ' || c.via",
        needs=("s3_call", "credential_workload"),
        candidates="c.candidates",
        evidence="list_distinct(list_prepend(x.call_event_id, c.evidence_event_ids))",
        joined="""
JOIN s3_call AS x ON x.event_id = s.object_id || '/' || s.record
JOIN credential_workload AS c ON c.access_key_id = x.access_key_id
WHERE NOT x.on_behalf""",
    ),
)

_S3_CALL = f"""
INSERT INTO s3_call
WITH asked AS (
  SELECT s.object_id || '/' || s.record AS event_id, s.request_id, s.time
  FROM s3_access AS s
  WHERE s.request_id <> ''
), called AS (
  SELECT s.request_id, min({CALL.columns["event_id"]}) AS event_id, min(s.event_time) AS time,
    min(nullif(s.user_identity_access_key_id, '')) AS access_key_id, min(nullif(s.vpc_endpoint_id, '')) AS vpc_endpoint_id,
    bool_or(coalesce(s.user_identity_invoked_by, '') <> '') AS on_behalf
  FROM cloudtrail AS s
  WHERE s.event_source = 's3.amazonaws.com'
    AND s.request_id IN (SELECT request_id FROM asked)
  GROUP BY s.request_id
  HAVING count(DISTINCT coalesce(s.user_identity_access_key_id, '')) = 1
)
SELECT a.event_id, c.event_id AS call_event_id, c.access_key_id, c.vpc_endpoint_id, c.on_behalf
FROM asked AS a
JOIN called AS c ON c.request_id = a.request_id
WHERE abs(epoch(a.time) - epoch(c.time)) <= {SAME_CALL}
ORDER BY a.event_id
"""

PARTS = (
    keyed(
        "cloudtrail",
        "s.user_identity_access_key_id",
        f"coalesce(s.user_identity_invoked_by, '') = ''\n  AND {_CURRENT_CALL}",
    ),
    client(
        "cloudtrail",
        "s.source_ip_address",
        "s.event_time",
        endpoint="coalesce(s.vpc_endpoint_id, '')",
        where=_CURRENT_CALL,
    ),
    _REQUEST,
    _SESSION,
    client(
        "s3_access",
        "s.remote_ip",
        "s.time",
        joined="LEFT JOIN s3_call AS x ON x.event_id = s.object_id || '/' || s.record",
        endpoint="coalesce(x.vpc_endpoint_id, '')",
    ),
    keyed("guardduty", ACCESS_KEY, current("guardduty")),
    client(
        "guardduty",
        API_REMOTE,
        "coalesce(s.event_first_seen, s.created_at)",
        where=f"""{current("guardduty")}
  AND coalesce(s.event_last_seen, s.event_first_seen, s.created_at) < p.valid_to""",
    ),
    keyed("security_hub", "s.access_key_id", current("security_hub")),
    client(
        "security_hub",
        "s.api_remote_ip",
        "coalesce(s.first_observed_at, s.created_at)",
        where=f"""{current("security_hub")}
  AND coalesce(s.last_observed_at, s.first_observed_at, s.created_at) < p.valid_to""",
    ),
    keyed("api_gateway", "s.access_key_id"),
    keyed("eks_audit", "s.access_key_id"),
    keyed("eks_authenticator", "s.access_key_id"),
    keyed("ocsf", "s.access_key_id", "coalesce(s.actor_invoked_by, '') = ''"),
    client("ocsf", "s.src_ip", "coalesce(s.time, s.start_time)", where="s.api_operation IS NOT NULL"),
)
"""Calls, findings about calls, and requests that name the key they were signed with."""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `s3_call`: which access log record and which CloudTrail event are the same request."""
    con.execute("DELETE FROM s3_call")
    con.execute(_S3_CALL)
