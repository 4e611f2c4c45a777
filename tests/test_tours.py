"""What is asked of every tour alike; that its outputs are true to the code is asked by nbval in the same run."""

import ast
import re
import tempfile
from pathlib import Path

import pytest
from nbformat import NotebookNode

from tests.tours import IGNORED, NOTEBOOKS, TOURS, executed, read, written

TITLES = [
    "Open a case",
    "Follow a credential",
    "Follow a workload that no longer exists",
    "From a GuardDuty finding to its evidence",
    "What the logs cannot show",
    "Add your own log source",
    "Write your own playbook",
]
LARGEST = 1_000_000
"""Bytes of a tour: what a site that shows notebooks still shows."""
MACHINE = re.compile(r"/(?:tmp|var|home|root|Users|private|usr|opt)/[\w.-]+|0x[0-9a-f]{6,}|[A-Z]:\\\\")
"""Paths of somebody's machine, and addresses in memory."""
SOME = [pytest.param(path, marks=[] if path.name.startswith("05") else pytest.mark.long) for path in TOURS]
"""One in every run, all with `-m long`: each is run twice."""


@pytest.fixture(params=TOURS, ids=lambda path: path.stem)
def tour(request: pytest.FixtureRequest) -> NotebookNode:
    return read(request.param)


def code(tour: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in tour.cells if cell.cell_type == "code"]


def prose(tour: NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in tour.cells if cell.cell_type == "markdown")


def body(cell: NotebookNode) -> list[ast.stmt]:
    """The statements of a cell; one that writes a file has none."""
    return [] if cell.source.startswith("%%writefile ") else ast.parse(cell.source).body


def text(cell: NotebookNode) -> str:
    """All that a cell put out, as text."""
    held = (str(value) for item in cell.outputs for value in item.get("data", {}).values())
    return "\n".join([*held, *(item.text for item in cell.outputs if item.output_type == "stream")])


def test_the_tours_are_those_that_are_promised_in_order() -> None:
    assert [read(path).cells[0].source.partition("\n")[0].removeprefix("# ") for path in TOURS] == TITLES
    assert [path.name[:3] for path in TOURS] == [f"{number:02}-" for number in range(1, len(TOURS) + 1)]


def test_a_tour_opens_with_its_question(tour: NotebookNode) -> None:
    first = tour.cells[0]
    assert first.cell_type == "markdown"
    assert re.search(r"^\*\*[A-Z].*\?\*\*$", first.source, re.MULTILINE), first.source


def test_no_cell_has_more_than_three_statements(tour: NotebookNode) -> None:
    for cell in code(tour):
        found = [item for item in body(cell) if not isinstance(item, ast.Import | ast.ImportFrom)]
        assert len(found) <= 3, cell.source


def test_every_line_of_code_can_be_read_without_scrolling(tour: NotebookNode) -> None:
    assert [line for cell in code(tour) for line in cell.source.splitlines() if len(line) > 120] == []


def test_a_tour_was_run_from_top_to_bottom_without_an_error(tour: NotebookNode) -> None:
    assert [cell.execution_count for cell in code(tour)] == list(range(1, len(code(tour)) + 1))
    assert [item for cell in code(tour) for item in cell.outputs if item.output_type == "error"] == []
    assert sum(bool(cell.outputs) for cell in code(tour)) >= 6


def test_a_tour_holds_its_findings_against_the_truth(tour: NotebookNode) -> None:
    assert any(
        re.search(r"\b(truth|told|seen)\b.*==|==.*\b(truth|told|seen|denied|attack)\b", cell.source)
        for cell in code(tour)
    ) or (tour.cells[0].source.startswith("# Open a case"))
    results = [text(cell) for cell in code(tour)]
    assert [result for result in results if re.fullmatch(r"[\[(].*\bFalse\b.*[\])]|False", result)] == []


def test_a_figure_is_followed_by_a_cell_that_asserts_what_it_shows(tour: NotebookNode) -> None:
    cells = code(tour)
    for place, cell in enumerate(cells):
        if IGNORED in cell.metadata.get("tags", []):
            assert cells[place + 1].outputs
            assert IGNORED not in cells[place + 1].metadata.get("tags", [])


def test_nothing_of_a_machine_is_in_an_output(tour: NotebookNode) -> None:
    assert [MACHINE.findall(text(cell)) for cell in code(tour) if MACHINE.search(text(cell))] == []


@pytest.mark.parametrize("path", TOURS, ids=lambda path: path.stem)
def test_a_tour_is_small_and_written_as_the_tool_writes_it(path: Path) -> None:
    assert path.stat().st_size < LARGEST
    assert written(read(path)) == path.read_text("utf-8")


def test_every_image_and_every_link_leads_somewhere(tour: NotebookNode) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", prose(tour)) if "://" not in link]
    assert [link for link in links if not (NOTEBOOKS / link).is_file()] == []


def test_every_image_is_of_use_to_a_tour_or_to_the_readme() -> None:
    said = "\n".join([*(prose(read(path)) for path in TOURS), (NOTEBOOKS.parent / "README.md").read_text("utf-8")])
    assert [path.name for path in (NOTEBOOKS / "images").iterdir() if f"images/{path.name}" not in said] == []


def test_each_tour_leads_to_the_next_and_the_last_to_the_first() -> None:
    for place, path in enumerate(TOURS):
        assert f"]({TOURS[(place + 1) % len(TOURS)].name})" in read(path).cells[-1].source


def test_the_public_names_that_tours_import_are_those_of_the_package() -> None:
    import forensics

    nodes = [node for path in TOURS for cell in code(read(path)) for node in body(cell)]
    names = {
        alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "forensics"
        for alias in node.names
    }
    assert names <= set(forensics.__all__)


@pytest.mark.parametrize("path", SOME, ids=[path.stem for path in TOURS])
def test_a_second_run_gives_the_same_bytes(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = written(executed(path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # in the kernel too, nothing is where it was
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert written(executed(path)) == first == path.read_text("utf-8")
