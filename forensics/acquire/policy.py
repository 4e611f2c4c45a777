"""The responder's policy: the IAM actions that a collection needs, and no more; made without asking AWS anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from forensics.acquire.calls import Call
from forensics.acquire.sets.chosen import Set
from forensics.acquire.step import Step, Wanted
from forensics.aws import iam_prefix
from forensics.errors import UsageError

ALWAYS = ("sts:GetCallerIdentity", "ec2:DescribeRegions")
"""Who is calling, and which Regions there are."""
CHECKS = {
    "lambda": ("lambda:GetFunctionConfiguration", "lambda:ListFunctions"),
    "ecs": ("ecs:DescribeClusters", "ecs:ListClusters"),
    "eks": ("eks:DescribeCluster", "eks:ListClusters"),
}
"""What looks whether a thing of that name is there."""
OF_BUCKET = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketVersions")
OF_OBJECTS = ("s3:GetObject", "s3:GetObjectVersion")


ANY = "any"


def action(call: Call) -> str:
    """The IAM action of a call: `ec2:DescribeInstances`."""
    return call.action or f"{iam_prefix(call.service)}:{call.operation}"


def of_set(chosen: Set, wanted: Wanted, steps: Iterable[Step]) -> dict[str, list[str]]:
    """The ARNs, or `*`, by the actions of a set for what is wanted; of one that needs a name and has none, for all."""
    some = replace(wanted, functions=(ANY,), clusters=(ANY,)) if chosen.lacks(wanted) else wanted
    scopes = dict(chosen.scopes(wanted)) | _of_groups(wanted)
    actions = {action(item) for item in chosen.of(some)} | set(CHECKS.get(chosen.name, ()))
    actions |= {name for step in steps for name in step.actions}
    return {name: list(scopes.get(name) or ["*"]) for name in actions}


def _of_groups(wanted: Wanted) -> dict[str, list[str]]:
    """What reads events, narrowed to the log groups that are named; IAM knows `*` and `?`, no brackets."""
    if not wanted.log_groups or any("[" in name for name in wanted.log_groups):
        return {}
    arns = [f"arn:*:logs:*:*:log-group:{name}:*" for name in wanted.log_groups]
    return {"logs:FilterLogEvents": arns, "logs:StartQuery": arns}


def of_bucket(uri: str, keys: Sequence[str] = ()) -> dict[str, list[str]]:
    """The same for evidence in a bucket, s3://BUCKET[/PREFIX]; `keys` are the KMS keys it is encrypted with."""
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise UsageError(f"{uri!r} is no bucket: give s3://BUCKET or s3://BUCKET/PREFIX")
    prefix = parts.path.lstrip("/")
    found = {name: [f"arn:*:s3:::{parts.netloc}"] for name in OF_BUCKET}
    found |= {name: [f"arn:*:s3:::{parts.netloc}/{prefix}*"] for name in OF_OBJECTS}
    return found | ({"kms:Decrypt": list(keys)} if keys else {})


def document(actions: Iterable[Mapping[str, list[str]]]) -> dict[str, Any]:
    """An IAM policy that allows them: a statement for each group of actions with the same resources."""
    resources: dict[str, dict[str, None]] = {name: {"*": None} for name in ALWAYS}
    for allowed in actions:
        for name, arns in allowed.items():
            resources.setdefault(name, {}).update(dict.fromkeys(arns))
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, held in sorted(resources.items()):
        groups.setdefault(("*",) if "*" in held else tuple(held), []).append(name)
    ordered = sorted(groups.items(), key=lambda item: (item[0] != ("*",), item[1]))
    statements = [_statement(only, names, number) for number, (only, names) in enumerate(ordered)]
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(arns: tuple[str, ...], actions: list[str], number: int) -> dict[str, Any]:
    whole = arns == ("*",)
    said = "ForensicsRead" if whole else f"ForensicsReadNamed{number}"
    return {"Sid": said, "Effect": "Allow", "Action": actions, "Resource": "*" if whole else list(arns)}
