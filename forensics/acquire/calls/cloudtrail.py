"""CloudTrail: trails, whether they record, and what; "Actions" in the AWS CloudTrail API Reference."""

from functools import partial

from forensics.acquire.calls.call import Call

_TRAIL = "AWS::CloudTrail::Trail"
_each = partial(Call, "cloudtrail", for_each="DescribeTrails")

CALLS = (
    Call("cloudtrail", "DescribeTrails", "trailList", _TRAIL, resource_id="TrailARN", arn="TrailARN", name="Name"),
    _each("GetTrailStatus", "@", _TRAIL, given={"Name": "TrailARN"}, about="Name", created="StartLoggingTime"),
    _each("GetEventSelectors", "@", _TRAIL, given={"TrailName": "TrailARN"}, about="TrailName", arn="TrailARN"),
    _each(
        "GetInsightSelectors",
        "@",
        _TRAIL,
        given={"TrailName": "TrailARN"},
        about="TrailName",
        arn="TrailARN",
        absent=("InsightNotEnabledException",),
    ),
    Call(
        "cloudtrail",
        "ListEventDataStores",
        "EventDataStores",
        "AWS::CloudTrail::EventDataStore",
        resource_id="EventDataStoreArn",
        arn="EventDataStoreArn",
        name="Name",
    ),
    Call(
        "cloudtrail",
        "GetEventDataStore",
        "@",
        "AWS::CloudTrail::EventDataStore",
        resource_id="EventDataStoreArn",
        arn="EventDataStoreArn",
        name="Name",
        created="CreatedTimestamp",
        for_each="ListEventDataStores",
        given={"EventDataStore": "EventDataStoreArn"},
        about="EventDataStore",
    ),
)
