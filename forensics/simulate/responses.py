"""Bodies of the API calls that start workloads, as CloudTrail has them.

Source: real RunInstances, CreateNetworkInterface and CreateFunction records; CloudTrail record contents.
"""

from forensics.simulate.world import ACCOUNT, REGION, Function, Ids, Instance, Interface, Json, iso

AMI = "ami-0123456789abcdef0"


def run_instances(instance: Instance, ids: Ids, *, profile: str | None) -> tuple[Json, Json]:
    """EC2's nesting: `items` for most lists, `item` for addresses, launch times in epoch milliseconds."""
    interface = instance.interface
    ask: Json = {
        "instancesSet": {"items": [{"imageId": AMI, "minCount": 1, "maxCount": 1}]},
        "instanceType": "t3.small",
        "subnetId": interface.subnet_id,
        "disableApiTermination": False,
    }
    ask |= {"iamInstanceProfile": {"name": profile}} if profile else {}
    groups = {"items": [{"groupId": interface.security_group, "groupName": "web"}]}
    launched: Json = {
        "instanceId": instance.instance_id,
        "imageId": AMI,
        "instanceState": {"code": 0, "name": "pending"},
        "privateDnsName": _dns(interface),
        "instanceType": "t3.small",
        "launchTime": instance.launched * 1000,
        "placement": {"availabilityZone": f"{REGION}a", "tenancy": "default"},
        "subnetId": interface.subnet_id,
        "vpcId": interface.vpc_id,
        "privateIpAddress": interface.private_ip,
        "groupSet": groups,
        "networkInterfaceSet": {"items": [_attached(instance, groups)]},
        "tagSet": {"items": [{"key": "Name", "value": instance.name}]},
    }
    if profile and instance.role:
        arn = f"arn:aws:iam::{ACCOUNT}:instance-profile/{profile}"
        launched["iamInstanceProfile"] = {"arn": arn, "id": ids.unique("AIPA", 10)}
    answer = {
        "requestId": ids.uuid(),
        "reservationId": ids.resource("r"),
        "ownerId": ACCOUNT,
        "groupSet": {},
        "instancesSet": {"items": [launched]},
    }
    return ask, answer


def create_interface(interface: Interface, description: str, ids: Ids) -> tuple[Json, Json]:
    """Lambda's request for a Hyperplane interface; the description names the function it was created for."""
    groups = {"items": [{"groupId": interface.security_group}]}
    ask = {
        "subnetId": interface.subnet_id,
        "description": description,
        "groupSet": groups,
        "ipv6AddressCount": 0,
    }
    card = _card(interface) | {
        "description": description,
        "groupSet": groups,
        "interfaceType": "lambda",
        "requesterId": f"{ids.unique('AROA', 10)}:lambda",
        "requesterManaged": False,
        "status": "pending",
    }
    return ask, {"requestId": ids.uuid(), "networkInterface": card}


def function_body(function: Function, when: int, ids: Ids) -> Json:
    """`responseElements` of the calls that create or change a function."""
    interface = function.interface
    network = {"subnetIds": [], "securityGroupIds": [], "vpcId": "", "ipv6AllowedForDualStack": False}
    if interface:
        network |= {
            "subnetIds": [interface.subnet_id],
            "securityGroupIds": [interface.security_group],
            "vpcId": interface.vpc_id,
        }
    log_format = "JSON" if function.json_logs else "Text"
    return {
        "functionName": function.name,
        "functionArn": function.arn,
        "runtime": function.runtime.replace(":", ""),
        "role": function.role.arn,
        "handler": "app.handler",
        "codeSize": 20480 + len(function.name),
        "timeout": function.timeout,
        "memorySize": function.memory_mb,
        "lastModified": f"{iso(when)[:-1]}.000+0000",
        "codeSha256": function.code_sha256,
        "version": "$LATEST",
        "vpcConfig": network,
        "packageType": "Zip",
        "revisionId": ids.uuid(),
        "state": "Active",
        "loggingConfig": {"logFormat": log_format, "logGroup": f"/aws/lambda/{function.name}"},
    }


def _card(interface: Interface) -> Json:
    address = {"privateIpAddress": interface.private_ip, "privateDnsName": _dns(interface), "primary": True}
    return {
        "networkInterfaceId": interface.interface_id,
        "subnetId": interface.subnet_id,
        "vpcId": interface.vpc_id,
        "availabilityZone": f"{REGION}a",
        "ownerId": ACCOUNT,
        "privateIpAddress": interface.private_ip,
        "privateDnsName": _dns(interface),
        "sourceDestCheck": True,
        "privateIpAddressesSet": {"item": [address]},
        "tagSet": {},
    }


def _attached(instance: Instance, groups: Json) -> Json:
    attachment = {
        "attachmentId": instance.interface.interface_id.replace("eni-", "eni-attach-"),
        "deviceIndex": 0,
        "networkCardIndex": 0,
        "status": "attaching",
        "attachTime": instance.launched * 1000,
        "deleteOnTermination": True,
    }
    state = {"requesterManaged": False, "status": "in-use", "groupSet": groups, "interfaceType": "interface"}
    return _card(instance.interface) | state | {"attachment": attachment}


def _dns(interface: Interface) -> str:
    return f"ip-{interface.private_ip.replace('.', '-')}.ec2.internal"
