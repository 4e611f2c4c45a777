"""The playbook on ways back, run on made-up incidents whose truth is known, and held to it."""

from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import Investigation, case_of, investigated, precision_and_recall

NAME = "iam-persistence"


def expected(found: Investigation) -> set[str]:
    """Every call of the intruder and every finding about it."""
    truth = found.truth
    return {item["event_id"] for item in truth["attack_events"]} | {
        item["finding_id"] for item in truth["findings"] if item["malicious"]
    }


@pytest.fixture(scope="module")
def escalation() -> Investigation:
    return investigated(NAME, "iam-escalation", {"principal": "arn:aws:iam::111122223333:user/dev"})


@pytest.fixture(scope="module")
def schedule() -> Investigation:
    return investigated(NAME, "eventbridge-persistence", {})


@pytest.fixture(scope="module")
def nothing() -> Investigation:
    """An incident of another kind."""
    return investigated(NAME, "s3-ransomware", {})


@pytest.mark.parametrize("which", ["escalation", "schedule"])
def test_precision_and_recall_over_cited_records_are_one(which: str, request: pytest.FixtureRequest) -> None:
    found: Investigation = request.getfixturevalue(which)
    wanted = expected(found)
    assert precision_and_recall(found.cited, wanted) == (1.0, 1.0), (found.cited - wanted, wanted - found.cited)


def test_decoys_are_cited_nowhere(escalation: Investigation, schedule: Investigation) -> None:
    for found in (escalation, schedule):
        innocent = {item for decoy in found.truth["decoys"] for item in decoy["event_ids"]} - expected(found)
        assert innocent and not innocent & found.cited


def test_each_way_back_is_told_with_what_it_gives(escalation: Investigation) -> None:
    ways = [item for item in escalation.findings if item["id"].startswith("way-")]
    assert len(ways) == 11
    for words in (
        "version v2, in force, allows every action on every resource",
        "the role may be assumed by arn:aws:iam::444455556666:root",
        "whoever signs its assertions can assume every role that trusts it",
        "switching off the key that asked for it does not end it",
    ):
        assert words in escalation.text
    assert "Nothing in evidence ends any of them" in escalation.text


def test_a_key_that_the_function_made_and_somebody_deleted_is_said_to_be_ended(schedule: Investigation) -> None:
    assert "iam:DeleteAccessKey" in schedule.text
    assert "Nothing in evidence ends 10 of them." in schedule.text
    text = schedule.text
    assert text.index("aws events disable-rule") < text.index("aws iam update-access-key")


def test_of_another_incident_it_says_that_nothing_was_found_and_what_that_rests_on(nothing: Investigation) -> None:
    assert nothing.findings == []
    assert "in an intruder's hands was found" in nothing.text and "That rests on" in nothing.text
    assert "role/ci/ci-deploy" in nothing.text


def test_an_unknown_principal_is_named_with_those_there_are(tmp_path: Path) -> None:
    _, case = case_of("iam-escalation")
    with pytest.raises(UsageError, match="no principal named 'nobody'"):
        playbook(NAME).run(case, {"principal": "nobody"}, tmp_path / "out")
