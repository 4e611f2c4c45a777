"""What a finding of a rule or behaviour goes by: what was asked, with which technique in mind, what it mistakes, what is next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from forensics.detect.ran import held, ran
from forensics.detect.rules import own_playbook

if TYPE_CHECKING:
    from forensics.case import Case

_RULE = """
SELECT key, title, level, description, techniques, false_positives, playbook, place
FROM detection_rule
WHERE source = 'sigma'
  AND starts_with($finding_id, 'sigma:' || key || ':')
ORDER BY length(key) DESC
LIMIT 1
"""


@dataclass(frozen=True)
class About:
    """What made a finding. `of_then` says what its run has not seen, "" where it has seen all."""

    name: str
    asks: str = ""
    severity: str = ""
    techniques: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    playbook: str = ""
    place: str = ""
    of_then: str = ""


def about(case: Case, finding_id: str, source: str, kind: str | None) -> About | None:
    """Of a finding by its id, source and type; None of a product's own."""
    if source == "tampering":
        return About("act against a log", playbook="log-tampering")
    if source not in ("sigma", "behaviour"):
        return None
    then = next((str(item) for item in ran(case) if item.source == source and not item.whole), "")
    return _rule(case, finding_id, then) if source == "sigma" else _behaviour(kind or "", then)


def _rule(case: Case, finding_id: str, then: str) -> About:
    rows = case.sql(_RULE, {"finding_id": finding_id}).rows() if held(case) else []
    if not rows:
        return About("a rule that the case no longer describes", playbook=own_playbook(finding_id), of_then=then)
    key, title, level, description, techniques, mistaken, playbook, place = rows[0]
    named = title if key == title else f"{title} ({key})"
    return About(
        named, description or "", level or "", tuple(techniques), tuple(mistaken), playbook or "", place or "", then
    )


def _behaviour(kind: str, then: str) -> About:
    from forensics.behaviour import behaviours

    item = behaviours().get(kind.removeprefix("Behaviour/"))
    if item is None:
        return About(kind, of_then=then)
    mistaken = item.false_positives
    return About(item.name, item.question, item.severity, (item.technique,), mistaken, item.playbook, of_then=then)
