"""CloudTrail Insights: unusual rates of API calls or errors, as CloudTrail itself judged them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from forensics.key_layout import trail
from forensics.source import About, BlindSpot, Column, EventMap, IdentityMap, Source

_ARNS = """list_distinct(flatten(list_transform(list_filter(
      json_extract(s.insight_details, '$.insightContext.attributions[*]'),
      lambda a: a->>'$.attribute' = 'userIdentityArn'),
    lambda a: list_filter(json_extract_string(a, '$.insight[*].value'), lambda r: r <> 'null'))))"""
"""SQL: ARNs that the unusual activity is put down to; of roles without path, often without session."""
_ONLY_ARN = f"CASE WHEN len({_ARNS}) = 1 THEN {_ARNS}[1] END"
_OF_ROLE = f"regexp_matches({_ONLY_ARN}, ':assumed-role/[^/]+$')"


def claims(record: Mapping[str, Any]) -> bool:
    """An Insights record, of a trail."""
    return "insightDetails" in record or record.get("eventType") == "AwsCloudTrailInsight"


_MOVED = {"insightState": "state", "eventSource": "eventSource", "eventName": "eventName"}
_MOVED |= {name: name for name in ("insightType", "errorCode", "insightContext")}


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record of an event data store, which is flat, with its details together as a trail has them."""
    if "insightDetails" in record:
        return record
    details = {field: record[name] for name, field in _MOVED.items() if name in record}
    return {name: held for name, held in record.items() if name not in _MOVED} | {"insightDetails": details}


SOURCE = Source(
    name="cloudtrail_insight",
    title="CloudTrail Insights events",
    reference="CloudTrail record contents for Insights events for trails",
    columns=(
        Column("eventVersion", doc="Version of the record format."),
        Column("eventTime", "TIMESTAMP", "Minute in which the unusual activity began or ended."),
        Column("awsRegion", doc="Region of the calls."),
        Column("eventID", doc="Id of the record."),
        Column("eventType", doc="AwsCloudTrailInsight."),
        Column("recipientAccountId", doc="Account of the calls."),
        Column("sharedEventID", doc="Joins the Start and the End record of one insight."),
        Column("eventCategory", doc="Insight."),
        Column("insightDetails", "JSON", "Whole: statistics and attributions."),
        Column("insightDetails.state", doc="Start or End."),
        Column("insightDetails.eventSource", name="insight_event_source", doc="Service of the calls."),
        Column("insightDetails.eventName", name="insight_event_name", doc="API of the calls."),
        Column("insightDetails.insightType", name="insight_type", doc="ApiCallRateInsight or ApiErrorRateInsight."),
        Column("insightDetails.errorCode", name="insight_error_code", doc="Error that was unusually frequent."),
    ),
    event=EventMap(
        unique=True,
        columns={
            "event_id": "coalesce(nullif(s.event_id, ''), s.object_id || '/' || s.record)",
            "time": "s.event_time",
            "account_id": "s.recipient_account_id",
            "region": "s.aws_region",
            "action": "split_part(s.insight_event_source, '.', 1) || ':' || s.insight_event_name",
            "summary": "s.insight_type || ' ' || s.insight_details_state || ' for ' || s.insight_event_name",
        },
    ),
    identity=IdentityMap(
        {
            "arn": f"CASE WHEN NOT {_OF_ROLE} THEN {_ONLY_ARN} END",
            "pathless_arn": f"CASE WHEN {_OF_ROLE} THEN {_ONLY_ARN} END",
        }
    ),
    keys=(r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/CloudTrail-Insight/(?P<region>[a-z0-9-]+)/\d{4}/\d\d/\d\d/",),
    required=("insight_details",),
    claims=claims,
    reshape=reshape,
    as_declared=True,
    account="s.recipient_account_id",
    region="s.aws_region",
    layouts=(trail("CloudTrail-Insight", timedelta(hours=37), "the first up to 36 hours after enabling"),),
    about=About(
        recognised="the folder CloudTrail-Insight of AWSLogs, or records with insightDetails",
        delivered="a trail to S3 (gzip JSON) or CloudWatch Logs",
        delay="up to 30 minutes after the unusual activity; the first up to 36 hours after enabling",
        minutes=60,
        organisation="organisation trail",
        cannot_show=(
            BlindSpot("api", "Single calls: it says that a rate was unusual, not which requests made it so."),
        ),
    ),
)
