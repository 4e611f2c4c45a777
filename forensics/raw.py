"""The record as it stands in the evidence: one call away from every row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Set
from pathlib import Path

import msgspec

from forensics import event, naming
from forensics.case import Case
from forensics.errors import EvidenceError, UnknownName
from forensics.readers import read
from forensics.readers.log_events import LogEvent
from forensics.readers.parts import ArrowPart, EventPart, JsonPart, LinePart, Part, Reject, TextPart


def _place_sql() -> str:
    return f"""
WITH place AS ({event.places("SELECT $event_id AS event_id")}
)
SELECT object_id, record
FROM event
WHERE {event.at("place")}
  AND event_id = $event_id
"""


_OBJECT = """
SELECT stored_at, uri, sha256
FROM evidence
WHERE object_id = ?
"""


def raw_record(case: Case, reference: str) -> str:
    """The text of a record, by its event id or by `OBJECT_ID#RECORD`, read from the evidence itself.

    Of a log event, whose message alone is not the whole, the members as one JSON object; of a columnar row likewise.
    Raises UnknownName, EvidenceError.
    """
    object_id, record = _place(case, reference)
    found = raw_records(case, object_id, (record,))
    if record not in found:
        raise UnknownName("record", f"{object_id}#{record}")
    return found[record]


def raw_records(case: Case, object_id: str, records: Iterable[int]) -> dict[int, str]:
    """The texts of records of one object by their places in it, read in one pass; those it does not have are left out.

    Raises UnknownName, EvidenceError.
    """
    found = case.sql(_OBJECT, (object_id,)).rows()
    if not found:
        raise UnknownName("object", object_id)
    stored_at, uri, sha256 = found[0]
    if stored_at is None:
        raise EvidenceError(f"no bytes of the object {object_id} ({uri}) are stored: it was not read when it was added")
    wanted, texts = set(records), dict[int, str]()
    try:
        with (case.path / stored_at).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise EvidenceError(f"the object {object_id} ({uri}) is not the bytes acquired: verify the case")
        for part in read(case.path / Path(stored_at), uri, naming.named(case, object_id)):
            texts = _texts(part, wanted) | texts
            if len(texts) == len(wanted):
                break
    except OSError as error:
        raise EvidenceError(f"cannot read the object {object_id} ({uri}): {error.strerror}; verify the case") from None
    return texts


def _place(case: Case, reference: str) -> tuple[str, int]:
    object_id, separator, number = reference.partition("#")
    if separator and number.isdigit():
        return object_id, int(number)
    rows = case.sql(_place_sql(), {"event_id": reference}).rows()
    if not rows:
        raise UnknownName("event", reference)
    return str(rows[0][0]), int(rows[0][1])


def _text(part: Part, record: int) -> str | None:
    return _texts(part, {record}).get(record)


def _texts(part: Part, wanted: Set[int]) -> dict[int, str]:
    """Those of the records that stand in that part."""
    if isinstance(part, Reject):
        return {} if part.record is None or part.record not in wanted else {part.record: part.excerpt}
    if isinstance(part, JsonPart | EventPart):
        return {number: _member(part, place) for place, number in enumerate(part.numbers) if number in wanted}
    after = {record: record - part.first for record in wanted if record >= part.first}
    if isinstance(part, LinePart):
        lines = [line for line in part.data.split(b"\n") if line.strip()] if after else []
        return {at: lines[place].decode("utf-8", "replace") for at, place in after.items() if place < len(lines)}
    if isinstance(part, TextPart):
        return {at: part.lines[place] for at, place in after.items() if place < len(part.lines)}
    return {at: _row(part, place) for at, place in after.items() if place < part.table.num_rows}


def _member(part: JsonPart | EventPart, place: int) -> str:
    if isinstance(part, EventPart):
        return _event(part.events[place])
    return bytes(part.records[place]).decode("utf-8", "replace")


def _event(event: LogEvent) -> str:
    held = msgspec.to_builtins(event)
    text = json.dumps({**held.pop("stream"), **held}, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _row(part: ArrowPart, place: int) -> str:
    return json.dumps(part.table.slice(place, 1).to_pylist()[0], ensure_ascii=False, default=str)
