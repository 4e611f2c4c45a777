"""Every source keeps the contract: documented, recognisable, in the event view, with specimens that load as written.

A specimen `tests/sources/<source>.yaml` is a list of cases: `name`, `key` (the object's key), one of `content` (text),
`records` (what a trail writes), `lines` (JSON, one a line) or `messages` (events of `group` and `stream`), and what is
expected: `rows` (columns and values, in order; other columns are not looked at), `rejected` (reasons), `status`,
`other` (rows in the tables of other sources).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from forensics import event, evidence
from forensics.case import Case
from forensics.load import load
from forensics.source import Source
from forensics.sources import sources
from tests.loading import envelope, put, zipped

FOLDER = Path(__file__).parent
EVERY = list(sources().values())
PLAIN_NAMES = re.compile(r"id|arn|name|version|type|region|confidence|partition|title|description|tag|path|level")


def specimens(source: Source) -> list[dict[str, Any]]:
    found = yaml.safe_load((FOLDER / f"{source.name}.yaml").read_text("utf-8"))
    assert isinstance(found, list)
    return found


CASES = [(source.name, item) for source in EVERY for item in specimens(source)]


def data(item: dict[str, Any]) -> bytes:
    if "records" in item:
        text = json.dumps({"Records": item["records"]}).encode()
    elif "lines" in item:
        text = b"".join(json.dumps(line).encode() + b"\n" for line in item["lines"])
    elif "messages" in item:
        text = envelope(*item["messages"], group=item.get("group"), stream=item.get("stream"))
    else:
        text = item["content"].encode()
    return zipped(text) if item["key"].endswith("gz") else text


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


@pytest.mark.parametrize("source", EVERY, ids=lambda source: source.name)
def test_a_source_says_what_it_is(source: Source) -> None:
    assert source.title
    assert source.reference
    assert specimens(source)
    assert source.shape in ("json", "fields", "log_event")
    assert any((source.claims, source.claims_line, source.claims_stream))


@pytest.mark.parametrize("source", EVERY, ids=lambda source: source.name)
def test_a_column_is_documented_unless_its_name_says_all(source: Source) -> None:
    silent = [
        column.name
        for column in source.columns
        if not column.doc and "." not in column.field and not PLAIN_NAMES.search(column.name)
    ]
    assert len(silent) <= len(source.columns) // 3, silent
    assert len({name for name, _ in source.table_columns}) == len(source.table_columns)
    assert set(source.required) <= {column.name for column in source.columns}


@pytest.mark.parametrize("source", EVERY, ids=lambda source: source.name)
def test_a_source_reads_as_events(case: Case, source: Source) -> None:
    rows = case.connection.execute(event.select(source)).fetchall()
    assert rows
    assert {row[1] for row in rows} == {source.name}
    assert all(row[0] for row in rows)


@pytest.mark.parametrize("source", EVERY, ids=lambda source: source.name)
def test_key_patterns_compile_and_match_a_specimen(source: Source) -> None:
    keys = [item["key"] for item in specimens(source)]
    for pattern in source.keys:
        assert set(re.compile(pattern).groupindex) <= {"account", "region"}
        assert any(re.search(pattern, key) for key in keys), pattern


def test_every_specimen_file_belongs_to_a_source() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(sources())
