"""What readiness found, as it is read: rows of Regions that agree, warnings with their things, unknowns, questions."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from forensics.case import Case
from forensics.output import plain
from forensics.readiness.asked import asked
from forensics.readiness.assess import GLOBAL, Denied, Readiness, assess, refused
from forensics.readiness.check import Check
from forensics.readiness.checks import checks
from forensics.readiness.latest import COMMON
from forensics.readiness.questions import Answerable, answerable

_OBSERVED = """
SELECT min(i.observed_at) AS first, max(i.observed_at) AS last
FROM inventory AS i
"""


_MANAGED = """
SELECT a.account_id, max(a.c->>'MasterAccountId') AS manager
FROM answer AS a
WHERE a.api = 'organizations' AND a.operation = 'DescribeOrganization' AND (a.c->>'MasterAccountId') IS NOT NULL
GROUP BY a.account_id
ORDER BY a.account_id
"""


@dataclass(frozen=True)
class Line:
    """One log type of an account, in those Regions in which it is alike."""

    rows: tuple[Readiness, ...]

    @property
    def one(self) -> Readiness:
        """Any of them, for what they share."""
        return self.rows[0]

    @property
    def check(self) -> Check:
        """The check of its log type."""
        return self.one.check

    @property
    def regions(self) -> tuple[str, ...]:
        """Where."""
        return tuple(row.region for row in self.rows)

    @property
    def scope(self) -> str:
        """How many of its things have the log, or how far the best of them reaches."""
        things = [thing for row in self.rows for thing in row.things]
        if self.check.fold == "any" or not things:
            return self.one.scope
        return f"{sum(thing.state == 'on' for thing in things)} of {len(things)}"


@dataclass(frozen=True)
class Warned:
    """Something that is wrong with a log that is there, and with which things, in which Regions."""

    log_type: str
    account_id: str
    code: str
    regions: tuple[str, ...]
    things: tuple[str, ...]
    evidence: tuple[str, ...]

    @property
    def title(self) -> str:
        """Title of the log type."""
        return checks()[self.log_type].title

    @property
    def text(self) -> str:
        """What is wrong."""
        return checks()[self.log_type].warnings[self.code]


@dataclass(frozen=True)
class Report:
    """The readiness of one or more accounts; `first` and `last` are when AWS was asked (UTC without a zone).

    `refused` are all calls that were, by account; `managed` the management account of an account's organisation.
    """

    rows: tuple[Readiness, ...]
    first: datetime | None = None
    last: datetime | None = None
    refused: Mapping[str, Sequence[Denied]] = field(default_factory=dict)
    managed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, case: Case) -> Report:
        """Judge the inventory of a case; empty where it has none."""
        ((first, last),) = case.sql(_OBSERVED).rows()
        managed = {str(account): str(manager) for account, manager in case.sql(COMMON + _MANAGED).rows()}
        keys = {item.key for item in asked()}
        return cls(tuple(assess(case)), first, last, refused(case, keys), managed)

    @cached_property
    def accounts(self) -> list[str]:
        """Accounts, in order."""
        return sorted({row.account_id for row in self.rows})

    @cached_property
    def regions(self) -> list[str]:
        """Regions that were asked."""
        return sorted({row.region for row in self.rows} - {GLOBAL})

    def regions_of(self, account: str) -> list[str]:
        """Those of one account; none of one that could not be entered."""
        return sorted({row.region for row in self.rows if row.account_id == account} - {GLOBAL})

    def shut(self, account: str) -> str:
        """The refused call, of an account that could not be entered; "" of any other."""
        if self.regions_of(account):
            return ""
        return next((str(item) for row in self.rows if row.account_id == account for item in row.denied), "")

    @cached_property
    def lines(self) -> list[Line]:
        """Rows by account and log type; those with nothing to log are left out."""
        found: dict[tuple[Any, ...], list[Readiness]] = defaultdict(list)
        for row in self.rows:
            if row.enabled != "none":
                found[_alike(row)].append(row)
        order = list(checks())
        made = [Line(tuple(rows)) for rows in found.values()]
        return sorted(made, key=lambda line: (line.one.account_id, order.index(line.one.log_type)))

    def idle(self, account: str) -> list[str]:
        """Titles of log types that nothing in the account could write."""
        states: dict[str, set[str]] = defaultdict(set)
        for row in self.rows:
            if row.account_id == account:
                states[row.log_type].add(row.enabled)
        return [check.title for name, check in checks().items() if states[name] == {"none"}]

    @cached_property
    def warnings(self) -> list[Warned]:
        """Each warning once an account, with everything it is about."""
        found: dict[tuple[str, str, str], list[Readiness]] = defaultdict(list)
        for row in self.rows:
            for code in row.warnings:
                found[row.account_id, row.log_type, code].append(row)
        return [
            Warned(name, account, code, tuple(row.region for row in rows), _things(rows, code), _evidence(rows, code))
            for (account, name, code), rows in found.items()
        ]

    @cached_property
    def unknown(self) -> dict[tuple[str, str], list[Readiness]]:
        """By account and denied call (with its code): what is not known because of it; of one that tells details, none."""
        found: dict[tuple[str, str], list[Readiness]] = defaultdict(list)
        for row in self.rows:
            for item in row.denied:
                found[row.account_id, str(item)].append(row)
        for account, items in self.refused.items():
            for item in items:
                found.setdefault((account, str(item)), [])
        return dict(found)

    @cached_property
    def answers(self) -> list[Answerable]:
        """Every question of an incident, for each account."""
        return answerable(self.rows)

    @property
    def unanswered(self) -> list[Answerable]:
        """Those that could not be answered, or not everywhere, or of which that is not known."""
        return [item for item in self.answers if item.verdict in ("no", "partly", "unknown")]

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON; the plan is apart."""
        return {
            "observed": {"first": self.first, "last": self.last},
            "accounts": self.accounts,
            "regions": self.regions,
            "management_account": dict(self.managed),
            "refused": {account: [str(item) for item in items] for account, items in self.refused.items()},
            "readiness": [_row(row) for row in self.rows],
            "warnings": [asdict(item) | {"text": item.text} for item in self.warnings],
            "questions": [_answer(item) for item in self.answers],
        }


def json_text(report: Report) -> str:
    """The report as JSON in ASCII, indented."""
    return json.dumps(plain(report.as_dict()), indent=1)


def _alike(row: Readiness) -> tuple[Any, ...]:
    """Rows are read as one where these agree."""
    shared = (row.destination, row.retention, row.encryption, row.integrity, row.centrally_managed, row.warnings)
    asked = tuple(str(item) for item in row.denied) if row.enabled == "unknown" else ()
    return (row.account_id, row.log_type, row.enabled, row.organisation_wide, shared, asked, row.note)


def _things(rows: Sequence[Readiness], code: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.thing for row in rows for item in row.things if code in item.warnings))


def _evidence(rows: Sequence[Readiness], code: str) -> tuple[str, ...]:
    """The answers that show it; that something is missing is shown by every answer of the place."""
    cited = [key for row in rows for item in row.things if code in item.warnings for key in item.evidence]
    return tuple(dict.fromkeys(cited or [key for row in rows for key in row.evidence]))


def _row(row: Readiness) -> dict[str, Any]:
    made = asdict(row)
    made["denied"] = [str(item) for item in row.denied]
    made["warnings"] = [{"code": code, "text": row.check.warnings[code]} for code in row.warnings]
    return {"title": row.check.title, "reference": row.check.reference, "why": row.check.why, **made}


def _answer(item: Answerable) -> dict[str, Any]:
    reasons = [asdict(reason) | {"text": str(reason)} for reason in item.reasons]
    said = {"question": item.question.text, "workload": item.question.workload, "verdict": item.verdict}
    return {"account_id": item.account_id, **said, "regions": list(item.regions), "reasons": reasons}
