"""What a row lists becomes rows, in each stage of resolution without joining the table with it."""

import re
from typing import Any

import duckdb
import pytest

from forensics.case import Case
from forensics.each import each, valued
from forensics.resolution import resolve

TAGS = """json_extract('[{"key": "Name", "value": "b"}, {"key": "Name", "value": "a"}, {"key": "<b>", "value": "c"}]', '$[*]')"""
BESIDE_A_TABLE = re.compile(r",\s*unnest(\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)) AS \w+\(")
A_COLUMN = re.compile(r"\(\w+\.\w+\)")
COLUMN_WITHIN = re.compile(r"\b[a-z]\.[a-z]")


def test_each_value_of_a_list_is_a_row_and_an_empty_list_is_none() -> None:
    con = duckdb.connect()
    con.execute("CREATE TABLE thing AS SELECT * FROM (VALUES (1, [3, 3]), (2, []), (3, NULL)) AS v(id, listed)")
    read = f"SELECT t.id, t.item FROM {each('thing AS t', 'list_transform(t.listed, lambda x: x + t.id)', 'item')} AS t"
    assert con.execute(read).fetchall() == [(1, 4), (1, 4)]


@pytest.mark.parametrize(("name", "value"), [("Name", "a"), ("<b>", "c"), ("none", None)])
def test_the_least_value_of_a_name_is_taken_and_none_where_there_is_none(name: str, value: str | None) -> None:
    assert duckdb.execute(f"SELECT {valued(TAGS, 'key', name)}").fetchall() == [(value,)]


class Heard:
    """A connection that remembers its statements."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con, self.statements = con, list[str]()

    def execute(self, sql: str, *args: Any) -> duckdb.DuckDBPyConnection:
        self.statements.append(sql)
        return self.con.execute(sql, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.con, name)


def test_no_stage_joins_a_table_with_what_its_rows_list(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.workloads._traced", lambda con, kind: True)
    with Case.create(tmp_path / "case") as case:
        heard = Heard(case.connection)
        resolve(heard)  # type: ignore[arg-type]
    lists = {match.group(1) for sql in heard.statements for match in BESIDE_A_TABLE.finditer(sql)}
    assert {listed for listed in lists if COLUMN_WITHIN.search(listed) and not A_COLUMN.fullmatch(listed)} == set()
    assert any(A_COLUMN.fullmatch(listed) for listed in lists)
