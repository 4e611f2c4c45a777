"""What the check of one log type declares: what it rests on, how an answer is judged, and why the log matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STATES = ("on", "partly", "off", "unknown", "none")
"""`none`: there is nothing in that place that could write this log."""


@dataclass(frozen=True)
class Check:
    """One log type.

    `reference` is the title of the AWS page that says how it is switched on, `why` what it alone tells, `kind` the
    source of this package that reads it (empty where none does). `calls` are (service, operation) it rests on: without
    the first nothing is known. `sql` follows `latest.COMMON` and gives a row per thing that has or lacks the log, of these
    columns (those left out are empty): account_id, region, thing, state (`on`, `partly`, `off`; NULL unknown), scope,
    destination, retention, encryption, integrity, organisation_wide, managed_by, warnings (codes), note, evidence.
    `fold` says when a place has the log: `all` things must, or `any` one suffices. `empty` is the state of a place
    without any thing. `everywhere` is False of a log that has one place for all Regions.
    `warnings` says for each code what is wrong, the thing left out.
    """

    name: str
    title: str
    reference: str
    why: str
    calls: tuple[tuple[str, str], ...]
    sql: str
    delay: str
    cost: str
    kind: str = ""
    fold: str = "all"
    empty: str = "none"
    everywhere: bool = True
    integrity: str = ""
    warnings: Mapping[str, str] = ()  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Refuse words that have no meaning."""
        if self.fold not in ("all", "any") or self.empty not in STATES or not self.calls:
            raise ValueError(f"check {self.name}: fold {self.fold!r}, empty {self.empty!r}, {len(self.calls)} calls")
        object.__setattr__(self, "warnings", dict(self.warnings))


UNLIMITED = "nothing ever deletes it: decide how long it is kept"
SHORT = "it is deleted sooner than an intrusion is found"
SHORTEST = 90
"""Days; below that a retention is too short: intrusions are found after weeks, GuardDuty keeps findings 90 days."""

RETENTION = {"retention_unlimited": UNLIMITED, "retention_short": SHORT}
