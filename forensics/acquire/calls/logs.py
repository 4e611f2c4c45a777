"""CloudWatch Logs and AWS Config: what is logged, for how long, and where it goes; their API References."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "logs",
        "DescribeLogGroups",
        "logGroups",
        "AWS::Logs::LogGroup",
        resource_id="logGroupName",
        arn="logGroupArn || arn",
    ),
    Call(
        "logs",
        "DescribeSubscriptionFilters",
        "subscriptionFilters",
        "AWS::Logs::SubscriptionFilter",
        resource_id="filterName",
        name="logGroupName",
        for_each="DescribeLogGroups",
        given={"logGroupName": "logGroupName"},
        about="logGroupName",
    ),
    Call("logs", "DescribeResourcePolicies", "resourcePolicies", "AWS::Logs::ResourcePolicy", resource_id="policyName"),
    Call(
        "config",
        "DescribeConfigurationRecorders",
        "ConfigurationRecorders",
        "AWS::Config::ConfigurationRecorder",
        resource_id="name",
        arn="arn",
    ),
    Call(
        "config",
        "DescribeConfigurationRecorderStatus",
        "ConfigurationRecordersStatus",
        "AWS::Config::ConfigurationRecorder",
        resource_id="name",
        arn="arn",
        created="lastStartTime",
    ),
    Call(
        "config",
        "DescribeDeliveryChannels",
        "DeliveryChannels",
        "AWS::Config::DeliveryChannel",
        resource_id="name",
    ),
)
