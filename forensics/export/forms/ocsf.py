"""OCSF: one Parquet file per class of events in a folder, as the Open Cybersecurity Schema Framework has them.

Security Lake wants a custom source per class, too, with objects under `region=…/accountId=…/eventDay=…`: `COPY (SELECT …)
TO … (FORMAT parquet, PARTITION_BY (region, "accountId", "eventDay"))` in DuckDB makes these of a file.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from forensics.export.format import UNTIMED, Asked, Counted, Format, Target
from forensics.export.forms.parquet import KEY, writer
from forensics.export.ocsf import VERSION
from forensics.export.windows import windows

if TYPE_CHECKING:
    import pyarrow as pa

    from forensics.export.ocsf.schema import OcsfClass
    from forensics.timeline import Timeline

OF_FINDINGS = "detection_finding"
AT_ONCE = 100_000
"""Events of a piece: their rows are wider than those of other formats."""
BATCH = 10_000
"""Rows of a batch."""
OUTSIDE = "events with a time outside of the years 1 to 9999"

_HELD = """
SELECT source, count(*) AS events, count(time) AS timed, count(CASE WHEN {in_calendar} THEN 1 END) AS datable
FROM timeline AS e
GROUP BY source
ORDER BY source
"""


def write(asked: Asked, target: Target) -> Counted:
    """Write a file for each class that some event is of, and count the events of sources that none fits."""
    from forensics.export.ocsf.classes import classes
    from forensics.export.ocsf.statement import IN_CALENDAR

    counted, told = Counted(), Counter[str]()
    held = asked.timeline.select(_HELD.format(in_calendar=IN_CALENDAR)).rows()
    there = {str(row[0]) for row in held}
    for kind in classes():
        batches = _batches(asked.timeline, kind, there)
        if kind.name == OF_FINDINGS:
            batches = itertools.chain(batches, _ours(asked.timeline, counted))
        _write_class(asked, target, batches, (kind, counted, told))
    _leave_out(held, counted, told)
    return counted


def _batches(timeline: Timeline, kind: OcsfClass, there: Set[str]) -> Iterator[pa.RecordBatch]:
    from forensics.export.ocsf.statement import statement

    held = {name: records for name, records in kind.sources.items() if name in there}
    if held:
        sql, names = statement(replace(kind, sources=held)), ", ".join(f"'{name}'" for name in held)
        for piece in windows(timeline.where(f"source IN ({names})"), AT_ONCE):
            yield from piece.select(sql).batches(BATCH)


def _ours(timeline: Timeline, counted: Counted) -> Iterator[pa.RecordBatch]:
    """The findings of rules, and of our own, that rest on the events."""
    from forensics.export.ocsf.classes.detection_finding import HITS, count_hits, hits
    from forensics.sources import sources

    found = timeline.select(count_hits(sources())).rows()[0][0]
    if found:
        for batch in timeline.select(hits(sources())).batches(BATCH):
            counted.added[HITS] += batch.num_rows
            yield batch
    counted.left_out[f"{HITS}, without a time"] += found - counted.added[HITS]


def _write_class(
    asked: Asked, target: Target, batches: Iterator[pa.RecordBatch], what: tuple[OcsfClass, Counted, Counter[str]]
) -> None:
    kind, counted, told = what
    with contextlib.ExitStack() as stack:
        parquet = None
        for batch in batches:
            rows = _with_raw(asked.timeline, batch) if asked.raw else batch
            if parquet is None:
                parquet = stack.enter_context(writer(stack.enter_context(target.open(kind.file)), rows.schema))
            parquet.write_batch(rows)
            _count(kind, rows, counted, told)
        if parquet is not None:
            about = asked.about(Counted(files=Counter({kind.file: counted.files[kind.file]})))
            parquet.add_key_value_metadata(
                {KEY: json.dumps({"ocsf": VERSION, "class": kind.name} | about, default=str)}
            )


def _count(kind: OcsfClass, rows: pa.RecordBatch, counted: Counted, told: Counter[str]) -> None:
    import pyarrow.compute as pc

    counted.files[kind.file] += rows.num_rows
    for found in pc.value_counts(pc.struct_field(rows.column("unmapped"), "source")).to_pylist():
        told[found["values"]] += found["counts"]


def _with_raw(timeline: Timeline, rows: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with `raw_data`: each record as it stands in the evidence. Raises EvidenceError."""
    import pyarrow as pa

    from forensics.raw import raw_records

    places = [(item["object_id"], item["record"]) for item in rows.column("unmapped").to_pylist()]
    wanted: dict[str, list[int]] = {}
    for object_id, record in places:
        if object_id is not None:
            wanted.setdefault(object_id, []).append(record)
    texts = {object_id: raw_records(timeline.case, object_id, records) for object_id, records in wanted.items()}
    raw = [texts.get(object_id, {}).get(record) for object_id, record in places]
    return rows.append_column("raw_data", pa.array(raw, pa.string()))


def _leave_out(held: Sequence[tuple[Any, ...]], counted: Counted, told: Counter[str]) -> None:
    for source, events, timed, datable in held:
        counted.left_out[UNTIMED] += events - timed
        counted.left_out[OUTSIDE] += timed - datable
        counted.left_out[f"events of {source} that no class of OCSF fits"] += datable - told[source]


FORMAT = Format(
    name="ocsf",
    title=f"a folder with a Parquet file per class of OCSF {VERSION}: for Security Lake, Athena and other tools that read OCSF",
    loses="events without a time, and those of sources that no class fits; times are exact in `_dt`, else in milliseconds",
    write=write,
    folder=True,
    raw=True,
)
