"""Which logs the account of a case had switched on, and what could not be answered of an incident in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from forensics.analysis.gaps import Gap
from forensics.analysis.holdings import basis
from forensics.analysis.statement import Statement, cited, named
from forensics.analysis.words import at, capital, count, listed
from forensics.case import Case
from forensics.readiness.plan import Plan, plan
from forensics.readiness.questions import where
from forensics.readiness.report import Report, Warned

SOURCES = ("inventory",)
BASIS = ("inventory", "config_item", "cloudtrail")
COMMANDS = ("terraform", "cli")


@dataclass(frozen=True)
class LogReadiness:
    """The answer: every log type, what is wrong with it, what stays open, and what to switch on."""

    case: Case
    report: Report

    @property
    def found(self) -> bool:
        """Whether anything is wrong with a log that is there, or missing."""
        return bool(self.report.warnings or self.report.unanswered)

    @property
    def verdict(self) -> str:
        """How many log types are on, what is wrong, how many questions could not be answered; or what to collect."""
        if not self.report.rows:
            return (
                "Which logs were on cannot be told: readiness rests on answers of AWS's APIs, and the case holds none."
                " Collect them with `forensics readiness --case CASE`, or with `forensics collect CASE readiness`.\n\n"
                f"{basis(self.case, BASIS)}"
            )
        states = [row.enabled for row in self.report.rows]
        said = ", ".join(f"{states.count(word):,} {word}" for word in ("on", "partly", "off", "unknown"))
        missed = [item for item in self.report.answers if item.verdict == "no"]
        questions = f" {capital(count(len(missed), 'question'))} of an incident could not be answered at all"
        return (
            f"Of {count(len(self.report.accounts), 'account')} in {where(self.report.regions)}, log types by Region: {said}."
            f" {count(len(self.report.warnings), 'warning')}.{questions}"
            f"{': ' + listed([item.question.text for item in missed], 4) if missed else ''}.\n\n{basis(self.case, BASIS)}"
        )

    @cached_property
    def statements(self) -> list[Statement]:
        """A statement for each warning, citing the records of the inventory that show it."""
        made = [
            _warned(number, item, self.report) for number, item in enumerate(self.report.warnings, 1) if item.evidence
        ]
        return cited(self.case, made)

    @property
    def logs(self) -> pd.DataFrame:
        """A row for each log type and the Regions in which it is alike."""
        rows = [
            (
                *(line.one.account_id, line.check.title, line.one.enabled, where(line.regions), line.scope),
                *("yes" if line.one.organisation_wide else "", line.one.centrally_managed, line.one.destination),
                *(line.one.retention, line.one.encryption, line.one.integrity, line.one.delay, line.one.cost_driver),
            )
            for line in self.report.lines
        ]
        return pd.DataFrame(rows, columns=_LOGS)

    @property
    def questions(self) -> pd.DataFrame:
        """A row for each question that could not be answered everywhere: why not."""
        rows = [
            (
                item.account_id,
                item.question.workload,
                item.question.text,
                item.verdict,
                "; ".join(map(str, item.reasons)),
            )
            for item in self.report.unanswered
        ]
        return pd.DataFrame(rows, columns=["account", "incident in", "question", "answered", "why not"])

    @property
    def unknown(self) -> pd.DataFrame:
        """A row for each call that was not answered: what is not known because of it."""
        rows = [
            (account, call, listed(list(dict.fromkeys(row.check.title for row in rows)), 40) or "details")
            for (account, call), rows in self.report.unknown.items()
        ]
        return pd.DataFrame(rows, columns=["account", "call", "not known"])

    @property
    def plan(self) -> Plan:
        """What to switch on, the worthiest first; text to review."""
        return plan(self.report)

    @property
    def steps(self) -> pd.DataFrame:
        """A row for each step of the plan: why, and what it closes."""
        rows = [
            (number, step.title, step.account, step.reason, "; ".join(step.closes))
            for number, step in enumerate(self.plan.steps, 1)
        ]
        return pd.DataFrame(rows, columns=["step", "what", "where", "why", "closes"])

    @property
    def gaps(self) -> list[Gap]:
        """What readiness itself cannot know."""
        return [*_ALWAYS, *self._refused()]

    def _refused(self) -> Iterator[Gap]:
        for (_, call), rows in self.report.unknown.items():
            titles = listed(list(dict.fromkeys(row.check.title for row in rows)), 4)
            if titles:
                yield Gap(f"Whether these are on: {titles}", call, "allow the call, and ask again")


_LOGS = [
    *("account", "log type", "enabled", "where", "scope", "organisation", "managed by", "destination", "retention"),
    *("encryption", "integrity", "delay", "cost driver"),
]

_ALWAYS = (
    Gap(
        "Whether a log that is on was on at the time of an incident",
        "the answers tell a state at the moment of asking",
        "the playbook log-tampering; AWS Config's history of the resource",
    ),
    Gap(
        "What hosts and pods write, and where to",
        "an agent on the host ships it: no API says whether it runs",
        "ask who runs them; look for log groups of the CloudWatch agent",
    ),
)


def investigate(case: Case) -> LogReadiness:
    """Judge the inventory that the case holds; nothing is asked of AWS."""
    return LogReadiness(case, Report.of(case))


def _warned(number: int, item: Warned, report: Report) -> Statement:
    things = f" It concerns {listed(list(item.things), 10)}." if item.things else ""
    return Statement(
        id=f"readiness-{number:02d}",
        title=f"{item.title}: {item.text}",
        statement=(
            f"In account {item.account_id} ({where(item.regions)}), as AWS's APIs said at {at(report.last)}: {item.title}:"
            f" {item.text}.{things}"
        ),
        time=report.last,
        certainty="recorded",
        resources=item.things,
        evidence=named(item.evidence),
    )
