"""Whether what is to be noted is in the case, so that a mistyped id is told of and not noted."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.analysis.statement import records_of
from forensics.case import Case
from forensics.errors import UnknownName
from forensics.notes.about import About, things


def known(case: Case, over: Sequence[About]) -> list[About]:
    """The same, names turned into the keys of their cards. Raises UnknownName, AmbiguousName.

    Sessions, resources and addresses are taken as they are: a responder may know some that no record names.
    """
    events = [item.key for item in over if item.kind == "event"]
    there = records_of(case, events) if events else {}
    for event_id in events:
        if event_id not in there:
            raise UnknownName("event", event_id, advice="`forensics timeline CASE --format csv` prints their ids")
    look_up = {
        "principal": case.principal,
        "credential": case.credential,
        "workload": case.workload,
        "finding": case.finding,
    }
    made = [look_up[item.kind](item.key) if item.kind in look_up else item for item in over]
    return things(made)
