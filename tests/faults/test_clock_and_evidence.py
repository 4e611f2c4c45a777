"""A clock that was set back, and evidence that changes or goes after it was added, are stated; nothing else is lost."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forensics import custody, evidence, verification
from forensics.case import Case
from forensics.errors import EvidenceError
from forensics.load import load
from forensics.raw import raw_record
from tests.fresh import fresh_case
from tests.loading import put, records, rejects, status, trail


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """An empty case."""
    with fresh_case(tmp_path / "case") as made:
        yield made


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Three objects of a record each."""
    return put(tmp_path / "logs", {f"{name}.json": records(trail(name)) for name in "abc"})


def at(monkeypatch: pytest.MonkeyPatch, hour: int) -> None:
    """The machine's clock says that hour."""
    monkeypatch.setattr(custody, "now", lambda: datetime(2026, 11, 5, hour, tzinfo=UTC))


def test_a_clock_set_back_is_stated_in_custody_and_by_verify(
    case: Case, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, hour in (("a", 12), ("b", 9), ("c", 10)):
        at(monkeypatch, hour)
        evidence.add(case, logs / f"{name}.json")

    told = [entry.get("clock_set_back_from") for entry in custody.entries(case.path)]
    found = verification.verify(case)
    assert told == [None, "2026-11-05T12:00:00.000Z", None]
    assert found.ok
    assert found.remarks[0] == (
        "custody entry 2 has the time 2026-11-05T09:00:00.000Z, the one before it 2026-11-05T12:00:00.000Z: the clock of"
        " the machine was set in between, the order is that of the entries"
    )


def test_a_clock_that_goes_on_needs_no_word(case: Case, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for hour in (9, 9, 10):
        at(monkeypatch, hour)
        evidence.add(case, logs)
    assert not any("clock_set_back_from" in entry for entry in custody.entries(case.path))
    assert list(custody.set_back(case.path)) == []


def test_evidence_changed_or_gone_before_it_is_loaded_is_rejected_and_the_rest_loads(case: Case, logs: Path) -> None:
    evidence.add(case, logs, in_place=True)
    kept = (logs / "a.json").read_bytes()
    (logs / "a.json").unlink()
    (logs / "b.json").write_bytes(records(trail("forged")))

    assert load(case, workers=1).objects == {"loaded": 1, "rejected": 2}
    assert {reason for _, reason, _ in rejects(case)} == {
        "cannot be read: No such file or directory",
        "the bytes are not those acquired: verify the case",
    }
    assert sorted(problem.kind for problem in verification.verify(case).problems) == ["altered", "missing", "size"]

    (logs / "a.json").write_bytes(kept)
    assert load(case, workers=1, retry=True).objects == {"loaded": 2, "rejected": 1}
    assert status(case)["a.json"] == ("loaded", 1, 0)


def test_evidence_changed_or_gone_after_it_was_loaded_is_told_and_its_rows_stay(case: Case, logs: Path) -> None:
    evidence.add(case, logs, in_place=True)
    load(case, workers=1)
    events = dict(case.sql("SELECT action, event_id FROM event").rows())
    (logs / "a.json").unlink()
    (logs / "b.json").write_bytes(records(trail("x")))

    assert [problem.kind for problem in verification.verify(case).problems] == ["missing", "altered"]
    with pytest.raises(EvidenceError, match=r"a.json\): No such file or directory; verify the case"):
        raw_record(case, events["s3:a"])
    with pytest.raises(EvidenceError, match="not the bytes acquired: verify the case"):
        raw_record(case, events["s3:b"])
    assert "event-c" in raw_record(case, events["s3:c"])
    assert case.sql("SELECT count(*) FROM event").rows() == [(3,)]
