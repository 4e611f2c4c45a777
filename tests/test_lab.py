"""JupyterLab in a browser: what the harness of the browser tests does, and that the tours run there."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import ROOT, Lab, Notebook, asked_of, installed, serving

HOSTILE = "<script>window.owned = 1</script><img src=http://collect.example/x onerror='window.owned = 1'>\x1b[31m\u202e"

CELLS = (
    "6 * 7",
    """import ipywidgets
button, answer = ipywidgets.Button(description="Ask"), ipywidgets.Label("nothing yet")
button.on_click(lambda _: setattr(answer, "value", "it answers"))
ipywidgets.VBox([button, answer])""",
    """import anywidget, traitlets
class Counter(anywidget.AnyWidget):
    _esm = '''export default { render({ model, el }) {
      const button = document.createElement("button");
      const show = () => { button.textContent = `clicked ${model.get("value")}`; };
      button.onclick = () => { model.set("value", model.get("value") + 1); model.save_changes(); };
      model.on("change:value", show); show(); el.append(button);
    } }'''
    value = traitlets.Int(0).tag(sync=True)
counter = Counter()
counter""",
    """import plotly.graph_objects as go
go.FigureWidget(go.Scatter(y=[1, 3, 2], mode="lines+markers"))""",
    f"""import pandas
from forensics.report.display import show_table
show_table(pandas.DataFrame({{"user agent": [{HOSTILE!r}]}}))""",
    "counter.value",
)


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[Notebook]:
    """A small notebook, run once."""
    with lab.open(CELLS) as opened:
        opened.run()
        yield opened


@installed
def test_cells_run_and_their_outputs_are_read(notebook: Notebook) -> None:
    assert notebook.errors() == []
    assert notebook.outputs(0)[0]["data"] == {"text/plain": "42"}
    assert "42" in notebook.text(0)


@installed
def test_a_button_that_is_clicked_answers(notebook: Notebook) -> None:
    notebook.output(1).get_by_role("button", name="Ask").click()
    notebook.output(1).get_by_text("it answers").wait_for()


@installed
def test_a_widget_with_a_script_of_its_own_changes_what_the_kernel_knows(notebook: Notebook) -> None:
    notebook.output(2).get_by_role("button", name="clicked 0").click()
    notebook.output(2).get_by_role("button", name="clicked 1").wait_for()
    notebook.run(5)
    assert notebook.text(5).endswith("1")


@installed
def test_a_figure_is_drawn(notebook: Notebook) -> None:
    points = notebook.output(3).locator(".scatterlayer .point")
    points.first.wait_for()
    assert points.count() == 3


@installed
def test_a_hostile_value_is_text_and_nothing_is_asked_for_beyond_this_machine(notebook: Notebook) -> None:
    notebook.output(4).get_by_text("window.owned = 1").first.wait_for()
    assert notebook.page.evaluate("window.owned") is None
    assert notebook.output(4).locator("img, script").count() == 0
    assert (notebook.foreign, notebook.console) == ([], [])


@installed
def test_a_picture_is_taken_by_day_and_by_night(notebook: Notebook, tmp_path: Path) -> None:
    day = notebook.screenshot(tmp_path / "day.png", 3).read_bytes()
    notebook.theme("dark")
    night = notebook.screenshot(tmp_path / "night.png", 3).read_bytes()
    notebook.theme("light")
    assert day[:4] == night[:4] == b"\x89PNG"
    assert day != night


GROUND = """(element) => {
  const ink = getComputedStyle(element).color;
  while (getComputedStyle(element).backgroundColor === 'rgba(0, 0, 0, 0)') { element = element.parentElement; }
  return [ink, getComputedStyle(element).backgroundColor];
}"""


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@installed
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_table_can_be_read_by_day_and_by_night(notebook: Notebook, theme: str) -> None:
    notebook.theme(theme)
    for place in ("td", "th"):
        shades = notebook.output(4).locator(place).first.evaluate(GROUND)
        dark, light = sorted(map(luminance, shades))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (place, shades)


@installed
def test_an_error_is_seen_and_a_request_to_another_host_is_told_of(lab: Lab) -> None:
    cells = ["from IPython.display import HTML; HTML('<img src=http://collect.example/x>')", "1 / 0"]
    with lab.open(cells) as opened:
        opened.run()
        assert opened.errors() == ["ZeroDivisionError: division by zero"]
        assert set(opened.foreign) == {"http://collect.example/x"}


@installed
def test_a_restarted_kernel_knows_nothing_any_more_and_is_gone_when_the_notebook_is_closed(lab: Lab) -> None:
    before = {kernel["id"] for kernel in lab.kernels()}
    with lab.open(["held = 1", "held"]) as opened:
        opened.run()
        opened.restart()
        opened.run(1)
        assert opened.errors() == ["NameError: name 'held' is not defined"]
    assert {kernel["id"] for kernel in lab.kernels()} == before


def test_a_server_that_is_stopped_leaves_no_process(tmp_path: Path) -> None:
    with serving(tmp_path / "lab") as (url, token):
        asked_of(f"{url}api/kernels", token, "POST")
        assert len(processes(tmp_path)) >= 2
    until = time.monotonic() + 10
    while processes(tmp_path) and time.monotonic() < until:
        time.sleep(0.2)
    assert processes(tmp_path) == []


def processes(place: Path) -> list[str]:
    """Processes whose command line or home lies in a directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(place).encode() in told:
            found.append(process.name)
    return found


@installed
@pytest.mark.parametrize("tour", ["01-open-a-case.ipynb"])
def test_a_tour_runs_in_jupyterlab_without_an_error(lab: Lab, tour: str) -> None:
    with lab.open(ROOT / "notebooks" / tour) as opened:
        opened.run()
        assert opened.errors() == []
        assert (opened.foreign, opened.console) == ([], [])
