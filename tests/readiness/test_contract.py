"""What is asked of every log type alike: the mission's are there, each with reasons, calls that exist, and remedies."""

import re

import botocore.session
import pytest

from forensics.acquire.calls import call
from forensics.readiness.asked import asked
from forensics.readiness.check import Check
from forensics.readiness.checks import ORDER, checks
from forensics.readiness.questions import QUESTIONS, WORKLOADS
from forensics.readiness.remedies import NONE, remedies
from forensics.sources import sources

MISSION = {
    *("cloudtrail_management", "cloudtrail_data_s3", "cloudtrail_data_lambda", "cloudtrail_insight"),
    *("cloudtrail_network", "vpc_flow", "transit_gateway_flow", "guardduty", "guardduty_features", "guardduty_export"),
    *("security_hub", "config_item", "lambda_log", "container_log", "ecs_event", "container_insights", "eks_audit"),
    *("s3_access", "alb", "alb_connection", "nlb", "clb", "cloudfront", "waf", "route53_resolver", "route53_public"),
    *("network_firewall", "api_gateway", "rds_log", "ssm_session", "host_log", "ocsf", "cloudwatch_log", "pod_log"),
}


def test_every_log_type_of_the_mission_is_checked() -> None:
    assert set(checks()) == MISSION
    assert list(checks()) == list(ORDER)


@pytest.mark.parametrize("check", checks().values(), ids=lambda check: check.name)
def test_a_check_says_why_at_what_cost_how_late_and_where_aws_tells_it(check: Check) -> None:
    assert check.title and check.why and check.cost and check.delay
    assert re.match(r"[A-Z]", check.reference) and len(check.reference) > 10
    assert len(check.title) <= 30
    assert not check.kind or check.kind in sources()
    assert all(text and text[0].islower() for text in check.warnings.values())


@pytest.mark.parametrize("check", checks().values(), ids=lambda check: check.name)
def test_what_a_check_rests_on_is_asked(check: Check) -> None:
    keys = {item.key for item in asked()}
    assert {":".join(key) for key in check.calls} <= keys
    assert not call(*check.calls[0]).parent  # type: ignore[union-attr]
    assert set(re.findall(r"operation (?:=|IN) \(?'(\w+)'", check.sql)) <= {item.operation for item in asked()} | {
        "GetLoggingConfiguration"
    }


def test_every_call_has_its_parent_and_its_parameters_are_the_operations() -> None:
    keys = {item.key for item in asked()}
    session = botocore.session.get_session()
    for item in asked():
        assert not item.parent or item.parent in keys
        shape = session.get_service_model(item.service).operation_model(item.operation).input_shape
        members = shape.members if shape else {}
        named = {*(item.given or {}), *(item.parameters or {}), *([item.about] if item.about else [])}
        assert named <= set(members), item.key


def test_every_warning_and_every_log_that_is_off_has_a_remedy_or_a_reason_for_none() -> None:
    closed = {(name, code) for item in remedies() for name, codes in item.closes.items() for code in codes}
    wanted = {(name, code) for name, check in checks().items() for code in (*check.warnings, "off")}
    assert wanted - closed - set(NONE) == set()
    assert closed <= wanted
    assert len({item.name for item in remedies()}) == len(remedies())


def test_every_question_needs_logs_that_are_checked_and_conditions_that_they_have() -> None:
    for question in QUESTIONS:
        assert question.needs and question.workload in WORKLOADS
        for need in (need for group in question.needs for need in group):
            assert set(need.without) <= set(checks()[need.log_type].warnings), question.text
    assert {question.workload for question in QUESTIONS} == set(WORKLOADS)
    assert len({(item.workload, item.text) for item in QUESTIONS}) == len(QUESTIONS)
