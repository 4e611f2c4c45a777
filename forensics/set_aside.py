"""Objects whose reading ended a loading process: they are read one by one, and what ends it again is set aside.

Which they are stands in `case_info` while there are any. A process ends because the system wants memory, somebody
kills it, or a reader fails: none of it is to keep a case from its other objects.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from forensics import naming, resolution
from forensics.errors import CaseError
from forensics.readers.recognise import by_key
from forensics.tasks import Item, Outcome, Result
from forensics.transaction import transaction
from forensics.worker import CHANGED, UNREADABLE

if TYPE_CHECKING:
    from forensics.case import Case

_KEY = "read_alone"
_NAMED = 5
"""Objects that a message names; it counts the others."""

ENDED = "reading it ended the loading process twice"
RETRIED = (ENDED, UNREADABLE, CHANGED)
"""Beginnings of the reasons that speak of the machine rather than of the object: `load` with `retry` tries these again."""


class ProcessEnded(CaseError):
    """A loading process ended while it read `items`; `how` says by what."""

    def __init__(self, items: Sequence[Item], status: int) -> None:
        self.items, self.how = items, _how(status)
        names = ", ".join(item.key for item in items[:_NAMED])
        more = f" and {len(items) - _NAMED:,} more" if len(items) > _NAMED else ""
        super().__init__(
            f"a loading process ended early ({self.how}) while it read {names}{more}; what was committed is whole:"
            " load again to go on, they are then read one by one, and what ends the process again is set aside"
        )


def _how(status: int) -> str:
    if status == -signal.SIGKILL:
        return "killed, perhaps as memory ran out"
    return f"by signal {-status}" if status < 0 else f"exit status {status}"


def told(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The objects to read one by one."""
    row = con.execute("SELECT value FROM case_info WHERE key = ?", [_KEY]).fetchone()
    return set(json.loads(row[0])) if row else set()


def tell(con: duckdb.DuckDBPyConnection, object_ids: Iterable[str]) -> None:
    """Read these too one by one from now on; outside of a transaction."""
    if found := told(con) | set(object_ids):
        con.execute("INSERT OR REPLACE INTO case_info VALUES (?, ?)", [_KEY, json.dumps(sorted(found))])


def clear(con: duckdb.DuckDBPyConnection) -> None:
    """Nothing is left to read one by one."""
    con.execute("DELETE FROM case_info WHERE key = ?", [_KEY])


def under_way(folder: Path) -> list[str]:
    """The objects of tasks that were not finished, from the files of a load that was killed itself."""
    found: list[str] = []
    for path in folder.glob("**/*.task"):
        try:
            found += [item[0] for item in json.loads(path.read_bytes())]
        except (OSError, ValueError, LookupError, TypeError):  # cut off by the same kill
            continue
    return found


def refused(folder: Path, ended: ProcessEnded) -> Result:
    """What comes of an object that is set aside; its reject is in a file of `folder`."""
    (item,) = ended.items
    hint, reason = by_key(item.key), f"{ENDED} ({ended.how})"
    texts = {"object_id": item.object_id, "reason": reason, "excerpt": ""}
    columns = {name: pa.array([text], pa.string()) for name, text in texts.items()}
    table = pa.table({**columns, "record": pa.array([None], pa.int64())})
    path = str(folder / "refused.arrow")
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    outcome = Outcome(item.object_id, hint.source, hint.account_id, hint.region, "rejected", 0, 1, reason)
    return Result([("rejected_record", path)], [outcome])


_RETRY = """
SELECT object_id
FROM evidence
WHERE status IN ('rejected', 'partial') AND stored_at IS NOT NULL AND object_id IN (
  SELECT object_id FROM rejected_record WHERE record IS NULL AND {reasons}
)
"""


def retry(case: Case) -> int:
    """Make pending again what could not be read because of the machine: no memory, file gone, file changed. How many."""
    reasons = " OR ".join(["starts_with(reason, ?)"] * len(RETRIED))
    con = case.connection
    with transaction(con):
        rows = con.execute(_RETRY.format(reasons=f"({reasons})"), list(RETRIED)).fetchall()
        if rows:
            naming.unload(con, [row[0] for row in rows])
            resolution.mark_stale(con)
    return len(rows)
