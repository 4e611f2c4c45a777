"""Live payloads in every text field of an incident's logs: no report, notebook or terminal runs any of it."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from forensics import evidence
from forensics.case import Case
from forensics.cli import main
from forensics.errors import ForensicsError
from forensics.load import load
from forensics.playbook import playbook
from forensics.report.display import show_answer, show_table, show_text
from forensics.simulate import simulate
from tests.hostile.payloads import PAYLOADS, poisoned
from tests.hostile.traps import trapped
from tests.lab import PATIENCE, Lab, Notebook, installed

OWNED = Path("/tmp/forensics-owned")
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
nbf: Any = nbformat


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A case of poisoned logs, and the truth of what happened."""
    root = tmp_path_factory.mktemp("live")
    OWNED.unlink(missing_ok=True)
    truth = simulate("lambda-credential-theft", root / "incident", seed=7, scale=0.1)
    poisoned(truth.parent / "logs")
    with Case.create(root / "case") as case:
        evidence.add(case, truth.parent / "logs")
        load(case, workers=1)
    return root / "case", json.loads(truth.read_bytes())


def reported(incident: tuple[Path, dict[str, Any]], name: str, out: Path, **parameters: Any) -> Path:
    return playbook(name).run(incident[0], parameters, out).report


def attack(report: Path, *, policy: bool) -> list[str]:
    """What the report does when it is opened and clicked through."""
    with trapped(report, policy=policy) as opened:
        opened.page.wait_for_timeout(500)
        opened.click_through()
        return opened.all()


def test_payloads_load_and_stay_as_they_were_written(incident: tuple[Path, dict[str, Any]]) -> None:
    with Case.open(incident[0]) as case:
        agents = "\n".join(str(row[0]) for row in case.sql("SELECT DISTINCT user_agent FROM event").rows())
        names = "\n".join(str(row[0]) for row in case.sql("SELECT DISTINCT principal FROM event").rows())
    assert sum(text in agents for text in PAYLOADS) > len(PAYLOADS) / 2
    assert any(text in names for text in PAYLOADS)


@installed
def test_a_report_of_payloads_does_nothing_even_without_its_policy(
    incident: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    report = reported(incident, "account-first-look", tmp_path / "out")
    assert attack(report, policy=False) == []
    assert not OWNED.exists()


LONG = (
    "account-first-look",
    "log-readiness",
    "s3-exfiltration",
    "credential-theft",
    "iam-persistence",
    "egress-and-dns",
)


@pytest.mark.long
@installed
@pytest.mark.parametrize("name", LONG)
def test_every_report_of_payloads_does_nothing(
    name: str, incident: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    report = reported(incident, name, tmp_path / "out")
    assert attack(report, policy=True) == []
    assert attack(report, policy=False) == []
    assert not OWNED.exists()


@pytest.mark.parametrize("place", [16, 17, 18, 23])
def test_a_payload_as_parameter_is_a_value_and_no_code(
    place: int, incident: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    with contextlib.suppress(ForensicsError):  # that there is no such function may be said
        reported(incident, "lambda-credential-theft", tmp_path / "out", workload=f"orders-fn{PAYLOADS[place]}")
    assert not OWNED.exists()


def test_no_command_writes_what_acts_on_a_terminal(
    incident: tuple[Path, dict[str, Any]], capfd: pytest.CaptureFixture[str]
) -> None:
    case = str(incident[0])
    for command in (
        ["timeline", case],
        ["sql", case, "SELECT * FROM cloudtrail LIMIT 200"],
        ["sql", case, "SELECT uri, reason FROM evidence"],
        ["coverage", case],
        ["show", case, "nothing\x1b]52;c;eA==\x07"],
        ["who", case, "\x1b[2J203.0.113.5"],
    ):
        with contextlib.suppress(SystemExit):
            main(command)
        out, err = capfd.readouterr()
        assert not ACTS.search(out), command
        assert not ACTS.search(err), command


def outputs() -> Iterator[Any]:
    for shown in (
        show_answer,
        show_text,
        lambda text: show_table(pd.DataFrame({"a": [text], text: ["b"]}), caption=text),
    ):
        for text in PAYLOADS:
            data, metadata = shown(text)._repr_mimebundle_()
            yield nbf.v4.new_output("display_data", data, metadata=metadata)


def trust(notebook: Notebook) -> None:
    notebook.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:trust'); }")
    notebook.page.locator(".jp-Dialog button.jp-mod-warn, .jp-Dialog button.jp-mod-accept").first.click()
    notebook.page.locator(".jp-Dialog").wait_for(state="detached")


@installed
def test_log_text_is_neither_run_nor_typeset_in_jupyterlab_trusted_or_not(lab: Lab, tmp_path: Path) -> None:
    texts = "2026/11/05/[$LATEST]0123 then [$LATEST]4567"
    cells = [nbf.v4.new_code_cell("x", outputs=[item]) for item in outputs()]
    data, metadata = show_text(texts)._repr_mimebundle_()
    cells.append(nbf.v4.new_code_cell("x", outputs=[nbf.v4.new_output("display_data", data, metadata=metadata)]))
    made = nbf.v4.new_notebook(cells=cells)
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbf.write(made, tmp_path / "payloads.ipynb")
    with lab.open(tmp_path / "payloads.ipynb") as notebook:
        for trusted in (False, True):
            if trusted:
                trust(notebook)
            notebook.page.wait_for_timeout(2_000)
            assert notebook.page.evaluate("() => window.__fired") is None
            assert notebook.page.locator(".jp-OutputArea mjx-container").count() == 0
            assert (
                notebook.page.locator(".jp-RenderedHTML :is(img, script, iframe, form, a, svg, base, meta)").count()
                == 0
            )
            assert texts in notebook.text(len(cells) - 1)
            assert (notebook.foreign, notebook.console) == ([], [])


@installed
def test_the_executed_notebook_of_a_playbook_runs_no_payload_trusted_or_not(
    incident: tuple[Path, dict[str, Any]], lab: Lab, tmp_path: Path
) -> None:
    reported(incident, "account-first-look", tmp_path / "out")
    with lab.open(tmp_path / "out" / "notebook.ipynb") as notebook:
        notebook.page.wait_for_timeout(3_000)
        trust(notebook)
        notebook.page.wait_for_timeout(3_000)
        assert "window.__fired" in notebook.page.locator(".jp-Notebook").inner_text()
        assert notebook.page.evaluate("() => window.__fired") is None
        assert notebook.foreign == []
    assert not OWNED.exists()


@installed
def test_the_explorer_runs_no_payload(incident: tuple[Path, dict[str, Any]], lab: Lab) -> None:
    cell = f"from forensics import Case\nCase.open({str(incident[0])!r}).explore()"
    with lab.open([cell], size=(1440, 900)) as notebook:
        notebook.run(0)
        page = notebook.page
        rows = page.locator(".fxe-body tbody tr")
        rows.first.wait_for(timeout=1000 * PATIENCE)
        for place in range(0, rows.count(), 7):
            rows.nth(place).click()
            page.wait_for_timeout(300)
        page.locator(".fxe-search").fill("window")
        page.locator(".fxe-option").first.wait_for(timeout=1000 * PATIENCE)
        assert "window.__fired" in page.locator(".fxe-option").first.inner_text()
        page.locator(".fxe-option").first.hover()
        page.keyboard.press("Enter")
        page.locator(".fxe-chip").first.wait_for(timeout=1000 * PATIENCE)
        for axis in page.locator(".ytick text").all()[:5]:
            axis.hover(force=True)
        assert page.evaluate("() => window.__fired") is None
        assert (notebook.foreign, notebook.errors()) == ([], [])
    assert not OWNED.exists()
