"""The benchmarks run; their figures are looked at by people."""

from pathlib import Path

import pytest

from tests.benchmarks import bench_ask, bench_export, bench_load, bench_s3


def test_the_benchmark_of_loading_runs_and_counts_agree(capsys: pytest.CaptureFixture[str]) -> None:
    bench_load.bench(bench_load.QUICK)
    printed = capsys.readouterr().out
    assert printed.count("forensics  ") == 5
    for other in ("read_json(columns)", "from_json", "json_normalize", "read_csv", "flowlogs-reader", "resolve"):
        assert other in printed


def test_the_benchmark_of_s3_runs_and_touches_no_key_outside_of_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "")
    assert "400 objects of 2,000 bytes: " in bench_s3.bench(400, 2_000)


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
