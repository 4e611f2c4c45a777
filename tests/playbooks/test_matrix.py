"""Every playbook on every made-up incident: `pytest -m long tests/playbooks/test_matrix.py`, some twenty minutes.

On the incident that a playbook is for, it cites what shows the incident and nothing else. On every other incident it
either finds nothing of its kind, and says what that rests on, or finds a part of the incident and nothing innocent.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import pytest

from forensics import evidence
from forensics.case import Case
from forensics.load import load
from forensics.playbook import playbook, playbooks
from forensics.simulate import scenarios
from tests.playbooks.runs import Investigation, case_of, investigated, precision_and_recall, shown
from tests.playbooks.truths import lines, wanted

pytestmark = pytest.mark.long

SURVEYS = {"account-first-look", "guardduty-triage", "log-readiness"}
"""Their subject is whatever stands out, whatever GuardDuty said, which logs are on: innocent or not."""

PUBLIC = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def allowed(found: Investigation) -> set[str]:
    """Every record that shows the incident, the issuances of credentials that the intruder used among them."""
    truth = found.truth
    more = {item["event_id"] for item in truth["attack_records"]}
    more |= {item["issuance_event_id"] for item in truth["credentials"] if item["malicious"]}
    return wanted(found) | lines(found) | more


@pytest.mark.parametrize("scenario", sorted(scenarios()))
@pytest.mark.parametrize("name", sorted(playbooks()))
def test_it_finds_what_is_of_its_kind_and_nothing_innocent(
    name: str, scenario: str, record_property: Callable[[str, object], None]
) -> None:
    run = investigated(name, scenario, {})
    precision, recall = precision_and_recall(run.cited, allowed(run))
    said = (
        f"{len(run.findings):4} statements, precision {precision:.3f}, recall {recall:.3f}"
        if run.findings
        else "nothing"
    )
    record_property("figures", f"{name:24} {scenario:26} {said}")
    if name in SURVEYS:
        return
    if not run.findings:
        assert "rests on" in run.text
        return
    assert precision == 1.0, sorted(run.cited - allowed(run))[:10]


@pytest.mark.parametrize("scenario", sorted(scenarios()))
def test_the_playbook_of_an_incident_finds_it_whole(
    scenario: str, record_property: Callable[[str, object], None]
) -> None:
    truth, _ = case_of(scenario)
    run = investigated(truth["playbook"], scenario, truth["parameters"])
    precision, _ = precision_and_recall(run.cited, allowed(run))
    _, recall = precision_and_recall(run.cited, wanted(run))
    said = f"precision {precision:.3f}, recall {recall:.3f}, {len(wanted(run))} records"
    record_property("figures", f"{scenario:26} {truth['playbook']:24} {said}")
    assert precision == 1.0, sorted(run.cited - allowed(run))[:10]
    assert recall >= 0.95, sorted(wanted(run) - run.cited)[:10]


@pytest.mark.parametrize("name", sorted(playbooks()))
def test_on_public_logs_it_runs_and_says_what_it_lacks(name: str, public: Path, tmp_path: Path) -> None:
    result = playbook(name).run(public, {}, tmp_path)
    assert "rests on" in shown(result.report.read_text("utf-8"))
    assert result.report.stat().st_size < 8_000_000


@pytest.fixture(scope="module")
def public() -> Path:
    """A case with the public logs, where they are."""
    if not PUBLIC.is_dir():
        pytest.skip(f"no public logs at {PUBLIC}")
    path = Path(mkdtemp(prefix="public-")) / "case"
    with Case.create(path) as case:
        evidence.add(case, PUBLIC, in_place=True)
        load(case, workers=1)
    return path
