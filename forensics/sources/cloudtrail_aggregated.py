"""CloudTrail aggregated events: five minutes of data events in one record."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from forensics.key_layout import trail
from forensics.source import About, BlindSpot, Column, EventMap, Source

COLUMNS = (
    Column("eventVersion", doc="Version, in a numbering of its own: 1.0."),
    Column("accountId", doc="Account of the events."),
    Column("eventId", doc="Id of the record."),
    Column("eventCategory", doc="Aggregated."),
    Column("eventType", doc="AwsAggregatedEvent."),
    Column("awsRegion", doc="Region of the events."),
    Column("eventSource", doc="Service of the events."),
    Column("timeWindow", "JSON", "Window: start, end, size."),
    Column("timeWindow.windowStart", "TIMESTAMP", "Start of the window.", name="window_start"),
    Column("timeWindow.windowEnd", "TIMESTAMP", "End of the window.", name="window_end"),
    Column("summary", "JSON", "Dimensions and their counts.", name="aggregation_summary"),
    Column("summary.primaryDimension.dimension", doc="Dimension that was counted by first.", name="primary_dimension"),
    Column("summary.primaryDimension.aggregationType", doc="How it was aggregated.", name="aggregation_type"),
)


def claims(record: Mapping[str, Any]) -> bool:
    """An aggregated event."""
    return record.get("eventCategory") == "Aggregated" or record.get("eventType") == "AwsAggregatedEvent"


SOURCE = Source(
    name="cloudtrail_aggregated",
    title="CloudTrail aggregated events",
    reference="Aggregated events",
    columns=COLUMNS,
    event=EventMap(
        unique=True,
        columns={
            "event_id": "coalesce(nullif(s.event_id, ''), s.object_id || '/' || s.record)",
            "time": "s.window_start",
            "end_time": "s.window_end",
            "account_id": "s.account_id",
            "region": "s.aws_region",
            "action": "regexp_extract(s.event_source, '^[^.]*') || ':Aggregated'",
            "summary": """'data events of ' || coalesce(s.event_source, '?') || coalesce(' by ' || s.primary_dimension, '')
      || coalesce(', ' || s.aggregation_type, '')""",
        },
    ),
    layouts=(
        trail(
            "CloudTrail-Aggregated",
            timedelta(hours=24),
            "about 5 minutes on average, no promise; redelivery may take 30 days",
        ),
    ),
    about=About(
        recognised="the folder CloudTrail-Aggregated of AWSLogs, or records with eventCategory Aggregated",
        delivered="a trail to S3 (gzip JSON)",
        delay="minutes after the window of five minutes",
        minutes=15,
        organisation="organisation trail",
        cannot_show=(BlindSpot("api", "Single requests, and who made which: it is a lead, not evidence of one call."),),
    ),
    keys=(
        r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/CloudTrail-Aggregated/(?P<region>[a-z0-9-]+)/\d{4}/\d\d/\d\d/",
    ),
    claims=claims,
    required=("event_category",),
    account="s.account_id",
    region="s.aws_region",
)
