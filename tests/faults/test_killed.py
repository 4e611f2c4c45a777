"""Add, load and resolve killed at any moment leave the last commit; run again, they end in the same tables."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics import canonical
from forensics.case import Case
from tests.faults import killing


@pytest.mark.parametrize("times", [12, pytest.param(200, marks=pytest.mark.long)])
def test_what_is_killed_at_any_moment_ends_in_the_tables_of_an_undisturbed_run(
    times: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    folder = killing.logs(tmp_path / "logs")
    expected, took = killing.undisturbed(tmp_path / "undisturbed", folder)
    kills = killing.Kills(tmp_path, random.Random(times))
    kills.run(times, folder, lambda case: canonical.tables(case).differing(expected), took)

    met = ", ".join(f"{count} left it at {stage}" for stage, count in sorted(kills.met.items()))
    record_property("figures", f"{times} kills, {kills.cases} cases: {met}; all ended in the same tables")
    assert sum(kills.met.values()) == times


def test_a_case_that_is_not_finished_says_so_at_the_next_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from forensics import evidence
    from forensics.cli import main

    with Case.create(tmp_path / "case") as case:
        evidence.add(case, killing.logs(tmp_path / "logs"))
    assert main(["sql", str(tmp_path / "case"), "SELECT 1 AS one"]) == 0
    said = f"forensics: unfinished: 25 objects wait to be loaded: forensics load {tmp_path / 'case'}\n"
    assert capsys.readouterr().err == said
    assert main(["verify", str(tmp_path / "case")]) == 0
    assert "unfinished: 25 objects wait" in capsys.readouterr().out
