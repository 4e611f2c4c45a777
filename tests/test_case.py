"""A case opens read-only, says what is wrong with it, and refuses what it cannot do."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from forensics.case import DATABASE, Case
from forensics.cli import main
from forensics.errors import CaseError, CaseExists, CaseLocked, NewerCase, NotACase, QueryError

HOLD = (
    "import sys, forensics.case as c; k = c.Case.open(sys.argv[1], read_only=False); print('held', flush=True); input()"
)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """An empty case."""
    with Case.create(tmp_path / "case") as made:
        yield made


def test_a_new_case_has_every_table_and_no_row(case: Case) -> None:
    assert case.sql("SELECT count(*) FROM event").rows() == [(0,)]
    assert case.sql("SELECT count(*) FROM attribution").rows() == [(0,)]
    assert (case.path / "evidence").is_dir()


def test_a_case_is_not_made_where_something_is(tmp_path: Path, case: Case) -> None:
    (tmp_path / "file").write_text("x")
    for place in (case.path, tmp_path / "file"):
        with pytest.raises(CaseExists, match="it exists and is not an empty directory"):
            Case.create(place)


def test_nothing_is_no_case(tmp_path: Path) -> None:
    with pytest.raises(NotACase, match=r"no case at .*make one with `forensics new"):
        Case.open(tmp_path / "nowhere")


def test_another_database_is_no_case(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / DATABASE)).close()
    with pytest.raises(NotACase, match="not a case of this package"):
        Case.open(tmp_path)


def test_a_file_that_is_no_database_is_no_case(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_text("hello " * 5000)
    with pytest.raises(CaseError, match="cannot open"):
        Case.open(tmp_path)


def test_a_newer_case_is_refused(case: Case) -> None:
    case.connection.execute("UPDATE case_info SET value = '99' WHERE key = 'schema_version'")
    case.close()
    with pytest.raises(NewerCase, match="table version 99"):
        Case.open(case.path)


def test_a_case_that_another_process_writes_is_locked(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.close()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(case.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(CaseLocked, match="being written by process"):
            Case.open(case.path)
        assert main(["sql", str(case.path), "SELECT 1"]) == 1
        holder.communicate("\n")
    assert "being written by process" in capsys.readouterr().err


def test_a_case_opens_read_only(case: Case) -> None:
    case.close()
    with Case.open(case.path) as opened, pytest.raises(QueryError):
        opened.sql("DELETE FROM evidence").rows()


@pytest.mark.parametrize("query", ["SELEC 1", "SELECT 1; SELECT 2", ""])
def test_what_is_not_one_statement_is_refused_at_once(case: Case, query: str) -> None:
    with pytest.raises(QueryError):
        case.sql(query)


def test_a_query_that_does_not_bind_is_an_error_of_ours(case: Case) -> None:
    with pytest.raises(QueryError, match="query failed"):
        case.sql("SELECT nothing FROM nowhere").rows()


def test_a_query_gives_rows_frames_and_tables(case: Case) -> None:
    query = case.sql("SELECT ? AS a, '<b>' AS b", (1,))
    assert query.rows() == [(1, "<b>")]
    assert query.df().to_dict("list") == {"a": [1], "b": ["<b>"]}
    assert query.arrow().to_pydict() == {"a": [1], "b": ["<b>"]}
    assert query.columns == ["a", "b"]
    assert "&lt;b&gt;" in query._repr_html_()


def test_a_case_of_table_version_2_gets_what_version_3_has(case: Case) -> None:
    for column in ("storage_class", "metadata"):
        case.connection.execute(f"ALTER TABLE evidence DROP COLUMN {column}")
    case.connection.execute("DROP TABLE acquisition")
    case.connection.execute("UPDATE case_info SET value = '2' WHERE key = 'schema_version'")
    case.close()
    with Case.open(case.path, read_only=False) as opened:
        assert opened.sql("SELECT storage_class, metadata FROM evidence").columns == ["storage_class", "metadata"]
        assert opened.sql("SELECT count(*) FROM acquisition").rows() == [(0,)]


def test_a_query_that_takes_long_writes_nothing_of_its_own_to_the_output(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as made:
        connections = (made.connection, made.connection.cursor())
        assert [c.execute("SELECT current_setting('enable_progress_bar')").fetchall() for c in connections] == [
            [(False,)],
            [(False,)],
        ]


def test_a_query_that_the_views_of_an_older_version_cannot_answer_says_what_to_do(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        case.connection.execute("CREATE OR REPLACE VIEW attribution AS SELECT NULL AS event_id")
    with (
        Case.open(tmp_path / "case") as case,
        pytest.raises(QueryError, match=r"older version.*`forensics load .*case`"),
    ):
        case.sql("SELECT object_id FROM attribution").rows()
    with Case.open(tmp_path / "case", read_only=False) as case:
        assert case.sql("SELECT object_id FROM attribution").rows() == []
