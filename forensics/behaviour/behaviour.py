"""Behaviour: what one statement looks for without a rule, with its constants, its false positives and what to look at next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

COLUMNS = (
    "time",
    "end_time",
    "principal",
    "access_key_id",
    "workload",
    "resources",
    "severity",
    "title",
    "reasons",
    "evidence_event_ids",
    "evidence_count",
)
"""Columns of every statement, in this order; one row per hit.

`reasons` is a list of texts with their figures, `evidence_event_ids` the first `EVIDENCE` records in order of time, of
`evidence_count` in all. A principal, key or workload that the statement leaves NULL is taken from the evidence."""

EVIDENCE = 50
"""Records that a hit cites at most; the count is of all."""

STRONG = 5.0
"""Severity from which a hit is more than something to keep in mind."""

_NAME = re.compile(r"[a-z]+(?:-[a-z]+)*")


@dataclass(frozen=True)
class Constant:
    """A number that the statement compares with, bound as `$name`, and why it is that number."""

    name: str
    value: float
    why: str


@dataclass(frozen=True)
class Behaviour:
    """One SELECT over a case's tables.

    `sources` must all hold records, or else one of `instead`; `past` hours of the first must be held before a hit.
    """

    name: str
    question: str
    sources: tuple[str, ...]
    sql: str
    constants: tuple[Constant, ...]
    severity: str
    false_positives: tuple[str, ...]
    technique: str
    playbook: str
    past: float = 0
    instead: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not words in lower case with dashes between them")

    @property
    def type(self) -> str:
        """What stands in `finding.type`."""
        return f"Behaviour/{self.name}"

    @property
    def values(self) -> Mapping[str, float]:
        """The constants by name, as they are bound; `past_hours` and `evidence` are of every statement that names them."""
        common = {"past_hours": self.past, "evidence": float(EVIDENCE)}
        named = {name: value for name, value in common.items() if f"${name}" in self.sql}
        return named | {item.name: item.value for item in self.constants}
