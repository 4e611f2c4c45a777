"""Ask an account, or every account of an organisation, which logs are on; every answer becomes evidence of a case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from forensics import evidence
from forensics.acquire.collect import HOME, Collected, chosen_regions, collect
from forensics.acquire.page import Asked
from forensics.acquire.step import now
from forensics.aws import CALL_ERRORS, Aws, Trouble, trouble
from forensics.case import Case
from forensics.errors import AwsError, UsageError
from forensics.load import load
from forensics.readiness.asked import asked

COMMAND = "readiness"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Member:
    """An account of an organisation, and how it is asked."""

    account_id: str
    aws: Aws


def ask(
    case: Case, aws: Aws, *, regions: Sequence[str] = ("all",), role: str = "", progress: Progress | None = None
) -> list[str]:
    """Ask and load; with `role`, a name, every account of the organisation through that role.

    Gives what went wrong as a whole, a line each; what single calls were refused is in the inventory. An account that
    cannot be entered is there as such, and the rest goes on. Raises AwsError, UsageError.
    """
    members = list(_members(aws, role)) if role else [Member(aws.caller.account_id, aws)]
    problems = []
    for member in members:
        try:
            found = _ask_one(case, member, regions, progress)
        except AwsError as error:
            if not role:
                raise
            _shut(case, member, regions, error)
            problems.append(f"account {member.account_id}: {error}")
        else:
            problems += [f"account {member.account_id}: {found.stopped}"] if found.stopped else []
    load(case, workers=1 if len(members) == 1 else None)
    return problems


def _ask_one(case: Case, member: Member, regions: Sequence[str], progress: Progress | None) -> Collected:
    places = chosen_regions(member.aws, regions)
    return collect(case, member.aws, asked(), regions=places, command=COMMAND, progress=progress)


def _members(aws: Aws, role: str) -> Iterator[Member]:
    """The active accounts of the organisation; the caller's own is asked without the role."""
    if "/" in role.strip("/") and role.startswith("arn:"):
        raise UsageError(f"--organization-role takes a role's name, the same in each account, not {role!r}")
    own = aws.caller
    try:
        listed = [item for page in aws.pages("organizations", "ListAccounts") for item in page["Accounts"]]
    except CALL_ERRORS as error:
        why = f"the accounts of the organisation cannot be listed: {trouble(error)}"
        raise AwsError(f"{why}; ask with its management account or a delegated administrator") from None
    for item in listed:
        account = str(item["Id"])
        if item.get("State", item.get("Status")) == "ACTIVE":
            arn = f"arn:{own.partition}:iam::{account}:role/{role}"
            other = aws if account == own.account_id else replace(aws, role=arn, _clients={})
            yield Member(account, other)


def _shut(case: Case, member: Member, regions: Sequence[str], error: AwsError) -> None:
    """Keep that the account could not be entered: that is evidence, too."""
    cause = error.__context__
    why = trouble(cause) if isinstance(cause, CALL_ERRORS) else Trouble("other", "AwsError", str(error))
    named = [name for name in regions if name != "all"]
    entered = "DescribeRegions" in str(error) or "Regions" in str(error)
    service, operation = ("ec2", "DescribeRegions") if entered else ("sts", "AssumeRole")
    given = {} if entered else {"RoleArn": str(member.aws.role)}
    region = named[0] if named else member.aws.region or HOME["aws"]
    page = Asked(service, operation, given, member.account_id, region, now()).refused(why)
    evidence.take(case, iter([page]), command=COMMAND)
