"""Timesketch: the import format of "Create timeline from JSONL or CSV file"; event ids stay, so that tags can come back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from forensics.errors import UsageError
from forensics.export.format import UNTIMED, Asked, Counted, Format, Target
from forensics.export.forms.csv import write_csv
from forensics.export.forms.jsonl import write_lines
from forensics.export.hits import HITS
from forensics.export.texts import as_json, as_text
from forensics.export.windows import windows
from forensics.source import EVENT_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".jsonl", ".csv")
"""Names that Timesketch takes."""
UNREADABLE = "events with a time outside the years 1678 to 2261, which Timesketch drops"
_FIRST, _LAST = "TIMESTAMP '1678-01-01'", "TIMESTAMP '2262-01-01'"

_TAGGED = f""", tagged AS (
  SELECT u.pair[1] AS about, list(u.pair[2] ORDER BY u.pair[2]) AS tags
  FROM unnest(CAST(? AS VARCHAR[][])) AS u(pair)
  GROUP BY u.pair[1]
), hit AS ({HITS})
"""
"""The tags that stand on events, from pairs of event id and tag; what rules and behaviours say of events."""

_LISTS = {
    "tag": "coalesce(tagged.tags, CAST([] AS VARCHAR[]))",
    "hits": "coalesce(hit.titles, CAST([] AS VARCHAR[]))",
}

_OWN = [name for name in EVENT_COLUMNS if name != "time"]
_BEGINNING = {
    "message": "coalesce(nullif(summary, ''), action, source)",
    "datetime": "strftime(time, '%Y-%m-%dT%H:%M:%S.%f+00:00')",
    "timestamp_desc": "CASE WHEN end_time IS NULL THEN 'Event Logged' ELSE 'Start Time' END",
    "timestamp": "epoch_us(time)",
}
"""What Timesketch asks for, and the time in microseconds; then ours."""

_FROM = f"""FROM timeline AS event
LEFT JOIN tagged ON tagged.about = event.event_id
LEFT JOIN hit ON hit.about = event.event_id
WHERE event.time >= {_FIRST} AND event.time < {_LAST}
ORDER BY event.time, event_id, object_id, record"""
_MEMBERS = ",\n  ".join(
    f"{name} := {sql}" for name, sql in (_BEGINNING | _LISTS | {name: as_json(name) for name in _OWN}).items()
)
_LINES = f"{_TAGGED}SELECT CAST(json_merge_patch('{{}}', to_json(struct_pack({_MEMBERS}))) AS VARCHAR) AS line\n{_FROM}"
_COLUMNS = ",\n  ".join(
    f"{sql} AS {name}"
    for name, sql in (
        _BEGINNING
        | {name: f"CAST(to_json({sql}) AS VARCHAR)" for name, sql in _LISTS.items()}
        | {name: as_text(name) for name in _OWN}
    ).items()
)
_ROWS = f"{_TAGGED}SELECT\n  {_COLUMNS}\n{_FROM}"
_LEFT = f"""
SELECT count(CASE WHEN time IS NULL THEN 1 END), count(CASE WHEN time < {_FIRST} OR time >= {_LAST} THEN 1 END)
FROM timeline
"""


def write(asked: Asked, target: Target) -> Counted:
    """Write CSV where the path ends so, else JSONL, in which members that are not recorded are not there."""
    counted = Counted()
    if asked.suffix not in SUFFIXES:
        raise UsageError(
            f"Timesketch takes no file that ends in {asked.suffix!r}: name it with one of {', '.join(SUFFIXES)}"
        )
    untimed, unreadable = asked.timeline.select(_LEFT).rows()[0]
    counted.left_out.update({UNTIMED: untimed, UNREADABLE: unreadable})
    with target.open() as handle:
        pairs = asked.timeline.case.notes.pairs()
        if asked.suffix == ".csv":
            write_csv([*_BEGINNING, *_LISTS, *_OWN], _batches(asked, pairs), handle, counted)
        else:
            for piece in windows(asked.timeline):
                write_lines(piece.select(_LINES, pairs), handle, counted)
    return counted


def _batches(asked: Asked, pairs: list[tuple[str, str]]) -> Iterator[pa.RecordBatch]:
    for piece in windows(asked.timeline):
        yield from piece.select(_ROWS, pairs).batches()


FORMAT = Format(
    name="timesketch",
    title="events for import into Timesketch, JSONL, or CSV where the path ends in .csv; event ids stay",
    loses="events without a time, or with one that Timesketch drops; CSV has a quote before what could be a formula",
    write=write,
)
