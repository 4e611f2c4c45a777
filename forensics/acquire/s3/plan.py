"""What an acquisition from S3 would fetch, and what that would cost, before anything is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from forensics.acquire.s3.asked import LATE_UNKNOWN, Asked
from forensics.sources import sources

USD_PER_LIST = 0.005 / 1000
USD_PER_GET: Mapping[str, float] = {
    "STANDARD_IA": 0.001 / 1000,
    "ONEZONE_IA": 0.001 / 1000,
    "GLACIER_IR": 0.01 / 1000,
}
"""By storage class."""
USD_PER_GET_ELSE = 0.0004 / 1000
USD_PER_GB_READ: Mapping[str, float] = {"STANDARD_IA": 0.01, "ONEZONE_IA": 0.01, "GLACIER_IR": 0.03}
"""What reading costs, by storage class; the others cost nothing."""
USD_PER_GB_OUT = 0.09
OBJECTS_A_SECOND = 300
MB_A_SECOND = 25
ROWS = 40
"""Lines of the table that are printed."""
GB = 1 << 30
ASSUMED = (
    "assumed    USD per 1,000 requests: LIST 0.005, GET 0.0004 (IA 0.001, GLACIER_IR 0.01); per GB: to the internet 0.09,",
    "           retrieval from IA 0.01, GLACIER_IR 0.03; KMS keys cost 0.03 per 10,000 objects more;",
    f"           {OBJECTS_A_SECOND} objects/s or {MB_A_SECOND} MB/s, whichever takes longer",
)
_NOTES = {
    "by when written": "no layout is known of these: all listed, taken by when they were last written:",
    "not told by key": "no layout is known of these, so that no source can be told; left out by --sources:",
    "written after": f"last written more than {LATE_UNKNOWN.days * 24} h after the window, left out:",
}


@dataclass(frozen=True)
class Part:
    """Objects of one source, account, Region and storage class, as the keys tell them; "" where they do not.

    `here` are in the case already, `archived` must be restored first, `deleted` are delete markers; sizes in bytes.
    """

    source: str
    account_id: str
    region: str
    storage_class: str
    objects: int
    bytes: int
    here: int
    archived: int
    deleted: int
    fetched: int
    fetched_bytes: int


@dataclass(frozen=True)
class Plan:
    """What there is, what of it would be fetched, and the requests; `notes` are (what, place, how often)."""

    asked: Asked
    parts: tuple[Part, ...]
    lists: int
    region: str = ""
    notes: tuple[tuple[str, str, int], ...] = ()
    problems: tuple[tuple[str, str], ...] = ()

    @property
    def objects(self) -> int:
        """Objects in the window, whatever their state."""
        return sum(part.objects for part in self.parts)

    @property
    def here(self) -> int:
        """Objects that the case has already."""
        return sum(part.here for part in self.parts)

    @property
    def fetched(self) -> int:
        """Objects to fetch."""
        return sum(part.fetched for part in self.parts)

    @property
    def bytes(self) -> int:
        """Bytes to fetch."""
        return sum(part.fetched_bytes for part in self.parts)

    @property
    def usd_requests(self) -> float:
        """Estimated cost of all requests, the listing included."""
        gets = sum(part.fetched * USD_PER_GET.get(part.storage_class, USD_PER_GET_ELSE) for part in self.parts)
        return self.lists * USD_PER_LIST + gets

    @property
    def usd_reading(self) -> float:
        """Estimated cost of reading from storage classes that charge for it."""
        return sum(part.fetched_bytes / GB * USD_PER_GB_READ.get(part.storage_class, 0.0) for part in self.parts)

    @property
    def usd_transfer(self) -> float:
        """Estimated cost of the transfer to the internet."""
        return self.bytes / GB * USD_PER_GB_OUT

    @property
    def seconds(self) -> float:
        """Estimated time of fetching."""
        return max(self.fetched / OBJECTS_A_SECOND, self.bytes / (MB_A_SECOND * 1e6))

    def __str__(self) -> str:
        """The plan as it is printed."""
        head = [f"plan: {self.asked.uri}, {_window(self.asked)}{_filters(self.asked)}", ""]
        lines = [*_table(self.parts), "", *self._money()] if self.parts else ["no objects there can hold that window"]
        return "\n".join([*head, *lines, *self._remarks()])

    def _money(self) -> Iterable[str]:
        archived = sum(part.archived for part in self.parts)
        yield f"to fetch   {self.fetched:,} objects, {size(self.bytes)}; {self.here:,} are in the case already"
        if archived:
            yield f"archived   {archived:,} objects, listed and not fetched: restore them first"
        yield f"requests   {_usd(self.usd_requests)}: {self.lists:,} LIST made, {self.fetched:,} GET to make"
        yield f"transfer   {_usd(self.usd_transfer)} to the internet; nothing within {self.region or 'the same Region'}"
        if self.usd_reading:
            yield f"retrieval  {_usd(self.usd_reading)}"
        payer = "the caller" if self.asked.requester_pays else "the bucket's owner, or the caller with --requester-pays"
        yield f"           paid by {payer}"
        yield f"time       about {_time(self.seconds)}"
        yield from ASSUMED

    def _remarks(self) -> Iterable[str]:
        for late in _late(self.parts) if self.asked.end else ():
            yield f"late       listed after the window too: {late}"
        for what in sorted({what for what, _, _ in self.notes}):
            places = {place: count for found, place, count in self.notes if found == what}
            counted = f"{sum(places.values()):,} objects in " if what in _NOTES else ""
            yield f"note       {_NOTES.get(what, f'left out by {what}:')} {counted}{_brief(places)}"
        for place, why in self.problems:
            yield f"problem    {place}: cannot be listed: {why}"


def _brief(places: Mapping[str, int], most: int = 5) -> str:
    """Some places, and how many more there are."""
    some = [place or "/" for place in sorted(places)[:most]]
    return ", ".join(some) + (f" and {len(places) - most:,} more" if len(places) > most else "")


def size(count: float) -> str:
    """Bytes in decimal units, as S3's prices have them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def _window(asked: Asked) -> str:
    def said(moment: datetime | None, otherwise: str) -> str:
        return f"{moment:%Y-%m-%dT%H:%M}Z" if moment else otherwise

    if not asked.start and not asked.end:
        return "all times (--from and --to limit them)"
    return f"from {said(asked.start, 'the beginning')} to {said(asked.end, 'now')}"


def _filters(asked: Asked) -> str:
    given = (("accounts", asked.accounts), ("regions", asked.regions), ("sources", asked.sources))
    said = [f"{name} {', '.join(sorted(values))}" for name, values in given if values]
    return "".join(f"; {item}" for item in said) + ("; all versions" if asked.versions else "")


def _table(parts: tuple[Part, ...]) -> Iterable[str]:
    yield f"{'source':<22} {'account':<12} {'Region':<16} {'objects':>11} {'size':>10} {'to fetch':>11}"
    merged: dict[tuple[str, str, str], list[int]] = {}
    for part in parts:
        held = merged.setdefault((part.source, part.account_id, part.region), [0, 0, 0])
        for place, value in enumerate((part.objects, part.bytes, part.fetched)):
            held[place] += value
    for (source, account, region), (objects, count, fetched) in sorted(merged.items())[:ROWS]:
        names = f"{source or '(not told by key)':<22} {account or '-':<12} {region or '-':<16}"
        yield f"{names} {objects:>11,} {size(count):>10} {fetched:>11,}"
    if len(merged) > ROWS:
        yield f"… and {len(merged) - ROWS} more lines"


def _late(parts: tuple[Part, ...]) -> list[str]:
    names = sorted({part.source for part in parts if part.source})
    first = [(name, sources()[name].layouts[0]) for name in names if sources()[name].layouts]
    return [f"{name} {_time(item.late.total_seconds())} ({item.why})" for name, item in first]


def _usd(value: float) -> str:
    return f"{value:,.2f} USD" if value >= 0.01 or not value else "under 0.01 USD"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    if seconds <= 72 * 3600:
        return f"{round(seconds / 3600)} h"
    return f"{timedelta(seconds=seconds).days} days"
