"""The timeline figure: lanes, single events or bins, findings and lifetimes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.timeline import Timeline
from forensics.views.found_by import FINDINGS
from forensics.views.timeline import LIFETIMES, timeline_figure
from tests.views.worlds import FUNCTION, KEY, add_finding, add_many, add_morning, add_row


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


def names(case: Case) -> list[str]:
    return [trace.name for trace in timeline_figure(Timeline(case)).data]


def test_findings_have_the_top_lane_and_each_source_its_own(case: Case) -> None:
    add_morning(case)
    figure = timeline_figure(Timeline(case))
    assert figure.layout.yaxis.ticktext == ("<b>findings</b> 1", "cloudtrail 12", "vpc_flow 6")
    assert figure.layout.title.text.startswith("18 events and 1 finding, 2026-03-01 08:00:00 to ")


def test_few_events_are_drawn_one_by_one_with_their_action_principal_address_and_id(case: Case) -> None:
    add_morning(case)
    success = timeline_figure(Timeline(case).source("cloudtrail")).data[0]
    assert success.name == "success"
    assert len(success.x) == 11
    assert success.customdata[0] == [
        "s3:GetObject",
        "arn:aws:iam::111122223333:role/orders-exec-0",
        "203.0.113.77",
        "00000000-0000-4000-8000-000000000000",
    ]


def test_many_events_are_counted_in_bins_that_lose_none(case: Case) -> None:
    add_many(case, 2000)
    events = timeline_figure(Timeline(case)).data[0]
    assert events.name == "events"
    assert sum(row[0] for row in events.customdata) == 3000
    assert max(-height for height in events.y) == 0.82


def test_the_outcomes_are_told_apart_by_colour_and_by_mark(case: Case) -> None:
    add_morning(case)
    marks = {
        trace.name: (trace.marker.color, trace.marker.symbol) for trace in timeline_figure(Timeline(case)).data[:3]
    }
    assert marks == {
        "success": ("#0072b2", "circle"),
        "accept": ("#56b4e9", "circle"),
        "denied": ("#d55e00", "x"),
    }


def test_a_held_key_is_a_bar_whose_open_end_is_an_arrow_at_the_edge(case: Case) -> None:
    add_morning(case)
    bar = timeline_figure(Timeline(case)).data[-1]
    assert bar.name == "bounded"
    assert bar.marker.symbol[:2] == ("line-ns", "arrow-right")
    assert bar.customdata[0][:3] == [FUNCTION, "access_key_id", KEY]
    assert bar.customdata[0][3:] == ["2026-03-01 08:10:00", "still open (end not in evidence)"]


def test_lifetimes_can_be_left_out(case: Case) -> None:
    add_morning(case)
    assert "bounded" not in [trace.name for trace in timeline_figure(Timeline(case), lifetimes=False).data]


def test_a_workload_whose_key_no_event_bears_has_no_bar(case: Case) -> None:
    add_many(case, 12)
    case.connection.execute("UPDATE lifetime SET holds = 'ASIAMADEUP0000000009'")
    assert "bounded" not in names(case)


def test_a_key_held_after_the_events_that_bear_it_has_no_bar(case: Case) -> None:
    add_many(case, 12)
    case.connection.execute("UPDATE lifetime SET valid_from = TIMESTAMP '2026-03-05 00:00:00'")
    assert "bounded" not in names(case)


def test_what_is_not_drawn_is_counted(case: Case) -> None:
    add_many(case, 12)
    copies = "SELECT * REPLACE (CAST(i AS VARCHAR) AS {0}) FROM {1}, range(?) AS r(i)"
    case.connection.execute(
        f"INSERT INTO finding SELECT * EXCLUDE (i) FROM ({copies.format('finding_id', 'finding')})",
        [FINDINGS + 2],
    )
    case.connection.execute(
        f"INSERT INTO lifetime SELECT * EXCLUDE (i) FROM ({copies.format('holds', 'lifetime')})",
        [LIFETIMES + 2],
    )
    case.connection.execute("INSERT INTO finding_evidence SELECT finding_id, 'made-up-finding', 'x' FROM finding")
    case.connection.execute("UPDATE stored.cloudtrail SET event_time = NULL WHERE record = 3")
    notes = timeline_figure(Timeline(case)).layout.title.subtitle.text
    assert "not drawn: 1 without a time" in notes
    assert "not drawn: 3 less severe findings" in notes
    assert "not drawn: 3 further things held" in notes


def test_events_without_a_time_alone_give_a_figure_that_says_so(case: Case) -> None:
    add_row(case, "cloudtrail", event_name="Invoke")
    figure = timeline_figure(Timeline(case))
    assert figure.layout.annotations[0].text == "no events to draw: 1 event without a time"


def test_a_timeline_of_findings_alone_is_drawn(case: Case) -> None:
    add_finding(case, "made-up-finding", severity=9.5)
    figure = timeline_figure(Timeline(case))
    assert figure.layout.yaxis.ticktext == ("<b>findings</b> 1",)
    assert figure.data[0].text == ("9.5",)
