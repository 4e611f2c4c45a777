"""A notebook's cells as blocks that the report lays out: everything escaped or made by this package."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import mistune
import nh3
from markupsafe import Markup
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from forensics.report.display import ESCAPED, style
from forensics.views.labels import visible

PLOTLY = "application/vnd.plotly.v1+json"

_IMAGES = ("image/png", "image/jpeg", "image/svg+xml")
_TAGS = frozenset(
    "a b br caption code dd details div dl dt em h1 h2 h3 h4 h5 h6 hr i li ol p pre small span strong sub"
    " summary sup table tbody td tfoot th thead time tr ul".split()
)
_ATTRIBUTES = {
    "*": {"class", "title"},
    "details": {"open"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}


@dataclass(frozen=True)
class Heading:
    """A heading and the id it is reached by."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Output:
    """One output of a code cell. kind: figure (JSON), html, image (data URI), text, error.

    `label` says in words what a figure shows.
    """

    kind: str
    content: str | Markup
    height: int = 0
    label: str = ""


@dataclass(frozen=True)
class Block:
    """One cell: rendered Markdown, or highlighted code, its outputs and whether it was run."""

    markdown: str = ""
    code: str = ""
    outputs: tuple[Output, ...] = ()
    run: bool = True


class Markdown(mistune.HTMLRenderer):
    """Markdown without raw HTML, its headings collected; a top heading equal to the title is left out."""

    def __init__(self, title: str) -> None:
        super().__init__(escape=True)
        self.title = title
        self.headings: list[Heading] = []
        self._convert = mistune.create_markdown(renderer=self, plugins=["table", "strikethrough"])

    def heading(self, text: str, level: int, **_: Any) -> str:
        """Called by mistune with the heading's inner HTML."""
        plain = str(Markup(text).striptags())
        if level == 1 and plain == self.title:
            return ""
        made = Heading(level, plain, f"section-{len(self.headings) + 1}")
        self.headings.append(made)
        return f'<h{level} id="{made.anchor}">{text}</h{level}>\n'

    def render(self, source: str) -> Markup:
        """Markdown text as HTML."""
        return Markup(self._convert(source))


def blocks(notebook: NotebookNode, markdown: Markdown) -> Iterator[Block]:
    """The cells that have something to show, in order."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield Block(markdown=markdown.render(cell.source))
        elif cell.cell_type == "code" and (cell.source.strip() or cell.outputs):
            outputs = tuple(output for item in cell.outputs for output in _output(item))
            code = _code(cell.source) if cell.source.strip() else ""
            yield Block(code=code, outputs=_joined(outputs), run=bool(outputs) or cell.execution_count is not None)


def _code(source: str) -> Markup:
    return Markup(highlight(visible(source, keep="\n\t"), PythonLexer(), HtmlFormatter(nowrap=True)))


def _joined(outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    """Consecutive text outputs as one."""
    made: list[Output] = []
    for output in outputs:
        if made and output.kind == made[-1].kind == "text":
            made[-1] = Output("text", str(made[-1].content) + str(output.content))
        else:
            made.append(output)
    return tuple(made)


def _output(item: NotebookNode) -> Iterator[Output]:
    if item.output_type == "stream":
        yield Output("text" if item.name == "stdout" else "error", _plain(item.text))
    elif item.output_type == "error":
        yield Output("error", _plain("\n".join(item.traceback) or f"{item.ename}: {item.evalue}"))
    else:
        yield _rich(item.data, item.metadata)


def _rich(data: dict[str, Any], metadata: dict[str, Any]) -> Output:
    if PLOTLY in data:
        return figure_output(data[PLOTLY])
    if "text/html" in data:
        trusted = metadata.get("text/html") == ESCAPED["text/html"]
        html = data["text/html"].replace(style(), "")
        return Output("html", Markup(html) if trusted else cleaned(html))
    if "text/markdown" in data:
        return Output("html", Markdown("").render(data["text/markdown"]))
    for kind in _IMAGES:
        if kind in data:
            return Output("image", _data_uri(kind, data[kind]))
    return Output("text", _plain(data.get("text/plain", "")))


def figure_output(figure: dict[str, Any]) -> Output:
    """A figure of plotly, given as JSON, as the report holds it."""
    kept = {"data": figure.get("data", []), "layout": figure.get("layout", {})}
    height = kept["layout"].get("height") or 450
    return Output("figure", Markup(json.dumps(kept).replace("<", "\\u003c")), int(height), _words(kept["layout"]))


def _words(layout: dict[str, Any]) -> str:
    """The title and the subtitle of a figure as text."""
    title = layout.get("title") or {}
    title = title if isinstance(title, dict) else {"text": title}
    parts = (title.get("text"), (title.get("subtitle") or {}).get("text"))
    return visible(". ".join(Markup(part).striptags() for part in parts if part)) or "without a title"


def cleaned(html: str) -> Markup:
    """HTML that other packages made, without scripts, styles, links' targets, images and event handlers."""
    return Markup(nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, link_rel=None))


def _data_uri(kind: str, content: str) -> str:
    encoded = base64.b64encode(content.encode()).decode() if kind == "image/svg+xml" else "".join(content.split())
    return f"data:{kind};base64,{encoded}"


def _plain(text: str) -> str:
    return visible(strip_ansi(text), keep="\n\t")  # type: ignore[no-untyped-call]
