"""AWS Config: which resources it knows of, deleted ones too; AWS Config API Reference."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "config",
        "GetDiscoveredResourceCounts",
        "resourceCounts",
        "AWS::Config::ResourceCount",
        resource_id="resourceType",
    ),
    Call(
        "config",
        "ListDiscoveredResources",
        "resourceIdentifiers",
        "AWS::Config::ResourceIdentifier",
        resource_id="resourceId",
        name="resourceName",
        for_each="GetDiscoveredResourceCounts",
        given={"resourceType": "resourceType"},
        parameters={"includeDeletedResources": True},
    ),
)
