"""What a report has besides its notebook: the summary, the cited records, what did not load, the SQL, the digests."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import duckdb
import plotly
from markupsafe import Markup
from nbformat import NotebookNode

import forensics
from forensics import custody
from forensics.case import Case
from forensics.report.blocks import Output
from forensics.report.cells import cell_html
from forensics.report.display import MEANINGS, badge, show_table
from forensics.views.labels import count_of, visible

OBJECTS = 200
"""Objects that did not load whole, and rejected records, that are listed at most."""

NAMED = 8
"""Principals and workloads that the summary names at most."""

_NOT_WHOLE = """
SELECT status, source, uri, size, records, rejected, reason, sha256
FROM evidence
WHERE status <> 'loaded'
ORDER BY status, uri, object_id
"""

_REJECTED = """
SELECT v.uri, r.record, r.reason, r.excerpt
FROM rejected_record AS r
JOIN evidence AS v ON v.object_id = r.object_id
ORDER BY v.uri, r.record NULLS FIRST, r.reason
"""

Finding = Mapping[str, Any]
"""An item of findings.json."""


@dataclass(frozen=True)
class Section:
    """A part after the notebook's: its heading, the id it is reached by, its HTML, and figures under that."""

    heading: str
    anchor: str
    body: Markup
    figures: tuple[Output, ...] = ()


def summary(findings: Sequence[Finding]) -> Markup:
    """What, who, when and how certain, counted from the findings; empty where there are none."""
    if not findings:
        return Markup("")
    times = sorted(item["time"] for item in findings if item["time"])
    records = {(place["sha256"], place["record"]) for item in findings for place in item["evidence"]}
    objects = {sha256 for sha256, _ in records}
    told = {
        "what": f"{count_of(len(findings), 'statement')}, each citing its records",
        "techniques": ", ".join(sorted({item["technique"] for item in findings if item["technique"]})),
        "who": _named(item["principal"] for item in findings),
        "workloads": _named(item["workload"] for item in findings),
        "when": f"{_utc(times[0])} to {_utc(times[-1])} UTC" if times else "",
        "rests on": f"{count_of(len(records), 'record')} of {count_of(len(objects), 'object')}",
    }
    rows = [f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in told.items() if value]
    rows.append(f"<dt>how certain</dt><dd>{_certainties(findings)}</dd>")
    return Markup(f'<dl class="fx-summary">{"".join(rows)}</dl>')


def _named(names: Iterable[str | None]) -> str:
    """The names, the most frequent first."""
    counted = [name for name, _ in Counter(name for name in names if name).most_common()]
    more = [f"and {len(counted) - NAMED:,} more"] if len(counted) > NAMED else []
    return "\n".join([*map(visible, counted[:NAMED]), *more])


def _utc(time: str) -> str:
    return visible(time).replace("T", " ").removesuffix("Z").removesuffix(".000")


def _certainties(findings: Sequence[Finding]) -> str:
    counted = Counter(item["certainty"] for item in findings)
    return " ".join(f"{badge(word)} {counted[word]:,}" for word in MEANINGS if counted[word])


def left_out(case: Case) -> Section:
    """Every object that did not load whole, and the text of what was rejected."""
    objects = show_table(case.sql(_NOT_WHOLE), limit=OBJECTS, caption="Objects that did not load whole")
    records = show_table(case.sql(_REJECTED), limit=OBJECTS, caption="Records and parts of records that did not load")
    said = "<p>Objects seen are loaded, partial, rejected, unrecognised or duplicate; all but the loaded are here.</p>"
    return Section("Rejected objects", "rejected", Markup(f"{said}{objects.html}{records.html}"))


def statements(notebook: NotebookNode) -> Section:
    """The SQL behind every table and figure that says what it ran, under the heading it is shown beneath."""
    items = [_statement(f"{number}. {head}", sql, bound) for number, (head, sql, bound) in enumerate(_ran(notebook), 1)]
    said = (
        "<p>What the tables and figures were read with, each with the values bound to its <code>?</code> in their order."
        " Any DuckDB client can run it on <code>case.duckdb</code>; a figure counts these rows further.</p>"
    )
    return Section("SQL", "sql", Markup(f"{said}{''.join(items)}"))


def _ran(notebook: NotebookNode) -> Iterator[tuple[str, str, Sequence[str]]]:
    """(what it is and under which heading, sql, params) of each output that tells them."""
    heading = "before the first heading"
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heads = [line for line in cell.source.splitlines() if line.startswith("#")]
            heading = heads[-1].lstrip("# ") if heads else heading
        for output in cell.get("outputs", ()):
            table = output.get("metadata", {}).get("forensics", {})
            figure = output.get("data", {}).get("application/vnd.plotly.v1+json", {}).get("layout", {}).get("meta")
            for kind, told in (("table", table), ("figure", figure)):
                if isinstance(told, dict) and told.get("sql"):
                    yield f"{kind}, {heading}", str(told["sql"]), [str(value) for value in told.get("params", ())]


def _statement(head: str, sql: str, params: Sequence[str]) -> str:
    bound = "".join(f"<li>{cell_html(value)}</li>" for value in params)
    values = f'<ol class="fx-params">{bound}</ol>' if bound else ""
    text = escape(visible(sql.strip(), keep="\n"), quote=False)
    return f'<details class="fx-sql"><summary>{escape(visible(head))}</summary><pre>{text}</pre>{values}</details>'


def digests(case: Path, files: Mapping[str, Path]) -> Section:
    """The versions that made the report, and the SHA-256 of what it was made from; `files` by what they are."""
    versions = {
        "forensics": forensics.__version__,
        "Python": platform.python_version(),
        "DuckDB": duckdb.__version__,
        "Plotly": plotly.__version__,
        "system": f"{platform.system()} {platform.machine()}",
    }
    hashed = {"custody chain, its last entry": custody.head(case)}
    hashed |= {f"{what}, {path.name}": _sha256(path) for what, path in files.items() if path.is_file()}
    said = (
        "<p>The custody chain is <code>custody.jsonl</code> of the case; each entry holds the hash of the one before, so"
        " that the last stands for every object taken in. <code>forensics verify CASE</code> checks it.</p>"
    )
    body = f'<dl class="fx-facts">{_facts(versions)}</dl>{said}<dl class="fx-facts fx-hashes">{_facts(hashed)}</dl>'
    return Section("Versions and digests", "digests", Markup(body))


def _facts(facts: Mapping[str, str]) -> str:
    return "".join(
        f"<dt>{escape(visible(name))}</dt><dd>{cell_html(value or None)}</dd>" for name, value in facts.items()
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
