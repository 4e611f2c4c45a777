"""AWS Network Firewall: firewalls and their logging."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "network-firewall",
        "ListFirewalls",
        "Firewalls",
        "AWS::NetworkFirewall::Firewall",
        resource_id="FirewallArn",
        arn="FirewallArn",
        name="FirewallName",
    ),
    Call(
        "network-firewall",
        "DescribeLoggingConfiguration",
        "@",
        "AWS::NetworkFirewall::LoggingConfiguration",
        about="FirewallArn",
        for_each="network-firewall:ListFirewalls",
        given={"FirewallArn": "FirewallArn"},
    ),
)
