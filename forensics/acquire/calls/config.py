"""AWS Config: what it knows of."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "config",
        "ListDiscoveredResources",
        "resourceIdentifiers",
        "AWS::Config::ResourceIdentifier",
        resource_id="resourceId",
        name="resourceName",
    ),
)
