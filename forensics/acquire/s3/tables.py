"""What a walk listed, as a table of this connection: compared with the evidence there is, counted, and read in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from forensics.acquire.s3.asked import Asked
from forensics.acquire.s3.fetch import ARCHIVED
from forensics.acquire.s3.listing import Listed
from forensics.acquire.s3.plan import Part

if TYPE_CHECKING:
    from forensics.case import Case

CHUNK = 2000
NOT_LISTED = "cannot be listed"
LISTED_NOW = "could not be listed at first; a later run listed it"
_COLUMNS = {
    "size": "BIGINT",
    "last_modified": "TIMESTAMP",
    "latest": "BOOLEAN",
    "deleted": "BOOLEAN",
    "restored": "BOOLEAN",
}
_NAMES = [item.name for item in fields(Listed)]
_BEGIN = f"""
CREATE OR REPLACE TEMP TABLE s3_listed ({", ".join(f"{name} {_COLUMNS.get(name, 'VARCHAR')}" for name in _NAMES)})
"""
_KEEP = f"""
INSERT INTO s3_listed
SELECT {", ".join(f"unnest(CAST(${name} AS {_COLUMNS.get(name, 'VARCHAR')}[])) AS {name}" for name in _NAMES)}
"""
_FINISH = f"""
CREATE OR REPLACE TEMP TABLE s3_wanted AS
SELECT row_number() OVER (ORDER BY u.key, u.last_modified DESC) AS place, {", ".join(f"u.{name}" for name in _NAMES)},
  NOT u.restored AND list_contains($archived, u.storage_class) AS archived,
  EXISTS (
    SELECT 1
    FROM evidence AS e
    WHERE e.uri = u.uri AND e.sha256 <> ''
      AND (e.version_id = u.version_id OR (e.etag = u.etag AND e.size = u.size))
  ) AS here
FROM (
  SELECT *,
    's3://' || $bucket || '/' || key
      || CASE WHEN latest THEN '' ELSE '?versionId=' || coalesce(version_id, 'null') END AS uri,
    row_number() OVER (PARTITION BY key, version_id ORDER BY last_modified DESC) AS copy
  FROM s3_listed
) AS u
WHERE u.copy = 1
"""
"""`here` is what the evidence has: the same version, or the same ETag and size under that uri."""
_PARTS = """
SELECT source, account_id, region, storage_class, count(*) AS objects, CAST(sum(size) AS BIGINT) AS bytes,
  count(*) FILTER (WHERE here) AS here,
  count(*) FILTER (WHERE archived AND NOT here) AS archived,
  count(*) FILTER (WHERE deleted) AS deleted,
  count(*) FILTER (WHERE NOT here AND NOT archived AND NOT deleted) AS fetched,
  CAST(coalesce(sum(size) FILTER (WHERE NOT here AND NOT archived AND NOT deleted), 0) AS BIGINT) AS fetched_bytes
FROM s3_wanted
GROUP BY source, account_id, region, storage_class
ORDER BY source, account_id, region, storage_class
"""
_MISSING = f"""
SELECT place, {", ".join(_NAMES)}
FROM s3_wanted
WHERE NOT here AND place > ?
ORDER BY place
LIMIT {CHUNK}
"""
_NOT_LISTED = f"""
SELECT uri
FROM evidence
WHERE sha256 = '' AND starts_with(uri, ?) AND starts_with(reason, '{NOT_LISTED}')
"""


def begin(case: Case) -> None:
    """An empty list."""
    case.connection.execute(_BEGIN)


def keeper(case: Case, count: Callable[[int], None] | None) -> Callable[[list[Listed]], None]:
    """What adds objects to the list; `count` is told how many there are."""
    total = 0

    def keep(listed: list[Listed]) -> None:
        nonlocal total
        if not listed:
            return
        total += len(listed)
        if count:
            count(total)
        case.connection.execute(_KEEP, {name: [getattr(item, name) for item in listed] for name in _NAMES})

    return keep


def finish(case: Case, asked: Asked) -> None:
    """Compare the list with the evidence."""
    case.connection.execute(_FINISH, {"bucket": asked.bucket, "archived": sorted(ARCHIVED)})
    case.connection.execute("DROP TABLE temp.s3_listed")


def parts(case: Case) -> tuple[Part, ...]:
    """The list, counted."""
    return tuple(Part(*row) for row in case.connection.execute(_PARTS).fetchall())


def missing(case: Case) -> Iterator[Listed]:
    """What the evidence does not have, in order of key."""
    place = 0
    while rows := case.connection.execute(_MISSING, [place]).fetchall():
        place = rows[-1][0]
        for row in rows:
            yield Listed(*row[1:])


def not_listed(case: Case, asked: Asked) -> frozenset[str]:
    """The uris of prefixes of the bucket that an earlier run could not list."""
    return frozenset(row[0] for row in case.connection.execute(_NOT_LISTED, [f"s3://{asked.bucket}/"]).fetchall())


def note_answered(case: Case, uris: set[str]) -> None:
    """Say of prefixes that an earlier run could not list that they are listed now; their rows stay, as the record does."""
    for uri in sorted(uris):
        case.connection.execute("UPDATE evidence SET reason = ? WHERE sha256 = '' AND uri = ?", [LISTED_NOW, uri])
