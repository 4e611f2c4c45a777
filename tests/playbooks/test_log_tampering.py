"""The playbook on log tampering, run on made-up incidents whose truth is known, and held to it."""

from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import Investigation, case_of, investigated, precision_and_recall

NAME = "log-tampering"


@pytest.fixture(scope="module")
def tampered() -> Investigation:
    return investigated(NAME, "log-tampering", {"principal": "reporting-admin"})


@pytest.fixture(scope="module")
def nothing() -> Investigation:
    """An incident of another kind: buckets are changed, but none with logs."""
    return investigated(NAME, "s3-ransomware", {})


def test_precision_and_recall_over_cited_records_are_one(tampered: Investigation) -> None:
    truth = tampered.truth
    wanted = {item["event_id"] for item in (*truth["attack_events"], *truth["attack_records"])} | {
        item["finding_id"] for item in truth["findings"] if item["malicious"]
    }
    assert precision_and_recall(tampered.cited, wanted) == (1.0, 1.0), tampered.cited ^ wanted
    assert len(truth["attack_records"]) == 28


def test_changes_by_those_whose_work_it_is_are_cited_nowhere(tampered: Investigation) -> None:
    (ordinary,) = [item["event_ids"] for item in tampered.truth["decoys"] if item["kind"] == "ordinary-change"]
    assert len(ordinary) == 4 and not set(ordinary) & tampered.cited


def test_the_silence_is_measured_and_what_happened_in_it_is_told(tampered: Investigation) -> None:
    assert "0 records between 2026-11-05 09:46:30 and 10:14:05 UTC (27 minutes)" in tampered.text
    assert "14 objects read" in tampered.text and "14 deleted by the same hands" in tampered.text
    assert "lookup-events" in tampered.text
    assert "aws guardduty update-detector" in tampered.text


def test_of_another_incident_it_says_that_nothing_was_found_and_what_that_rests_on(nothing: Investigation) -> None:
    assert nothing.findings == []
    assert "That rests on" in nothing.text


def test_an_unknown_principal_is_named_with_those_there_are(tmp_path: Path) -> None:
    _, case = case_of("log-tampering")
    with pytest.raises(UsageError, match="no principal named 'nobody'"):
        playbook(NAME).run(case, {"principal": "nobody"}, tmp_path / "out")
