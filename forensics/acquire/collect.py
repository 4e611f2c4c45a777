"""The engine of a collection: calls and steps are made in each Region at once, and every answer becomes evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from forensics import evidence
from forensics.acquire import Found
from forensics.acquire.acquisition import Acquisition, acquisition
from forensics.acquire.calls import Call
from forensics.acquire.crew import Crew, close
from forensics.acquire.page import Asked
from forensics.acquire.step import Asking, Place, Step, Stopped, Wanted, now
from forensics.aws import CALL_ERRORS, Aws, Trouble, trouble
from forensics.errors import AwsError, UsageError

if TYPE_CHECKING:
    from forensics.case import Case

__all__ = ["Asking", "Collected", "Place", "Step", "Wanted", "chosen_regions", "collect"]

THREADS = 8
OBJECTS = 500
BYTES = 64 << 20
SECONDS = 10.0
"""So many objects or bytes, or what came in so many seconds, become visible together: a killed run keeps the rest."""
HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Where a service is asked that has one place for all Regions of a partition."""
UNREACHED = "EndpointConnectionError"
"""What boto3 says where nobody answers: a service that a Region does not have."""
FIRST, THEN, LAST = range(3)
"""What vanishes soon, then what exists, then records, which take long and stay."""
ALL = "all"

Progress = Callable[[int, int], None]
"""Called with the calls made and the calls known of so far."""


@dataclass
class Tally:
    """What one operation, or one step, gave."""

    pages: int = 0
    items: int = 0
    refused: int = 0


@dataclass
class Collected:
    """What a collection came to; `stopped` says why it ended before its end, and what was had is in the case."""

    outcome: str = "complete"
    added: evidence.Added = field(default_factory=evidence.Added)
    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)
    stopped: Trouble | None = None

    def check(self) -> None:
        """Raises AwsError where it ended before its end, or nothing was answered."""
        if self.stopped:
            raise AwsError(f"{self.stopped}; what came before is in the case")
        if self.outcome == "failed":
            raise AwsError("not one call was answered: the refusals are in the case, and in its custody record")


def chosen_regions(aws: Aws, given: Sequence[str] = ()) -> list[str]:
    """The Regions that are meant: those named, `all` that are enabled, or the profile's. Raises UsageError, AwsError."""
    if ALL in given:
        _ = aws.caller
        try:
            return aws.regions()
        except CALL_ERRORS as error:
            raise AwsError(f"the enabled Regions cannot be listed, name them: {trouble(error)}") from None
    if bad := [name for name in given if not re.fullmatch(r"[a-z]{2,4}(?:-[a-z]+)+-\d+", name)]:
        raise UsageError(f"{bad[0]!r} is no Region: give names such as eu-west-1, or `all`")
    return list(dict.fromkeys(given)) or [aws.session.region_name or HOME[aws.caller.partition]]


def collect(
    case: Case,
    aws: Aws,
    asked: Iterable[Call | Step],
    *,
    regions: Sequence[str] = (),
    wanted: Wanted | None = None,
    command: str = "collect",
    progress: Progress | None = None,
) -> Collected:
    """Make the calls and steps in each Region, and take every answer in; what is refused is noted and goes on.

    A call with `for_each` is made for each item of its parent, which must be among `asked`. `regions` as
    `chosen_regions` takes them. An inventory is a state at a moment: running it again adds new pages.
    Credentials that expire end it: see `Collected.check`. Raises AwsError (no credentials), UsageError.
    """
    if case.read_only:
        raise UsageError(f"the case {case.path} is open read-only: open it with read_only=False to collect")
    places, whole, wish = chosen_regions(aws, regions), list(asked), wanted or Wanted()
    told = {"asked": sorted({_name(item) for item in whole}), "regions": places} | wish.said()
    with acquisition(case, aws, "api", command=command, parameters=told) as made:
        run = _Run(aws, whole, made, wish)
        run.held = held_answers(case)
        run.begin(places)
        _take_in(case, run, command, progress)
        made.objects, made.bytes = run.collected.added.seen, run.collected.added.bytes
        made.answers = sum(tally.pages for tally in run.collected.tallies.values())
    run.collected.outcome, run.collected.problems = made.outcome, made.problems
    return run.collected


def held_answers(case: Case) -> frozenset[str]:
    """The uris of last pages in the case: what they answer need not be asked again."""
    rows = case.connection.execute("SELECT uri FROM evidence WHERE uri LIKE 'aws://%/last.json'").fetchall()
    return frozenset(uri for (uri,) in rows)


def _name(item: Call | Step) -> str:
    return item.key if isinstance(item, Call) else item.name


def _take_in(case: Case, run: _Run, command: str, progress: Progress | None) -> None:
    """Take in what the threads find, some at a time; after an interrupt, what came before it."""
    found = run.crew.found()
    try:
        while some := _Some.of(found, run.crew, progress):
            run.collected.added += evidence.take(case, some.objects, command=command)
            for item in some.objects:
                close(item)
            if some.interrupt:
                raise some.interrupt
    finally:
        found.close()


@dataclass
class _Some:
    """Objects that are taken in together, and the interrupt that came after them.

    They are gathered before the first is written: an object whose bytes tell a moment never comes again, and a run
    that is killed should leave no bytes in the case that nothing speaks of.
    """

    objects: list[Found] = field(default_factory=list)
    interrupt: KeyboardInterrupt | None = None

    @classmethod
    def of(cls, found: Iterator[Found], crew: Crew, progress: Progress | None) -> _Some:
        """The next ones: so many, so large or so long in coming."""
        some, until, size = cls(), monotonic() + SECONDS, 0
        try:
            for item in islice(found, OBJECTS):
                some.objects.append(item)
                size += item.size or 0
                if progress:
                    progress(crew.done, crew.put_in)
                if monotonic() > until or size > BYTES:
                    break
        except KeyboardInterrupt as interrupt:
            some.interrupt = interrupt
        return some

    def __bool__(self) -> bool:
        return bool(self.objects or self.interrupt)


class _Run:
    """One collection under way."""

    def __init__(self, aws: Aws, asked: list[Call | Step], made: Acquisition, wanted: Wanted) -> None:
        self.aws, self.asked, self.made, self.wanted = aws, asked, made, wanted
        self.crew = Crew(THREADS)
        self.collected = Collected()
        self.calls = [item for item in asked if isinstance(item, Call)]
        self.urgent = _urgent(self.calls)
        self.seen: set[str] = set()
        self.held: frozenset[str] = frozenset()
        self.silent: set[tuple[str, str]] = set()
        self.lock = Lock()

    def begin(self, regions: list[str]) -> None:
        home = HOME.get(self.aws.caller.partition, regions[0])
        for item in sorted(self.asked, key=self.urgency):
            for region in regions if item.everywhere else [home]:
                if isinstance(item, Call):
                    if not item.for_each:
                        self.put(item, region, dict(item.parameters or {}))
                else:
                    self.crew.put(self.urgency(item), partial(self.step, item, region))

    def urgency(self, item: Call | Step) -> int:
        """Its place in the order: what vanishes soon, what exists, records."""
        if isinstance(item, Call):
            return FIRST if item.key in self.urgent else THEN
        return FIRST if item.urgent else LAST

    def put(self, call: Call, region: str, parameters: dict[str, Any]) -> None:
        """Ask that, once."""
        place = region if call.everywhere else HOME.get(self.aws.caller.partition, region)
        with self.lock:
            said = f"{call.key} {place} {sorted(parameters.items())!r}"
            if said in self.seen:
                return
            self.seen.add(said)
        self.crew.put(self.urgency(call), partial(self.call, call, place, parameters))

    def call(self, call: Call, region: str, parameters: dict[str, Any]) -> Iterator[Found]:
        """Ask, and put what hangs on the answer; not where the service gave no answer in that Region before."""
        account, of = self.aws.caller.account_id, (call.service, call.operation)
        asked, number = Asked(call.service, call.operation, parameters, account, region, now()), 0
        if (call.service, region) in self.silent:
            why = Trouble("network", UNREACHED, f"not asked: {call.service} gave no answer in {region} before")
            yield from self.refused(call, asked, why)
            return
        try:
            for response in self.aws.pages(call.service, call.operation, parameters, region=region):
                items = call.of(response)
                self.count(of, pages=1, items=len(items))
                self.follow(call, items, region, parameters)
                yield asked.answered(number, call.redact(response) if call.redact else response)
                number += 1
        except CALL_ERRORS as error:
            yield from self.refused(call, asked, trouble(error), number)
        except AwsError as error:
            yield from self.refused(call, asked, Trouble("other", "NoClient", str(error)))

    def refused(self, call: Call, asked: Asked, why: Trouble, number: int = 0) -> Iterator[Found]:
        """What is kept of a call that gave an error after so many pages."""
        if why.code in call.absent:
            self.count((call.service, call.operation), pages=1)
            yield asked.none(why.code)
            return
        if why.code == UNREACHED:
            self.silent.add((call.service, asked.region))
        self.count((call.service, call.operation), refused=1)
        yield asked.refused(why, number)
        self.note(asked.place, why)

    def follow(self, call: Call, items: list[Any], region: str, request: dict[str, Any]) -> None:
        for child in self.calls:
            if child.parent == call.key:
                for parameters in child.made_for(items, request):
                    self.put(child, region, parameters)

    def step(self, step: Step, region: str) -> Iterator[Found]:
        """Run a step; it ends where no further call can succeed."""

        def trouble(what: str, why: Trouble) -> None:
            self.count(("", step.name), refused=1)
            self.note(what, why)
            if self.crew.stopped():
                raise Stopped

        account = self.aws.caller.account_id
        self.count(("", step.name))
        place = Place(
            self.aws, account, region, self.wanted, trouble, stopped=self.crew.stopped, held=self.held.__contains__
        )
        try:
            for item in step.found(place):
                self.count(("", step.name), pages=1)
                yield item
        except Stopped:
            return

    def count(self, of: tuple[str, str], *, pages: int = 0, items: int = 0, refused: int = 0) -> None:
        with self.lock:
            tally = self.collected.tallies.setdefault(of, Tally())
            tally.pages, tally.items, tally.refused = tally.pages + pages, tally.items + items, tally.refused + refused

    def note(self, what: str, why: Trouble) -> None:
        """Note a trouble; where no further call can succeed, end the collection."""
        with self.lock:
            self.made.trouble(what, why)
        if why.stops and not self.still_known(why):
            self.collected.stopped = why
            self.crew.stop()

    def still_known(self, why: Trouble) -> bool:
        """Whether AWS knows the caller all the same: a Region that is not enabled does not know anybody."""
        if why.kind != "credentials":
            return False
        try:
            self.aws.call("sts", "GetCallerIdentity")
        except CALL_ERRORS:
            return False
        return True


def _urgent(calls: list[Call]) -> set[str]:
    """The keys of urgent calls and of those that lead to them."""
    found = {call.key for call in calls if call.urgent}
    while more := {call.parent for call in calls if call.key in found and call.parent} - found:
        found |= more
    return found
