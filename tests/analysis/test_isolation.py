"""Commands per kind of workload: what is lost with it is kept first, and every name only names."""

import shlex
from pathlib import Path

import pytest

from forensics.analysis.isolation import PHASES, isolation
from tests.analysis.theft_worlds import case_of
from tests.workload_worlds import ORDERS, WEB, run

TASK = "arn:aws:ecs:us-east-1:111122223333:task/prod/0123456789abcdef0123456789abcdef"
POD = "k8s:prod/pay/api-7c9-a"
HOSTILE = "x'; rm -rf ~; $(id) `id` \"&\nreboot"


@pytest.mark.parametrize("workload", [ORDERS, TASK, POD, WEB])
def test_every_kind_is_preserved_first_and_stopped_or_isolated_last(tmp_path: Path, workload: str) -> None:
    with case_of(tmp_path) as case:
        phases = [item.phase for item in isolation(case, [workload])]
    assert phases[0] == "preserve"
    assert phases[-1] in {"isolate", "stop"}
    assert phases == sorted(phases, key=PHASES.index)


def test_several_workloads_are_kept_before_any_of_them_is_stopped(tmp_path: Path) -> None:
    with case_of(tmp_path) as case:
        phases = [item.phase for item in isolation(case, [ORDERS, TASK, ORDERS])]
    assert phases == ["preserve"] * 3 + ["stop"] * 2


def test_a_task_s_interface_is_cut_off_where_it_is_known(tmp_path: Path) -> None:
    detail = [{"name": "networkInterfaceId", "value": "eni-7"}, {"name": "subnetId", "value": "subnet-1"}]
    told = {
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": "111122223333",
        "region": "us-east-1",
        "time": "2026-11-05T09:00:00Z",
        "id": "e-1",
        "detail": {
            "taskArn": TASK,
            "clusterArn": "arn:aws:ecs:us-east-1:111122223333:cluster/prod",
            "lastStatus": "RUNNING",
            "attachments": [{"id": "a-1", "type": "eni", "status": "ATTACHED", "details": detail}],
        },
    }
    with case_of(tmp_path, ecs_event=[told]) as case:
        (item,) = (each for each in isolation(case, [TASK]) if each.phase == "isolate")
    assert shlex.split(item.command)[-4:] == [
        "--network-interface-id",
        "eni-7",
        "--groups",
        "SECURITY-GROUP-WITHOUT-RULES",
    ]


@pytest.mark.parametrize("workload", [f"{ORDERS}{HOSTILE}", f"{TASK}{HOSTILE}", f"{POD}{HOSTILE}", f"{WEB}{HOSTILE}"])
def test_names_only_name(tmp_path: Path, workload: str) -> None:
    with case_of(tmp_path) as case:
        commands = [item.command for item in isolation(case, [workload])]
    words = [word for command in commands for word in shlex.split(command)]
    assert not {"rm", "reboot", "$(id)", "`id`"} & set(words)
    assert any(HOSTILE in word for word in words)


def test_of_a_kind_that_is_not_known_and_of_nothing_no_command_comes(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[run(at="08:00:00")]) as case:
        assert isolation(case, ["arn:aws:glue:us-east-1:111122223333:job/etl"]) == []
        assert isolation(case, []) == []
