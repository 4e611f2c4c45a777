"""The rule report: of every rule whether it fired, could have, or could not, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from forensics.detect.convert import Rule

if TYPE_CHECKING:
    import pandas as pd

    from forensics.output import Rows

STATES = ("fired", "loaded", "blind", "inert", "not convertible")
"""loaded: it could have fired and did not; blind: its source was not logged in the window; inert: a field or source it
needs is nowhere in this case; not convertible: it, or a construct of it, is not understood."""


@dataclass(frozen=True)
class Outcome:
    """What came of one rule: its state, how many events it matched, and why it did not or could not fire.

    Of one that fired `first` and `last` are times of its events, `who` some of the `whose` that they are of: principals,
    or what the logsource or correlation groups by.
    """

    rule: Rule
    state: str
    hits: int = 0
    why: str = ""
    first: datetime | None = None
    last: datetime | None = None
    who: tuple[str, ...] = ()
    whose: int = 0

    @property
    def reason(self) -> str:
        """Why it did not or could not fire, of a construct that is not understood with its line."""
        if self.state != "not convertible":
            return self.why
        return f"{self.why} (line {self.rule.line}{f': {self.rule.construct}' if self.rule.construct else ''})"


@dataclass(frozen=True)
class Detection:
    """What came of a run: every rule once, and how many findings there are of which (by its place in `outcomes`)."""

    outcomes: tuple[Outcome, ...]
    findings: dict[int, int]

    def rows(self, chosen: Sequence[str] = ()) -> Rows:
        """A row a rule, of all columns or those chosen: what fired first, by severity; then what could not have."""
        from forensics.output import Rows

        order = sorted(
            enumerate(self.outcomes),
            key=lambda item: (_PLACES[item[1].state], -item[1].rule.severity, item[1].rule.title, item[0]),
        )
        ordered = [(item, self.findings.get(place, 0)) for place, item in order]
        columns: dict[str, list[Any]] = {
            "state": [item.state for item, _ in ordered],
            "level": [item.rule.level or None for item, _ in ordered],
            "hits": [item.hits for item, _ in ordered],
            "findings": [findings for _, findings in ordered],
            "rule": [item.rule.title or item.rule.place.rpartition("/")[2] for item, _ in ordered],
            "first": [item.first for item, _ in ordered],
            "last": [item.last for item, _ in ordered],
            "who": [list(item.who) for item, _ in ordered],
            "why": [item.reason or None for item, _ in ordered],
            "playbook": [item.rule.playbook or None for item, _ in ordered],
            "techniques": [" ".join(item.rule.techniques) or None for item, _ in ordered],
            "id": [item.rule.id or None for item, _ in ordered],
            "place": [f"{item.rule.place}:{item.rule.line}" for item, _ in ordered],
        }
        return Rows.table(**{name: columns[name] for name in chosen or columns})

    def df(self) -> pd.DataFrame:
        """The rows as a pandas DataFrame."""
        import pyarrow as pa

        rows = self.rows()
        frame: pd.DataFrame = pa.Table.from_batches(list(rows.batches), rows.schema).to_pandas()
        return frame

    @property
    def count(self) -> int:
        """How many findings there are."""
        return sum(self.findings.values())

    def __str__(self) -> str:
        """One line: how many rules, in which states, and how many findings."""
        return f"{summed(self.outcomes)}; {self.count:,} findings"


def summed(outcomes: Sequence[Outcome]) -> str:
    """How many rules there are, in which states."""
    counted = Counter(item.state for item in outcomes)
    states = ", ".join(f"{counted[state]:,} {state}" for state in STATES if counted[state])
    return f"{len(outcomes):,} rules: {states or 'none'}"


_PLACES = {"fired": 0, "blind": 1, "not convertible": 2, "inert": 3, "loaded": 4}
