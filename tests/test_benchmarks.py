"""The benchmark of loading runs; its figures are looked at by people."""

import pytest

from tests.benchmarks import bench_load


def test_the_benchmark_of_loading_runs_and_counts_agree(capsys: pytest.CaptureFixture[str]) -> None:
    bench_load.bench(bench_load.QUICK)
    printed = capsys.readouterr().out
    assert printed.count("forensics  ") == 5
    for other in ("read_json(columns)", "from_json", "json_normalize", "read_csv", "flowlogs-reader", "resolve"):
        assert other in printed
