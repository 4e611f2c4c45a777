"""The playbook on mining, run on made-up incidents whose truth is known, and held to it."""

from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import Investigation, case_of, investigated, precision_and_recall

NAME = "cryptomining"


@pytest.fixture(scope="module")
def mined() -> Investigation:
    return investigated(NAME, "cryptomining", {"principal": "arn:aws:iam::111122223333:user/contractor"})


@pytest.fixture(scope="module")
def nothing() -> Investigation:
    """An incident of another kind, with a steady connection of another kind."""
    return investigated(NAME, "fargate-task-role-theft", {})


def test_precision_and_recall_over_cited_records_are_one(mined: Investigation) -> None:
    truth = mined.truth
    records = (*truth["attack_events"], *truth["attack_flows"], *truth["attack_records"])
    wanted = {item["event_id"] for item in records}
    wanted |= {item["finding_id"] for item in truth["findings"] if item["malicious"]}
    assert precision_and_recall(mined.cited, wanted) == (1.0, 1.0), mined.cited ^ wanted


def test_it_tells_what_mined_who_launched_it_and_what_runs_still(mined: Investigation) -> None:
    assert "6 tasks, 3 instances and 1 function mined" in mined.text
    assert "10 of 10 miners were launched in an intruder's hands, by arn:aws:iam::111122223333:user/contractor" in (
        mined.text
    )
    assert "Failed: 4 launches in eu-west-1" in mined.text
    running = [item for item in mined.truth["lifetimes"] if item["holds_kind"] == "eni" and item["valid_to"] is None]
    assert any(item["workload"] in mined.text for item in running)
    assert mined.text.count("aws ec2 stop-instances") == 1


def test_of_another_incident_it_says_that_nothing_was_found_and_what_that_rests_on(nothing: Investigation) -> None:
    assert nothing.findings == []
    assert "Nothing in evidence mines" in nothing.text and "That rests on" in nothing.text


def test_an_unknown_principal_is_named_with_those_there_are(tmp_path: Path) -> None:
    _, case = case_of("cryptomining")
    with pytest.raises(UsageError, match="no principal named 'nobody'"):
        playbook(NAME).run(case, {"principal": "nobody"}, tmp_path / "out")
