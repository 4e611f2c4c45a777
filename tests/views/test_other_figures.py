"""Flows, findings and coverage: what each shows of made-up cases."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.timeline import Timeline
from forensics.views.coverage import coverage_figure
from forensics.views.findings import findings_figure
from forensics.views.flows import flows_figure
from tests.views.worlds import add_coverage, add_finding, add_row


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


def flow(case: Case, source: str, destination: str, octets: int, *, action: str = "ACCEPT") -> None:
    at = datetime(2026, 3, 1, 8)
    add_row(case, "vpc_flow", srcaddr=source, dstaddr=destination, bytes=octets, start=at, action=action)


def headings(case: Case) -> list[str]:
    return [note.text for note in flows_figure(Timeline(case)).layout.annotations]


def test_bytes_out_and_in_are_told_apart_by_which_end_is_private(case: Case) -> None:
    flow(case, "10.0.1.5", "203.0.113.7", 2_000)
    flow(case, "203.0.113.7", "10.0.1.5", 300)
    flow(case, "10.0.1.5", "10.0.2.9", 40)
    assert headings(case) == [
        "<b>2.0 kB</b> sent to outside addresses, flow logs, 1 address",
        "<b>300 B</b> received from outside addresses, flow logs, 1 address",
        "<b>40 B</b> between private addresses, flow logs, 1 address",
    ]


def test_the_address_of_a_carrier_grade_nat_is_private_and_its_neighbour_is_not(case: Case) -> None:
    flow(case, "100.64.0.1", "100.128.0.1", 10)
    assert headings(case) == ["<b>10 B</b> sent to outside addresses, flow logs, 1 address"]


def test_rejected_flows_are_counted_but_their_bytes_are_not(case: Case) -> None:
    flow(case, "10.0.1.5", "203.0.113.7", 2_000)
    flow(case, "10.0.1.5", "203.0.113.7", 9_000, action="REJECT")
    figure = flows_figure(Timeline(case))
    assert [list(trace.y) for trace in figure.data] == [[2_000]]
    assert figure.layout.title.subtitle.text.endswith("1 rejected flow left out")


def test_bytes_that_s3_sent_have_a_panel_of_their_own_by_callers_address(case: Case) -> None:
    call = {"event_time": datetime(2026, 3, 1, 8), "event_source": "s3.amazonaws.com"}
    add_row(case, "cloudtrail", **call, source_ip_address="203.0.113.7", bytes_transferred_out=5000.0)
    assert headings(case) == ["<b>5.0 kB</b> sent by S3 and other services, by caller's address, 1 address"]


def test_addresses_beyond_the_named_ones_are_summed_as_others(case: Case) -> None:
    for number in range(10):
        flow(case, "10.0.1.5", f"203.0.113.{number}", 100 - number)
    figure = flows_figure(Timeline(case))
    assert [trace.name for trace in figure.data] == [
        *(f"203.0.113.{number}" for number in range(7)),
        "all others",
    ]
    assert list(figure.data[-1].y) == [93 + 92 + 91]


def test_findings_are_lanes_by_type_with_the_most_severe_on_top(case: Case) -> None:
    add_finding(case, "low", severity=2.0)
    add_finding(case, "high", severity=8.0)
    case.connection.execute("UPDATE finding SET type = 'Other:Type' WHERE finding_id = 'high'")
    figure = findings_figure(Timeline(case))
    assert figure.layout.yaxis.ticktext == ("Other:Type", "Made:Up/Type")
    assert [trace.name for trace in figure.data if trace.name] == ["high", "low"]


def test_a_finding_that_cites_an_event_of_the_timeline_is_drawn(case: Case) -> None:
    con = case.connection
    add_row(case, "cloudtrail", event_id="made-up-event", event_time=datetime(2026, 3, 1))
    con.execute(
        "INSERT INTO finding (finding_id, source, time) VALUES ('rule', 'rule', TIMESTAMP '2026-03-01 00:00:00')"
    )
    con.execute("INSERT INTO finding_evidence VALUES ('rule', 'made-up-event', 'matched')")
    assert findings_figure(Timeline(case)).layout.title.text == "1 finding of 1 type"
    assert not findings_figure(Timeline(case).source("guardduty")).data


def test_coverage_has_a_row_per_source_account_and_region_and_a_cell_per_hour(case: Case) -> None:
    add_coverage(case, hours=48)
    figure = coverage_figure(case)
    assert figure.data[0].z.shape == (6, 48)
    assert figure.layout.yaxis.ticktext[0] == "cloudtrail 111122223333 eu-west-1"
    words = figure.data[0].hovertext[0][4:7]
    assert words == ["present", "missing: no object between two digests", "switched_off: StopLogging"]


def test_a_cell_of_several_hours_shows_the_most_alarming_of_them(case: Case) -> None:
    add_coverage(case, hours=24 * 90)
    heat = coverage_figure(case).data[0]
    assert heat.z.shape == (6, 720)
    assert [words.partition(":")[0] for words in heat.hovertext[0][:3]] == [
        "present",
        "missing",
        "switched_off",
    ]
    assert heat.customdata[0][0] == 100 + 101 + 102


def test_hours_that_coverage_says_nothing_of_are_left_white(case: Case) -> None:
    add_coverage(case, hours=3)
    case.connection.execute("DELETE FROM coverage WHERE hour = ? AND source = 'cloudtrail'", [datetime(2026, 3, 1, 1)])
    heat = coverage_figure(case).data[0]
    assert list(heat.z[0] == 0) == [False, True, False]
    assert heat.hovertext[0][1] == "no statement"
