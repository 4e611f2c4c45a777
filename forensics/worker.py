"""A loading process: reads objects, writes typed Arrow batches, and reports what came of each object."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from forensics.columns import Columns, build
from forensics.columns.held import Held, Piece
from forensics.columns.long_values import without_long
from forensics.readers import read
from forensics.readers.documents import Json
from forensics.readers.json_text import by_record
from forensics.readers.parts import EventPart, JsonPart, Part, Reject, TextPart
from forensics.readers.recognise import KeyHint, by_key, line_layout
from forensics.readers.typed import Decoded
from forensics.source import LogStream
from forensics.sources import sources
from forensics.tasks import Item, Outcome, Result

_JSON_RECORDS = 4_000
_BATCH_ROWS = 2_000
_PIECE_BYTES = 32 << 20
_PIECE_REJECTS = 5_000
CHANGED = "the bytes are not those acquired: verify the case"
UNREADABLE = "cannot be read: "
_AT_ONCE = 4 << 20
"""Stored bytes of an object up to which what is read is what was hashed, the file being opened once."""

UNCLAIMED = 100_000
"""Records that no source claims, after which an object of nothing else is not read further: they are kept until then."""
REJECTED = 1_000_000
"""Records of one object that no source claims after which it is not read further: each is a row of `rejected_record`."""
NOBODYS = f"no source claims one of its first {UNCLAIMED} records: not read further"
TOO_MANY = f"no source claims {REJECTED} of its records: not read further"
_REJECTS = pa.schema(
    [("object_id", pa.string()), ("record", pa.int64()), ("reason", pa.string()), ("excerpt", pa.string())]
)


class Task:
    """Reads a group of objects into Arrow files whose names begin with `prefix`."""

    def __init__(self, prefix: Path) -> None:
        self._prefix = prefix
        self._result = Result()
        self._outcomes: list[Outcome] = []
        self._files = 0
        self._bytes = 0
        self._tables: dict[tuple[str, pa.Schema], list[pa.Table]] = {}
        self._writers: dict[tuple[str, pa.Schema], pa.ipc.RecordBatchStreamWriter] = {}
        self._held: dict[tuple[str, bool], list[Piece]] = {}
        self._held_rows: Counter[tuple[str, bool]] = Counter()
        self._rejects: list[tuple[str, Reject]] = []
        self._rejected: Counter[str] = Counter()
        self._nobodys: Counter[str] = Counter()
        self._waiting = 0
        self._kept: Counter[tuple[str, pa.Schema]] = Counter()
        self._reasons: dict[str, str] = {}
        self._counts: dict[str, Counter[str]] = {}
        self._places: dict[str, set[tuple[str | None, str | None]]] = {}

    def run(self, items: Sequence[Item]) -> Iterator[Result]:
        """Read the objects and write the files, a piece at a time however large an object is."""
        for item in items:
            for _ in self._object(item):
                if self._bytes >= _PIECE_BYTES or len(self._rejects) >= _PIECE_REJECTS:
                    yield self._piece()
        while self._held:
            self._build_json(next(iter(self._held)))
        self._settle()
        last = self._piece()
        last.outcomes = self._outcomes
        yield last

    def _piece(self) -> Result:
        self._flush()
        self._write_rejects()
        done, self._result, self._bytes = self._result, Result(), 0
        return done

    def _object(self, item: Item) -> Iterator[None]:
        """Read an object, pausing after each part of it."""
        hint = by_key(item.key)
        outcome = Outcome(item.object_id, account_id=hint.account_id, region=hint.region)
        self._outcomes.append(outcome)
        counts = self._counts[item.object_id] = Counter()
        unclaimed: list[Reject] = []
        if item.damage:
            self._reject(item.object_id, Reject(None, item.damage, ""))
        try:
            path = Path(item.path)
            with path.open("rb") as file:
                data = file.read(_AT_ONCE + 1)
                whole = len(data) <= _AT_ONCE
                digest = (hashlib.sha256(data) if whole else _hash(file, data)).hexdigest()
            if digest != item.sha256:
                self._reject(item.object_id, Reject(None, CHANGED, ""))
                return
            named = LogStream(*item.named) if item.named else None
            for part in read(path, item.key, named, data if whole else None):
                self._part(item.object_id, part, counts, unclaimed)
                self._relieve(part)
                yield
                if len(unclaimed) >= UNCLAIMED and self._enough(item.object_id, hint, counts, unclaimed):
                    break
        except OSError as error:
            self._reject(item.object_id, Reject(None, f"{UNREADABLE}{error.strerror}", ""))
        known = bool(counts) or hint.source is not None
        if known or self._rejected[item.object_id]:
            self._reject(item.object_id, *unclaimed)
            outcome.source = hint.source
        else:
            outcome.status = "unrecognised"
            outcome.reason = unclaimed[0].reason if unclaimed else "it holds no records to recognise it by"

    def _relieve(self, part: Part) -> None:
        """Type the records that wait once they have become long: a few may take more memory than thousands of others."""
        if isinstance(part, JsonPart) and isinstance(part.records, Decoded):
            self._waiting += part.records.nbytes
        elif isinstance(part, JsonPart) and isinstance(part.records, list) and len(part.records) < _JSON_RECORDS // 4:
            self._waiting += sum(memoryview(record).nbytes for record in part.records)
        if self._waiting >= _PIECE_BYTES:
            self._waiting = 0
            while self._held:
                self._build_json(next(iter(self._held)))

    def _enough(self, object_id: str, hint: KeyHint, counts: Counter[str], unclaimed: list[Reject]) -> bool:
        """Whether an object holds so much that no source claims that it is read no further; what is kept is bounded."""
        if not counts and hint.source is None and not self._rejected[object_id]:
            unclaimed[:] = [Reject(None, NOBODYS, "", claimed=False)]
            return True
        self._reject(object_id, *unclaimed)
        self._nobodys[object_id] += len(unclaimed)
        unclaimed.clear()
        enough = self._nobodys[object_id] >= REJECTED
        if enough:
            self._reject(object_id, Reject(None, TOO_MANY, ""))
        return enough

    def _part(self, object_id: str, part: Part, counts: Counter[str], unclaimed: list[Reject]) -> None:
        if isinstance(part, Reject):
            if part.claimed:
                self._reject(object_id, part)
            else:
                unclaimed.append(part)
            return
        counts[part.source] += 0
        if isinstance(part, JsonPart):
            self._hold(object_id, part)
            return
        if isinstance(part, EventPart):
            self._places.setdefault(object_id, set()).update((e.stream.owner, e.stream.region) for e in part.events)
        columns = build(part)
        self._reject(object_id, *columns.rejects)
        self._keep(columns, pa.repeat(pa.scalar(object_id), columns.table.num_rows))
        counts[part.source] += columns.table.num_rows
        for number, line in columns.strays:
            self._part(object_id, _other_line(part.source, number, str(line)), counts, unclaimed)

    def _hold(self, object_id: str, part: JsonPart) -> None:
        """Keep JSON records until enough have come together."""
        key = (part.source, isinstance(part.records, Decoded))
        start, count = 0, len(part.records)
        while start < count:
            end = min(count, start + _JSON_RECORDS - self._held_rows[key])
            piece = (
                object_id,
                part.numbers[start:end],
                part.records if end - start == count else part.records[start:end],
            )
            self._held.setdefault(key, []).append(piece)
            self._held_rows[key] += end - start
            start = end
            if self._held_rows[key] >= _JSON_RECORDS:
                self._build_json(key)

    def _build_json(self, key: tuple[str, bool]) -> None:
        """JSON records of several objects are typed together; their places are put back afterwards."""
        source = key[0]
        held = Held(self._held.pop(key))
        self._held_rows[key] = 0
        columns = build(JsonPart(source, range(len(held.numbers)), held.records()))
        for reject in columns.rejects:
            place = reject.record or 0
            self._reject(held.object_id(place), Reject(int(held.numbers[place]), reject.reason, reject.excerpt))
        places = columns.table["record"].to_numpy()
        table = _as_json(source, columns.table).set_column(0, "record", pa.array(held.numbers[places]))
        self._keep(Columns(source, table, ()), held.object_ids(places))
        for object_id, count in held.counts(places):
            self._counts[object_id][source] += count
        for place, record in columns.strays:
            self._stray(held.object_id(place), int(held.numbers[place]), record)

    def _stray(self, object_id: str, number: int, record: Json | str) -> None:
        """A record that came among those of another source."""
        for part in by_record([(number, record)]) if not isinstance(record, str) else ():
            if isinstance(part, Reject):
                self._reject(object_id, part)
            elif isinstance(part, JsonPart):
                self._hold(object_id, part)

    def _reject(self, object_id: str, *rejects: Reject) -> None:
        for reject in rejects:
            self._rejects.append((object_id, reject))
            self._rejected[object_id] += 1
            self._reasons.setdefault(object_id, reject.reason)

    def _keep(self, columns: Columns, object_ids: pa.Array) -> None:
        """Write rows out; small tables wait for others of their kind."""
        if not columns.table.num_rows:
            return
        table, long = without_long(columns.table.add_column(0, "object_id", object_ids))
        for row, reason, excerpt in long:
            self._reject(object_ids[row].as_py(), Reject(table["record"][row].as_py(), reason, excerpt))
        self._result.rows += table.num_rows
        key = (columns.source, table.schema)
        held = self._tables.setdefault(key, [])
        held.append(table)
        self._kept[key] += table.nbytes
        if sum(item.num_rows for item in held) >= _BATCH_ROWS or self._kept[key] >= _PIECE_BYTES:
            self._write(key)

    def _write(self, key: tuple[str, pa.Schema]) -> None:
        tables = self._tables.pop(key)
        self._kept[key] = 0
        merged = tables[0] if len(tables) == 1 else pa.concat_tables(tables).unify_dictionaries().combine_chunks()
        if key not in self._writers:
            path = self._path()
            self._writers[key] = pa.ipc.new_stream(pa.OSFile(path, "wb"), merged.schema)
            self._result.files.append((key[0], path))
        self._writers[key].write_table(merged)
        self._bytes += merged.nbytes

    def _path(self) -> str:
        self._files += 1
        return f"{self._prefix}.{self._files}.arrow"

    def _flush(self) -> None:
        for key in list(self._tables):
            self._write(key)
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _write_rejects(self) -> None:
        if not self._rejects:
            return
        rows = [
            {"object_id": object_id, "record": item.record, "reason": item.reason, "excerpt": _storable(item.excerpt)}
            for object_id, item in self._rejects
        ]
        self._rejects = []
        path = self._path()
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, _REJECTS) as writer:
            writer.write_table(pa.Table.from_pylist(rows, _REJECTS))
        self._result.files.append(("rejected_record", path))

    def _settle(self) -> None:
        for outcome in self._outcomes:
            counts = self._counts.get(outcome.object_id, Counter())
            outcome.records = counts.total()
            outcome.rejected = self._rejected[outcome.object_id]
            if counts:
                outcome.source = min(counts, key=lambda name: (-counts[name], name))
            accounts, regions = zip(*(self._places.get(outcome.object_id) or {(None, None)}), strict=True)
            outcome.account_id = outcome.account_id or _agreed(accounts)
            outcome.region = outcome.region or _agreed(regions)
            if outcome.rejected:
                outcome.status = "partial" if outcome.records else "rejected"
                outcome.reason = self._reasons[outcome.object_id]


def _hash(file: BinaryIO, begun: bytes) -> hashlib._Hash:
    """The hash of a file whose beginning was read."""
    digest = hashlib.sha256(begun)
    while block := file.read(_AT_ONCE):
        digest.update(block)
    return digest


def _as_json(source: str, table: pa.Table) -> pa.Table:
    """Mark texts that were checked to be JSON when they were split: the database need not parse them again."""
    for name, kind in sources()[source].table_columns:
        if kind == "JSON" and (place := table.schema.get_field_index(name)) >= 0:
            chunks = [pa.ExtensionArray.from_storage(pa.json_(), chunk) for chunk in table.column(place).chunks]
            table = table.set_column(place, name, pa.chunked_array(chunks, pa.json_()))
    return table


def _agreed(names: Sequence[str | None]) -> str | None:
    """What the streams of an object all say of their place; None where they differ or say nothing."""
    found = set(names)
    return found.pop() if len(found) == 1 else None


def _other_line(source: str, number: int, line: str) -> Part:
    """A line that came among those of another source."""
    if (found := line_layout([line])) and found[0].name != source:
        return TextPart(found[0].name, number, found[1], [line])
    return Reject.of(number, f"the line has not the layout of {source}", line)


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def run(prefix: str, items: Sequence[Item]) -> Iterator[Result]:
    """Read a group of objects into Arrow files whose names begin with `prefix`.

    Records hold no cycles: looking for some while they are built would take a third of the time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield from Task(Path(prefix)).run(items)
    finally:
        if collecting:
            gc.enable()


class _NoPandas:
    """Says that pandas is not installed."""

    def find_spec(self, name: str, *_: object) -> None:
        """Refuse pandas, know nothing of other modules."""
        if name == "pandas":
            raise ImportError(name)


def _without_pandas() -> None:
    """Make pyarrow's first array while pandas is out of reach: it would import it, a quarter of a second and 55 MB."""
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)


def main() -> None:
    """Serve tasks until the input ends: a line of input names a task's files, a line of output is a piece of its result.

    The objects to read are in the file with the suffix `.task`: a pipe holds too little for a list of them.
    """
    _without_pandas()
    for line in sys.stdin:
        prefix: str = json.loads(line)
        try:
            for result in run(prefix, [Item(*item) for item in json.loads(Path(f"{prefix}.task").read_bytes())]):
                sys.stdout.write(result.dumps() + "\n")
                sys.stdout.flush()
        except (BrokenPipeError, FileNotFoundError):  # who gave the task was killed, and the next load cleared up
            os._exit(1)


if __name__ == "__main__":
    main()
