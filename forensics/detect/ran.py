"""Whether rules and behaviours have looked at a case: that nothing of theirs is there must never pass for nothing found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from forensics.case import Case

COMMANDS = {"sigma": ("rules", "detect"), "behaviour": ("behaviours", "behaviour")}
"""What is said of the findings of a source, and the command that makes them."""

_SAYS = "that none of their findings is here does not mean that nothing fired"

_THERE = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'detection_run' AND NOT temporary"

_RUNS = "SELECT source, run_at, said, findings, part, before_load FROM detection_run ORDER BY source"

_OUTDATE = """
UPDATE detection_run
SET before_load = TRUE, findings = (SELECT count(*) FROM finding AS f WHERE f.source = detection_run.source)
"""


@dataclass(frozen=True)
class Ran:
    """The last run of rules (`sigma`) or behaviours; `at` is None where they never ran."""

    source: str
    at: datetime | None = None
    said: str = ""
    findings: int = 0
    part: bool = False
    before_load: bool = False

    @property
    def whole(self) -> bool:
        """Whether they looked at all that the case holds now."""
        return self.at is not None and not self.part and not self.before_load

    def __str__(self) -> str:
        """A clause: when, what came of it, and what it did not see."""
        name, command = COMMANDS[self.source]
        again = f"`forensics {command} CASE`"
        if self.at is None:
            return f"{name} were not run on this case: {_SAYS} ({again})"
        made = f"{name} were run at {self.at:%Y-%m-%d %H:%M} UTC ({self.said})"
        if self.before_load:
            return f"{made}, before records were last loaded, which they have not seen ({again})"
        return f"{made}, over a part of the case only ({again})" if self.part else made


def ran(case: Case) -> list[Ran]:
    """The last run of each; a case that an older version made has none."""
    rows = {row[0]: Ran(*row) for row in (case.sql(_RUNS).rows() if held(case) else ())}
    return [rows.get(source, Ran(source)) for source in COMMANDS]


def held(case: Case) -> bool:
    """Whether the case has the tables of runs: one that an older version made, and that was only read since, has none."""
    return bool(case.sql(_THERE).rows()[0][0])


def remark(case: Case) -> str:
    """One line on what rules and behaviours have not looked at; "" where they have looked at all."""
    return "; ".join(_together(item for item in ran(case) if not item.whole))


def in_short(case: Case) -> str:
    """The same in a few words, for a figure."""
    found = ran(case)
    never = [COMMANDS[item.source][0] for item in found if item.at is None]
    part = [COMMANDS[item.source][0] for item in found if item.at is not None and not item.whole]
    said = [f"{' and '.join(never)} not run"] * bool(never)
    return "; ".join(said + [f"{' and '.join(part)} not run on all of it"] * bool(part))


def told(case: Case) -> str:
    """One line on both, whatever they have looked at."""
    return "; ".join(_together(ran(case)))


def facts(case: Case) -> dict[str, str]:
    """The same for a report, each by what it is called."""
    return {COMMANDS[item.source][0]: str(item) for item in ran(case)}


def _together(found: Iterable[Ran]) -> Iterator[str]:
    items = list(found)
    if len(items) == 2 and all(item.at is None for item in items):
        yield (
            f"rules and behaviours were not run on this case: {_SAYS}"
            " (`forensics detect CASE`, `forensics behaviour CASE`)"
        )
    else:
        yield from map(str, items)


def remember(con: duckdb.DuckDBPyConnection, made: Ran, rules: Iterable[Sequence[object]] = ()) -> None:
    """Replace what is known of the last run of that source, and of its rules, in columns of `detection_rule` after `source`."""
    con.execute("DELETE FROM detection_rule WHERE source = ?", [made.source])
    at = made.at or datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    con.execute(
        "INSERT OR REPLACE INTO detection_run VALUES (?, ?, ?, ?, ?, FALSE)",
        [made.source, at, made.said, made.findings, made.part],
    )
    if rows := [[made.source, *row] for row in rules]:
        con.executemany("INSERT INTO detection_rule VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def outdate(con: duckdb.DuckDBPyConnection) -> None:
    """Mark the runs as of before the load, with the findings that are left of them."""
    con.execute(_OUTDATE)
