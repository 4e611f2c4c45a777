"""Who administers security services for an account, and gateways between its networks and others."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "guardduty",
        "GetAdministratorAccount",
        "Administrator",
        "AWS::GuardDuty::Master",
        resource_id="AccountId",
        for_each="ListDetectors",
        given={"DetectorId": "value"},
    ),
    Call(
        "config",
        "DescribeConfigurationAggregators",
        "ConfigurationAggregators",
        "AWS::Config::ConfigurationAggregator",
        resource_id="ConfigurationAggregatorName",
        arn="ConfigurationAggregatorArn",
        name="ConfigurationAggregatorName",
        created="CreationTime",
    ),
    Call(
        "ec2",
        "DescribeTransitGateways",
        "TransitGateways",
        "AWS::EC2::TransitGateway",
        resource_id="TransitGatewayId",
        arn="TransitGatewayArn",
        created="CreationTime",
    ),
)
