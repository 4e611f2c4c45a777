"""The files that digests are about, as evidence has them: digests read, their signatures, keys, and hashes of contents.

A digest's signature is user metadata of its S3 object. Evidence that came from S3 itself has it (`evidence.metadata`);
of a digest that was copied as a file it is read from beside it: the output of `aws s3api head-object --bucket BUCKET
--key KEY`, saved under the digest's file name with `.head.json` after it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from forensics.digest import Digest, read_digest, utc_time
from forensics.digest_signature import Asked, Keys
from forensics.jsons import parsed
from forensics.readers.stream import content

UNREADABLE = "its bytes cannot be read in this case; `forensics verify CASE` says more"

LARGEST = 64 << 20
"""Bytes of a digest, decompressed; one lists a few hundred log files at most."""

_NAMED = r"'[0-9]{12}_CloudTrail-Digest_[a-z0-9-]+_.+_[0-9]{8}T[0-9]{6}Z(_backfill)?[.]json([.]gz)?([?]versionId=.*)?$'"

IN_EVIDENCE = f"""
SELECT 1
FROM evidence
WHERE stored_at IS NOT NULL AND (source = 'cloudtrail_digest' OR regexp_matches(uri, {_NAMED}))
LIMIT 1
"""
_DIGESTS = f"""
SELECT v.object_id, v.uri, v.stored_at, CAST(v.metadata AS VARCHAR) AS metadata, h.head, regexp_matches(v.uri, {_NAMED}) AS named
FROM evidence AS v
LEFT JOIN (
  SELECT regexp_replace(e.uri, '([.]gz)?[.]head[.]json$', '') AS uri, min(CAST(s.metadata AS VARCHAR)) AS head
  FROM s3_object_head AS s
  JOIN evidence AS e ON e.object_id = s.object_id OR (e.status = 'duplicate' AND e.sha256 IN (
    SELECT f.sha256 FROM evidence AS f WHERE f.object_id = s.object_id))
  WHERE ends_with(e.uri, '.head.json')
  GROUP BY regexp_replace(e.uri, '([.]gz)?[.]head[.]json$', '')
) AS h ON h.uri = regexp_replace(v.uri, '[.]gz$', '')
WHERE v.stored_at IS NOT NULL AND (v.source = 'cloudtrail_digest' OR regexp_matches(v.uri, {_NAMED}))
ORDER BY v.uri, v.object_id
"""
_KEYS = """
SELECT DISTINCT fingerprint, value
FROM cloudtrail_public_key
WHERE fingerprint IS NOT NULL AND value IS NOT NULL
ORDER BY fingerprint, value
"""
_ASKED = """
SELECT stored_at
FROM evidence
WHERE source = 'cloudtrail_public_key' AND stored_at IS NOT NULL
ORDER BY object_id
"""


def digests(con: duckdb.DuckDBPyConnection, root: Path) -> list[Digest]:
    """Every digest in evidence; a damaged one says so in `problem`. A list of digests that somebody made is none."""
    rows = con.execute(_DIGESTS).fetchall()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        read = list(pool.map(lambda row: _digest(root, row), rows))
    found = [one for one, row in zip(read, rows, strict=True) if row[5] or not one.problem]
    signatures = {(one.place, one.sha256): one.signature for one in found if one.signature}
    return [replace(one, signature=one.signature or signatures.get((one.place, one.sha256), "")) for one in found]


def _digest(root: Path, row: tuple[str, str, str, str | None, str | None, bool]) -> Digest:
    object_id, uri, stored_at, metadata, head, _ = row
    told: dict[str, Any] = {}
    for text in (head, metadata):
        held = parsed(text) if text else None
        told |= {str(name).lower(): value for name, value in held.items()} if isinstance(held, dict) else {}
    try:
        data, problem = _whole(root / stored_at)
    except OSError as error:
        data, problem = b"", f"{UNREADABLE}: {error.strerror}"
    found = read_digest(data, uri=uri, object_id=object_id, metadata=told)
    unread = problem.startswith(UNREADABLE)
    return replace(found, problem=problem, unread=unread) if problem else found


def _whole(path: Path) -> tuple[bytes, str]:
    problems: list[str] = []
    held = bytearray()
    for chunk in content(path, problems.append):
        held += chunk
        if len(held) > LARGEST:
            return b"", f"it unpacks to more than {LARGEST} bytes, which no digest has"
    return bytes(held), "; ".join(problems)


def keys(con: duckdb.DuckDBPyConnection, root: Path) -> Keys:
    """The public keys in evidence, and the questions they answer, where evidence has those too."""
    rows = [(str(name), str(value)) for name, value in con.execute(_KEYS).fetchall()]
    return Keys.of(rows, _asked(root / row[0] for row in con.execute(_ASKED).fetchall()))


def _asked(paths: Iterable[Path]) -> Iterator[Asked]:
    """What was asked: pages of `forensics collect` say it, the output of the AWS CLI does not."""
    for path in paths:
        try:
            held = parsed(_whole(path)[0].decode("utf-8", "replace"))
        except OSError:
            continue
        call = held.get("call") if isinstance(held, dict) else None
        parameters = call.get("parameters") if isinstance(call, dict) else None
        if not isinstance(call, dict) or not isinstance(parameters, dict) or not isinstance(held.get("response"), dict):
            continue
        since, until = (utc_time(parameters.get(name)) for name in ("StartTime", "EndTime"))
        if since and until and isinstance(call.get("region"), str):
            yield Asked(call["region"], since, until)


def hashes(root: Path, stored: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str | None]]:
    """(object_id, SHA-256 of the decompressed bytes) of objects with their `stored_at`.

    It is None of what is damaged, and "" of what cannot be read in the case.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda item: (item[0], _hash(root / item[1])), stored)


def _hash(path: Path) -> str | None:
    problems: list[str] = []
    found = hashlib.sha256()
    try:
        for chunk in content(path, problems.append):
            found.update(chunk)
    except OSError:
        return ""
    return None if problems else found.hexdigest()
