"""AWS Config configuration items: what a resource was like at a time, what it was related to, and when it was gone."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from forensics.jsons import parsed
from forensics.key_layout import KeyLayout
from forensics.source import About, BlindSpot, Column, EventMap, Source

COLUMNS = (
    Column("configurationItemVersion", doc="Version of the item's format."),
    Column("configurationItemCaptureTime", "TIMESTAMP", "When Config recorded it: after the change, not of it."),
    Column(
        "configurationItemStatus",
        doc="OK, ResourceDiscovered, ResourceNotRecorded, ResourceDeleted, ResourceDeletedNotRecorded.",
    ),
    Column("configurationStateId", doc="Order of the items of a resource."),
    Column("awsAccountId", doc="Account of the resource."),
    Column("awsRegion", doc="Region of the resource."),
    Column("availabilityZone", doc="Availability Zone, or Regional, Multiple Availability Zones, Not Applicable."),
    Column("resourceType", doc="Kind of resource: AWS::EC2::NetworkInterface…"),
    Column("resourceId", doc="Id of the resource."),
    Column("resourceName", doc="Name, where it has one apart from its id."),
    Column("ARN", doc="ARN, where the kind of resource has one."),
    Column("resourceCreationTime", "TIMESTAMP", "When the resource was made, where Config knows."),
    Column("tags", "JSON", "Tags: names and values."),
    Column("relatedEvents", "JSON", "CloudTrail event ids; empty from item version 1.3 on."),
    Column("relationships", "JSON", "Related resources; as rows in `config_relationship`."),
    Column("configuration", "JSON", "The resource as its service describes it; NULL of a deleted one."),
    Column("supplementaryConfiguration", "JSON", "What further calls say of the resource."),
    Column("configurationItemMD5Hash", doc="MD5 of the item, to compare items.", unique=True),
    Column("recordingFrequency", doc="CONTINUOUS, or DAILY: only the last state of a day is kept."),
    Column("configurationItemDeliveryTime", "TIMESTAMP", "When Config delivered the item."),
    Column("configurationItemDiff", "JSON", "Of a change notification: what changed, old and new."),
    Column("messageType", doc="Of a notification: its kind; an oversized one holds a summary only."),
    Column("notificationCreationTime", "TIMESTAMP", "Of a notification: when it was made."),
    Column("s3DeliverySummary", "JSON", "Of an oversized notification: where the item lies."),
)
_FIELDS = frozenset(column.field for column in COLUMNS)
_NAMES = {"version": "configurationItemVersion", "accountId": "awsAccountId", "arn": "ARN"}
_AROUND = ("configurationItem", "configurationItemSummary")
_TEXTS = ("configuration", "supplementaryConfiguration", "relationships", "tags")


def claims(record: Mapping[str, Any]) -> bool:
    """A configuration item, what SelectResourceConfig gives of one, or a notification that holds one."""
    if any(isinstance(record.get(name), dict) for name in _AROUND):
        return True
    if {"configuration", "supplementaryConfiguration"} <= record.keys():
        return True
    if not {"resourceType", "resourceId"} <= record.keys():
        return False
    return bool({"configurationItemStatus", "configurationItemCaptureTime", "configuration"} & record.keys())


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A notification's item with what stood beside it, or an item of the API, as files in S3 have it."""
    around = next((name for name in _AROUND if isinstance(record.get(name), dict)), None)
    item = dict(record) if around is None else {**record[around], **{n: h for n, h in record.items() if n != around}}
    if around is None and item.keys() <= _FIELDS and not any(isinstance(item.get(name), str) for name in _TEXTS):
        found: dict[str, Any] = item
    else:
        found = {_NAMES.get(name, name): held for name, held in item.items()}
    for name in _TEXTS:
        if name in found:
            found[name] = _parsed(found[name])
    if isinstance(more := found.get("supplementaryConfiguration"), dict):
        found["supplementaryConfiguration"] = {name: _parsed(held) for name, held in more.items()}
    return {name: _moment(held) for name, held in found.items()}


def _parsed(held: Any) -> Any:
    """A value that the API gives as JSON text."""
    return parsed(held, held) if isinstance(held, str) else held


def _moment(held: Any) -> Any:
    """A time as recordings of boto3 have it, in ISO 8601."""
    if not (isinstance(held, dict) and held.get("__class__") == "datetime"):
        return held
    try:
        date = [int(held.get(name, 0)) for name in ("year", "month", "day")]
        clock = [int(held.get(name, 0)) for name in ("hour", "minute", "second", "microsecond")]
        return datetime(date[0], date[1], date[2], clock[0], clock[1], clock[2], clock[3], UTC).isoformat()
    except (TypeError, ValueError, OverflowError):
        return held


_KEY = r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/Config/(?P<region>[a-z0-9-]+)/\d{4}/\d{1,2}/\d{1,2}/"

SOURCE = Source(
    name="config_item",
    title="AWS Config configuration items",
    reference="Components of a configuration item",
    columns=COLUMNS,
    event=EventMap(
        columns={
            "time": "s.configuration_item_capture_time",
            "account_id": "s.aws_account_id",
            "region": "s.aws_region",
            "action": "'config:' || coalesce(s.configuration_item_status, 'item')",
            "resources": """list_sort(list_distinct(list_filter(list_concat([s.arn, s.resource_id],
      json_extract_string(s.relationships, '$[*].resourceId')), lambda r: r IS NOT NULL)))""",
            "summary": """coalesce(s.resource_type, 'resource') || ' ' || coalesce(s.resource_name, s.resource_id, '?')
      || coalesce(': ' || s.configuration_item_status, '')
      || coalesce(', ' || (s.configuration_item_diff->>'$.changeType'), '')""",
        },
    ),
    layouts=(
        KeyLayout(
            "AWSLogs/[{org}/]{account}/Config/{region}/{YYYY}/{M}/{D}/",
            timedelta(hours=30),
            "history every 6 hours; recording may be daily",
        ),
    ),
    about=About(
        recognised="the folder Config of AWSLogs, or records with resourceType and configurationItemStatus",
        delivered="S3 (gzip JSON: snapshots and history), SNS and EventBridge (changes), GetResourceConfigHistory",
        delay="minutes after a change, history files every 6 hours; a day where recording is DAILY",
        minutes=360,
        organisation="by aggregator or one bucket; awsAccountId is the account",
        cannot_show=(
            BlindSpot("time", "When a change happened: an item says when Config saw it."),
            BlindSpot(
                "state", "Resources of kinds that are not recorded, and what lived shorter than recording is frequent."
            ),
            BlindSpot("api", "Who made a change: CloudTrail says that."),
        ),
    ),
    keys=(_KEY + r"(?:ConfigSnapshot|ConfigHistory|OversizedChangeNotification)/",),
    claims=claims,
    lists=("configurationItems", "baseConfigurationItems"),
    reshape=reshape,
    required=("resource_type",),
    account="s.aws_account_id",
    region="s.aws_region",
)
