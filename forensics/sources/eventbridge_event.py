"""EventBridge events that no other source claims: instance states, health, scheduled events, custom ones."""

from collections.abc import Mapping
from typing import Any

from forensics.source import About, BlindSpot, Column, EventMap, Source
from forensics.sources import ecs_event

COLUMNS = (
    Column("id", doc="EventBridge's id of the event; a repeated delivery has the same.", unique=True),
    Column("version", doc="Version of the envelope: 0.", name="envelope_version"),
    Column("detail-type", doc="What happened, as its sender names it: EC2 Instance State-change Notification…"),
    Column("source", doc="Who sent it: aws.ec2…; only AWS may use the prefix aws.", name="event_source"),
    Column("account", doc="Account the event is of."),
    Column("time", "TIMESTAMP", "When it happened, as its sender says."),
    Column("region", doc="Region the event is of."),
    Column("resources", "JSON", doc="ARNs the event is about.", name="event_resources"),
    Column("detail", "JSON", "The event, whole."),
    Column("detail.instance-id", doc="Instance, of an event of EC2.", name="instance_id"),
    Column("detail.state", doc="State of the instance, of an event of EC2.", name="instance_state"),
)
_ENVELOPE = frozenset({"detail-type", "source", "account", "time", "region", "detail"})


def claims(record: Mapping[str, Any]) -> bool:
    """An event in EventBridge's envelope that is not one of ECS; a record of a source inside it is taken out first."""
    return record.keys() >= _ENVELOPE and not ecs_event.claims(record)


SOURCE = Source(
    name="eventbridge_event",
    title="EventBridge events of other kinds",
    reference="AWS service event metadata",
    columns=COLUMNS,
    event=EventMap(
        unique=True,
        columns={
            "event_id": "coalesce(nullif(s.id, ''), s.object_id || '/' || s.record)",
            "time": "s.time",
            "account_id": "s.account",
            "region": "s.region",
            "action": """regexp_replace(coalesce(s.event_source, 'events'), '^aws[.]', '')
      || ':' || replace(coalesce(s.detail_type, 'Event'), ' ', '')""",
            "resources": """list_sort(list_distinct(list_filter(
      list_concat(json_extract_string(s.event_resources, '$[*]'), [s.instance_id]), lambda r: r IS NOT NULL)))""",
            "summary": """coalesce(s.detail_type, 'event') || coalesce(' of ' || s.instance_id, '')
      || coalesce(': ' || s.instance_state, '')""",
        },
    ),
    about=About(
        recognised="EventBridge's envelope: detail-type, source, account, time, region, detail",
        delivered="EventBridge only: a rule must send the events somewhere (CloudWatch Logs, S3, SQS…)",
        delay="seconds; may come out of order or twice",
        minutes=5,
        organisation="through an event bus of another account; account is the sender's",
        cannot_show=(
            BlindSpot("all", "Anything, where no rule kept the events: nothing stores them by default."),
            BlindSpot(
                "all", "Truth, of a source without the prefix aws.: whoever may call PutEvents writes what he likes."
            ),
        ),
    ),
    claims=claims,
    required=("detail",),
    in_streams=True,
    account="s.account",
    region="s.region",
)
