"""Which objects of a bucket can hold what is asked for: only the folders that can are listed.

Folders are entered one level at a time (`Delimiter`), as far as their names, by the layouts of the sources, say an
account, a Region or a time that is asked for. What no layout explains is entered too, and its objects are judged by when
they were last written. Each request is one `Step`; what it tells may be further steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from forensics.acquire.s3.asked import Asked
from forensics.key_layout import KeyLayout, Way

DEEPEST = 8
"""Levels of unknown folders that are entered one by one; below, everything is listed."""
MANY = 300
"""Unknown folders on one page from which on everything there is listed at once."""
_AFTER_DIGITS = ":"
"""The character after 9."""


@dataclass(frozen=True)
class Listed:
    """One object, or delete marker, as the listing tells it; `size` in bytes, `last_modified` UTC without a zone."""

    key: str
    size: int
    etag: str | None
    last_modified: datetime
    storage_class: str
    version_id: str | None
    latest: bool
    deleted: bool
    restored: bool
    source: str
    account_id: str
    region: str


@dataclass(frozen=True)
class Step:
    """One request: the prefix, what the folders so far said, whether level by level, and where to go on."""

    prefix: str
    ways: tuple[Way, ...] = ()
    folders: bool = True
    mark: Mapping[str, str] = field(default_factory=dict)
    unknown: int = 0
    exact: str = ""


@dataclass
class Told:
    """What came of a step; `notes` are (what, place) for the plan."""

    prefix: str
    listed: list[Listed] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    region: str = ""
    any: bool = False


@dataclass(frozen=True)
class _Page:
    contents: list[dict[str, Any]]
    folders: list[str]
    mark: Mapping[str, str]
    """Parameters of the next page; empty where this is the last."""
    region: str


def first(asked: Asked) -> Step | None:
    """Where to begin; None where the place is outside of the window."""
    parts = asked.prefix.split("/")
    ways: tuple[Way, ...] = ()
    depth = 0
    for folder in parts[:-1]:
        ways = asked.enter(ways, folder)
        depth = 0 if ways else depth + 1
    if parts[-1] or not asked.prefix:
        return Step(asked.prefix, ways, exact=asked.prefix)
    found = _below(asked, Step(asked.prefix), ways, Told(""))
    return replace(found, unknown=0) if found else None


def take(asked: Asked, client: Any, step: Step) -> Told:
    """Send the request of a step and judge what it tells. Raises what `forensics.aws.CALL_ERRORS` names."""
    page = _page(asked, client, step)
    told = Told(step.prefix, region=page.region, any=bool(page.contents or page.folders))
    if step.folders:
        _level(asked, step, page, told)
    elif page.mark and step.ways and not step.mark and not all(way.done for way in step.ways):
        told.steps.append(replace(step, folders=True))
    else:
        for item in page.contents:
            _judge(asked, step, item, told)
        if page.mark:
            told.steps.append(replace(step, mark=page.mark))
    return told


def _level(asked: Asked, step: Step, page: _Page, told: Told) -> None:
    folders, contents, mark = page.folders, page.contents, page.mark
    if step.exact and (step.exact + "/" in folders or any(item["Key"] == step.exact for item in contents)):
        folders = [name for name in folders if name == step.exact + "/"]
        contents = [item for item in contents if item["Key"] == step.exact]
        mark = {}
    if not step.ways and len(folders) > MANY and mark:
        told.steps.append(replace(step, folders=False, mark={}))
        return
    for folder in folders:
        ways = asked.enter(step.ways, folder.split("/")[-2])
        if found := _below(asked, replace(step, prefix=folder), ways, told):
            told.steps.append(found)
    for item in contents:
        _judge(asked, step, item, told)
    if mark:
        told.steps.append(replace(step, mark=_jump(asked, contents, mark)))


def _below(asked: Asked, step: Step, ways: tuple[Way, ...], told: Told) -> Step | None:
    """How to go on in the folder of that step; None where nothing there is asked for."""
    folder = step.prefix
    if not ways:
        return Step(folder, folders=step.unknown < DEEPEST, unknown=step.unknown + 1)
    if why := asked.left_out(ways):
        told.notes.append((why, folder))
        return None
    start, end = asked.near(ways)
    period = next((way.period for way in ways if way.period), None)
    if period and (period[1] <= start or period[0] >= end):
        return None
    inside = period is not None and start <= period[0] and period[1] <= end
    finished = all(way.done for way in ways) or (inside and any(way.done for way in ways))
    unlimited = bool(period) and not (asked.start or asked.end)
    return Step(folder, ways, folders=not (finished or inside or unlimited))


def _judge(asked: Asked, step: Step, item: dict[str, Any], told: Told) -> None:
    """Take an object, or leave it."""
    key, modified = item["Key"], _naive(item["LastModified"])
    name = key.rpartition("/")[2]
    if not name and not item.get("Size"):
        return
    ways = step.ways
    if key == asked.prefix:
        told.listed.append(_listed(asked, ways, item, modified))
    elif any(way.period for way in ways):
        if asked.holds(ways, name):
            told.listed.append(_listed(asked, ways, item, modified))
    elif flat := _flat(asked, name):
        source, layout, date = flat
        if asked.wants(source) and _within(asked, layout, date):
            told.listed.append(replace(_listed(asked, ways, item, modified), source=source))
    elif not asked.unknown:
        told.notes.append(("not told by key", step.prefix))
    elif asked.written(modified):
        told.notes.append(("by when written", step.prefix))
        told.listed.append(_listed(asked, ways, item, modified))
    elif asked.end and modified >= asked.end:
        told.notes.append(("written after", step.prefix))


def _listed(asked: Asked, ways: tuple[Way, ...], item: dict[str, Any], modified: datetime) -> Listed:
    said = ways[0].said if ways else {}
    version = item.get("VersionId")
    return Listed(
        key=item["Key"],
        size=item.get("Size", 0),
        etag=item.get("ETag", "").strip('"') or None,
        last_modified=modified,
        storage_class=item.get("StorageClass", "STANDARD"),
        version_id=None if version in (None, "null") else version,
        latest=item.get("IsLatest", True),
        deleted="Size" not in item,
        restored="RestoreExpiryDate" in item.get("RestoreStatus", {}),
        source=asked.source_of(ways, item["Key"]),
        account_id=said.get("account", ""),
        region=said.get("region", ""),
    )


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _flat(asked: Asked, name: str) -> tuple[str, KeyLayout, str] | None:
    for source, layout in asked.flat:
        if found := layout.named.match(name):
            return source, layout, found["date"]
    return None


def _within(asked: Asked, layout: KeyLayout, date: str) -> bool:
    start, end = asked.window(layout.late)
    return f"{start:%Y-%m-%d-%H}".zfill(13) <= date <= f"{end:%Y-%m-%d-%H}"


def _jump(asked: Asked, contents: list[dict[str, Any]], mark: Mapping[str, str]) -> Mapping[str, str]:
    """Where names lie side by side by date: on to the window, or past it; otherwise just the next page."""
    if asked.versions or not contents:
        return mark
    folder, _, name = contents[-1]["Key"].rpartition("/")
    flat = _flat(asked, name)
    if flat is None:
        return mark
    _, layout, date = flat
    start, end = asked.window(layout.late)
    found = layout.named.match(name)
    stem = (f"{folder}/" if folder else "") + (found["stem"] if found else "")
    if asked.start and date < f"{start:%Y-%m-%d-%H}":
        return {"StartAfter": f"{stem}{start:%Y-%m-%d-%H}"}
    if asked.end and date > f"{end:%Y-%m-%d-%H}":
        return {"StartAfter": stem + _AFTER_DIGITS}
    return mark


def _page(asked: Asked, client: Any, step: Step) -> _Page:
    parameters: dict[str, Any] = {"Bucket": asked.bucket, "Prefix": step.prefix, **step.mark}
    parameters |= {"Delimiter": "/"} if step.folders else {}
    parameters["OptionalObjectAttributes"] = ["RestoreStatus"]
    parameters |= {"RequestPayer": "requester"} if asked.requester_pays else {}
    if asked.versions:
        answer = client.list_object_versions(**parameters)
        contents = [*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())]
        names = {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"}
        mark = {name: answer[other] for name, other in names.items() if answer.get(other)}
    else:
        answer = client.list_objects_v2(**parameters)
        contents = answer.get("Contents", [])
        mark = {"ContinuationToken": answer.get("NextContinuationToken", "")}
    headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
    folders = [item["Prefix"] for item in answer.get("CommonPrefixes", ())]
    return _Page(contents, folders, mark if answer.get("IsTruncated") else {}, headers.get("x-amz-bucket-region", ""))
