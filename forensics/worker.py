"""A loading process: reads objects, writes typed Arrow batches, and reports what came of each object."""

from __future__ import annotations

import gc
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa

from forensics.columns import Columns, build
from forensics.columns.long_values import without_long
from forensics.readers import read
from forensics.readers.documents import Json
from forensics.readers.json_text import by_record
from forensics.readers.parts import EventPart, JsonPart, Part, Reject, TextPart
from forensics.readers.recognise import KeyHint, by_key, line_layout
from forensics.source import LogStream

_JSON_RECORDS = 4_000
_BATCH_ROWS = 2_000
_PIECE_BYTES = 32 << 20
_PIECE_REJECTS = 5_000
UNCLAIMED = 100_000
"""Records that no source claims, after which an object of nothing else is not read further: they are kept until then."""
REJECTED = 1_000_000
"""Records of one object that no source claims after which it is not read further: each is a row of `rejected_record`."""
NOBODYS = f"no source claims one of its first {UNCLAIMED} records: not read further"
TOO_MANY = f"no source claims {REJECTED} of its records: not read further"
_REJECTS = pa.schema(
    [("object_id", pa.string()), ("record", pa.int64()), ("reason", pa.string()), ("excerpt", pa.string())]
)


@dataclass(frozen=True)
class Item:
    """An object to read: its bytes at `path`, its key or path as acquired, the hash its bytes must have.

    `damage` is what its acquisition already found wrong, `named` the members of the stream the analyst named.
    """

    object_id: str
    path: str
    key: str
    sha256: str
    damage: str | None = None
    named: Sequence[str | None] | None = None


@dataclass
class Outcome:
    """What came of an object."""

    object_id: str
    source: str | None = None
    account_id: str | None = None
    region: str | None = None
    status: str = "loaded"
    records: int = 0
    rejected: int = 0
    reason: str | None = None


@dataclass
class Result:
    """A piece of what came of a task: Arrow files by source; the last piece has the outcome of each object."""

    files: list[tuple[str, str]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    rows: int = 0

    def dumps(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, line: str) -> Result:
        """From one line of JSON."""
        held = json.loads(line)
        return cls(
            [(name, path) for name, path in held["files"]], [Outcome(**item) for item in held["outcomes"]], held["rows"]
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
        self._held: dict[str, list[tuple[str, int, Json]]] = {}
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
            with Path(item.path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != item.sha256:
                self._reject(item.object_id, Reject(None, "the bytes are not those acquired: verify the case", ""))
                return
            named = LogStream(*item.named) if item.named else None
            for part in read(Path(item.path), item.key, named):
                self._part(item.object_id, part, counts, unclaimed)
                self._relieve(part)
                yield
                if len(unclaimed) >= UNCLAIMED and self._enough(item.object_id, hint, counts, unclaimed):
                    break
        except OSError as error:
            self._reject(item.object_id, Reject(None, f"cannot be read: {error.strerror}", ""))
        known = bool(counts) or hint.source is not None
        if known or self._rejected[item.object_id]:
            self._reject(item.object_id, *unclaimed)
            outcome.source = hint.source
        else:
            outcome.status = "unrecognised"
            outcome.reason = unclaimed[0].reason if unclaimed else "it holds no records to recognise it by"

    def _relieve(self, part: Part) -> None:
        """Type the records that wait once they have become long: a few may take more memory than thousands of others."""
        if isinstance(part, JsonPart) and isinstance(part.records, list) and len(part.records) < _JSON_RECORDS // 4:
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
            held = self._held.setdefault(part.source, [])
            for number, record in zip(part.numbers, part.records, strict=True):
                held.append((object_id, number, record))
                if len(held) >= _JSON_RECORDS:
                    self._build_json(part.source)
                    held = self._held.setdefault(part.source, [])
            return
        if isinstance(part, EventPart):
            self._places.setdefault(object_id, set()).update((e.stream.owner, e.stream.region) for e in part.events)
        columns = build(part)
        self._reject(object_id, *columns.rejects)
        self._keep(columns, pa.repeat(pa.scalar(object_id), columns.table.num_rows))
        counts[part.source] += columns.table.num_rows
        for number, line in columns.strays:
            self._part(object_id, _other_line(part.source, number, str(line)), counts, unclaimed)

    def _build_json(self, source: str) -> None:
        """JSON records of several objects are typed together; their places are put back afterwards."""
        held = self._held.pop(source)
        columns = build(JsonPart(source, range(len(held)), [record for _, _, record in held]))
        for reject in columns.rejects:
            object_id, number, _ = held[reject.record or 0]
            self._reject(object_id, Reject(number, reject.reason, reject.excerpt))
        places = columns.table["record"].to_pylist()
        object_ids = [held[place][0] for place in places]
        table = columns.table.set_column(0, "record", pa.array([held[place][1] for place in places], pa.int64()))
        self._keep(Columns(source, table, ()), pa.array(object_ids, pa.string()))
        for object_id, count in Counter(object_ids).items():
            self._counts[object_id][source] += count
        for place, record in columns.strays:
            self._stray(held[place][0], held[place][1], record)

    def _stray(self, object_id: str, number: int, record: Json | str) -> None:
        """A record that came among those of another source."""
        for part in by_record([(number, record)]) if not isinstance(record, str) else ():
            if isinstance(part, Reject):
                self._reject(object_id, part)
            elif isinstance(part, JsonPart):
                self._held.setdefault(part.source, []).append((object_id, number, part.records[0]))

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


def main() -> None:
    """Serve tasks until the input ends: a line of input names a task's files, a line of output is a piece of its result.

    The objects to read are in the file with the suffix `.task`: a pipe holds too little for a list of them.
    """
    for line in sys.stdin:
        prefix: str = json.loads(line)
        for result in run(prefix, [Item(*item) for item in json.loads(Path(f"{prefix}.task").read_bytes())]):
            sys.stdout.write(result.dumps() + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
