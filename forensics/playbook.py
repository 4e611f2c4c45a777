"""Playbooks: parameterized notebooks that answer one question each, found, described and run here."""

from __future__ import annotations

import ast
import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from forensics.errors import PlaybookError, UnknownName, UsageError
from forensics.timeline import parse_time

NOTEBOOK, REPORT, FINDINGS = "notebook.ipynb", "report.html", "findings.json"
"""What a run leaves in its directory."""

GIVEN = frozenset({"case", "out"})
"""Parameters that every run sets itself."""

Progress = Callable[[int, int], None]
"""Called with the number of cells done and of all cells."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a playbook. type: str, int, float, bool, datetime; `required` has no usable default."""

    name: str
    type: str
    default: Any
    description: str
    required: bool = False

    def convert(self, value: Any) -> Any:
        """The value as the notebook gets it, a datetime as ISO 8601 text in UTC. Raises UsageError."""
        if value is None and not self.required:
            return None
        try:
            return _CONVERT[self.type](value)
        except (ValueError, TypeError, KeyError, UsageError) as error:
            why = str(error) if isinstance(error, UsageError) else f"not {_ARTICLE[self.type]}"
            raise UsageError(f"parameter {self.name}={value!r}: {why}") from None


@dataclass(frozen=True)
class RunResult:
    """Where a run put its report, its executed notebook and its findings."""

    report: Path
    notebook: Path
    findings: Path


@dataclass(frozen=True)
class Playbook:
    """A notebook with a question. `sources` are those it needs to answer well."""

    name: str
    path: Path
    title: str
    question: str
    sources: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    def run(
        self,
        case_path: str | Path,
        parameters: Mapping[str, Any],
        out: str | Path,
        *,
        progress: Progress | None = None,
    ) -> RunResult:
        """Run it in a kernel of this interpreter; `out` gets the notebook, the report and the findings.

        What an earlier run left there is replaced, its report and findings only once this run has succeeded; of a
        failed run the notebook stays, as far as it came.
        Raises UsageError for parameters, NotACase, PlaybookError.
        """
        from forensics.case import Case
        from forensics.runner import execute

        values = self.check(parameters)
        Case.open(case_path).close()
        place = Path(out).resolve()
        place.mkdir(parents=True, exist_ok=True)
        result = RunResult(place / REPORT, place / NOTEBOOK, place / FINDINGS)
        given = {"case": str(Path(case_path).resolve()), "out": str(place), **values}
        with _replacing(result.report, result.findings):
            executed = execute(self, given, result.notebook, progress=progress)
            result.report.write_text(self._report(executed, Path(case_path), values), "utf-8")
        if not result.findings.is_file():
            raise PlaybookError(
                f"the playbook {self.name} ended without writing {FINDINGS}: its last cell must call "
                f"forensics.analysis.statement.write(findings, out); its report is {result.report}"
            )
        return result

    def check(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The values as the notebook gets them. Raises UsageError for unknown, missing or unfit ones."""
        known = {item.name: item for item in self.parameters}
        described = ", ".join(f"{item.name} ({item.type}{', required' * item.required})" for item in self.parameters)
        if unknown := sorted(set(parameters) - set(known)):
            raise UsageError(
                f"the playbook {self.name} has no parameter {', '.join(unknown)}; its parameters: {described or 'none'}"
            )
        values = {name: known[name].convert(value) for name, value in parameters.items()}
        if missing := [item.name for item in self.parameters if item.required and values.get(item.name) is None]:
            raise UsageError(f"the playbook {self.name} needs {', '.join(missing)}; its parameters: {described}")
        return values

    def _report(self, notebook: NotebookNode, case: Path, values: Mapping[str, Any]) -> str:
        from forensics import custody
        from forensics.report import html

        shown = {item.name: values.get(item.name, item.default) for item in self.parameters}
        facts = {
            "question": self.question,
            "case": str(case.resolve()),
            "custody head": custody.head(case),
            "playbook": self.name,
            "parameters": shown,
        }
        return html(notebook, title=self.title, facts=facts)


@contextlib.contextmanager
def _replacing(*paths: Path) -> Iterator[None]:
    """Put what lies at those paths aside; back if the work fails, away if it does not."""
    aside = [(path, path.rename(path.with_name(f"{path.name}.earlier"))) for path in paths if path.exists()]
    try:
        yield
    except BaseException:
        for path, earlier in aside:
            earlier.replace(path)
        raise
    for _, earlier in aside:
        earlier.unlink()


def name_and_value(text: str) -> tuple[str, str]:
    """The two sides of NAME=VALUE. Raises UsageError."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"-p takes NAME=VALUE, not {text!r}")
    return name, value


def playbooks() -> dict[str, Playbook]:
    """The playbooks that come with the package, by name."""
    paths = sorted(path for directory in _directories() for path in directory.glob("*.ipynb"))
    return {path.stem: read(path) for path in paths}


def playbook(name: str | Path) -> Playbook:
    """The playbook of that name, or in that notebook. Raises UnknownName, UsageError."""
    path = Path(name)
    if path.suffix == ".ipynb":
        return read(path)
    found = {path.stem: path for directory in _directories() for path in directory.glob("*.ipynb")}
    if str(name) not in found:
        raise UnknownName("playbook", str(name), found)
    return read(found[str(name)])


def _directories() -> list[Path]:
    """Inside an installed package, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    return [path for path in (package / "_playbooks", package.parent / "playbooks") if path.is_dir()][:1]


def read(path: Path) -> Playbook:
    """The playbook in that notebook. Raises UsageError when there is none."""
    try:
        with warnings.catch_warnings(action="ignore"):
            notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except FileNotFoundError:
        raise UsageError(f"no notebook at {path}") from None
    except (OSError, ValueError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise UsageError(f"{path} cannot be read as a notebook: {str(error).splitlines()[0]}") from None
    told = notebook.metadata.get("forensics", {})
    title, first = _opening(notebook)
    return Playbook(
        name=path.stem,
        path=path.resolve(),
        title=title or path.stem.replace("_", " ").replace("-", " ").capitalize(),
        question=told.get("question") or first,
        sources=tuple(told.get("sources", ())),
        parameters=_parameters(notebook, path),
    )


def _opening(notebook: NotebookNode) -> tuple[str, str]:
    """The first heading, and the first paragraph after it."""
    text = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    heading, _, rest = text.partition("\n") if text.startswith("# ") else ("", "", text)
    return heading.removeprefix("# ").strip(), rest.strip().split("\n\n")[0].replace("\n", " ")


def _parameters(notebook: NotebookNode, path: Path) -> tuple[Parameter, ...]:
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    if len(tagged) != 1:
        raise UsageError(f"{path} is no playbook: {len(tagged)} of its cells are tagged `parameters`, not one")
    told = notebook.metadata.get("forensics", {}).get("parameters", {})
    assigned = _assignments(tagged[0].source, path)
    if unassigned := sorted(set(told) - set(assigned)):
        raise UsageError(f"{path} describes parameters that its cell does not assign: {', '.join(unassigned)}")
    made = (_parameter(name, *value, told.get(name, {}), path=path) for name, value in assigned.items())
    return tuple(item for item in made if item.name not in GIVEN)


def _assignments(source: str, path: Path) -> dict[str, tuple[Any, str]]:
    """(default, annotation) of each name that the cell assigns."""
    found: dict[str, tuple[Any, str]] = {}
    try:
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = ast.literal_eval(node.value), ""
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                found[node.target.id] = ast.literal_eval(node.value), ast.unparse(node.annotation)
    except (SyntaxError, ValueError):
        raise UsageError(f"{path}: the cell tagged `parameters` must assign literal values only") from None
    return found


def _parameter(name: str, default: Any, annotation: str, told: Mapping[str, Any], *, path: Path) -> Parameter:
    """Required: told so, or without a default where the type does not allow for None."""
    words = [word.strip() for word in str(told.get("type") or annotation).split("|")]
    kind = words[0] or ("str" if default is None else type(default).__name__)
    if kind not in _CONVERT:
        raise UsageError(f"{path}: parameter {name} is of type {kind}; a parameter is one of {', '.join(_CONVERT)}")
    required = told.get("required", default is None and "None" not in words)
    return Parameter(name, kind, default, str(told.get("description", "")), bool(required))


def _integer(value: Any) -> int:
    if isinstance(value, bool | float):
        raise TypeError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[str(value).lower()]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _moment(value: Any) -> str:
    return parse_time(value).isoformat()


_CONVERT: Mapping[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _integer,
    "float": _number,
    "bool": _boolean,
    "datetime": _moment,
}
_ARTICLE = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "datetime": "a time",
}
