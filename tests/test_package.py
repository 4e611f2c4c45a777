"""The package as a whole: what it imports and declares, what a wheel carries, and the rules of the house."""

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import forensics
from forensics import cli, extras

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "forensics").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
HEAVY = (
    "duckdb forensics.case forensics.sources msgspec nbconvert nbformat numpy pandas papermill plotly pyarrow".split()
)
STARTED = {"ipykernel", "jupyterlab"}
"""Declared although nothing imports them: papermill starts a kernel for a playbook, and people start JupyterLab."""
OPTIONAL = ("report", "lab", "sigma")
"""Extras that the package itself imports from, where they are installed."""
FORBIDDEN = re.compile(r"\b(?:TODO|FIXME|XXX)\b|/(?:home|Users|root|work)/")


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def place(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(trees: Iterable[ast.AST]) -> set[str]:
    """Top-level names of the modules that some code imports, the standard library's and our own left out."""
    nodes = [node for each in trees for node in ast.walk(each)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"forensics", "tests"}


def distributions(names: Iterable[str]) -> set[str]:
    known = packages_distributions()
    return {found.lower().replace("_", "-") for name in names for found in known[name]}


def declared(requirements: Iterable[str]) -> set[str]:
    return {re.split(r"[<>=!~ \[;]", line)[0] for line in requirements if line != "forensics[report]"}


def in_a_new_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()


def cells(pattern: str) -> Iterator[ast.Module]:
    """The code of notebooks; lines that only IPython understands are left out."""
    for path in sorted(ROOT.glob(pattern)):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield ast.parse(re.sub(r"^[%!].*$", "", "".join(cell["source"]), flags=re.MULTILINE))


# The public names


def test_every_public_name_can_be_imported() -> None:
    assert all(getattr(forensics, name) is not None for name in forensics.__all__)
    assert set(forensics.__all__) <= set(dir(forensics))


def test_what_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'forensics' has no attribute 'no_such_name'"):
        _ = forensics.no_such_name


def test_no_public_name_is_hidden_by_a_module_of_that_name() -> None:
    assert not set(forensics.__all__) & {module.name for module in pkgutil.iter_modules(forensics.__path__)}


def test_type_checkers_see_the_names_that_are_imported_when_used() -> None:
    typed = next(node for node in tree(ROOT / "forensics/__init__.py").body if isinstance(node, ast.If))
    imports = [node for node in typed.body if isinstance(node, ast.ImportFrom)]
    seen = {
        alias.asname or alias.name: f"{str(node.module).removeprefix('forensics.')}.{alias.name}"
        for node in imports
        for alias in node.names
    }
    assert seen == forensics._PLACES
    assert set(forensics.__all__) == {*seen, "__version__"}


def test_the_version_is_the_installed_one_or_says_that_it_is_unknown() -> None:
    assert forensics.__version__ in (PROJECT["version"], "0+unknown")


def test_importing_the_package_imports_none_of_its_modules() -> None:
    code = "import forensics, sys; print([name for name in sys.modules if name.startswith('forensics.')])"
    assert in_a_new_process(code) == "[]"


# The command line


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    assert re.findall(r"^    (\w+)", capsys.readouterr().out, re.MULTILINE) == cli.COMMANDS


def test_every_command_is_a_module_and_every_module_of_a_command_is_in_the_help() -> None:
    modules = [path.stem for path in (ROOT / "forensics/cli").glob("*.py") if "\nABOUT = " in path.read_text("utf-8")]
    assert sorted(modules) == sorted(cli.COMMANDS)


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = (
        f"import forensics.cli, sys; forensics.cli._parser(); print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert in_a_new_process(code) == "[]"


# What is declared


def test_what_the_package_imports_is_what_it_declares() -> None:
    optional = [line for extra in OPTIONAL for line in EXTRAS[extra]]
    needed = declared([*PROJECT["dependencies"], *optional]) - STARTED
    assert distributions(imported(map(tree, MODULES))) == needed


def test_playbooks_need_nothing_beyond_the_package_and_what_reports_need() -> None:
    there = declared([*PROJECT["dependencies"], *EXTRAS["report"]])
    assert distributions(imported(cells("playbooks/*.ipynb"))) <= there


def test_a_missing_extra_is_named_by_the_modules_that_it_brings() -> None:
    for extra, (_, modules) in extras.EXTRAS.items():
        brought = distributions(modules.split())
        assert brought == declared(EXTRAS[extra])


def test_tours_and_tests_need_nothing_beyond_the_extras() -> None:
    lab = declared([*PROJECT["dependencies"], *EXTRAS["report"], *EXTRAS["lab"]])
    assert distributions(imported(cells("notebooks/*.ipynb"))) <= lab
    tests = imported(map(tree, (ROOT / "tests").rglob("*.py")))
    assert distributions(tests) <= lab | declared(EXTRAS["test"])


def test_every_requirement_has_a_lower_and_an_upper_bound() -> None:
    requirements = [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    requirements.remove("forensics[report]")
    assert [line for line in requirements if not re.fullmatch(r"[a-z0-9-]+(?:\[\w+\])?>=[\d.]+,<[\d.]+", line)] == []


# What is shipped


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in a wheel built from this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_a_wheel_has_every_module_the_types_and_the_report_template(wheel: set[str]) -> None:
    template = (ROOT / "forensics/report/template").iterdir()
    assert {place(path) for path in (*MODULES, *template, ROOT / "forensics/py.typed")} <= wheel


def test_a_wheel_has_the_playbooks_and_the_licence(wheel: set[str]) -> None:
    playbooks = {f"forensics/_playbooks/{path.name}" for path in (ROOT / "playbooks").glob("*.ipynb")}
    assert playbooks
    assert playbooks <= wheel
    assert f"forensics-{PROJECT['version']}.dist-info/licenses/LICENSE" in wheel


def test_a_wheel_has_the_panels_of_the_explorer(wheel: set[str]) -> None:
    assert {"forensics/explorer/explorer.js", "forensics/explorer/explorer.css"} <= wheel


def test_a_wheel_has_our_rules(wheel: set[str]) -> None:
    rules = {place(path) for path in (ROOT / "forensics/detect/rules").glob("*.yml")}
    assert rules
    assert rules <= wheel


def test_a_wheel_has_nothing_beside_the_package(wheel: set[str]) -> None:
    assert {name.partition("/")[0] for name in wheel} == {"forensics", f"forensics-{PROJECT['version']}.dist-info"}
    assert not [name for name in wheel if "cache" in name]


# The rules of the house


def test_every_module_starts_with_a_sentence() -> None:
    opening = {place(path): (ast.get_docstring(tree(path)) or "").partition("\n\n")[0] for path in MODULES}
    assert [name for name, sentence in opening.items() if not re.match(r"[A-Z`].*[.;]$", sentence, re.DOTALL)] == []


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {place(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    functions = [(path, node) for path in MODULES for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)]
    lengths = {f"{place(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1 for path, node in functions}
    assert {name: length for name, length in lengths.items() if length > 40} == {}


def broad(path: Path) -> list[int]:
    """Lines of handlers that catch everything and may not raise it again."""
    handlers = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ExceptHandler)]
    wide = [node for node in handlers if node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")]
    returning = [node for node in wide if any(isinstance(within, ast.Return) for within in ast.walk(node))]
    return [node.lineno for node in wide if node in returning or not isinstance(node.body[-1], ast.Raise)]


def test_only_the_command_line_catches_whatever_comes() -> None:
    assert [place(path) for path in MODULES if broad(path)] == ["forensics/cli/__init__.py"]
    assert len(broad(ROOT / "forensics/cli/__init__.py")) == 1


def test_every_public_module_can_be_imported() -> None:
    for module in pkgutil.walk_packages(forensics.__path__, "forensics."):
        importlib.import_module(module.name)


def test_no_file_has_a_mark_of_unfinished_work_or_a_path_of_someones_machine() -> None:
    texts = [ROOT / "pyproject.toml", ROOT / ".ci/run", *(ROOT / "playbooks").glob("*.ipynb"), *MODULES]
    texts += [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    texts += [*(ROOT / "notebooks").glob("*.ipynb"), *ROOT.glob("*.md")]
    found = {place(path): FORBIDDEN.findall(path.read_text("utf-8")) for path in texts}
    assert {name: marks for name, marks in found.items() if marks} == {}
