"""The plan and the page: text to review, in order of worth, out of which no name of a thing can break."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from forensics.readiness.html import html
from forensics.readiness.plan import plan
from forensics.readiness.quoting import comment, hcl, label, shell
from forensics.readiness.report import Report, json_text
from tests.readiness.accounts import held, page
from tests.readiness.test_assess import HOSTILE, functions


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Everything is off, and every name is hostile."""
    group, bucket = {"logGroupName": HOSTILE}, {"Name": HOSTILE}
    cluster = {"cluster": {"name": HOSTILE, "logging": {"clusterLogging": []}}}
    trail = {"Name": HOSTILE, "TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/x", "S3BucketName": "b"}
    balancers = [
        {"LoadBalancerArn": kind, "LoadBalancerName": HOSTILE, "Type": kind} for kind in ("application", "network")
    ]
    definition = {"family": HOSTILE, "revision": 1, "containerDefinitions": [{"name": HOSTILE}]}
    pages = [
        functions({"FunctionName": HOSTILE, "LoggingConfig": {"LogFormat": "Text", "LogGroup": HOSTILE}}),
        page("logs", "DescribeLogGroups", {"logGroups": [group]}),
        page("s3", "ListBuckets", {"Buckets": [bucket]}),
        page(
            "s3", "GetBucketLogging", {"LoggingEnabled": {"TargetBucket": HOSTILE, "TargetPrefix": ""}}, Bucket=HOSTILE
        ),
        page("s3", "GetBucketLifecycleConfiguration", {"Rules": []}, Bucket=HOSTILE),
        page("eks", "ListClusters", {"clusters": [HOSTILE]}),
        page("eks", "DescribeCluster", cluster, name=HOSTILE),
        page("ec2", "DescribeVpcs", {"Vpcs": [{"VpcId": HOSTILE}]}),
        page("ec2", "DescribeFlowLogs", {"FlowLogs": []}),
        page("route53resolver", "ListResolverQueryLogConfigAssociations", {"ResolverQueryLogConfigAssociations": []}),
        page("cloudtrail", "DescribeTrails", {"trailList": [trail]}),
        page("cloudtrail", "GetTrailStatus", {"IsLogging": False}, Name=trail["TrailARN"]),
        page("cloudtrail", "GetEventSelectors", {"EventSelectors": []}, TrailName=trail["TrailARN"]),
        page("guardduty", "ListDetectors", {"DetectorIds": []}),
        page("config", "DescribeConfigurationRecorders", {"ConfigurationRecorders": []}),
        page("ecs", "ListClusters", {"clusterArns": [HOSTILE]}),
        page(
            "ecs",
            "DescribeClusters",
            {"clusters": [{"clusterName": HOSTILE, "settings": [{"name": "containerInsights", "value": "disabled"}]}]},
            clusters=[HOSTILE],
        ),
        page("ecs", "DescribeTaskDefinition", {"taskDefinition": definition}, taskDefinition=HOSTILE),
        page("events", "ListRules", {"Rules": []}),
        page("elbv2", "DescribeLoadBalancers", {"LoadBalancers": balancers}),
        *(
            page(
                "elbv2",
                "DescribeLoadBalancerAttributes",
                {"Attributes": [{"Key": "a", "Value": "b"}]},
                LoadBalancerArn=kind,
            )
            for kind in ("application", "network")
        ),
        page("rds", "DescribeDBInstances", {"DBInstances": [{"DBInstanceIdentifier": HOSTILE}]}),
        page("apigateway", "GetRestApis", {"items": [{"id": "a1"}]}),
        page("apigateway", "GetStages", {"item": [{"stageName": HOSTILE}]}, restApiId="a1"),
        page("wafv2", "ListWebACLs", {"WebACLs": [{"Name": HOSTILE, "ARN": "arn:x"}]}, Scope="REGIONAL"),
        page("wafv2", "ListLoggingConfigurations", {"LoggingConfigurations": []}, Scope="REGIONAL"),
        page("route53", "ListHostedZones", {"HostedZones": [{"Id": "/hostedzone/Z1", "Name": HOSTILE}]}),
        page("route53", "ListQueryLoggingConfigs", {"QueryLoggingConfigs": []}),
        page("cloudfront", "ListDistributions", {"DistributionList": {"Items": [{"Id": HOSTILE, "ARN": "arn:y"}]}}),
        page(
            "cloudfront",
            "GetDistributionConfig",
            {"DistributionConfig": {"Logging": {"Enabled": False, "Bucket": ""}}},
            Id=HOSTILE,
        ),
        page("logs", "DescribeDeliverySources", {"deliverySources": []}),
        page("securityhub", "DescribeHub", {}),
        page("securitylake", "ListDataLakes", {"dataLakes": []}),
        page("ssm", "GetDocument", {}, Name="SSM-SessionManagerRunShell"),
    ]
    return held(tmp_path_factory.mktemp("hostile") / "case", *pages)


def test_the_plan_has_a_step_for_everything_that_is_off_the_worthiest_first(report: Report) -> None:
    steps = [step.remedy.name for step in plan(report).steps]
    assert steps[:2] == ["log_bucket", "trail"]
    assert len(steps) == len(set(steps))
    assert set(steps) >= {
        "recursive",
        "guardduty",
        "eks_control_plane",
        "flow_logs",
        "config",
        "ecs_events",
        "resolver",
    }
    assert set(steps) >= {"container_driver", "retention", "lambda_json", "balancers", "waf", "cloudfront", "rds_audit"}


@pytest.mark.parametrize("language", ["terraform", "cli"])
def test_a_plan_says_that_nothing_was_done_and_each_step_why(report: Report, language: str) -> None:
    made = plan(report).text(language)
    assert "To review; nothing was" in "\n".join(made.splitlines()[:3])
    numbered = re.findall(r"^# (\d+)\. ", made, re.MULTILINE)
    assert numbered == [str(number) for number in range(1, len(plan(report).steps) + 1)]
    assert made.count("# Why: ") == len(numbered) <= made.count("# Closes: ")
    assert "\x1b" not in made


def test_no_name_is_run_by_a_shell(report: Report, tmp_path: Path) -> None:
    """Every command is a function that prints its words: a name that breaks out would do something else."""
    script = f"set -u\naws() {{ printf '%s\\n' \"$@\"; }}\nrm() {{ echo BROKEN; }}\n{plan(report).text('cli')}\n"
    script += "echo END\n"
    done = subprocess.run(
        [str(shutil.which("bash"))],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "/nowhere"},
    )
    assert done.stderr == ""
    assert done.stdout.endswith("END\n") and "BROKEN" not in done.stdout
    assert HOSTILE in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("terraform") is None, reason="without Terraform its text is not parsed")
def test_terraform_parses_the_plan(report: Report, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(plan(report).text("terraform"), "utf-8")
    done = subprocess.run(
        ["terraform", "fmt", "-no-color", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_quoted_string_of_hcl_holds_no_template_and_does_not_end_early() -> None:
    assert hcl('a"b\\c\n${x}%{y}') == '"a\\"b\\\\c\\n$${x}%%{y}"'
    assert hcl("\x1b[0m") == '"\\u001b[0m"'
    assert hcl("😀é") == '"😀\\u00e9"'


def test_a_word_of_a_shell_and_a_comment_are_one_line() -> None:
    assert shell("it's") == "'it'\"'\"'s'"
    assert shell("a\nb") == "$'a\\x0ab'"
    assert comment("a\nb\x1b") == "# a b\\x1b"
    assert re.fullmatch(r"[a-z0-9_]+", label(HOSTILE)) and label("a", "b") != label("ab")


def test_the_page_escapes_every_name_and_loads_nothing(report: Report) -> None:
    made = html(report)
    assert "<b>x</b>" not in made and "&lt;b&gt;x&lt;/b&gt;" in made and "\x1b" not in made
    assert "<script" not in made and not re.search(r"(?:src|href)=[\"'](?!#)", made)
    assert "default-src 'none'" in made


def test_json_is_plain_ascii(report: Report) -> None:
    assert json_text(report).isascii() and "\x1b" not in json_text(report)
