"""The playbook on any stolen credential, held to the truth of incidents of several kinds of workload."""

from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import Investigation, case_of, investigated, precision_and_recall, shown_to

NAME = "credential-theft"


@pytest.fixture(
    scope="module", params=["fargate-task-role-theft", "eks-pod-irsa-theft", "s3-ransomware", "ecs-container-escape"]
)
def stolen(request: pytest.FixtureRequest) -> Investigation:
    """An incident with a stolen credential, looked over without being told of which."""
    return investigated(NAME, request.param, {})


def test_precision_is_one_and_recall_over_the_truth_at_least_095(stolen: Investigation) -> None:
    precision, recall = precision_and_recall(stolen.cited, shown_to(stolen.truth, stolen.cited))
    assert (precision, recall >= 0.95) == (1.0, True), recall


def test_the_report_names_what_was_stolen_and_from_where_it_was_used(stolen: Investigation) -> None:
    told = stolen.truth["stolen"]
    for name in (told["access_key_id"], told["workload"], *told["foreign_addresses"]):
        assert name in stolen.text


def test_it_ends_with_how_to_cut_every_stolen_session_off(stolen: Investigation) -> None:
    role = stolen.truth["stolen"]["principal"].rpartition("/")[2]
    assert f"aws iam put-role-policy --role-name {role} --policy-name AWSRevokeOlderSessions" in stolen.text


def test_of_an_incident_without_a_stolen_credential_it_says_so_and_on_what_that_rests() -> None:
    within = investigated(NAME, "lambda-code-injection", {})
    assert within.findings == []
    assert "No use of any credential by somebody else was found" in within.text
    assert "That rests on" in within.text and "Nothing to contain was found." in within.text


def test_a_credential_that_is_not_in_the_case_stops_it_with_those_that_are(tmp_path: Path) -> None:
    _, case = case_of("s3-ransomware")
    with pytest.raises(UsageError, match="no access key id named 'AKIANONE'; known: "):
        playbook(NAME).run(case, {"access_key_id": "AKIANONE"}, tmp_path)
