"""What every card keeps to: short, escaped, its Python text safe, its SQL run again, and near names of an unknown one."""

import ast
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from forensics.cards.drawing import tell
from forensics.case import Case
from forensics.errors import UnknownName, UsageError
from tests.cards.every import CARDS, HOSTILE_NAMES, LOOKUPS, NAMES, UNKNOWN, hostile, ordinary

TAGS = set("style div span ul li dl dt dd h4 table thead tbody tr th td p details summary pre b i code button".split())
ATTRIBUTES = {"class", "style", "title", "open", "data-commandlinker-command", "data-commandlinker-args"}
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Page(HTMLParser):
    """What a browser makes of HTML: tags, their attributes, the texts of `code`, all words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.codes: list[str] = []
        self.within: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.within.append(tag)
        self.codes += [""] if tag == "code" else []

    def handle_endtag(self, tag: str) -> None:
        self.within.pop()

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.within and self.within[-1] == "code":
            self.codes[-1] += data


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with ordinary(tmp_path_factory.mktemp("ordinary")) as made:
        yield made


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with hostile(tmp_path_factory.mktemp("attacked")) as made:
        yield made


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with Case.create(tmp_path_factory.mktemp("empty") / "case") as made:
        yield made


def checked(card: Any) -> Page:
    """The card as a page, once it is sure that it is harmless and short."""
    html, text = card._repr_html_(), str(card)
    page = Page(html)
    assert page.within == []
    assert {tag for tag, _ in page.tags} <= TAGS
    assert {name for _, attrs in page.tags for name in attrs} <= ATTRIBUTES
    assert not re.search(r"@import|url\(", html)
    assert not ACTS.search(page.words + text)
    assert len(html) < 200_000
    return page


def literal(node: ast.expr) -> bool:
    """Whether a call is made of names of ours and of values only."""
    if isinstance(node, ast.Call):
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        return literal(node.func) and all(literal(item) for item in given)
    if isinstance(node, ast.Attribute | ast.Subscript):
        return literal(node.value)
    if isinstance(node, ast.Dict | ast.Tuple | ast.List):
        return all(
            isinstance(item, ast.Constant | ast.Call)
            for item in ast.iter_child_nodes(node)
            if isinstance(item, ast.expr)
        )
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in ALLOWED)


ALLOWED = {"case", "Timeline", "Case", "figures", "datetime"}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_has_its_heading_its_sql_and_says_that_times_are_utc(case: Case, name: str) -> None:
    card = CARDS[name](case, NAMES)
    page = checked(card)

    assert card.heading[:40] in page.words
    assert ("details", {"class": "fc-sql"}) in page.tags
    assert card.sql.strip() in page.words
    assert "Times are UTC." in page.words
    assert str(card).splitlines()[0].startswith(f"{card.kind_of_card} ")


@pytest.mark.parametrize("name", CARDS)
def test_the_sql_under_a_card_runs_again_and_gives_the_same(case: Case, name: str) -> None:
    statements = tell(CARDS[name](case, NAMES)).statements

    assert statements
    for _, query in statements:
        assert case.sql(query.sql, query.params).rows() == query.rows()


@pytest.mark.parametrize("name", CARDS)
def test_hostile_text_of_records_is_text_in_every_card(attacked: Case, name: str) -> None:
    page = checked(CARDS[name](attacked, HOSTILE_NAMES))

    assert "owned" in page.words or name in ("coverage", "who_was")


@pytest.mark.parametrize("name", CARDS)
def test_no_name_breaks_out_of_the_python_text_that_leads_on(attacked: Case, name: str) -> None:
    page = checked(CARDS[name](attacked, HOSTILE_NAMES))
    buttons = [json.loads(attrs["data-commandlinker-args"] or "") for tag, attrs in page.tags if tag == "button"]
    texts = [*page.codes, *(item["args"]["text"] for item in buttons)]

    assert any(text.startswith(("case.", "Timeline(", "Case.open(")) for text in texts)
    assert [text for text in texts if not literal(ast.parse(text, mode="eval").body)] == []
    assert {item["commands"][1] for item in buttons} <= {"notebook:replace-selection"}


@pytest.mark.parametrize("name", [name for name in CARDS if name not in (*LOOKUPS, "who_was")])
def test_an_empty_case_is_shown_as_one(empty: Case, name: str) -> None:
    assert checked(CARDS[name](empty, NAMES)).words


@pytest.mark.parametrize("name", LOOKUPS)
def test_an_empty_case_says_what_to_do(empty: Case, name: str) -> None:
    with pytest.raises(UnknownName, match="forensics add"):
        CARDS[name](empty, NAMES)


@pytest.mark.parametrize("name", LOOKUPS)
def test_an_unknown_name_is_met_with_what_is_near_or_what_to_give(case: Case, name: str) -> None:
    with pytest.raises(UnknownName, match=r"; known: .|give an event id|OBJECT_ID#RECORD"):
        CARDS[name](case, UNKNOWN)


def test_what_is_no_address_is_refused(case: Case) -> None:
    with pytest.raises(UsageError, match=r"not an address: 'orders-fn'; give an IPv4 or IPv6 address"):
        case.address("orders-fn")
