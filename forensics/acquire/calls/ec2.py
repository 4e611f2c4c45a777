"""EC2: networks, and what is attached to them."""

from forensics.acquire.calls.call import Call

CALLS = (
    Call(
        "ec2",
        "DescribeNetworkInterfaces",
        "NetworkInterfaces",
        "AWS::EC2::NetworkInterface",
        resource_id="NetworkInterfaceId",
        created="Attachment.AttachTime",
    ),
    Call(
        "ec2",
        "DescribeInstances",
        "Reservations[].Instances[]",
        "AWS::EC2::Instance",
        resource_id="InstanceId",
        name="Tags[?Key=='Name'].Value",
        created="LaunchTime",
    ),
)
