"""The set for an incident around EKS clusters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from forensics.acquire.calls import Call, declarations
from forensics.acquire.sets.chosen import Scopes, Set, asked, declared, listed, role_of, start, under, with_groups
from forensics.acquire.step import Wanted
from forensics.aws import Aws
from forensics.errors import UnknownName, UsageError

CLUSTER, NODES = "eks:DescribeCluster", "eks:DescribeNodegroup"
_NAME = re.compile(r"(?:arn:[\w-]+:eks:[\w-]+:\d{12}:cluster/)?([0-9A-Za-z][\w-]{0,99})")


def cluster(said: str) -> str:
    """The name of a cluster given by name or ARN. Raises UsageError."""
    if not (found := _NAME.fullmatch(said)):
        raise UsageError(f"{said!r} is no name of a cluster: give its name or ARN")
    return found.group(1)


def _lists() -> list[str]:
    """Operations that list what a cluster has."""
    found = [item.operation for item in declarations() if item.parent == "eks:ListClusters"]
    return [operation for operation in found if operation.startswith("List")]


def _calls(wanted: Wanted) -> list[Call]:
    found: list[Call] = []
    for name in map(cluster, wanted.clusters):
        found += [start("eks", "DescribeCluster", name=name)]
        found += [start("eks", operation, clusterName=name) for operation in _lists()]
    below = [
        item for item in declarations() if item.service == "eks" and item.parent in {f"eks:{name}" for name in _lists()}
    ]
    return [*found, *below, *_around()]


def _around() -> list[Call]:
    vpc = "[{Name: 'vpc-id', Values: [resourcesVpcConfig.vpcId]}]"
    in_vpc = f"resourcesVpcConfig.vpcId && {vpc}"
    group = "join('', ['/aws/eks/', name, '/cluster'])"
    networks = "DescribeNetworkInterfaces DescribeInstances DescribeSecurityGroups DescribeSubnets".split()
    scaling = "resources.autoScalingGroups"
    return [
        *role_of(CLUSTER, "roleArn"),
        *role_of("eks:DescribePodIdentityAssociation", "roleArn"),
        *role_of(NODES, "nodeRole"),
        *role_of("eks:DescribeFargateProfile", "podExecutionRoleArn"),
        start("iam", "ListOpenIDConnectProviders"),
        declared("iam", "GetOpenIDConnectProvider"),
        start("iam", "GetAccountAuthorizationDetails", Filter=["Role"]),
        *(under(CLUSTER, "ec2", operation, Filters=in_vpc) for operation in networks),
        under(CLUSTER, "ec2", "DescribeNatGateways", Filter=in_vpc),
        under(CLUSTER, "ec2", "DescribeVpcEndpoints", Filters=in_vpc),
        under(NODES, "autoscaling", "DescribeAutoScalingGroups", over=scaling, AutoScalingGroupNames="[name]"),
        start("ec2", "DescribeFlowLogs"),
        under(CLUSTER, "logs", "DescribeLogGroups", logGroupNamePrefix=group),
        declared("logs", "DescribeSubscriptionFilters"),
    ]


def _check(aws: Aws, regions: Sequence[str], wanted: Wanted) -> Iterator[str]:
    for name in map(cluster, wanted.clusters):
        answers = [asked(aws, "eks", "DescribeCluster", region=region, name=name) for region in regions]
        if all(answer is None for answer in answers):
            known = listed(aws, "eks", "ListClusters", regions=regions, path="clusters")
            advice = f"looked for in {', '.join(regions[:5])}{' …' if len(regions) > 5 else ''}: --regions names others"
            raise UnknownName("EKS cluster", name, known, advice=advice)
    yield from ()


def _scopes(wanted: Wanted) -> Scopes:
    names = [cluster(said) for said in wanted.clusters]
    whole = [f"arn:*:eks:*:*:cluster/{name}" for name in names]
    parts = {
        "DescribeNodegroup": "nodegroup",
        "DescribeFargateProfile": "fargateprofile",
        "DescribeAddon": "addon",
        "DescribeAccessEntry": "access-entry",
        "ListAssociatedAccessPolicies": "access-entry",
        "DescribePodIdentityAssociation": "podidentityassociation",
    }
    found = {f"eks:{operation}": whole for operation in ["DescribeCluster", *_lists()]}
    return found | {f"eks:{name}": [f"arn:*:eks:*:*:{kind}/{held}/*" for held in names] for name, kind in parts.items()}


def _narrowed(wanted: Wanted) -> Wanted:
    return with_groups(wanted, [f"/aws/eks/{cluster(said)}/cluster" for said in wanted.clusters])


SET = Set(
    "eks",
    "clusters with access entries, Pod Identity associations, node groups, roles, networks and log groups",
    calls=_calls,
    steps=("guardduty-findings",),
    records=("lookup-events", "log-groups"),
    narrowed=_narrowed,
    needs=("clusters",),
    check=_check,
    scopes=_scopes,
)
