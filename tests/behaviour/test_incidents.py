"""Behaviours on made-up incidents and public logs: how often each finds the attack, and how often it cries wolf."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forensics import evidence
from forensics.behaviour import behaviours, find
from forensics.behaviour.behaviour import STRONG
from forensics.behaviour.report import Hit, Report
from forensics.case import Case
from forensics.load import load
from forensics.simulate import scenarios
from tests.simulate.cases import Incident, write

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ATTACK = ("attack_events", "attack_flows", "attack_records")
QUICK = ("iam-escalation", "ecs-container-escape")

NAMED = {("log-tampering", "newcomer")}
"""Strong hits on what is benign: an administrator who appears in an emergency and deletes a log group, as the behaviour's
false positives say."""

Figures = Callable[[str, str], None]


def of_attack(hit: Hit, truth: dict[str, Any]) -> bool:
    """Whether any record that the hit cites is the intruder's, or a finding about it."""
    ids = {item["event_id"] for name in ATTACK for item in truth[name]}
    ids |= {item["finding_id"] for item in truth["findings"] if item["malicious"]}
    return not ids.isdisjoint(hit.evidence_event_ids)


def figures(scenario: str, report: Report, truth: dict[str, Any]) -> str:
    """A line a behaviour that found something: hits on the attack, strong benign hits, weak benign hits."""
    counted: Counter[tuple[str, str]] = Counter()
    for hit in report.hits:
        kind = "attack" if of_attack(hit, truth) else "strong benign" if hit.severity >= STRONG else "weak benign"
        counted[hit.behaviour, kind] += 1
    kinds = ("attack", "strong benign", "weak benign")
    lines = [
        f"{scenario:<26} {name:<17}" + "".join(f"{counted[name, kind]:>4} {kind}" for kind in kinds)
        for name in behaviours()
        if any(counted[name, kind] for kind in kinds)
    ]
    return "\n".join(lines)


def judged(made: Incident, scenario: str, record: Figures) -> None:
    """The attack is found, and what is benign is not, beyond what is named."""
    with Case.open(made.case) as case:
        report = find(case)
    record("figures", figures(scenario, report, made.truth))
    strong = [hit for hit in report.hits if hit.severity >= STRONG]
    assert any(of_attack(hit, made.truth) for hit in strong)
    wolf = {(scenario, hit.behaviour): hit for hit in strong if not of_attack(hit, made.truth)}
    assert {key: hit for key, hit in wolf.items() if key not in NAMED} == {}


@pytest.mark.parametrize("scenario", QUICK)
def test_behaviours_find_the_attack_and_little_else(tmp_path: Path, scenario: str, record_property: Figures) -> None:
    judged(write(scenario, tmp_path, scale=0.2), scenario, record_property)


@pytest.mark.long
@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0, 20.0])
@pytest.mark.parametrize("scenario", scenarios())
def test_behaviours_find_every_attack_in_any_noise(
    tmp_path: Path, scenario: str, scale: float, record_property: Figures
) -> None:
    judged(write(scenario, tmp_path, scale=scale), f"{scenario}", record_property)


@pytest.mark.long
@pytest.mark.skipif(not DATA.is_dir(), reason="the public sample logs are not beside this repository")
def test_behaviours_run_on_public_logs_and_say_what_they_find(tmp_path: Path, record_property: Figures) -> None:
    for folder in sorted(path for path in DATA.iterdir() if path.is_dir()):
        with Case.create(tmp_path / folder.name) as case:
            evidence.add(case, folder, in_place=True)
            load(case, workers=1)
            report = find(case)
            report.store(case)
        for item in report.looked:
            if item.count:
                strongest = item.hits[0]
                text = f"{folder.name:<32} {item.behaviour.name:<17}{item.count:>5} {strongest.severity:g} {strongest.title}"
                record_property("figures", text)
        assert {item.state for item in report.looked} <= {"found", "nothing found", "no records", "not enough past"}
