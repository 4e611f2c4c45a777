"""Times without a digest, in words: what is missing, whether it was to be in evidence, what explains a chain's new start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from forensics.digest import utc_time
from forensics.digest_chain import HOUR, UNVERIFIED, Judged, Stretch, Verdict
from forensics.jsons import parsed

DAY = timedelta(days=1)
"""A longer time without digests and without log files may be days that nobody acquired."""

_LATE = 3 * HOUR
"""How much earlier than it was listed a chain may end: the digest of an hour comes after it."""

DELETED = "deleted"
"""How the reason begins of an object that is listed without bytes because a delete marker stands in its place."""

_LOG_FILES = """
SELECT count(*)
FROM log_object
WHERE account_id IS NOT DISTINCT FROM $account_id AND region IS NOT DISTINCT FROM $region AND $start <= stamp AND stamp < $end
"""
_EXPLAINING = """
SELECT event_name, coalesce(user_identity_arn, user_identity_invoked_by, user_identity_type) AS who, event_time, event_id
FROM cloudtrail
WHERE event_source = 'cloudtrail.amazonaws.com'
  AND event_name IN ('StopLogging', 'StartLogging', 'UpdateTrail', 'DeleteTrail', 'CreateTrail')
  AND error_code IS NULL
  AND $start <= event_time AND event_time <= $end
  AND ($trail IS NULL OR json_extract_string(request_parameters, '$.name') = $trail
    OR ends_with(json_extract_string(request_parameters, '$.name'), '/' || $trail))
ORDER BY event_time, event_id
LIMIT 6
"""
_LACKING = """
SELECT coalesce(reason, 'unknown') AS reason
FROM evidence
WHERE stored_at IS NULL AND regexp_replace(uri, '[?]versionId=.*$', '') = $uri
ORDER BY starts_with(reason, 'deleted') DESC, reason
LIMIT 1
"""
_ACQUIRED = """
SELECT CAST(parameters AS VARCHAR) AS parameters, started_at
FROM acquisition
WHERE kind = 's3' AND outcome = 'complete'
ORDER BY acquisition_id
"""


@dataclass(frozen=True)
class Window:
    """A place in S3 that an acquisition listed completely, `asked` at that time; None and empty are without a bound."""

    asked: datetime
    bucket: str
    prefix: str = ""
    since: datetime | None = None
    until: datetime | None = None
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def holds(self, found: Stretch) -> bool:
        """Whether the digest that is missing would have been listed."""
        one = found.later.digest
        inside = (found.named or one.named).removeprefix("s3://").startswith(f"{self.bucket}/{self.prefix}")
        whole = (self.since or found.start) <= found.start and found.end <= (self.until or found.end)
        asked = (self.accounts, one.account_id), (self.regions, one.region), (self.sources, "cloudtrail_digest")
        return inside and whole and all(not wanted or it in wanted for wanted, it in asked)

    @property
    def of_logs(self) -> list[tuple[str, str, str | None, str | None, datetime | None, datetime | None]]:
        """Rows of `listed_whole`: bucket, prefix, account, Region, since, until, if log files were asked for."""
        if self.sources and "cloudtrail" not in self.sources:
            return []
        places = ((account, region) for account in self.accounts or (None,) for region in self.regions or (None,))
        return [(self.bucket, self.prefix, account, region, self.since, self.until) for account, region in places]


def windows(con: duckdb.DuckDBPyConnection) -> list[Window]:
    """The places in S3 that acquisitions listed completely."""
    held = [(parsed(row[0]), row[1]) for row in con.execute(_ACQUIRED).fetchall() if row[0]]
    return [_window(item, at) for item, at in held if isinstance(item, dict) and isinstance(item.get("bucket"), str)]


def _window(held: dict[str, Any], asked: datetime) -> Window:
    names = [held.get(name) for name in ("accounts", "regions", "sources")]
    lists = [tuple(map(str, found)) if isinstance(found, list) else () for found in names]
    return Window(
        asked,
        held["bucket"],
        str(held.get("prefix") or ""),
        utc_time(held.get("start")),
        utc_time(held.get("end")),
        *lists,
    )


def ends(runs: Sequence[Sequence[Judged]], listed: Sequence[Window]) -> Iterator[Stretch]:
    """Chains that end hours before their place was listed completely."""
    for run in runs:
        last = run[-1]
        if last.digest.end is None or last.digest.backfill:
            continue
        for window in listed:
            until = min(window.until or window.asked, window.asked)
            found = Stretch("after", last, last.digest.end, until.replace(minute=0, second=0, microsecond=0))
            if found.end - found.start >= _LATE and window.holds(found):
                yield found
                break


def verdict(con: duckdb.DuckDBPyConnection, found: Stretch, listed: list[Window]) -> Verdict:
    """What a time without a digest is called, and why; reads `log_object`."""
    one = found.later.digest
    status, detail = _said(con, found, listed)
    kind = "backfill digest: " if one.backfill else ""
    about = (one.account_id, one.region, one.trail, found.start, found.end)
    return Verdict(*about, status, found.named or one.named, None, kind + detail)


def _said(con: duckdb.DuckDBPyConnection, found: Stretch, listed: list[Window]) -> tuple[str, str]:
    if found.kind == "gap":
        return "gap", "the digests before and after follow each other, and leave out the time between"
    if found.kind == "restart":
        return "gap", f"a chain begins anew after it: logging or validation was off. {_explained(con, found)}"
    if found.kind == "after":
        return "gap", (
            f"the chain ends with this digest, though its place was listed until {found.end} UTC: logging or validation"
            f" was switched off, or the newest digests were deleted. {_explained(con, found)}"
        )
    lacking = [row[0] for row in con.execute(_LACKING, {"uri": found.named}).fetchall()]
    if lacking and not lacking[0].startswith(DELETED):
        return UNVERIFIED, f"the digest is listed in the case without its bytes: {lacking[0]}"
    whole = bool(lacking) or any(window.holds(found) for window in listed)
    if found.kind == "before" and not whole:
        return UNVERIFIED, "the chain goes on before the first digest in evidence: what lies before is not proved"
    logs = _log_files(con, found)
    if not whole and not logs and found.end - found.start > DAY:
        return (
            UNVERIFIED,
            f"{found.digests} digests are not in evidence, nor log files of that time: perhaps not acquired",
        )
    there = f"; {lacking[0]}" if lacking else ""
    there += f"; {logs} log files of that time are in evidence, and nothing vouches for them" if logs else ""
    if found.digests == 1:
        return "missing_digest", f"the next digest names it, and it is not in evidence{there}"
    return "missing_digests", (
        f"{found.digests} digests in a row are not in evidence: digests come hourly, and the next names the last of them;"
        f" `aws cloudtrail validate-logs` names that one at most{there}"
    )


def _log_files(con: duckdb.DuckDBPyConnection, found: Stretch) -> int:
    one = found.later.digest
    about = {"account_id": one.account_id, "region": one.region, "start": found.start, "end": found.end}
    return int(con.execute(_LOG_FILES, about).fetchall()[0][0])


def _explained(con: duckdb.DuckDBPyConnection, found: Stretch) -> str:
    """The calls that turned logging or validation off and on, as CloudTrail has them."""
    until = found.start if found.kind == "after" else found.end
    about = {"start": found.start - HOUR, "end": until + HOUR, "trail": found.later.digest.trail}
    calls = [
        f"{name} by {who} at {at} UTC ({event_id})"
        for name, who, at, event_id in con.execute(_EXPLAINING, about).fetchall()
    ]
    return f"In evidence: {'; '.join(calls)}" if calls else "No call in evidence explains it"
