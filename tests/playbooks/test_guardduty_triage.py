"""The playbook on the findings of made-up incidents: it cites what lies behind them, and no other call."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import case_of, investigated, precision_and_recall, shown

NAME = "guardduty-triage"


def test_it_cites_the_intruder_s_calls_and_how_the_credential_was_issued(
    record_property: Callable[[str, object], None],
) -> None:
    truth, _ = case_of("fargate-task-role-theft")
    (told,) = truth["findings"]
    run = investigated(NAME, "fargate-task-role-theft", {"finding_id": told["finding_id"]})
    acts = [act for act in truth["attack_events"] if act["source_ip"] == "203.0.113.77"]
    wanted = {act["event_id"] for act in acts} | {told["finding_id"], truth["stolen"]["issuance_event_id"]}
    precision, recall = precision_and_recall(run.cited, wanted)
    record_property("figures", f"{NAME}: precision {precision:.3f}, recall {recall:.3f}, {len(wanted)} records")
    assert (precision, recall) == (1.0, 1.0)
    assert "1 of 1 finding is borne out by records in evidence" in run.text
    assert f"That credential was issued to {truth['stolen']['workload']} (recorded)." in run.text
    for phase in ("Preserve", "Cut off", "Stop"):
        assert phase in run.text


def test_without_a_finding_all_are_looked_into_and_samples_left_out(tmp_path: Path) -> None:
    run = investigated(NAME, "lambda-credential-theft", {})
    reported = [item["evidence"][0]["event_id"] for item in run.findings if item["id"].startswith("finding-")]
    real = [item["finding_id"] for item in run.truth["findings"] if not item["type"].endswith("TorIPCaller")]
    assert sorted(reported) == sorted(real)
    assert "4 of 4 findings are borne out by records in evidence" in run.text


def test_a_finding_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    truth, case = case_of("fargate-task-role-theft")
    with pytest.raises(UsageError, match="no finding named 'f-1'") as refused:
        playbook(NAME).run(case, {"finding_id": "f-1"}, tmp_path)
    assert truth["findings"][0]["finding_id"] in str(refused.value)


def test_a_case_without_findings_says_what_that_rests_on(tmp_path: Path) -> None:
    Case.create(tmp_path / "case").close()
    result = playbook(NAME).run(tmp_path / "case", {}, tmp_path / "out")
    assert json.loads(result.findings.read_bytes()) == []
    text = shown(result.report.read_text("utf-8"))
    assert "No finding is in evidence. Not in evidence: GuardDuty findings" in text
