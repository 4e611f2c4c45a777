"""The tours as notebooks: found, run in a kernel of their own, and written so that two runs give the same bytes."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import ExecutePreprocessor
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
TOURS = sorted(NOTEBOOKS.glob("*.ipynb"))
IGNORED = "nbval-ignore-output"
"""Tag of a cell whose output cannot be compared: the next cell asserts what it shows."""

_WIDGET = "application/vnd.jupyter.widget-view+json"
PATIENCE = 300
"""Seconds that a cell may take."""


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)  # type: ignore[no-any-return,no-untyped-call]


def executed(path: Path) -> NotebookNode:
    """The tour as it comes out of a run in an empty folder, without what differs between two runs."""
    notebook = read(path)
    runner = ExecutePreprocessor(
        timeout=PATIENCE, kernel_name="python3", record_timing=False, extra_arguments=["--log-level=ERROR"]
    )
    with tempfile.TemporaryDirectory(prefix="forensics-tour-") as folder:
        runner.preprocess(notebook, {"metadata": {"path": folder}})
    return settled(notebook)


def settled(notebook: NotebookNode) -> NotebookNode:
    """Without versions, and the state of widgets, whose ids are new in every kernel; what was printed in pieces is one."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = joined([item for item in cell.outputs if _WIDGET not in item.get("data", {})])
    return notebook


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Streams of one name that follow each other, as one."""
    made: list[NotebookNode] = []
    for item in outputs:
        if made and item.output_type == made[-1].output_type == "stream" and item.name == made[-1].name:
            made[-1].text += item.text
        else:
            made.append(item)
    return made


def written(notebook: NotebookNode) -> str:
    """The file's text."""
    return str(nbformat.writes(notebook, indent=1)).rstrip("\n") + "\n"  # type: ignore[no-untyped-call]


def plain(outputs: Iterable[Mapping[str, Any]]) -> str:
    """What outputs say as plain text; a stream's pieces are one."""
    texts = (item.get("text") or item.get("data", {}).get("text/plain", "") for item in outputs)
    return "".join(text if isinstance(text, str) else "".join(text) for text in texts)
