"""How what a case says of a made-up incident compares with its truth: who and what, lineage, lifetimes, decoys."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from forensics.case import Case

STRENGTH = {word: place for place, word in enumerate(("recorded", "matched", "bounded", "inferred", "shared"))}
QUESTIONS = ("issued_to", "used_from", "endpoint")
NARROWED = "only invocation in progress"
"""How the `via` of a flow begins that one of several users of an interface is told to have sent."""

TOLERANCE = timedelta(seconds=5)
"""How far an end of a lifetime may be from the truth's: records of one change are seconds apart."""

KNOWN_CLASSES = ("forward_access", "console", "service_linked", "workload")
"""Classes that say what a key without an issuance is; all others say why that is not known."""

Said = tuple[str, str, str]
"""Event id, question, workload."""


@dataclass
class Tally:
    """Answers given and wanted; `wrong` are given and not so, `missing` wanted and not given."""

    right: int = 0
    wrong: list[Any] = field(default_factory=list)
    missing: list[Any] = field(default_factory=list)
    overstated: list[Any] = field(default_factory=list)
    wanted: int = 0

    @property
    def precision(self) -> float:
        """Of what was said, how much is so."""
        said = self.right + len(self.wrong)
        return self.right / said if said else 1.0

    @property
    def recall(self) -> float:
        """Of what could be said, how much was."""
        return 1 - len(self.missing) / self.wanted if self.wanted else 1.0


@dataclass
class Score:
    """What came of a comparison; every list holds the differences themselves."""

    answers: dict[tuple[str, str], Tally]
    lineage: Tally
    lifetimes: Tally
    ends: Tally
    decoys: Tally

    def over(self, question: str | None = None) -> Tally:
        """The answers of all sources, to one question or all."""
        parts = [tally for (_, asked), tally in self.answers.items() if question in (None, asked)]
        whole = Tally(sum(part.right for part in parts), wanted=sum(part.wanted for part in parts))
        for part in parts:
            whole.wrong += part.wrong
            whole.missing += part.missing
            whole.overstated += part.overstated
        return whole

    def lines(self) -> Iterable[str]:
        """A table of it."""
        rows = [(f"{source} {question}", tally) for (source, question), tally in sorted(self.answers.items())]
        rows += [(question, self.over(question)) for question in QUESTIONS]
        rows += [("all answers", self.over()), ("lineage", self.lineage), ("lifetimes", self.lifetimes)]
        rows += [("lifetime ends", self.ends), ("decoys", self.decoys)]
        for name, tally in rows:
            counts = f"{tally.right:7} right {len(tally.wrong):5} wrong {len(tally.missing):5} missing"
            marks = f"precision {tally.precision:.4f} recall {tally.recall:.4f}"
            yield f"  {name:28} {counts} {len(tally.overstated):4} overstated  {marks}"


def score(case: Case, truth: dict[str, Any]) -> Score:
    """Compares a resolved case with the truth of the incident that it holds."""
    given: dict[Said, str] = {}
    narrowed: list[tuple[str, str, str]] = []
    for event, question, workload, certainty, via in case.sql(
        "SELECT event_id, question, workload, certainty, via FROM attribution"
    ).rows():
        one = (event, question, workload)
        if via.startswith(NARROWED):
            narrowed.append((event, workload, certainty))
            continue
        if one not in given or STRENGTH[certainty] < STRENGTH[given[one]]:
            given[one] = certainty
    source = dict(case.sql("SELECT event_id, source FROM event").rows())
    return Score(
        answers=_answers(given, truth, source) | {("vpc_flow", "narrowed"): _narrowed(narrowed, truth)},
        lineage=_lineage(case, truth),
        lifetimes=_lifetimes(case, truth)[0],
        ends=_lifetimes(case, truth)[1],
        decoys=_decoys(given, truth),
    )


def _narrowed(given: list[tuple[str, str, str]], truth: dict[str, Any]) -> Tally:
    """Which of several users of an interface talked: only ever inferred, and beside the rows of all of them."""
    senders = {fact["event_id"]: fact["sender"] for fact in truth["attributions"] if "sender" in fact}
    tally = Tally()
    for event, workload, certainty in given:
        if senders.get(event) == workload:
            tally.right += 1
        else:
            tally.wrong.append((event, workload, senders.get(event)))
        if certainty != "inferred":
            tally.overstated.append((event, workload, certainty))
    return tally


def _answers(given: dict[Said, str], truth: dict[str, Any], source: dict[str, str]) -> dict[tuple[str, str], Tally]:
    wanted: dict[Said, str] = {}
    allowed: dict[Said, str] = {}
    for fact in truth["attributions"]:
        for workload in fact["workloads"]:
            one = (fact["event_id"], fact["question"], workload)
            (allowed if fact.get("optional") else wanted)[one] = fact["certainty"]
    tallies: dict[tuple[str, str], Tally] = {}
    for one, word in given.items():
        tally = tallies.setdefault((source.get(one[0], "unknown"), one[1]), Tally())
        best = wanted.get(one) or allowed.get(one)
        if best is None:
            tally.wrong.append((*one, word))
        else:
            tally.right += 1
            if STRENGTH[word] < STRENGTH[best]:
                tally.overstated.append((*one, word, best))
    for one, word in wanted.items():
        tally = tallies.setdefault((source.get(one[0], "unknown"), one[1]), Tally())
        tally.wanted += 1
        if one not in given:
            tally.missing.append((*one, word))
    return tallies


def _lineage(case: Case, truth: dict[str, Any]) -> Tally:
    """Keys whose ancestors are all there in order and no others, and, where in evidence, who issued the first."""
    rows = case.sql(
        "SELECT access_key_id, ancestor_access_key_id, ancestor_principal FROM lineage ORDER BY 1, hops"
    ).rows()
    chains: dict[str, list[str]] = {}
    ends: dict[str, str] = {}
    for key, ancestor, principal in rows:
        if ancestor:
            chains.setdefault(key, []).append(ancestor)
        else:
            ends[key] = principal
    classes = dict(case.sql("SELECT access_key_id, class FROM credential").rows())
    tally = Tally(wanted=len(truth["lineage"]))
    for fact in truth["lineage"]:
        key, chain = fact["access_key_id"], chains.get(fact["access_key_id"], [])
        service = fact["ends_in"]["name"] if fact["ends_in"]["kind"] == "service" else None
        first = [key, *fact["chain"]][-1]
        same_end = service is None or ends.get(key) == service
        same_class = fact["class"] in (None, "long_term") or classes.get(first) == fact["class"]
        same_class |= fact["class"] == "unknown" and classes.get(first) not in KNOWN_CLASSES
        if chain == fact["chain"] and same_end and same_class:
            tally.right += 1
        elif chain != fact["chain"][: len(chain)]:
            tally.wrong.append((key, chain, fact))
        else:
            tally.missing.append((key, chain, ends.get(key), classes.get(first), fact))
    return tally


def _lifetimes(case: Case, truth: dict[str, Any]) -> tuple[Tally, Tally]:
    """Things held that are known as held; and of those whose ends are in evidence, the ends."""
    found: dict[tuple[str, str, str], list[tuple[Any, ...]]] = {}
    for workload, kind, holds, *ends in case.sql(
        "SELECT workload, holds_kind, holds, valid_from, valid_to, from_known, to_known FROM lifetime WHERE certainty <> 'shared' OR holds_kind <> 'access_key_id'"
    ).rows():
        found.setdefault((workload, kind, holds), []).append(tuple(ends))
    held, ends_tally = Tally(), Tally()
    true = {(fact["workload"], fact["holds_kind"], fact["holds"]) for fact in truth["lifetimes"]}
    workloads = {fact["workload"] for fact in truth["workloads"]}
    held.wrong = [
        one
        for one in found
        if one not in true and one[1] in ("eni", "public_ip", "access_key_id") and one[0] in workloads
    ]
    for fact in truth["lifetimes"]:
        if not fact["derivable"]:
            continue
        held.wanted += 1
        one = (fact["workload"], fact["holds_kind"], fact["holds"])
        if one not in found:
            held.missing.append(one)
            continue
        held.right += 1
        for end, known, place in (("valid_from", "from_known", 0), ("valid_to", "to_known", 1)):
            if fact[known] and fact[end]:
                ends_tally.wanted += 1
                moment = datetime.fromisoformat(fact[end]).replace(tzinfo=None)
                near = [row for row in found[one] if row[place] and abs(row[place] - moment) <= TOLERANCE]
                if near:
                    ends_tally.right += 1
                else:
                    ends_tally.missing.append((*one, end, fact[end], found[one]))
    return held, ends_tally


def _decoys(given: dict[Said, str], truth: dict[str, Any]) -> Tally:
    """Answers that must not be given, or not as strongly."""
    tally = Tally()
    for fact in truth["decoys"]:
        for barred in fact["must_not"]:
            tally.wanted += 1
            said = given.get((barred["event_id"], barred["question"], barred["workload"]))
            limit = barred["certainty"]
            if said is not None and (limit is None or STRENGTH[said] <= STRENGTH[limit]):
                tally.wrong.append((fact["kind"], barred, said))
            else:
                tally.right += 1
    return tally


def examples(tally: Tally, most: int = 6) -> Iterable[str]:
    """A few differences of each kind, one of each shape, to look at."""
    for name in ("wrong", "overstated", "missing"):
        seen: Counter[str] = Counter()
        for each in getattr(tally, name):
            seen[name] += 1
            if seen[name] <= most:
                yield f"    {name}: {each}"
