"""Statements run over a case: their hits are put beside those of the Sigma rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from forensics.detect import pipelines
from forensics.detect.scan import Scan
from forensics.detect.statements import statements
from forensics.detect.statements.statement import KIND, Statement
from forensics.sources import source

if TYPE_CHECKING:
    from forensics.detect.run import Run


def match(run: Run) -> None:
    """Put what each statement among the rules of a run hits, in its window, into `detect_match`; needs the scans."""
    for number, rule in enumerate(run.rules):
        statement = statements().get(rule.id) if rule.kind == KIND and not rule.problem else None
        if statement and all(run.rows.get(name) for name in (statement.source, *statement.needs)):
            run.concerned[number] = 1
            try:
                run.con.execute(*_insert(run, number, statement))
            except duckdb.Error as error:
                run.problems[number] = str(error).splitlines()[0][:300]


def _insert(run: Run, number: int, statement: Statement) -> tuple[str, dict[str, object]]:
    scan = Scan(run.con, source(statement.source), pipelines.by_source()[statement.source], *run.window)
    text = f"""
INSERT INTO detect_match
SELECT DISTINCT {number} AS rule, '{statement.source}' AS source, s.object_id, s.record
FROM ({statement.sql}) AS h
JOIN "{statement.source}" AS s ON s.object_id = h.object_id AND s.record = h.record
WHERE {scan.window}"""
    return text, scan.bounds
