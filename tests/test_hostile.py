"""Log text that attacks its reader, from the object to the report: intact as data, harmless wherever it is shown."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from forensics.cli import main
from forensics.playbook import playbook
from tests.loading import TRAIL_KEY, loaded, records
from tests.workload_worlds import LAMBDA, ORDERS, in_scope
from tests.worlds import Record, assume, call, role, user

OUTSIDE = "203.0.113.77"
KEY = "ASIAEXAMPLESTOLEN"
LONG = "A" * 1_000_000
TEXTS = (
    "<script>alert(1)</script>",
    "=cmd()|'/C calc'!A1",
    "'; DROP TABLE cloudtrail; --",
    "\x1b[31mred\x1b]0;owned\x07",
    "{{7*7}}",
    "</script><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "a\u202egpj.exe",
)
FINDING_KEY = "AWSLogs/111122223333/GuardDuty/us-east-1/2026/11/05/made-up.jsonl"
MADE = set(
    "html head meta title style body header h1 h2 h3 h4 dl dt dd nav p ul ol li a main section details summary pre code span"
    " figure noscript script div table caption thead tbody tr th td time em strong".split()
)
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that act on a terminal or turn the direction of text."""


@dataclass(frozen=True)
class Attacked:
    """A loaded case of hostile records, what the command line wrote of it, and the report."""

    case: Path
    out: Path

    def text(self, name: str) -> str:
        return (self.out / name).read_text("utf-8")


def stolen(name: str, place: int, agent: str, **more: Any) -> Record:
    """A call with the stolen key from outside."""
    who = in_scope(role("orders-fn-role", "orders-fn", key=KEY), ORDERS)
    return call(who, name, at=f"09:{place:02d}:00", sourceIPAddress=OUTSIDE, userAgent=agent, **more)


def attacks() -> Iterator[Record]:
    """Every text as user agent, object key, session name and user name; a megabyte as user agent and object key."""
    for place, text in enumerate((*TEXTS, LONG)):
        asked = {"bucketName": "orders-data", "key": text}
        yield stolen("s3:GetObject", place, text, requestParameters=asked)
    for place, text in enumerate(TEXTS, 20):
        who, made = stolen("s3:ListBuckets", place, "cli")["userIdentity"], f"ASIAEXAMPLESESSION{place}"
        yield assume(
            who, f"role-{place}", text, key=made, at=f"09:{place}:10", sourceIPAddress=OUTSIDE, userAgent="cli"
        )
        yield call(role(f"role-{place}", text, key=made), at=f"09:{place}:20", sourceIPAddress=OUTSIDE)
        key = {"accessKey": {"accessKeyId": f"AKIAEXAMPLEUSER{place}", "userName": text, "status": "Active"}}
        yield stolen("iam:CreateAccessKey", place, "cli", requestParameters={"userName": text}, responseElements=key)
        its_own = user(text, key=f"AKIAEXAMPLEUSER{place}", uid=f"AIDAEXAMPLE{place}")
        yield call(its_own, at=f"09:{place}:40", sourceIPAddress=OUTSIDE)


def finding() -> bytes:
    """The theft, reported under a hostile title."""
    action = {"awsApiCallAction": {"api": "GetObject", "remoteIpDetails": {"ipAddressV4": OUTSIDE}}}
    made: Record = {
        "schemaVersion": "2.0",
        "accountId": "111122223333",
        "region": "us-east-1",
        "id": "f-1",
        "severity": 8.0,
    }
    made |= {"type": "UnauthorizedAccess:IAMUser/ResourceCredentialExfiltration.OutsideAWS", "title": TEXTS[5]}
    made |= {"createdAt": "2026-11-05T09:10:00.000Z", "updatedAt": "2026-11-05T09:10:00.000Z"}
    made |= {"resource": {"resourceType": "AccessKey", "accessKeyDetails": {"accessKeyId": KEY, "userName": TEXTS[0]}}}
    seen = {"eventFirstSeen": "2026-11-05T09:00:00.000Z", "eventLastSeen": "2026-11-05T09:30:00.000Z"}
    return json.dumps(made | {"service": {"serviceName": "guardduty", "action": action} | seen}).encode() + b"\n"


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Attacked:
    """Loaded, listed in every format and reported on, once."""
    root = tmp_path_factory.mktemp("hostile")
    minted = assume(
        LAMBDA, "orders-fn-role", "orders-fn", key=KEY, at="08:00:00", sourceIPAddress="lambda.amazonaws.com"
    )
    with Case.create(root / "case") as case:
        trail = records(minted, *attacks())
        loaded(case, root / "logs", {TRAIL_KEY.removesuffix(".gz"): trail, FINDING_KEY: finding()})
    for form in ("csv", "table", "jsonl"):
        assert main(["timeline", str(root / "case"), "--format", form, "--out", str(root / form)]) == 0
    playbook("lambda-credential-theft").run(root / "case", {"workload": "orders-fn"}, root / "out")
    (root / "out" / "report.html").rename(root / "report.html")
    (root / "out" / "findings.json").rename(root / "findings.json")
    return Attacked(root / "case", root)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.figures: list[str] = []
        self._in: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in = f"{tag} {dict(attrs).get('class')}" if tag in {"script", "style"} else None

    def handle_endtag(self, tag: str) -> None:
        self._in = None

    def handle_data(self, data: str) -> None:
        (self.figures if self._in == "script plot-data" else self.words if self._in is None else []).append(data)


@pytest.fixture(scope="module")
def page(attacked: Attacked) -> _Page:
    """The report as a browser would take it apart."""
    made = _Page()
    made.feed(attacked.text("report.html"))
    return made


def test_every_text_is_intact_in_the_tables(attacked: Attacked) -> None:
    with Case.open(attacked.case) as case:
        agents = {row[0] for row in case.sql("SELECT user_agent FROM event WHERE action = 's3:GetObject'").rows()}
        sessions = {row[0] for row in case.sql("SELECT session FROM event").rows()}
        users = {row[0] for row in case.sql("SELECT principal FROM event").rows()}
        assert agents == {*TEXTS, LONG}
        assert {
            f"arn:aws:sts::111122223333:assumed-role/role-{n}/{text}" for n, text in enumerate(TEXTS, 20)
        } <= sessions
        assert {f"arn:aws:iam::111122223333:user/{text}" for text in TEXTS} <= users
        assert case.sql("SELECT count(*) FROM rejected_record").rows() == [(0,)]


def test_every_text_is_intact_in_the_findings(attacked: Attacked) -> None:
    found = json.loads(attacked.text("findings.json"))
    resources = {name for item in found for name in item["resources"]}
    assert {f"arn:aws:s3:::orders-data/{text}" for text in (*TEXTS, LONG)} <= resources
    assert {f"arn:aws:iam::111122223333:user/{text}" for text in TEXTS} <= resources


def test_nothing_in_a_csv_is_a_formula_or_acts_on_a_terminal(attacked: Attacked) -> None:
    csv.field_size_limit(10_000_000)
    with (attacked.out / "csv").open(newline="", encoding="utf-8") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert [cell for cell in cells if re.match(r"[=+@\t\r-](?!\d)", cell)] == []
    assert "'=cmd()|'/C calc'!A1" in cells
    assert not ACTS.search(attacked.text("csv"))


def test_nothing_in_a_table_acts_on_a_terminal(attacked: Attacked) -> None:
    text = attacked.text("table")
    assert not ACTS.search(text)
    assert "\\x1b[31mred" in text and "a\\u202egpj.exe" in text


def test_json_lines_carry_every_text_and_nothing_that_acts(attacked: Attacked) -> None:
    text = attacked.text("jsonl")
    assert not ACTS.search(text)
    assert {*TEXTS, LONG} <= {json.loads(line)["user_agent"] for line in text.splitlines()}


def test_the_report_holds_no_element_or_handler_that_is_not_its_own(page: _Page) -> None:
    assert {tag for tag, _ in page.elements} <= MADE
    assert [attrs for _, attrs in page.elements if any(name.startswith("on") for name in attrs)] == []
    links = [attrs.get("href") or attrs.get("src") or "#" for _, attrs in page.elements]
    assert [link for link in links if not link.startswith("#")] == []
    drawn = [attrs for tag, attrs in page.elements if tag == "script"]
    assert len([attrs for attrs in drawn if not attrs]) == 2
    assert {attrs.get("type") for attrs in drawn if attrs} == {"application/json"}


def test_the_report_shows_every_text_as_text(page: _Page, attacked: Attacked) -> None:
    words = "".join(page.words)
    for text in (TEXTS[0], TEXTS[1], TEXTS[2], TEXTS[4], TEXTS[5], TEXTS[6], "a\\u202egpj.exe", "␛[31mred"):
        assert text in words
    assert not ACTS.search(words)
    assert len(attacked.text("report.html").encode()) < 7_000_000


def test_no_figure_of_the_report_carries_markup(page: _Page) -> None:
    texts = [text for figure in page.figures for text in _texts(json.loads(figure))]
    assert len(page.figures) >= 3
    foreign = re.compile(r"<(?!/?(?:b|i|br|span|extra)\b)[a-z/!]|<[^>]*(?:href|onerror)")
    assert [text for text in texts if foreign.search(text)] == []
    assert [text for text in texts if ACTS.search(text)] == []
    assert max(map(len, texts)) < 10_000


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)
