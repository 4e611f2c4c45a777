"""How long tags take in a case of a million events: putting them on, narrowing to them, reading them afresh.

A timeline is narrowed by a list of event ids that is bound to the query. A temporary table was the other way: it cost
as much, and no other cursor of a read-only connection sees it, so that a Timeline would not stand by itself.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forensics.case import Case
from forensics.notes import Notes
from forensics.timeline import Timeline
from tests.views.worlds import add_many

SIZES = (10, 1_000, 10_000, 100_000)

_SOME = "SELECT event_id FROM timeline ORDER BY hash(event_id) LIMIT ?"


def main(events: int = 700_000) -> None:
    """Print processor and wall seconds of each step."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "case"
        with Case.create(path) as case:
            add_many(case, events)
        with Case.open(path) as case:
            steps(case)


def steps(case: Case) -> None:
    """Each step on that case, which has no notes."""
    timeline = Timeline(case)
    ids = [row[0] for row in timeline.select(_SOME, SIZES[-1]).rows()]
    print(f"{timeline.count():,} events")
    for size in SIZES:
        took(f"tag {size:,} events", lambda size=size: case.notes.tag(ids[:size], f"of {size}", by="anna"))
        took(f"first 100 of {size:,} tagged", lambda size=size: first(timeline.tagged(f"of {size}")))
        took(f"  the same by a temporary table of {size:,}", lambda size=size: by_table(case, ids[:size]))
        took("one more tag", lambda size=size: case.notes.tag(ids[0], f"after {size}", by="ben"))
        took("tags of a page of 100", lambda: case.notes.tags_of(ids[:100]))
    took("read all notes afresh", lambda: Notes.of(case.path).rows())


def first(timeline: Timeline) -> None:
    timeline.select("SELECT * FROM timeline ORDER BY time, event_id LIMIT 100").rows()


def by_table(case: Case, ids: list[str]) -> None:
    """What narrowing would cost with the ids in a temporary table of one connection."""
    cursor = case.connection.cursor()
    cursor.execute("CREATE TEMP TABLE tagged AS SELECT unnest(CAST(? AS VARCHAR[])) AS event_id", [ids])
    narrowed = "SELECT * FROM event WHERE event_id IN (SELECT event_id FROM tagged) ORDER BY time, event_id LIMIT 100"
    cursor.execute(narrowed).fetchall()
    cursor.close()


def took(what: str, act: Callable[[], Any]) -> None:
    """Print how long it took."""
    cpu, wall = time.process_time(), time.perf_counter()
    act()
    print(f"{what:<45} {time.process_time() - cpu:7.3f} s of processors {time.perf_counter() - wall:7.3f} s")


if __name__ == "__main__":
    main()
