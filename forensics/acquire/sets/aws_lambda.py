"""The set for an incident around Lambda functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from forensics.acquire.calls import Call
from forensics.acquire.sets.chosen import (
    Scopes,
    Set,
    asked,
    declared,
    images_of,
    listed,
    role_of,
    start,
    under,
    with_groups,
)
from forensics.acquire.step import Wanted
from forensics.aws import Aws
from forensics.errors import UnknownName, UsageError

FUNCTION = "lambda:GetFunction"
_ABOUT = (
    "ListVersionsByFunction ListAliases GetPolicy ListEventSourceMappings ListFunctionUrlConfigs"
    " ListFunctionEventInvokeConfigs GetFunctionConcurrency GetFunctionCodeSigningConfig"
).split()
_UNSCOPED = ("ListEventSourceMappings",)
"""Operations that IAM does not narrow to a function ("Actions, resources, and condition keys for AWS Lambda")."""
_NAME = re.compile(r"(?:arn:[\w-]+:lambda:[\w-]+:\d{12}:function:)?([\w-]{1,64})(?::([\w$-]+))?")


def function(said: str) -> tuple[str, str]:
    """Name and qualifier ("" for none) of NAME, NAME:VERSION or an ARN. Raises UsageError."""
    if not (found := _NAME.fullmatch(said)):
        raise UsageError(f"{said!r} is no name of a function: give NAME, NAME:VERSION or an ARN")
    return found.group(1), found.group(2) or ""


def _calls(wanted: Wanted) -> list[Call]:
    found: list[Call] = []
    for name, qualifier in map(function, wanted.functions):
        chosen = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
        found += [start("lambda", "GetFunction", **chosen)]
        found += [start("lambda", operation, FunctionName=name) for operation in _ABOUT]
    return [*found, *_around()]


def _around() -> list[Call]:
    vpc = "[{Name: 'vpc-id', Values: [Configuration.VpcConfig.VpcId]}]"
    in_vpc = f"Configuration.VpcConfig.VpcId && {vpc}"
    group = "Configuration.LoggingConfig.LogGroup || join('', ['/aws/lambda/', Configuration.FunctionName])"
    return [
        under("lambda:ListAliases", "lambda", "GetPolicy", FunctionName="_request.FunctionName", Qualifier="Name"),
        declared("lambda", "GetLayerVersionByArn"),
        *role_of(FUNCTION, "Configuration.Role"),
        *images_of(FUNCTION, over="[Code]", image="ImageUri", digest="after_last(ResolvedImageUri, '@')"),
        under(FUNCTION, "ec2", "DescribeNetworkInterfaces", Filters=in_vpc),
        under(FUNCTION, "ec2", "DescribeSubnets", SubnetIds="Configuration.VpcConfig.SubnetIds"),
        under(FUNCTION, "ec2", "DescribeSecurityGroups", GroupIds="Configuration.VpcConfig.SecurityGroupIds"),
        under(FUNCTION, "ec2", "DescribeNatGateways", Filter=in_vpc),
        under(FUNCTION, "ec2", "DescribeVpcEndpoints", Filters=in_vpc),
        start("ec2", "DescribeFlowLogs"),
        under(FUNCTION, "logs", "DescribeLogGroups", logGroupNamePrefix=group),
        declared("logs", "DescribeSubscriptionFilters"),
    ]


def _check(aws: Aws, regions: Sequence[str], wanted: Wanted) -> Iterator[str]:
    for name, qualifier in map(function, wanted.functions):
        chosen = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
        answers = [asked(aws, "lambda", "GetFunctionConfiguration", region=region, **chosen) for region in regions]
        if all(answer is None for answer in answers):
            known = listed(aws, "lambda", "ListFunctions", regions=regions, path="Functions")
            where = f"{', '.join(regions[:5])}{' …' if len(regions) > 5 else ''}"
            advice = f"looked for in {where} of account {aws.caller.account_id}: --regions names others"
            raise UnknownName("Lambda function", f"{name}:{qualifier}" if qualifier else name, known, advice=advice)
    yield from ()


def _scopes(wanted: Wanted) -> Scopes:
    names = [function(said)[0] for said in wanted.functions]
    arns = [f"arn:*:lambda:*:*:function:{name}{rest}" for name in names for rest in ("", ":*")]
    operations = ["GetFunction", "GetFunctionConfiguration", *(name for name in _ABOUT if name not in _UNSCOPED)]
    return {f"lambda:{operation}": arns for operation in operations}


def _narrowed(wanted: Wanted) -> Wanted:
    return with_groups(wanted, [f"/aws/lambda/{function(said)[0]}" for said in wanted.functions])


SET = Set(
    "lambda",
    "functions with versions, aliases, layers, mappings, URLs, policies, roles, networks and log groups",
    calls=_calls,
    steps=("guardduty-findings",),
    records=("lookup-events", "log-groups"),
    narrowed=_narrowed,
    needs=("functions",),
    check=_check,
    scopes=_scopes,
)
