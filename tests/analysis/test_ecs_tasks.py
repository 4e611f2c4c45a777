"""Tasks that were defined, run and entered: what is dangerous in them, by whom, and what the report says of it."""

from pathlib import Path

import pytest

from forensics.analysis import ecs_calls
from forensics.analysis.ecs_tasks import look
from forensics.report.display import show_statements
from tests.analysis.suspect_worlds import DEV, MAC, OFFICE, at_work
from tests.analysis.theft_worlds import OUTSIDE, case_of, used
from tests.workloads.ecs_world import TASK, minted, registered, run_task, running, session
from tests.worlds import Record, call

FETCH = ["sh", "-c", "curl 169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]


def there(record: Record, address: str = OUTSIDE, agent: str = "[aws-cli/2.17.0]") -> Record:
    return record | {"sourceIPAddress": address, "userAgent": agent}


def attack(**asked: object) -> list[Record]:
    """DEV's key, elsewhere, defines a task, runs it and opens a shell in it."""
    web = {"name": "web", "image": "repo/web:1", "command": FETCH} | asked
    shell = {"cluster": "prod", "task": TASK, "container": "web", "command": "/bin/sh"}
    return [
        *at_work(),
        there(registered(containerDefinitions=[web])),
        there(run_task({"taskArn": TASK})),
        there(call(DEV, "ecs:ExecuteCommand", at="09:10:00", requestParameters=shell)),
    ]


def test_an_intruder_s_definition_run_and_shell_are_told_once_each(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=attack(), ecs_event=[running()]) as case:
        answer = look(case)
        said = {item.id: item.statement for item in answer.statements}
        assert "holds a command that asks for the task's credentials" in said["definition-01"]
        assert f"as {TASK}" in said["run-01"] and "opened /bin/sh in the container web" in said["shell-01"]
        assert [name for name in said if name.startswith("call-")] == []
        assert answer.involved == [TASK]
        assert "1 task definition registered, 1 task run started and 1 shell opened" in answer.verdict


def test_the_same_by_its_owner_from_the_office_is_nobody_s_attack_and_is_listed(tmp_path: Path) -> None:
    calls = [*at_work(), *(there(record, OFFICE, MAC) for record in attack()[2:])]
    with case_of(tmp_path, cloudtrail=calls, ecs_event=[running()]) as case:
        answer = look(case)
        assert (answer.found, answer.statements) == (False, [])
        assert [(item.calls, item.in_hand) for item in answer.hands.callers] == [(3, False)]
        assert [row[7] for row in answer.definitions.rows()] == ["a command that asks for the task's credentials"]


def test_the_key_of_a_task_that_the_intruder_ran_is_its_own_wherever_it_is_used(tmp_path: Path) -> None:
    inside = used(session(), "198.51.100.88", "iam:CreateUser", at="09:20:00")
    with case_of(tmp_path, cloudtrail=[*attack(), minted(), inside], ecs_event=[running()]) as case:
        answer = look(case, workload=TASK)
        assert inside["eventID"] in {place.event_id for item in answer.statements for place in item.evidence}


@pytest.mark.parametrize(
    ("asked", "danger"),
    [
        ({"containerDefinitions": [{"privileged": True}]}, "the rights of root on its host"),
        ({"volumes": [{"host": {"sourcePath": "/"}}]}, "its host's root or container engine mounted"),
        (
            {"volumes": [{"host": {"sourcePath": "/var/run/docker.sock"}}]},
            "its host's root or container engine mounted",
        ),
        ({"pidMode": "host"}, "a view of its host's processes"),
        (
            {"containerDefinitions": [{"linuxParameters": {"capabilities": {"add": ["SYS_ADMIN"]}}}]},
            "rights over its host's kernel",
        ),
        ({"volumes": [{"host": {"sourcePath": "/var/log"}}]}, ""),
    ],
)
def test_what_gives_a_container_its_host_is_named(tmp_path: Path, asked: Record, danger: str) -> None:
    with case_of(tmp_path, cloudtrail=[registered(**asked)]) as case:
        assert [row[7] for row in ecs_calls.definitions(case).rows()] == [danger]
        assert len(ecs_calls.dangerous(case, ecs_calls.HOST_DANGERS)) == bool(danger)


def test_hostile_names_and_commands_are_shown_and_do_nothing(tmp_path: Path) -> None:
    hostile = {"name": "<script>alert(1)</script>", "command": ["<img src=x onerror=alert(1)>", "`rm -rf /`"]}
    with case_of(tmp_path, cloudtrail=attack(**hostile), ecs_event=[running()]) as case:
        html = show_statements(look(case).statements)._repr_html_()
        assert "<img src=x" not in html and "<script>alert" not in html
        assert "&lt;img src=x onerror=alert(1)&gt;" in html
