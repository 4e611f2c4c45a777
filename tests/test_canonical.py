"""Digests of tables say whether two cases hold the same, and where they do not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics import canonical, evidence
from forensics.case import Case
from forensics.cli import main
from forensics.load import load
from tests.loading import loaded, put, records, trail

FILES = {"a.json": records(trail("A"), trail("B")), "b.json": records(trail("C"))}


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., canonical.Tables]:
    """Digests of a case of files that lie at one place each time, put down at one time."""

    def make(name: str, files: dict[str, bytes]) -> canonical.Tables:
        for path in put(tmp_path / "logs", files).rglob("*"):
            os.utime(path, (1_793_869_200, 1_793_869_200))
        with Case.create(tmp_path / name) as case:
            if files:
                evidence.add(case, tmp_path / "logs")
            load(case, workers=1)
            return canonical.tables(case)

    return make


def test_the_same_evidence_gives_the_same_digests(made: Callable[..., canonical.Tables]) -> None:
    one, other = made("one", FILES), made("other", FILES)
    assert one.differing(other) == []
    assert one.sha256 == other.sha256


def test_another_value_is_seen_in_the_tables_that_have_it(made: Callable[..., canonical.Tables]) -> None:
    one = made("one", FILES)
    other = made("other", FILES | {"b.json": records(trail("C", awsRegion="eu-west-1"))})
    assert {"cloudtrail", "event", "evidence"} <= {*one.differing(other)}
    assert "vpc_flow" not in one.differing(other)
    assert one.sha256 != other.sha256


def test_a_row_that_is_there_twice_is_seen(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", FILES)
        once = canonical.tables(case)
        case.connection.execute("INSERT INTO stored.cloudtrail SELECT * FROM stored.cloudtrail")
        assert "cloudtrail" in once.differing(canonical.tables(case))


def test_an_empty_case_has_digests_too(made: Callable[..., canonical.Tables]) -> None:
    assert {item.rows for item in made("empty", {}).digests} == {0}


def test_the_command_prints_a_digest_for_each_table_and_one_for_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", FILES)
        made = canonical.tables(case)
    assert main(["verify", str(tmp_path / "case"), "--tables"]) == 0
    assert capsys.readouterr().out == f"{made}\n"
    assert main(["verify", str(tmp_path / "case"), "--tables", "--digests"]) == 2
