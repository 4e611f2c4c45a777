"""What a report adds to its notebook: the summary, the cited records, rejected objects, SQL, digests."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from forensics import custody, evidence
from forensics.analysis.statement import Statement, cite
from forensics.case import Case
from forensics.errors import PlaybookError
from forensics.load import load
from forensics.report import records as records_module
from forensics.report.appendix import digests, left_out, statements, summary
from forensics.report.display import Shown, show_answer, show_statements, show_table
from forensics.report.exporter import html
from forensics.report.records import cited_records
from forensics.report.run import run_report
from forensics.timeline import Timeline
from tests.playbooks.runs import parsed, shown

nbf: Any = nbformat
HOSTILE = '</pre><script>alert(1)</script>\x1b<a class="fx-record" href="#record-x">\u202e'


def call(event_id: str, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "eventID": event_id,
        "eventTime": "2026-03-01T08:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333",
        "eventType": "AwsApiCall",
        **more,
    }


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Five calls, one of them hostile, and an object that nothing knows."""
    logs = tmp_path / "logs"
    logs.mkdir()
    calls = [*(call(f"event-{number}") for number in range(4)), call("event-4", userAgent=HOSTILE)]
    (logs / "calls.json").write_text(json.dumps({"Records": calls}))
    (logs / "notes.txt").write_text("nothing that any source knows\n")
    with Case.create(tmp_path / "case") as made:
        custody.append(tmp_path / "case", "new")
        evidence.add(made, logs)
        load(made, workers=1)
        yield made


def found(case: Case, *event_ids: str, name: str = "call-01") -> dict[str, Any]:
    return statement(case, *event_ids, name=name).as_dict()


def statement(case: Case, *event_ids: str, name: str = "call-01") -> Statement:
    return Statement(
        id=name,
        title="A call",
        statement="It was made.",
        time=None,
        certainty="recorded",
        evidence=cite(case, event_ids),
        principal=HOSTILE,
    )


def plain(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return json.loads(json.dumps(findings))


def cell(item: Shown) -> Any:
    data, metadata = item._repr_mimebundle_()
    return nbf.v4.new_code_cell("x", outputs=[nbf.v4.new_output("display_data", data, metadata=metadata)])


def page(*cells: Any, **given: Any) -> str:
    return html(nbf.v4.new_notebook(cells=list(cells)), title="A question", **given)


def test_a_cited_record_is_shown_as_the_evidence_has_it_and_says_who_cites_it(case: Case) -> None:
    section, anchors = cited_records(case, plain([found(case, "event-1"), found(case, "event-1", name="call-02")]))
    (anchor,) = anchors
    assert f'<div id="{anchor}">' in section.body
    assert "2026-03-01 08:00:00 cloudtrail s3:GetObject" in section.body
    assert '<a href="#statement-call-01">call-01</a>, <a href="#statement-call-02">call-02</a>' in section.body
    text = re.findall(r"<pre>(.*?)</pre>", str(section.body), re.DOTALL)
    assert [json.loads(item) for item in text] == [call("event-1")]
    assert section.body.startswith("<p>All 1 cited records are here")


def test_a_hostile_record_stays_text(case: Case) -> None:
    section, _ = cited_records(case, plain([found(case, "event-4")]))
    assert "<script" not in section.body
    assert not set("\x1b\u202e") & set(str(section.body))
    assert {tag for tag, _ in parsed(str(section.body)).elements} <= {
        *"p details summary div dl dt dd a span pre code".split()
    }


def test_beyond_the_limit_each_statements_first_records_are_kept_and_no_link_leads_nowhere(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records_module, "RECORDS", 2)
    both = [statement(case, "event-0", "event-1", "event-2"), statement(case, "event-3", name="call-02")]
    section, anchors = cited_records(case, plain([item.as_dict() for item in both]))
    assert "2 of 4 cited records are here" in section.body
    made = page(cell(show_statements(both)), sections=[section], records=anchors)
    assert re.findall(r'<a class="fx-record"[^>]*>([^<]*)<', made) == ["event-0", "event-3"]
    held = set(re.findall(r' id="([^"]*)"', made))
    assert {link for link in re.findall(r'href="#([^"]*)"', made) if link.startswith("record-")} <= held


def test_records_for_which_there_is_no_room_are_left_to_the_command(case: Case) -> None:
    findings = plain([found(case, "event-0", "event-1", "event-2")])
    whole, _ = cited_records(case, findings)
    section, anchors = cited_records(case, findings, room=len(whole.body) // 2)
    assert "1 of 3 cited records are here" in section.body
    assert len(anchors) == 1


@pytest.mark.parametrize("text", ["{}x", '[{"id": 1}]', "[1]", '{"a": 1}'])
def test_findings_that_are_none_are_said_to_be_none(case: Case, tmp_path: Path, text: str) -> None:
    (tmp_path / "findings.json").write_text(text)
    notebook = nbf.v4.new_notebook()
    with pytest.raises(PlaybookError, match=r"findings\.json does not hold findings"):
        run_report(notebook, title="T", facts={}, case=case.path, files={"findings": tmp_path / "findings.json"})


def test_records_longer_than_fit_are_cut_and_counted(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_module, "LONGEST", 20)
    section, _ = cited_records(case, plain([found(case, "event-1")]))
    assert re.search(r"… [\d,]+ more characters", section.body)


def test_an_object_that_is_not_the_bytes_acquired_is_said_to_be_so(case: Case) -> None:
    findings = plain([found(case, "event-1")])
    (stored,) = [row[0] for row in case.sql("SELECT stored_at FROM evidence WHERE source = 'cloudtrail'").rows()]
    path = case.path / stored
    path.chmod(0o600)
    path.write_bytes(b"{}")
    section, anchors = cited_records(case, findings)
    assert len(anchors) == 1
    assert "is not the bytes acquired: verify the case" in section.body


def test_the_summary_says_what_who_when_and_how_certain(case: Case) -> None:
    text = shown(str(summary(plain([found(case, "event-1"), found(case, "event-2", name="call-02")]))))
    assert "2 statements" in text
    assert "2 records of 1 object" in text
    assert "recorded  2" in text
    assert "␛" in text
    assert summary([]) == ""


def test_rejected_objects_are_listed_with_the_reason(case: Case) -> None:
    text = shown(left_out(case).body)
    assert "unrecognised" in text
    assert "notes.txt" in text


def test_the_sql_of_every_table_is_listed_under_its_heading(case: Case) -> None:
    table = show_table(case.sql("SELECT action AS a FROM event WHERE event_id = ?", (HOSTILE,)))
    notebook = nbf.v4.new_notebook(
        cells=[
            nbf.v4.new_markdown_cell("## What <i>"),
            cell(table),
            cell(show_table(Timeline(case).source("cloudtrail"))),
        ]
    )
    section = statements(notebook)
    text = shown(section.body)
    assert "1. table, What <i>" in text
    assert "SELECT action AS a FROM event WHERE event_id = ?" in text
    assert "<script" not in section.body
    assert "source IN (?)" in text
    assert "'cloudtrail'" in text


def test_digests_are_those_of_the_files(case: Case, tmp_path: Path) -> None:
    (tmp_path / "notebook.ipynb").write_text("{}")
    text = shown(digests(case.path, {"executed notebook": tmp_path / "notebook.ipynb"}).body)
    assert hashlib.sha256(b"{}").hexdigest() in text
    assert custody.head(case.path) in text
    assert "DuckDB" in text


def test_the_part_with_the_answer_comes_first_and_the_summary_under_it(case: Case) -> None:
    heads = [nbf.v4.new_markdown_cell(text) for text in ("# A question\n\nWhy?", "## Evidence", "## Answer", "## Then")]
    cells = [
        heads[0],
        heads[1],
        nbf.v4.new_markdown_cell("what there is"),
        heads[2],
        cell(show_answer("It was.")),
        heads[3],
    ]
    text = shown(page(*cells, summary=summary(plain([found(case, "event-1")]))))
    places = [text.rindex(part) for part in ("Why?", "It was.", "1 statement", "what there is", "Then")]
    assert places == sorted(places)


def test_the_report_of_a_run_has_every_part(case: Case, tmp_path: Path) -> None:
    findings = tmp_path / "findings.json"
    findings.write_text(json.dumps([found(case, "event-1")]))
    path = case.path
    case.close()
    notebook = nbf.v4.new_notebook(cells=[nbf.v4.new_markdown_cell("## Part")])
    made = run_report(notebook, title="A question", facts={}, case=path, files={"findings": findings})
    assert re.findall(r'<li class="level2"><a href="#[^"]*">([^<]*)</a>', made) == [
        "Part",
        "The cited records",
        "Rejected objects",
        "SQL",
        "Versions and digests",
    ]
