"""The exporter: an executed notebook as one HTML file, under a policy that forbids all loading."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment
from markupsafe import Markup
from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode
from plotly.offline import get_plotlyjs
from pygments.formatters import HtmlFormatter
from traitlets import default

import forensics
from forensics.report.appendix import Section
from forensics.report.blocks import Heading, Markdown, blocks
from forensics.report.cells import cell_html
from forensics.report.display import chips
from forensics.report.order import answer_first
from forensics.views.labels import visible

_TEMPLATE = files("forensics.report").joinpath("template")
_TITLE = "Report"
_NOTHING = Markup("")
_UNMARKED: Mapping[str, Sequence[str]] = {}
_STATEMENT = re.compile(r'(<li id="(statement-[^"]*)"><div class="fx-head">.*?)(</div>)')
_HELD = re.compile(r'<details class="fx-raw"><summary>([^<]*) <span>[^<]*</span></summary><div id="(record-[^"]*)">')
_CALL = re.compile(r"<code>case\.record\(&#x27;([^<]*?)&#x27;\)</code>")
_RECORD = re.compile(r'<a class="fx-record" href="#(record-[^"]*)">(.*?)</a>')


class ReportExporter(TemplateExporter):
    """Renders notebooks with this package's template; `jupyter nbconvert --to` takes its dotted name."""

    export_from_notebook = "Forensic report"
    output_mimetype = "text/html"

    @default("file_extension")
    def _html(self) -> str:
        return ".html"

    @default("template_name")
    def _name(self) -> str:
        return "template"

    @default("template_file")
    def _file(self) -> str:
        return "report.html.j2"

    @default("extra_template_basedirs")
    def _own_directory(self) -> list[str]:
        return [str(Path(str(_TEMPLATE)).parent)]

    def get_prefix_root_dirs(self) -> list[str]:
        """None: what a machine has in its Jupyter directories does not change a report."""
        return []

    def _create_environment(self) -> Environment:
        made: Environment = super()._create_environment()  # type: ignore[no-untyped-call]
        made.autoescape = True
        return made

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """The page and nbconvert's resources; `resources["report"]` may hold what `html` is given."""
        given = dict((resources or {}).get("report", {}))
        prepared = {
            **(resources or {}),
            "report": _page(nb, given),
        }
        page, made = super().from_notebook_node(nb, prepared, **kw)
        return _marked(_linked(str(page), given.get("records", frozenset())), given.get("marks", {})), made


def html(
    notebook: Path | NotebookNode,
    *,
    title: str,
    facts: Mapping[str, object] | None = None,
    failure: str = "",
    summary: Markup = _NOTHING,
    sections: Sequence[Section] = (),
    records: frozenset[str] = frozenset(),
    marks: Mapping[str, Sequence[str]] = _UNMARKED,
    made_at: datetime | None = None,
) -> str:
    """The report of an executed notebook. `facts` open it: case, question, parameters… in that order.

    A fact that is itself a mapping is listed item by item. `failure` says why the notebook stopped before its end.
    The part that gives the answer comes first, the `summary` under it; `sections` follow the notebook, and statements
    link to the `records` whose ids are in them, and show the tags that `marks` has under their ids. `made_at` is UTC, by default now.
    """
    read = nbformat.read
    node = read(notebook, as_version=4) if isinstance(notebook, Path) else notebook  # type: ignore[no-untyped-call]
    at = (made_at or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M:%S UTC")
    opening = {**(facts or {}), "made at": at, "made by": _tool()}
    exporter = ReportExporter()  # type: ignore[no-untyped-call]
    given: dict[str, Any] = {"title": title, "facts": opening, "failure": failure, "summary": summary}
    given |= {"sections": sections, "records": records, "marks": marks}
    page, _ = exporter.from_notebook_node(node, {"report": given})
    return page


def _tool() -> str:
    return f"forensics {getattr(forensics, '__version__', '')}".strip()


def _page(notebook: NotebookNode, given: Mapping[str, Any]) -> dict[str, Any]:
    title, facts = given.get("title", _TITLE), given.get("facts", {})
    markdown = Markdown(title)
    made = list(blocks(answer_first(notebook, given.get("summary", "")), markdown))
    sections = given.get("sections", ())
    contents = [*markdown.headings, *(Heading(2, item.heading, item.anchor) for item in sections)]
    outputs = [
        output for part in (*(block.outputs for block in made), *(item.figures for item in sections)) for output in part
    ]
    drawn = any(output.kind == "figure" for output in outputs)
    scripts = [get_plotlyjs(), _read("figures.js")] if drawn else []
    return {
        "title": visible(title),
        "failure": visible(given.get("failure", "")),
        "facts": [(name, _fact(value)) for name, value in facts.items()],
        "blocks": made,
        "sections": sections,
        "headings": contents,
        "styles": [Markup(text) for text in (_read("report.css"), _read("display.css"), _code_css())],
        "scripts": [Markup(text) for text in scripts],
        "policy": policy(scripts),
    }


def _linked(page: str, records: frozenset[str]) -> str:
    """The page without links to records that it does not hold; no log text can be such a link, as it is escaped."""
    return _led(_RECORD.sub(lambda link: link[0] if link[1] in records else link[2], page))


def _led(page: str) -> str:
    """The page with a link beside each call of a card for a record that the page holds."""
    held = {found[1]: found[2] for found in _HELD.finditer(page)}
    return _CALL.sub(
        lambda call: f'{call[0]} <a href="#{held[call[1]]}">in this report</a>' if call[1] in held else call[0], page
    )


def _marked(page: str, marks: Mapping[str, Sequence[str]]) -> str:
    """The page with the tags of what a statement cites in the statement's head."""
    return _STATEMENT.sub(lambda head: f"{head[1]}{chips(marks.get(head[2], ()))}{head[3]}", page) if marks else page


def policy(scripts: list[str]) -> str:
    """The page's Content-Security-Policy: nothing is loaded, and only these scripts run, by their hashes."""
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    run = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {run}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _fact(value: object) -> Markup:
    if isinstance(value, Mapping):
        items = (f"<dt>{cell_html(name)}</dt><dd>{cell_html(item)}</dd>" for name, item in value.items())
        return Markup(f"<dl>{''.join(items)}</dl>" if value else cell_html(None))
    return Markup(cell_html(value))


def _read(name: str) -> str:
    return _TEMPLATE.joinpath(name).read_text("utf-8")


def _code_css() -> str:
    """The colours of code, by day and by night."""
    light, dark = (
        str(HtmlFormatter(style=style).get_style_defs(".code code"))  # type: ignore[no-untyped-call]
        for style in ("friendly", "github-dark")
    )
    return f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n.code code {{ background: none }}\n}}"
