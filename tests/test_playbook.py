"""Playbooks: found, described, checked and run in a kernel of this interpreter."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from forensics import playbook as module
from forensics.case import Case
from forensics.errors import NotACase, PlaybookError, UnknownName, UsageError
from forensics.playbook import Parameter, Playbook, playbook, playbooks
from tests.playbooks.runs import shown

nbf: Any = nbformat
WRITE = "from forensics.analysis.statement import write\nwrite([], out)"
PARAMETERS = """
case = ""
out = "."
access_key = None
top: int = 5
start = None
"""
TOLD = {
    "question": "Was it used?",
    "sources": ["cloudtrail"],
    "parameters": {
        "access_key": {"type": "str", "description": "the key"},
        "start": {"type": "datetime | None", "description": "from when"},
    },
}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    Case.create(tmp_path / "case").close()
    return tmp_path / "case"


def notebook(path: Path, *cells: str, parameters: str = PARAMETERS, told: Any = None) -> Playbook:
    made = nbf.v4.new_notebook(
        cells=[
            nbf.v4.new_markdown_cell("# A tiny playbook\n\nWhat is\nasked."),
            nbf.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            *(nbf.v4.new_code_cell(cell) for cell in cells),
        ],
        metadata={"forensics": TOLD if told is None else told},
    )
    nbf.write(made, path)
    return playbook(path)


def test_a_playbook_describes_itself(tmp_path: Path) -> None:
    made = notebook(tmp_path / "tiny.ipynb")
    assert (made.name, made.title, made.question, made.sources) == (
        "tiny",
        "A tiny playbook",
        "Was it used?",
        ("cloudtrail",),
    )
    assert made.parameters == (
        Parameter("access_key", "str", None, "the key", required=True),
        Parameter("top", "int", 5, ""),
        Parameter("start", "datetime", None, "from when"),
    )


def test_without_a_question_the_first_paragraph_is_it(tmp_path: Path) -> None:
    assert notebook(tmp_path / "tiny.ipynb", told={"sources": []}).question == "What is asked."


def test_every_playbook_of_the_package_has_a_question_and_described_parameters() -> None:
    for item in playbooks().values():
        assert item.question.endswith("?")
        assert all(parameter.description for parameter in item.parameters)


def test_playbooks_are_found_in_the_first_of_their_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook(tmp_path / "tiny.ipynb")
    monkeypatch.setattr(module, "_directories", lambda: [tmp_path])
    assert list(playbooks()) == ["tiny"]
    assert playbook("tiny").title == "A tiny playbook"
    with pytest.raises(UnknownName, match="no playbook named 'tyni'; known: tiny"):
        playbook("tyni")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"key": 1},
            r"no parameter key; its .*: access_key \(str, required\), top \(int\), start \(datetime\)",
        ),
        ({}, "needs access_key"),
        ({"access_key": None}, "access_key=None: not text"),
        ({"access_key": "K", "top": "many"}, "top='many': not a whole number"),
        ({"access_key": "K", "top": 2.5}, "top=2.5: not a whole number"),
        ({"access_key": "K", "start": "yesterday"}, "start='yesterday': not a time"),
    ],
)
def test_unfit_parameters_are_refused_with_what_there_is(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        notebook(tmp_path / "tiny.ipynb").check(given)


def test_parameters_given_as_text_are_converted_and_times_are_utc(tmp_path: Path) -> None:
    given = {"access_key": "K", "top": "7", "start": "2026-03-01T10:00:00+02:00"}
    checked = notebook(tmp_path / "tiny.ipynb").check(given)
    assert checked == {"access_key": "K", "top": 7, "start": "2026-03-01T08:00:00"}


@pytest.mark.parametrize(
    ("kind", "value", "converted"),
    [
        ("bool", "yes", True),
        ("bool", False, False),
        ("float", "2.5", 2.5),
        ("int", "-3", -3),
        ("str", "", ""),
    ],
)
def test_each_type_takes_its_text(kind: str, value: Any, converted: Any) -> None:
    assert Parameter("p", kind, None, "").convert(value) == converted


@pytest.mark.parametrize("source", ["case = 1 +", "case = open('x')"])
def test_a_parameters_cell_that_computes_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(UsageError, match="must assign literal values only"):
        notebook(tmp_path / "tiny.ipynb", parameters=source)


def test_a_type_that_no_parameter_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="parameter keys is of type list; a parameter is one of str, int"):
        notebook(tmp_path / "tiny.ipynb", parameters="keys = []", told={"parameters": {}})


@pytest.mark.parametrize(
    "text", ["", "{}", "not JSON", '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}']
)
def test_what_is_no_playbook_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.ipynb").write_text(text)
    with pytest.raises(UsageError, match=r"broken\.ipynb"):
        playbook(tmp_path / "broken.ipynb")
    with pytest.raises(UsageError, match="no notebook at"):
        playbook(tmp_path / "absent.ipynb")


def test_a_run_leaves_report_notebook_and_findings_and_nothing_else(
    tmp_path: Path, case: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    says = "import os, sys\nprint(sys.executable, os.getcwd() == out, access_key, top)\nsys.stderr.flush()"
    seen: list[tuple[int, int]] = []
    made = notebook(tmp_path / "tiny.ipynb", says, WRITE)
    result = made.run(case, {"access_key": "K"}, tmp_path / "{out}", progress=lambda *done: seen.append(done))
    assert sorted(path.name for path in (tmp_path / "{out}").iterdir()) == [
        "findings.json",
        "notebook.ipynb",
        "report.html",
    ]
    assert f"{sys.executable} True K 5" in result.report.read_text()
    assert json.loads(result.findings.read_text()) == []
    assert seen[-1] == (4, 4)
    assert capfd.readouterr() == ("", "")
    assert not list((tmp_path / "tmp").iterdir())


def test_a_failed_run_says_where_and_why_in_its_message_and_in_its_report(tmp_path: Path, case: Path) -> None:
    out = tmp_path / "out"
    made = notebook(tmp_path / "tiny.ipynb", "print('so far')", "\nraise ValueError('one\\ntwo \\x1b')", WRITE)
    with pytest.raises(PlaybookError) as stopped:
        made.run(case, {"access_key": "K"}, out)
    why = "the playbook tiny stopped in cell [4] `raise ValueError('one\\ntwo \\x1b')`: ValueError: two ␛"
    assert str(stopped.value) == f"{why}; the report up to there is {out / 'report.html'}"
    assert "so far" in (out / "notebook.ipynb").read_text()
    assert sorted(path.name for path in out.iterdir()) == ["notebook.ipynb", "report.html"]
    text = shown((out / "report.html").read_text())
    assert all(part in text for part in ("This run stopped before its end", why, "so far", "two ␛"))
    assert (out / "report.html").read_text().count('<p class="unrun">') == 1
    assert "papermill" not in text


def test_of_a_failed_run_the_report_takes_the_place_and_an_earlier_answer_stays_beside(
    tmp_path: Path, case: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("report.html", "findings.json"):
        (out / name).write_text("earlier")
    for _ in range(2):
        with pytest.raises(PlaybookError):
            notebook(tmp_path / "bad.ipynb", "1 / 0").run(case, {"access_key": "AKIA"}, out)
        assert sorted(path.name for path in out.iterdir()) == [
            "findings.earlier.json",
            "notebook.ipynb",
            "report.earlier.html",
            "report.html",
        ]
        assert (out / "report.earlier.html").read_text() == (out / "findings.earlier.json").read_text() == "earlier"
        assert "ZeroDivisionError" in (out / "report.html").read_text()
    notebook(tmp_path / "good.ipynb", WRITE).run(case, {"access_key": "AKIA"}, out)
    assert sorted(path.name for path in out.iterdir()) == ["findings.json", "notebook.ipynb", "report.html"]


def test_a_wrong_parameter_that_only_the_case_could_tell_leaves_an_earlier_report(tmp_path: Path, case: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("earlier")
    refuse = "from forensics.errors import UsageError\nraise UsageError('no such key')"
    with pytest.raises(UsageError, match="no such key"):
        notebook(tmp_path / "bad.ipynb", refuse).run(case, {"access_key": "AKIA"}, out)
    assert (out / "report.html").read_text() == "earlier"


def test_a_cell_that_takes_too_long_is_stopped_and_the_report_says_which(tmp_path: Path, case: Path) -> None:
    made = notebook(tmp_path / "tiny.ipynb", "print('so far')", "import time\ntime.sleep(60)")
    with pytest.raises(
        PlaybookError, match=r"in cell \[.\] `import time`: it took longer than the 1 s that a cell may"
    ):
        made.run(case, {"access_key": "K"}, tmp_path / "out", timeout=1)
    text = shown((tmp_path / "out" / "report.html").read_text())
    assert "so far" in text
    assert "CellTimeout: it took longer than the 1 s" in text


def test_a_run_that_writes_no_findings_fails_but_keeps_its_report(tmp_path: Path, case: Path) -> None:
    with pytest.raises(PlaybookError, match=r"ended without writing findings\.json"):
        notebook(tmp_path / "tiny.ipynb").run(case, {"access_key": "K"}, tmp_path / "out")
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_kernel_that_dies_is_an_error_that_says_so(tmp_path: Path, case: Path) -> None:
    made = notebook(tmp_path / "tiny.ipynb", "import os\nos._exit(3)")
    with pytest.raises(PlaybookError, match=r"stopped in cell \[.\] `import os`: its kernel .* ended"):
        made.run(case, {"access_key": "K"}, tmp_path / "out")
    assert "KernelDied" in shown((tmp_path / "out" / "report.html").read_text())


def test_without_a_case_nothing_is_run_or_made(tmp_path: Path) -> None:
    with pytest.raises(NotACase):
        notebook(tmp_path / "tiny.ipynb").run(tmp_path / "none", {"access_key": "K"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
