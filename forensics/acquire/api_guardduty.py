"""GuardDuty's findings (`ListFindings`, `GetFindings`), archived ones too, by when they were last updated.

Source: pages "ListFindings" and "GetFindings" of the GuardDuty API reference. GuardDuty keeps findings for 90 days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from forensics.acquire import Found
from forensics.acquire.asking import Lost, Paged
from forensics.acquire.limiter import Limiter
from forensics.acquire.page import Asked
from forensics.acquire.slices import Span, milliseconds, window
from forensics.acquire.step import Asking, Place, now

RATE = 5.0
KEPT = timedelta(days=90)
BATCH = 50
"""Findings that one request may name."""
DETECTORS = Paged("guardduty", "ListDetectors", "DetectorIds")
IDS = Paged("guardduty", "ListFindings", "FindingIds")
FINDINGS = Paged("guardduty", "GetFindings", "Findings")


def found(place: Place, limiter: Callable[[], Limiter] = lambda: Limiter(RATE)) -> Iterator[Found]:
    """Pages of the findings of the Region's detector that were updated in the window, or in 90 days."""
    allowed = limiter()
    asked = Asked(DETECTORS.service, DETECTORS.operation, {}, place.account_id, place.region, now())
    detectors: list[str] = []
    try:
        for number, (answer, _) in enumerate(DETECTORS.answers(place, {}, allowed)):
            detectors += answer["DetectorIds"]
            yield asked.answered(number, answer)
    except Lost as error:
        place.trouble(asked.place, error.why)
    for detector in detectors:
        yield from _of(place, detector, allowed)


def _of(place: Place, detector: str, limiter: Limiter) -> Iterator[Found]:
    given = _wanted(detector, window(place, KEPT))
    what = Asked(IDS.service, IDS.operation, given, place.account_id, place.region).place
    try:
        for answer, _ in IDS.answers(place, given, limiter):
            if answer["FindingIds"]:
                yield _findings(place, detector, answer["FindingIds"], limiter)
    except Lost as error:
        place.trouble(what, error.why)


def _findings(place: Place, detector: str, ids: list[str], limiter: Limiter) -> Found:
    given = {"DetectorId": detector, "FindingIds": ids}
    answer = FINDINGS.answer(place, given, limiter)
    return Asked(FINDINGS.service, FINDINGS.operation, given, place.account_id, place.region).answered(0, answer)


def _wanted(detector: str, span: Span) -> dict[str, Any]:
    """Nothing is said of `service.archived`: then GuardDuty lists both."""
    updated = {"GreaterThanOrEqual": milliseconds(span.start), "LessThan": milliseconds(span.end)}
    return {
        "DetectorId": detector,
        "FindingCriteria": {"Criterion": {"updatedAt": updated}},
        "SortCriteria": {"AttributeName": "updatedAt", "OrderBy": "ASC"},
        "MaxResults": BATCH,
    }


STEP = Asking(
    "guardduty-findings",
    found,
    actions=("guardduty:ListDetectors", "guardduty:ListFindings", "guardduty:GetFindings"),
)
