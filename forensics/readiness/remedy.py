"""What a remedy declares: which warnings and states it closes, why, and its text for what it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from forensics.readiness.assess import Readiness, Thing

OFF = "off"
"""The code of a log that is not there, beside those of warnings."""


@dataclass(frozen=True)
class Target:
    """Something to change: a thing of a log type that lacks it, or the place where nothing is."""

    row: Readiness
    thing: Thing | None
    codes: tuple[str, ...]

    @property
    def region(self) -> str:
        """Region of it."""
        return self.row.region

    @property
    def name(self) -> str:
        """Name of the thing; "" of a place."""
        return self.thing.thing if self.thing else ""


Text = Callable[[Sequence[Target]], str]


@dataclass(frozen=True)
class Remedy:
    """One step of a plan; `closes` are codes by log type, `terraform` and `cli` write the text for its targets.

    With `once` it is one step for all accounts of an organisation.
    """

    name: str
    title: str
    reason: str
    closes: Mapping[str, tuple[str, ...]]
    terraform: Text
    cli: Text
    once: bool = False


def regions(targets: Sequence[Target]) -> list[str]:
    """The Regions of those, each once."""
    return sorted({item.region for item in targets})


def names(targets: Sequence[Target]) -> list[tuple[str, str]]:
    """Region and name of the things, each once."""
    return sorted({(item.region, item.name) for item in targets if item.name})
