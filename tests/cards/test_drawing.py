"""Every card as a notebook and a terminal show it: whole, short, escaped, with its SQL."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from forensics.case import Case
from forensics.report.exporter import html
from tests.cards.worlds import FINDING, KEY, ORDERS, ROLE_ARN, ROWS, WEB, told

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m\x1b]0;owned\x07\u202e{{7*7}}"
SHOWN = "</td><script>alert(1)</script><img src=x onerror=alert(1)>␛[31m␛]0;owned␇\\u202e{{7*7}}"
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
CARDS = ("principal", "credential", "workload", "finding", "who_was")


def named(value: Any, table: str, column: str) -> Any:
    """A text of a row made hostile, unless a table's rules fix its words."""
    fixed = column in {"certainty", "place", "speaks", "holds_kind", "holds", "workload_certainty"}
    if isinstance(value, list):
        return [HOSTILE]
    return HOSTILE if isinstance(value, str) and not fixed and not re.match(r"2026-", value) else value


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with told(tmp_path_factory.mktemp("told")) as made:
        yield made


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """One row of each table, every text of it hostile."""
    rows = {
        table: [{name: named(value, table, name) for name, value in items[0].items()}] for table, items in ROWS.items()
    }
    rows["principal"] = [{"principal": HOSTILE, "kind": HOSTILE, "name": HOSTILE}]
    rows["session"] = [{"session": HOSTILE, "principal": HOSTILE, "name": HOSTILE, "source_identity": HOSTILE}]
    with told(tmp_path_factory.mktemp("hostile"), rows) as made:
        yield made


def card(case: Case, kind: str, name: str | None = None) -> Any:
    names = {"principal": ROLE_ARN, "credential": KEY, "workload": ORDERS, "finding": FINDING, "who_was": "10.0.3.17"}
    if kind == "who_was":
        return case.who_was(name or names[kind], at="2026-11-05T08:30:00Z")
    return getattr(case, kind)(name or names[kind])


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("kind", CARDS)
def test_a_card_has_answer_parts_times_in_utc_and_sql(case: Case, kind: str) -> None:
    made = card(case, kind)
    page = _Page(made._repr_html_())

    assert "Times are UTC." in page.words
    assert ("details", {"class": "fc-sql"}) in page.tags
    assert made.sql.strip() in page.words
    assert made.heading in page.words


@pytest.mark.parametrize("kind", CARDS)
def test_a_card_loads_nothing_and_suits_light_and_dark(case: Case, kind: str) -> None:
    made = card(case, kind)._repr_html_()

    assert not re.search(r"(?:src|href)\s*=|@import|url\(|<script", made)
    assert "prefers-color-scheme: dark" in made
    assert 'data-jp-theme-light="false"' in made


@pytest.mark.parametrize("kind", CARDS)
def test_text_of_records_is_neither_markup_nor_a_command_to_the_terminal(hostile: Case, kind: str) -> None:
    made = card(hostile, kind, None if kind == "who_was" else HOSTILE)
    page = _Page(made._repr_html_())

    assert {tag for tag, _ in page.tags} <= set(
        "style div span ul li dl dt dd h4 table thead tbody tr th td p details summary pre b code button".split()
    )
    assert [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)] == []
    assert SHOWN[:40] in page.words
    assert not ACTS.search(page.words)
    assert not ACTS.search(str(made))
    assert "␛[31m" in str(made)


@pytest.mark.parametrize("kind", CARDS)
def test_a_terminal_gets_the_card_as_text(case: Case, kind: str) -> None:
    made = card(case, kind)

    assert str(made) == repr(made)
    assert "<" not in str(made).replace("<=", "")
    assert str(made).splitlines()[0].endswith(made.heading)


def test_tables_are_short_and_say_how_much_more_there_is(case: Case) -> None:
    made = case.workload(ORDERS)

    assert "… and 12 more" in made._repr_html_()
    assert "Runs (20)" in str(made)
    assert len(re.findall(r"r-\d\d ", str(made).split("Runs")[1].split("more")[0])) == 8


def test_certainty_stands_beside_each_answer_and_is_explained(case: Case) -> None:
    made = case.credential(KEY)

    assert f"[recorded] Issued to {ORDERS}" in str(made)
    assert made._repr_html_().count('class="fx-badge fx-recorded"') >= 3
    assert "recorded: the record itself" in str(made)


def test_a_part_without_rows_is_left_out_unless_that_means_something(case: Case) -> None:
    made = str(case.workload(WEB))

    assert "Runs" not in made
    assert "matched" in made
    assert "Calls by address: No call of it is in evidence." in str(case.credential("ASIAEXAMPLEUNMINTED"))


def test_a_report_takes_a_card_as_it_is(case: Case) -> None:
    import nbformat

    nbf: Any = nbformat
    data, metadata = case.credential(KEY)._repr_mimebundle_()
    cell = nbf.v4.new_code_cell("x", outputs=[nbf.v4.new_output("display_data", data, metadata=metadata)])
    page = html(nbf.v4.new_notebook(cells=[cell]), title="A question")

    assert '<div class="fc-card">' in page
    assert 'class="fx-badge fx-recorded"' in page
