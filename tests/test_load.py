"""Loading accounts for every object, loses nothing unseen, and gives the same tables however it is done."""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import forensics.load as loading
from forensics import evidence
from forensics.case import Case
from forensics.errors import CaseError, UsageError
from forensics.load import ledger, load
from forensics.tasks import Item
from forensics.worker import Task
from tests.loading import (
    FLOW,
    FLOW_HEADER,
    TRAIL_KEY,
    envelope,
    finding,
    loaded,
    put,
    records,
    rejects,
    status,
    tables,
    trail,
    zipped,
)

START = "START RequestId: 8c1f2d3e-1111-2222-3333-444455556666 Version: $LATEST"
MIXED = {
    TRAIL_KEY: zipped(records(trail("A"), trail("B"))),
    "anything.txt": records(trail("C"), trail("D", eventTime="soon")),
    "flows.log": f"{FLOW_HEADER}\n{FLOW}\nbroken line\n".encode(),
    "findings.jsonl": json.dumps(finding()).encode(),
    "lambda": envelope(START, "hello"),
    "copy-of-flows.log": f"{FLOW_HEADER}\n{FLOW}\nbroken line\n".encode(),
    "cut.json": records(trail("E"), trail("F"))[:-30],
    "notes.txt": b"nothing of interest\n",
    "image.bin": b"\x89PNG\0\0\0",
    "empty": b"",
}


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """An empty case."""
    with Case.create(tmp_path / "case") as made:
        yield made


def test_every_object_is_accounted_for(case: Case, tmp_path: Path) -> None:
    found = loaded(case, tmp_path / "logs", MIXED)
    assert status(case) == {
        TRAIL_KEY.rpartition("/")[2]: ("loaded", 2, 0),
        "anything.txt": ("partial", 2, 1),
        "copy-of-flows.log": ("partial", 1, 1),
        "flows.log": ("duplicate", None, None),
        "findings.jsonl": ("loaded", 1, 0),
        "lambda": ("loaded", 2, 0),
        "cut.json": ("partial", 1, 1),
        "notes.txt": ("unrecognised", 0, 0),
        "image.bin": ("unrecognised", 0, 0),
        "empty": ("unrecognised", 0, 0),
    }
    assert found.objects == {"loaded": 3, "partial": 3, "unrecognised": 3, "duplicate": 1}
    assert (found.records, found.rejected) == (9, 3)
    assert "10 objects seen = 3 loaded + 3 partial + 0 rejected + 3 unrecognised + 1 duplicate" in str(found)


def test_what_the_ledger_says_is_what_the_tables_hold(case: Case, tmp_path: Path) -> None:
    found = loaded(case, tmp_path / "logs", MIXED)
    counted = case.sql(
        "SELECT (SELECT count(*) FROM cloudtrail) + (SELECT count(*) FROM vpc_flow) + (SELECT count(*) FROM guardduty)"
        " + (SELECT count(*) FROM lambda_log), (SELECT count(*) FROM rejected_record)"
    ).rows()
    assert counted == [(found.records, found.rejected)]


def test_an_unrecognised_object_says_why(case: Case, tmp_path: Path) -> None:
    loaded(case, tmp_path / "logs", MIXED)
    rows = case.sql("SELECT uri, reason FROM evidence WHERE status = 'unrecognised'").rows()
    assert {uri.rpartition("/")[2]: reason for uri, reason in rows} == {
        "notes.txt": "no source claims these lines",
        "image.bin": "binary content of no known kind",
        "empty": "the object is empty",
    }


def test_the_account_comes_from_the_key_or_else_from_the_records(case: Case, tmp_path: Path) -> None:
    loaded(case, tmp_path / "logs", {TRAIL_KEY: records(), "x.json": records(trail(recipientAccountId="444455556666"))})
    rows = case.sql("SELECT source, account_id, region, records FROM evidence ORDER BY records").rows()
    assert rows == [("cloudtrail", "111122223333", "us-east-1", 0), ("cloudtrail", "444455556666", "us-east-1", 1)]


def test_damage_under_a_known_key_is_rejected_with_its_text(case: Case, tmp_path: Path) -> None:
    files = {f"a/{TRAIL_KEY}": b'{"Records": [{"eventName": "A", ', f"b/{TRAIL_KEY}": b"no JSON at all"}
    found = loaded(case, tmp_path / "logs", files)
    assert found.objects == {"rejected": 2}
    assert {excerpt for _, _, excerpt in rejects(case)} == {'{"eventName": "A", ', "no JSON at all"}


def test_a_cut_gzip_gives_the_whole_records_and_says_so(case: Case, tmp_path: Path) -> None:
    packed = zipped(
        records(*(trail(f"Call{place}", eventID=str(random.Random(place).random())) for place in range(200)))
    )
    loaded(case, tmp_path / "logs", {TRAIL_KEY: packed[: len(packed) // 2]})
    ((state, good, bad),) = status(case).values()
    assert state == "partial"
    assert 20 < good < 180  # type: ignore[operator]
    assert bad == 2
    assert {reason for _, reason, _ in rejects(case)} == {"gzip data is cut off", "the text is cut off inside a record"}


def test_records_of_several_sources_in_one_object_go_to_their_own_tables(case: Case, tmp_path: Path) -> None:
    lines = [
        trail("A"),
        finding(),
        trail("B"),
        {"insightDetails": {"state": "Start"}, "eventID": "i"},
        {"who": "knows"},
    ]
    loaded(case, tmp_path / "logs", {"mixed.json": b"\n".join(json.dumps(line).encode() for line in lines)})
    assert status(case) == {"mixed.json": ("partial", 4, 1)}
    for table, numbers in {"cloudtrail": [(0,), (2,)], "guardduty": [(1,)], "cloudtrail_insight": [(3,)]}.items():
        assert case.sql(f"SELECT record FROM {table} ORDER BY record").rows() == numbers
    assert [(record, reason) for record, reason, _ in rejects(case)] == [(4, "no source claims this record")]


def test_any_order_and_any_number_of_workers_give_the_same_tables(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(loading, "ALONE_BYTES", 0)
    monkeypatch.setattr(loading, "TASK_OBJECTS", 3)
    folder = put(tmp_path / "logs", MIXED)
    found: list[dict[str, list[str]]] = []
    for workers in (1, 2, 3):
        with Case.create(tmp_path / f"case-{workers}") as case:
            names = sorted(MIXED)
            random.Random(workers).shuffle(names)
            for name in names[:3]:
                evidence.add(case, folder / name)
            evidence.add(case, folder)
            load(case, workers=workers)
            found.append(tables(case))
    assert found[0]["cloudtrail"]
    assert found[0] == found[1] == found[2]


def test_loading_in_parts_gives_the_tables_of_loading_at_once(tmp_path: Path) -> None:
    folder = put(tmp_path / "logs", MIXED)
    with Case.create(tmp_path / "at-once") as once, Case.create(tmp_path / "in-parts") as parts:
        evidence.add(once, folder)
        load(once)
        for name in ("image.bin", "cut.json", "flows.log", ""):
            evidence.add(parts, folder / name)
            load(parts)
        first, second = tables(once), tables(parts)
        assert {name for name in first if first[name] != second[name]} <= {"evidence"}
        assert [row[:2] for row in first["evidence"]] == [row[:2] for row in second["evidence"]]


def test_loading_again_does_nothing(case: Case, tmp_path: Path) -> None:
    before = loaded(case, tmp_path / "logs", MIXED)
    held = tables(case)
    assert load(case) == before == ledger(case)
    assert tables(case) == held


def test_altered_evidence_is_not_loaded(case: Case, tmp_path: Path) -> None:
    evidence.add(case, put(tmp_path / "logs", {"a.json": records(trail("A"))}))
    (stored,) = (path for path in (case.path / "evidence").rglob("*") if path.is_file())
    stored.chmod(0o644)
    stored.write_bytes(records(trail("Forged")))
    load(case)
    assert status(case) == {"a.json": ("rejected", 0, 1)}
    assert rejects(case) == [(None, "the bytes are not those acquired: verify the case", "")]
    assert case.sql("SELECT count(*) FROM cloudtrail").rows() == [(0,)]


def test_evidence_that_is_gone_is_rejected(case: Case, tmp_path: Path) -> None:
    evidence.add(case, put(tmp_path / "logs", {"a.json": records(trail("A"))}))
    (stored,) = (path for path in (case.path / "evidence").rglob("*") if path.is_file())
    stored.unlink()
    load(case)
    assert rejects(case) == [(None, "cannot be read: No such file or directory", "")]


def test_leftovers_of_an_interrupted_load_are_removed(case: Case, tmp_path: Path) -> None:
    (case.path / "loading-old").mkdir()
    (case.path / "loading-old" / "0.0.arrow").write_bytes(b"half")
    loaded(case, tmp_path / "logs", MIXED)
    assert list(case.path.glob("loading-*")) == []


def test_a_read_only_case_cannot_be_loaded(case: Case) -> None:
    case.close()
    with Case.open(case.path) as opened, pytest.raises(CaseError, match="read-only"):
        load(opened)


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_is_a_wrong_call(case: Case, workers: int) -> None:
    with pytest.raises(UsageError, match="workers must be 1 or more"):
        load(case, workers=workers)


def test_loading_an_empty_case_is_fine(case: Case) -> None:
    assert load(case).rows == ()


def test_progress_ends_at_the_whole(case: Case, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    evidence.add(case, put(tmp_path / "logs", {"a.json": records(trail("A")), "b.log": FLOW.encode()}))
    load(case, progress=lambda done, total: seen.append((done, total)))
    size = len(records(trail("A"))) + len(FLOW)
    assert seen[-1] == (size, size)


def test_an_interruption_leaves_a_case_that_the_same_process_can_load(case: Case, tmp_path: Path) -> None:
    evidence.add(case, put(tmp_path / "logs", MIXED))

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(case, workers=1, progress=stop)
    assert ledger(case).objects == {"pending": 9, "duplicate": 1}
    assert load(case, workers=1).objects == {"loaded": 3, "partial": 3, "unrecognised": 3, "duplicate": 1}
    assert list(case.path.glob("loading-*")) == []


def test_a_worker_that_dies_fails_the_load_and_nothing_is_lost(case: Case, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(loading, "ALONE_BYTES", 0)
    monkeypatch.setattr(loading.sys, "executable", "/bin/false")
    evidence.add(case, put(tmp_path / "logs", MIXED))
    with pytest.raises(CaseError, match="a loading process ended early"):
        load(case, workers=2)
    monkeypatch.undo()
    assert load(case).objects == {"loaded": 3, "partial": 3, "unrecognised": 3, "duplicate": 1}


def test_json_that_the_database_refuses_is_a_reject_not_a_failed_load(case: Case, tmp_path: Path, monkeypatch) -> None:
    real = Task._keep

    def spoil(self: Task, columns: Any, object_ids: Any) -> None:
        names = columns.table.column_names
        if "request_parameters" in names:
            place = names.index("request_parameters")
            texts = [text.replace("tilt", "\x01") if text else text for text in columns.table[place].to_pylist()]
            columns = type(columns)(columns.source, columns.table.set_column(place, names[place], [texts]), ())
        real(self, columns, object_ids)

    monkeypatch.setattr(Task, "_keep", spoil)
    params = [trail("A", requestParameters={"a": "tilt"}), trail("B", requestParameters={"a": "well"})]
    loaded(case, tmp_path / "logs", {"a.json": records(*params), "b.log": FLOW.encode()})
    rows = case.sql("SELECT event_name, request_parameters FROM cloudtrail ORDER BY record").rows()
    assert rows == [("A", None), ("B", '{"a": "well"}')]
    assert rejects(case) == [(0, "request_parameters is not JSON that the database reads", '{"a": "\x01"}')]
    assert status(case) == {"a.json": ("partial", 2, 1), "b.log": ("loaded", 1, 0)}


def test_what_a_task_gives_survives_being_sent(tmp_path: Path) -> None:
    path = put(tmp_path, {"a.json": records(*(trail(f"Call{place}") for place in range(10)))}) / "a.json"
    task = Task(tmp_path / "out")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    (result,) = task.run([Item("0example", str(path), "a.json", sha256)])
    assert [(outcome.records, outcome.status) for outcome in result.outcomes] == [(10, "loaded")]
    assert result.loads(result.dumps()) == result


def test_a_query_of_the_file_needs_no_package(case: Case, tmp_path: Path) -> None:
    loaded(case, tmp_path / "logs", MIXED)
    case.close()
    with duckdb.connect(str(case.path / "case.duckdb"), read_only=True) as plain:
        assert plain.execute("SELECT count(*) FROM event").fetchall() == [(9,)]
