"""What the written evidence can support: who held which thing, what each record asks about, and the best honest answer.

It is kept beside the logs, from the made-up world's side, and never looks into them: an account of the same facts
that does not share a line with the resolution it is there to judge. The rules are those of the design's section 4.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from forensics.simulate.world import Json

FLOW_PADDING = 60
"""Seconds by which times of flow records may be off."""
PADDING = 2
"""Seconds by which times of all other records may be off."""
FOREVER = 10**12
"""A time after all others: the end of what is still held."""

STRENGTH = ("recorded", "matched", "bounded", "inferred", "shared")
"""Words of certainty, the strongest first."""


class Ask(NamedTuple):
    """One question of a record: about the holder of a thing, or, of kind `workload`, what the record itself names."""

    question: str
    kind: str
    thing: str
    network: str = ""


class Answer(NamedTuple):
    """Workloads that answer a question, and how certainly; `optional` may be given but need not."""

    question: str
    workloads: tuple[str, ...]
    certainty: str
    optional: bool = False


@dataclass
class Held:
    """What a workload held; `opened` and `closed` say whether a record has that end exactly, `seen` when it was seen."""

    workload: str
    kind: str
    thing: str
    network: str
    since: float
    until: float | None
    opened: bool
    closed: bool
    seen: list[float] = field(default_factory=list)
    rule: str = ""

    @property
    def derivable(self) -> bool:
        """Whether any record shows that it was held."""
        return self.opened or bool(self.seen)

    @property
    def start(self) -> float:
        """From when the evidence shows it held."""
        return self.since if self.opened or not self.seen else min(self.seen)

    @property
    def end(self) -> float:
        """Until when the evidence shows it held."""
        if self.closed and self.until is not None:
            return self.until
        return FOREVER if self.opened or not self.seen else max(self.seen)

    def certainty(self, first: float, last: float, padding: float) -> str:
        """How certain a holder this is, alone, of what happened then."""
        if self.rule:
            return self.rule
        whole = self.start + padding <= first and last <= self.end - padding
        return "matched" if self.opened and self.closed and whole else "bounded"


@dataclass
class Record:
    """A record that asks something; `sender` is who truly talked, where its interface has several users."""

    event_id: str
    source: str
    first: float
    last: float
    asks: tuple[Ask, ...]
    sender: str | None = None


@dataclass
class Ledger:
    """Facts as the scenario states them; conclusions are drawn when everything is written, `later` first.

    `gateways` says which address is a NAT gateway's of which VPC.
    """

    held: list[Held] = field(default_factory=list)
    keys: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    later: list[Callable[[], None]] = field(default_factory=list)
    gateways: dict[str, str] = field(default_factory=dict)
    _places: dict[tuple[str, str, str], list[Held]] = field(default_factory=lambda: defaultdict(list))

    def hold(self, held: Held) -> Held:
        """State what a workload held."""
        self.held.append(held)
        self._places[held.kind, held.thing, held.network].append(held)
        if held.network:
            self._places[held.kind, held.thing, ""].append(held)
        return held

    def see(self, kind: str, thing: str, when: float) -> None:
        """A record names the thing with its holder at that time."""
        for held in self._places.get((kind, thing, ""), ()):
            if held.since - PADDING <= when and (held.until is None or when <= held.until + PADDING):
                held.seen.append(when)

    def issue(self, key: str, workloads: tuple[str, ...], certainty: str) -> None:
        """To whom a key was issued, as far as records tell; the strongest statement holds."""
        known = self.keys.get(key)
        if known is None or STRENGTH.index(certainty) < STRENGTH.index(known[1]):
            self.keys[key] = (workloads, certainty)

    def note(
        self,
        event_id: str,
        source: str,
        times: tuple[float, float],
        asks: tuple[Ask, ...],
        *,
        sender: str | None = None,
    ) -> None:
        """A record was written that asks something; a copy of one known asks nothing more."""
        if asks and event_id not in self.records:
            self.records[event_id] = Record(event_id, source, *times, asks, sender)

    def conclude(self) -> None:
        """State what could not be stated before everything was known."""
        while self.later:
            self.later.pop(0)()

    def attributions(self) -> Iterator[Json]:
        """Every derivable answer of every record, in the order written."""
        for record in self.records.values():
            for answer in self._answers(record):
                fact: Json = {"event_id": record.event_id, "source": record.source, "question": answer.question}
                fact |= {"workloads": list(answer.workloads), "certainty": answer.certainty}
                fact |= {"sender": record.sender} if record.sender else {}
                yield fact | ({"optional": True} if answer.optional else {})

    def holders(self, ask: Ask, first: float, last: float, padding: float) -> list[Held]:
        """Who held the thing at any time of the interval, widened by the padding, as the evidence shows it; an end is the first moment after."""
        found = self._places.get((ask.kind, ask.thing, ask.network), ())
        return [
            held for held in found if held.derivable and held.start <= last + padding and first - padding < held.end
        ]

    def _answers(self, record: Record) -> Iterator[Answer]:
        padding = FLOW_PADDING if record.source == "vpc_flow" else PADDING
        for ask in record.asks:
            if ask.kind == "workload":
                yield Answer(ask.question, (ask.thing,), "recorded")
            elif ask.kind == "access_key_id":
                if ask.thing in self.keys:
                    yield Answer(ask.question, *self.keys[ask.thing])
            elif ask.kind == "containers":
                yield from self._within(record, ask, padding)
            elif ask.kind == "pod":
                yield from self._pod(record, ask, padding)
            else:
                yield from self._held(record, ask, padding)
                if ask.thing in self.gateways:
                    yield from self._behind(record, ask)

    def _held(self, record: Record, ask: Ask, padding: float) -> Iterator[Answer]:
        found = self.holders(ask, record.first, record.last, padding)
        workloads = tuple(sorted({held.workload for held in found}))
        if len(workloads) == 1:
            words = [held.certainty(record.first, record.last, padding) for held in found]
            yield Answer(ask.question, workloads, min(words, key=STRENGTH.index))
        elif workloads:
            yield Answer(ask.question, workloads, "shared")
        elif early := self._early(record, ask):
            yield Answer(ask.question, early, "bounded", optional=True)

    def _early(self, record: Record, ask: Ask) -> tuple[str, ...]:
        """The one that held it before it was first seen with it: some ends can be told by other things it held."""
        found = self._places.get((ask.kind, ask.thing, ask.network), ())
        there = [held for held in found if held.since <= record.first and record.last <= (held.until or FOREVER)]
        return (there[0].workload,) if len(there) == 1 and there[0].derivable else ()

    def _pod(self, record: Record, ask: Ask, padding: float) -> Iterator[Answer]:
        """A pod's own address; one on another host is at the other end, which need not be said."""
        own = list(self._held(record, Ask(ask.question, "private_ip", ask.thing), padding))
        if not own:
            yield from self._within(record, Ask(ask.question, "containers", ask.network), padding)
        on_host = {held.workload for held in self._places.get(("instance", ask.network, ""), ())}
        for answer in own:
            yield answer._replace(optional=not on_host.issuperset(answer.workloads))

    def _behind(self, record: Record, ask: Ask) -> Iterator[Answer]:
        """Whoever is behind a NAT gateway may be a candidate; the caller alone may be more than one of several."""
        network = self.gateways[ask.thing]
        first, last = record.first - 2 * FLOW_PADDING, record.last + 2 * FLOW_PADDING
        inside = {
            held.workload
            for held in self.held
            if held.kind == "private_ip" and held.network == network and held.start <= last and first <= held.end
        }
        asked = next((each.thing for each in record.asks if each.kind == "access_key_id"), "")
        theirs = set(self.keys.get(asked, ((), ""))[0]) & inside
        if len(theirs) == 1:
            yield Answer(ask.question, tuple(theirs), "inferred", optional=True)
        if others := tuple(sorted(inside - theirs)):
            yield Answer(ask.question, others, "shared", optional=True)

    def _within(self, record: Record, ask: Ask, padding: float) -> Iterator[Answer]:
        """Every container that ran on the host then, even if only one; one that ran about then may be a candidate."""
        on_host = Ask(ask.question, "instance", ask.thing)
        sure = {held.workload for held in self.holders(on_host, record.first, record.last, padding)}
        near = {held.workload for held in self.holders(on_host, record.first, record.last, FLOW_PADDING)} - sure
        for workloads, optional in ((sure, False), (near, True)):
            if workloads:
                yield Answer(ask.question, tuple(sorted(workloads)), "shared", optional)
