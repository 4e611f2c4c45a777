"""Judge an inventory: a row for each log type, account and Region, and what of it is not known, by the denied call."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from forensics.acquire.calls import call
from forensics.case import Case
from forensics.readiness.check import Check
from forensics.readiness.checks import checks
from forensics.readiness.latest import COMMON

_BUCKETS = ("s3://", "arn:aws:s3:::", "arn:aws-cn:s3:::", "arn:aws-us-gov:s3:::")
"""How a destination begins that is a bucket: where its lifecycle was not told, the retention is unknown."""

GLOBAL = "global"
"""The Region of what has one place for all of them."""

MISSING = "missing"
"""The warning of a log type whose absence is one."""

DOORS = (("sts", "AssumeRole"), ("ec2", "DescribeRegions"))
"""Calls without which an account is not asked anything: refused, and nothing else asked, all of it is unknown."""

_ASKED = f"""{COMMON}
SELECT a.api, a.operation, a.account_id, a.region, CAST(a.parameters AS VARCHAR) AS parameters, a.error_code,
  a.c IS NOT NULL AS described, a.event_id
FROM answer AS a
ORDER BY a.api, a.operation, a.account_id, a.region, CAST(a.parameters AS VARCHAR), a.event_id
"""


@dataclass(frozen=True)
class Denied:
    """A call that was not answered: `s3:GetBucketLogging of b: AccessDenied`; `not asked` in the place of a code."""

    call: str
    of: str
    code: str
    event_id: str | None = None

    def __str__(self) -> str:
        """One line."""
        return f"{self.call}{f' of {self.of}' if self.of else ''}: {self.code}"


@dataclass(frozen=True)
class Thing:
    """One thing that has the log or lacks it: a trail, a bucket, a function. `state` is that of `Readiness`."""

    thing: str
    state: str
    scope: str = ""
    destination: str = ""
    retention: str = ""
    encryption: str = ""
    integrity: str = ""
    organisation_wide: bool = False
    managed_by: str = ""
    note: str = ""
    warnings: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Readiness:
    """One log type in one account and Region (`global` where it has one place).

    `enabled` is `on`, `partly`, `off`, `unknown`, or `none` where nothing there could write it. `warnings` are codes of
    `Check.warnings`; `evidence` are ids of inventory events; `denied` is why something is unknown.
    """

    log_type: str
    account_id: str
    region: str
    enabled: str
    scope: str = ""
    organisation_wide: bool = False
    centrally_managed: str = ""
    destination: str = ""
    retention: str = ""
    encryption: str = ""
    integrity: str = ""
    delay: str = ""
    cost_driver: str = ""
    note: str = ""
    warnings: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    denied: tuple[Denied, ...] = ()
    things: tuple[Thing, ...] = field(default=(), repr=False)

    @property
    def check(self) -> Check:
        """The check it came of."""
        return checks()[self.log_type]


@dataclass(frozen=True)
class _Answers:
    """Which calls were asked in which place, and how they ended."""

    rows: Sequence[Mapping[str, Any]]
    places: Mapping[tuple[str, str], Mapping[tuple[str, str], list[Mapping[str, Any]]]]
    accounts: Sequence[str]
    shut: Mapping[str, Denied]

    @classmethod
    def of(cls, case: Case) -> _Answers:
        rows = case.sql(_ASKED).arrow().to_pylist()
        places: dict[tuple[str, str], dict[tuple[str, str], list[Any]]] = defaultdict(lambda: defaultdict(list))
        for row in rows:
            known = call(row["api"], row["operation"])
            region = row["region"] if known is None or known.everywhere else GLOBAL
            places[str(row["account_id"]), str(region)][row["api"], row["operation"]].append(row)
        shut = {
            str(row["account_id"]): Denied(
                f"{row['api']}:{row['operation']}", _about(row["parameters"]), str(row["error_code"]), row["event_id"]
            )
            for row in rows
            if row["error_code"] and (row["api"], row["operation"]) in DOORS
        }
        asked = {str(row["account_id"]) for row in rows if (row["api"], row["operation"]) not in DOORS}
        closed = {account: denied for account, denied in shut.items() if account not in asked}
        return cls(rows, places, sorted({account for account, _ in places}), closed)

    def of_check(self, check: Check) -> list[tuple[str, str]]:
        """The places that the check is made in: every one that was asked anything."""
        if not check.everywhere:
            return [(account, GLOBAL) for account in self.accounts]
        closed = [(account, GLOBAL) for account in self.shut]
        return sorted([*closed, *(item for item in self.places if item[1] != GLOBAL and item[0] not in self.shut)])


def refused(case: Case, keys: Collection[str]) -> dict[str, list[Denied]]:
    """By account, every call of those keys (`s3:GetBucketPolicy`) that was refused."""
    found: dict[str, list[Denied]] = defaultdict(list)
    for row in case.sql(_ASKED).arrow().to_pylist():
        key, known = f"{row['api']}:{row['operation']}", call(row["api"], row["operation"])
        if key in keys and row["error_code"] and row["error_code"] not in (known.absent if known else ()):
            found[str(row["account_id"])].append(
                Denied(key, _about(row["parameters"]), str(row["error_code"]), row["event_id"])
            )
    return dict(found)


def assess(case: Case) -> list[Readiness]:
    """Every log type in every account and Region of the inventory; empty of a case without one."""
    answers = _Answers.of(case)
    return [item for check in checks().values() for item in _of_check(case, check, answers)] if answers.rows else []


def _of_check(case: Case, check: Check, answers: _Answers) -> list[Readiness]:
    found: dict[tuple[str, str], list[Thing]] = defaultdict(list)
    for row in case.sql(COMMON + check.sql).arrow().to_pylist():
        found[str(row["account_id"]), str(row["region"])].append(_thing(row))
    return [
        _shut(check, place, answers.shut[place[0]])
        if place[0] in answers.shut
        else _judged(check, place, found[place], answers.places.get(place, {}))
        for place in answers.of_check(check)
    ]


def _shut(check: Check, place: tuple[str, str], denied: Denied) -> Readiness:
    """Of an account that could not be entered, nothing is known."""
    cited = _distinct([denied.event_id])
    return Readiness(
        check.name, *place, "unknown", delay=check.delay, cost_driver=check.cost, denied=(denied,), evidence=cited
    )


def _thing(row: Mapping[str, Any]) -> Thing:
    texts = ("thing", "scope", "destination", "retention", "encryption", "integrity", "managed_by", "note")
    said = {name: str(row.get(name) or "") for name in texts}
    if not said["retention"] and said["destination"].startswith(_BUCKETS):
        said["retention"] = "unknown"
    return Thing(
        **said,
        state=row.get("state") or "unknown",
        organisation_wide=bool(row.get("organisation_wide")),
        warnings=_distinct(row.get("warnings") or ()),
        evidence=_distinct(row.get("evidence") or ()),
    )


def _judged(
    check: Check, place: tuple[str, str], things: list[Thing], asked: Mapping[tuple[str, str], list[Mapping[str, Any]]]
) -> Readiness:
    denied = _denied(check, asked, things)
    things = sorted(things, key=lambda item: item.thing)
    made = Readiness(check.name, *place, "unknown", delay=check.delay, cost_driver=check.cost, denied=denied)
    root = asked.get(check.calls[0], [])
    seen = _distinct(row["event_id"] for row in root)
    if things:
        return _folded(check, made, things, whole=not _listing_refused(check, denied))
    if _missed(check, denied, found=any(row["described"] for row in root)):
        return replace(made, evidence=_distinct([*seen, *(item.event_id for item in denied)]))
    missing = (MISSING,) if check.empty == "off" and MISSING in check.warnings else ()
    return replace(made, enabled=check.empty, evidence=seen, warnings=missing)


def _listing_refused(check: Check, denied: Sequence[Denied]) -> bool:
    """Whether things may be there that no answer shows; a log group is no thing that logs."""
    listing = {":".join(key) for key in check.calls if (item := call(*key)) and not item.parent and key[0] != "logs"}
    return any(item.call in listing | {":".join(check.calls[0])} for item in denied)


def _missed(check: Check, denied: Sequence[Denied], *, found: bool) -> bool:
    """The same where no thing is known; with `found`, a call about one of them may have been refused."""
    return bool(denied) and (found or _listing_refused(check, denied))


def _denied(
    check: Check, asked: Mapping[tuple[str, str], list[Mapping[str, Any]]], things: Sequence[Thing]
) -> tuple[Denied, ...]:
    """Calls that were refused; of one that everything rests on, that it was never made; of others, where it is missed."""
    found = []
    unknown = any(item.state == "unknown" and not item.note for item in things)
    for number, key in enumerate(check.calls):
        rows, known = asked.get(key, []), call(*key)
        absent = known.absent if known else ()
        found += [
            Denied(":".join(key), _about(row["parameters"]), str(row["error_code"]), row["event_id"])
            for row in rows
            if row["error_code"] and row["error_code"] not in absent
        ]
        if not rows and (number == 0 or unknown):
            found.append(Denied(":".join(key), "", "not asked"))
    return tuple(dict.fromkeys(found))


def _about(parameters: str | None) -> str:
    """The thing that a request names, in a word."""
    given = json.loads(parameters or "{}")
    texts = [str(value) for value in given.values() if isinstance(value, str)] if isinstance(given, dict) else []
    return ", ".join(texts)


def _folded(check: Check, made: Readiness, things: list[Thing], *, whole: bool) -> Readiness:
    """The row of those things; where they are not the whole, there may be another one that is not known."""
    states = {item.state for item in things} | (set() if whole else {"unknown"})
    enabled = _any(states) if check.fold == "any" else _all(states)
    best = [item for item in things if item.state == enabled] if check.fold == "any" else things
    best = best or things
    reached = best if enabled != "off" else []
    shared = set.intersection(*(set(item.warnings) for item in best)) if check.fold == "any" else None
    lost = {"retention_unlimited", "retention_short"} if enabled == "off" else set()
    warnings = _distinct(code for item in best for code in item.warnings if shared is None or code in shared - lost)
    return replace(
        made,
        enabled=enabled,
        scope=_scope(check, things, reached),
        organisation_wide=any(item.organisation_wide for item in best),
        centrally_managed=_joined(item.managed_by for item in best),
        destination=_joined(item.destination for item in reached),
        retention=_joined(item.retention for item in reached),
        encryption=_joined(item.encryption for item in reached),
        integrity=_joined(item.integrity for item in reached),
        note=_joined(item.note for item in things),
        warnings=tuple(code for code in check.warnings if code in warnings or (code == MISSING and enabled == "off")),
        evidence=_distinct([*(key for item in things for key in item.evidence), *(d.event_id for d in made.denied)]),
        denied=made.denied if "unknown" in states and enabled != "on" else (),
        things=tuple(things),
    )


def _any(states: set[str]) -> str:
    """One that is on suffices; where none is known to be on, one that is not known leaves it open."""
    return next((state for state in ("on", "unknown", "partly", "off") if state in states), "unknown")


def _all(states: set[str]) -> str:
    """All must be on; what is known to differ is partly, whatever the unknown ones are."""
    known = states - {"unknown"}
    if len(known) > 1 or known == {"partly"}:
        return "partly"
    return "unknown" if "unknown" in states else known.pop()


def _scope(check: Check, things: Sequence[Thing], best: Sequence[Thing]) -> str:
    if check.fold == "any":
        return _joined(item.scope for item in best)
    counted = sum(item.state == "on" for item in things)
    return f"{counted} of {len(things)}"


def _joined(texts: Iterable[str], most: int = 3) -> str:
    """Distinct texts in order, the first few; how many more there are."""
    found = sorted({text for text in texts if text})
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")


def _distinct(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(value) for value in values if value))
