"""Accounts of moto in several states, and what readiness says of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import boto3

from forensics import evidence
from forensics.acquire.page import Asked
from forensics.acquire.step import now
from forensics.aws import Aws, Trouble
from forensics.load import load
from forensics.readiness.checks.vpc_flow import FORMAT
from forensics.readiness.live import ask
from forensics.readiness.report import Report
from tests.fresh import fresh_case
from tests.meddling import Meddler, Request, refused, refused_xml
from tests.moto_server import made

KEPT, BARE, POOR = "111122223333", "444455556666", "777788889999"
REGION = "us-east-1"
TRAIL_SELECTORS = [
    {"Name": "m", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]},
    *(
        {
            "Name": kind,
            "FieldSelectors": [
                {"Field": "eventCategory", "Equals": ["Data"]},
                {"Field": "resources.type", "Equals": [kind]},
            ],
        }
        for kind in ("AWS::S3::Object", "AWS::Lambda::Function")
    ),
]


def role(account: str) -> str:
    return f"arn:aws:iam::{account}:role/responder"


@cache
def _credentials(endpoint: str, account: str) -> Any:
    return made(endpoint, "sts").assume_role(RoleArn=role(account), RoleSessionName="setup")["Credentials"]


def client(endpoint: str, account: str, service: str, region: str = REGION) -> Any:
    """A client that can write, in an account of its own."""
    given = _credentials(endpoint, account)
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def well_kept(endpoint: str) -> None:
    """A validated trail of all Regions with data events, flow logs with every field, GuardDuty, Config, retention."""
    s3, ec2 = client(endpoint, KEPT, "s3"), client(endpoint, KEPT, "ec2")
    s3.create_bucket(Bucket="kept-logs", ObjectLockEnabledForBucket=True)
    rule = {"ID": "k", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 400}}
    s3.put_bucket_lifecycle_configuration(Bucket="kept-logs", LifecycleConfiguration={"Rules": [rule]})
    trails = client(endpoint, KEPT, "cloudtrail")
    trails.create_trail(Name="main", S3BucketName="kept-logs", IsMultiRegionTrail=True, EnableLogFileValidation=True)
    trails.put_event_selectors(TrailName="main", AdvancedEventSelectors=TRAIL_SELECTORS)
    trails.start_logging(Name="main")
    for network in ec2.describe_vpcs()["Vpcs"]:
        ec2.create_flow_logs(
            ResourceIds=[network["VpcId"]],
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="s3",
            LogDestination="arn:aws:s3:::kept-logs",
            MaxAggregationInterval=60,
            LogFormat=FORMAT,
        )
    client(endpoint, KEPT, "guardduty").create_detector(Enable=True, FindingPublishingFrequency="FIFTEEN_MINUTES")
    config = client(endpoint, KEPT, "config")
    group = {"allSupported": True, "includeGlobalResourceTypes": True}
    recorder = {"name": "default", "roleARN": role(KEPT), "recordingGroup": group}
    config.put_configuration_recorder(ConfigurationRecorder=recorder)
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "kept-logs"})
    config.start_configuration_recorder(ConfigurationRecorderName="default")
    _workloads(endpoint)


def _workloads(endpoint: str) -> None:
    logs, ecs = client(endpoint, KEPT, "logs"), client(endpoint, KEPT, "ecs")
    for group in ("/ecs/shop", "/app"):
        logs.create_log_group(logGroupName=group)
        logs.put_retention_policy(logGroupName=group, retentionInDays=365)
    ecs.create_cluster(clusterName="shop", settings=[{"name": "containerInsights", "value": "enabled"}])
    options = {"awslogs-group": "/ecs/shop", "awslogs-region": REGION, "awslogs-stream-prefix": "shop"}
    silent = {"name": "sidecar", "image": "proxy", "memory": 128}
    loud = {
        "name": "web",
        "image": "web",
        "memory": 128,
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    ecs.register_task_definition(family="shop", containerDefinitions=[loud, silent])
    ecs.create_service(cluster="shop", serviceName="shop", taskDefinition="shop", desiredCount=0)
    events = client(endpoint, KEPT, "events")
    events.put_rule(Name="ecs", EventPattern='{"source":["aws.ecs"]}')
    events.put_targets(
        Rule="ecs", Targets=[{"Id": "1", "Arn": f"arn:aws:logs:{REGION}:{KEPT}:log-group:/aws/events/ecs"}]
    )
    client(endpoint, KEPT, "eks").create_cluster(
        name="pods",
        roleArn=role(KEPT),
        resourcesVpcConfig={"subnetIds": []},
        logging={"clusterLogging": [{"types": ["api", "audit", "authenticator"], "enabled": True}]},
    )


def poor(endpoint: str) -> None:
    """A trail of one Region without validation, a bucket that logs into itself, flow logs of the default format."""
    s3, ec2 = client(endpoint, POOR, "s3"), client(endpoint, POOR, "ec2")
    s3.create_bucket(Bucket="poor-logs")
    s3.put_bucket_acl(Bucket="poor-logs", ACL="log-delivery-write")
    target = {"TargetBucket": "poor-logs", "TargetPrefix": "s3/"}
    s3.put_bucket_logging(Bucket="poor-logs", BucketLoggingStatus={"LoggingEnabled": target})
    trails = client(endpoint, POOR, "cloudtrail")
    trails.create_trail(Name="only-here", S3BucketName="poor-logs")
    trails.start_logging(Name="only-here")
    logs = client(endpoint, POOR, "logs")
    logs.create_log_group(logGroupName="flows")
    logs.put_retention_policy(logGroupName="flows", retentionInDays=7)
    logs.create_log_group(logGroupName="forever")
    network = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    ec2.create_flow_logs(
        ResourceIds=[network],
        ResourceType="VPC",
        TrafficType="REJECT",
        LogGroupName="flows",
        DeliverLogsPermissionArn=_flow_role(endpoint),
    )
    client(endpoint, POOR, "eks").create_cluster(name="pods", roleArn=role(POOR), resourcesVpcConfig={"subnetIds": []})


def _flow_role(endpoint: str) -> str:
    made_role = client(endpoint, POOR, "iam").create_role(RoleName="flows", AssumeRolePolicyDocument="{}")
    return str(made_role["Role"]["Arn"])


def without_what_moto_lacks(request: Request) -> tuple[int, str, bytes] | None:
    """Services that moto does not have say at once that the caller may not."""
    scope = request.headers.get("authorization", "")
    lacking = any(f"/{service}/aws4_request" in scope for service in ("fms", "securitylake"))
    return refused(403, "AccessDeniedException") if lacking else None


def denying(*names: str, code: str = "AccessDenied") -> Callable[[Request], tuple[int, str, bytes] | None]:
    """A rule that refuses requests of those names (parts of them)."""

    def rule(request: Request) -> tuple[int, str, bytes] | None:
        if not any(name in request.name for name in names):
            return None
        if request.path.startswith("/") and "?" in request.path:
            text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"
            return 403, "application/xml", text.encode()
        xml = b"Action=" in request.body
        return refused_xml(403, code) if xml else refused(400, code)

    return rule


def asked(meddler: Meddler, root: Path, account: str, *regions: str) -> Report:
    """What readiness says of an account, asked through the proxy; its case is at `root`."""
    aws = Aws(region=REGION, endpoint=meddler.url, role=role(account), attempts=1)
    with fresh_case(root) as case:
        ask(case, aws, regions=regions or (REGION,))
        return Report.of(case)


def through(meddler: Meddler) -> Aws:
    """The caller as it is, without a role."""
    return Aws(region=REGION, endpoint=meddler.url, attempts=1)


def page(service: str, operation: str, response: dict[str, Any] | None, **parameters: Any) -> tuple[Asked, Any]:
    """A page of an inventory as the engine would make it; without a response, a refused call."""
    return Asked(service, operation, parameters, KEPT, REGION, now()), response


def held(root: Path, *pages: tuple[Asked, Any]) -> Report:
    """What readiness says of those pages."""
    return worlds(root, {KEPT: list(pages)})


def worlds(root: Path, pages: Mapping[str, Sequence[tuple[Asked, Any]]]) -> Report:
    """What readiness says of the pages of several accounts in one case."""
    with fresh_case(root) as case:
        found = [
            given.refused(Trouble("denied", "AccessDenied", "no")) if response is None else given.answered(0, response)
            for account, items in pages.items()
            for one, response in items
            for given in [replace(one, account_id=account)]
        ]
        evidence.take(case, iter(found), command="readiness")
        load(case, workers=1)
        return Report.of(case)


def of(report: Report, log_type: str, region: str = REGION, account: str = "") -> Any:
    """The row of a log type."""
    rows = [item for item in report.rows if not account or item.account_id == account]
    (row,) = [item for item in rows if (item.log_type, item.region) == (log_type, region)]
    return row


def codes(report: Report) -> set[tuple[str, str]]:
    """Every warning, by log type."""
    return {(item.log_type, item.code) for item in report.warnings}
