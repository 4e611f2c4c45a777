"""Which ways back were left in the account, by whom, with whose hands, and what each still gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from forensics.analysis.acts import ActsAnswer, calls_of, ids_of
from forensics.analysis.gaps import Gap
from forensics.analysis.hands import hands
from forensics.analysis.isolation import Command
from forensics.analysis.statement import Statement, named
from forensics.analysis.technique import technique
from forensics.analysis.ways_back import ACTIONS, Way, ways
from forensics.analysis.ways_back_words import closing, gives
from forensics.analysis.words import at, count, during, listed
from forensics.case import Case, Query
from forensics.timeline import find_workload

SOURCES = ("cloudtrail", "guardduty", "lambda_log", "vpc_flow")

_RUNS = """
SELECT i.workload, i.started_at, i.duration_ms, i.request_id, i.error
FROM invocation AS i
WHERE list_contains(CAST(? AS VARCHAR[]), i.workload)
ORDER BY i.started_at, i.request_id
"""


@dataclass(frozen=True)
class Persistence(ActsAnswer):
    """The answer: every way back that an intruder's hands opened, and what is known of its end."""

    @cached_property
    def ways(self) -> list[Way]:
        """The ways back of the intrusion, in order of time."""
        return ways(self.case, self.intrusion.calls) if self.intrusion.stolen else []

    @property
    def open_ways(self) -> list[Way]:
        """Those that no call in evidence ended."""
        return [way for way in self.ways if way.end is None]

    @property
    def verdict(self) -> str:
        """How many ways back, of which kinds, by whom, and how many nothing ended; or that there is none."""
        if not self.ways:
            return self.nothing("way back (a user, key, policy, trust, rule or the like)", SOURCES) + self._but()
        named_ways = [f"{way.kind.what} {way.name.rpartition('/')[2] or way.name}" for way in self.ways]
        whose = sorted({f"{way.principal or 'somebody not named'} from {way.address}" for way in self.ways})
        return (
            f"{count(len(self.ways), 'way')} back {'was' if len(self.ways) == 1 else 'were'} opened"
            f" {during(self.ways[0].time, self.ways[-1].time)} in an intruder's hands, by {listed(whose, 5)}."
            f" {_still(len(self.open_ways), len(self.ways))}"
            f" {count(len(self.intrusion.derived), 'credential')} came of the intruder's own."
            f"\n\nThey are: {listed(named_ways, 30)}."
        )

    def _but(self) -> str:
        """That an intruder tried, where none of the tries succeeded."""
        return " An intruder tried, and was refused: see what happened." if self.intrusion.stolen else ""

    def acts(self) -> list[Statement]:
        """A statement for each way back."""
        return [_statement(f"way-{number:02d}", way) for number, way in enumerate(self.ways, 1)]

    @property
    def what_is_left(self) -> pd.DataFrame:
        """A row for each way back: what, whose, since when, what it gives, and what ended it."""
        rows = [(way.time, way.kind.what, way.name, gives(way), _end(way)) for way in self.ways]
        return pd.DataFrame(rows, columns=["opened", "what", "name", "gives", "ended"])

    @property
    def runs(self) -> Query:
        """Every run of a function that the intruder planted."""
        return self.case.sql(_RUNS, (list(self.intrusion.launched),))

    def open_questions(self) -> list[Gap]:
        """What stays open of ways back."""
        if not self.intrusion.stolen:
            return []
        return [
            Gap(
                "Whether the ways back are still there now",
                "evidence ends; what was ended later, or by other means, is not in it",
                "aws iam get-account-authorization-details, get-credential-report; list rules, schedules and functions in"
                " every Region",
            ),
            Gap(
                "Which ways back lie outside of this account or its logs",
                "IAM writes are recorded in us-east-1 only; Identity Center and Organizations in the management account",
                "collect us-east-1 and the management account's trail",
            ),
        ]

    def steps(self) -> list[Command]:
        """Close what brings keys back first, then each way that nothing ended."""
        first = ("rule", "schedule", "function", "function URL")
        left = sorted(
            self.open_ways, key=lambda way: first.index(way.kind.what) if way.kind.what in first else len(first)
        )
        made = [command for way in left for command in closing(way)]
        return list({command.command: command for command in made}.values())


def investigate(case: Case, *, principal: str | None = None, workload: str | None = None) -> Persistence:
    """Judge every call that can open a way back, of a principal or about a workload if one is given.

    What else the same hands did is followed in either case. Raises UnknownName, AmbiguousName.
    """
    asked = calls_of(case, ACTIONS, principal=principal, workload=workload)
    found = hands(case, ids_of(asked))
    return Persistence(case, found.intrusion, find_workload(case, workload) if workload else None, found)


def _still(left: int, opened: int) -> str:
    if not left:
        return "Each was ended again, as far as evidence shows."
    return f"Nothing in evidence ends {'any of them' if left == opened else f'{left:,} of them'}."


def _end(way: Way) -> str:
    if way.end is None:
        return "nothing in evidence ends it"
    again = way.end.action == way.action
    return f"{'changed again' if again else 'ended'} at {at(way.end.time)} by {way.end.principal or 'somebody not named'} ({way.end.action}, {way.end.event_id})"


def _statement(identifier: str, way: Way) -> Statement:
    return Statement(
        id=identifier,
        title=f"A way back: {way.kind.what} {way.name}",
        statement=(
            f"At {at(way.time)} {way.principal or 'somebody not named'}, with the credential {way.access_key_id} from"
            f" {way.address or 'an address not recorded'}, called {way.action} for {way.name}: {gives(way)}."
            f" As far as evidence shows: {_end(way)}."
        ),
        time=way.time,
        certainty="recorded",
        technique=technique(way.action),
        principal=way.principal,
        resources=way.resources or ((way.thing,) if way.thing else ()),
        evidence=named([way.event_id]),
    )
