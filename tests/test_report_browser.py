"""The report in a real browser, where one is installed: it draws, it says nothing amiss, it reaches for nothing."""

import inspect
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from forensics.analysis.statement import Citation, Statement
from forensics.case import Case
from forensics.errors import UsageError
from forensics.playbook import playbook
from forensics.report.display import Shown, show_answer, show_statements, show_table, show_text
from forensics.report.exporter import html
from forensics.report.pdf import BROWSERS, browser, print_pdf
from forensics.timeline import Timeline
from forensics.views import views
from tests.playbooks.runs import parsed
from tests.views.worlds import add_hostile, add_morning

nbf: Any = nbformat
FOUND = next((path for name in BROWSERS if (path := shutil.which(name))), None)
installed = pytest.mark.skipif(FOUND is None, reason=f"none of {', '.join(BROWSERS)} is installed")

HOSTILE = (
    "</script></style><script>document.title = 'owned'</script><img src=http://collect.example/x onerror=\"document.title"
    " = 'owned'\"><link rel=stylesheet href=//collect.example/y>\x1b]8;;http://collect.example\x07\u202e"
)


def cell(item: Shown) -> Any:
    data, metadata = item._repr_mimebundle_()
    return nbf.v4.new_code_cell(HOSTILE, outputs=[nbf.v4.new_output("display_data", data, metadata=metadata)])


def raw(kind: str) -> Any:
    return nbf.v4.new_code_cell("x", outputs=[nbf.v4.new_output("display_data", {kind: HOSTILE})])


def figures(case: Case) -> list[Any]:
    made = []
    for view in views().values():
        first = next(iter(inspect.signature(view).parameters))
        drawn = json.loads(view(case if first == "case" else Timeline(case)).to_json())
        output = nbf.v4.new_output("display_data", {"application/vnd.plotly.v1+json": drawn})
        made.append(nbf.v4.new_code_cell("x", outputs=[output]))
    return made


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which everything that can be hostile is, and every figure of a hostile and of an ordinary case."""
    root = tmp_path_factory.mktemp("browser")
    cited = Citation(HOSTILE, HOSTILE, 1, HOSTILE)
    said = {"title": HOSTILE, "statement": HOSTILE, "principal": HOSTILE, "workload": HOSTILE, "technique": HOSTILE}
    statement = Statement(id=HOSTILE, time=None, certainty="shared", evidence=(cited,), resources=(HOSTILE,), **said)
    cells = [
        nbf.v4.new_markdown_cell(f"# {HOSTILE}\n\n## {HOSTILE}\n\n[x](javascript:document.title='owned')\n\n{HOSTILE}")
    ]
    cells += map(cell, (show_answer(HOSTILE), show_text(HOSTILE), show_statements([statement])))
    cells.append(cell(show_table(pd.DataFrame({HOSTILE: [HOSTILE * 3]}), caption=HOSTILE)))
    cells += map(raw, ("text/html", "text/markdown", "text/plain", "image/svg+xml"))
    for name, fill in (("hostile", add_hostile), ("morning", add_morning)):
        with Case.create(root / name) as case:
            fill(case)
            cells += figures(case)
    path = root / "report.html"
    notebook = nbf.v4.new_notebook(cells=cells)
    path.write_text(html(notebook, title="A report", facts={HOSTILE: HOSTILE}, failure=HOSTILE), "utf-8")
    return path


def opened(report: Path, scratch: Path, *options: str) -> tuple[str, str, str]:
    """The document after its scripts have run, what the browser logged, and every address it asked for."""
    log = scratch / "net.json"
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [
        *(str(FOUND), "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"),
        *("--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr"),
        *(f"--user-data-dir={scratch / 'profile'}", f"--log-net-log={log}", *sandbox, *options),
        *("--dump-dom", report.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    return done.stdout.decode(), done.stderr.decode("utf-8", "replace"), log.read_text("utf-8", "replace")


@installed
@pytest.mark.parametrize(
    ("scheme", "ground"), [(1, "rgb(255, 255, 255)"), (0, "rgb(20, 24, 29)")], ids=["light", "dark"]
)
def test_it_draws_every_figure_says_nothing_amiss_and_reaches_for_nothing(
    report: Path, tmp_path: Path, scheme: int, ground: str
) -> None:
    document, log, asked = opened(report, tmp_path, f"--blink-settings=preferredColorScheme={scheme}")
    assert ground in document
    assert "<title>A report</title>" in document
    drawn = re.findall(r'<figure class="plot[^"]*"[^>]*>(.{20})', document, re.DOTALL)
    assert len(drawn) == 2 * len(views())
    assert not any(text.startswith("<p>") for text in drawn)
    assert [line for line in log.splitlines() if "CONSOLE" in line] == []
    assert "collect.example" not in asked


def test_without_scripts_its_text_stands_and_each_figure_is_a_sentence(report: Path) -> None:
    page = parsed(report.read_text("utf-8"))
    text = " ".join(page.words)
    assert text.count("A figure, which a script in this file draws: ") == 2 * len(views())
    assert text.count("document.title = 'owned'") > 10
    assert [tag for tag, _ in page.elements if tag in {"link", "iframe", "object", "base", "form"}] == []
    assert all((said.get("src") or "").startswith("data:image/svg") for tag, said in page.elements if tag == "img")


@installed
def test_it_is_printed_as_a_pdf(report: Path, tmp_path: Path) -> None:
    printed = print_pdf(report, tmp_path / "a report.pdf")
    assert printed.read_bytes().startswith(b"%PDF-")


def test_without_a_browser_a_pdf_is_refused_before_anything_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UsageError, match="a PDF is printed by Chromium, and none of chromium, "):
        browser()
    with pytest.raises(UsageError, match="install one"):
        playbook("lambda-credential-theft").run(tmp_path / "case", {}, tmp_path / "out", pdf=True)
    assert not (tmp_path / "out").exists()
