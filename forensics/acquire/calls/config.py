"""AWS Config: which resources it knows of, deleted ones too; "ListDiscoveredResources" in the AWS Config API Reference."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "config",
        "ListDiscoveredResources",
        "resourceIdentifiers",
        "AWS::Config::ConfigurationRecorder",
        kind="resourceType",
        resource_id="resourceId",
        name="resourceName",
        for_each="DescribeConfigurationRecorders",
        over="recordingGroup.resourceTypes",
        given={"resourceType": "value"},
        parameters={"includeDeletedResources": True},
    ),
)
