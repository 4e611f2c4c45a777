"""Statements about functions that an intruder changed: by whom, what, which invocations ran it, which keys left."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.analysis.changed_environments import Environment
from forensics.analysis.code_changes import Change
from forensics.analysis.credential_use import Use
from forensics.analysis.statement import Statement, named
from forensics.analysis.suspects import Suspect
from forensics.analysis.technique import USE, technique
from forensics.analysis.words import at, count, during, listed


def in_hands(number: int, item: Suspect) -> Statement:
    """Why a credential is taken to be in an intruder's hands at an address."""
    return Statement(
        id=f"hand-{number:02d}",
        title=f"{item.access_key_id} is taken to be in an intruder's hands at {item.address or 'an address not recorded'}",
        statement=f"Of the credential {item.access_key_id} there: " + "; ".join(why.says for why in item.reasons) + ".",
        time=item.first,
        certainty="inferred",
        technique=USE,
        principal=item.principal,
        evidence=named([event_id for why in item.reasons for event_id in why.event_ids] or item.event_ids),
    )


def changed(number: int, item: Change) -> Statement:
    """A change of a function by an intruder."""
    name = (item.function or "a function not named").rpartition(":")[2]
    done = "" if item.aspect in ("created", "deleted") else " changed"
    vain = "" if item.outcome == "success" else ", in vain"
    return Statement(
        id=f"change-{number:02d}",
        title=f"{name}: {item.aspect}{done}{vain}",
        statement=(
            f"{item.action} of {item.function or 'a function not named'} {at(item.time)},"
            f" {'succeeded' if item.outcome == 'success' else 'did not succeed'}, by {item.access_key_id} from"
            f" {item.address or 'an address not recorded'}" + (f": {item.details}." if item.details else ".")
        ),
        time=item.time,
        certainty="recorded",
        technique=technique(item.action),
        principal=item.principal,
        workload=item.function,
        evidence=named([item.event_id]),
    )


def ran_it(number: int, item: Environment, lines: list[str], theirs: Sequence[Change]) -> Statement:
    """The invocations of an execution environment that began after a change."""
    before = [
        c for c in theirs if c.function == item.function and c.runs_other_code and c.time and c.time <= item.began
    ]
    what = listed([f"{c.aspect} of {at(c.time)}" for c in before])
    return Statement(
        id=f"ran-{number:02d}",
        title=f"{count(item.invocations, 'invocation')} of {item.function.rpartition(':')[2]} ran what was changed",
        statement=(
            f"The execution environment {item.name} began at {at(item.began)}, after the change ({what}), and served"
            f" {count(item.invocations, 'invocation')}, {count(item.errors, 'of them with error') if item.errors else 'none with an error'},"
            f" {during(item.began, item.ended)}. Which code an environment holds is not logged: that it began after the change,"
            " and before the next, says it."
        ),
        time=item.began,
        certainty="inferred",
        technique="T1648",
        workload=item.function,
        resources=(item.name,),
        evidence=named([*lines, *(c.event_id for c in before)]),
    )


def used_outside(number: int, item: Use) -> Statement:
    """The use of a changed function's own credential from outside."""
    return Statement(
        id=f"use-{number:02d}",
        title=f"{item.access_key_id}, a changed function's own, used from outside, {item.address}",
        statement=f"From {at(item.first_used)} it was used from {item.address}: {item.why}.",
        time=item.first_used,
        certainty="inferred",
        technique=USE,
        evidence=named([item.first_event_id, *([item.finding_id] if item.finding_id else [])]),
    )
