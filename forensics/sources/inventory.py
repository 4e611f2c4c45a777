"""Inventory: what AWS's own APIs said that exists, at the moment they were asked."""

from collections.abc import Mapping
from typing import Any

from forensics.source import About, BlindSpot, Column, EventMap, Source

COLUMNS = (
    Column("api", doc="Service that was asked, as boto3 names it."),
    Column("operation", doc="Operation of its API: DescribeInstances…"),
    Column("parameters", "JSON", "Parameters of the request."),
    Column("account_id", doc="Account that was asked."),
    Column("region", doc="Region that was asked."),
    Column("observed_at", "TIMESTAMP", "When it was asked: what is described existed then."),
    Column("resource_type", doc="Kind of resource, as CloudFormation names it: AWS::EC2::NetworkInterface…"),
    Column("resource_id", doc="Id of the resource; NULL where the answer named none."),
    Column("arn", doc="ARN of the resource, where the answer has it."),
    Column("name", doc="Name, where it has one apart from its id."),
    Column("created", "TIMESTAMP", "When it was made, where the answer says so."),
    Column("configuration", "JSON", "The resource as the answer describes it, with the API's own names."),
    Column("described", "BIGINT", "0 of an answer that describes nothing: it was asked, and there was none."),
    Column("error_code", doc="Why there was no answer; NULL where there was one."),
    Column("error_message", doc="What AWS said to that."),
)
_ALWAYS = {"api", "operation", "parameters", "account_id", "region", "resource_type"}


def claims(record: Mapping[str, Any]) -> bool:
    """A thing described, as `forensics.readers.api_page` takes it out of a page."""
    return record.keys() >= _ALWAYS and bool({"configuration", "described", "error_code"} & record.keys())


SOURCE = Source(
    name="inventory",
    title="Resources as AWS's APIs described them",
    reference="Describe, List and Get operations of each service's API reference",
    columns=COLUMNS,
    event=EventMap(
        columns={
            "time": "s.observed_at",
            "account_id": "s.account_id",
            "region": "s.region",
            "action": "'inventory:' || CASE WHEN s.error_code IS NULL THEN 'Described' ELSE 'Refused' END",
            "resources": "list_distinct(list_filter([s.arn, s.resource_id], lambda r: r IS NOT NULL))",
            "summary": """coalesce(s.resource_type, 'resource') || ' ' || coalesce(s.name, s.resource_id,
      CASE WHEN s.error_code IS NULL THEN 'none' ELSE s.error_code END) || ' (' || s.api || ' ' || s.operation || ')'""",
        },
    ),
    about=About(
        recognised="pages that `forensics collect` keeps: JSON with call and response, or call and error",
        delivered="by `forensics collect` and `forensics readiness`, from the APIs of the services",
        delay="none: a state at the moment of asking",
        minutes=0,
        hourly=False,
        organisation="the account that was asked; of an organisation each account in turn",
        cannot_show=(
            BlindSpot("state", "What was gone before it was asked."),
            BlindSpot("state", "What a resource was like before: only creation times reach back."),
            BlindSpot("state", "What the caller may not see: such a call is here with its error."),
        ),
    ),
    claims=claims,
    required=("api",),
    account="s.account_id",
    region="s.region",
)
