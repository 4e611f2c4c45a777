"""Objects through the whole load into a case, and the account that must be whole: no object and no record unseen."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from forensics import evidence
from forensics.case import Case
from forensics.load import load
from forensics.readers import read
from forensics.readers.parts import ArrowPart, LinePart, Part, Reject, TextPart
from forensics.sources import sources

_EVENTS = "SELECT * FROM event ORDER BY time, event_id"


def load_whole(objects: Sequence[tuple[str, bytes]], folder: Path) -> None:
    """Take in, load, resolve and ask; raises AssertionError where the account is not whole."""
    shutil.rmtree(folder, ignore_errors=True)
    logs = folder / "logs"
    for number, (key, text) in enumerate(objects):
        path = logs / f"{number:04}" / key.removeprefix("aws://").lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    with Case.create(folder / "case") as case:
        came = evidence.add(case, logs)
        load(case, workers=1)
        _objects_add_up(case, came.seen - came.known)
        _records_add_up(case)
        case.sql(_EVENTS).arrow()
        case.connection.execute("SELECT * FROM coverage").fetchall()
    shutil.rmtree(folder)


def _objects_add_up(case: Case, seen: int) -> None:
    rows = case.sql("SELECT status, reason, count(*) FROM evidence GROUP BY status, reason").rows()
    assert sum(count for _, _, count in rows) == seen
    assert {status for status, _, _ in rows} <= {"loaded", "partial", "rejected", "unrecognised", "duplicate"}
    assert all(reason for status, reason, _ in rows if status in ("partial", "rejected", "unrecognised"))


def _records_add_up(case: Case) -> None:
    """Every number that reading gave is a row or a reject, no row is there twice, and the evidence says how many."""
    rows: dict[str, Counter[int]] = {}
    for name in sources():
        for object_id, record in case.sql(f'SELECT object_id, record FROM "{name}"').rows():
            rows.setdefault(object_id, Counter())[record] += 1
    rejects: dict[str, list[int | None]] = {}
    for object_id, record in case.sql("SELECT object_id, record FROM rejected_record").rows():
        rejects.setdefault(object_id, []).append(record)
    listed = "SELECT object_id, uri, stored_at, status, records, rejected FROM evidence"
    for object_id, uri, stored_at, status, records, rejected in case.sql(listed).rows():
        if status in ("duplicate", "unrecognised") or records is None:
            continue
        held, lost = rows.get(object_id, Counter()), rejects.get(object_id, [])
        assert records == held.total(), f"{uri}: {records} records told, {held.total()} rows"
        assert rejected == len(lost), f"{uri}: {rejected} rejects told, {len(lost)} rows"
        assert not (twice := [n for n, count in held.items() if count > 1]), f"{uri}: records {twice[:5]} twice"
        numbers = _numbers(case.path / stored_at, uri)
        unseen = numbers - held.keys() - set(lost)
        assert not unseen, f"{uri}: records {sorted(unseen)[:5]} neither loaded nor rejected"
        assert held.keys() <= numbers, f"{uri}: rows {sorted(held.keys() - numbers)[:5]} of records that are not there"


def _numbers(path: Path, key: str) -> set[int]:
    """The numbers of the records that reading gives."""
    found: set[int] = set()
    for part in read(path, key):
        if isinstance(part, Reject):
            found |= {part.record} - {None} if part.claimed else set()  # type: ignore[arg-type]
        else:
            found |= set(_of(part))
    return found


def _of(part: Part) -> Sequence[int]:
    match part:
        case LinePart():
            return range(part.first, part.first + sum(bool(line.strip()) for line in part.data.split(b"\n")))
        case TextPart():
            return range(part.first, part.first + len(part.lines))
        case ArrowPart():
            return range(part.first, part.first + part.table.num_rows)
        case Reject():
            return ()
    return part.numbers
