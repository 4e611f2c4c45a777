"""What every figure must do, whichever it is: the registry is walked, newcomers included."""

import inspect
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import plotly.graph_objects as go
import pytest

from forensics.case import Case
from forensics.timeline import Timeline
from forensics.views import views
from tests.views.worlds import KEY, add_coverage, add_finding, add_hostile, add_many, add_morning, add_row

ALL = sorted(views())
OWN_TAGS = {"<b>", "</b>", "<br>", "<extra>", "</extra>", "</span>"}


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


def draw(name: str, case: Case) -> go.Figure:
    view: Callable[..., go.Figure] = views()[name]
    first = next(iter(inspect.signature(view).parameters))
    return view(case if first == "case" else Timeline(case))


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def under(key: str, value: object) -> Iterator[object]:
    """Every value of that key, however deep."""
    if isinstance(value, dict):
        yield from (item for name, item in value.items() if name == key)
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from under(key, item)


def test_the_figures_of_the_report_are_found() -> None:
    assert {"coverage", "findings", "flows", "heat", "lineage", "talk", "timeline"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_it_takes_a_timeline_or_a_case_first_and_says_what_it_draws(name: str) -> None:
    view = views()[name]
    assert next(iter(inspect.signature(view).parameters)) in ("timeline", "case")
    assert view.__doc__


@pytest.mark.parametrize("name", ALL)
def test_it_draws_a_morning(name: str, case: Case) -> None:
    add_morning(case)
    figure = draw(name, case)
    assert figure.data
    assert figure.layout.height >= 180


@pytest.mark.parametrize("name", ALL)
def test_it_says_utc_on_its_axis_of_time_or_in_its_title(name: str, case: Case) -> None:
    add_morning(case)
    figure = draw(name, case)
    titles = [axis.title.text for axis in figure.select_xaxes()]
    assert "time, UTC" in titles or figure.layout.title.text.endswith(" UTC")


@pytest.mark.parametrize("name", ALL)
def test_it_draws_a_single_event(name: str, case: Case) -> None:
    at = datetime(2026, 3, 1, 8)
    add_row(case, "cloudtrail", event_id="one", event_time=at, event_source="s3.amazonaws.com", event_name="GetObject")
    if name in ("flows", "geography", "talk"):
        add_row(case, "vpc_flow", srcaddr="10.0.1.5", dstaddr="203.0.113.7", bytes=10, start=at, action="ACCEPT")
    if name == "lineage":
        add_row(case, "cloudtrail", event_id="two", event_time=at, user_identity_access_key_id=KEY)
    if name == "findings":
        add_finding(case, "made-up-finding", severity=8.0)
    if name == "coverage":
        add_coverage(case, hours=1)
    assert draw(name, case).data


@pytest.mark.parametrize("name", ALL)
def test_of_an_empty_case_it_says_that_there_are_no_events(name: str, case: Case) -> None:
    figure = draw(name, case)
    assert not figure.data
    assert figure.layout.annotations[0].text.startswith("no events")


@pytest.mark.parametrize("name", ALL)
def test_it_is_the_same_figure_twice(name: str, case: Case) -> None:
    add_morning(case)
    assert draw(name, case).to_json() == draw(name, case).to_json()


@pytest.mark.parametrize("name", ALL)
def test_text_from_logs_is_escaped_and_its_control_characters_shown(name: str, case: Case) -> None:
    add_hostile(case)
    texts = list(strings(json.loads(draw(name, case).to_json())))
    tags = {tag for text in texts for tag in re.findall(r"<[^>]*>", text)}
    assert {tag for tag in tags if not tag.startswith("<span style=")} <= OWN_TAGS
    assert not any(character in text for text in texts for character in "\x1b\u202e")
    assert any("&lt;a href=" in text and "␛" in text for text in texts)


@pytest.mark.parametrize("name", ALL)
def test_text_from_logs_is_in_no_hover_template(name: str, case: Case) -> None:
    add_hostile(case)
    templates = list(under("hovertemplate", json.loads(draw(name, case).to_json())))
    assert templates
    assert not any("%{y} " in str(template) for template in templates)


@pytest.mark.parametrize("name", ALL)
def test_of_a_million_events_it_adds_less_than_300_kb(name: str, million: Case) -> None:
    assert len(draw(name, million).to_json().encode()) < 300_000


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with Case.create(tmp_path_factory.mktemp("million") / "case") as made:
        add_many(made, 1_000_000)
        add_coverage(made, hours=24 * 90)
        yield made
