"""Evidence is taken in once, byte for byte, in any order, and every later change to it is named."""

import hashlib
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from forensics import custody, evidence, verification
from forensics.case import Case
from forensics.errors import EvidenceError, QueryError, UnknownName, UsageError
from forensics.evidence import Added
from forensics.load import load
from forensics.raw import raw_record


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """An empty case."""
    with Case.create(tmp_path / "case") as made:
        yield made


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Three files, two of them the same bytes."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, data in {"a.json": b"first", "b.json": b"second", "c.json": b"first"}.items():
        (folder / name).write_bytes(data)
    return folder


def rows(case: Case, columns: str) -> list[tuple[Any, ...]]:
    """Columns of `evidence`, by uri."""
    return case.connection.execute(f"SELECT {columns} FROM evidence ORDER BY uri").fetchall()


def sha256(data: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(data).hexdigest()


def test_objects_are_listed_and_a_byte_identical_one_is_a_duplicate(case: Case, logs: Path) -> None:
    assert evidence.add(case, logs) == Added(seen=3, added=2, duplicate=1, bytes=16)
    further = sha256(f"{sha256(b'first')}\0{logs}/c.json".encode())[:16]
    assert rows(case, "object_id, uri, status, size") == [
        (sha256(b"first")[:16], f"{logs}/a.json", "pending", 5),
        (sha256(b"second")[:16], f"{logs}/b.json", "pending", 6),
        (further, f"{logs}/c.json", "duplicate", 5),
    ]


def test_bytes_are_stored_once_under_their_hash_and_read_only(case: Case, logs: Path) -> None:
    evidence.add(case, logs)
    files = sorted(path for path in (case.path / "evidence").rglob("*") if path.is_file())
    digests = sorted([sha256(b"first"), sha256(b"second")])
    assert [path.relative_to(case.path).as_posix() for path in files] == [f"evidence/{d[:2]}/{d}" for d in digests]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o444}
    with evidence.open_object(case, sha256(b"second")[:16]) as stream:
        assert stream.read() == b"second"


def test_adding_twice_changes_nothing_but_custody(case: Case, logs: Path) -> None:
    evidence.add(case, logs)
    before = rows(case, "*")
    assert evidence.add(case, logs) == Added(seen=3, known=3, bytes=16)
    assert rows(case, "*") == before
    assert [len(entry["objects"]) for entry in custody.entries(case.path)] == [3, 3]


def test_the_order_of_arrival_does_not_matter(tmp_path: Path, logs: Path) -> None:
    tables = set()
    for number, order in enumerate(permutations(["a.json", "b.json", "c.json"])):
        with Case.create(tmp_path / f"case{number}") as case:
            for name in order:
                evidence.add(case, logs / name)
            tables.add(tuple(rows(case, "object_id, uri, sha256, status, last_modified, stored_at")))
            assert verification.verify(case).ok
    assert len(tables) == 1


def test_another_content_under_the_same_name_is_another_object(case: Case, logs: Path) -> None:
    evidence.add(case, logs / "a.json")
    (logs / "a.json").write_bytes(b"changed")
    assert evidence.add(case, logs / "a.json").added == 1
    assert {row[0] for row in rows(case, "sha256")} == {sha256(b"first"), sha256(b"changed")}


def test_in_place_references_files_and_copies_members(case: Case, logs: Path) -> None:
    with zipfile.ZipFile(logs / "z.zip", "w") as archive:
        archive.writestr("m.json", b"member")
    evidence.add(case, logs, in_place=True)
    stored = dict(rows(case, "uri, stored_at"))
    assert stored[f"{logs}/b.json"] == f"{logs}/b.json"
    assert stored[f"{logs}/z.zip!m.json"] == f"evidence/{sha256(b'member')[:2]}/{sha256(b'member')}"
    assert evidence.path_of(case, stored[f"{logs}/b.json"]).read_bytes() == b"second"
    assert verification.verify(case).ok


def test_custody_lists_each_object_and_the_archive_it_came_from(case: Case, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("m.json", b"member")
    evidence.add(case, tmp_path / "z.zip")
    (entry,) = custody.entries(case.path)
    whole = (tmp_path / "z.zip").read_bytes()
    digest, uri = sha256(b"member"), f"{tmp_path}/z.zip!m.json"
    assert entry["objects"] == [{"object_id": digest[:16], "sha256": digest, "uri": uri, "size": 6}]
    archives = [{"uri": f"{tmp_path}/z.zip", "sha256": sha256(whole), "size": len(whole)}]
    assert entry["detail"] == {"archives": archives, "in_place": False}


def test_what_cannot_be_read_is_listed_as_rejected_until_it_can_be(case: Case, logs: Path) -> None:
    (logs / "d.json").symlink_to(logs / "gone")
    assert evidence.add(case, logs).rejected == 1
    assert rows(case, "status, reason, sha256, size")[3] == ("rejected", "a link to nothing", "", 0)
    (logs / "gone").write_bytes(b"back")
    evidence.add(case, logs)
    assert [row[0] for row in rows(case, "status")] == [
        "pending",
        "pending",
        "duplicate",
        "pending",
        "duplicate",
    ]
    assert verification.verify(case).ok


def test_a_cut_off_archive_gives_its_members_and_is_kept_as_rejected(case: Case, tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(os.urandom(3000))
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(tmp_path / "1", "1")
    (tmp_path / "x.tar").write_bytes((tmp_path / "x.tar").read_bytes()[:2000])
    assert evidence.add(case, tmp_path / "x.tar") == Added(seen=2, added=1, rejected=1, bytes=464 + 2000)
    cut = "cut off after 464 bytes: unexpected end of data"
    damaged = "archive damaged after 1 members: unexpected end of data"
    assert rows(case, "status, reason") == [("rejected", damaged), ("pending", cut)]


def test_an_object_larger_than_memory_chunks_is_stored_whole(case: Case, tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * 9 + b"end"
    (tmp_path / "big").write_bytes(data)
    evidence.add(case, tmp_path / "big")
    assert rows(case, "sha256, size") == [(sha256(data), len(data))]
    assert verification.verify(case).ok


def test_a_zip_bomb_is_listed_not_unpacked(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(20 << 20))
    monkeypatch.setattr("shutil.disk_usage", lambda path: os.terminal_size((0, 0)) and type("U", (), {"free": 1}))
    assert evidence.add(case, tmp_path / "x.zip").rejected == 1
    assert rows(case, "reason") == [("unpacks to 20971520 bytes, more than the disk has free",)]


def test_an_altered_missing_or_shortened_object_is_named(case: Case, logs: Path) -> None:
    (logs / "d.json").write_bytes(b"third")
    evidence.add(case, logs)
    first, second, third = (
        case.path / f"evidence/{sha256(d)[:2]}/{sha256(d)}" for d in (b"first", b"second", b"third")
    )
    first.chmod(0o644)
    first.write_bytes(b"fIrst")
    second.unlink()
    third.chmod(0o644)
    third.write_bytes(b"thi")
    problems = verification.verify(case).problems
    assert [(Path(problem.what).name, problem.kind) for problem in problems] == [
        ("a.json", "altered"), ("b.json", "missing"), ("d.json", "size"), ("d.json", "altered"),
    ]  # fmt: skip


def test_rows_and_custody_are_held_against_each_other(case: Case, logs: Path) -> None:
    evidence.add(case, logs)
    case.connection.execute("DELETE FROM evidence WHERE uri LIKE '%b.json'")
    case.connection.execute("UPDATE evidence SET size = 7 WHERE uri LIKE '%c.json'")
    (case.path / "custody.jsonl").write_bytes((case.path / "custody.jsonl").read_bytes().replace(b"a.json", b"x.json"))
    kinds = {(Path(problem.what).name, problem.kind) for problem in verification.verify(case).problems}
    stray = sha256(b"second")
    expected = {("a.json", "unrecorded"), ("x.json", "unlisted"), ("b.json", "unlisted"), ("c.json", "size")}
    assert kinds == {*expected, (stray, "stray")}


def test_a_custody_record_taken_away_is_a_problem_only_where_there_is_evidence(case: Case, logs: Path) -> None:
    assert verification.verify(case).ok
    evidence.add(case, logs / "a.json")
    (case.path / "custody.jsonl").unlink()
    assert [problem.kind for problem in verification.verify(case).problems] == ["missing", "unrecorded"]


def test_a_killed_add_is_finished_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for number in range(800):
        (tmp_path / "logs" / f"{number}.json").write_bytes(b"%d" % number * 50)
    Case.create(tmp_path / "case").close()
    script = "import sys; from forensics import evidence; from forensics.case import Case\n"
    script += "evidence.add(Case.open(sys.argv[1], read_only=False), sys.argv[2])"
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "case"), str(tmp_path / "logs")])
    while sum(1 for _ in (tmp_path / "case" / "evidence").iterdir()) < 60:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Case.open(tmp_path / "case", read_only=False) as case:
        assert evidence.add(case, tmp_path / "logs").seen == 800
        assert case.sql("SELECT count(*), count(DISTINCT uri) FROM evidence").rows() == [(800, 800)]
        assert verification.verify(case).problems == ()
    assert not (tmp_path / "case" / "evidence" / ".incoming").exists()


def test_bytes_left_by_a_crash_are_not_trusted(case: Case, logs: Path) -> None:
    place = case.path / "evidence" / sha256(b"second")[:2] / sha256(b"second")
    place.parent.mkdir()
    place.write_bytes(b"")
    evidence.add(case, logs)
    assert place.read_bytes() == b"second" and verification.verify(case).ok


def test_a_crash_before_the_commit_leaves_a_case_that_a_second_add_mends(
    case: Case, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(custody, "append", lambda *args, **more: (_ for _ in ()).throw(OSError(28, "No space left")))
        with pytest.raises(EvidenceError, match=r"cannot write to the case .*: No space left; run it again"):
            evidence.add(case, logs)
    assert rows(case, "uri") == []
    assert evidence.add(case, logs).added == 2
    assert verification.verify(case).ok


def test_a_case_is_not_its_own_evidence(case: Case) -> None:
    with pytest.raises(UsageError, match="cannot be its own evidence"):
        evidence.add(case, case.path / "evidence")


def test_a_case_open_read_only_takes_nothing(case: Case, logs: Path) -> None:
    case.close()
    with Case.open(case.path) as opened, pytest.raises(UsageError, match="open read-only"):
        evidence.add(opened, logs)


def test_unknown_and_rejected_objects_cannot_be_opened(case: Case, logs: Path) -> None:
    (logs / "d.json").symlink_to(logs / "gone")
    evidence.add(case, logs)
    with pytest.raises(UnknownName, match="no object named 'nope'"):
        evidence.open_object(case, "nope")
    with pytest.raises(EvidenceError, match="has no bytes in this case: a link to nothing"):
        evidence.open_object(case, rows(case, "object_id")[3][0])


def test_progress_counts_objects_and_bytes(case: Case, logs: Path) -> None:
    calls: list[tuple[int, int]] = []
    evidence.add(case, logs, progress=lambda objects, size: calls.append((objects, size)))
    assert calls == [(1, 5), (2, 11), (3, 16)]


def test_verify_names_objects_whose_rows_are_gone(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2 111122223333 eni-1 - - - - - - - 1793869200 1793869258 - NODATA\n")
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, tmp_path / "a.log")
        load(case)
        assert verification.verify(case).ok
        case.connection.execute("DELETE FROM stored.vpc_flow")

        assert [
            (problem.kind, "0 of the 1 records" in problem.detail) for problem in verification.verify(case).problems
        ] == [("rows", True)]


def test_verify_names_a_stored_object_that_became_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, tmp_path / "a.txt")
        (stored,) = [path for path in (tmp_path / "case" / "evidence").rglob("*") if path.is_file()]
        stored.unlink()
        os.mkfifo(stored)

        assert [problem.kind for problem in verification.verify(case).problems] == ["altered"]


def test_text_with_the_magic_word_of_tar_is_no_archive(tmp_path: Path) -> None:
    record = '{"Records":[{"eventVersion":"1.11","eventName":"A","eventSource":"s3.amazonaws.com","userAgent":"'
    for shift in range(5):
        text = record + "x" * shift + "ustar" * 60 + '"}]}'
        (tmp_path / f"{shift}.json").write_text(text)
    with Case.create(tmp_path / "case") as case:
        for shift in range(5):
            evidence.add(case, tmp_path / f"{shift}.json")

        assert load(case).objects == {"loaded": 5}


def test_reading_a_case_reaches_no_file(tmp_path: Path) -> None:
    Case.create(tmp_path / "case").close()
    with Case.open(tmp_path / "case") as case, pytest.raises(QueryError):
        case.sql(f"COPY (SELECT 1) TO '{tmp_path}/case/custody.jsonl'").rows()


def test_altered_evidence_is_not_shown_as_the_record(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("2 111122223333 eni-1 - - - - - - - 1793869200 1793869258 - NODATA\n")
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, tmp_path / "a.log")
        load(case)
        (event_id,) = case.sql("SELECT event_id FROM event").rows()[0]
        (stored,) = [path for path in (tmp_path / "case" / "evidence").rglob("*") if path.is_file()]
        stored.chmod(0o600)
        stored.write_text("forged")

        with pytest.raises(EvidenceError, match="not the bytes acquired"):
            raw_record(case, event_id)
