"""What stands before workloads and around buckets: access logs."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.readiness.quoting import comment, hcl, label, shell
from forensics.readiness.remedy import OFF, Remedy, Target, names

_BALANCERS = {"alb": "access_logs", "alb_connection": "connection_logs", "nlb": "access_logs", "clb": "access_logs"}


def _balancers(targets: Sequence[Target]) -> str:
    return "\n".join(
        f"{comment(f'in the resource of the load balancer {item.name} ({item.region})')}\n"
        f"{_BALANCERS[item.row.log_type]} {{\n  bucket  = var.access_log_bucket\n  enabled = true\n}}"
        for item in targets
        if item.name
    )


def _balancers_cli(targets: Sequence[Target]) -> str:
    return "\n".join(_balancer(item) for item in targets if item.name)


def _balancer(item: Target) -> str:
    at, name, kind = f"--region {shell(item.region)}", shell(item.name), _BALANCERS[item.row.log_type].replace("_", "-")
    if item.row.log_type == "clb":
        return (
            f"aws elb modify-load-balancer-attributes {at} --load-balancer-name {name} --load-balancer-attributes \\\n"
            '  "{\\"AccessLog\\":{\\"Enabled\\":true,\\"S3BucketName\\":\\"$ACCESS_LOG_BUCKET\\",\\"EmitInterval\\":5}}"'
        )
    return (
        f"aws elbv2 modify-load-balancer-attributes {at} --attributes Key={kind.replace('-', '_')}.s3.enabled,Value=true"
        f' "Key={kind.replace("-", "_")}.s3.bucket,Value=$ACCESS_LOG_BUCKET" \\\n'
        f'  --load-balancer-arn "$(aws elbv2 describe-load-balancers {at} --names {name}'
        " --query 'LoadBalancers[0].LoadBalancerArn' --output text)\""
    )


def _waf(targets: Sequence[Target]) -> str:
    made = [
        comment("under Firewall Manager the policy switches it on for every account: loggingConfiguration of WAFV2")
    ]
    made += [
        f'resource "aws_wafv2_web_acl_logging_configuration" "{label(region, name)}" {{\n  region                  = {hcl(region)}\n'
        f'  resource_arn            = "REPLACE-WITH-ARN" {comment("of " + name)}\n'
        '  log_destination_configs = ["arn:aws:s3:::aws-waf-logs-REPLACE"] # the name begins with aws-waf-logs-\n}'
        for region, name in names(targets)
    ]
    return "\n".join(made)


def _waf_cli(targets: Sequence[Target]) -> str:
    made = [comment("under Firewall Manager change its policy instead; a destination's name begins with aws-waf-logs-")]
    made += [
        f"{comment(f'web ACL {name}')}\naws wafv2 put-logging-configuration --region {shell(region)} --logging-configuration \\\n"
        "  ResourceArn=REPLACE-WITH-ARN,LogDestinationConfigs=arn:aws:s3:::aws-waf-logs-REPLACE"
        for region, name in names(targets)
    ]
    return "\n".join(made)


def _cloudfront(targets: Sequence[Target]) -> str:
    return "\n".join(
        f"{comment(f'in the resource aws_cloudfront_distribution {name}; or standard logging v2 by a log delivery')}\n"
        'logging_config {\n  bucket = "${var.access_log_bucket}.s3.amazonaws.com"\n'
        f"  prefix = {hcl(f'cloudfront/{name}/')}\n}}"
        for _, name in names(targets)
    )


def _cloudfront_cli(targets: Sequence[Target]) -> str:
    return "\n".join(
        f"aws logs put-delivery-source --region us-east-1 --log-type ACCESS_LOGS --name {shell(f'cloudfront-{name}')} \\\n"
        f'  --resource-arn "$(aws cloudfront get-distribution --id {shell(name)} --query Distribution.ARN --output text)"\n'
        + comment("then put-delivery-destination (the bucket) and create-delivery")
        for _, name in names(targets)
    )


_LINE = (
    '{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","caller":"$context.identity.caller",'
    '"user":"$context.identity.userArn","time":"$context.requestTimeEpoch","method":"$context.httpMethod",'
    '"path":"$context.path","status":"$context.status","integration":"$context.integration.requestId"}'
)


def _gateway(targets: Sequence[Target]) -> str:
    return "\n".join(
        f"{comment(f'in the resource of the stage {name} ({region})')}\n"
        f'access_log_settings {{\n  destination_arn = "REPLACE-WITH-LOG-GROUP-ARN"\n  format          = {hcl(_LINE)}\n}}'
        for region, name in names(targets)
    )


def _gateway_cli(targets: Sequence[Target]) -> str:
    made = [comment("of HTTP and WebSocket APIs: aws apigatewayv2 update-stage --access-log-settings")]
    for region, name in names(targets):
        api, _, stage = name.partition("/")
        made.append(
            f"aws apigateway update-stage --region {shell(region)} --rest-api-id {shell(api)} --stage-name {shell(stage)} \\\n"
            "  --patch-operations op=replace,path=/accessLogSettings/destinationArn,value=REPLACE-WITH-LOG-GROUP-ARN"
        )
    return "\n".join(made)


def _buckets(targets: Sequence[Target]) -> str:
    made = [comment("for buckets whose readers matter and that data events do not cover; never for a bucket of logs")]
    made += [
        f'resource "aws_s3_bucket_logging" "{label(name)}" {{\n  bucket        = {hcl(name)}\n'
        f"  target_bucket = var.access_log_bucket # never the bucket itself\n  target_prefix = {hcl(f's3-access/{name}/')}\n}}"
        for _, name in names(targets)
    ]
    return "\n".join(made)


def _buckets_cli(targets: Sequence[Target]) -> str:
    made = [comment("for buckets whose readers matter and that data events do not cover; never for a bucket of logs")]
    made += [
        f"aws s3api put-bucket-logging --bucket {shell(name)} --bucket-logging-status \\\n"
        f'  "LoggingEnabled={{TargetBucket=$ACCESS_LOG_BUCKET,TargetPrefix=s3-access/"{shell(name)}"/}}"'
        for _, name in names(targets)
    ]
    return "\n".join(made)


REMEDIES = (
    Remedy(
        "balancers",
        "Access and connection logs of load balancers",
        "which client sent which request to which task or function; S3 storage is all it costs",
        {"alb": (OFF,), "alb_connection": (OFF,), "nlb": (OFF,), "clb": (OFF,)},
        _balancers,
        _balancers_cli,
    ),
    Remedy(
        "waf",
        "Logs of web ACLs",
        "requests with their headers, those that were let through among them",
        {"waf": (OFF,)},
        _waf,
        _waf_cli,
    ),
    Remedy(
        "api_gateway",
        "Access logs of API Gateway stages",
        "the caller's address and identity, and the request id that leads to the invocation",
        {"api_gateway": (OFF,)},
        _gateway,
        _gateway_cli,
    ),
    Remedy(
        "cloudfront",
        "Access logs of distributions",
        "behind a distribution the origin sees CloudFront's address",
        {"cloudfront": (OFF,)},
        _cloudfront,
        _cloudfront_cli,
    ),
    Remedy(
        "s3_access",
        "Access logs of buckets that data events do not cover",
        "requests without a credential and their bytes; late and without promise: data events come first",
        {"s3_access": (OFF,)},
        _buckets,
        _buckets_cli,
    ),
)
