"""Evidence from S3: what can hold a window is listed, planned, fetched and taken in; a further run goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from forensics import evidence
from forensics.acquire import Found
from forensics.acquire.acquisition import Acquisition, acquisition
from forensics.acquire.s3 import tables
from forensics.acquire.s3.asked import Asked, place
from forensics.acquire.s3.fetch import Fetcher
from forensics.acquire.s3.patience import Patience
from forensics.acquire.s3.plan import Plan
from forensics.acquire.s3.walk import Walked, walk
from forensics.aws import Aws, Trouble
from forensics.errors import AwsError, UsageError
from forensics.store import INCOMING, STORE, Progress

if TYPE_CHECKING:
    from forensics.case import Case

__all__ = ["Asked", "Manner", "Outcome", "acquire", "place", "planned"]

JOBS = 32
"""Requests under way at once."""


@dataclass(frozen=True)
class Manner:
    """How it is done: requests at once, how patiently; `listing` is called with the keys listed so far."""

    jobs: int = JOBS
    patience: Patience = field(default_factory=Patience)
    listing: Callable[[int], None] | None = None
    planned: Callable[[Plan], None] | None = None
    progress: Progress | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an acquisition: the plan, what was taken in, and (what, why) could not be had."""

    plan: Plan
    added: evidence.Added
    problems: tuple[tuple[str, Trouble], ...] = ()

    def __str__(self) -> str:
        """What was taken in, and a line for each kind of problem."""
        by: dict[tuple[str, str], list[str]] = {}
        for what, why in self.problems:
            by.setdefault((why.code, str(why)), []).append(what)
        lines = [f"not had: {len(what):,} × {why}; first {min(what)}" for (_, why), what in sorted(by.items())]
        return "\n".join([str(self.added), *lines])


def planned(case: Case, aws: Aws, asked: Asked, manner: Manner | None = None) -> Plan:
    """What an acquisition would fetch; nothing is fetched or recorded. Raises AwsError, UsageError."""
    how = manner or Manner()
    with closing(_client(aws, how)) as client:
        return _plan(case, asked, _walk(case, client, asked, how))


def acquire(case: Case, aws: Aws, asked: Asked, *, command: str = "", manner: Manner | None = None) -> Outcome:
    """List, plan, fetch and take in; what the case has already is not fetched again.

    What cannot be had is listed as rejected, with the reason, and tried again by the next run. The caller, the
    parameters, begin and end go into the custody record and the table `acquisition`.
    Raises AwsError where nothing can be listed, or no further request can succeed; what was had by then is kept.
    """
    if case.read_only:
        raise UsageError(f"the case {case.path} is open read-only: open it with read_only=False to add evidence")
    how = manner or Manner()
    words = command or f"add {asked.uri}"
    with acquisition(case, aws, "s3", command=words, parameters=_parameters(asked)) as made:
        try:
            with closing(_client(aws, how)) as client:
                return _acquire(case, client, asked, _Run(made, words, how))
        except AwsError as error:
            failed = error
    raise failed


@dataclass(frozen=True)
class _Run:
    made: Acquisition
    command: str
    how: Manner


def _acquire(case: Case, client: Any, asked: Asked, run: _Run) -> Outcome:
    try:
        walked = _walk(case, client, asked, run.how)
    except AwsError as error:
        run.made.trouble(asked.uri, Trouble("other", "ListObjectsV2", str(error)))
        raise
    plan = _plan(case, asked, walked)
    if run.how.planned:
        run.how.planned(plan)
    tables.note_answered(case, walked.answered)
    scratch = case.path / STORE / INCOMING
    fetcher = Fetcher(client, asked.bucket, scratch, run.how.jobs, asked.requester_pays, run.how.patience)
    found = _found(case, asked, walked, fetcher)
    added = evidence.take(case, found, command=run.command, progress=run.how.progress)
    added = replace(added, seen=added.seen + plan.here, known=added.known + plan.here)
    problems = (*((f"s3://{asked.bucket}/{name}", why) for name, why in walked.problems), *fetcher.problems)
    run.made.objects, run.made.bytes = added.added + added.duplicate, added.bytes
    for what, why in problems:
        run.made.trouble(what, why)
    if fetcher.stopped:
        run.made.trouble(asked.uri, fetcher.stopped)
        raise AwsError(f"stopped: {fetcher.stopped}; kept until then: {added}; run it again to go on")
    return Outcome(plan, added, problems)


def _found(case: Case, asked: Asked, walked: Walked, fetcher: Fetcher) -> Iterator[Found]:
    for prefix, why in walked.problems:
        yield Found(f"s3://{asked.bucket}/{prefix}", problem=f"{tables.NOT_LISTED}: {why}")
    yield from fetcher.fetch(tables.missing(case))


def _walk(case: Case, client: Any, asked: Asked, how: Manner) -> Walked:
    tables.begin(case)
    keep = tables.keeper(case, how.listing)
    walked = walk(asked, client, how.jobs, how.patience, keep=keep, watched=tables.not_listed(case, asked))
    if walked.stopped:
        raise AwsError(f"{asked.uri}: {walked.stopped}")
    if walked.problems and not walked.answers:
        raise AwsError(f"{asked.uri} cannot be listed: {walked.problems[0][1]}")
    if not walked.any:
        raise UsageError(f"nothing to add at {asked.uri}: no key begins so")
    tables.finish(case, asked)
    return walked


def _plan(case: Case, asked: Asked, walked: Walked) -> Plan:
    notes = tuple((what, where, count) for (what, where), count in sorted(walked.notes.items()))
    problems = tuple((f"s3://{asked.bucket}/{name}", str(why)) for name, why in walked.problems)
    return Plan(asked, tables.parts(case), walked.lists, walked.region, notes, problems)


def _client(aws: Aws, how: Manner) -> Any:
    return aws.client("s3", config=Config(max_pool_connections=how.jobs))


def _parameters(asked: Asked) -> dict[str, Any]:
    given = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in asdict(asked).items()}
    return {name: value.isoformat() + "Z" if hasattr(value, "isoformat") else value for name, value in given.items()}
