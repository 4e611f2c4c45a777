"""The report: one file that loads nothing, in which log text stays text."""

import base64
import hashlib
import html as html_module
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from forensics.analysis.statement import Citation, Statement
from forensics.case import Case
from forensics.errors import UsageError
from forensics.report.blocks import cleaned
from forensics.report.cells import LONGEST, cell_html, cell_text
from forensics.report.display import Shown, show_statements, show_table, show_text
from forensics.report.exporter import html
from forensics.timeline import Timeline

nbf: Any = nbformat
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;␛[31m\\u202e"
FIGURE = {
    "application/vnd.plotly.v1+json": {
        "data": [{"y": [1], "name": "</script><b>"}],
        "layout": {"height": 300},
    }
}
AT = datetime(2026, 3, 1, 12)


def page(*cells: Any, title: str = "A question", **facts: object) -> str:
    return html(nbf.v4.new_notebook(cells=list(cells)), title=title, facts=facts, made_at=AT)


def code(*outputs: Any, source: str = "x = 1") -> Any:
    return nbf.v4.new_code_cell(source, outputs=list(outputs))


def shown(item: Shown) -> Any:
    data, metadata = item._repr_mimebundle_()
    return code(nbf.v4.new_output("display_data", data, metadata=metadata))


def statement(**changed: Any) -> Statement:
    cited = Citation("s3://made-up-bucket/object", "a" * 64, 7, "made-up-event")
    facts = {"id": "F1", "title": "Key used", "statement": "It was used.", "time": AT, "certainty": "matched"}
    return Statement(**{**facts, "evidence": (cited,), **changed})


def test_the_report_opens_with_title_facts_and_time() -> None:
    made = page(case="shop", parameters={"access_key": "ASIAMADEUP0000000001"})
    assert "<h1>A question</h1>" in made
    assert "<dt>case</dt><dd>shop</dd>" in made
    assert "<dt>access_key</dt><dd>ASIAMADEUP0000000001</dd>" in made
    assert "<dt>made at</dt><dd>2026-03-01 12:00:00 UTC</dd>" in made


def test_the_report_names_no_address_to_load_from() -> None:
    made = page(
        nbf.v4.new_markdown_cell("# A question\n\n## Part\n\ntext"),
        code(nbf.v4.new_output("stream", text="out")),
    )
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?!#|data:)[^"'>\s]""", made)
    assert not re.search(r"@import|url\(", made)


def test_its_policy_forbids_loading_and_lets_only_its_own_scripts_run() -> None:
    made = page(code(nbf.v4.new_output("display_data", FIGURE)))
    policy = html_module.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', made)[0])
    scripts = re.findall(r"<script>(.*?)</script>", made, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert len(scripts) == 2
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}'; ")


def test_plotly_is_embedded_once_and_only_if_there_is_a_figure() -> None:
    drawn = page(code(nbf.v4.new_output("display_data", FIGURE)), code(nbf.v4.new_output("display_data", FIGURE)))
    assert drawn.count("plotly.js v") == 1
    assert drawn.count('class="plot-data"') == 2
    assert "plotly.js v" not in page(nbf.v4.new_markdown_cell("text"))


def test_a_figure_cannot_end_its_script() -> None:
    assert '"name": "\\u003c/script>\\u003cb>"' in page(code(nbf.v4.new_output("display_data", FIGURE)))


def test_code_is_folded_and_output_is_not() -> None:
    made = page(code(nbf.v4.new_output("stream", text="said"), source="print('said')"))
    assert '<details class="code"><summary>code</summary>' in made
    assert '<pre class="text" tabindex="0">said</pre>' in made


@pytest.mark.parametrize(
    "output",
    [
        nbf.v4.new_output("stream", name="stdout", text=HOSTILE),
        nbf.v4.new_output("stream", name="stderr", text=HOSTILE),
        nbf.v4.new_output("error", ename="ValueError", evalue=HOSTILE, traceback=[HOSTILE]),
        nbf.v4.new_output("display_data", {"text/plain": HOSTILE}),
        nbf.v4.new_output("display_data", {"text/markdown": HOSTILE}),
        nbf.v4.new_output("display_data", {"text/html": HOSTILE}),
        nbf.v4.new_output("display_data", {"image/svg+xml": HOSTILE}),
    ],
)
def test_no_output_becomes_markup(output: Any) -> None:
    made = page(code(output))
    assert "<script>alert" not in made


def test_terminal_colours_are_left_out_of_what_was_printed() -> None:
    assert '<pre class="text" tabindex="0">red</pre>' in page(
        code(nbf.v4.new_output("stream", text="\x1b[31mred\x1b[0m"))
    )


def test_markup_in_markdown_is_shown_and_not_interpreted() -> None:
    assert "&lt;img src=x&gt;" in page(nbf.v4.new_markdown_cell("<img src=x>"))
    assert "javascript:" not in page(nbf.v4.new_markdown_cell("[x](javascript:alert)"))


def test_headings_make_the_contents_and_the_title_is_not_repeated() -> None:
    made = page(nbf.v4.new_markdown_cell("# A question\n\n## What <happened>\n\n### When"))
    assert '<li class="level2"><a href="#section-1">What &lt;happened&gt;</a></li>' in made
    assert '<li class="level3"><a href="#section-2">When</a></li>' in made
    assert made.count("<h1") == 1


def test_html_of_other_packages_keeps_tables_and_loses_the_rest() -> None:
    made = cleaned('<table><tr onclick="x()"><td style="a">1</td></tr></table><img src="x"><style>a</style>')
    assert made == "<table><tbody><tr><td>1</td></tr></tbody></table>"


def test_a_notebook_on_disk_can_be_given(tmp_path: Path) -> None:
    nbf.write(nbf.v4.new_notebook(cells=[nbf.v4.new_markdown_cell("on disk")]), tmp_path / "made.ipynb")
    assert "<p>on disk</p>" in html(tmp_path / "made.ipynb", title="T")


def test_a_table_is_escaped_in_every_part() -> None:
    made = show_table(pd.DataFrame({HOSTILE: [HOSTILE]}), caption=HOSTILE)
    assert made.html.count(SHOWN) == 4
    assert "<script" not in made.html
    assert not set("\x1b\u202e") & set(made.html + made.text)


def test_a_table_says_how_many_rows_are_not_shown(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        made = show_table(case.sql("SELECT i AS n FROM range(1, 1001) AS r(i) ORDER BY i"), limit=2)
    assert made.text == "n\n─\n1\n2\n… 998 more rows"
    assert '<p class="fx-more">… 998 more rows</p>' in made.html


def test_a_table_without_rows_says_so(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        assert show_table(Timeline(case).query, columns=["time"]).text == "time\n────\nno rows"


def test_an_empty_timeline_says_in_words_that_its_window_was_not_logged(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        shown = show_table(Timeline(case).source("waf").between("2026-11-05", "2026-11-06"), columns=["time"])
        said = "No event, which does not mean that nothing happened: unknown: waf: logged 0 % of 24 h; 24 h unknown"
        assert shown.text.startswith(f"time\n────\nno rows\n{said}")
        assert said in shown.html


def test_columns_are_chosen_ordered_and_renamed() -> None:
    frame = pd.DataFrame({"a": [1], "b": [2]})
    assert show_table(frame, columns=["b"]).text == "b\n─\n2"
    assert show_table(frame, columns={"b": "second", "a": "first"}).text.splitlines()[0] == "second  first"
    with pytest.raises(UsageError, match="no column c; there are: a, b"):
        show_table(frame, columns=["c"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (pd.NaT, "–"),
        (True, "true"),
        (443.0, "443"),
        (8.5, "8.5"),
        (65535, "65535"),
        (1234567, "1,234,567"),
        (datetime(2026, 3, 1, 9, 12, 31), "2026-03-01 09:12:31"),
        (["a", "b"], "a\nb"),
        ("a\x1bb", "a␛b"),
    ],
)
def test_values_are_written_for_people(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_long_text_is_folded_and_very_long_text_counted() -> None:
    made = cell_html("x" * (LONGEST + 5))
    assert made.startswith(f"<details><summary>{'x' * 120}…</summary>")
    assert " … 5 more characters" in made


def test_text_is_paragraphs_without_markup() -> None:
    made = show_text(f"one\n\n{HOSTILE}")
    assert made.html == f'<p class="fx-text">one</p><p class="fx-text">{SHOWN}</p>'
    assert repr(made) == "one\n\n<script>alert(1)</script>␛[31m\\u202e"


def test_a_statement_shows_time_certainty_technique_and_the_records_it_cites() -> None:
    made = show_statements([statement(technique="T1552.005", principal="arn:aws:iam::111122223333:role/orders")])
    assert "2026-03-01 12:00:00 UTC" in made.html
    assert '<span class="fx-badge fx-matched">matched</span>' in made.html
    assert "T1552.005" in made.html
    assert "<summary>1 record</summary>" in made.html
    assert all(part in made.html for part in ("made-up-event", "s3://made-up-bucket/object", "a" * 64))
    assert f'<a class="fx-record" href="#record-{"a" * 16}-7">made-up-event</a>' in made.html


def test_the_words_of_certainty_that_are_used_are_explained() -> None:
    made = show_statements([statement(), statement(id="F2", certainty="shared")])
    explained = re.findall(r"<dt><span class=\"fx-badge fx-\w+\">(\w+)</span></dt>", made.html)
    assert explained == ["matched", "shared"]


def test_statements_as_plain_text_are_numbered_and_cite() -> None:
    lines = repr(show_statements([statement(), statement(id="F2", time=None)])).splitlines()
    assert lines[0] == "1. 2026-03-01 12:00:00 UTC  [matched]"
    assert lines[3] == "   cites made-up-event"
    assert lines[5] == "2. no single time  [matched]"


def test_hostile_statements_stay_text() -> None:
    cited = Citation(HOSTILE, HOSTILE, 1, HOSTILE)
    made = show_statements(
        [
            statement(
                id='"><script>',
                title=HOSTILE,
                statement=HOSTILE,
                principal=HOSTILE,
                resources=(HOSTILE,),
                evidence=(cited,),
            )
        ]
    )
    assert "<script" not in made.html
    assert not set("\x1b\u202e") & set(made.html + made.text)


def test_no_statements_say_that_nothing_was_found() -> None:
    assert repr(show_statements([])) == "Nothing was found."


def test_what_is_shown_reaches_the_report_with_its_style_once() -> None:
    made = page(shown(show_statements([statement()])), shown(show_table(pd.DataFrame({"a": [1]}))))
    assert made.count(".fx-statements {") == 1
    assert '<ol class="fx-statements">' in made
    assert '<td class="fx-number">1</td>' in made
