"""What Config's items and AWS's APIs say of trails, flow logs, detectors and recorders: whether they were on, and since when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from forensics.analysis.deeds import Ask
from forensics.errors import UsageError
from forensics.jsons import parsed
from forensics.timeline import parse_time


@dataclass(frozen=True)
class Mark:
    """That something that writes a log was on, off, or selected events from `time` on, at most `until`."""

    source: str
    account_id: str | None
    region: str | None
    thing: str | None
    state: str
    time: datetime
    cause: str
    basis: str
    event_id: str | None = None
    principal: str | None = None
    until: datetime | None = None
    selectors: list[dict[str, Any]] | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What marks of one thing, and of one kind, have in common."""
        return self.source, self.account_id, self.region, self.thing, self.state == "selects"


@dataclass(frozen=True)
class Trail:
    """Whether a trail records every Region and every account of its organization; `region` is its home."""

    account_id: str | None
    region: str | None
    name: str | None
    every_region: bool | None
    every_account: bool

    @property
    def key(self) -> tuple[Any, ...]:
        """What names it."""
        return self.account_id, self.region, self.name


@dataclass(frozen=True)
class Described:
    """Everything that was described."""

    trails: tuple[Trail, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class _Item:
    """A resource as it was described at a moment."""

    kind: str
    account_id: str | None
    region: str | None
    at: datetime
    id: str | None
    arn: str | None
    held: Mapping[str, Any]
    basis: str
    asked: Mapping[str, Any]


_INVENTORY = """
SELECT s.operation, s.account_id, s.region, s.observed_at, s.resource_id, s.arn,
  CAST(s.configuration AS VARCHAR) AS held, 'inventory' AS basis, CAST(s.parameters AS VARCHAR) AS asked
FROM inventory AS s
WHERE list_contains(CAST(? AS VARCHAR[]), s.operation)
  AND s.error_code IS NULL AND s.configuration IS NOT NULL AND s.observed_at IS NOT NULL
ORDER BY s.observed_at, s.operation, s.resource_id
"""

_CONFIG = """
SELECT s.resource_type, s.aws_account_id, s.aws_region, s.configuration_item_capture_time, s.resource_id, s.arn,
  CAST(s.configuration AS VARCHAR) AS held, 'config_item' AS basis, CAST(s.supplementary_configuration AS VARCHAR) AS asked
FROM config_item AS s
WHERE list_contains(CAST(? AS VARCHAR[]), s.resource_type)
  AND s.configuration IS NOT NULL AND s.configuration_item_capture_time IS NOT NULL
ORDER BY s.configuration_item_capture_time, s.resource_type, s.resource_id
"""


def read(ask: Ask) -> Described:
    """What `inventory` and `config_item` hold of logs."""
    items = [_item(row) for row in (*ask(_INVENTORY, [list(_READ)]), *ask(_CONFIG, [list(_READ)]))]
    told = [(item, _trail(item)) for item in items if item.kind in _TRAILS]
    homes = {(item.account_id, trail.name): trail for item, trail in told}
    marks = [_at_home(mark, homes) for item in items for mark in _READ[item.kind](item)]
    return Described(tuple(trail for _, trail in told), tuple(marks))


_TRAILS = ("DescribeTrails", "GetTrail", "AWS::CloudTrail::Trail")


def _item(row: tuple[Any, ...]) -> _Item:
    kind, account_id, region, at, name, arn, held, basis, asked = row
    return _Item(kind, account_id, region, at, name, arn, _dict(held), basis, _dict(asked))


def _dict(text: str | None) -> Mapping[str, Any]:
    found = parsed(text) if text else None
    return found if isinstance(found, dict) else {}


def _said(item: _Item, name: str) -> Any:
    """A member, whose first letter the APIs write large or small."""
    held = item.held
    return held.get(name[:1].upper() + name[1:], held.get(name[:1].lower() + name[1:]))


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_time(value)
    except UsageError:
        return None


def _trail_name(text: Any) -> str | None:
    return text.rpartition("trail/")[2] if isinstance(text, str) and text else None


def _trail(item: _Item) -> Trail:
    arn = str(_said(item, "trailARN") or item.arn or "")
    parts = arn.split(":")
    account, home = (parts[4], parts[3]) if len(parts) > 5 else (item.account_id, item.region)
    multi = _said(item, "isMultiRegionTrail")
    everyone = _said(item, "isOrganizationTrail") is True
    return Trail(account, _said(item, "homeRegion") or home, _said(item, "name") or _trail_name(arn), multi, everyone)


def _at_home(mark: Mark, homes: Mapping[tuple[str | None, str | None], Trail]) -> Mark:
    """A mark of a trail under the account and Region that it belongs to: shadow trails are described elsewhere too."""
    trail = homes.get((mark.account_id, mark.thing)) if mark.source == "cloudtrail" else None
    return replace(mark, account_id=trail.account_id, region=trail.region) if trail else mark


def _about(item: _Item, source: str, thing: str | None, state: str, *, since: datetime | None = None) -> Mark:
    """A mark that holds from `since` to the moment of asking, or at that moment only."""
    word = f"Config's item of {item.kind}" if item.basis == "config_item" else f"{item.kind} asked"
    said = f"{word} at {item.at:%Y-%m-%d %H:%M:%S} UTC: {thing or item.id or 'it'} is {state}"
    said += f" since {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
    start = since if since and since <= item.at else item.at
    return Mark(
        source,
        item.account_id,
        item.region,
        thing,
        state,
        start,
        said,
        item.basis,
        until=max(item.at, start + timedelta(seconds=1)),
    )


def _trail_status(item: _Item) -> Iterator[Mark]:
    thing = _trail_name(item.asked.get("Name")) or _trail_name(item.id) or _trail_name(item.arn)
    started, stopped = _moment(_said(item, "startLoggingTime")), _moment(_said(item, "stopLoggingTime"))
    if _said(item, "isLogging") is True:
        if started and stopped and stopped < started:
            gap = _about(item, "cloudtrail", thing, "off", since=stopped)
            yield replace(
                gap, until=started, cause=gap.cause.replace(" is off", " was off") + f" until {started:%H:%M:%S}"
            )
        yield _about(item, "cloudtrail", thing, "on", since=started)
    elif _said(item, "isLogging") is False:
        yield _about(item, "cloudtrail", thing, "off", since=stopped)


def _trail_item(item: _Item) -> Iterator[Mark]:
    status = item.asked.get("TrailStatus") or item.asked.get("trailStatus") or item.held
    if isinstance(status, dict):
        yield from _trail_status(replace(item, held=status, id=str(_said(item, "name") or item.id or ""), asked={}))


def _selectors(item: _Item) -> Iterator[Mark]:
    thing = _trail_name(item.asked.get("TrailName")) or _trail_name(_said(item, "trailARN")) or _trail_name(item.id)
    chosen = _said(item, "eventSelectors") or _said(item, "advancedEventSelectors")
    if isinstance(chosen, list) and chosen:
        yield replace(_about(item, "cloudtrail", thing, "selects"), selectors=chosen)


def _flow_log(item: _Item) -> Iterator[Mark]:
    thing = _said(item, "flowLogId") or item.id
    works = _said(item, "flowLogStatus") == "ACTIVE" and _said(item, "deliverLogsStatus") in (None, "SUCCESS")
    yield _about(
        item, "vpc_flow", thing, "on" if works else "off", since=_moment(_said(item, "creationTime")) if works else None
    )


def _detector(item: _Item) -> Iterator[Mark]:
    thing = item.asked.get("DetectorId") or item.id
    status = _said(item, "status")
    if status in ("ENABLED", "DISABLED"):
        yield _about(
            item, "guardduty", thing, "on" if status == "ENABLED" else "off", since=_moment(_said(item, "updatedAt"))
        )


def _recorder(item: _Item) -> Iterator[Mark]:
    recording = _said(item, "recording")
    if isinstance(recording, bool):
        since = _moment(_said(item, "lastStartTime" if recording else "lastStopTime"))
        yield _about(item, "config_item", _said(item, "name") or item.id, "on" if recording else "off", since=since)


def _nothing(_: _Item) -> Iterator[Mark]:
    yield from ()


_READ: Mapping[str, Callable[[_Item], Iterator[Mark]]] = {
    "DescribeTrails": _nothing,
    "GetTrail": _nothing,
    "GetTrailStatus": _trail_status,
    "GetEventSelectors": _selectors,
    "DescribeFlowLogs": _flow_log,
    "GetDetector": _detector,
    "DescribeConfigurationRecorderStatus": _recorder,
    "AWS::CloudTrail::Trail": _trail_item,
    "AWS::EC2::FlowLog": _flow_log,
    "AWS::GuardDuty::Detector": _detector,
}
"""What each operation, or kind of resource, says of logs."""
