"""Readers survive whatever objects become: no exception, no hang, no growth; a whole load accounts for every record.

With `-m long` each reader is at it for FORENSICS_FUZZ_SECONDS; `python -m tests.fuzz` is the same with more to see.
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import pytest

from forensics.simulate import scenarios
from tests.fuzz import incidents, json_changes
from tests.fuzz.__main__ import main, run
from tests.fuzz.corpus import readers
from tests.fuzz.endure import Effort, Endured, endure
from tests.fuzz.whole import load_whole

USUAL = "log-tampering"
"""The incident whose records are changed in every run: it has logs of most kinds, and digests."""
COUNT = 150
"""Objects of each reader in every run."""
GROWTH = 512 << 10
"""KiB by which a process may grow at its peak: some objects are of megabytes, and read in several forms."""
KEPT = 64 << 10
"""KiB that a process may hold after all objects beyond what it held after a tenth of the time."""
SLOWEST = 10.0
"""Processor seconds that reading one may take: what is not linear in its length takes far longer."""
PATIENCE = 900
"""Seconds after which all objects of a reader count as a hang."""


@pytest.fixture(scope="module")
def endured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Endured]]]:
    """What comes of every reader, worked out by all processors."""
    folder = tmp_path_factory.mktemp("fuzz")
    effort = Effort(count=COUNT, failed=folder / "failed")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        yield {name: pool.submit(endure, name, effort, str(folder)) for name in readers()}


@pytest.mark.parametrize("name", list(readers()))
def test_changed_objects_are_read_without_a_crash(name: str, endured: dict[str, Future[Endured]]) -> None:
    came = endured[name].result(timeout=PATIENCE)
    assert came.failures == []
    assert came.read == COUNT
    assert came.slowest < SLOWEST
    assert came.growth < GROWTH


def test_changed_objects_of_all_readers_load_and_every_record_is_accounted_for(tmp_path: Path) -> None:
    load_whole([reader.made("together", number) for reader in readers().values() for number in range(2)], tmp_path)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name != USUAL)) for name in sorted(scenarios())]
)
def test_all_that_reads_a_case_stands_what_records_of_an_incident_become(name: str, tmp_path: Path) -> None:
    assert list(incidents.failures(name, "1", tmp_path)) == []


@pytest.mark.long
@pytest.mark.parametrize("name", list(readers()))
def test_every_reader_endures_changed_objects_for_a_long_time(name: str, tmp_path: Path) -> None:
    seconds = float(os.environ.get("FORENSICS_FUZZ_SECONDS", "60"))
    failed = Path(os.environ.get("FORENSICS_FUZZ_FAILED", tmp_path / "failed"))
    (came,) = run([name], Effort(seconds=seconds, failed=failed), 1)
    print(came)
    assert came.failures == []
    assert came.slowest < SLOWEST
    assert came.growth < GROWTH
    assert came.kept < KEPT


def test_an_object_is_the_same_whenever_it_is_made() -> None:
    assert all(reader.made("a", 7) == reader.made("a", 7) for reader in readers().values())


def test_what_fails_is_kept_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("tests.fuzz.endure.read", fails)
    came = endure("clb", Effort(count=2, failed=tmp_path / "failed"), str(tmp_path))
    assert [text[:16] for text in came.failures] == ["clb-1-0: KeyErro", "clb-1-1: KeyErro"]
    assert (tmp_path / "failed" / "clb-1-1.object").read_bytes() == readers()["clb"].made("1", 1)[1]
    assert "key: " in (tmp_path / "failed" / "clb-1-1.txt").read_text()


def test_an_object_can_be_made_again_by_its_number(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["cloudtrail", "--number", "3"]) == 0
    assert capfdbinary.readouterr().out == readers()["cloudtrail"].made("1", 3)[1]


def test_json_is_changed_as_json_with_keys_twice_and_numbers_as_they_are() -> None:
    held = json_changes.dump(json_changes.Pairs([["a", json_changes.Raw("1e999")], ["a", [True, "\ud800"]]]), True)
    assert held == '{"a":1e999,"a":[true,"\\ud800"]}'
