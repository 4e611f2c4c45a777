"""Every source keeps the contract: documented, recognisable, in the event view, with specimens that load as written.

A specimen `tests/sources/<source>.yaml` is a list of cases: `name`, `key` (the object's key), one of `content` (text),
`records` (what a trail writes), `lines` (JSON, one a line) or `messages` (events of `group` and `stream`), and what is
expected: `rows` (columns and values, in order; other columns are not looked at), `events` (the same of the event view,
for the rows that are events), `rejected` (reasons), `status`, `other` (rows in the tables of other sources).
"""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics import event, evidence, storage
from forensics.case import Case
from forensics.load import load
from forensics.readers.documents import Lost, documents
from forensics.readers.envelope import Leaf, Line, unwrap
from forensics.readers.log_events import LogEvent
from forensics.readers.recognise import claims
from forensics.source import BlindSpot, Source
from forensics.source_check import data, declared, read_specimen, shown
from forensics.sources import sources
from tests.conftest import COMMENTS
from tests.loading import loaded, put, records, trail

FOLDER = Path(__file__).parent
EVERY = list(sources().values())


def specimens(source: Source) -> list[dict[str, Any]]:
    return read_specimen(FOLDER / f"{source.name}.yaml")


CASES = [(source.name, item) for source in EVERY for item in specimens(source)]


def place(number: int) -> str:
    return f"specimen-{number:03}"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """All specimens of all sources in one case, each under a folder of its own."""
    folder = tmp_path_factory.mktemp("specimens")
    files = {f"{place(number)}/{item['key']}": data(item) for number, (_, item) in enumerate(CASES)}
    with Case.create(folder / "case") as made:
        evidence.add(made, put(folder / "logs", files))
        load(made, workers=1)
        yield made


def events_of(case: Case, number: int, columns: list[str]) -> list[tuple[Any, ...]]:
    listed = ", ".join(f's."{name}"' for name in columns)
    return case.sql(
        f"SELECT {listed} FROM event AS s JOIN evidence AS e ON e.object_id = s.object_id"
        " WHERE contains(e.uri, ?) ORDER BY s.record",
        [f"/{place(number)}/"],
    ).rows()


def rows_of(case: Case, source: str, number: int, columns: list[str]) -> list[tuple[Any, ...]]:
    listed = ", ".join(f's."{name}"' for name in columns)
    return case.sql(
        f'SELECT {listed} FROM "{source}" AS s JOIN evidence AS e ON e.object_id = s.object_id'
        " WHERE contains(e.uri, ?) ORDER BY s.record",
        [f"/{place(number)}/"],
    ).rows()


@pytest.mark.parametrize(
    ("number", "source", "item"),
    [pytest.param(number, name, item, id=f"{name}: {item['name']}") for number, (name, item) in enumerate(CASES)],
)
def test_a_specimen_loads_as_it_says(case: Case, number: int, source: str, item: dict[str, Any]) -> None:
    expected = item.get("rows", [])
    columns = sorted({name for row in expected for name in row}) or ["record"]
    found = [dict(zip(columns, row, strict=True)) for row in rows_of(case, source, number, columns)]
    assert len(found) == len(expected)
    assert [{name: row[name] for name in wanted} for row, wanted in zip(found, expected, strict=True)] == expected
    status, reasons = case.sql(
        "SELECT any_value(e.status), list(r.reason ORDER BY r.record NULLS LAST, r.reason) FILTER (r.reason IS NOT NULL)"
        " FROM evidence AS e LEFT JOIN rejected_record AS r ON r.object_id = e.object_id WHERE contains(e.uri, ?)",
        [f"/{place(number)}/"],
    ).rows()[0]
    assert (status, reasons or []) == (item.get("status", "loaded"), item.get("rejected", []))
    for other, count in item.get("other", {}).items():
        assert len(rows_of(case, other, number, ["record"])) == count


@pytest.mark.parametrize(
    ("number", "item"),
    [pytest.param(n, item, id=f"{name}: {item['name']}") for n, (name, item) in enumerate(CASES) if "events" in item],
)
def test_a_specimen_reads_as_the_events_it_says(case: Case, number: int, item: dict[str, Any]) -> None:
    columns = sorted({name for row in item["events"] for name in row})
    found = [dict(zip(columns, row, strict=True)) for row in events_of(case, number, columns)]
    assert [{name: row[name] for name in wanted} for row, wanted in zip(found, item["events"], strict=True)] == (
        item["events"]
    )


EXEMPT = {
    "cloudwatch_log": {"nothing says how its records are told: claims, line_format, claims_line or claims_stream"},
    "eks_authenticator": {"no case of the specimen shows what becomes of a broken record"},
}
"""What takes in the streams that no other claims; and a source of any text, without a number or time of its own."""


@pytest.mark.parametrize("source", EVERY, ids=lambda source: source.name)
def test_a_source_keeps_the_contract_that_those_from_outside_are_asked(source: Source) -> None:
    others = [item for item in EVERY if item.name != source.name]
    assert {*declared(source, others), *shown(source, specimens(source))} == EXEMPT.get(source.name, set())


def test_a_blind_spot_bears_on_a_question_that_is_asked() -> None:
    assert BlindSpot("traffic", "Payload.").question == "traffic"
    with pytest.raises(ValueError, match="question 'weather' is none of"):
        BlindSpot("weather", "Rain.")


def test_every_column_says_in_the_database_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "comments", COMMENTS)
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {"trail.json": records(trail())})
        rows = case.sql(
            "SELECT table_name, column_name FROM duckdb_columns()"
            " WHERE schema_name = 'main' AND coalesce(comment, '') = '' AND list_contains(?, table_name)",
            [list(sources())],
        ).rows()
    assert rows == []


@pytest.mark.parametrize(("name", "item"), [pytest.param(*pair, id=f"{pair[0]}: {pair[1]['name']}") for pair in CASES])
def test_what_one_source_claims_no_other_does(name: str, item: dict[str, Any]) -> None:
    for kind in judged(item):
        assert len(kind) <= 1, kind


def judged(item: dict[str, Any]) -> Iterator[set[str]]:
    """The sources that claim each record, each stream or the lines of a specimen."""
    text = data(item)
    text = gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text
    for leaf in unwrapped(text):
        if isinstance(leaf, LogEvent):
            yield {
                source.name
                for source in EVERY
                if source.claims_stream and source.claims_stream(leaf.stream, leaf.message)
            }
        elif not isinstance(leaf, Line):
            yield {source.name for source in EVERY if claims(source, leaf)}
    lines = text.decode("utf-8", "replace").splitlines()[:20]
    yield {source.name for source in EVERY if source.line_format and source.line_format(lines)}


def unwrapped(text: bytes) -> Iterator[Leaf]:
    for document in documents(text, lambda _: True) if text.lstrip()[:1] in (b"{", b"[") else ():
        if not isinstance(document, Lost):
            yield from unwrap(document)


@pytest.mark.parametrize("source", EVERY, ids=lambda source: source.name)
def test_a_source_reads_as_events(case: Case, source: Source) -> None:
    rows = case.connection.execute(event.select(source)).fetchall()
    assert rows
    assert {row[1] for row in rows} == {source.name}
    assert all(row[0] for row in rows)


@pytest.mark.parametrize(("name", "item"), [pytest.param(*pair, id=f"{pair[0]}: {pair[1]['name']}") for pair in CASES])
def test_a_key_is_that_of_one_source(name: str, item: dict[str, Any]) -> None:
    by_key = {source.name for source in EVERY if any(re.search(key, item["key"]) for key in source.keys)}
    assert by_key in (set(), {name}, {SHARED_FOLDERS.get(name)})


SHARED_FOLDERS = {"transit_gateway_flow": "vpc_flow", "cloudfront_connection": "cloudfront"}
"""Sources whose objects AWS puts into the folder of another: their content decides."""


def test_every_specimen_file_belongs_to_a_source() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(sources())
