"""What an answer says of its own window: how much was logged, of which logs, and what an empty answer means."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.coverage import BESIDES
from forensics.covered import percent
from forensics.errors import UnknownName, UsageError
from forensics.report.display import show_table
from forensics.timeline import Timeline
from forensics.views.drawing import drawn_from
from forensics.views.heat import heat_figure
from tests.fresh import fresh_case
from tests.views.worlds import add_coverage

DAY = ("2026-03-01", "2026-03-02")
STOP = "StopLogging by arn:aws:iam::111122223333:user/x"


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Two days of three logs in two accounts; the sixth hour of a day is missing, the seventh switched off."""
    with fresh_case(tmp_path / "case") as made:
        add_coverage(made, hours=48)
        yield made


def test_a_whole_window_is_logged(case: Case) -> None:
    badge = case.coverage("cloudtrail", start="2026-03-01T00:00", end="2026-03-01T05:00").badge
    assert str(badge) == "logged: cloudtrail: logged 100 % of 5 h"


def test_a_window_with_gaps_names_them_with_their_causes(case: Case) -> None:
    found = case.coverage("cloudtrail", account="111122223333", start=DAY[0], end=DAY[1])
    assert str(found.badge) == (
        "partly logged: cloudtrail: logged 92 % of 24 h; 1 h switched off (StopLogging);"
        " 1 h missing (no object between two digests)"
    )


def test_a_log_in_several_places_counts_the_hours_of_each(case: Case) -> None:
    assert case.coverage("cloudtrail", start=DAY[0], end=DAY[1]).badge.sentence.startswith(
        "cloudtrail: logged 92 % of 24 h in 2 places; 2 h switched off"
    )


def test_a_part_of_an_hour_that_was_off_is_counted_by_the_minute(case: Case) -> None:
    case.connection.execute(
        "UPDATE coverage SET since = hour + INTERVAL 30 MINUTE, until = hour + INTERVAL 1 HOUR WHERE status = 'switched_off'"
    )
    one = case.coverage("cloudtrail", account="111122223333", start="2026-03-01T06:00", end="2026-03-01T07:00")
    assert one.badge.sentence == "cloudtrail: logged 50 % of 1 h; 30 min switched off (StopLogging)"
    assert one.between("2026-03-01T06:00", "2026-03-01T06:30").badge.word == "logged"
    assert one.between("2026-03-01T06:30", "2026-03-01T06:40").badge.word == "not logged"


def test_hours_with_records_that_are_not_whole_are_said_and_are_no_whole_window(case: Case) -> None:
    case.connection.execute(
        "UPDATE coverage SET cause = 'narrowed' WHERE status = 'present' AND hour < '2026-03-01 02:00'"
    )
    one = case.coverage("cloudtrail", account="111122223333", start="2026-03-01T00:00", end="2026-03-01T04:00")
    assert str(one.badge) == "partly logged: cloudtrail: logged 100 % of 4 h; 2 h of that not whole (narrowed)"
    assert one.badge.of_nothing.startswith("No event, which does not mean that nothing happened")
    assert one.between("2026-03-01T02:00", "2026-03-01T04:00").badge.word == "logged"


def test_what_is_to_be_said_of_the_rest_of_an_hour_that_was_off_in_part_is_said_of_that_rest(case: Case) -> None:
    case.connection.execute(
        "UPDATE coverage SET until = hour + INTERVAL 30 MINUTE, cause = cause || ?, records = 1 WHERE status = 'switched_off'",
        [f"{BESIDES}narrowed"],
    )
    one = case.coverage("cloudtrail", account="111122223333", start="2026-03-01T06:00", end="2026-03-01T07:00")
    assert one.badge.sentence == (
        "cloudtrail: logged 50 % of 1 h; 30 min of that not whole (narrowed); 30 min switched off (StopLogging)"
    )


def test_hours_beyond_the_evidence_are_unknown(case: Case) -> None:
    found = case.coverage("cloudtrail", account="111122223333", start="2026-03-02T20:00", end="2026-03-03T04:00")
    assert found.badge.sentence == (
        "cloudtrail: logged 50 % of 8 h; 4 h unknown (outside the hours that the evidence spans)"
    )


def test_a_log_that_is_not_in_evidence_is_unknown_and_not_silent(case: Case) -> None:
    badge = Timeline(case).source("waf").between(*DAY).coverage().badge
    assert badge.word == "unknown"
    assert badge.of_nothing == (
        "No event, which does not mean that nothing happened: unknown: waf: logged 0 % of 24 h; 24 h unknown"
        " (no record of it is in evidence, and nothing says whether it was on)."
    )


def test_an_empty_answer_over_a_logged_window_says_that_it_was_logged(case: Case) -> None:
    timeline = Timeline(case).source("cloudtrail").between("2026-03-01T00:00", "2026-03-01T05:00")
    shown = show_table(timeline, columns=["time"])
    assert shown.text.endswith("No event, and the window was logged: cloudtrail: logged 100 % of 5 h.")


def test_a_timeline_is_held_to_the_places_that_its_narrowing_names(case: Case) -> None:
    lambda_arn = "arn:aws:lambda:eu-west-1:444455556666:function:x"
    found = Timeline(case).resource(lambda_arn).between(*DAY).coverage()
    assert (found.scope.accounts, found.scope.regions) == (("444455556666",), ("eu-west-1",))
    assert {row[1] for row in found.rows()} == {"444455556666"}
    assert Timeline(case).resource("i-0example").coverage().scope.accounts == ()


def test_windows_that_are_narrowed_twice_are_cut(case: Case) -> None:
    scope = Timeline(case).between("2026-03-01", "2026-03-03").between("2026-03-02").scope
    assert (str(scope.start), str(scope.end)) == ("2026-03-02 00:00:00", "2026-03-03 00:00:00")


def test_an_empty_figure_says_what_that_means_and_draws_hostile_causes_as_text(case: Case) -> None:
    case.connection.execute("UPDATE coverage SET cause = '<b>x</b>$1$' WHERE status = 'missing'")
    figure = heat_figure(Timeline(case).source("cloudtrail").between(*DAY))
    text = figure.layout.title.subtitle.text
    assert text.startswith("No event, which does not mean that nothing happened: partly logged")
    assert "<b>" not in text and "$1$" not in text and "&lt;b&gt;x" in text


def test_a_figure_bears_its_coverage_under_its_subtitle(case: Case) -> None:
    from tests.views.worlds import add_many

    add_many(case, 12)
    figure = heat_figure(Timeline(case))
    assert figure.layout.title.subtitle.text.endswith(
        "<br>coverage, partly logged: cloudtrail 92 %, guardduty 92 %, vpc_flow 92 %"
    )
    assert drawn_from.__doc__


def test_coverage_is_narrowed_shown_and_refused_like_a_timeline(case: Case) -> None:
    found = case.coverage("cloudtrail", account="111122223333", region="eu-west-1", start="2026-03-01T05:30")
    assert list(found.df()["status"][:3]) == ["missing", "switched_off", "present"]
    assert "partly logged" in found._repr_html_()
    with pytest.raises(UnknownName):
        case.coverage("clodtrail")
    with pytest.raises(UsageError, match="the window is empty"):
        case.coverage(start="2026-03-02", end="2026-03-01")


@pytest.mark.parametrize(
    ("part", "whole", "said"), [(0, 10, "0 %"), (1, 1000, "1 %"), (999, 1000, "99 %"), (10, 10, "100 %"), (0, 0, "0 %")]
)
def test_a_share_is_never_rounded_to_all_or_nothing(part: int, whole: int, said: str) -> None:
    assert percent(part, whole) == said


def test_hours_that_a_window_touches_are_covered_at_either_end(case: Case) -> None:
    found = case.coverage("cloudtrail", account="111122223333", start="2026-03-01T05:59:59", end="2026-03-01T07:00:01")
    assert sorted({row[3].hour for row in found.rows()}) == [5, 6, 7]
    assert len({row[3] for row in case.coverage(start="0001-01-01", end="2026-03-01T01:00").rows()}) == 1
