"""The benchmarks run; their figures are looked at by people."""

from pathlib import Path

import duckdb
import pytest

from forensics import evidence, storage
from forensics.case import Case
from forensics.load import load
from forensics.sources import sources
from tests.benchmarks import (
    bench_ask,
    bench_coverage,
    bench_export,
    bench_load,
    bench_s3,
    bench_scale,
    bench_size,
    same_table,
)
from tests.benchmarks.made_up import write_trail


def test_the_benchmark_of_loading_runs_and_counts_agree(capsys: pytest.CaptureFixture[str]) -> None:
    bench_load.bench(bench_load.QUICK)
    printed = capsys.readouterr().out
    assert printed.count("forensics  ") == 5
    for other in (
        "read_json(columns)",
        "the same table",
        "top-level columns only",
        "json_normalize",
        "gunzip and scan",
    ):
        assert other in printed
    for other in ("load, objects", "read_csv", "flowlogs-reader", "resolve"):
        assert other in printed


def test_the_benchmark_of_scale_runs(capsys: pytest.CaptureFixture[str]) -> None:
    bench_scale.bench(bench_scale.QUICK)
    printed = capsys.readouterr().out
    for what in ("2,000 events", "20 objects", "0.001 GB of JSON"):
        assert what in printed


def test_the_benchmark_of_size_runs(capsys: pytest.CaptureFixture[str]) -> None:
    bench_size.bench(bench_size.QUICK)
    assert "made-up CloudTrail, resolved" in capsys.readouterr().out


def test_plain_sql_fills_the_same_table_with_the_same_rows(tmp_path: Path) -> None:
    folder = write_trail(tmp_path / "trail", 60, per_file=20)
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, folder, in_place=True)
        load(case, resolve=False)
        columns = ", ".join(f'"{name}"' for name, _ in same_table.stored(sources()["cloudtrail"]))
        ours = case.sql(f"SELECT {columns} FROM cloudtrail ORDER BY object_id, record").rows()
        assert storage.present(case.connection, sources()["cloudtrail"]) == {
            name for name, _ in same_table.stored(sources()["cloudtrail"])
        }
    assert same_table.fill(tmp_path / "same.duckdb", sorted(map(str, folder.iterdir())), 1 << 20) == 60
    with duckdb.connect(str(tmp_path / "same.duckdb")) as con:
        assert con.execute(f"SELECT {columns} FROM cloudtrail ORDER BY object_id, record").fetchall() == ours


def test_the_benchmark_of_s3_runs_and_touches_no_key_outside_of_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "")
    assert "400 objects of 2,000 bytes: " in bench_s3.bench(400, 2_000)


def test_the_benchmark_of_coverage_runs_and_asks_of_every_hour(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = bench_coverage.QUICK
    bench_coverage.bench(tmp_path, grid)
    printed = capsys.readouterr().out
    assert f"{grid.cells * (grid.days + 1) // grid.days:,} hours of logs" in printed
    assert printed.count("coverage  ") == 2
    assert "the command, from its start" in printed


def test_the_benchmark_of_questions_runs_and_its_findings_have_their_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench_ask.quick(tmp_path)
    rows = {line[:36].strip(): line.split("  ")[-1] for line in capsys.readouterr().out.splitlines()}
    assert rows["finding of traffic, its evidence"] == "2 rows"
    assert rows["finding of calls, its evidence"] == "1 rows"
    assert "import forensics" in rows


@pytest.mark.long
def test_the_benchmark_of_exports_runs(capsys: pytest.CaptureFixture[str]) -> None:
    bench_export.bench(4_000)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[4:]] == list(bench_export.WAYS)
