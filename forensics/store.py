"""The files of a case's evidence: content-addressed, written once, read-only."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from forensics import custody
from forensics.acquire import READ_ERRORS, Found, read_some
from forensics.acquire.archive import explain

if TYPE_CHECKING:
    from forensics.case import Case

STORE = "evidence"
INCOMING = ".incoming"
"""Folder in the store for bytes on their way in; emptied before and after."""
WHOLE = 8 << 20
"""Objects up to this size are hashed before they are written, so that known ones cost no write."""
CHUNK = 1 << 20
FLUSHERS = 8

Progress = Callable[[int, int], None]
"""Called with the objects and bytes so far."""


@dataclass(frozen=True)
class Taken:
    """One object taken in: a row of `arrived`."""

    uri: str
    sha256: str
    size: int
    etag: str | None
    version_id: str | None
    last_modified: datetime | None
    stored_at: str | None
    reason: str | None
    rejected: bool
    container: bool = False
    storage_class: str | None = None
    metadata: str | None = None


@dataclass(frozen=True)
class Store:
    """The case's content-addressed files; `listed` are the SHA-256s that committed rows vouch for."""

    case: Case
    in_place: bool
    listed: set[str]
    fresh: list[Path]

    @classmethod
    def at(cls, case: Case, *, in_place: bool) -> Store:
        """The store of a case; use it in a `with` block."""
        known = "SELECT DISTINCT sha256 FROM evidence WHERE stored_at LIKE 'evidence/%'"
        return cls(case, in_place, {row[0] for row in case.connection.execute(known).fetchall()}, [])

    @property
    def incoming(self) -> Path:
        """Where bytes on their way in are written; on the same disk as their place."""
        return self.case.path / STORE / INCOMING

    def __enter__(self) -> Self:
        """Clear away what an interrupted run left."""
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.incoming.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing half-written."""
        shutil.rmtree(self.incoming, ignore_errors=True)

    def place(self, sha256: str, temporary: Path) -> str:
        """Move a file into its place and return its `stored_at`."""
        stored_at = f"{STORE}/{sha256[:2]}/{sha256}"
        final = self.case.path / stored_at
        final.parent.mkdir(exist_ok=True)
        temporary.chmod(0o444)
        temporary.replace(final)
        self.fresh.append(final)
        self.listed.add(sha256)
        return stored_at

    def holds(self, sha256: str) -> bool:
        """Whether the bytes are in place and were put there by a run that finished, or by this one."""
        return sha256 in self.listed and (self.case.path / STORE / sha256[:2] / sha256).is_file()

    def settle(self) -> None:
        """Flush what is new to disk, before any row speaks of it."""
        with ThreadPoolExecutor(FLUSHERS) as pool:
            list(pool.map(_flush, self.fresh))
        for directory in {path.parent for path in self.fresh}:
            custody.sync_directory(directory)
        if self.fresh:
            custody.sync_directory(self.case.path / STORE)
        self.fresh.clear()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def take_all(store: Store, found: Iterable[Found], progress: Progress | None) -> Iterator[Taken]:
    """Hash and keep each object in turn; containers come through too."""
    objects = size = 0
    for item in found:
        taken = _take(store, item)
        yield taken
        if not taken.container:
            objects, size = objects + 1, size + taken.size
            if progress:
                progress(objects, size)


def _take(store: Store, found: Found) -> Taken:
    if found.size and found.size > WHOLE and found.size > shutil.disk_usage(store.incoming).free:
        return _row(found, problem=f"unpacks to {found.size} bytes, more than the disk has free")
    if found.stream is None:
        return _row(found, problem=found.problem)
    if found.container or (store.in_place and found.path and os.path.abspath(found.path) == found.uri):
        return _reference(found, found.stream)
    return _copy(store, found, found.stream)


def _row(found: Found, *, sha256: str = "", size: int = 0, stored_at: str | None = None, problem: str = "") -> Taken:
    """What is damaged or has no bytes is rejected; bytes read in part are evidence all the same."""
    return Taken(
        uri=found.uri,
        sha256=sha256,
        size=size,
        etag=found.etag,
        version_id=found.version_id,
        last_modified=found.last_modified,
        stored_at=stored_at,
        reason=problem or found.problem or None,
        rejected=not sha256 or bool(found.problem),
        container=found.container,
        storage_class=found.storage_class,
        metadata=json.dumps(found.metadata, sort_keys=True) if found.metadata else None,
    )


@dataclass
class _Reader:
    """Chunks of a stream, hashed and counted; `problem` says why it ended early."""

    stream: BinaryIO
    size: int = 0
    problem: str = ""

    def __post_init__(self) -> None:
        self.hash = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                chunk = read_some(self.stream, CHUNK)
            except READ_ERRORS as error:
                self.problem = f"cut off after {self.size} bytes: {explain(error)}"
                return
            if not chunk:
                return
            self.hash.update(chunk)
            self.size += len(chunk)
            yield chunk


def _reference(found: Found, stream: BinaryIO) -> Taken:
    reader = _Reader(stream)
    for _ in reader:
        pass
    if reader.problem:
        return _row(found, problem=reader.problem)
    return _row(found, sha256=reader.hash.hexdigest(), size=reader.size, stored_at=os.path.abspath(found.path or ""))


def _copy(store: Store, found: Found, stream: BinaryIO) -> Taken:
    reader = _Reader(stream)
    chunks = iter(reader)
    held: list[bytes] = []
    for chunk in chunks:
        held.append(chunk)
        if reader.size >= WHOLE:
            break
    temporary = store.incoming / "object"
    if reader.size >= WHOLE or not store.holds(reader.hash.hexdigest()):
        with temporary.open("wb") as out:
            out.writelines(held)
            out.writelines(chunks)
    sha256 = reader.hash.hexdigest()
    if reader.problem and not reader.size:
        return _row(found, problem=reader.problem)
    stored_at = f"{STORE}/{sha256[:2]}/{sha256}" if store.holds(sha256) else store.place(sha256, temporary)
    return _row(found, sha256=sha256, size=reader.size, stored_at=stored_at, problem=reader.problem)
