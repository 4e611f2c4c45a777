"""The set for an incident of which it is not known yet where it happened: the whole account."""

from __future__ import annotations

from forensics.acquire.calls import Call, declarations
from forensics.acquire.sets.chosen import Set, under
from forensics.acquire.step import Wanted

SERVICES = ("ec2", "autoscaling", "ecs", "eks", "lambda", "ecr", "iam", "cloudtrail", "guardduty", "logs", "config")


def standing(services: tuple[str, ...]) -> list[Call]:
    """The declared calls of these services that need no name, and those made for their items."""
    by_key = {item.key: item for item in declarations()}

    def stands(item: Call) -> bool:
        return stands(by_key[item.parent]) if item.for_each else not item.about

    return [item for item in declarations() if item.service in services and stands(item)]


def _calls(_: Wanted) -> list[Call]:
    return [
        *standing(SERVICES),
        under("ecs:DescribeServices", "ecs", "DescribeTaskDefinition", taskDefinition="taskDefinition"),
        under("lambda:ListAliases", "lambda", "GetPolicy", FunctionName="_request.FunctionName", Qualifier="Name"),
    ]


SET = Set(
    "account", "what exists in the whole account: networks, workloads, images, IAM, and what is logged", calls=_calls
)
