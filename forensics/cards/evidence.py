"""The card of an object of evidence: where it came from, its hashes, who handled it, what loaded of it and what not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from forensics import custody
from forensics.analysis.words import count
from forensics.cards.card import NOT_LOADED, Answer, Card, Part, found
from forensics.case import Case, Query
from forensics.errors import AmbiguousName, UnknownName
from forensics.evidence import path_of
from forensics.sources import sources

HASHED = 256_000_000
"""Bytes of an object that is hashed when its card is shown; a larger one is left to `forensics verify`."""

SHORTEST = 4
"""Characters that the beginning of an id must have."""

_OBJECT = """
SELECT object_id, uri, sha256, size, etag, version_id, last_modified, acquired_at, source, account_id, region, status,
  records, rejected, reason, stored_at, storage_class
FROM evidence
WHERE object_id = $object_id
"""

_MATCHING = f"""
SELECT object_id, uri
FROM evidence
WHERE object_id = $name
  OR uri = $name
  OR sha256 = lower($name)
  OR (length($name) >= {SHORTEST} AND (starts_with(object_id, lower($name)) OR starts_with(sha256, lower($name))))
ORDER BY object_id <> $name, uri <> $name, object_id
LIMIT 21
"""

_NEAREST = """
SELECT object_id
FROM evidence
ORDER BY contains(uri, $name) DESC, jaro_winkler_similarity(object_id, $name) DESC, object_id
LIMIT 10
"""

_TIMES = """
SELECT min(time) AS first_seen, max(coalesce(end_time, time)) AS last_seen, count(*) AS events
FROM event
WHERE source = $source
  AND object_id = $object_id
"""

_REJECTED = """
SELECT record, reason, excerpt
FROM rejected_record
WHERE object_id = $object_id
ORDER BY record, reason
"""

_SAME = """
SELECT object_id, uri, status, acquired_at
FROM evidence
WHERE sha256 = $sha256
  AND object_id <> $object_id
ORDER BY uri
"""

_DIGESTS = """
SELECT status, trail, period_start, period_end, detail
FROM digest_check
WHERE object_id = $object_id
ORDER BY period_start, status
"""

_CUSTODY = """
SELECT unnest(CAST($seq AS BIGINT[])) AS seq, unnest(CAST($time AS VARCHAR[])) AS time,
  unnest(CAST($who AS VARCHAR[])) AS who, unnest(CAST($host AS VARCHAR[])) AS host,
  unnest(CAST($command AS VARCHAR[])) AS command, unnest(CAST($said AS VARCHAR[])) AS said
"""


@dataclass(frozen=True, repr=False)
class Evidence(Card):
    """An object as acquired: the row of `evidence`."""

    object_id: str
    uri: str
    sha256: str
    size: int
    etag: str | None
    version_id: str | None
    last_modified: datetime | None
    acquired_at: datetime
    source: str | None
    account_id: str | None
    region: str | None
    status: str
    records: int | None
    rejected: int | None
    reason: str | None
    stored_at: str | None
    storage_class: str | None

    kind_of_card: ClassVar[str] = "evidence"

    @property
    def call(self) -> str:
        """The Python text that makes it."""
        return f"case.evidence({self.object_id!r})"

    @property
    def heading(self) -> str:
        """Where it was acquired from."""
        return self.uri

    @property
    def times(self) -> Query:
        """The first and the last time of its records."""
        return self.case.sql(_TIMES, {"source": self.source, "object_id": self.object_id})

    @property
    def rejects(self) -> Query:
        """What did not load of it, and why."""
        return self.case.sql(_REJECTED, {"object_id": self.object_id})

    @property
    def same(self) -> Query:
        """Other objects of the same bytes."""
        return self.case.sql(_SAME, {"sha256": self.sha256, "object_id": self.object_id})

    @property
    def digests(self) -> Query:
        """What CloudTrail's digests prove of it."""
        return self.case.sql(_DIGESTS, {"object_id": self.object_id})

    @property
    def custody(self) -> Query:
        """The entries of the custody record that concern it, as they stand there now."""
        entries = [(entry, item) for entry in self._entries() for item in self._named(entry)]
        return self.case.sql(
            _CUSTODY,
            {
                "seq": [entry["seq"] for entry, _ in entries],
                **{
                    name: [str(entry.get(name, "")) for entry, _ in entries]
                    for name in ("time", "who", "host", "command")
                },
                "said": [json.dumps({name: item.get(name) for name in sorted(item)}) for _, item in entries],
            },
        )

    def _entries(self) -> Iterator[dict[str, Any]]:
        """The custody entries whose line has its SHA-256 or its uri."""
        file = self.case.path / custody.FILE
        marks = (self.sha256.encode(), json.dumps(self.uri).encode())
        if not file.is_file():
            return
        with file.open("rb") as lines:
            for line in lines:
                if any(mark in line for mark in marks):
                    yield from _entry(line)

    def _named(self, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What an entry says of these bytes, or of this uri where it says nothing of bytes."""
        items = [item for item in entry.get("objects", ()) if isinstance(item, dict)]
        return [
            item
            for item in items
            if item.get("sha256") == self.sha256 or (item.get("uri") == self.uri and not item.get("sha256"))
        ]

    @property
    def verified(self) -> tuple[str, str]:
        """A word and a sentence: whether the stored bytes are those acquired, hashed now."""
        if self.stored_at is None:
            return "not stored", self.reason or "No bytes of it are stored."
        path = path_of(self.case, self.stored_at)
        try:
            if path.stat().st_size > HASHED:
                return "not hashed", f"It has {self.size:,} bytes: `forensics verify` hashes it."
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            return "missing", f"The stored bytes cannot be read: {error.strerror}; run `forensics verify`."
        if digest == self.sha256:
            return "as acquired", "The stored bytes have the SHA-256 that was acquired: hashed now."
        return "altered", f"The stored bytes have SHA-256 {digest}, not the one acquired: run `forensics verify`."

    def answers(self) -> tuple[Answer, ...]:
        """Whether the bytes are as acquired, and what became of them."""
        word, said = self.verified
        lost = count(self.rejected or 0, "record")
        loaded = f"{count(self.records or 0, 'record')} loaded, {lost} rejected"
        because = f": {self.reason}" if self.reason else ""
        return Answer(said, word), Answer(f"{loaded}{because}.", self.status)

    def facts(self) -> Mapping[str, Any]:
        """Its row, its source, and the times of its records."""
        source = sources().get(self.source or "")
        first, last, _ = self.times.rows()[0] if source else (None, None, 0)
        return {
            "object": self.object_id,
            "SHA-256": self.sha256,
            "bytes": self.size,
            "acquired": self.acquired_at,
            "last modified": self.last_modified,
            "source": f"{source.name}: {source.title}" if source else self.source or "not recognised",
            "told by": source.about.recognised if source else None,
            "account": self.account_id,
            "Region": self.region,
            "first record": first,
            "last record": last,
            "ETag": self.etag,
            "version": self.version_id,
            "storage class": self.storage_class,
            "stored at": self.stored_at,
        }

    def parts(self) -> tuple[Part, ...]:
        """Custody, what did not load, digests, the same bytes elsewhere."""
        entry = {"seq": "entry", "time": "time", "who": "who", "host": "host", "command": "command", "said": "of it"}
        reject = {"record": "record", "reason": "reason", "excerpt": "excerpt"}
        digest = {"status": "status", "trail": "trail", "period_start": "from", "period_end": "to", "detail": "detail"}
        same = {"object_id": "object", "uri": "uri", "status": "status", "acquired_at": "acquired"}
        return (
            Part("Custody", self.custody, entry, none="No custody entry speaks of it: run `forensics verify`."),
            Part("Did not load", self.rejects, reject),
            Part("CloudTrail's digests say", self.digests, digest),
            Part("The same bytes, seen elsewhere", self.same, same),
        )

    def leads(self) -> tuple[str, ...]:
        """Its first record, its events."""
        if not self.records:
            return ()
        return (
            f"case.record({f'{self.object_id}#0'!r})",
            f"Timeline(case).where('object_id = ?', {self.object_id!r})",
        )


def _entry(line: bytes) -> Iterator[dict[str, Any]]:
    try:
        made = json.loads(line)
    except (ValueError, RecursionError):
        return
    if isinstance(made, dict) and isinstance(made.get("seq"), int) and isinstance(made.get("objects", []), list):
        yield made


def evidence(case: Case, name: str) -> Evidence:
    """The card of an object by id, SHA-256, the beginning of either, or uri. Raises UnknownName, AmbiguousName."""
    rows = case.sql(_MATCHING, {"name": name}).rows()
    exact = [row for row in rows if name in row]
    if not rows:
        near = [row[0] for row in case.sql(_NEAREST, {"name": name}).rows()]
        raise UnknownName("object", name, near, advice="" if near else NOT_LOADED)
    if len(rows) > 1 and len(exact) != 1:
        raise AmbiguousName("object", name, [row[0] for row in rows])
    query = case.sql(_OBJECT, {"object_id": (exact or rows)[0][0]})
    return Evidence(case, query, *found(query))
