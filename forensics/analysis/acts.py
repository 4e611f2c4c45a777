"""The answer of an analysis that begins with acts: calls that administrators make as well, judged by whose hands made them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from forensics.analysis.answer import Answer, in_order
from forensics.analysis.hands import Hands
from forensics.analysis.holdings import basis
from forensics.analysis.statement import Statement, cited, named
from forensics.analysis.technique import USE
from forensics.analysis.words import at, count, listed
from forensics.case import Case
from forensics.identity import find_principal
from forensics.timeline import Timeline, find_workload

_ABOUT_WORKLOAD = """(
  list_contains(resources, ?)
  OR access_key_id IN (SELECT access_key_id FROM credential WHERE workload = ?)
  OR (object_id, record) IN (
    SELECT (object_id, record) FROM cloudtrail WHERE contains(CAST(request_parameters AS VARCHAR), ?)))"""

_ACTION = "regexp_replace(action, '[0-9]{8}(v[0-9]+)?$', '')"
"""Lambda's actions carry the date of their API."""


@dataclass(frozen=True)
class ActsAnswer(Answer):
    """An answer whose intrusion begins with acts of some kind; `hands` are those that made any of them."""

    hands: Hands

    @cached_property
    def judgements(self) -> list[Statement]:
        """A statement for each credential at an address that is taken to be in an intruder's hands: why."""
        found = [item for item in self.hands.believed if any(reason.kind != "came of" for reason in item.reasons)]
        return [
            Statement(
                id=f"hands-{number:02d}",
                title=f"{item.access_key_id} at {item.address or 'no address'} was in an intruder's hands",
                statement=(
                    f"From {at(item.first)} on the credential {item.access_key_id}"
                    + (f" of {item.principal}" if item.principal else "")
                    + f" is taken to have been in an intruder's hands at {item.address or 'an address not recorded'}: "
                    + "; ".join(reason.says for reason in item.reasons)
                    + "."
                ),
                time=item.first,
                certainty="inferred",
                technique=USE,
                principal=item.principal,
                evidence=named(event_id for reason in item.reasons for event_id in reason.event_ids),
            )
            for number, item in enumerate(found, 1)
        ]

    def acts(self) -> Iterable[Statement]:
        """The analysis's own statements."""
        return ()

    def own(self) -> list[Statement]:
        """Whose hands, and what they did of the kind that was asked for."""
        return [*self.judgements, *self.acts()] if self.intrusion.stolen else []

    @cached_property
    def statements(self) -> list[Statement]:
        """As of every answer, but calls that an own statement tells of are not told again."""
        own = self.own()
        told = {place.event_id for item in own if item not in self.judgements for place in item.evidence}
        again = [
            item
            for item in self.further()
            if not item.id.startswith("call-") or not {place.event_id for place in item.evidence} <= told
        ]
        return cited(self.case, in_order([*own, *again]))

    def nothing(self, what: str, sources: tuple[str, ...], *, counted: bool = True) -> str:
        """That no act of the kind was an intruder's: how many there were, by whom, and what that rests on.

        Not `counted`: one call of each credential at each address was judged, not every one.
        """
        asked = self.hands.asked
        if not asked:
            return f"No {what} is in evidence. {basis(self.case, sources)}"
        calls = sum(len(item.event_ids) for item in asked)
        made = (
            f"{count(calls, 'call')} of that kind {'was' if calls == 1 else 'were'} made"
            if counted
            else "There are such"
        )
        people = sorted({item.principal or "somebody not named" for item in asked})
        return (
            f"No {what} in an intruder's hands was found. {made}, by {listed(people)}, and nothing that would make an"
            f" intruder of them was found: see whose hands below. {basis(self.case, sources)}"
        )

    @property
    def whose(self) -> pd.DataFrame:
        """A row for each credential at an address with which acts of the kind were made: the judgement and why."""
        return self.hands.table


def calls_of(
    case: Case, actions: Sequence[str], *, principal: str | None = None, workload: str | None = None
) -> Timeline:
    """CloudTrail's calls of those actions (without the date that Lambda's carry), of a principal, about or by a workload.

    Raises UnknownName, AmbiguousName.
    """
    found = Timeline(case).source("cloudtrail").where(f"list_contains(CAST(? AS VARCHAR[]), {_ACTION})", list(actions))
    if principal:
        found = found.where("principal = ?", find_principal(case, principal))
    if workload:
        key = find_workload(case, workload)
        found = found.where(_ABOUT_WORKLOAD, key, key, key)
    return found


def ids_of(timeline: Timeline) -> list[str]:
    """The event ids of a timeline."""
    return [str(row[0]) for row in timeline.select("SELECT event_id FROM timeline ORDER BY time, event_id").rows()]
