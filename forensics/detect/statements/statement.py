"""A rule of our own that Sigma cannot say: one SELECT over a case's tables, documented as the Sigma rules are."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from forensics.detect.convert import Predicate, Rule

LEVELS = ("informational", "low", "medium", "high", "critical")
KIND = "statement"
"""`Rule.kind` of a statement."""


@dataclass(frozen=True)
class Statement:
    """A rule as SQL. `sql` gives `object_id, record` of the rows of `source` that are hits; copies may be among them.

    `needs` are further sources that must have records before it can hit. Raises ValueError for an unknown level.
    """

    name: str
    title: str
    level: str
    techniques: tuple[str, ...]
    description: str
    false_positives: tuple[str, ...]
    references: tuple[str, ...]
    playbook: str
    sql: str
    source: str = "cloudtrail"
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f"{self.name}: {self.level!r} is none of {', '.join(LEVELS)}")

    @property
    def id(self) -> str:
        """What findings of it are known by, in every version of this package."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"forensics.statement.{self.name}"))

    @property
    def rule(self) -> Rule:
        """It as a rule of a run, so that the report accounts for it as for the others."""
        return Rule(
            f"statements/{self.name}.py",
            1,
            title=self.title,
            id=self.id,
            name=self.name,
            kind=KIND,
            level=self.level,
            tags=[f"attack.{technique.lower()}" for technique in self.techniques],
            logsource="/".join((self.source, *self.needs)),
            playbook=self.playbook,
            description=self.description,
            false_positives=list(self.false_positives),
            predicates=[Predicate(name, "") for name in (self.source, *self.needs)],
        )
