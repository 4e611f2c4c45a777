"""When each log was proven on or off: from the calls that switch them, Config's items and what AWS's APIs described."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

import duckdb

from forensics import log_acts, logging_described
from forensics.analysis.deeds import Deed
from forensics.analysis.tampering import STARTS, silences, switched_on
from forensics.analysis.words import listed
from forensics.logging_described import Mark, Trail
from forensics.selectors import is_narrow

_ON = {
    "trail started": "cloudtrail",
    "detector made": "guardduty",
    "recorder started": "config_item",
    "flow logs made": "vpc_flow",
    "log of the web ACL made": "waf",
    "query log put on a VPC": "route53_resolver",
}
_SELECTED = "trail narrowed"

_INSERT = f"INSERT INTO logging_state VALUES ({', '.join('?' * 14)})"


@dataclass(frozen=True)
class State:
    """A row of `logging_state`: a mark that holds until the next one of the same thing."""

    mark: Mark
    valid_to: datetime | None
    every_region: bool | None
    every_account: bool

    @property
    def row(self) -> tuple[Any, ...]:
        """Its columns, in order."""
        mark = self.mark
        selectors = json.dumps(mark.selectors, ensure_ascii=False) if mark.selectors else None
        return (
            mark.source,
            None if self.every_account else mark.account_id,
            mark.region,
            self.every_region,
            mark.thing,
            mark.state,
            mark.time,
            self.valid_to,
            mark.cause,
            mark.event_id,
            mark.principal,
            mark.basis,
            is_narrow(mark.selectors) if mark.selectors else False,
            selectors,
        )


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `logging_state`; needs `event`."""
    con.execute("DELETE FROM logging_state")
    rows = [state.row for state in _states(con)]
    if rows:
        con.executemany(_INSERT, rows)


def _states(con: duckdb.DuckDBPyConnection) -> Iterator[State]:
    buckets = log_acts.take(con)
    acts = log_acts.acts(con, buckets, more=STARTS)
    log_acts.drop(con)
    deeds = [deed for deed in acts if deed.outcome == "success" and deed.time]
    described = logging_described.read(log_acts.asking(con))
    trails = _trails(deeds, described.trails)
    by_thing: dict[tuple[Any, ...], list[Mark]] = {}
    for mark in (*_marks(deeds), *described.marks):
        by_thing.setdefault(mark.key, []).append(mark)
    for key in sorted(by_thing, key=repr):
        yield from _held(by_thing[key], trails)


def _trails(deeds: Iterable[Deed], described: Iterable[Trail]) -> dict[tuple[Any, ...], Trail]:
    """What is known of each trail: the latest statement of a call, then what was described."""
    found: dict[tuple[Any, ...], Trail] = {}
    made = (_trail(deed) for deed in deeds if deed.action in ("cloudtrail:CreateTrail", "cloudtrail:UpdateTrail"))
    for item in (*made, *described):
        before = found.get(item.key, item)
        found[item.key] = replace(
            item,
            every_region=before.every_region if item.every_region is None else item.every_region,
            every_account=before.every_account or item.every_account,
        )
    return found


def _trail(deed: Deed) -> Trail:
    said = deed.asked | deed.answered
    multi = said.get("isMultiRegionTrail")
    if multi is None and deed.action == "cloudtrail:CreateTrail":
        multi = False
    return Trail(deed.account_id, deed.region, deed.thing, multi, said.get("isOrganizationTrail") is True)


def _marks(deeds: Iterable[Deed]) -> Iterator[Mark]:
    for deed in deeds:
        off = silences(deed)
        on = _ON.get(deed.kind.what) or (_SWITCHED.get(deed.kind.what) if switched_on(deed) else None)
        if deed.kind.what == _SELECTED:
            chosen = deed.asked.get("eventSelectors") or deed.asked.get("advancedEventSelectors")
            yield replace(
                _mark(deed, "cloudtrail", "selects"),
                selectors=[item for item in chosen if isinstance(item, dict)] if isinstance(chosen, list) else [],
            )
        elif deed.kind.what == "detector made" and deed.asked.get("enable") is False:
            continue
        elif source := off or on:
            for thing in _things(deed):
                yield replace(_mark(deed, source, "off" if off else "on"), thing=thing)


_SWITCHED = {
    "detector changed": "guardduty",
    "access log of a bucket": "s3_access",
    "balancer changed": "alb",
    "cluster changed": "eks_audit",
}


def _things(deed: Deed) -> list[str | None]:
    """The flow logs that a call made or deleted, the thing of all others."""
    if deed.action not in ("ec2:CreateFlowLogs", "ec2:DeleteFlowLogs"):
        return [deed.thing]
    found = sorted(_flow_logs(deed.asked) | _flow_logs(deed.answered))
    return list(found) or [deed.thing]


def _flow_logs(held: Any) -> set[str]:
    if isinstance(held, dict):
        return {name for value in held.values() for name in _flow_logs(value)}
    if isinstance(held, list):
        return {name for value in held for name in _flow_logs(value)}
    return {held} if isinstance(held, str) and held.startswith("fl-") else set()


def _mark(deed: Deed, source: str, state: str) -> Mark:
    return Mark(
        source=source,
        account_id=deed.account_id,
        region=deed.region,
        thing=deed.thing,
        state=state,
        time=cast("datetime", deed.time),
        cause=act(deed),
        basis="act",
        event_id=deed.event_id,
        principal=deed.principal,
    )


def act(deed: Deed) -> str:
    """A call that did something to a log, in one line."""
    name = deed.action.partition(":")[2]
    thing = f" of {listed([deed.thing])}" if deed.thing else ""
    when = f"{deed.time:%Y-%m-%d %H:%M:%S} UTC" if deed.time else "a time not recorded"
    return f"{name}{thing} by {deed.principal or 'somebody not named'} at {when} (event {deed.event_id})"


def _held(marks: Sequence[Mark], trails: dict[tuple[Any, ...], Trail]) -> Iterator[State]:
    """Each mark until the next of its thing; one that says what is so already adds nothing."""
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark.time, mark.basis, mark.event_id or "")):
        before = kept[-1] if kept else None
        if before and mark.state == before.state and not before.until and mark.selectors == before.selectors:
            continue
        kept.append(mark)
    for place, mark in enumerate(kept):
        ends = [moment for moment in (mark.until, kept[place + 1].time if place + 1 < len(kept) else None) if moment]
        trail = trails.get((mark.account_id, mark.region, mark.thing)) if mark.source == "cloudtrail" else None
        every = trail.every_region if trail else (None if mark.source == "cloudtrail" else False)
        if not ends or min(ends) > mark.time:
            yield State(mark, min(ends) if ends else None, every, bool(trail and trail.every_account))
