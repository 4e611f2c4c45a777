"""The cards of a Timeline and of a Query: what they are, how much they hold, and the texts that make them again."""

from collections.abc import Iterator
from datetime import datetime

import nbformat
import pytest

from forensics.case import Case
from forensics.report.exporter import html
from forensics.timeline import Timeline
from tests.cards.every import ordinary
from tests.cards.worlds import KEY, ORDERS, OUTSIDE, ROLE_ARN


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with ordinary(tmp_path_factory.mktemp("timeline")) as made:
        yield made


def test_a_timeline_tells_the_python_text_that_makes_it_again(case: Case) -> None:
    made = (
        Timeline(case)
        .principal("orders-fn-role")
        .workload("orders-fn")
        .access_key(KEY)
        .address(OUTSIDE)
        .source("cloudtrail")
        .resource("it's")
        .between("2026-11-05", datetime(2026, 11, 6))
        .where("action = ? OR action = ?", "x", 'y"')
    )
    again = eval(made.python, {"Timeline": Timeline, "case": case})

    assert (again.sql, again.params, again.scope) == (made.sql, made.params, made.scope)
    assert f".principal({ROLE_ARN!r}).workload({ORDERS!r})" in made.python
    assert ".between('2026-11-05T00:00:00', '2026-11-06T00:00:00')" in made.python


def test_a_timeline_says_in_words_what_it_is_narrowed_to_how_much_and_what_was_logged(case: Case) -> None:
    made = Timeline(case).address(OUTSIDE).between("2026-11-05 09:00", "2026-11-05 10:00").card()
    text = str(made)

    assert made.heading == f"from or to {OUTSIDE}; from 2026-11-05 09:00:00 UTC until 2026-11-05 10:00:00 UTC"
    assert "11 events between 2026-11-05 09:10:00 and 09:20:00 UTC: 11 of cloudtrail." in text
    assert "Coverage: partly logged" in text or "Coverage: logged" in text


def test_the_events_of_a_timeline_have_tags_and_the_workload_with_its_certainty(case: Case) -> None:
    rows = Timeline(case).access_key(KEY).card().first.df()  # type: ignore[attr-defined]
    first = rows[rows["event_id"] == "read-0"].iloc[0]

    assert (first["workload"], first["certainty"], first["question"]) == (ORDERS, "recorded", "issued to")
    assert list(first["tags"]) == ["exfiltration"]


def test_a_timeline_of_nothing_says_what_that_means(case: Case) -> None:
    text = repr(Timeline(case).address("198.51.100.1"))

    assert "[no event] No event" in text
    assert "Timeline(case).address('198.51.100.1')" in text


def test_a_query_says_how_many_rows_there_are(case: Case) -> None:
    made = case.sql(
        "SELECT r.number, [1, 2] AS pair, TIMESTAMP '2026-11-05 09:00:00' AS time FROM range(120) AS r(number);"
    )
    page = made._repr_html_()

    assert page.count("<tr>") == 51
    assert "… and 70 more" in page
    assert "2026-11-05 09:00:00" in page
    assert "<div>1</div><div>2</div>" in page
    assert "… and 70 more" in repr(made)


def test_two_columns_of_one_name_and_none_are_shown(case: Case) -> None:
    assert "No row." in repr(case.sql("SELECT 1 AS a, 2 AS a WHERE FALSE"))
    assert "<th" in case.sql("SELECT 1 AS a, 2 AS a, NULL AS b")._repr_html_()


def test_a_statement_that_fails_or_writes_is_its_text(case: Case) -> None:
    assert repr(case.sql("SELECT no_such FROM event")) == "SELECT no_such FROM event"
    assert repr(case.sql("DELETE FROM finding")) == "DELETE FROM finding"
    assert case.sql("SELECT count(*) FROM finding").rows() == [(1,)]


def test_in_a_report_a_call_for_a_record_leads_to_that_record_where_it_is_held(case: Case) -> None:
    from markupsafe import Markup

    from forensics.report.appendix import Section

    held = '<details class="fx-raw"><summary>read-0 <span>x</span></summary><div id="record-00-1">x</div></details>'
    data, metadata = case.credential(KEY)._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data, metadata=metadata)  # type: ignore[no-untyped-call]
    cell = nbformat.v4.new_code_cell("x", outputs=[output])  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    page = html(notebook, title="x", sections=[Section("Records", "records", Markup(held))])

    assert 'case.record(&#x27;read-0&#x27;)</code> <a href="#record-00-1">in this report</a>' in page
    assert page.count("in this report") == page.count("case.record(&#x27;read-0&#x27;)</code>")
    assert "case.record(&#x27;read-9&#x27;)</code>" in page
