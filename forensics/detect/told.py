"""The rule report for reading: what fired, when and by whom; then what could not have and why; then how many were silent."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from forensics.detect.report import Detection, Outcome

WIDTH = 110
"""Characters of a line."""
SHOWN = 50
"""Rules that fired, and that are not convertible, printed each; of more it says how many."""
NAMED = 4
"""Rules named of those that one reason kept from firing."""


def told(found: Detection) -> Iterator[str]:
    """Lines of text."""
    fired = [(item, found.findings.get(place, 0)) for place, item in enumerate(found.outcomes) if item.state == "fired"]
    loud = sorted((item for item in fired if item[1]), key=lambda item: _order(item[0]))
    yield f"FIRED: {_many(len(loud), 'rule')}, {_many(found.count, 'finding')}"
    for item, findings in loud[:SHOWN]:
        yield from _fired(item, findings)
    if len(loud) > SHOWN:
        yield f"  … and {len(loud) - SHOWN:,} more: --format csv"
    if counted := [item for item, findings in fired if not findings]:
        yield from _named("counted by correlations, no finding of their own", counted)
    yield from _kept(found.outcomes)
    yield from _silent([item for item in found.outcomes if item.state == "loaded"])


def _order(item: Outcome) -> tuple[float, str, str]:
    return (-item.rule.severity, str(item.first or ""), item.rule.title)


def _fired(item: Outcome, findings: int) -> Iterator[str]:
    yield f"  {item.rule.level or 'no level':<13} {_name(item)}"
    facts = [_many(item.hits, "event"), _span(item)] + [_many(findings, "finding")] * (findings > 1)
    yield from _wrapped(", ".join(filter(None, [*facts, item.why])))
    more = [f"and {item.whose - len(item.who):,} more"] * (item.whose > len(item.who))
    yield from (f"{' ' * 16}{'   ' if place else 'by '}{name}" for place, name in enumerate([*item.who, *more]))
    following = f"next: forensics run {item.rule.playbook}" if item.rule.playbook else ""
    if said := " · ".join(filter(None, [" ".join(item.rule.techniques), following])):
        yield from _wrapped(said)


def _span(item: Outcome) -> str:
    if item.first is None or item.last is None:
        return ""
    if item.first == item.last:
        return f"{item.first:%Y-%m-%d %H:%M:%S}"
    same_day = item.first.date() == item.last.date()
    return f"{item.first:%Y-%m-%d %H:%M:%S} to {item.last:{'%H:%M:%S' if same_day else '%Y-%m-%d %H:%M:%S'}}"


def _kept(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Rules that could not have fired, by what kept them."""
    kept = {
        state: [item for item in outcomes if item.state == state] for state in ("blind", "not convertible", "inert")
    }
    number = sum(map(len, kept.values()))
    if not number:
        return
    yield ""
    yield f"COULD NOT HAVE FIRED: {_many(number, 'rule')}; that they are silent says nothing"
    for state in ("blind", "inert"):
        for why, items in _by_reason(kept[state]):
            yield from _named(f"{state}: {why}", items)
    broken = sorted(kept["not convertible"], key=_order)
    for item in broken[:SHOWN]:
        yield from _wrapped(f"not convertible: {_name(item)}: {item.reason}, {item.rule.place}", "  ", "    ")
    if len(broken) > SHOWN:
        yield f"  … and {len(broken) - SHOWN:,} more that are not convertible: --format csv"


def _silent(loaded: Sequence[Outcome]) -> Iterator[str]:
    """Rules that could have fired, with what bounds their silence."""
    if not loaded:
        return
    yield ""
    yield f"COULD HAVE FIRED AND DID NOT: {_many(len(loaded), 'rule')}"
    for why, items in _by_reason(loaded):
        yield from _wrapped(f"{len(items):>4,}  {why or 'records of all hours were looked at'}", "  ", "        ")


def _by_reason(items: Sequence[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """The rules of each reason, the reason of most first."""
    found: dict[str, list[Outcome]] = {}
    for item in sorted(items, key=_order):
        found.setdefault(item.why, []).append(item)
    return sorted(found.items(), key=lambda pair: -len(pair[1]))


def _named(reason: str, items: Sequence[Outcome]) -> Iterator[str]:
    """A reason, how many rules it is of, and the gravest of them."""
    yield from _wrapped(f"{reason}: {_many(len(items), 'rule')}", "  ", "    ")
    names = [f"{_name(item)} ({item.rule.level or 'no level'})" for item in items[:NAMED]]
    more = f" and {len(items) - NAMED:,} more" if len(items) > NAMED else ""
    yield from _wrapped(", ".join(names) + more, "      ", "      ")


def _name(item: Outcome) -> str:
    return item.rule.title or item.rule.place.rpartition("/")[2]


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _wrapped(text: str, first: str = " " * 16, other: str = " " * 18) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=other, break_long_words=False, break_on_hyphens=False
    )
