"""The ways to read logs that are compared, each run in a process of its own: `python -m tests.benchmarks.ways NAME FOLDER`."""

import gzip
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
from isal import igzip

from forensics.readers.documents import trail_records

MARGIN = 1 << 20
"""Bytes added to the longest text for `maximum_object_size`."""


@dataclass(frozen=True)
class Timing:
    """What was done, with how many records, in how many seconds."""

    what: str
    records: int
    seconds: float


def forensics(folder: Path, scratch: Path) -> Iterator[Timing]:
    """Evidence in place to source tables, hashed twice: when it is taken in and when it is read."""
    from forensics import evidence
    from forensics.case import Case
    from forensics.load import load

    with Case.create(scratch / "case") as case:
        begun = time.perf_counter()
        evidence.add(case, folder, in_place=True)
        ledger = load(case, resolve=False)
        yield Timing("forensics", ledger.records, time.perf_counter() - begun)


def apart(folder: Path, scratch: Path) -> Iterator[Timing]:
    """The steps one by one, evidence copied."""
    from forensics import evidence, resolution
    from forensics.case import Case
    from forensics.load import load

    with Case.create(scratch / "case") as case:
        begun = time.perf_counter()
        evidence.add(case, folder)
        copied = time.perf_counter()
        records = load(case, resolve=False).records
        loaded = time.perf_counter()
        resolution.resolve(case.connection)
        yield Timing("add, copying", records, copied - begun)
        yield Timing("load, without resolving", records, loaded - copied)
        yield Timing("resolve", records, time.perf_counter() - loaded)


def duckdb_naive(folder: Path, scratch: Path) -> Iterator[Timing]:
    """The documented way: `read_json` with the type of `Records`, and `unnest`."""
    source = f"""
SELECT unnest(Records, recursive := false) AS r
FROM read_json(?, columns = {{Records: '{_type()}[]'}}, maximum_object_size = {_longest(folder)})"""
    yield _into_table("DuckDB read_json(columns) + unnest", source, _files(folder), scratch)


def duckdb_top_level(folder: Path, scratch: Path) -> Iterator[Timing]:
    """The fastest plain SQL known, top-level members only: whole texts, `from_json`, and `unnest`."""
    shape = json.dumps([dict(_fields())])
    source = f"""
SELECT unnest(from_json(json->'Records', '{shape}')) AS r
FROM read_json_objects(?, format = 'unstructured', maximum_object_size = {_longest(folder)})"""
    yield _into_table("DuckDB from_json, top-level columns only", source, _files(folder), scratch)


def duckdb_same_table(folder: Path, scratch: Path) -> Iterator[Timing]:
    """The same SQL into the very columns of our table: nested ones, derived ones, object and number, all as we store them."""
    from tests.benchmarks.same_table import fill

    files = _files(folder)
    begun = time.perf_counter()
    records = fill(scratch / "same.duckdb", files, _longest(folder))
    yield Timing("DuckDB from_json, the same table", records, time.perf_counter() - begun)


def gunzip_and_scan(folder: Path, scratch: Path) -> Iterator[Timing]:
    """What no reader can do without, in a process per processor: unpack, find where each record begins and ends."""
    begun = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        records = sum(pool.map(_scan, _files(folder), chunksize=4))
    yield Timing("gunzip and scan alone", records, time.perf_counter() - begun)


def _scan(name: str) -> int:
    return len(trail_records(igzip.decompress(Path(name).read_bytes())) or ())


def start(folder: Path, scratch: Path) -> Iterator[Timing]:
    """As `forensics`, but with processes that read however little there is, an object a task: what starting takes."""
    from forensics import load

    load.ALONE_BYTES, load.TASK_OBJECTS = 0, 1
    yield from forensics(folder, scratch)


def objects(folder: Path, scratch: Path) -> Iterator[Timing]:
    """What an object costs, whatever it holds: counts are of objects."""
    from forensics import evidence
    from forensics.case import Case
    from forensics.load import load

    with Case.create(scratch / "case") as case:
        begun = time.perf_counter()
        count = evidence.add(case, folder, in_place=True).seen
        added = time.perf_counter()
        load(case, resolve=False)
        yield Timing("add in place, objects", count, added - begun)
        yield Timing("load, objects", count, time.perf_counter() - added)


def json_normalize(folder: Path, scratch: Path) -> Iterator[Timing]:
    """`json` and `pandas.json_normalize`, a file at a time, nothing kept."""
    import pandas as pd

    records, begun = 0, time.perf_counter()
    for name in _files(folder):
        with gzip.open(name) as file:
            records += len(pd.json_normalize(json.load(file)["Records"]))
    yield Timing("json + pandas.json_normalize", records, time.perf_counter() - begun)


def duckdb_csv(folder: Path, scratch: Path) -> Iterator[Timing]:
    """`read_csv` file by file, all fields as they are found."""
    records, begun = 0, time.perf_counter()
    with duckdb.connect(str(scratch / "flows.duckdb")) as con:
        for place, name in enumerate(_files(folder)):
            con.execute(
                f"CREATE TABLE flow_{place} AS SELECT * FROM read_csv(?, delim = ' ', header = true, nullstr = '-')",
                [name],
            )
            records += con.execute(f"SELECT count(*) FROM flow_{place}").fetchall()[0][0]
    yield Timing("DuckDB read_csv", records, time.perf_counter() - begun)


def flowlogs_reader(folder: Path, scratch: Path) -> Iterator[Timing]:
    """The package flowlogs-reader: an object a record, nothing kept; a folder stands in for the bucket."""
    from flowlogs_reader import S3FlowLogsReader

    class Bucket:
        def get_object(self, **named: str) -> dict[str, Any]:
            path = Path(named["Key"])
            return {"Body": path.open("rb"), "ContentLength": path.stat().st_size}

    class Reader(S3FlowLogsReader):
        def _get_all_keys(self) -> Iterator[str]:
            yield from _files(folder)

    warnings.simplefilter("ignore", DeprecationWarning)
    begun = time.perf_counter()
    records = sum(1 for _ in Reader("bucket", boto_client=Bucket(), raise_on_error=True))
    yield Timing("flowlogs-reader", records, time.perf_counter() - begun)


WAYS: dict[str, Callable[[Path, Path], Iterator[Timing]]] = {
    way.__name__: way
    for way in (
        forensics,
        apart,
        duckdb_naive,
        duckdb_top_level,
        duckdb_same_table,
        gunzip_and_scan,
        start,
        objects,
        json_normalize,
        duckdb_csv,
        flowlogs_reader,
    )
}


def _files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.iterdir())


def _longest(folder: Path) -> int:
    """Length of the longest text, from the end of each gzip file."""
    return MARGIN + max(int.from_bytes(Path(name).read_bytes()[-4:], "little") for name in _files(folder))


def _fields() -> list[tuple[str, str]]:
    """The top-level members that the source table has columns for, with their types."""
    from forensics.sources import sources

    return [(item.field, item.type) for item in sources()["cloudtrail"].columns if "." not in item.field]


def _type() -> str:
    return "STRUCT(" + ", ".join(f'"{name}" {kind}' for name, kind in _fields()) + ")"


def _into_table(what: str, source: str, files: list[str], scratch: Path) -> Timing:
    columns = ", ".join(f'r."{name}" AS "{name}"' for name, _ in _fields())
    begun = time.perf_counter()
    with duckdb.connect(str(scratch / "events.duckdb")) as con:
        con.execute("SET preserve_insertion_order = false")
        con.execute(f"CREATE TABLE event AS SELECT {columns} FROM ({source})", [files])
        records = con.execute("SELECT count(*) FROM event").fetchall()[0][0]
    return Timing(what, records, time.perf_counter() - begun)


def main(name: str, folder: str) -> None:
    """Print a line of JSON for each timing."""
    with tempfile.TemporaryDirectory(dir=Path(folder).parent) as scratch:
        for timing in WAYS[name](Path(folder), Path(scratch)):
            print(json.dumps(asdict(timing)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
