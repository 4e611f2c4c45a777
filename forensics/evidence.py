"""Evidence as acquired: taken in byte for byte, hashed, listed, and verified again at any time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import duckdb

from forensics import custody, naming, recovery
from forensics.acquire import Found, folder
from forensics.acquire.archive import explain
from forensics.errors import EvidenceError, UnknownName, UsageError
from forensics.source import LogStream
from forensics.store import INCOMING, STORE, Progress, Store, Taken, take_all
from forensics.transaction import transaction

if TYPE_CHECKING:
    from forensics.case import Case

BATCH = 10_000
"""Objects that become visible together: one transaction and one custody entry."""
BATCH_SECONDS = 10.0
"""After that time a smaller batch does: what comes slowly is not to be lost with a process that is killed."""


@dataclass(frozen=True)
class Added:
    """What an `add` saw: seen = added + duplicate + known + rejected; `known` were in the case already."""

    seen: int = 0
    added: int = 0
    duplicate: int = 0
    known: int = 0
    rejected: int = 0
    bytes: int = 0

    def __add__(self, other: Added) -> Added:
        """Both counts together."""
        return Added(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))

    def __str__(self) -> str:
        """One line."""
        came = f"{self.added} added, {self.duplicate} duplicate, {self.known} already in the case, {self.rejected} rejected"
        return f"{self.seen} objects seen ({self.bytes} bytes): {came}"


def add(
    case: Case,
    target: str | Path,
    *,
    in_place: bool = False,
    stream: LogStream | None = None,
    progress: Progress | None = None,
) -> Added:
    """Take in a file, a folder or a zip or tar archive, of archives the members; or all at s3://BUCKET/PREFIX.

    With `in_place` files are referenced, not copied (members of archives are copied all the same).
    What cannot be read is listed as rejected. Running it again takes in only what is new.
    `stream` is that of events which name none, also in objects that are in the case already.
    Raises UsageError (nothing there, case open read-only), EvidenceError (the case cannot be written).
    """
    if str(target).startswith("s3://"):
        return _from_s3(case, str(target), progress)
    _refuse(case, Path(target))
    found = folder.walk(target, scratch=case.path / STORE / INCOMING, without=case.path)
    added = take(case, found, command=f"add {target}{naming.words(stream)}", in_place=in_place, progress=progress)
    if stream:
        naming.name(case, folder.uri_of(str(target)), stream)
    return added


def take(
    case: Case,
    found: Iterable[Found],
    *,
    command: str,
    in_place: bool = False,
    progress: Progress | None = None,
) -> Added:
    """Take in whatever an acquisition module finds; see `add`. `command` goes into the custody record."""
    if case.read_only:
        raise UsageError(f"the case {case.path} is open read-only: open it with read_only=False to add evidence")
    total = Added()
    try:
        with Store.at(case, in_place=in_place) as store:
            for batch in _batches(take_all(store, found, progress)):
                total += _commit(store, batch, command)
    except (OSError, duckdb.Error) as error:
        raise EvidenceError(f"cannot write to the case {case.path}: {_cause(error)}; run it again") from error
    return total


def _cause(error: BaseException) -> str:
    return (recovery.words(error) if isinstance(error, duckdb.Error) else None) or explain(error)


def path_of(case: Case, stored_at: str) -> Path:
    """Where the bytes are: `evidence.stored_at`, relative to the case when copied."""
    return case.path / stored_at


def open_object(case: Case, object_id: str) -> BinaryIO:
    """The original bytes of an object. Raises UnknownName, EvidenceError (rejected unread, or gone)."""
    row = (
        case.connection.cursor()
        .execute("SELECT uri, stored_at, reason FROM evidence WHERE object_id = ?", [object_id])
        .fetchone()
    )
    if row is None:
        raise UnknownName("object", object_id)
    uri, stored_at, reason = row
    if stored_at is None:
        raise EvidenceError(f"{uri} has no bytes in this case: {reason}")
    path = path_of(case, stored_at)
    try:
        return path.open("rb")
    except OSError as error:
        raise EvidenceError(f"{uri}: its bytes at {path} cannot be read: {explain(error)}") from None


def _from_s3(case: Case, target: str, progress: Progress | None) -> Added:
    from forensics.acquire import s3
    from forensics.aws import Aws

    asked = s3.Asked(*s3.place(target))
    return s3.acquire(case, Aws(), asked, manner=s3.Manner(progress=progress)).added


def _refuse(case: Case, target: Path) -> None:
    own, given = case.path.resolve(), target.resolve()
    if given == own or own in given.parents:
        raise UsageError(f"{target} is part of the case {case.path}: it cannot be its own evidence")


FURTHER_ID = "substr(sha256({sha256} || chr(0) || {uri}), 1, 16)"
"""object_id of a byte-identical further object; of an object without bytes too."""

NEWCOMER = """
CREATE OR REPLACE TEMP TABLE newcomer AS
SELECT a.uri, a.sha256, a.size, a.etag, a.version_id, a.last_modified, a.stored_at, a.reason, a.rejected,
  a.storage_class, a.metadata,
  f.uri AS first_uri,
  row_number() OVER (PARTITION BY a.sha256 ORDER BY a.uri) AS place
FROM (
  SELECT uri, sha256, size, etag, version_id, last_modified, stored_at, reason, rejected,
    storage_class, metadata,
    row_number() OVER (PARTITION BY uri, sha256 ORDER BY reason NULLS LAST, last_modified) AS copy
  FROM arrived
) AS a
LEFT JOIN evidence AS f ON a.sha256 <> '' AND f.object_id = substr(a.sha256, 1, 16)
WHERE a.copy = 1
  AND NOT EXISTS (SELECT 1 FROM evidence AS e WHERE e.uri = a.uri AND e.sha256 = a.sha256)
"""
"""Objects not listed yet; `first_uri` is the listed object with the same bytes that is not the duplicate."""

READ_AT_LAST = """
DELETE FROM evidence
WHERE sha256 = '' AND uri IN (SELECT n.uri FROM newcomer AS n WHERE n.sha256 <> '')
"""

REASON_NOW = """
UPDATE evidence
SET reason = a.reason
FROM arrived AS a
WHERE a.uri = evidence.uri AND a.sha256 = '' AND evidence.sha256 = '' AND a.reason IS DISTINCT FROM evidence.reason
"""
"""What could not be had before, and cannot now, perhaps for another reason."""

DISPLACED = f"""
INSERT INTO evidence
SELECT {FURTHER_ID.format(sha256="e.sha256", uri="e.uri")} AS object_id, e.uri, e.sha256, e.size, e.etag,
  e.version_id, e.last_modified, e.acquired_at, NULL AS source, NULL AS account_id, NULL AS region,
  'duplicate' AS status, NULL AS records, NULL AS rejected, NULL AS reason, e.stored_at, e.storage_class, e.metadata
FROM newcomer AS n
JOIN evidence AS e ON e.object_id = substr(n.sha256, 1, 16)
WHERE n.place = 1 AND n.uri < n.first_uri
"""

DISPLACE = """
UPDATE evidence
SET uri = n.uri, etag = n.etag, version_id = n.version_id, last_modified = n.last_modified,
  acquired_at = $acquired_at, stored_at = n.stored_at, storage_class = n.storage_class, metadata = n.metadata
FROM newcomer AS n
WHERE evidence.object_id = substr(n.sha256, 1, 16) AND n.place = 1 AND n.uri < n.first_uri
"""

INSERT = f"""
INSERT INTO evidence
SELECT
  CASE WHEN sha256 <> '' AND place = 1 AND first_uri IS NULL THEN substr(sha256, 1, 16)
    ELSE {FURTHER_ID.format(sha256="sha256", uri="uri")} END AS object_id,
  uri, sha256, size, etag, version_id, last_modified, $acquired_at AS acquired_at,
  NULL AS source, NULL AS account_id, NULL AS region,
  CASE WHEN sha256 <> '' AND (place > 1 OR first_uri IS NOT NULL) THEN 'duplicate'
    WHEN rejected THEN 'rejected'
    ELSE 'pending' END AS status,
  NULL AS records, NULL AS rejected, reason, stored_at, storage_class, metadata
FROM newcomer
WHERE first_uri IS NULL OR place > 1 OR uri >= first_uri
"""

COUNTS = """
SELECT
  count(*) FILTER (WHERE sha256 <> '' AND (place > 1 OR first_uri IS NOT NULL)) AS duplicate,
  count(*) FILTER (WHERE rejected AND (sha256 = '' OR (place = 1 AND first_uri IS NULL))) AS rejected,
  count(*) AS all_new
FROM newcomer
"""

SEEN = """
SELECT e.object_id, e.sha256, e.uri, e.size
FROM evidence AS e
WHERE EXISTS (SELECT 1 FROM arrived AS a WHERE a.uri = e.uri AND a.sha256 = e.sha256)
ORDER BY e.uri, e.sha256
"""


def _batches(taken: Iterator[Taken]) -> Iterator[list[Taken]]:
    batch: list[Taken] = []
    began = time.monotonic()
    for item in taken:
        batch.append(item)
        if len(batch) >= BATCH or time.monotonic() - began > BATCH_SECONDS:
            yield batch
            batch, began = [], time.monotonic()
    if batch:
        yield batch


def _commit(store: Store, batch: list[Taken], command: str) -> Added:
    """One batch: bytes on disk, then the custody entry, then the rows; each may be repeated after a crash."""
    store.settle()
    con = store.case.connection
    objects = [item for item in batch if not item.container]
    with transaction(con):
        _arrive(con, objects)
        duplicate, rejected, new = _insert(store.case)
        seen = con.execute(SEEN).fetchall()
        archives = [{"uri": item.uri, "sha256": item.sha256, "size": item.size} for item in batch if item.container]
        con.execute("DROP TABLE temp.arrived")
        listed = [dict(zip(("object_id", "sha256", "uri", "size"), row, strict=True)) for row in seen]
        detail = {"archives": archives, "in_place": store.in_place}
        custody.append(store.case.path, command, objects=listed, detail=detail)
    return Added(
        seen=len(objects),
        added=new - duplicate - rejected,
        duplicate=duplicate,
        known=len(objects) - new,
        rejected=rejected,
        bytes=sum(item.size for item in objects),
    )


def _insert(case: Case) -> tuple[int, int, int]:
    con = case.connection
    now = {"acquired_at": custody.now().replace(tzinfo=None)}
    con.execute(NEWCOMER)
    con.execute(READ_AT_LAST)
    con.execute(REASON_NOW)
    con.execute(DISPLACED)
    con.execute(INSERT, now)
    con.execute(DISPLACE, now)
    duplicate, rejected, new = con.execute(COUNTS).fetchall()[0]
    return int(duplicate), int(rejected), int(new)


def _arrive(con: duckdb.DuckDBPyConnection, taken: list[Taken]) -> None:
    """Rows for `arrived`, bound as lists: by way of Arrow DuckDB would import pandas, 40 MB and a quarter of a second."""
    types = {"size": "BIGINT", "last_modified": "TIMESTAMP", "rejected": "BOOLEAN"}
    names = [item.name for item in fields(Taken) if item.name != "container"]
    columns = ", ".join(f"unnest(CAST(${name} AS {types.get(name, 'VARCHAR')}[])) AS {name}" for name in names)
    values = {name: [getattr(item, name) for item in taken] for name in names}
    con.execute(f"CREATE OR REPLACE TEMP TABLE arrived AS SELECT {columns}", values)
