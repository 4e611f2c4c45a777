"""A table made anew holds what its SELECT gives; rows that stay the same are left alone."""

import duckdb
import pytest

from forensics.replaced import replace

VALUES = "SELECT * FROM (VALUES ('a', ['x'], NULL), ('b', ['y'], 2)) AS v(name, seen, number)"


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("CREATE TABLE thing (name VARCHAR PRIMARY KEY, seen VARCHAR[], number INTEGER)")
    made.execute("INSERT INTO thing VALUES ('b', ['y'], 2), ('a', ['old'], NULL), ('c', NULL, 3)")
    return made


def test_rows_that_differ_are_written_and_those_that_are_gone_removed(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("BEGIN")
    replace(con, "thing", ("name",), VALUES)
    con.execute("COMMIT")
    assert con.execute("FROM thing ORDER BY name").fetchall() == [("a", ["x"], None), ("b", ["y"], 2)]


def test_rows_that_are_the_same_stay_where_they_are(con: duckdb.DuckDBPyConnection) -> None:
    before = con.execute("SELECT rowid FROM thing WHERE name = 'b'").fetchall()
    replace(con, "thing", ("name",), VALUES)
    assert con.execute("SELECT rowid FROM thing WHERE name = 'b'").fetchall() == before


def test_a_select_without_rows_empties_the_table(con: duckdb.DuckDBPyConnection) -> None:
    replace(con, "thing", ("name",), f"{VALUES} WHERE FALSE")
    assert con.execute("FROM thing").fetchall() == []


def test_an_empty_table_gets_the_rows_in_the_order_of_their_keys(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM thing")
    replace(con, "thing", ("name",), f"{VALUES} ORDER BY name DESC")
    assert con.execute("SELECT name FROM thing ORDER BY rowid").fetchall() == [("a",), ("b",)]


def test_rows_that_several_columns_tell_apart_are_replaced_one_by_one() -> None:
    con = duckdb.connect()
    con.execute("CREATE TABLE held (place VARCHAR, workload VARCHAR, seen INTEGER)")
    con.execute("INSERT INTO held VALUES ('a', 'x', 1), ('a', 'y', 1)")
    replace(con, "held", ("place", "workload"), "SELECT * FROM (VALUES ('a', 'x', 1), ('a', 'y', 2)) AS v")
    assert con.execute("FROM held ORDER BY workload").fetchall() == [("a", "x", 1), ("a", "y", 2)]
