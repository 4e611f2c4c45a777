"""The tables of a case as digests that depend on its evidence alone: two cases of the same evidence have the same.

Neither the order of adding, nor the number of processes, nor how often it was loaded in between may show in them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forensics.case import Case

LEFT_OUT = {
    "evidence": ("acquired_at",),
    "detection_run": ("run_at", "before_load"),
}
"""Columns that say when something was done, not what the evidence says."""

NOT_OF_EVIDENCE = ("acquisition", "case_info")
"""Tables that say what was done, and when."""

_COLUMNS = """
SELECT table_name, list(column_name ORDER BY column_name)
FROM duckdb_columns()
WHERE schema_name = 'main' AND NOT internal AND database_name = current_database()
GROUP BY table_name
ORDER BY table_name
"""


@dataclass(frozen=True)
class TableDigest:
    """A table or view: how many rows, and the SHA-256 over the sorted SHA-256s of its rows, each as JSON."""

    table: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Tables:
    """The digest of every table and view of a case, by name."""

    digests: tuple[TableDigest, ...]

    @property
    def sha256(self) -> str:
        """One digest over all of them."""
        return hashlib.sha256("\n".join(f"{item.sha256} {item.table}" for item in self.digests).encode()).hexdigest()

    def differing(self, other: Tables) -> list[str]:
        """Names of the tables that differ, or are in one of the two only."""
        return sorted({item.table for item in set(self.digests) ^ set(other.digests)})

    def __str__(self) -> str:
        """A line for each that has rows, and the digest over all."""
        lines = [f"{item.sha256} {item.rows:>12,} {item.table}" for item in self.digests if item.rows]
        return "\n".join([*lines, f"{self.sha256} {sum(item.rows for item in self.digests):>12,} all tables and views"])


def tables(case: Case) -> Tables:
    """Digest every table and view: by content alone, not by the order of rows nor by times of acquisition.

    `evidence` has the path or S3 address of each object: it is the same only where the evidence lay in the same place.
    """
    columns = case.connection.cursor().execute(_COLUMNS).fetchall()
    return Tables(tuple(_digest(case, name, names) for name, names in columns if name not in NOT_OF_EVIDENCE))


def _digest(case: Case, table: str, columns: list[str]) -> TableDigest:
    shown = ", ".join(f"'{name}': t.\"{name}\"" for name in columns if name not in LEFT_OUT.get(table, ()))
    row = f"unhex(sha256(CAST(to_json({{{shown}}}) AS VARCHAR)))"
    digest, count = hashlib.sha256(), 0
    for batch in case.sql(f'SELECT {row} AS row_sha256 FROM "{table}" AS t ORDER BY row_sha256').batches():
        count += batch.num_rows
        digest.update(b"".join(batch.column(0).to_pylist()))
    return TableDigest(table, count, digest.hexdigest())
