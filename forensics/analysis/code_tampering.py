"""Did an intruder change what a Lambda function runs, which invocations ran that, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from forensics.analysis.answer import Answer
from forensics.analysis.changed_environments import FOREVER, Environment, Span, environments, lines_of, spans
from forensics.analysis.code_changes import Change, changes
from forensics.analysis.credential_use import Use, uses
from forensics.analysis.function_isolation import undoing
from forensics.analysis.gaps import Gap
from forensics.analysis.hands import Hands, hands
from forensics.analysis.holdings import basis
from forensics.analysis.intrusion import follow
from forensics.analysis.isolation import Command, isolation
from forensics.analysis.statement import Statement
from forensics.analysis.suspects import Suspect
from forensics.analysis.tampering_statements import changed, in_hands, ran_it, used_outside
from forensics.analysis.words import at, count, during, listed
from forensics.case import Case, Query
from forensics.errors import UsageError
from forensics.timeline import Moment, find_workload, parse_time

SOURCES = ("cloudtrail", "lambda_log", "config_item", "vpc_flow", "guardduty")

_INVOCATIONS = """
SELECT i.started_at, i.duration_ms, i.error, i.request_id, i.version, i.execution_environment, i.workload
FROM invocation AS i
WHERE list_contains(CAST(? AS VARCHAR[]), i.execution_environment)
  AND list_contains(CAST(? AS VARCHAR[]), i.workload)
ORDER BY i.started_at, i.request_id
"""

_STATES = """
SELECT c.configuration_item_capture_time AS time, c.resource_name AS function, c.configuration_item_status AS status,
  json_extract_string(CAST(c.configuration AS VARCHAR), '$.codeSha256') AS code_sha256,
  json_extract_string(CAST(c.configuration AS VARCHAR), '$.layers') AS layers,
  json_extract_string(CAST(c.configuration AS VARCHAR), '$.role') AS role
FROM config_item AS c
WHERE c.resource_type = 'AWS::Lambda::Function'
  AND (CAST(? AS VARCHAR) IS NULL OR c.arn = ?)
ORDER BY c.configuration_item_capture_time, c.resource_name
"""

_DONE = """
SELECT e.action, e.source_ip, e.outcome, count(*) AS calls, min(e.time) AS first, max(e.time) AS last
FROM event AS e
JOIN credential AS k ON k.access_key_id = e.access_key_id
WHERE e.source = 'cloudtrail'
  AND list_contains(CAST(? AS VARCHAR[]), k.workload)
  AND coalesce(k.issued_at, k.session_created_at, k.first_used) >= ?
GROUP BY e.action, e.source_ip, e.outcome
ORDER BY min(e.time), e.action, e.source_ip
"""


@dataclass(frozen=True)
class Tampering(Answer):
    """The answer: every change asked about, in whose hands each was made, what ran from then on."""

    changes: tuple[Change, ...]
    hands: Hands
    uses: tuple[Use, ...]

    @property
    def believed(self) -> list[Suspect]:
        """Each credential at an address from which changes were made that is taken to be in an intruder's hands."""
        return [item for item in self.hands.asked if item.believed]

    @cached_property
    def theirs(self) -> list[Change]:
        """The changes, tried ones too, made with credentials in an intruder's hands."""
        hand = {(item.access_key_id, item.address) for item in self.believed}
        return [item for item in self.changes if (item.access_key_id, item.address) in hand]

    @property
    def spans(self) -> list[Span]:
        """Of each function whose code, configuration or version an intruder changed: from when until when."""
        return spans(self.changes, self.theirs)

    @property
    def functions(self) -> list[str]:
        """Every function that an intruder changed, in whatever respect."""
        return sorted({item.function for item in self.theirs if item.function and item.outcome == "success"})

    @property
    def found(self) -> bool:
        """Whether an intruder changed, or tried to change, a function."""
        return bool(self.theirs)

    @property
    def verdict(self) -> str:
        """The answer in a few sentences."""
        known = count(len({item.event_id for item in self.changes}), "change")
        asked = self.subject or "functions"
        if not self.theirs:
            made = f" {_makers(self.changes)}" if self.changes else ""
            return (
                f"No change of {asked} by an intruder was found: {known} of code, layers, configuration, permissions or"
                f" triggers in evidence, none by a credential of which enough says that it is in an intruder's hands.{made}"
                f" {basis(self.case, SOURCES)}"
            )
        return f"{self._who()} {self._what_ran()}{self._after()}"

    def _who(self) -> str:
        made = {item.event_id: item for item in self.theirs}.values()
        who = [
            f"{item.access_key_id} of {item.principal or 'an unknown principal'} at {item.address or 'an address not recorded'}"
            for item in self.believed
        ]
        times = [item.time for item in made if item.time]
        return (
            f"{count(len(made), 'call')} {during(min(times, default=None), max(times, default=None))} changed, or tried to"
            f" change, {listed(self.functions, 5) or 'functions not named'}, by {listed(who)}."
        )

    def _what_ran(self) -> str:
        ran = self._ran
        if not ran:
            return "No invocation of what was changed is in evidence."
        calls = sum(item.invocations for item in ran)
        return (
            f"{count(calls, 'invocation')} in {count(len(ran), 'execution environment')} ran it,"
            f" {during(min(item.began for item in ran), max(item.ended for item in ran))}."
        )

    def _after(self) -> str:
        outside = [item for item in self.uses if item.place == "outside"]
        text = "".join(
            f" The function's own credential {item.access_key_id} was used from outside, {item.address}, from"
            f" {at(item.first_used)}."
            for item in outside
        )
        derived = len(self.intrusion.derived)
        return text + (f" {count(derived, 'further credential')} came of it." if derived else "")

    @cached_property
    def environments(self) -> list[Environment]:
        """Environments of the changed functions that were at work after the change, in order of their first invocation."""
        return environments(self.case, self.spans)

    @property
    def _ran(self) -> list[Environment]:
        return [item for item in self.environments if item.ran == "changed code"]

    @property
    def _changed(self) -> tuple[list[str], list[str]]:
        return [item.name for item in self._ran], sorted({item.function for item in self._ran})

    @property
    def invocations(self) -> Query:
        """The invocations that ran the changed code."""
        return self.case.sql(_INVOCATIONS, self._changed)

    @property
    def states(self) -> Query:
        """What AWS Config recorded of the functions: code, layers, role at each time."""
        return self.case.sql(_STATES, (self.subject, self.subject))

    @property
    def done(self) -> Query:
        """What was done with credentials that were issued to the functions after their change, from wherever."""
        found = self.spans
        return self.case.sql(_DONE, ([item.function for item in found], min((s.since for s in found), default=FOREVER)))

    @property
    def history(self) -> pd.DataFrame:
        """A row per change and function, those of others too: when, what, by whom from where, and whether an intruder."""
        theirs = {item.event_id for item in self.theirs}
        rows = [
            (
                c.time,
                c.function,
                c.aspect,
                c.outcome,
                c.details,
                c.principal,
                c.address,
                c.event_id in theirs,
                c.event_id,
            )
            for c in self.changes
        ]
        names = "time function changed outcome to by from_address intruder event_id"
        return pd.DataFrame(rows, columns=names.split())

    def own(self) -> Iterator[Statement]:
        """Why a credential is taken for an intruder's; the changes; the invocations that ran them; uses from outside."""
        yield from (in_hands(n, item) for n, item in enumerate(self.believed, 1))
        yield from (changed(number, item) for number, item in enumerate(self.theirs, 1))
        lines = lines_of(self.case, *self._changed)
        for number, item in enumerate(self._ran, 1):
            yield ran_it(number, item, lines[item.name], self.theirs)
        outside = [item for item in self.uses if item.place == "outside"]
        yield from (used_outside(number, item) for number, item in enumerate(outside, 1))

    def open_questions(self) -> list[Gap]:
        """What stays open of changed functions."""
        return _open(self) if self.found else []

    def steps(self) -> list[Command]:
        """Keep the code, stop the functions, take away what was added."""
        return [*isolation(self.case, self.functions), *undoing(self.theirs)]


def investigate(
    case: Case, *, workload: str | None = None, start: Moment | None = None, end: Moment | None = None
) -> Tampering:
    """Judge every change of that function, or of all, from `start` until before `end`, and follow an intruder's.

    Raises UsageError for a workload that is no function or times that are none; UnknownName, AmbiguousName.
    """
    subject = find_workload(case, workload) if workload else None
    if subject and ":function:" not in subject:
        raise UsageError(f"{subject} is no Lambda function: this playbook is about the code of functions")
    since, until = (parse_time(moment) if moment else None for moment in (start, end))
    asked = [
        item
        for item in changes(case)
        if (not subject or item.function == subject)
        and (not since or (item.time and item.time >= since))
        and (not until or (item.time and item.time < until))
    ]
    judged = hands(case, list(dict.fromkeys(item.event_id for item in asked)))
    answer = Tampering(case, judged.intrusion, subject, tuple(asked), judged, ())
    used = _used_since(case, answer)
    stolen = {key: set(addresses) for key, addresses in judged.intrusion.stolen.items()}
    for use in used:
        if use.place == "outside" and use.access_key_id not in judged.intrusion.derived:
            stolen.setdefault(use.access_key_id, set()).add(use.address)
    known = {key: tuple(sorted(addresses)) for key, addresses in sorted(stolen.items())}
    intrusion = judged.intrusion if known == dict(judged.intrusion.stolen) else follow(case, known)
    return replace(answer, intrusion=intrusion, uses=tuple(used))


def _used_since(case: Case, answer: Tampering) -> list[Use]:
    """Uses of the changed functions' credentials that were not over before the change."""
    return [
        use
        for span in answer.spans
        for use in uses(case, workload=span.function)
        if use.last_used is None or use.last_used >= span.since
    ]


def _makers(made: Sequence[Change]) -> str:
    names = sorted(
        {f"{item.principal or 'somebody not named'} from {item.address or 'nowhere named'}" for item in made}
    )
    return f"They were made by {listed(names, 5)}."


def _open(answer: Tampering) -> list[Gap]:
    found = [
        Gap(
            "What the changed code does",
            "the code's download and upload go past the trail; only its SHA-256 is recorded",
            "fetch code and layers now, before they are replaced (see the commands), and read them",
        )
    ]
    earlier = [item for item in answer.environments if item.ran == "before the change"]
    if earlier:
        found.append(
            Gap(
                f"Whether {count(len(earlier), 'execution environment')} that began before the change ran it too",
                "they answered after it; Lambda replaces environments after an update, but none says which code it holds",
                "treat their invocations after the change as doubtful; the table of environments has them",
            )
        )
    return found
