"""Log readiness in a notebook: what the answers of AWS's APIs say, offline; each warning cites them."""

import json
from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from forensics.playbook import RunResult, playbook
from forensics.readiness.report import Report
from tests.fresh import fresh_case
from tests.playbooks.runs import shown
from tests.readiness.accounts import KEPT, page, worlds

ARN = "arn:aws:cloudtrail:us-east-1:111122223333:trail/only-here"
TRAIL = {"Name": "only-here", "TrailARN": ARN, "S3BucketName": "b", "IsMultiRegionTrail": False}
SELECTORS = {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}
PAGES = [
    page("cloudtrail", "DescribeTrails", {"trailList": [TRAIL]}),
    page("cloudtrail", "GetTrailStatus", {"IsLogging": True}, Name=ARN),
    page("cloudtrail", "GetEventSelectors", SELECTORS, TrailName=ARN),
    page("s3", "ListBuckets", {"Buckets": [{"Name": "<i>b</i>"}]}),
    page("s3", "GetBucketLogging", {"LoggingEnabled": {"TargetBucket": "<i>b</i>"}}, Bucket="<i>b</i>"),
    page("eks", "ListClusters", None),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    root = tmp_path_factory.mktemp("readiness")
    worlds(root / "case", {KEPT: PAGES})
    return root / "case", playbook("log-readiness").run(root / "case", {}, root / "out")


def findings(result: RunResult) -> list[dict[str, Any]]:
    return json.loads(result.findings.read_text("utf-8"))


def test_every_warning_is_a_finding_that_cites_the_answers_it_rests_on(run: tuple[Path, RunResult]) -> None:
    case, result = run
    with Case.open(case) as opened:
        known = {row[0] for row in opened.sql("SELECT event_id FROM event WHERE source = 'inventory'").rows()}
        warned = {f"{item.title}: {item.text}" for item in Report.of(opened).warnings}
    assert {item["title"] for item in findings(result)} == warned
    assert all(place["event_id"] in known for item in findings(result) for place in item["evidence"])
    assert any("sees its own Region only" in title for title in warned)
    assert any("logs into itself" in title for title in warned)


def test_the_report_shows_the_table_the_questions_the_unknown_and_the_plan(run: tuple[Path, RunResult]) -> None:
    text = shown(run[1].report.read_text("utf-8"))
    for part in ("CloudTrail management events", "Who did what in the cluster", "eks:ListClusters: AccessDenied"):
        assert part in text
    assert 'resource "aws_cloudtrail" "organization"' in text and "aws cloudtrail update-trail --name only-here" in text
    assert "nothing was applied" in text


def test_names_are_text_in_the_report(run: tuple[Path, RunResult]) -> None:
    assert "<i>b</i>" not in run[1].report.read_text("utf-8")


def test_of_a_case_without_answers_it_says_what_to_collect(tmp_path: Path) -> None:
    fresh_case(tmp_path / "case").close()
    result = playbook("log-readiness").run(tmp_path / "case", {}, tmp_path / "out")
    text = shown(result.report.read_text("utf-8"))
    assert "forensics readiness --case CASE" in text and "rests on" in text
    assert findings(result) == []
