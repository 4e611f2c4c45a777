"""When the database fails by itself, loading opens it anew and goes on from the last commit, once; then it says so."""

from pathlib import Path

import duckdb
import pytest

from forensics import canonical, evidence, resolution, verification
from forensics.case import Case
from forensics.errors import CaseError
from forensics.load import load
from forensics.writer import Writer
from tests.faults import killing
from tests.fresh import fresh_case

INSIDE = "INTERNAL Error: MarkBlockAsModified called with already modified block id 7\nStack Trace: 0x1 0x2"


def failing(monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """The first commits of loaded rows fail so many times, as DuckDB 2.0 was seen to."""
    commit, failed = Writer.commit, list[int]()

    def fails(self: Writer) -> None:
        if len(failed) < times:
            failed.append(1)
            raise duckdb.FatalException(INSIDE)
        commit(self)

    monkeypatch.setattr(Writer, "commit", fails)
    return failed


def test_a_commit_that_fails_inside_the_database_is_done_again_on_a_new_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = killing.logs(tmp_path / "logs")
    with fresh_case(tmp_path / "whole") as case:
        evidence.add(case, folder)
        load(case, workers=1)
        expected = canonical.tables(case)
    failed = failing(monkeypatch, 1)
    with fresh_case(tmp_path / "case") as case:
        evidence.add(case, folder)
        before = case.connection
        load(case, workers=1)
        assert failed and case.connection is not before
        assert canonical.tables(case).differing(expected) == []


def test_a_database_that_fails_again_is_told_and_the_case_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_case(tmp_path / "case") as case:
        evidence.add(case, killing.logs(tmp_path / "logs"))
        with monkeypatch.context() as patch:
            failing(patch, 2)
            with pytest.raises(CaseError) as told:
                load(case, workers=1)
        assert str(told.value) == (
            f"{case.path}: the database stopped: {INSIDE.splitlines()[0]}; what was committed before is whole, running it"
            " again goes on there"
        )
        assert verification.verify(case).ok
        assert load(case, workers=1).objects["loaded"] == 24


def test_a_resolution_that_fails_inside_the_database_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve, failed = resolution.resolve, list[int]()

    def fails(con: duckdb.DuckDBPyConnection) -> None:
        if not failed:
            failed.append(1)
            raise duckdb.InternalException(INSIDE)
        resolve(con)

    monkeypatch.setattr(resolution, "resolve", fails)
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, killing.logs(tmp_path / "logs"))
        load(case, workers=1)
        assert not resolution.is_stale(case.connection)
