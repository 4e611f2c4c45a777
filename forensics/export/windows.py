"""A timeline in pieces that follow one another in time, so that sorting any number of events needs the same memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forensics.timeline import Timeline

MOST = 200_000
"""Events of a piece, as far as minutes divide them."""

_MINUTES = """
SELECT CAST(date_trunc('minute', time) AS VARCHAR) AS minute, count(*) AS events
FROM timeline
WHERE time IS NOT NULL
GROUP BY date_trunc('minute', time)
ORDER BY date_trunc('minute', time)
"""
_ALL = "SELECT count(*), count(time) FROM timeline"


def windows(timeline: Timeline, most: int = MOST) -> list[Timeline]:
    """The pieces, in order of time; events without a time are the last. None of nothing."""
    events, timed = timeline.select(_ALL).rows()[0]
    if events <= most:
        return [timeline] if events else []
    bounds = _bounds([(str(minute), int(count)) for minute, count in timeline.select(_MINUTES).rows()], most)
    pieces = []
    for start, end in zip([None, *bounds], [*bounds, None], strict=True):
        piece = timeline.where("time IS NOT NULL")
        piece = piece if start is None else piece.where("time >= CAST(? AS TIMESTAMP)", start)
        pieces.append(piece if end is None else piece.where("time < CAST(? AS TIMESTAMP)", end))
    return [*pieces, timeline.where("time IS NULL")] if timed < events else pieces


def _bounds(minutes: list[tuple[str, int]], most: int) -> list[str]:
    """The minutes at which a further piece begins."""
    found, held = [], 0
    for minute, count in minutes:
        if held and held + count > most:
            found.append(minute)
            held = 0
        held += count
    return found
