"""What to switch on, by worth: Terraform and AWS CLI text to review. Nothing here applies anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from forensics.analysis.words import at
from forensics.readiness.assess import Readiness, Thing
from forensics.readiness.checks import checks
from forensics.readiness.questions import where
from forensics.readiness.quoting import comment
from forensics.readiness.remedies import remedies
from forensics.readiness.remedy import OFF, Remedy, Target
from forensics.readiness.report import Report

_HEAD = {
    "terraform": (
        "To review; nothing was applied. Written for Terraform with the AWS provider 6 or later (resources have a region).",
        "What exists already must be imported, or changed where it is declared; each account has a configuration of its own. Words in capitals after REPLACE are yours.",
    ),
    "cli": (
        "To review; nothing was run. Run step by step what you agree with, as an administrator, never as a whole.",
        "Set LOG_BUCKET and ACCESS_LOG_BUCKET first. Words in capitals after REPLACE are yours.",
    ),
}
_VARIABLES = {
    "terraform": 'variable "log_bucket" {\n  type        = string\n'
    '  description = "One bucket for the logs of all accounts, in an account of its own that no workload can enter"\n}\n\n'
    'variable "access_log_bucket" {\n  type        = string\n'
    '  description = "A second bucket, without a default retention: the target of access logs, never of its own"\n}\n',
    "cli": "LOG_BUCKET=REPLACE-WITH-THE-CENTRAL-BUCKET\nACCESS_LOG_BUCKET=REPLACE-WITH-A-SECOND-BUCKET\n",
}
EVERY = "once, for all accounts"


@dataclass(frozen=True)
class Step:
    """One step: what it closes, and its text in both languages; `account` says in which it is taken."""

    remedy: Remedy
    account: str
    targets: tuple[Target, ...]

    @property
    def title(self) -> str:
        """What it does."""
        return self.remedy.title

    @property
    def reason(self) -> str:
        """Why."""
        return self.remedy.reason

    @property
    def regions(self) -> tuple[str, ...]:
        """Where."""
        return tuple(sorted({item.region for item in self.targets}))

    @property
    def closes(self) -> tuple[str, ...]:
        """The gaps and warnings it closes, a line each."""
        found = {(item.row.log_type, code): None for item in self.targets for code in item.codes}
        return tuple(_said(log_type, code) for log_type, code in found)

    def text(self, language: str) -> str:
        """Its `terraform` or `cli` text."""
        write = self.remedy.terraform if language == "terraform" else self.remedy.cli
        return write(self.targets)


@dataclass(frozen=True)
class Plan:
    """Steps account by account, the worthiest first."""

    report: Report
    steps: tuple[Step, ...]

    def text(self, language: str) -> str:
        """The whole plan in `terraform` or `cli`, every step with its reason and what it closes."""
        head = [f"Log readiness: a plan for {', '.join(self.report.accounts)}, as of {at(self.report.last)}"]
        parts = ["\n".join(_comments([*head, *_HEAD[language]]))]
        if not self.steps:
            return f"{parts[0]}\n\n{comment('Nothing to switch on was found.')}"
        parts.append(_VARIABLES[language].rstrip())
        parts += [_step(number, step, language) for number, step in enumerate(self.steps, 1)]
        return "\n\n".join(parts)


def plan(report: Report) -> Plan:
    """What the gaps and warnings of a report call for."""
    shared = [_step_of(item, report.rows, EVERY) for item in remedies() if item.once]
    found = [step for step in shared if step.targets]
    for account in report.accounts:
        rows = [row for row in report.rows if row.account_id == account]
        made = [_step_of(item, rows, f"account {account}") for item in remedies() if not item.once]
        found += [step for step in made if step.targets]
    return Plan(report, tuple(found))


def _step_of(remedy: Remedy, rows: Sequence[Readiness], account: str) -> Step:
    return Step(remedy, account, tuple(_targets(remedy, rows)))


def _targets(remedy: Remedy, rows: Sequence[Readiness]) -> Iterator[Target]:
    for row in rows:
        codes = remedy.closes.get(row.log_type, ())
        if not codes or row.enabled == "none":
            continue
        if not row.things and row.enabled == "off" and OFF in codes:
            yield Target(row, None, (OFF,))
        for thing in row.things:
            if found := tuple(code for code in codes if code in _codes(row, thing)):
                yield Target(row, thing, found)


def _codes(row: Readiness, thing: Thing) -> Iterable[str]:
    """What is wrong with a thing; where one suffices, nothing once the place has the log, but what all of them have."""
    if row.check.fold == "any":
        return [*row.warnings, *([OFF] if row.enabled == "off" else [])]
    return [*thing.warnings, *([OFF] if thing.state == "off" else [])]


def _said(log_type: str, code: str) -> str:
    check = checks()[log_type]
    return f"{check.title}: {check.warnings.get(code, code)}"


def _step(number: int, step: Step, language: str) -> str:
    head = f"{number}. {step.title} ({step.account}; {where(step.regions)})"
    lines = [f"{'=' * 96}", head, f"Why: {step.reason}.", *(f"Closes: {item}" for item in step.closes)]
    return "\n".join([*_comments(lines), step.text(language)])


def _comments(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield from (comment(part) for part in wrap(" ".join(line.split()), 98, break_on_hyphens=False))
