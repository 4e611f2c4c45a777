"""Verification: every stored object hashed again, rows, custody record and files held against each other."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from forensics import custody, resolution
from forensics.acquire.archive import explain
from forensics.custody import Problem
from forensics.evidence import path_of
from forensics.sources import sources
from forensics.store import CHUNK, STORE, Progress

if TYPE_CHECKING:
    from forensics.case import Case


@dataclass(frozen=True)
class Verification:
    """What verifying found: distinct stored objects and their bytes, custody entries, and every problem.

    `head` is the SHA-256 of the last custody line, worth keeping elsewhere. `remarks` tell what is no alteration:
    a clock that was set back, objects that wait to be loaded, a resolution that is to be done again.
    """

    objects: int
    bytes: int
    entries: int
    head: str
    problems: tuple[Problem, ...]
    remarks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything is as it was acquired."""
        return not self.problems

    def __str__(self) -> str:
        """The verdict, the head of the custody chain, and a line for every problem."""
        verdict = "as acquired" if self.ok else f"{len(self.problems)} problems"
        counts = f"{self.objects} stored objects ({self.bytes} bytes), {self.entries} custody entries: {verdict}"
        return "\n".join([counts, f"custody head {self.head}", *map(str, self.problems), *self.remarks])


def verify(case: Case, *, progress: Progress | None = None) -> Verification:
    """Hash every stored object again and hold rows, custody record and files against each other."""
    files = case.connection.cursor().execute(FILES).fetchall()
    begun = bool(files) or (case.path / custody.FILE).exists()
    problems = custody.check(case.path) if begun else []
    size = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (row, read, found) in enumerate(pool.map(lambda row: _check_file(case, row), files), start=1):
            size += read
            problems += [Problem(row[0], kind, detail) for kind, detail in found]
            if progress:
                progress(number, size)
    problems += [*_check_record(case), *_check_rows(case)]
    problems += _check_strays(case, {row[1] for row in files})
    entries = sum(1 for _ in custody.entries(case.path))
    remarks = (*custody.set_back(case.path), *unfinished(case))
    return Verification(len(files), size, entries, custody.head(case.path), tuple(problems), remarks)


def unfinished(case: Case) -> list[str]:
    """What an interrupted command, or one that was not run yet, left to do, a sentence each."""
    con = case.connection.cursor()
    (pending,) = con.execute("SELECT count(*) FROM evidence WHERE status = 'pending'").fetchall()[0]
    waiting = [f"unfinished: {pending:,} objects wait to be loaded: forensics load {case.path}"] if pending else []
    if not pending and resolution.is_stale(con):
        waiting.append(f"unfinished: what was loaded is not resolved yet: forensics load {case.path}")
    return waiting


FILES = """
SELECT min(uri) AS uri, stored_at, sha256, size, min(object_id) AS object_id
FROM evidence
WHERE stored_at IS NOT NULL
GROUP BY stored_at, sha256, size
ORDER BY uri, stored_at, sha256
"""

_File = tuple[str, str, str, int, str]


def _check_file(case: Case, row: _File) -> tuple[_File, int, list[tuple[str, str]]]:
    _, stored_at, sha256, size, object_id = row
    path = path_of(case, stored_at)
    copied = not Path(stored_at).is_absolute()
    if (path.exists() and not path.is_file()) or (copied and path.is_symlink()):
        return row, 0, [("altered", f"object {object_id}: {path} is not the file that was put there")]
    try:
        with path.open("rb") as handle:
            digest, read = _digest(handle)
    except FileNotFoundError:
        return row, 0, [("missing", f"object {object_id}: {path} is gone")]
    except OSError as error:
        return row, 0, [("unreadable", f"object {object_id}: {path}: {explain(error)}")]
    found = []
    if read != size:
        found.append(("size", f"object {object_id}: {path} has {read} bytes, {size} were acquired"))
    if digest != sha256:
        found.append(("altered", f"object {object_id}: {path} has SHA-256 {digest}, {sha256} was acquired"))
    return row, read, found


def _digest(handle: BinaryIO) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    while chunk := handle.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


_MISCOUNTED = """
SELECT v.uri, v.object_id, v.records, CAST(coalesce(c.rows, 0) AS BIGINT) AS rows
FROM evidence AS v
LEFT JOIN (SELECT object_id, sum(rows) AS rows FROM ({counted}) AS t GROUP BY object_id) AS c ON c.object_id = v.object_id
WHERE v.status IN ('loaded', 'partial') AND v.records <> coalesce(c.rows, 0)
ORDER BY v.uri
"""


def _check_rows(case: Case) -> list[Problem]:
    """Objects of which the source tables hold another number of rows than were loaded."""
    counts = (
        f'SELECT object_id, count(*) AS rows FROM "{name}" GROUP BY object_id'
        for name in (*sources(), *case.strangers())
    )
    rows = case.connection.cursor().execute(_MISCOUNTED.format(counted=" UNION ALL ".join(counts))).fetchall()
    return [
        Problem(uri, "rows", f"object {object_id}: the tables hold {there} of the {records} records that were loaded")
        for uri, object_id, records, there in rows
    ]


def _check_record(case: Case) -> list[Problem]:
    """Rows that no custody entry speaks of, entries whose objects are not listed, and sizes that differ."""
    rows = case.connection.cursor().execute("SELECT uri, sha256, size FROM evidence ORDER BY uri, sha256").fetchall()
    listed = {(uri, sha256): size for uri, sha256, size in rows}
    uris = {uri for uri, _ in listed}
    recorded: dict[tuple[str, str], tuple[int, int]] = {}
    for entry in custody.entries(case.path):
        for item in entry.get("objects", ()):
            recorded[item.get("uri"), item.get("sha256")] = (item.get("size"), entry["seq"])
    problems = []
    for (uri, sha256), size in listed.items():
        known = recorded.get((uri, sha256))
        if known is None:
            problems.append(Problem(uri, "unrecorded", f"no custody entry records it with SHA-256 {sha256}"))
        elif known[0] != size:
            detail = f"the case says {size} bytes, custody entry {known[1]} says {known[0]}"
            problems.append(Problem(uri, "size", detail))
    for (uri, sha256), (_, seq) in recorded.items():
        if (uri, sha256) not in listed and (sha256 or uri not in uris):
            detail = f"custody entry {seq} records it, SHA-256 {sha256}; the case does not list it: add it again"
            problems.append(Problem(uri, "unlisted", detail))
    return problems


def _check_strays(case: Case, stored: set[str]) -> list[Problem]:
    paths = (path for path in sorted((case.path / STORE).rglob("*")) if not path.is_dir())
    names = (path.relative_to(case.path).as_posix() for path in paths)
    detail = "no object of the case has these bytes: an interrupted add, to be run again, or a foreign file"
    return [Problem(name, "stray", detail) for name in names if name not in stored]
