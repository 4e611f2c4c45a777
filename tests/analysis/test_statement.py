"""Statements: refused without evidence or a word of certainty, cited exactly, written as findings.json."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from forensics.analysis.statement import Citation, Statement, cite, weakest, write
from tests.analysis.theft_worlds import OUTSIDE, case_of, function, used

CITED = Citation(uri="a/b.json", sha256="abc", record=0, event_id="e-1")


def made(**changed: Any) -> Statement:
    facts = {"id": "call-01", "title": "A title", "statement": "It was.", "time": datetime(2026, 11, 5, 9)}
    return Statement(**{**facts, "certainty": "recorded", "evidence": (CITED,), **changed})


def test_a_statement_without_evidence_or_with_an_unknown_certainty_is_refused() -> None:
    with pytest.raises(ValueError, match="statement call-01: cites no record"):
        made(evidence=())
    with pytest.raises(ValueError, match="certainty 'sure' is none of"):
        made(certainty="sure")


def test_events_are_cited_once_each_in_the_order_given(tmp_path: Path) -> None:
    calls = [
        used(function(), OUTSIDE, at="09:01:00", eventID="b"),
        used(function(), OUTSIDE, at="09:00:00", eventID="a"),
    ]
    with case_of(tmp_path, cloudtrail=calls) as case:
        assert cite(case, ["b", "a", "b"]) == (Citation("a/b.json", "abc", 0, "b"), Citation("a/b.json", "abc", 1, "a"))
        assert cite(case, []) == ()
        with pytest.raises(ValueError, match=r"cited events that are not in the case: \['c'\]"):
            cite(case, ["a", "c"])


@pytest.mark.parametrize(
    ("words", "chain"),
    [(["recorded"], "recorded"), (["matched", "shared"], "shared"), (["inferred", "bounded"], "inferred")],
)
def test_a_chain_is_as_certain_as_its_weakest_link(words: list[str], chain: str) -> None:
    assert weakest(words) == chain


def test_findings_are_written_with_exactly_their_keys(tmp_path: Path) -> None:
    path = write([made(workload="w", resources=("<b>",)), made(time=None)], tmp_path)
    first, second = json.loads(path.read_text("utf-8"))
    assert (path.name, first["time"], second["time"]) == ("findings.json", "2026-11-05T09:00:00.000Z", None)
    assert ",".join(first) == "id,title,statement,time,certainty,technique,principal,workload,resources,evidence"
    assert first["evidence"] == [{"uri": "a/b.json", "sha256": "abc", "record": 0, "event_id": "e-1"}]
