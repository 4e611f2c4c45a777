"""The order of a report: the part of the notebook that gives the answer comes before what the answer rests on."""

from __future__ import annotations

import nbformat
from markupsafe import Markup
from nbformat import NotebookNode

from forensics.report.display import ESCAPED


def answer_first(notebook: NotebookNode, summary: Markup | str = "") -> NotebookNode:
    """The notebook with its answering part before the other parts, the summary under it; its cells are the same."""
    parts = _parts(notebook)
    place = next((place for place, part in enumerate(parts) if any(map(_answers, part))), None)
    added = [_summary(summary)] if summary else []
    if place:
        order = [parts[0], parts[place] + added, *parts[1:place], *parts[place + 1 :]]
    else:
        order = [parts[0] + added, *parts[1:]]
    made: NotebookNode = nbformat.from_dict({**notebook, "cells": [cell for part in order for cell in part]})  # type: ignore[no-untyped-call]
    return made


def _parts(notebook: NotebookNode) -> list[list[NotebookNode]]:
    """The cells before the first heading of the second level, and those of each such heading."""
    parts: list[list[NotebookNode]] = [[]]
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            parts.append([])
        parts[-1].append(cell)
    return parts


def _answers(cell: NotebookNode) -> bool:
    """Whether the cell shows an answer, made by this package."""
    return any(
        output.get("metadata", {}).get("text/html") == ESCAPED["text/html"]
        and '<div class="fx-answer' in output.get("data", {}).get("text/html", "")
        for output in cell.get("outputs", ())
    )


def _summary(html: Markup | str) -> NotebookNode:
    output = nbformat.v4.new_output("display_data", {"text/html": str(html)}, metadata=dict(ESCAPED))  # type: ignore[no-untyped-call]
    cell: NotebookNode = nbformat.v4.new_code_cell("", outputs=[output])  # type: ignore[no-untyped-call]
    return cell
