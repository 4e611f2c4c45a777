"""Playbooks: parameterized notebooks that answer one question each, found, described and run here."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.cells_of import Notebook, described
from forensics.errors import PlaybookError, UnknownName, UsageError
from forensics.extras import require
from forensics.replacing import replacing
from forensics.timeline import parse_time

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from forensics.case import Case
    from forensics.geography import Geography

NOTEBOOK, REPORT, FINDINGS, PDF = "notebook.ipynb", "report.html", "findings.json", "report.pdf"
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
    """Where a run put its report, its executed notebook, its findings and, where asked for, the printed report."""

    report: Path
    notebook: Path
    findings: Path
    pdf: Path | None = None

    def __str__(self) -> str:
        return "\n".join(str(path) for path in (self.report, self.notebook, self.findings, self.pdf) if path)


@dataclass(frozen=True)
class _Manner:
    """How a notebook is run, and what its report is given besides."""

    timeout: float | None
    geography: Geography | None
    progress: Progress | None


@dataclass(frozen=True)
class Playbook:
    """A notebook with a question. `sources` are those it needs to answer well.

    `findings` are patterns of the types of findings that it is for, `kinds` the kinds of workload, none meaning any.
    """

    name: str
    path: Path
    title: str
    question: str
    sources: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    findings: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def run(
        self,
        case_path: str | Path,
        parameters: Mapping[str, Any],
        out: str | Path,
        *,
        timeout: float | None = None,
        pdf: bool = False,
        geoip: Sequence[Path] = (),
        ip_ranges: Path | None = None,
        progress: Progress | None = None,
    ) -> RunResult:
        """Run it in a kernel of this interpreter; `out` gets the notebook, the report and the findings.

        A cell may take `timeout` seconds. With `pdf` the report is also printed, by a Chromium; it says where the
        cited addresses are where MaxMind files (`geoip`) or AWS's `ip_ranges` are given. What an earlier run
        left there is replaced. Of a run that stopped there are the notebook and a report that shows the error, as far
        as it came, and no findings; what an earlier run had found is then beside them as `….earlier.…`.
        Raises UsageError for parameters, or where the extra `report` is not installed, NotACase, PlaybookError.
        """
        require("report")
        from forensics.case import Case
        from forensics.geography import read_geography
        from forensics.report.pdf import browser, print_pdf

        if pdf:
            browser()
        how = _Manner(_seconds(timeout), read_geography(geoip, ip_ranges) if geoip or ip_ranges else None, progress)
        values = self.check(parameters)
        with Case.open(case_path) as case:
            _known(case, values)
        place = Path(out).resolve()
        place.mkdir(parents=True, exist_ok=True)
        result = RunResult(place / REPORT, place / NOTEBOOK, place / FINDINGS, place / PDF if pdf else None)
        with replacing(result.report, result.findings):
            self._execute(result, Path(case_path), values, how)
        (place / PDF).unlink(missing_ok=True)
        if result.pdf:
            print_pdf(result.report, result.pdf)
        return result

    def _execute(self, result: RunResult, case: Path, values: Mapping[str, Any], how: _Manner) -> None:
        from forensics.runner import execute

        given = {"case": str(case.resolve()), "out": str(result.report.parent), **values}
        try:
            executed = execute(self, given, result.notebook, timeout=how.timeout, progress=how.progress)
        except PlaybookError as error:
            result.findings.unlink(missing_ok=True)
            self._write(result, case, values, geography=how.geography, failure=str(error))
            raise PlaybookError(f"{error}; the report up to there is {result.report}") from None
        self._write(result, case, values, executed, geography=how.geography)
        self._check_findings(result)

    def _check_findings(self, result: RunResult) -> None:
        if not result.findings.is_file():
            raise PlaybookError(
                f"the playbook {self.name} ended without writing {FINDINGS}: its last cell must call "
                f"forensics.analysis.statement.write(findings, out); its report is {result.report}"
            )

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

    def _write(
        self,
        result: RunResult,
        case: Path,
        values: Mapping[str, Any],
        notebook: NotebookNode | None = None,
        *,
        geography: Geography | None = None,
        failure: str = "",
    ) -> None:
        """The report of that notebook, or of what there is of it on disk."""
        from forensics import custody
        from forensics.report.run import run_report

        shown = {item.name: values.get(item.name, item.default) for item in self.parameters}
        facts = {
            "question": self.question,
            "case": str(case.resolve()),
            "custody head": custody.head(case),
            "playbook": self.name,
            "parameters": shown,
        }
        files = {"findings": result.findings, "executed notebook": result.notebook, "playbook": self.path}
        held = notebook or _on_disk(result.notebook)
        made = run_report(
            held,
            title=self.title,
            facts=facts,
            case=case,
            files=files,
            failure=failure,
            geography=geography,
            sources=self.sources,
        )
        result.report.write_text(made, "utf-8")


def _seconds(timeout: float | None) -> float | None:
    if timeout is not None and not 0 < timeout < math.inf:
        raise UsageError(f"a timeout is a number of seconds above 0, not {timeout:g}")
    return timeout


def _on_disk(path: Path) -> NotebookNode:
    """The notebook there as far as it came, without papermill's own marks; an empty one where there is none."""
    import nbformat

    if not path.is_file():
        return nbformat.v4.new_notebook()  # type: ignore[no-any-return, no-untyped-call]
    held: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    held.cells = [cell for cell in held.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", ())]
    return held


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
    notebook = described(path)
    told = notebook.metadata.get("forensics", {})
    title, first = _opening(notebook)
    return Playbook(
        name=path.stem,
        path=path.resolve(),
        title=title or path.stem.replace("_", " ").replace("-", " ").capitalize(),
        question=told.get("question") or first,
        sources=tuple(told.get("sources", ())),
        parameters=_parameters(notebook, path),
        findings=tuple(told.get("findings", ())),
        kinds=tuple(told.get("kinds", ())),
    )


def _opening(notebook: Notebook) -> tuple[str, str]:
    """The first heading, and the first paragraph after it."""
    text = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    heading, _, rest = text.partition("\n") if text.startswith("# ") else ("", "", text)
    return heading.removeprefix("# ").strip(), rest.strip().split("\n\n")[0].replace("\n", " ")


def _parameters(notebook: Notebook, path: Path) -> tuple[Parameter, ...]:
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


_NAMES: Mapping[str, tuple[str, str]] = {
    "finding_id": ("finding", "SELECT finding_id FROM finding"),
    "access_key_id": ("access key id", "SELECT access_key_id FROM credential"),
}


def _known(case: Case, values: Mapping[str, Any]) -> None:
    """Refuse names that the case does not know, before a kernel is started. Raises UnknownName, AmbiguousName."""
    from forensics.identity import find_principal
    from forensics.timeline import find_workload

    if values.get("workload"):
        find_workload(case, values["workload"])
    if values.get("principal"):
        find_principal(case, values["principal"])
    for name, (kind, sql) in _NAMES.items():
        value = values.get(name)
        column = sql.split()[1]
        if value and not case.sql(f"{sql} WHERE {column} = ?", (value,)).rows():
            known = case.sql(f"{sql} ORDER BY {column}").rows()
            raise UnknownName(kind, str(value), (str(row[0]) for row in known))


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
