"""A set: which calls and steps are made for what is named, and how declared calls are narrowed to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from forensics.acquire.calls import Call, call
from forensics.acquire.step import Wanted
from forensics.aws import CALL_ERRORS, Aws, trouble
from forensics.errors import AwsError, UsageError

MISSING = ("ResourceNotFoundException", "ClusterNotFoundException", "NoSuchEntity")
"""Codes by which a Region says that what is named is not there."""

OPTIONS = {
    "lookup": "lookup-events",
    "log_groups": "log-groups",
    "resources": "config-history",
    "with_code": "lambda-code",
}
"""The steps that are made in any set where their option is given."""

Scopes = Mapping[str, Sequence[str]]
"""ARNs, with `*` for what is not known, by the IAM actions that may be narrowed to them."""


def _nothing(_: Wanted) -> list[Call]:
    return []


def _as_it_is(_: Aws, __: Sequence[str], ___: Wanted) -> Iterator[str]:
    return iter(())


def _unchanged(wanted: Wanted) -> Wanted:
    return wanted


def _everything(_: Wanted) -> Scopes:
    return {}


@dataclass(frozen=True)
class Set:
    """What is collected for one kind of incident.

    To add one: a module of this folder with a SET. `calls` gives the calls for what is wanted, made of the declared
    ones by `start`, `under` and `role_of`; `steps` are names of steps, `records` of those that take long, and are made
    only for a window; `narrowed` says what those ask for where nothing is said. `needs` are the options of which one
    must be given. `check(aws, regions, wanted)` looks whether what is named is there, yields notes and raises UnknownName.
    `scopes` says what the caller's policy may be narrowed to.
    """

    name: str
    title: str
    calls: Callable[[Wanted], list[Call]] = _nothing
    steps: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    narrowed: Callable[[Wanted], Wanted] = _unchanged
    needs: tuple[str, ...] = ()
    check: Callable[[Aws, Sequence[str], Wanted], Iterator[str]] = _as_it_is
    scopes: Callable[[Wanted], Scopes] = _everything

    def lacks(self, wanted: Wanted) -> bool:
        """Whether nothing is named of what it needs."""
        return bool(self.needs) and not any(getattr(wanted, name) for name in self.needs)

    def steps_for(self, wanted: Wanted) -> list[str]:
        """The names of the steps that are made: its own, those for a window, and those that an option asks for."""
        own = [*self.steps, *(self.records if wanted.start else ())]
        return list(dict.fromkeys([*own, *(step for option, step in OPTIONS.items() if getattr(wanted, option))]))

    def of(self, wanted: Wanted) -> list[Call]:
        """The calls for what is wanted, each once. Raises UsageError where nothing of what it needs is named."""
        if self.lacks(wanted):
            options = " or ".join(f"--{name.removesuffix('s')}" for name in self.needs)
            raise UsageError(f"{self.name} is collected for what is named: give {options}")
        found: list[Call] = []
        for item in self.calls(wanted):
            if item not in found:
                found.append(item)
        return found


def declared(service: str, operation: str) -> Call:
    """The declaration of a call that is there."""
    found = call(service, operation)
    if found is None:
        raise LookupError(f"{service}:{operation} is not declared")
    return found


def start(service: str, operation: str, **parameters: Any) -> Call:
    """A declared call made for what is named; a Region where that is not describes nothing."""
    found = declared(service, operation)
    given = dict(found.parameters or {}) | parameters
    absent = tuple(dict.fromkeys((*found.absent, *MISSING)))
    return replace(found, for_each="", given=None, over="", batch=0, parameters=given, absent=absent)


def under(parent: str, service: str, operation: str, *, over: str = "", batch: int = 0, **given: str) -> Call:
    """A declared call made for each item of another one, `parent` as `lambda:GetFunction`."""
    found = declared(service, operation)
    return replace(found, for_each=parent, given=given or found.given, over=over, batch=batch or found.batch)


def role_of(parent: str, path: str) -> list[Call]:
    """The calls about the role whose ARN is at that path of the parent's items: the role and its policies."""
    chain = ("ListAttachedRolePolicies", "ListRolePolicies", "GetRolePolicy", "GetPolicy", "GetPolicyVersion")
    role = under(parent, "iam", "GetRole", RoleName=f"after_last({path}, '/')")
    return [role, *(declared("iam", operation) for operation in chain)]


def images_of(parent: str, *, over: str, image: str, digest: str) -> list[Call]:
    """What ECR says of images: when each was pushed, then its manifest."""
    given = {"repositoryName": f"ecr_repository({image})", "imageIds": f"{digest} && [{{imageDigest: {digest}}}]"}
    return [
        under(parent, "ecr", "DescribeImages", over=over, batch=100, **given),
        under(parent, "ecr", "BatchGetImage", over=over, batch=100, **given),
    ]


def with_groups(wanted: Wanted, groups: Sequence[str]) -> Wanted:
    """With these log groups, where records are asked for and no others are named."""
    records = wanted.start is not None or bool(wanted.request_ids)
    return replace(wanted, log_groups=tuple(groups)) if records and not wanted.log_groups else wanted


def asked(aws: Aws, service: str, operation: str, *, region: str, **parameters: Any) -> dict[str, Any] | None:
    """What a check asks: None where it is missing, {} where that is not known. Raises AwsError (no credentials)."""
    try:
        return aws.call(service, operation, parameters, region=region)
    except CALL_ERRORS as error:
        why = trouble(error)
    if why.stops:
        raise AwsError(f"{service}:{operation} in {region}: {why}")
    return None if why.code in MISSING else {}


def listed(aws: Aws, service: str, operation: str, *, regions: Sequence[str], path: str) -> list[str]:
    """The first names that a list operation gives in each Region; [] where it may not be asked."""
    answers = [(asked(aws, service, operation, region=region) or {}).get(path, []) for region in regions]
    names = [item["FunctionName"] if isinstance(item, dict) else item for items in answers for item in items]
    return [str(name).rpartition("/")[2] for name in names]
