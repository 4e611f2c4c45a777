"""The record as it stands in the evidence: one call away from every row."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec

from forensics import naming
from forensics.case import Case
from forensics.errors import EvidenceError, UnknownName
from forensics.readers import read
from forensics.readers.log_events import LogEvent
from forensics.readers.parts import ArrowPart, EventPart, JsonPart, LinePart, Part, Reject, TextPart

_PLACE = """
SELECT object_id, record
FROM event
WHERE event_id = ?
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
    found = case.sql(_OBJECT, (object_id,)).rows()
    if not found:
        raise UnknownName("object", object_id)
    stored_at, uri, sha256 = found[0]
    try:
        with (case.path / stored_at).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise EvidenceError(f"the object {object_id} ({uri}) is not the bytes acquired: verify the case")
        parts = read(case.path / Path(stored_at), uri, naming.named(case, object_id))
        text = next((text for part in parts if (text := _text(part, record)) is not None), None)
    except OSError as error:
        raise EvidenceError(f"cannot read the object {object_id} ({uri}): {error.strerror}; verify the case") from None
    if text is None:
        raise UnknownName("record", f"{object_id}#{record}")
    return text


def _place(case: Case, reference: str) -> tuple[str, int]:
    object_id, separator, number = reference.partition("#")
    if separator and number.isdigit():
        return object_id, int(number)
    rows = case.sql(_PLACE, (reference,)).rows()
    if not rows:
        raise UnknownName("event", reference)
    return str(rows[0][0]), int(rows[0][1])


def _text(part: Part, record: int) -> str | None:
    if isinstance(part, Reject):
        return part.excerpt if part.record == record else None
    if isinstance(part, JsonPart):
        return (
            bytes(part.records[part.numbers.index(record)]).decode("utf-8", "replace")
            if record in part.numbers
            else None
        )
    if isinstance(part, EventPart):
        return _event(part.events[part.numbers.index(record)]) if record in part.numbers else None
    if isinstance(part, LinePart):
        return _line(part, record)
    if isinstance(part, TextPart):
        place = record - part.first
        return part.lines[place] if 0 <= place < len(part.lines) else None
    return _row(part, record)


def _event(event: LogEvent) -> str:
    held = msgspec.to_builtins(event)
    text = json.dumps({**held.pop("stream"), **held}, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _line(part: LinePart, record: int) -> str | None:
    lines = [line for line in part.data.split(b"\n") if line.strip()] if record >= part.first else []
    place = record - part.first
    return lines[place].decode("utf-8", "replace") if 0 <= place < len(lines) else None


def _row(part: ArrowPart, record: int) -> str | None:
    place = record - part.first
    if not 0 <= place < part.table.num_rows:
        return None
    return json.dumps(part.table.slice(place, 1).to_pylist()[0], ensure_ascii=False, default=str)
