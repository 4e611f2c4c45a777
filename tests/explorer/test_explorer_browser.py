"""The explorer in a real JupyterLab: what is clicked and typed shows what it should, and hostile text is only text."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.case import Case
from tests.explorer import world
from tests.explorer.world import BUCKET, DENIED, FINDING, HOSTILE, OUTSIDE, READS, ROLE
from tests.lab import PATIENCE, Lab, Notebook, installed

EVENTS = 16
_SET = "text => window.jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel.setSource(text)"

pytestmark = installed


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of its own: tags and notes are put on its events."""
    return world.made(tmp_path_factory.mktemp("browsed"))


@pytest.fixture(scope="module")
def opened(lab: Lab, root: Path) -> Iterator[Notebook]:
    """A notebook that shows the explorer, and has a second cell to paste into."""
    cells = [f"from forensics import Case\ncase = Case.open({str(root)!r})\nshown = case.explore()\nshown", "0"]
    with lab.open(cells, size=(1440, 900)) as notebook:
        notebook.page.set_default_timeout(40_000)
        run(notebook)
        yield notebook


@pytest.fixture
def seen(opened: Notebook) -> Notebook:
    """The explorer on the whole case."""
    while opened.page.locator(".fxe-chip").count():
        number = opened.page.locator(".fxe-chip").count()
        opened.page.locator(".fxe-chip button").first.click()
        opened.page.wait_for_function("number => document.querySelectorAll('.fxe-chip').length < number", arg=number)
    return opened


def run(notebook: Notebook) -> None:
    notebook.run(0)
    assert notebook.errors() == []
    notebook.page.locator(".fxe-brush .bars").first.wait_for(state="attached", timeout=1000 * PATIENCE)
    notebook.page.locator(".fxe-body tbody tr").first.wait_for(timeout=1000 * PATIENCE)


def events(notebook: Notebook, number: int) -> None:
    """Wait until so many events are shown, above the figure and under the table."""
    notebook.page.locator(".fxe-count b").get_by_text(f"{number}", exact=True).wait_for()
    notebook.page.locator(".fxe-where").get_by_text(
        re.compile(rf"^1–{number} of {number}$|^{number} events$")
    ).wait_for()


def row(notebook: Notebook, event_id: str) -> str:
    """The selector of an event's row."""
    return f'.fxe-body tr[data-id="{event_id}"]'


def choose(notebook: Notebook, text: str) -> None:
    """Type into the search box and take the first suggestion."""
    notebook.page.locator(".fxe-search").fill(text)
    notebook.page.locator(".fxe-option").first.wait_for()
    notebook.page.keyboard.press("Enter")


def test_a_name_that_is_typed_is_completed_and_narrows_the_events(seen: Notebook) -> None:
    seen.page.locator(".fxe-search").fill("orders")
    seen.page.locator(".fxe-option").get_by_text(ROLE).wait_for()
    seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("Enter")
    seen.page.locator(".fxe-chip").get_by_text(ROLE).wait_for()
    events(seen, READS + DENIED)
    assert seen.page.locator(".fxe-body tbody tr").count() == READS + DENIED


def test_escape_closes_the_suggestions_and_leaves_the_events(seen: Notebook) -> None:
    seen.page.locator(".fxe-search").fill("orders")
    seen.page.locator(".fxe-option").first.wait_for()
    seen.page.keyboard.press("Escape")
    assert seen.page.locator(".fxe-option:visible").count() == 0
    events(seen, EVENTS)


def test_a_drag_over_the_figure_is_a_window_and_the_whole_case_comes_back(seen: Notebook) -> None:
    place = seen.page.locator(".fxe-brush .nsewdrag").first.bounding_box()
    assert place
    middle = place["y"] + place["height"] / 2
    seen.page.mouse.move(place["x"] + place["width"] * 0.895, middle)
    seen.page.mouse.down()
    seen.page.mouse.move(place["x"] + place["width"] * 0.96, middle, steps=4)
    seen.page.mouse.move(place["x"] + place["width"] * 0.999, middle, steps=4)
    seen.page.mouse.up()
    seen.page.locator(".fxe-chip").get_by_text(re.compile("2026-11-05 09:2")).wait_for()
    events(seen, 2)
    seen.page.get_by_role("button", name="Whole case").click()
    events(seen, EVENTS)


def test_a_facet_narrows_and_leaves_out(seen: Notebook) -> None:
    facet = seen.page.locator(".fxe-item").filter(has_text="denied")
    facet.locator(".fxe-pick").click()
    events(seen, DENIED)
    facet.locator(".fxe-pick").click()
    events(seen, EVENTS)
    facet.hover()
    facet.locator(".fxe-without").click()
    events(seen, EVENTS - DENIED)
    seen.page.locator(".fxe-chip.fxe-not").get_by_text("denied").wait_for()


def test_the_keyboard_goes_through_the_table_pivots_and_comes_back(seen: Notebook) -> None:
    page = seen.page
    page.locator(row(seen, "read-0")).locator("td").first.click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Only this principal").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('tr').dataset.id") == "read-0"
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    events(seen, READS + DENIED)
    page.get_by_role("button", name="← Back").click()
    events(seen, EVENTS)
    page.get_by_role("button", name="Forward →").click()
    events(seen, READS + DENIED)


def test_the_record_beside_a_row_is_the_one_in_the_evidence(seen: Notebook) -> None:
    seen.page.locator(row(seen, "read-5")).locator("td").first.click()
    seen.page.locator("pre.fxe-raw").get_by_text('"eventID": "read-5"').wait_for()
    said = seen.page.locator(".fxe-pane").inner_text()
    assert "recorded" in said
    assert "same access key, address, API and window" in said
    seen.page.get_by_role("button", name="as acquired").click()
    seen.page.locator("pre.fxe-raw").get_by_text('"eventID":').wait_for()


def test_a_card_and_who_held_an_address_open_beside_the_table(seen: Notebook) -> None:
    cell = seen.page.locator(row(seen, "read-1")).locator("td.fxe-c-principal")
    cell.click()
    seen.page.get_by_role("menuitem", name="Its card").click()
    seen.page.locator(".fxe-title").get_by_text(ROLE).wait_for()
    seen.page.locator(row(seen, "read-1")).locator("td.fxe-c-source_ip").click()
    seen.page.get_by_role("menuitem", name="Who held it then").click()
    seen.page.locator(".fxe-title").get_by_text(f"{OUTSIDE} at 2026-11-05 09:11").wait_for()


def test_code_that_is_copied_runs_in_the_next_cell(seen: Notebook) -> None:
    choose(seen, BUCKET)
    events(seen, READS)
    seen.page.get_by_role("button", name="Copy code").click()
    seen.page.get_by_role("button", name="copied").wait_for()
    copied = seen.page.evaluate("navigator.clipboard.readText()")
    assert f".resource('{BUCKET}')" in copied
    seen.page.evaluate(_SET, f"{copied}.shape[0]")
    seen.run(1)
    assert seen.errors() == []
    assert seen.outputs(1)[-1]["data"]["text/plain"] == str(READS)


def test_a_window_without_events_says_whether_it_was_logged(seen: Notebook) -> None:
    choose(seen, OUTSIDE)
    seen.page.locator(".fxe-item").filter(has_text="denied").locator(".fxe-without").dispatch_event("click")
    seen.page.locator(".fxe-item").filter(has_text="success").locator(".fxe-without").dispatch_event("click")
    seen.page.locator(".fxe-item").filter(has_text="guardduty").first.locator(".fxe-without").dispatch_event("click")
    events(seen, 0)
    said = seen.page.locator(".fxe-empty").inner_text()
    assert "No event" in said
    assert "logged" in said
    assert seen.page.locator(".fxe-said .fxe-word").inner_text() in ("logged", "partly logged", "not logged", "unknown")


def test_hostile_text_is_text_wherever_it_is_shown(seen: Notebook) -> None:
    page = seen.page
    page.locator(".fxe-search").fill(HOSTILE)
    page.locator(".fxe-option").filter(has_text="arn:aws:iam:").click()
    events(seen, 1)
    page.get_by_role("button", name="Columns").click()
    unchosen = page.locator(".fxe-columns input:not(:checked)")
    while unchosen.count():
        unchosen.first.click()
    page.keyboard.press("Escape")
    page.locator(".fxe-body tbody tr td").first.click()
    page.locator("pre.fxe-raw").get_by_text("DROP TABLE").first.wait_for()
    page.locator("td.fxe-c-principal").click()
    page.get_by_role("menuitem", name="Its card").click()
    page.locator(".fxe-title").get_by_text("DROP TABLE").wait_for()
    page.get_by_role("tab", name="Code").click()
    choose(seen, FINDING)
    page.locator(".fxe-chip").get_by_text(FINDING).wait_for()
    assert page.locator(".fxe-root img, .fxe-root script, .fxe-brush img, .fxe-brush script").count() == 0
    assert "owned" not in page.title()


def test_what_is_tagged_and_noted_is_there_after_the_kernel_was_restarted(seen: Notebook, root: Path) -> None:
    page = seen.page
    page.locator(row(seen, "read-2")).locator("td").first.click()
    page.locator("pre.fxe-raw").get_by_text('"eventID": "read-2"').wait_for()
    page.locator(".fxe-newtag").fill("exfil")
    page.keyboard.press("Enter")
    page.locator(".fxe-tags .fxe-tag").get_by_text("exfil").wait_for()
    page.locator(".fxe-newnote").fill(f"Seen first here.\n{HOSTILE}")
    page.get_by_role("button", name="Add note").click()
    page.locator(".fxe-note").get_by_text("Seen first here.").wait_for()
    page.locator(row(seen, "read-2")).get_by_text("exfil").wait_for()
    with Case.open(root) as case:
        assert case.notes.tags() == {"exfil": 1}
    seen.restart()
    run(seen)
    page.locator(row(seen, "read-2")).get_by_text("exfil").wait_for()
    page.locator(row(seen, "read-2")).locator("td").first.click()
    page.locator(".fxe-note").get_by_text("Seen first here.").wait_for()
    assert "owned" not in page.title()


def test_the_page_had_nothing_to_complain_of_and_asked_for_nothing_elsewhere(opened: Notebook) -> None:
    assert opened.console == []
    assert opened.foreign == []
