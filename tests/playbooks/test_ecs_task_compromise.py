"""The playbook on ECS tasks, held to the truth of a robbed Fargate task and of a task run with a stronger role."""

from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.playbook import playbook
from tests.playbooks.runs import Investigation, case_of, investigated, precision_and_recall, shown_to

NAME = "ecs-task-compromise"


@pytest.fixture(scope="module", params=["fargate-task-role-theft", "ecs-run-task-escalation"])
def compromised(request: pytest.FixtureRequest) -> Investigation:
    """An incident of ECS tasks, looked over without being told of which."""
    return investigated(NAME, request.param, {})


def test_precision_and_recall_over_the_truth_are_one(compromised: Investigation) -> None:
    wanted = shown_to(compromised.truth, compromised.cited)
    assert precision_and_recall(compromised.cited, wanted) == (1.0, 1.0)


def test_it_names_the_task_and_how_to_keep_cut_off_and_stop_it(compromised: Investigation) -> None:
    task = compromised.truth["stolen"]["workload"]
    cluster, name = task.split("/")[1:]
    assert task in compromised.text
    steps = [
        compromised.text.find(f"aws ecs {what} --region us-east-1 --cluster {cluster} --task")
        for what in ("describe-tasks", "stop-task")
    ]
    assert -1 < steps[0] < compromised.text.find("aws iam put-role-policy") < steps[1]
    assert name in compromised.text[steps[1] :]


def test_a_task_run_with_another_role_is_told_with_its_definition_command_and_shell() -> None:
    said = {item["id"]: item for item in investigated(NAME, "ecs-run-task-escalation", {}).findings}
    assert "role arn:aws:iam::111122223333:role/admin-task" in said["definition-01"]["statement"]
    assert "holds a command that asks for the task's credentials" in said["definition-01"]["statement"]
    assert "with a public address" in said["run-01"]["statement"]
    assert "opened /bin/sh in the container maintenance" in said["shell-01"]["statement"]


def test_of_an_incident_without_ecs_it_says_that_nothing_was_found_and_on_what_that_rests() -> None:
    other = investigated(NAME, "lambda-code-injection", {})
    assert other.findings == []
    assert "Nothing was found that speaks clearly for any ECS task" in other.text
    assert "Not in evidence: ECS task" in other.text


def test_what_is_no_task_and_both_parameters_at_once_stop_it(tmp_path: Path) -> None:
    truth, case = case_of("fargate-task-role-theft")
    with pytest.raises(UsageError, match="no workload named 'web'; known: "):
        playbook(NAME).run(case, {"workload": "web"}, tmp_path / "task")
    with pytest.raises(UsageError, match="give only one of workload and image"):
        playbook(NAME).run(case, truth["parameters"] | {"image": "web"}, tmp_path / "both")
