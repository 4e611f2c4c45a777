"""The tours as a reader has them: opened in JupyterLab in a browser, as they are stored and run anew."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab import Lab, Notebook, installed, lab
from tests.tours import IGNORED, NOTEBOOKS, TOURS, plain, read

__all__ = ["lab"]

RUN = [pytest.param(path, marks=[] if path.name.startswith("02") else pytest.mark.long) for path in TOURS]
"""One is run in every run, all with `-m long`."""

_WHOLE = "() => [...document.querySelectorAll('.jp-RenderedMarkdown img')].every((image) => image.complete)"
_BROKEN = """() => [...document.querySelectorAll('.jp-RenderedMarkdown img')]
  .filter((image) => !image.naturalWidth).map((image) => image.src)"""
_DRAWN = "(count) => document.querySelectorAll('.jp-Notebook .js-plotly-plot .main-svg').length >= count"
_WIDER = """() => [...document.querySelectorAll('.jp-RenderedMarkdown, .jp-RenderedText')]
  .filter((each) => each.scrollWidth > each.clientWidth + 2).map((each) => each.textContent.slice(0, 80))"""


@contextmanager
def opened(lab: Lab, path: Path) -> Iterator[Notebook]:
    """A copy of the tour, with the images beside it."""
    shutil.copytree(NOTEBOOKS / "images", lab.root / "images", dirs_exist_ok=True)
    with lab.open(path) as notebook:
        yield notebook


def calm(notebook: Notebook) -> None:
    """Nothing was asked for elsewhere, and the page complained of nothing."""
    assert notebook.foreign == []
    assert notebook.console == []


@installed
@pytest.mark.parametrize("path", TOURS, ids=lambda path: path.stem)
def test_a_tour_shows_its_stored_outputs(lab: Lab, path: Path) -> None:
    tour = read(path)
    figures = sum(
        "application/vnd.plotly.v1+json" in item.get("data", {}) for c in tour.cells for item in c.get("outputs", ())
    )
    with opened(lab, path) as notebook:
        assert notebook.cell(0).inner_text().startswith(tour.cells[0].source.partition("\n")[0].removeprefix("# "))
        notebook.page.wait_for_function(_DRAWN, arg=figures)
        notebook.page.wait_for_function(_WHOLE)
        assert notebook.page.evaluate(_BROKEN) == []
        assert notebook.page.evaluate(_WIDER) == []
        calm(notebook)


@installed
@pytest.mark.parametrize("path", RUN, ids=[path.stem for path in TOURS])
def test_a_tour_runs_from_top_to_bottom_and_comes_out_as_it_is_stored(lab: Lab, path: Path) -> None:
    tour = read(path)
    with opened(lab, path) as notebook:
        notebook.run(seconds=300)
        assert notebook.errors() == []
        for place, cell in enumerate(tour.cells):
            if cell.cell_type == "code" and IGNORED not in cell.metadata.get("tags", []):
                assert plain(notebook.outputs(place)) == plain(cell.outputs), cell.source
        explorers = sum(
            "explorer\n" in f"{cell.source}\n" and IGNORED in cell.metadata.get("tags", []) for cell in tour.cells
        )
        assert notebook.page.locator(".fxe-app").count() == explorers
        calm(notebook)
