"""Security Hub: whether it is on in a Region, and who administers it."""

from forensics.acquire.calls.call import Call

NONE = ("InvalidAccessException", "ResourceNotFoundException")
"""What an account answers that has not subscribed."""

CALLS = (
    Call(
        "securityhub",
        "DescribeHub",
        "@",
        "AWS::SecurityHub::Hub",
        resource_id="HubArn",
        arn="HubArn",
        created="SubscribedAt",
        absent=NONE,
    ),
    Call(
        "securityhub",
        "GetAdministratorAccount",
        "Administrator",
        "AWS::SecurityHub::AdministratorAccount",
        resource_id="AccountId",
        absent=NONE,
    ),
)
