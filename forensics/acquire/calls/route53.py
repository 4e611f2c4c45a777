"""Route 53: hosted zones, and the query logging of public ones."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "route53",
        "ListHostedZones",
        "HostedZones",
        "AWS::Route53::HostedZone",
        resource_id="Id",
        name="Name",
        everywhere=False,
    ),
    Call(
        "route53",
        "ListQueryLoggingConfigs",
        "QueryLoggingConfigs",
        "AWS::Route53::QueryLoggingConfig",
        resource_id="Id",
        everywhere=False,
    ),
)
