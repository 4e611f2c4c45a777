"""What is asked of every playbook alike."""

import ast
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from forensics.case import Case
from forensics.playbook import playbook, playbooks
from forensics.sources import sources
from tests.playbooks.runs import shown


@pytest.fixture(params=sorted(playbooks()))
def each(request: pytest.FixtureRequest) -> Any:
    """Every playbook of the package and its notebook."""
    item = playbooks()[request.param]
    return item, nbformat.read(item.path, as_version=4)  # type: ignore[no-untyped-call]


def test_every_playbook_tells_its_question_sources_and_parameters(each: Any) -> None:
    item, notebook = each
    assert item.question.endswith("?") and item.title
    assert item.sources and set(item.sources) <= set(sources())
    assert all(parameter.description and parameter.type for parameter in item.parameters)
    assert notebook.metadata.kernelspec.name == "python3"


def test_every_playbook_has_its_question_first_and_its_parameters_second(each: Any) -> None:
    _, notebook = each
    first, second = notebook.cells[:2]
    assert (first.cell_type, first.source.startswith("# "), "?" in first.source) == ("markdown", True, True)
    assert second.metadata.tags == ["parameters"]


def test_every_cell_of_a_playbook_is_short_and_committed_without_outputs(each: Any) -> None:
    _, notebook = each
    for cell in (cell for cell in notebook.cells[2:] if cell.cell_type == "code"):
        body = ast.parse(cell.source).body
        assert len(body) <= 3 or all(isinstance(item, ast.Import | ast.ImportFrom) for item in body), cell.source
        assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.parametrize("name", sorted(playbooks()))
def test_of_an_empty_case_it_says_what_is_missing_and_finds_nothing(name: str, tmp_path: Path) -> None:
    Case.create(tmp_path / "case").close()
    result = playbook(name).run(tmp_path / "case", {}, tmp_path / "out")
    assert json.loads(result.findings.read_bytes()) == []
    text = shown(result.report.read_text("utf-8"))
    for source in playbook(name).sources:
        assert sources()[source].title in text
    assert "Not in evidence" in text
