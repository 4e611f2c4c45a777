"""Readiness of accounts in several states, asked of moto's server: what is on, what is wrong, what is not known."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics import cli
from forensics.case import Case
from forensics.readiness.live import ask
from forensics.readiness.report import Report
from forensics.readiness.text import text
from tests.fresh import fresh_case
from tests.meddling import Meddler, meddling
from tests.moto_server import made, moto_server
from tests.readiness.accounts import (
    BARE,
    KEPT,
    POOR,
    asked,
    codes,
    denying,
    of,
    poor,
    through,
    well_kept,
    without_what_moto_lacks,
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as found:
        well_kept(found)
        poor(found)
        yield found


@pytest.fixture
def proxy(endpoint: str) -> Iterator[Meddler]:
    with meddling(endpoint) as found:
        found.rules.append(without_what_moto_lacks)
        yield found


@pytest.fixture(scope="module")
def kept(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Report, Path]]:
    root = tmp_path_factory.mktemp("kept") / "case"
    with meddling(endpoint) as proxy:
        proxy.rules.append(without_what_moto_lacks)
        yield asked(proxy, root, KEPT), root


def test_of_a_well_kept_account_what_is_on_is_on(kept: tuple[Report, Path]) -> None:
    report, _ = kept
    on = {row.log_type for row in report.rows if row.enabled == "on"}
    assert on >= {"cloudtrail_management", "cloudtrail_data_s3", "cloudtrail_data_lambda", "guardduty", "config_item"}
    assert on >= {"vpc_flow", "ecs_event", "container_insights", "eks_audit", "cloudwatch_log"}


def test_destination_retention_integrity_and_scope_are_told(kept: tuple[Report, Path]) -> None:
    row = of(kept[0], "cloudtrail_management")
    assert (row.scope, row.destination, row.retention) == ("all Regions", "s3://kept-logs", "400 days")
    assert row.integrity == "digests, Object Lock, versions"
    assert (row.organisation_wide, row.centrally_managed, row.warnings) == (False, "", ())
    assert of(kept[0], "vpc_flow").warnings == ()


def test_a_container_without_a_driver_is_warned_of_beside_one_with_it(kept: tuple[Report, Path]) -> None:
    row = of(kept[0], "container_log")
    assert (row.enabled, row.scope, row.retention) == ("partly", "1 of 2", "365 days")
    (warned,) = [item for item in kept[0].warnings if item.code == "no_driver"]
    assert warned.things == ("shop:1/sidecar",)


def test_offline_says_what_live_said(kept: tuple[Report, Path], capsys: pytest.CaptureFixture[str]) -> None:
    report, root = kept
    assert cli.main(["readiness", "--case", str(root), "--offline", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(report_json(report)))
    with Case.open(root) as case:
        assert Report.of(case) == report


def report_json(report: Report) -> object:
    from forensics.readiness.report import json_text

    return json.loads(json_text(report))


def test_every_row_cites_records_of_the_inventory(kept: tuple[Report, Path]) -> None:
    report, root = kept
    with Case.open(root) as case:
        known = {row[0] for row in case.sql("SELECT event_id FROM event WHERE source = 'inventory'").rows()}
    assert all(set(row.evidence) <= known for row in report.rows)
    assert not [row.log_type for row in report.rows if row.enabled in ("on", "partly") and not row.evidence]


def test_of_a_bare_account_the_command_shows_that_nothing_is_on_and_which_call_was_refused(
    proxy: Meddler, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--endpoint-url", proxy.url, "--region", "us-east-1", "--role", f"arn:aws:iam::{BARE}:role/responder"]
    assert cli.main(["readiness", "--regions", "us-east-1,eu-west-1", "--case", str(tmp_path / "case"), *where]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 100
    assert f"Log readiness of account {BARE}" in shown
    assert "? securitylake:ListDataLakes: AccessDeniedException" in shown
    assert (tmp_path / "case" / "custody.jsonl").is_file()
    with Case.open(tmp_path / "case") as case:
        report = Report.of(case)
    assert {row.enabled for row in report.rows if row.log_type != "ocsf"} == {"off", "none"}
    assert of(report, "vpc_flow", "eu-west-1").scope == "0 of 1"
    assert ("cloudtrail_data_s3", "missing") in codes(report)


def test_a_poor_account_is_warned_of_each_thing_that_is_wrong(proxy: Meddler, tmp_path: Path) -> None:
    report = asked(proxy, tmp_path / "case", POOR, "us-east-1", "eu-west-1")
    assert codes(report) >= {
        ("cloudtrail_management", "single_region"),
        ("cloudtrail_management", "no_validation"),
        ("cloudtrail_management", "retention_unlimited"),
        ("cloudtrail_data_s3", "missing"),
        ("s3_access", "recursive"),
        ("vpc_flow", "no_ecs_fields"),
        ("vpc_flow", "no_pkt_fields"),
        ("vpc_flow", "coarse"),
        ("vpc_flow", "narrowed"),
        ("vpc_flow", "retention_short"),
        ("eks_audit", "audit_off"),
        ("eks_audit", "authenticator_off"),
        ("cloudwatch_log", "retention_short"),
        ("cloudwatch_log", "retention_unlimited"),
    }
    assert of(report, "cloudtrail_management", "eu-west-1").enabled == "off"
    assert of(report, "vpc_flow").enabled == "partly"
    assert of(report, "cloudtrail_management").enabled == "on"


def test_what_a_denied_or_throttled_call_would_tell_is_unknown_and_names_the_call(
    proxy: Meddler, tmp_path: Path
) -> None:
    proxy.rules.append(denying("/poor-logs?logging", "DescribeTrails"))
    proxy.rules.append(denying("DescribeFlowLogs", code="RequestLimitExceeded"))
    report = asked(proxy, tmp_path / "case", POOR)
    for log_type, region, call in (
        ("s3_access", "global", "s3:GetBucketLogging of poor-logs: AccessDenied"),
        ("cloudtrail_management", "us-east-1", "cloudtrail:DescribeTrails: AccessDenied"),
        ("vpc_flow", "us-east-1", "ec2:DescribeFlowLogs: RequestLimitExceeded"),
    ):
        row = of(report, log_type, region)
        assert (row.enabled, [str(item) for item in row.denied]) == ("unknown", [call])
        assert row.evidence
    assert of(report, "eks_audit").enabled == "off"


def test_of_an_organisation_an_account_that_cannot_be_entered_is_unknown_and_the_others_are_told(
    endpoint: str, proxy: Meddler, tmp_path: Path
) -> None:
    accounts = made(endpoint, "organizations")
    accounts.create_organization(FeatureSet="ALL")
    shut = accounts.create_account(AccountName="shut", Email="s@example.com")["CreateAccountStatus"]["AccountId"]
    free = accounts.create_account(AccountName="free", Email="f@example.com")["CreateAccountStatus"]["AccountId"]
    proxy.rules.append(lambda request: denying("AssumeRole")(request) if shut.encode() in request.body else None)
    with fresh_case(tmp_path / "case") as case:
        problems = ask(case, through(proxy), regions=["us-east-1"], role="responder")
        report = Report.of(case)
    assert len(problems) == 1 and shut in problems[0] and "AccessDenied" in problems[0]
    of_shut = [row for row in report.rows if row.account_id == shut]
    assert {row.enabled for row in of_shut} == {"unknown"}
    (denied,) = {str(item) for row in of_shut for item in row.denied}
    assert denied == f"sts:AssumeRole of arn:aws:iam::{shut}:role/responder: AccessDenied"
    assert {row.enabled for row in report.rows if row.account_id == free} >= {"off", "none"}
    assert f"Of account {shut} nothing is known: it could not be entered." in text(report)


def test_offline_needs_a_case_and_a_case_needs_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["readiness", "--offline"]) == 2
    assert "give --case CASE" in capsys.readouterr().err
    fresh_case(tmp_path / "case").close()
    assert cli.main(["readiness", "--offline", "--case", str(tmp_path / "case")]) == 1
    assert "holds no answers of AWS's APIs" in capsys.readouterr().err
