"""The package without its extras: it loads, resolves and answers, and says what to install for the rest."""

import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import papermill
from packaging.requirements import Requirement

from forensics import extras
from forensics.case import Case
from tests.loading import put, records, trail

WITHOUT = """
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {modules}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""
COMMANDS = """
from forensics.cli import main
for line in {lines}:
    print(line[0], main(line), flush=True)
"""


def without_extras(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    modules = {module for _, names in extras.EXTRAS.values() for module in names.split()}
    script = WITHOUT.format(modules=modules) + code
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=folder)


def test_a_case_is_made_loaded_and_asked_without_any_extra(tmp_path: Path) -> None:
    put(tmp_path / "logs", {"trail.json": records(trail("GetObject"), trail("ListBuckets"))})
    asked = (
        "new case;add case logs;load case;sql case SELECT;timeline case;who case 203.0.113.9 --at 2026-11-05T09:00:00Z;"
        "coverage case;verify case;behaviour case;note case list;sources"
    )
    lines = [line.replace("SELECT", "SELECT count(*) FROM event").split(" ", 2) for line in asked.split(";")]
    lines = [[*line[:2], *(line[2:] if line[0] == "sql" else " ".join(line[2:]).split())] for line in lines]

    done = without_extras(COMMANDS.format(lines=lines), tmp_path)

    assert [line for line in done.stdout.splitlines() if line in {f"{words[0]} 0" for words in lines}] == [
        f"{words[0]} 0" for words in lines
    ], done.stderr


def test_what_needs_an_extra_says_so_and_does_nothing_before(tmp_path: Path) -> None:
    lines = [["run", "account-first-look", "--case", "case", "--out", "out"], ["demo", "made"]]

    done = without_extras(COMMANDS.format(lines=lines), tmp_path)

    assert done.stdout.split() == ["run", "2", "demo", "2"]
    assert done.stderr.count("which is not installed: pip install 'forensics[report]'") == len(lines)
    assert list(tmp_path.iterdir()) == []


def test_in_python_a_missing_extra_is_named_too(tmp_path: Path) -> None:
    code = (
        "import forensics\ntry:\n    forensics.figures()\nexcept forensics.ForensicsError as error:\n    print(error)"
    )

    done = without_extras(code, tmp_path)

    assert done.stdout.count("pip install 'forensics[report]'") == 1, done.stderr


def test_a_module_that_no_extra_brings_is_not_explained() -> None:
    assert extras.lacking(ModuleNotFoundError("No module named 'mine'", name="mine")) is None
    assert extras.lacking(ModuleNotFoundError("no name")) is None


def test_the_core_stays_under_500_mb_installed() -> None:
    """Bytes of the package and of all that it needs without extras, as installed here."""
    needed = {"forensics"}
    waiting = list(needed)
    while waiting:
        for line in distribution(waiting.pop()).requires or ():
            requirement = Requirement(line)
            if not requirement.marker or requirement.marker.evaluate({"extra": ""}):
                name = requirement.name.lower()
                waiting += {name} - needed
                needed.add(name)
    files = [Path(str(file.locate())) for name in needed for file in distribution(name).files or ()]
    assert {"duckdb", "pandas", "pyarrow"} <= needed
    assert sum(path.stat().st_size for path in files if path.exists()) < 500e6


def test_a_case_opens_in_a_kernel_without_the_widgets_of_jupyterlab(tmp_path: Path) -> None:
    """DuckDB takes no setting of its progress bar there, and draws none."""
    Case.create(tmp_path / "case").close()
    code = f"import sys\nsys.modules['ipywidgets'] = None\nfrom forensics import Case\nCase.open({str(tmp_path / 'case')!r})"
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}},
    )
    nbformat.write(made, tmp_path / "opens.ipynb")
    done = papermill.execute_notebook(tmp_path / "opens.ipynb", tmp_path / "done.ipynb", progress_bar=False)
    assert "case" in done.cells[-1].outputs[0]["data"]["text/plain"]
