"""The playbook on pods, held to the truth of a pod that was entered and of its neighbour that was robbed."""

from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import Investigation, case_of, investigated, precision_and_recall, shown_to

NAME = "eks-pod-compromise"


@pytest.fixture(scope="module")
def entered() -> Investigation:
    """The incident, looked over without being told of which pod."""
    return investigated(NAME, "eks-pod-irsa-theft", {})


def test_precision_and_recall_over_the_truth_are_one(entered: Investigation) -> None:
    wanted = shown_to(entered.truth, entered.cited)
    assert precision_and_recall(entered.cited, wanted) == (1.0, 1.0)


def test_it_tells_the_pod_that_was_entered_from_the_one_that_was_robbed(entered: Investigation) -> None:
    said = {item["id"]: item for item in entered.findings}
    pod, robbed = said["entered-01"]["workload"], entered.truth["stolen"]["workload"]
    assert pod.startswith("k8s:prod-eks/pay/api-") and robbed.startswith("k8s:prod-eks/pay/ledger-")
    assert robbed.rpartition("/")[2] in said["request-06"]["statement"]
    assert "to whoever asked from 203.0.113.77" in said["issuance-02"]["statement"]
    assert robbed in entered.text


def test_an_operator_s_shell_and_what_programs_do_every_day_are_not_the_intruder_s(entered: Investigation) -> None:
    told = " ".join(item["statement"] for item in entered.findings)
    assert "configmaps" not in told and "user/ops" not in told
    assert "arn:aws:iam::111122223333:user/ops" in entered.text


def test_it_ends_with_commands_for_both_pods_their_roles_and_the_token(entered: Investigation) -> None:
    plan = entered.text[entered.text.rfind("What to do next") :]
    steps = [
        "get pod api-",
        "aws iam update-assume-role-policy --role-name pay-api",
        "label pod ledger-",
        "delete pod api-",
    ]
    places = [plan.find(step) for step in steps]
    assert places == sorted(places) and places[0] > 0


def test_of_an_incident_without_a_cluster_it_says_that_nothing_was_found_and_on_what_that_rests() -> None:
    other = investigated(NAME, "lambda-code-injection", {})
    assert other.findings == []
    assert "Nothing was found that speaks clearly for any pod having been entered or robbed" in other.text
    assert "Not in evidence: EKS" in other.text or "Not in evidence: Kubernetes" in other.text


def test_what_is_no_pod_stops_it(tmp_path: Path) -> None:
    _, case = case_of("eks-pod-irsa-theft")
    with pytest.raises(UsageError, match="no service account named 'nobody'; known: pay/api, pay/ledger"):
        playbook(NAME).run(case, {"service_account": "nobody"}, tmp_path)
