"""AWS Firewall Manager: its administrator, and the policies that reach into accounts."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "fms",
        "GetAdminAccount",
        "@",
        "AWS::FMS::AdminAccount",
        resource_id="AdminAccount",
        everywhere=False,
        absent=("ResourceNotFoundException",),
    ),
    Call(
        "fms",
        "ListPolicies",
        "PolicyList",
        "AWS::FMS::Policy",
        resource_id="PolicyId",
        arn="PolicyArn",
        name="PolicyName",
    ),
)
