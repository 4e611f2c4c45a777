"""Which playbooks fit a finding, and several of them run at once."""

import json
import re
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.cli import main
from forensics.errors import UnknownName, UsageError
from forensics.fitting import Fitting, fitting, run_several
from forensics.playbook import playbook, playbooks
from forensics.workloads import kinds
from tests.playbooks.runs import case_of

THEFT = "UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS"


def finding_of(scenario: str, kind: str = THEFT) -> tuple[Path, str]:
    truth, case = case_of(scenario)
    return case, next(item["finding_id"] for item in truth["findings"] if item["type"] == kind)


def chosen(case: Path, finding_id: str) -> dict[str, dict[str, object]]:
    with Case.open(case) as opened:
        return {item.playbook.name: dict(item.parameters) for item in fitting(opened, finding_id)}


def test_a_finding_has_the_playbooks_of_its_type_and_its_kind_of_workload() -> None:
    case, finding_id = finding_of("lambda-credential-theft")
    found = chosen(case, finding_id)
    assert {"guardduty-triage", "lambda-credential-theft"} <= set(found)
    assert found["guardduty-triage"] == {"finding_id": finding_id}
    task = chosen(*finding_of("fargate-task-role-theft"))
    assert "guardduty-triage" in task
    assert "lambda-credential-theft" not in task


def test_an_unknown_finding_is_refused_with_those_there_are() -> None:
    case, finding_id = finding_of("fargate-task-role-theft")
    with Case.open(case) as opened, pytest.raises(UnknownName, match=finding_id):
        fitting(opened, "none")


@pytest.mark.parametrize("name", sorted(playbooks()))
def test_every_playbook_tells_its_findings_and_kinds_of_workload(name: str) -> None:
    item = playbook(name)
    assert all(re.compile(pattern) for pattern in item.findings)
    known = {kind.name for kind in kinds()}
    assert set(item.kinds) <= known | {"lambda_function", "ec2_instance", "ecs_task", "eks_pod"}


def notebook(path: Path, source: str) -> Path:
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Q\\n\\nWhat?"},
        {"cell_type": "code", "id": "b", "metadata": {"tags": ["parameters"]}, "source": 'case = ""\\nout = ""'},
        {"cell_type": "code", "id": "c", "metadata": {}, "source": source},
    ]
    for cell in cells[1:]:
        cell |= {"execution_count": None, "outputs": []}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(document).replace("\\\\n", "\\n"), "utf-8")
    return path


def test_one_that_stops_does_not_stop_the_others(tmp_path: Path) -> None:
    Case.create(tmp_path / "case").close()
    good = notebook(tmp_path / "good.ipynb", "from forensics.analysis import statement; statement.write([], out)")
    bad = notebook(tmp_path / "bad.ipynb", "raise ValueError('no')")
    items = [Fitting(playbook(bad), {}), Fitting(playbook(good), {})]
    stopped, done = run_several(tmp_path / "case", items, tmp_path / "out")
    assert (stopped.name, stopped.result, done.name) == ("bad", None, "good")
    assert "ValueError: no" in stopped.error
    assert done.result is not None
    assert done.result.findings == tmp_path / "out" / "good" / "findings.json"


def test_nothing_fits_and_nothing_runs(tmp_path: Path) -> None:
    assert run_several(tmp_path, [], tmp_path) == []
    with pytest.raises(UsageError, match="at least one job"):
        run_several(tmp_path, [], tmp_path, jobs=0)


def test_the_command_runs_all_that_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case, finding_id = finding_of("cryptomining", "CryptoCurrency:Lambda/BitcoinTool.B")
    names = sorted(chosen(case, finding_id))
    assert main(["run", "--all", finding_id, "--case", str(case), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert sorted(line.partition(":")[0] for line in said) == names
    assert all((tmp_path / name / "report.html").is_file() for name in names)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--all", "f", "guardduty-triage"], "the finding chooses both"),
        (["--all", "f", "-p", "a=b"], "the finding chooses both"),
        ([], "name a playbook, or give --all FINDING_ID"),
        (["--all", "f"], "no finding named 'f'"),
        (["guardduty-triage", "-p", "finding_id=f"], "no finding named 'f'"),
        (["lambda-credential-theft", "-p", "workload=f"], "no workload named 'f'"),
        (["lambda-credential-theft", "-p", "access_key_id=f"], "no access key id named 'f'"),
    ],
)
def test_wrong_calls_are_refused_before_a_kernel_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str], said: str
) -> None:
    Case.create(tmp_path / "case").close()
    assert main(["run", *given, "--case", str(tmp_path / "case"), "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
