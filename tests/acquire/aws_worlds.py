"""An account on loopback with what an incident touches: functions, tasks, clusters, images, roles, trails."""

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

from tests.moto_server import made

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
SECRET = "hunter2-not-to-be-kept"
"""Value of an environment variable of the function and of the task."""


@dataclass(frozen=True)
class World:
    """What was made."""

    endpoint: str
    role: str
    interface_vpc: str
    task: str
    stopped: str
    digest: str


def package(text: str = "def handler(event, context): ...") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), text)
    return out.getvalue()


def role(endpoint: str, name: str) -> str:
    iam = made(endpoint, "iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=ALLOW)
    policy = iam.create_policy(PolicyName=f"{name}-policy", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    return arn


def functions(endpoint: str, arn: str) -> None:
    """`shop` with two versions, an alias, a layer, a mapping, a URL and policies; `other`."""
    client, queue = made(endpoint, "lambda"), made(endpoint, "sqs").create_queue(QueueName="orders")["QueueUrl"]
    layer = client.publish_layer_version(LayerName="tools", Content={"ZipFile": package("tools = 1")})[
        "LayerVersionArn"
    ]
    common: dict[str, Any] = {"Runtime": "python3.13", "Role": arn, "Handler": "index.handler"}
    environment = {"Variables": {"DB_PASSWORD": SECRET}}
    client.create_function(
        FunctionName="shop",
        Code={"ZipFile": package()},
        Layers=[layer],
        Environment=environment,
        Publish=True,
        **common,
    )
    client.update_function_code(FunctionName="shop", ZipFile=package("changed = True"), Publish=True)
    client.create_alias(FunctionName="shop", Name="live", FunctionVersion="1")
    client.create_function_url_config(FunctionName="shop", AuthType="NONE")
    client.add_permission(
        FunctionName="shop", StatementId="s", Action="lambda:InvokeFunction", Principal="444455556666"
    )
    source = f"arn:aws:sqs:us-east-1:{arn.split(':')[4]}:{queue.rpartition('/')[2]}"
    client.create_event_source_mapping(FunctionName="shop", EventSourceArn=source)
    client.create_function(FunctionName="other", Code={"ZipFile": package("o = 1")}, **common)
    made(endpoint, "logs").create_log_group(logGroupName="/aws/lambda/shop")


def image(endpoint: str) -> str:
    client = made(endpoint, "ecr")
    client.create_repository(repositoryName="team/shop")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 1,
            "digest": "sha256:" + "0" * 64,
        },
        "layers": [],
    }
    put = client.put_image(repositoryName="team/shop", imageManifest=json.dumps(manifest), imageTag="1")
    return str(put["image"]["imageId"]["imageDigest"])


def network(endpoint: str) -> tuple[str, str]:
    ec2 = made(endpoint, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=vpc, **{name: {"Value": True}})
    subnet: str = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    made(endpoint, "logs").create_log_group(logGroupName="/flows")
    ec2.create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[vpc],
        TrafficType="ALL",
        LogGroupName="/flows",
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/flows",
    )
    return vpc, subnet


def tasks(endpoint: str, arn: str, subnet: str) -> tuple[str, str]:
    """A running and a stopped task of cluster `prod`."""
    client, ec2 = made(endpoint, "ecs"), made(endpoint, "ec2")
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    client.create_cluster(clusterName="prod")
    container = {
        "name": "app",
        "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/shop:1",
        "memory": 128,
        "environment": [{"name": "TOKEN", "value": SECRET}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": "/ecs/shop", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "s"},
        },
    }
    client.register_task_definition(
        family="shop",
        containerDefinitions=[container],
        taskRoleArn=arn,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
    )
    made(endpoint, "logs").create_log_group(logGroupName="/ecs/shop")
    where = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    begun = client.run_task(
        cluster="prod", taskDefinition="shop", count=2, launchType="FARGATE", networkConfiguration=where
    )
    running, stopped = (item["taskArn"] for item in begun["tasks"])
    client.stop_task(cluster="prod", task=stopped)
    return running, stopped


def trail(endpoint: str) -> None:
    made(endpoint, "s3").create_bucket(Bucket="trail-bucket")
    client = made(endpoint, "cloudtrail")
    client.create_trail(Name="main", S3BucketName="trail-bucket")
    client.start_logging(Name="main")


def cluster(endpoint: str, arn: str, subnet: str) -> None:
    client = made(endpoint, "eks")
    client.create_cluster(name="kube", roleArn=arn, resourcesVpcConfig={"subnetIds": [subnet]})
    client.create_nodegroup(clusterName="kube", nodegroupName="nodes", nodeRole=arn, subnets=[subnet])
    client.create_fargate_profile(
        clusterName="kube",
        fargateProfileName="f",
        podExecutionRoleArn=arn,
        subnets=[subnet],
        selectors=[{"namespace": "n"}],
    )


def world(endpoint: str) -> World:
    """All of it, in us-east-1."""
    arn = role(endpoint, "shop-role")
    user = made(endpoint, "iam")
    user.create_user(UserName="eve")
    user.create_access_key(UserName="eve")
    vpc, subnet = network(endpoint)
    functions(endpoint, arn)
    digest = image(endpoint)
    running, stopped = tasks(endpoint, arn, subnet)
    trail(endpoint)
    cluster(endpoint, arn, subnet)
    made(endpoint, "guardduty").create_detector(Enable=True)
    return World(endpoint, arn, vpc, running, stopped, digest)
