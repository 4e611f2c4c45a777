"""A statement cites records that are in the case, and findings.json says so in full."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from forensics.analysis.statement import Citation, Statement, cite, weakest, write
from forensics.case import Case
from tests.loading import loaded, records, trail

CITED = Citation("logs/a.json", "00" * 32, 0, "event-A")


def test_a_statement_without_evidence_or_with_an_unknown_word_is_refused() -> None:
    with pytest.raises(ValueError, match="cites no record"):
        Statement("s", "t", "text", None, "recorded", ())
    with pytest.raises(ValueError, match="certainty 'sure'"):
        Statement("s", "t", "text", None, "sure", (CITED,))


def test_a_chain_is_as_certain_as_its_weakest_link() -> None:
    assert weakest(["recorded", "bounded", "matched"]) == "bounded"
    with pytest.raises(ValueError, match="empty"):
        weakest([])


def test_events_are_cited_once_in_the_order_given(tmp_path: Path) -> None:
    calls = [trail("B", eventTime="2026-11-05T10:00:00Z"), trail("A")]
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {"a.json": records(*calls)})
        found = cite(case, ["event-B", "event-A", "event-B"])
        assert [(item.event_id, item.record) for item in found] == [("event-B", 0), ("event-A", 1)]
        assert cite(case, []) == ()
        with pytest.raises(ValueError, match="not in the case"):
            cite(case, ["event-A", "'; DROP TABLE evidence; --"])


def test_findings_are_written_as_they_are(tmp_path: Path) -> None:
    item = Statement("s", "t", "<script>", datetime(2026, 11, 5, 9), "matched", (CITED,), resources=("r",))
    (held,) = json.loads(write([item], tmp_path).read_text("utf-8"))
    assert held["time"] == "2026-11-05T09:00:00.000Z"
    assert (held["statement"], held["resources"]) == ("<script>", ["r"])
    assert held["evidence"] == [{"uri": "logs/a.json", "sha256": "00" * 32, "record": 0, "event_id": "event-A"}]
