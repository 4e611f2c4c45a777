"""The report of a playbook's run: its notebook, and what the case and the findings add to that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from nbformat import NotebookNode

from forensics.case import Case
from forensics.report.appendix import digests, left_out, statements, summary
from forensics.report.exporter import html
from forensics.report.records import cited_records


def run_report(
    notebook: NotebookNode,
    *,
    title: str,
    facts: Mapping[str, object],
    case: Path,
    files: Mapping[str, Path],
    failure: str = "",
) -> str:
    """The report of an executed notebook on the case at that path.

    `files` are those whose digests it bears, by what they are; those under `findings` are what it cites. `failure` says
    why the notebook stopped before its end.
    """
    path = files.get("findings")
    findings = json.loads(path.read_bytes()) if path and path.is_file() else []
    with Case.open(case) as opened:
        records, anchors = cited_records(opened, findings)
        sections = [records, left_out(opened), statements(notebook), digests(case, files)]
    told = summary(findings)
    return html(notebook, title=title, facts=facts, failure=failure, summary=told, sections=sections, records=anchors)
