"""GuardDuty: detectors, and what makes them blind (filters, trusted lists); Amazon GuardDuty API Reference."""

from functools import partial

from forensics.acquire.calls.call import Call

_DETECTOR = "AWS::GuardDuty::Detector"
_list = partial(Call, "guardduty", for_each="ListDetectors", given={"DetectorId": "value"})


def _named(operation: str, parent: str, resource_type: str, parameter: str) -> Call:
    """A call that describes each of the things that its parent lists of a detector."""
    given = {"DetectorId": "_request.DetectorId", parameter: "value"}
    return Call("guardduty", operation, "@", resource_type, name="Name", for_each=parent, given=given, about=parameter)


CALLS = (
    Call("guardduty", "ListDetectors", "DetectorIds", _DETECTOR, resource_id="@"),
    _list("GetDetector", "@", _DETECTOR, created="CreatedAt", about="DetectorId"),
    _list("ListFilters", "FilterNames", "AWS::GuardDuty::Filter", resource_id="@"),
    _named("GetFilter", "ListFilters", "AWS::GuardDuty::Filter", "FilterName"),
    _list("ListIPSets", "IpSetIds", "AWS::GuardDuty::IPSet", resource_id="@"),
    _named("GetIPSet", "ListIPSets", "AWS::GuardDuty::IPSet", "IpSetId"),
    _list("ListThreatIntelSets", "ThreatIntelSetIds", "AWS::GuardDuty::ThreatIntelSet", resource_id="@"),
    _named("GetThreatIntelSet", "ListThreatIntelSets", "AWS::GuardDuty::ThreatIntelSet", "ThreatIntelSetId"),
    _list(
        "ListPublishingDestinations",
        "Destinations",
        "AWS::GuardDuty::PublishingDestination",
        resource_id="DestinationId",
    ),
    Call(
        "guardduty",
        "DescribePublishingDestination",
        "@",
        "AWS::GuardDuty::PublishingDestination",
        resource_id="DestinationId",
        for_each="ListPublishingDestinations",
        given={"DetectorId": "_request.DetectorId", "DestinationId": "DestinationId"},
    ),
)
