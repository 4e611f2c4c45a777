"""The report of a playbook's run: its notebook, and what the case and the findings add to that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from markupsafe import Markup
from nbformat import NotebookNode
from plotly.offline import get_plotlyjs

from forensics.case import Case
from forensics.detect import ran
from forensics.errors import PlaybookError
from forensics.geography import Geography
from forensics.report.appendix import Finding, Section, digests, left_out, statements, summary
from forensics.report.covered import blind_spots, logged
from forensics.report.exporter import html
from forensics.report.notes import marks, notes_section
from forensics.report.places import places
from forensics.report.records import cited_records

LARGEST = 7_500_000
"""Bytes of a report up to which cited records are put into it."""

_TOLD = frozenset("id title statement time certainty technique principal workload evidence".split())
_CITED = frozenset("uri sha256 record event_id".split())


def run_report(
    notebook: NotebookNode,
    *,
    title: str,
    facts: Mapping[str, object],
    case: Path,
    files: Mapping[str, Path],
    failure: str = "",
    geography: Geography | None = None,
    sources: Sequence[str] = (),
) -> str:
    """The report of an executed notebook on the case at that path.

    `files` are those whose digests it bears, by what they are; those under `findings` are what it cites. `failure` says
    why the notebook stopped before its end. With a `geography` it is said where the cited addresses are.
    Of the `sources` that the question needs it is said how much of the case's window was logged, and what they never show. Raises PlaybookError where the findings are none.
    """
    findings = _findings(files.get("findings"))
    room = LARGEST - len(get_plotlyjs()) - len(json.dumps([cell.get("outputs") for cell in notebook.cells]))
    with Case.open(case) as opened:
        records, anchors = cited_records(opened, findings, room=room)
        where = [places(opened, findings, geography)] if geography else []
        hashed = {**files, **(geography.files if geography else {})}
        blind = [blind_spots(sources)] if sources else []
        evidence = [*where, records, left_out(opened), *blind]
        sections = [*notes_section(opened), *evidence, statements(notebook), digests(case, hashed)]
        tagged = marks(opened.notes, findings)
        facts = {**facts, "coverage": logged(opened, sources)} if sources else facts
        facts = {**facts, "own detections": ran.facts(opened)}
    given: _Given = {"summary": summary(findings), "sections": sections, "records": anchors, "marks": tagged}
    return html(notebook, title=title, facts=facts, failure=failure, **given)


class _Given(TypedDict):
    """What the case and the findings add to a report."""

    summary: Markup
    sections: list[Section]
    records: frozenset[str]
    marks: Mapping[str, Sequence[str]]


def _findings(path: Path | None) -> list[Finding]:
    """The findings in that file, none where there is no file. Raises PlaybookError."""
    if path is None or not path.is_file():
        return []
    try:
        found = json.loads(path.read_bytes())
        whole = all(set(item) >= _TOLD and all(set(at) == _CITED for at in item["evidence"]) for item in found)
    except (ValueError, TypeError):
        whole = False
    if not whole:
        raise PlaybookError(f"{path} does not hold findings as forensics.analysis.statement.write makes them")
    return list(found)
