"""Cards in a real JupyterLab: by day and by night, trusted and not, hostile text shown as text, a click that leads on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.cards.every import CARDS, HOSTILE, HOSTILE_NAMES, NAMES, hostile, ordinary
from tests.lab import Lab, Notebook, installed

nbf: Any = nbformat
PLACES = {name: place for place, name in enumerate(CARDS)}
SCROLLS = """(cards) => cards.filter((card) => card.scrollWidth > card.clientWidth + 1).map((card) => card.textContent.slice(0, 40))"""


def cards(root: Path) -> Any:
    """A notebook whose outputs are all cards of both cases, as somebody else's kernel made them."""
    cells = []
    for world, names in ((ordinary, NAMES), (hostile, HOSTILE_NAMES)):
        with world(root / world.__name__) as case:
            for name, made in CARDS.items():
                data, metadata = made(case, names)._repr_mimebundle_()
                output = nbf.v4.new_output("display_data", data, metadata=metadata)
                cells.append(nbf.v4.new_code_cell(f"# {name}", outputs=[output]))
    notebook = nbf.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


@pytest.fixture(scope="module")
def opened(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """That notebook in JupyterLab, which does not trust it."""
    root = tmp_path_factory.mktemp("cards")
    nbf.write(cards(root), root / "cards.ipynb")
    with lab.open(root / "cards.ipynb") as notebook:
        yield notebook


def shown(notebook: Notebook, place: int) -> str:
    notebook.output(place).locator(".fc-card, .fc-head").first.wait_for()
    return notebook.text(place)


def harmless(notebook: Notebook) -> None:
    """Nothing ran, nothing was asked for, and what is hostile can be read."""
    assert notebook.page.evaluate("window.owned") is None
    assert (notebook.foreign, notebook.console) == ([], [])
    assert notebook.page.locator(".jp-OutputArea img, .jp-OutputArea a, .jp-OutputArea script").count() == 0
    assert HOSTILE[:40] in shown(notebook, len(CARDS) + PLACES["principal"])


@installed
def test_cards_come_out_right_in_jupyterlab_trusted_or_not(opened: Notebook) -> None:
    assert "recorded" in shown(opened, PLACES["credential"])
    assert opened.page.locator(".jp-OutputArea .fc-card style").count() == 0
    harmless(opened)

    opened.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:trust'); }")
    opened.page.get_by_role("button", name="Trust").click()
    opened.page.locator(".jp-OutputArea style").first.wait_for(state="attached")

    harmless(opened)
    for theme in ("dark", "light"):
        opened.theme(theme)
        assert opened.page.locator(".fc-card").evaluate_all(SCROLLS) == []


@installed
def test_a_name_opens_to_a_call_that_a_click_puts_into_a_new_cell(opened: Notebook) -> None:
    place = PLACES["credential"]
    name = opened.output(place).locator("details.fc-go").first
    name.locator("summary").click()
    call = name.locator("code").first.inner_text()
    name.locator("button").first.click()
    opened.page.locator(".jp-Notebook .jp-Cell").nth(place + 1).get_by_text("case.").first.wait_for()

    source = "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.source"
    assert opened.page.evaluate(source) == call
    assert call.startswith("case.")
