"""How grave an act against a log is: acts that only write a log's settings, and leave no less of it, are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from forensics.analysis.deeds import Deed
from forensics.analysis.tampering import silences
from forensics.selectors import has_data, is_narrow

REFUSED = 2.0
"""Severity of an act that was refused."""

STOPS, LESSENS, HIDES, TOUCHES = 8.0, 6.0, 5.0, 3.0
"""Severities, in GuardDuty's scale: a log stops or is lost, records less, is kept from view, may be weakened."""

SHORT_DAYS = 14
"""A retention is short below this, where what it was before is not in evidence."""

Judge = Callable[[Deed, Sequence[Deed]], float | None]


def severity(deed: Deed, acts: Sequence[Deed]) -> float | None:
    """How grave it is; None where it takes nothing away. `acts` are all, to compare with what was set before."""
    judge = _JUDGES.get(deed.kind.what)
    if judge:
        return judge(deed, acts)
    if deed.kind.what in _TWO_WAYS:
        return STOPS if silences(deed) else None
    return _GRAVE.get(deed.kind.what, TOUCHES)


_TWO_WAYS = ("detector changed", "access log of a bucket", "balancer changed", "cluster changed")

_GRAVE: Mapping[str, float] = {
    "trail stopped": STOPS,
    "trail deleted": STOPS,
    "event data store deleted": STOPS,
    "event data store stopped": STOPS,
    "detector deleted": STOPS,
    "recorder stopped": STOPS,
    "recorder deleted": STOPS,
    "flow logs deleted": STOPS,
    "log file deleted": STOPS,
    "log files deleted": STOPS,
    "log bucket deleted": STOPS,
    "query log deleted": STOPS,
    "query log taken from a VPC": STOPS,
    "log of the web ACL deleted": STOPS,
    "delivery channel deleted": LESSENS,
    "log group deleted": LESSENS,
    "log stream deleted": LESSENS,
    "subscription deleted": LESSENS,
    "Security Hub switched off": LESSENS,
    "account left its organization": LESSENS,
    "detector left its administrator": LESSENS,
    "key disabled": HIDES,
    "key scheduled for deletion": HIDES,
    "addresses trusted": HIDES,
    "findings archived": TOUCHES,
    "findings' export deleted": HIDES,
}


def _filtered(deed: Deed, _: Sequence[Deed]) -> float | None:
    return HIDES if deed.asked.get("action") == "ARCHIVE" else None


def _selected(deed: Deed, acts: Sequence[Deed]) -> float | None:
    """Narrow as such, or fewer selectors with data events than the last call set."""
    chosen, before = _chosen(deed), _before(deed, acts)
    if is_narrow(chosen):
        return LESSENS
    return LESSENS if before and has_data(_chosen(before)) and not has_data(chosen) else None


def _chosen(deed: Deed) -> list[dict[str, Any]]:
    found = deed.asked.get("eventSelectors") or deed.asked.get("advancedEventSelectors")
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _insights(deed: Deed, _: Sequence[Deed]) -> float | None:
    return None if deed.asked.get("insightSelectors") else TOUCHES


def _trail(deed: Deed, _: Sequence[Deed]) -> float | None:
    less = ("isMultiRegionTrail", "includeGlobalServiceEvents", "enableLogFileValidation", "isOrganizationTrail")
    if any(deed.asked.get(name) is False for name in less):
        return LESSENS
    return LESSENS if {"s3BucketName", "kmsKeyId", "s3KeyPrefix"} & deed.asked.keys() else None


def _recorder(deed: Deed, _: Sequence[Deed]) -> float | None:
    held = deed.asked.get("configurationRecorder")
    group = held.get("recordingGroup") if isinstance(held, dict) else None
    return LESSENS if isinstance(group, dict) and group.get("allSupported") is False else None


def _retention(deed: Deed, acts: Sequence[Deed]) -> float | None:
    days, before = deed.asked.get("retentionInDays"), _before(deed, acts)
    had = before.asked.get("retentionInDays") if before else None
    if not isinstance(days, (int, float)):
        return TOUCHES
    shorter = days < had if isinstance(had, (int, float)) else days < SHORT_DAYS
    return LESSENS if shorter else None


def _lifecycle(deed: Deed, _: Sequence[Deed]) -> float | None:
    return LESSENS if '"Days"' in str(deed.asked).replace("'", '"') and "Expiration" in str(deed.asked) else TOUCHES


def _versioning(deed: Deed, _: Sequence[Deed]) -> float | None:
    return LESSENS if "Suspended" in str(deed.asked) else None


def _before(deed: Deed, acts: Sequence[Deed]) -> Deed | None:
    """The last act of the kind on the same thing before it."""
    same = [
        item
        for item in acts
        if item.kind is deed.kind
        and item.thing == deed.thing
        and item.outcome == "success"
        and (item.account_id, item.region) == (deed.account_id, deed.region)
        and item.time
        and deed.time
        and item.time < deed.time
    ]
    return same[-1] if same else None


_JUDGES: Mapping[str, Judge] = {
    "findings filtered": _filtered,
    "trail narrowed": _selected,
    "insights changed": _insights,
    "trail changed": _trail,
    "recorder changed": _recorder,
    "retention changed": _retention,
    "lifecycle of a log bucket": _lifecycle,
    "versioning of a log bucket": _versioning,
}
