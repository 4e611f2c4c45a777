"""What the explorer narrows by: kinds of filter, each with the condition it puts on a Timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forensics.case import Case
from forensics.timeline import Timeline

NONE_TEXT = "not recorded"
"""How a value that no record states is shown."""

_TEXT = (
    "strpos(lower(concat_ws(' ', action, source_ip, destination_ip, user_agent, summary, array_to_string(resources, ' '))),"
    " lower(?)) > 0"
)

FOUND_TEXT = "backs or is a finding"

CITED = "why NOT LIKE 'around it: %'"
"""Of the rows of `finding_evidence` those that the finding rests on, not what else was done around it."""

_FINDING = f"""(event_id = ? OR event_id IN (
    SELECT event_id FROM finding_evidence WHERE {CITED} AND finding_id = ?))"""

_FOUND = f"""(event_id IN (SELECT finding_id FROM finding)
    OR event_id IN (SELECT event_id FROM finding_evidence WHERE {CITED}))"""

Condition = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Kind:
    """A kind of filter.

    `method` is that of Timeline which does the same for one value; without one, `condition` is over the columns of
    `event`, with a `?` for each time the value is bound, and `absent` what stands for a value that is not recorded.
    """

    name: str
    label: str
    condition: str = ""
    absent: str = ""
    method: str = ""


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("principal", "principal", "principal = ?", "principal IS NULL", "principal"),
        Kind("session", "session", "session = ?", "session IS NULL", "session"),
        Kind("access_key", "access key", "access_key_id = ?", "access_key_id IS NULL", "access_key"),
        Kind("workload", "workload", method="workload"),
        Kind("resource", "resource", "list_contains(resources, ?)", "resources IS NULL", "resource"),
        Kind("address", "address", "(source_ip = ? OR destination_ip = ?)", "source_ip IS NULL", "address"),
        Kind("source", "source", "source = ?", "source IS NULL", "source"),
        Kind("outcome", "outcome", "outcome = ?", "outcome IS NULL"),
        Kind("account", "account", "account_id = ?", "account_id IS NULL", "account"),
        Kind("region", "Region", "region = ?", "region IS NULL", "region"),
        Kind("service", "service", "split_part(action, ':', 1) = ?", "action IS NULL"),
        Kind("action", "action", "action = ?", "action IS NULL"),
        Kind("user_agent", "user agent", "user_agent = ?", "user_agent IS NULL"),
        Kind(
            "certainty",
            "certainty",
            "event_id IN (SELECT event_id FROM attribution WHERE certainty = ?)",
            "event_id NOT IN (SELECT event_id FROM attribution)",
        ),
        Kind("finding", "finding", _FINDING),
        Kind("found", "findings", _FOUND),
        Kind("event", "event", "event_id = ?"),
        Kind("text", "text", _TEXT),
        Kind("tag", "tag", method="tagged"),
    )
}
"""In the order in which a state's filters are listed.

`tag` means the events that bear it when the Timeline is made; `found` binds nothing: it is what is or what backs any finding."""

SEVERAL = ("source", "account", "region", "tag")
"""Kinds whose Timeline method takes several values, any of which will do."""


@dataclass(frozen=True)
class Filter:
    """One value of one kind, wanted or excluded; `value` None is what no record states."""

    kind: str
    value: str | None
    excluded: bool = False

    def __post_init__(self) -> None:
        """Refuse a kind that there is not."""
        if self.kind not in KINDS:
            raise ValueError(f"no filter of kind {self.kind!r}; there are: {', '.join(KINDS)}")

    @property
    def text(self) -> str:
        """The value in words."""
        if self.kind == "found":
            return FOUND_TEXT
        absent = "not attributed" if self.kind == "certainty" else NONE_TEXT
        return absent if self.value is None else self.value

    def condition(self, case: Case) -> Condition:
        """The SQL condition over the columns of `event` that the value is held against, and what is bound.

        Raises UnknownName, AmbiguousName.
        """
        kind = KINDS[self.kind]
        if self.value is None and kind.absent:
            return kind.absent, ()
        if not kind.condition:
            made: Timeline = getattr(Timeline(case), kind.method)(self.value)
            return made.conditions[0], made.bound
        return kind.condition, (self.value,) * kind.condition.count("?")
