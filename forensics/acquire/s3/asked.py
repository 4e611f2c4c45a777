"""What is asked of a bucket: where, which window of time, accounts, Regions and sources; and what one key is to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from forensics.errors import UsageError
from forensics.key_layout import GUESSES, INTERVAL, KeyLayout, Way, further, stamp
from forensics.readers.recognise import by_key
from forensics.sources import source, sources

LATE_UNKNOWN = timedelta(hours=24)
"""How long after the window objects may have been written whose keys say no time."""
ALWAYS = (datetime(1, 1, 1), datetime(9999, 12, 31))
_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """A request for evidence: `start` and before `end` are UTC without a zone, None for no limit; empty means all.

    `versions` asks for older versions and delete markers too, `requester_pays` says that the caller pays the bucket's
    costs.
    """

    bucket: str
    prefix: str = ""
    start: datetime | None = None
    end: datetime | None = None
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    versions: bool = False
    requester_pays: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        for name in self.sources:
            source(name)
        for account in self.accounts:
            if not re.fullmatch(r"\d{12}", account):
                raise UsageError(f"an account is 12 digits, not {account!r}")
        if self.start and self.end and self.start >= self.end:
            raise UsageError(f"the window is empty: it would begin at {self.start} and end at {self.end}")

    @property
    def uri(self) -> str:
        """The place, as it is given."""
        return f"s3://{self.bucket}/{self.prefix}"

    @cached_property
    def starts(self) -> tuple[Way, ...]:
        """Every layout at its beginning."""
        known = [way for item in sources().values() for layout in item.layouts for way in layout.ways(item.name)]
        return (*known, *(way for layout in GUESSES for way in layout.ways("")))

    @cached_property
    def flat(self) -> tuple[tuple[str, KeyLayout], ...]:
        """The layouts of objects that lie side by side."""
        return tuple((item.name, found) for item in sources().values() for found in item.layouts if not found.path)

    @cached_property
    def unknown(self) -> bool:
        """Whether objects are asked for whose source the key may not tell."""
        return not self.sources or any(not source(name).layouts for name in self.sources)

    def wants(self, name: str) -> bool:
        """Whether that source is asked for; "" is one that the key does not tell."""
        return self.unknown if not name else not self.sources or name in self.sources

    def left_out(self, ways: Iterable[Way]) -> str:
        """By which option nothing below is asked for; "" where something may be."""
        ways = tuple(ways)
        accounts = {way.said["account"] for way in ways if "account" in way.said}
        regions = {way.said["region"] for way in ways if "region" in way.said}
        if self.accounts and accounts and not accounts & self.accounts:
            return "--accounts"
        if self.regions and regions and not regions & self.regions:
            return "--regions"
        return "" if any(self.wants(way.source) for way in ways) else "--sources"

    def window(self, late: timedelta) -> tuple[datetime, datetime]:
        """The times in keys that can hold what is asked for."""
        end = self.end + late if self.end and self.end < ALWAYS[1] - late else ALWAYS[1]
        return self.start or ALWAYS[0], end

    def near(self, ways: Iterable[Way]) -> tuple[datetime, datetime]:
        """The window of the source, of these, that comes latest."""
        late = [way.layout.late for way in ways if self.wants(way.source)]
        return self.window(max(late, default=LATE_UNKNOWN))

    def enter(self, ways: Iterable[Way], folder: str) -> tuple[Way, ...]:
        """The ways that go on in a folder."""
        return further(ways, self.starts, folder)

    def holds(self, ways: tuple[Way, ...], name: str) -> bool:
        """Whether an object in the last folder of these ways may hold what is asked for, by its name."""
        own = [way for way in ways if self.wants(way.source)]
        named = [way for way in ways if way.layout.file and way.layout.named.search(name)]
        if named and not any(self.wants(way.source) for way in named):
            return False
        at = stamp(name) if any(way.layout.stamped for way in own) else None
        start, end = self.near(own)
        return at is None or (at + INTERVAL > start and at < end)

    def written(self, modified: datetime) -> bool:
        """Whether an object whose key says no time was written when it can hold what is asked for."""
        start, end = self.window(LATE_UNKNOWN)
        return start <= modified < end

    def source_of(self, ways: tuple[Way, ...], key: str) -> str:
        """The source as the key tells it; "" where it does not."""
        names = {way.source for way in ways}
        return next(iter(names)) if len(names) == 1 else by_key(key).source or min(names, default="")


def place(uri: str) -> tuple[str, str]:
    """Bucket and prefix of s3://BUCKET/PREFIX. Raises UsageError."""
    found = _URI.fullmatch(uri)
    if not found:
        raise UsageError(f"not a place in S3: {uri!r}; write s3://BUCKET or s3://BUCKET/PREFIX")
    return found[1], found[2] or ""
