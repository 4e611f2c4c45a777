"""The calls that readiness makes: every one that a check rests on, those that lead to it, and what says who administers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from forensics.acquire.calls import Call, call
from forensics.readiness.checks import checks

_ABOUT = (
    *(("guardduty", "GetAdministratorAccount"), ("securityhub", "GetAdministratorAccount")),
    *(("config", "DescribeConfigurationAggregators"), ("route53resolver", "ListResolverQueryLogConfigs")),
    *(("s3", name) for name in ("GetBucketLifecycleConfiguration", "GetBucketEncryption", "GetBucketVersioning")),
    *(("s3", name) for name in ("GetObjectLockConfiguration", "GetBucketPolicy", "GetBucketReplication")),
    *(("organizations", name) for name in ("DescribeOrganization", "ListAccounts", "ListDelegatedAdministrators")),
    *(("fms", name) for name in ("GetAdminAccount", "ListPolicies")),
    *(("guardduty", "DescribePublishingDestination"), ("logs", "DescribeDeliverySources")),
    *(("ec2", "DescribeSubnets"), ("ec2", "DescribeNetworkInterfaces"), ("logs", "DescribeLogGroups")),
    *(("ecs", "ListServices"), ("ecs", "DescribeServices"), ("securitylake", "ListLogSources")),
)
"""What no check begins with: where logs lie, how they are kept, and who administers."""


def asked() -> list[Call]:
    """Every call, each once, parents among them."""
    wanted = [*(key for check in checks().values() for key in check.calls), *_ABOUT]
    found: dict[str, Call] = {}
    for key in wanted:
        _with_parents(call(*key), found)
    return [*found.values(), *_otherwise(found.values())]


def _with_parents(item: Call | None, found: dict[str, Call]) -> None:
    while item is not None and item.key not in found:
        found[item.key] = item
        item = call(*item.parent.split(":")) if item.parent else None


def _otherwise(known: Iterable[Call]) -> list[Call]:
    """The same operations asked in a second way: web ACLs of CloudFront, task definitions that services name."""
    made = []
    for item in known:
        if item.service == "wafv2" and item.parameters:
            made.append(replace(item, parameters={"Scope": "CLOUDFRONT"}, everywhere=False))
        if item.key == "ecs:DescribeTaskDefinition":
            given = {"taskDefinition": "taskDefinition"}
            made.append(replace(item, for_each="DescribeServices", given=given))
    return made
