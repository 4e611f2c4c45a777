"""The playbook on container escapes, held to the truth of a privileged task that took its host's and neighbour's keys."""

from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import Investigation, case_of, investigated, precision_and_recall, shown_to

NAME = "container-escape"


@pytest.fixture(scope="module")
def escaped() -> Investigation:
    """The incident, looked over without being told of which container."""
    return investigated(NAME, "ecs-container-escape", {})


def test_precision_and_recall_over_the_truth_are_one(escaped: Investigation) -> None:
    wanted = shown_to(escaped.truth, escaped.cited)
    assert precision_and_recall(escaped.cited, wanted) == (1.0, 1.0)


def test_it_tells_the_container_its_host_the_strange_program_and_the_neighbour(escaped: Investigation) -> None:
    said = {item["id"]: item for item in escaped.findings}
    assert "holds the rights of root on its host" in said["definition-01"]["statement"]
    assert said["host-01"]["workload"].startswith("arn:aws:ec2:") and "aws-cli" in said["host-01"]["statement"]
    assert said["fetch-01"]["workload"] == escaped.truth["stolen"]["workload"]
    assert f"{said['host-01']['workload']} is not to be trusted from" in escaped.text


def test_the_plan_keeps_the_host_s_volumes_before_it_revokes_isolates_and_stops(escaped: Investigation) -> None:
    plan = escaped.text[escaped.text.rfind("What to do next") :]
    steps = [
        "create-snapshots",
        "--role-name ecsInstanceRole",
        "modify-instance-attribute --region us-east-1 --instance-id i-",
        "stop-task",
    ]
    places = [plan.rfind(step) if step.startswith("modify") else plan.find(step) for step in steps]
    assert places == sorted(places) and places[0] > 0


@pytest.mark.parametrize("scenario", ["lambda-code-injection", "eks-pod-irsa-theft"])
def test_where_no_container_broke_out_it_says_so_and_on_what_that_rests(scenario: str) -> None:
    other = investigated(NAME, scenario, {})
    assert other.findings == []
    assert "Nothing was found that speaks clearly for a container having broken out" in other.text
    assert "That rests on" in other.text and "Nothing to contain was found." in other.text


def test_what_is_no_container_and_no_host_stops_it(tmp_path: Path) -> None:
    _, case = case_of("ecs-container-escape")
    with pytest.raises(UsageError, match="no workload named 'nothing'; known: "):
        playbook(NAME).run(case, {"workload": "nothing"}, tmp_path)
