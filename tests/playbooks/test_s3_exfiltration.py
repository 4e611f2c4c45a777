"""The playbook on objects taken and held to ransom, run on made-up incidents whose truth is known, and held to it."""

from pathlib import Path
from typing import Any

import pytest

from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import Investigation, case_of, investigated, precision_and_recall

NAME = "s3-exfiltration"


def expected(truth: dict[str, Any]) -> set[str]:
    """Every record that shows the incident, and the issuance of the stolen key."""
    lines = [item for item in truth["attack_records"] if item["source"] == "s3_access"]
    records = (*truth["attack_events"], *truth["attack_flows"], *lines)
    findings = {item["finding_id"] for item in truth["findings"] if item["malicious"]}
    return {item["event_id"] for item in records} | findings | {truth["stolen"]["issuance_event_id"]}


@pytest.fixture(scope="module")
def ransom() -> Investigation:
    return investigated(NAME, "s3-ransomware", {"bucket": "billing-data"})


@pytest.fixture(scope="module")
def nothing() -> Investigation:
    """An incident of another kind."""
    return investigated(NAME, "cryptomining", {})


def test_precision_and_recall_over_cited_records_are_one(ransom: Investigation) -> None:
    wanted = expected(ransom.truth)
    assert precision_and_recall(ransom.cited, wanted) == (1.0, 1.0), ransom.cited ^ wanted


def test_the_theft_of_a_task_s_credential_is_told_as_exactly() -> None:
    found = investigated(NAME, "fargate-task-role-theft", {})
    wanted = expected(found.truth)
    precision, recall = precision_and_recall(found.cited, wanted)
    assert (precision, recall) == (1.0, 1.0), (found.cited - wanted, wanted - found.cited)
    assert f"({found.truth['bytes_out']['s3'] / 1e6:.1f} MB)" in found.text


def test_what_was_read_rewritten_and_deleted_is_counted_as_in_the_truth(ransom: Investigation) -> None:
    octets = ransom.truth["bytes_out"]["s3"]
    assert f"30 objects of billing-data and customer-exports read ({octets / 1e6:.1f} MB)" in ransom.text
    assert "24 objects of billing-data rewritten under another key" in ransom.text
    assert "12 objects of billing-data deleted for good" in ransom.text
    assert "30 are the same request in both" in ransom.text


def test_own_use_and_others_work_are_cited_nowhere(ransom: Investigation) -> None:
    innocent = {
        item for decoy in ransom.truth["decoys"] if decoy["kind"] != "another-place" for item in decoy["event_ids"]
    }
    assert innocent and not innocent & ransom.cited


def test_of_another_incident_it_says_that_nothing_was_found_and_what_that_rests_on(nothing: Investigation) -> None:
    assert nothing.findings == []
    assert "No call on objects of any bucket in an intruder's hands was found" in nothing.text
    assert "That rests on" in nothing.text and "Not in evidence: S3 server access logs" in nothing.text


def test_an_unknown_bucket_is_named_with_those_there_are(tmp_path: Path) -> None:
    _, case = case_of("s3-ransomware")
    with pytest.raises(UsageError, match="no bucket named 'nowhere'; known: billing-data"):
        playbook(NAME).run(case, {"bucket": "nowhere"}, tmp_path / "out")
