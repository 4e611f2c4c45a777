"""Where in a bucket a service puts its objects: folders that name the account, the Region and the day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

_TOKENS = {
    "account": r"\d{12}",
    "region": r"[a-z]{2,5}(?:-[a-z]+)+-\d{1,2}|cloudfront",
    "org": r"o-[a-z0-9]{10,32}",
    "name": r"[^/]+",
    "YYYY": r"(?:19|20)\d\d",
    "MM": r"\d\d",
    "DD": r"\d\d",
    "HH": r"\d\d",
    "mm": r"\d\d",
    "M": r"\d{1,2}",
    "D": r"\d{1,2}",
}
_UNITS = (("YYYY",), ("MM", "M"), ("DD", "D"), ("HH",), ("mm",))
INTERVAL = timedelta(minutes=5)
"""A time in a key may be the start of an interval that long, and clocks differ."""
_STAMP = re.compile(r"_(\d{8}T?\d{4})(?:\d\d)?Z?(?=[_.])")


@dataclass(frozen=True)
class KeyLayout:
    """One layout of keys, folder by folder, as far as the last folder that names a time.

    `path` has `{account}`, `{region}`, `{org}`, `{name}` (any), `{YYYY}`, `{MM}`, `{DD}`, `{HH}`, `{mm}`, or `{M}` and
    `{D}` without a zero before; what may be missing stands in brackets. It is found below any other folders.
    With "" the objects lie side by side in any folder, and `file` must have groups `stem` and `date`
    (YYYY-MM-DD-HH). Otherwise `file` tells the names of this source's objects from others' in the same folder, and
    `stamped` says that names carry the time of delivery.
    `late` is how long after an event its object may be delivered, which the window is widened by; `why` its reason.
    """

    path: str
    late: timedelta
    why: str
    file: str = ""
    stamped: bool = False

    @cached_property
    def named(self) -> re.Pattern[str]:
        """What `file` says."""
        return re.compile(self.file)

    def ways(self, source: str) -> tuple[Way, ...]:
        """The beginnings: one for each choice of what may be missing."""
        return tuple(Way(source, self, tuple(map(_level, path.split("/")[:-1]))) for path in _choices(self.path))


@dataclass(frozen=True)
class Way:
    """How far a key was followed along a layout of a source, and what its folders said; source "" is a guess."""

    source: str
    layout: KeyLayout
    levels: tuple[re.Pattern[str], ...]
    at: int = 0
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether the layout has no further folder."""
        return self.at == len(self.levels)

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        """The time that the folders name, from and before; None where they name none or one that is in no calendar."""
        values = [next((int(self.said[name]) for name in names if name in self.said), None) for names in _UNITS]
        known = [value for value in values if value is not None]
        try:
            return _period(known) if known else None
        except ValueError:
            return None

    def enter(self, folder: str) -> Way | None:
        """One folder further; None where the layout has another there."""
        found = None if self.done else self.levels[self.at].fullmatch(folder)
        return replace(self, at=self.at + 1, said={**self.said, **found.groupdict()}) if found else None


def further(ways: Iterable[Way], starts: Iterable[Way], folder: str) -> tuple[Way, ...]:
    """The ways that go on in that folder; of those the ones that were followed longest."""
    found = [after for way in (*ways, *starts) if (after := way.enter(folder))]
    most = max((way.at for way in found), default=0)
    return tuple(way for way in found if way.at == most)


def stamp(name: str) -> datetime | None:
    """The last time in a file's name (20261105T0915Z); None where there is none."""
    found = _STAMP.findall(name)
    try:
        return datetime.fromisoformat(f"{found[-1][:8]}T{found[-1][-4:]}") if found else None
    except ValueError:
        return None


def _period(known: list[int]) -> tuple[datetime, datetime]:
    year, month, day, hour, minute = known + [None, 1, 1, 0, 0][len(known) :]
    start = datetime(year or 1, month or 1, day or 1, hour or 0, minute or 0)
    if len(known) == 1:
        return start, datetime(start.year + 1, 1, 1)
    if len(known) == 2:
        return start, (start + timedelta(days=32)).replace(day=1)
    return start, start + (timedelta(days=1), timedelta(hours=1), INTERVAL)[len(known) - 3]


def _choices(path: str) -> Iterator[str]:
    before, bracket, rest = path.partition("[")
    if not bracket:
        yield from [before] if before else []
        return
    inside, _, after = rest.partition("]")
    for choice in (before + after, before + inside + after):
        yield from _choices(choice)


def _level(text: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", text)
    made = [f"(?P<{part}>{_TOKENS[part]})" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(made))


# What several sources share

DAYS = "{YYYY}/{MM}/{DD}/"
_LATE_FILES = timedelta(hours=24)
GUESSES = tuple(
    KeyLayout(path, _LATE_FILES, "Firehose retries for up to 24 hours")
    for path in (f"{DAYS}[{{HH}}/]", "year={YYYY}/month={MM}/day={DD}/[hour={HH}/]")
)
"""Folders of days that nothing else explains: Firehose (page "Amazon S3 object name format") and what people set up."""


def trail(folder: str, late: timedelta, why: str) -> KeyLayout:
    """The layout of CloudTrail and of what delivers as it does; an organisation's trail has its id before the account."""
    return KeyLayout(f"AWSLogs/[{{org}}/]{{account}}/{folder}/{{region}}/{DAYS}", late, why, stamped=True)


def flow(late: timedelta, why: str) -> tuple[KeyLayout, ...]:
    """The layouts of flow logs (page "Flow log files"): daily or hourly, with or without the names of the levels."""
    hive = (
        "AWSLogs/aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}/year={YYYY}/month={MM}/day={DD}/"
    )
    plain = f"AWSLogs/[{{org}}/]{{account}}/vpcflowlogs/{{region}}/{DAYS}"
    return tuple(KeyLayout(path, late, why, stamped=True) for path in (f"{plain}[{{HH}}/]", f"{hive}[hour={{HH}}/]"))


def balancer(file: str) -> tuple[KeyLayout, ...]:
    """The layouts of load balancers' logs, which share their folder and differ by file."""
    hive = "AWSLogs/aws-account-id={account}/elasticloadbalancing/region={region}/year={YYYY}/month={MM}/day={DD}/"
    plain = f"AWSLogs/{{account}}/elasticloadbalancing/{{region}}/{DAYS}"
    why = "every 5 or 60 minutes, best effort"
    return tuple(
        KeyLayout(path, timedelta(hours=6), why, file=file, stamped=True)
        for path in (f"{plain}[{{HH}}/]", f"{hive}[hour={{HH}}/]")
    )
