"""Inventories made by hand: what each log type says of them, and which questions stay open."""

from pathlib import Path
from typing import Any

import pytest

from forensics.readiness.report import Report
from forensics.readiness.text import text
from tests.fresh import fresh_case
from tests.readiness.accounts import of, page, worlds

HOSTILE = "<b>x</b>\x1b[31m${file('/etc/passwd')} '; rm -rf / #\"%{ if true }=cmd|A1"
ALB = "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/web/1"


def functions(*items: dict[str, Any]) -> Any:
    return page("lambda", "ListFunctions", {"Functions": list(items)})


def balancer(*attributes: tuple[str, str]) -> list[Any]:
    listed = {"LoadBalancers": [{"LoadBalancerArn": ALB, "LoadBalancerName": "web", "Type": "application"}]}
    said = {"Attributes": [{"Key": key, "Value": value} for key, value in attributes]}
    return [
        page("elbv2", "DescribeLoadBalancers", listed),
        page("elbv2", "DescribeLoadBalancerAttributes", said, LoadBalancerArn=ALB),
    ]


def firewall_manager() -> list[Any]:
    arn = "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/FMManagedWebACLV2-x/1"
    to = ["arn:aws:s3:::aws-waf-logs-x"]
    said = {"ResourceArn": arn, "LogDestinationConfigs": to, "ManagedByFirewallManager": True}
    return [
        page("wafv2", "ListWebACLs", {"WebACLs": [{"Name": "FMManagedWebACLV2-x", "ARN": arn}]}, Scope="REGIONAL"),
        page("wafv2", "ListLoggingConfigurations", {"LoggingConfigurations": [said]}, Scope="REGIONAL"),
    ]


def administered() -> list[Any]:
    recorder = {"name": "default", "recordingGroup": {"allSupported": True}}
    recorder |= {"recordingMode": {"recordingFrequency": "DAILY"}}
    status = {"ConfigurationRecordersStatus": [{"name": "default", "recording": True}]}
    aggregator = {"ConfigurationAggregatorName": "all", "OrganizationAggregationSource": {"AllAwsRegions": True}}
    detector = {"Status": "ENABLED", "Features": [{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}]}
    administrator = {"Administrator": {"AccountId": "444455556666"}}
    return [
        page("guardduty", "ListDetectors", {"DetectorIds": ["d1"]}),
        page("guardduty", "GetDetector", detector, DetectorId="d1"),
        page("guardduty", "GetAdministratorAccount", administrator, DetectorId="d1"),
        page("config", "DescribeConfigurationRecorders", {"ConfigurationRecorders": [recorder]}),
        page("config", "DescribeConfigurationRecorderStatus", status),
        page("config", "DescribeDeliveryChannels", {"DeliveryChannels": [{"name": "default", "s3BucketName": "b"}]}),
        page("config", "DescribeConfigurationAggregators", {"ConfigurationAggregators": [aggregator]}),
    ]


def organisation_trail() -> list[Any]:
    arn = "arn:aws:cloudtrail:us-east-1:444455556666:trail/org"
    trail = {"Name": "org", "TrailARN": arn, "HomeRegion": "us-east-1", "S3BucketName": "central"}
    trail |= {"IsMultiRegionTrail": True, "IsOrganizationTrail": True, "LogFileValidationEnabled": True}
    trail |= {"KmsKeyId": "arn:aws:kms:us-east-1:444455556666:key/1"}
    chosen = [
        {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::orders/"]},
        {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]},
    ]
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": chosen}
    selector |= {"ExcludeManagementEventSources": []}
    return [
        page("cloudtrail", "DescribeTrails", {"trailList": [trail]}),
        page("cloudtrail", "GetTrailStatus", {"IsLogging": True}, Name=arn),
        page("cloudtrail", "GetEventSelectors", {"EventSelectors": [selector]}, TrailName=arn),
    ]


def three_functions() -> list[Any]:
    groups = [{"logGroupName": "/shared", "retentionInDays": 14}, {"logGroupName": "/aws/lambda/plain"}]
    return [
        functions(
            {"FunctionName": "shared", "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/shared"}},
            {"FunctionName": "plain", "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/plain"}},
            {"FunctionName": "never"},
        ),
        page("logs", "DescribeLogGroups", {"logGroups": groups}),
    ]


def changed_cluster() -> list[Any]:
    on = {"clusterLogging": [{"types": ["api", "audit", "authenticator"], "enabled": True}]}
    off: dict[str, Any] = {"clusterLogging": []}
    return [
        page("eks", "ListClusters", {"clusters": ["c"]}),
        *(page("eks", "DescribeCluster", {"cluster": {"name": "c", "logging": said}}, name="c") for said in (off, on)),
    ]


def targets_refused() -> list[Any]:
    rule = {"Name": "ecs", "Arn": "arn:r", "State": "ENABLED", "EventPattern": '{"source":["aws.ecs"]}'}
    return [
        page("ecs", "ListClusters", {"clusterArns": ["arn:c"]}),
        page("ecs", "DescribeClusters", {"clusters": [{"clusterName": "c", "settings": []}]}, clusters=["arn:c"]),
        page("events", "ListRules", {"Rules": [rule]}),
        page("events", "ListTargetsByRule", None, Rule="ecs"),
    ]


def cut_short() -> list[Any]:
    """A list of functions of which the second page was refused; the bucket of access logs may not be looked at."""
    first, answer = functions({"FunctionName": "f", "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/f"}})
    groups = page("logs", "DescribeLogGroups", {"logGroups": [{"logGroupName": "/f", "retentionInDays": 365}]})
    member = {"Organization": {"Id": "o-1", "MasterAccountId": "444455556666"}}
    return [
        (first, answer),
        (first, None),
        groups,
        page("s3", "GetBucketPolicy", None, Bucket="b"),
        page("organizations", "DescribeOrganization", member),
    ]


ACCESS = [("access_logs.s3.enabled", "true"), ("access_logs.s3.bucket", "b"), ("deletion_protection.enabled", "false")]
WORLDS = {
    "nothing asked": [page("ec2", "DescribeVpcs", {"Vpcs": []})],
    "balancer": balancer(*ACCESS),
    "firewall manager": firewall_manager(),
    "administered": administered(),
    "organisation trail": organisation_trail(),
    "functions": three_functions(),
    "groups refused": [functions({"FunctionName": "f"}), page("logs", "DescribeLogGroups", None)],
    "changed": changed_cluster(),
    "targets refused": targets_refused(),
    "cut short": cut_short(),
    "shared network": [
        page("ec2", "DescribeVpcs", {"Vpcs": [{"VpcId": "vpc-1", "OwnerId": "444455556666"}]}),
        page(
            "ec2",
            "DescribeNetworkInterfaces",
            {"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "VpcId": "vpc-1"}]},
        ),
        page("ec2", "DescribeFlowLogs", {"FlowLogs": []}),
    ],
    "hostile": [
        functions({"FunctionName": HOSTILE}),
        page("logs", "DescribeLogGroups", {"logGroups": []}),
        page("ec2", "DescribeVpcs", {"Vpcs": [{"VpcId": HOSTILE}]}),
        page("ec2", "DescribeFlowLogs", {"FlowLogs": []}),
    ],
}
ACCOUNTS = {name: f"{number:012d}" for number, name in enumerate(WORLDS, 1)}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Every world an account of its own, in one case."""
    root = tmp_path_factory.mktemp("worlds") / "case"
    return worlds(root, {ACCOUNTS[name]: pages for name, pages in WORLDS.items()})


def row(report: Report, world: str, log_type: str) -> Any:
    return of(report, log_type, account=ACCOUNTS[world])


def verdict(report: Report, world: str, text_of: str) -> str:
    (found,) = [item for item in report.answers if item.account_id == ACCOUNTS[world] and item.question.text == text_of]
    return found.verdict


def test_a_case_without_an_inventory_has_no_readiness(tmp_path: Path) -> None:
    with fresh_case(tmp_path / "case") as case:
        empty = Report.of(case)
    assert (empty.rows, empty.accounts, text(empty)) == ((), [], "")


def test_a_call_that_was_never_made_leaves_its_log_unknown(report: Report) -> None:
    rows = [item for item in report.rows if item.account_id == ACCOUNTS["nothing asked"]]
    assert {item.enabled for item in rows} == {"unknown"}
    (denied,) = row(report, "nothing asked", "cloudtrail_management").denied
    assert str(denied) == "cloudtrail:DescribeTrails: not asked"


def test_a_balancer_has_access_logs_and_connection_logs_apart(report: Report) -> None:
    alb = row(report, "balancer", "alb")
    assert (alb.enabled, alb.destination) == ("on", "s3://b")
    assert row(report, "balancer", "alb_connection").enabled == "off"


def test_a_web_acl_under_firewall_manager_is_centrally_managed(report: Report) -> None:
    waf = row(report, "firewall manager", "waf")
    assert (waf.enabled, waf.destination) == ("on", "arn:aws:s3:::aws-waf-logs-x")
    assert (waf.organisation_wide, waf.centrally_managed) == (True, "Firewall Manager")


def test_guardduty_has_its_administrator_and_config_its_aggregator(report: Report) -> None:
    assert row(report, "administered", "guardduty").centrally_managed == "administrator 444455556666"
    features = row(report, "administered", "guardduty_features")
    assert (features.enabled, features.scope) == ("partly", "1 of 6")
    config = row(report, "administered", "config_item")
    assert (config.enabled, config.organisation_wide, config.warnings) == ("on", True, ("daily",))
    assert verdict(report, "administered", "What a resource was like before it was changed") == "no"


def test_an_organisation_trail_with_chosen_buckets_is_on_for_a_part_of_them(report: Report) -> None:
    trail = row(report, "organisation trail", "cloudtrail_management")
    assert (trail.enabled, trail.organisation_wide, trail.centrally_managed) == ("on", True, "organisation trail")
    assert (trail.encryption, trail.retention) == ("SSE-KMS", "unknown")
    assert row(report, "organisation trail", "cloudtrail_data_s3").enabled == "partly"
    assert row(report, "organisation trail", "cloudtrail_data_lambda").enabled == "on"
    assert verdict(report, "organisation trail", "Which credential invoked the function") == "yes"
    assert verdict(report, "organisation trail", "With which credential it was read") == "partly"


def test_a_function_writes_where_its_logging_configuration_says(report: Report) -> None:
    logs = row(report, "functions", "lambda_log")
    assert (logs.enabled, logs.scope, logs.retention) == ("partly", "2 of 3", "14 days, unlimited")
    mine = [item for item in report.warnings if item.account_id == ACCOUNTS["functions"]]
    assert {(item.code, item.things) for item in mine if item.log_type == "lambda_log"} == {
        ("no_group", ("never",)),
        ("text_format", ("plain",)),
        ("retention_unlimited", ("plain",)),
        ("retention_short", ("shared",)),
    }
    assert verdict(report, "functions", "Which line of its log belongs to which invocation") == "partly"


def test_of_refused_log_groups_functions_are_unknown_and_not_without_logs(report: Report) -> None:
    logs = row(report, "groups refused", "lambda_log")
    assert (logs.enabled, [str(item) for item in logs.denied]) == ("unknown", ["logs:DescribeLogGroups: AccessDenied"])


def test_of_refused_targets_a_rule_is_unknown_and_not_off(report: Report) -> None:
    events = row(report, "targets refused", "ecs_event")
    assert (events.enabled, [str(item) for item in events.denied]) == (
        "unknown",
        ["events:ListTargetsByRule of ecs: AccessDenied"],
    )


def test_of_a_list_that_was_cut_short_the_rest_is_unknown(report: Report) -> None:
    logs = row(report, "cut short", "lambda_log")
    assert (logs.enabled, logs.scope) == ("unknown", "1 of 1")
    assert [str(item) for item in logs.denied] == ["lambda:ListFunctions: AccessDenied"]


def test_a_refused_call_that_tells_details_is_shown_too_and_who_manages_the_organisation(report: Report) -> None:
    assert report.unknown[ACCOUNTS["cut short"], "s3:GetBucketPolicy of b: AccessDenied"] == []
    assert "? details, such as retention or who administers: s3:GetBucketPolicy of b: AccessDenied" in text(report)
    assert report.managed == {ACCOUNTS["cut short"]: "444455556666"}


def test_a_network_that_another_account_shares_is_logged_by_its_owner(report: Report) -> None:
    assert row(report, "shared network", "vpc_flow").enabled == "none"


def test_the_latest_answer_holds(report: Report) -> None:
    assert row(report, "changed", "eks_audit").enabled == "on"


def test_questions_about_workloads_that_an_account_has_not_are_not_open(report: Report) -> None:
    assert verdict(report, "changed", "Who did what in the cluster") == "yes"
    assert verdict(report, "functions", "What the function spoke with") == "unknown"


def test_names_that_act_on_a_terminal_are_shown_harmless(report: Report) -> None:
    shown = text(report)
    assert "\x1b" not in shown and "\\x1b[31m" in shown
    assert max(map(len, shown.splitlines())) <= 100
