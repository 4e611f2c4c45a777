"""What checking CloudTrail's digests showed, for a person to read: counts, hours, every problem, what is needed."""

from __future__ import annotations

import shlex
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from forensics.digest_chain import NO_KEY, NO_SIGNATURE, Verdict
from forensics.digest_logs import RULE
from forensics.output import Rows, visible

if TYPE_CHECKING:
    import pandas as pd

MATTERS = {
    "altered": "not what CloudTrail delivered there; nothing in it can be relied on",
    "missing_digests": "digests were deleted in a row; the AWS CLI would go on at the next and not notice",
    "missing_digest": "a digest was deleted; nothing vouches for the log files of its time",
    "missing_log_file": "CloudTrail delivered these log files and they are gone: what they recorded is lost",
    "gap": "CloudTrail wrote no digest for this time: what was delivered, if anything, is not proved",
    "not_covered": "log files that no digest vouches for",
}
"""Statuses that are problems, the worst first, and why each matters."""

ORDER = (*MATTERS, "unverified", "valid")
_SHOWN = 200
"""Problems of one kind that are printed one by one; `--format csv` has all."""
_COMMANDS = 5

_Period = tuple[datetime, datetime]


@dataclass(frozen=True)
class DigestReport:
    """Everything that was checked, as `digest_check` has it; `pending` objects of the case are not loaded yet."""

    rows: tuple[Verdict, ...] = ()
    pending: int = 0

    @property
    def problems(self) -> tuple[Verdict, ...]:
        """What is altered, missing, a gap, or covered by no digest."""
        return tuple(row for row in self.rows if row.status in MATTERS)

    @property
    def ok(self) -> bool:
        """Whether something was proved and there is no problem."""
        return not self.problems and any(row.status == "valid" for row in self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """Rows by status, the worst first."""
        found = Counter(row.status for row in self.rows)
        return {status: found[status] for status in ORDER if found[status]}

    def df(self) -> pd.DataFrame:
        """The rows with the columns of `digest_check`."""
        import pandas as pd

        return pd.DataFrame(self.rows, columns=[item.name for item in fields(Verdict)])

    def table(self) -> Rows:
        """The rows for any format of output."""
        return Rows.table(**{item.name: [getattr(row, item.name) for row in self.rows] for item in fields(Verdict)})

    def __str__(self) -> str:
        """The report in lines, in which nothing acts on a terminal."""
        if not self.rows:
            return "\n".join((*_NOTHING, *_pending(self)))
        parts = (_summary(self), _pending(self), _hours(self.rows), _problems(self.rows), _open(self.rows))
        return "\n".join(visible(line) for part in parts for line in part)


_NOTHING = (
    "No digest of CloudTrail is in evidence: nothing is proved about its log files.",
    "Digests lie in the trail's bucket under AWSLogs/ACCOUNT/CloudTrail-Digest/, if log file validation was on.",
)


def _summary(report: DigestReport) -> Iterator[str]:
    if report.ok:
        verdict = "everything that could be checked is as CloudTrail delivered it"
    elif report.problems:
        verdict = f"{len(report.problems):,} problems"
    else:
        verdict = "nothing could be proved"
    yield f"CloudTrail digests, checked from files alone: {verdict}"
    for status, count in report.counts.items():
        logs = sum(row.status == status and _is_log(row) for row in report.rows)
        both = f" ({count - logs:,} of digests, {logs:,} of log files)" if logs and logs != count else ""
        both = both or (" (log files)" if logs else " (digests)")
        yield f"  {status:<17} {count:>9,}{both}"


def _pending(report: DigestReport) -> Iterator[str]:
    if report.pending:
        yield f"  {report.pending:,} objects of the case are not loaded yet, keys may be among them: forensics load CASE"


def _is_log(row: Verdict) -> bool:
    return row.detail.startswith("log file") or row.uri is None


def _hours(rows: Sequence[Verdict]) -> Iterator[str]:
    found: dict[tuple[str, str], dict[_Period, str]] = defaultdict(dict)
    for row in rows:
        if row.period_start and row.period_end:
            held = found[row.account_id or "unknown account", row.region or "unknown Region"]
            period = (row.period_start, row.period_end)
            held[period] = min(held.get(period, "valid"), row.status, key=ORDER.index)
    for account, region in sorted(found):
        yield ""
        yield f"{account}, {region} (hours of delivery, UTC; of each the worst)"
        for start, end, status in _merged(found[account, region]):
            yield f"  {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}  {status}"


def _merged(periods: dict[_Period, str]) -> list[tuple[datetime, datetime, str]]:
    """Times that touch and have one status as one; where periods overlap the worst status holds."""
    edges = sorted({edge for period in periods for edge in period})
    worst: dict[datetime, str] = {}
    for (start, end), status in periods.items():
        for place in range(bisect_left(edges, start), bisect_left(edges, end)):
            worst[edges[place]] = min(worst.get(edges[place], "valid"), status, key=ORDER.index)
    found: list[tuple[datetime, datetime, str]] = []
    for place, edge in enumerate(edges[:-1]):
        if edge not in worst:
            continue
        if found and found[-1][1:] == (edge, worst[edge]):
            found[-1] = (found[-1][0], edges[place + 1], worst[edge])
        else:
            found.append((edge, edges[place + 1], worst[edge]))
    return found


def _problems(rows: Sequence[Verdict]) -> Iterator[str]:
    for status, why in MATTERS.items():
        those = [row for row in rows if row.status == status]
        if not those:
            continue
        yield ""
        yield f"{status}: {why}"
        for detail, alike in groupby(those[:_SHOWN], key=lambda row: row.detail):
            yield from (
                f"  {_when(row)}  {row.account_id or '-'} {row.region or '-'}  {row.uri or '-'}" for row in alike
            )
            yield f"    {detail}"
        if len(those) > _SHOWN:
            yield f"  and {len(those) - _SHOWN:,} more: forensics verify CASE --digests --format csv"


def _when(row: Verdict) -> str:
    if row.period_start is None or row.period_end is None:
        return "unknown time"
    same = row.period_start.date() == row.period_end.date()
    return f"{row.period_start:%Y-%m-%d %H:%M} to {row.period_end:{'%H:%M' if same else '%Y-%m-%d %H:%M'}}"


def _open(rows: Sequence[Verdict]) -> Iterator[str]:
    """What could not be checked, by reason, and what is needed to check it."""
    those = [row for row in rows if row.status == "unverified"]
    if any(row.status in ("missing_log_file", "unverified") and _is_log(row) for row in rows):
        yield ""
        yield RULE
    if not those:
        return
    yield ""
    yield "unverified: neither proved nor refuted"
    reasons = Counter(row.detail.partition(": s3://")[0] for row in those)
    for reason, count in reasons.most_common():
        yield f"  {count:>9,}  {reason}"
    yield from _needed(those)


def _needed(rows: Sequence[Verdict]) -> Iterator[str]:
    commands = [*_list_keys(rows), *_head_objects(rows)]
    if commands:
        yield ""
        yield "To check these: run what follows, add the files it writes to the case, and load."
        yield from (f"  {command}" for command in commands)


def _list_keys(rows: Iterable[Verdict]) -> Iterator[str]:
    times: dict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        if NO_KEY in row.detail and row.period_start and row.period_end and row.region:
            times[row.region] += [row.period_start, row.period_end]
    for region, found in sorted(times.items()):
        since, until = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (min(found), max(found)))
        asked = f"--region {shlex.quote(region)} --start-time {since} --end-time {until}"
        yield f"aws cloudtrail list-public-keys {asked} > {shlex.quote(f'keys-{region}.json')}"


def _head_objects(rows: Sequence[Verdict]) -> Iterator[str]:
    those = [row for row in rows if NO_SIGNATURE in row.detail and row.uri and row.uri.startswith("s3://")]
    for row in those[:_COMMANDS]:
        bucket, _, key = (row.uri or "").removeprefix("s3://").partition("/")
        name = shlex.quote(f"{key.rpartition('/')[2]}.head.json")
        yield f"aws s3api head-object --bucket {shlex.quote(bucket)} --key {shlex.quote(key)} > {name}"
    if those:
        rest = f"; {len(those) - _COMMANDS:,} more digests need theirs" if len(those) > _COMMANDS else ""
        yield f"# each of these files goes beside the digest of that name{rest}"
