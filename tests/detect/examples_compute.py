"""Examples of our rules on functions, tasks, images and instances."""

from tests.detect.example_records import (
    ADD,
    CODE,
    CONSOLE,
    DENIED,
    DEV,
    ON_BEHALF,
    OTHER,
    PIPELINE,
    REGISTER,
    ROOT,
    RUN,
    URL,
    Examples,
    asks,
    layered,
)
from tests.worlds import role

PERSON = role("AWSReservedSSO_Dev_0123456789abcdef", "jane@example.com", key="ASIAEXAMPLEJANE")
CREATE = "lambda:CreateFunction20150331"
CONFIGURE = "lambda:UpdateFunctionConfiguration20150331v2"
MAP = "lambda:CreateEventSourceMapping20150331"
SHARE = "lambda:AddLayerVersionPermission20181031"
METADATA = "ec2:ModifyInstanceMetadataOptions"
ECS_ROLE = role("AWSServiceRoleForECS", "ecs-service-scheduler", key="ASIAEXAMPLEECS")
OPEN_ECR = '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"ecr:*"}]}'
OWN_ECR = '{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"ecr:*"}]}'


def options(**asked: object) -> dict[str, object]:
    """A call on the metadata options, which come inside a request of their own."""
    return asks(METADATA, ModifyInstanceMetadataOptionsRequest=asked)


def ranged(cidr: str, port: int, **more: object) -> dict[str, object]:
    """A rule of a security group."""
    item = {"fromPort": port, "toPort": port, "ipProtocol": "tcp", "ipRanges": {"items": [{"cidrIp": cidr}]}}
    return asks("ec2:AuthorizeSecurityGroupIngress", ipPermissions={"items": [item]}, **more)


EXAMPLES: Examples = {
    "lambda_code_changed_by_a_person": (
        [asks(CODE), asks(CODE, PIPELINE) | CONSOLE, asks(CODE, PERSON)],
        [asks(CODE, PIPELINE), asks(CODE) | DENIED, asks("lambda:GetFunction20150331v2")],
    ),
    "lambda_function_made_by_a_person": ([asks(CREATE), asks(CREATE, ROOT)], [asks(CREATE, PIPELINE), asks(URL)]),
    "lambda_layer_added": ([layered("arn:aws:lambda:us-east-1:444455556666:layer:x:1")], [layered()]),
    "lambda_layer_published_and_used": (
        [
            asks("lambda:PublishLayerVersion20181031", at="08:30:00"),
            layered("arn:aws:lambda:us-east-1:111122223333:layer:x:1"),
        ],
        [asks("lambda:PublishLayerVersion20181031", PIPELINE), layered()],
    ),
    "lambda_url_without_authentication": ([asks(URL, authType="NONE")], [asks(URL, authType="AWS_IAM")]),
    "lambda_permission_to_everyone": (
        [asks(ADD, principal="*"), asks(SHARE, principal="*")],
        [
            asks(ADD, principal="*", principalOrgID="o-1"),
            asks(ADD, principal="s3.amazonaws.com"),
            asks(SHARE, principal="*", organizationId="o-1"),
        ],
    ),
    "lambda_permission_to_another_account": (
        [asks(ADD, principal=OTHER), asks(ADD, principal=f"arn:aws:iam::{OTHER}:root")],
        [
            asks(ADD, principal="111122223333"),
            asks(ADD, principal="arn:aws:iam::111122223333:role/x"),
            asks(ADD, principal="events.amazonaws.com"),
        ],
    ),
    "lambda_role_changed_by_a_person": (
        [asks(CONFIGURE, role="arn:aws:iam::111122223333:role/admin")],
        [asks(CONFIGURE, timeout=3), asks(CONFIGURE, PIPELINE, role="arn:aws:iam::111122223333:role/admin")],
    ),
    "lambda_event_source_by_a_person": ([asks(MAP)], [asks(MAP, PIPELINE), asks(MAP) | DENIED]),
    "ecs_command_in_a_container": ([asks("ecs:ExecuteCommand")], [asks("ecs:ExecuteCommand") | DENIED]),
    "ecs_exec_switched_on_by_a_person": (
        [asks("ecs:UpdateService", enableExecuteCommand=True)],
        [asks("ecs:UpdateService", enableExecuteCommand=False), asks(RUN, PIPELINE, enableExecuteCommand=True)],
    ),
    "ecs_privileged_task_definition": (
        [
            asks(REGISTER, containerDefinitions=[{"privileged": False}, {"privileged": True}]),
            asks(REGISTER, pidMode="host"),
            asks(REGISTER, volumes=[{"name": "x", "host": {"sourcePath": "/"}}]),
            asks(REGISTER, containerDefinitions=[{"linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}}]),
        ],
        [
            asks(REGISTER, containerDefinitions=[{"privileged": False}]),
            asks(REGISTER, volumes=[{"name": "x", "host": {"sourcePath": "/data"}}]),
        ],
    ),
    "ecs_task_definition_then_run": (
        [asks(REGISTER, at="09:00:00"), asks(RUN, at="09:10:00")],
        [asks(RUN, PIPELINE, "09:20:00"), asks(REGISTER, PIPELINE, "09:21:00")],
    ),
    "ecs_task_definition_made_and_removed": (
        [asks(REGISTER, at="09:00:00"), asks("ecs:DeregisterTaskDefinition", at="10:00:00")],
        [asks(REGISTER, PIPELINE, "09:00:00"), asks("ecs:DeregisterTaskDefinition", PIPELINE, "13:00:00")],
    ),
    "ecs_task_of_another_role_or_command": (
        [
            asks(RUN, overrides={"taskRoleArn": "arn:aws:iam::111122223333:role/admin"}),
            asks(RUN, overrides={"containerOverrides": [{"name": "a"}, {"command": ["sh", "-c", "id"]}]}),
        ],
        [
            asks(RUN, overrides={"containerOverrides": [{"name": "a", "cpu": 256}]}),
            asks(RUN, ECS_ROLE, overrides={"taskRoleArn": "arn:aws:iam::111122223333:role/admin"}),
        ],
    ),
    "ecs_many_tasks_by_a_person": ([asks(RUN, count=6)], [asks(RUN, count=1), asks(RUN, PIPELINE, count=10)]),
    "ecr_image_pushed_by_a_person": (
        [asks("ecr:PutImage")],
        [asks("ecr:PutImage", PIPELINE), asks("ecr:BatchGetImage")],
    ),
    "ecr_repository_opened": (
        [
            asks("ecr:SetRepositoryPolicy", policyText=OPEN_ECR),
            asks("ecr:PutImageTagMutability", imageTagMutability="MUTABLE"),
        ],
        [
            asks("ecr:SetRepositoryPolicy", policyText=OWN_ECR),
            asks("ecr:PutImageTagMutability", imageTagMutability="IMMUTABLE"),
        ],
    ),
    "instance_user_data_changed": (
        [asks("ec2:ModifyInstanceAttribute", userData="<sensitiveDataRemoved>")],
        [asks("ec2:ModifyInstanceAttribute", instanceType={"value": "t3.small"})],
    ),
    "instance_metadata_opened": (
        [options(HttpTokens="optional"), options(HttpPutResponseHopLimit=3)],
        [options(HttpTokens="required"), options(HttpPutResponseHopLimit=1)],
    ),
    "instance_given_another_role": (
        [asks("ec2:AssociateIamInstanceProfile"), asks("iam:AddRoleToInstanceProfile")],
        [asks("ec2:AssociateIamInstanceProfile", PIPELINE), asks("iam:AddRoleToInstanceProfile") | DENIED],
    ),
    "command_on_hosts": (
        [asks("ssm:SendCommand"), asks("ssm:StartSession")],
        [asks("ssm:SendCommand", DEV | {"invokedBy": "ssm.amazonaws.com"}), asks("ssm:TerminateSession")],
    ),
    "key_sent_to_an_instance": (
        [asks("ec2-instance-connect:SendSSHPublicKey"), asks("ec2-instance-connect:SendSerialConsoleSSHPublicKey")],
        [asks("ec2-instance-connect:SendSSHPublicKey") | DENIED, asks("ec2-instance-connect:OpenTunnel")],
    ),
    "serial_console_switched_on": (
        [asks("ec2:EnableSerialConsoleAccess")],
        [asks("ec2:DisableSerialConsoleAccess"), asks("ec2:EnableSerialConsoleAccess") | DENIED],
    ),
    "key_pair_made_by_a_person": (
        [asks("ec2:CreateKeyPair"), asks("ec2:ImportKeyPair")],
        [asks("ec2:ImportKeyPair", PIPELINE), asks("ec2:DeleteKeyPair")],
    ),
    "traffic_mirrored": (
        [asks("ec2:CreateTrafficMirrorSession")],
        [asks("ec2:CreateTrafficMirrorFilter"), asks("ec2:CreateTrafficMirrorSession") | DENIED],
    ),
    "security_group_opened": (
        [
            ranged("0.0.0.0/0", 22),
            asks("ec2:AuthorizeSecurityGroupIngress", cidrIp="0.0.0.0/0", fromPort=3389, ipPermissions={}),
            asks("rds:AuthorizeDBSecurityGroupIngress", cIDRIP="0.0.0.0/0"),
        ],
        [ranged("0.0.0.0/0", 443), ranged("198.51.100.0/24", 22), ranged("0.0.0.0/0", 22) | DENIED],
    ),
    "instances_refused": (
        [
            asks("ec2:RunInstances") | {"errorCode": "Client.VcpuLimitExceeded"},
            asks("ec2:RunInstances", at="09:05:00") | {"errorCode": "Client.UnauthorizedOperation"},
        ],
        [
            asks("ec2:RunInstances", PIPELINE) | {"errorCode": "Client.VcpuLimitExceeded"},
            asks("ec2:RunInstances", ROOT),
        ],
    ),
    "large_instances_by_a_person": (
        [
            asks("ec2:RunInstances", instanceType="p4d.24xlarge"),
            asks("ec2:RunInstances", instanceType="t3.small", instancesSet={"items": [{"maxCount": 20}]}),
            asks("ec2:RunInstances", PIPELINE, instanceType="g5.xlarge")
            | {"errorCode": "Client.UnauthorizedOperation"},
        ],
        [
            asks("ec2:RunInstances", instanceType="t3.small", instancesSet={"items": [{"maxCount": 1}]}),
            asks("ec2:RunInstances", PIPELINE, instanceType="g5.xlarge"),
        ],
    ),
    "edge_function_changed_by_a_person": (
        [asks("cloudfront:PublishFunction2020_05_31")],
        [asks("cloudfront:PublishFunction2020_05_31", PIPELINE), asks("cloudfront:CreateDistribution2020_05_31")],
    ),
    "way_in_refused": (
        [asks("ssm:StartSession") | DENIED, asks("ec2:AuthorizeSecurityGroupIngress") | DENIED],
        [asks("ssm:StartSession"), asks("ssm:SendCommand", ON_BEHALF) | DENIED, asks("ec2:DescribeInstances") | DENIED],
    ),
    "quota_raise_asked_for": (
        [asks("servicequotas:RequestServiceQuotaIncrease")],
        [asks("servicequotas:GetServiceQuota")],
    ),
    "many_resources_destroyed": (
        [asks("ec2:TerminateInstances", at=f"09:0{place}:00") for place in range(8)],
        [asks("ec2:TerminateInstances", ON_BEHALF), asks("ec2:StopInstances")],
    ),
}
FEW = {
    "instances_refused": [asks("ec2:RunInstances") | {"errorCode": "Client.VcpuLimitExceeded"}],
    "many_resources_destroyed": [asks("ec2:TerminateInstances", at=f"09:0{place}:00") for place in range(7)],
}
