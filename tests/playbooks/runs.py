"""Playbooks run on made-up incidents: what each said, and how that compares with the truth."""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from forensics import evidence
from forensics.case import Case
from forensics.load import load
from forensics.playbook import RunResult, playbook
from forensics.simulate import simulate

KEYS = ["id", "title", "statement", "time", "certainty", "technique", "principal", "workload", "resources", "evidence"]
Json = dict[str, Any]


@dataclass(frozen=True)
class Investigation:
    """A made-up incident, the case it became and what the playbook said."""

    truth: Json
    case: Path
    result: RunResult

    @property
    def findings(self) -> list[Json]:
        return json.loads(self.result.findings.read_text("utf-8"))

    @property
    def cited(self) -> set[str]:
        return {item["event_id"] for found in self.findings for item in found["evidence"]}

    @property
    def html(self) -> str:
        return self.result.report.read_text("utf-8")

    @property
    def text(self) -> str:
        """What a reader of the report sees."""
        return shown(self.html)


def made_case(root: Path, logs: Path) -> Path:
    """A case with everything under `logs`."""
    with Case.create(root) as case:
        evidence.add(case, logs)
        load(case, workers=1)
    return root


@cache
def case_of(scenario: str, seed: int = 7, scale: float = 0.2) -> tuple[Json, Path]:
    """The truth of an incident without much of a background, and its case; made once a process."""
    root = Path(mkdtemp(prefix=f"{scenario}-"))
    truth = simulate(scenario, root / "incident", seed=seed, scale=scale)
    return json.loads(truth.read_bytes()), made_case(root / "case", truth.parent / "logs")


def investigated(name: str, scenario: str, parameters: Mapping[str, Any], *, seed: int = 7) -> Investigation:
    """What the playbook says of the incident."""
    truth, case = case_of(scenario, seed)
    return Investigation(truth, case, playbook(name).run(case, parameters, mkdtemp(prefix=f"{name}-")))


def precision_and_recall(cited: set[str], wanted: set[str]) -> tuple[float, float]:
    """Of the records that were cited, and of those that had to be."""
    right = len(cited & wanted)
    return right / max(len(cited), 1), right / max(len(wanted), 1)


def shown_to(truth: Json, cited: Set[str]) -> set[str]:
    """Every record that shows the incident.

    Issuances of credentials that the intruder used, its requests and lines of access logs are wanted where they were cited.
    """
    wanted = {item["event_id"] for item in (*truth["attack_events"], *truth["attack_flows"])}
    wanted |= {item["finding_id"] for item in truth["findings"] if item["malicious"]}
    further = {item["issuance_event_id"] for item in truth["credentials"] if item["malicious"]}
    further |= {item["event_id"] for item in truth["attack_records"]}
    return wanted | (further & cited)


class _Shown(HTMLParser):
    """Text outside scripts and styles, and every element with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._silent = tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def parsed(html: str) -> _Shown:
    parser = _Shown()
    parser.feed(html)
    return parser


def shown(html: str) -> str:
    return " ".join(parsed(html).words)
