"""Findings of GuardDuty are had in batches, archived ones too, and loaded as those of an export are."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from forensics.acquire import api_guardduty
from forensics.acquire.collect import Asking, collect
from forensics.acquire.step import Wanted
from forensics.aws import Aws
from forensics.case import Case
from forensics.load import load
from tests.acquire.asked import END, START, at, pages, read, unlimited
from tests.api_server import ACCOUNT, Api, Fault, api_server

findings = partial(api_guardduty.found, limiter=unlimited)


def finding(number: int) -> dict[str, Any]:
    """As GetFindings writes it on the wire."""
    return {
        "accountId": ACCOUNT,
        "arn": f"arn:aws:guardduty:us-east-1:{ACCOUNT}:detector/d1/finding/f{number:03}",
        "createdAt": "2026-11-05T09:00:00.000Z",
        "updatedAt": "2026-11-05T10:00:00.000Z",
        "id": f"f{number:03}",
        "partition": "aws",
        "region": "us-east-1",
        "resource": {"resourceType": "AccessKey", "accessKeyDetails": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE"}},
        "schemaVersion": "2.0",
        "service": {"archived": number == 0, "serviceName": "guardduty", "count": 1, "detectorId": "d1"},
        "severity": 8,
        "title": "=1+1 <b>",
        "type": "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
    }


@pytest.fixture
def api() -> Iterator[Api]:
    with api_server() as found:
        found.handlers["ListDetectors"] = lambda _: {"detectorIds": ["d1"]}
        found.handlers["ListFindings"] = listed
        found.handlers["GetFindings"] = lambda request: {
            "findings": [finding(int(name[1:])) for name in request["findingIds"]]
        }
        yield found


def listed(request: dict[str, Any]) -> dict[str, Any]:
    """120 ids in pages of 50."""
    first = int(request.get("nextToken") or 0)
    ids = [f"f{number:03}" for number in range(first, min(first + 50, 120))]
    return {"findingIds": ids, "nextToken": str(first + 50) if first < 100 else ""}


def test_all_findings_of_the_window_are_had_in_batches_of_fifty(api: Api) -> None:
    found = pages(read(findings(at(api.endpoint).place)))
    assert [len(page["response"].get("Findings", ())) for page in found] == [0, 50, 50, 20]
    asked = api.requests("ListFindings")[0]
    updated = asked["findingCriteria"]["criterion"]["updatedAt"]
    assert updated == {"greaterThanOrEqual": 1793836800000, "lessThan": 1793923200000}
    assert "service.archived" not in asked["findingCriteria"]["criterion"]


def test_they_are_loaded_archived_ones_too(api: Api, tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        aws = Aws(region="us-east-1", endpoint=api.endpoint)
        collect(case, aws, [Asking("guardduty-findings", findings)], wanted=Wanted(START, END))
        load(case, workers=1)
        rows = case.sql(
            "SELECT count(DISTINCT id), count(*) FILTER (archived), min(account_id), min(region) FROM guardduty"
        ).rows()
        assert rows == [(120, 1, ACCOUNT, "us-east-1")]


def test_two_runs_give_the_same_findings(api: Api) -> None:
    first, second = (read(findings(at(api.endpoint).place))[1:] for _ in range(2))
    assert first == second and len({uri for uri, _ in first}) == 3


def test_a_region_without_a_detector_has_no_findings(api: Api) -> None:
    api.handlers["ListDetectors"] = lambda _: {"detectorIds": []}
    noted = at(api.endpoint)
    (page,) = pages(read(findings(noted.place)))
    assert page["response"] == {"DetectorIds": []} and noted.troubles == []


def test_what_came_before_an_error_is_kept(api: Api) -> None:
    answers = iter([{"findings": [finding(1)]}])
    api.handlers["GetFindings"] = lambda _: next(answers, Fault("InternalServerErrorException", 500))
    noted = at(api.endpoint)
    assert len(read(findings(noted.place))) == 2
    assert noted.kinds == ["other"] and "ListFindings" in noted.troubles[0][0]


def test_no_permission_to_list_detectors_is_noted(api: Api) -> None:
    api.handlers["ListDetectors"] = lambda _: Fault("AccessDeniedException", 403)
    noted = at(api.endpoint)
    assert read(findings(noted.place)) == [] and noted.kinds == ["denied"]
