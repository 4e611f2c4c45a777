"""The policy allows what is collected, and nothing that is no read; its actions are IAM's."""

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import moto
import pytest

from forensics.acquire import policy
from forensics.acquire.calls import Call, declarations
from forensics.acquire.sets import named, sets, steps
from forensics.acquire.step import Wanted
from forensics.errors import UsageError

MANAGED = Path(moto.__file__).parent / "iam/aws_managed_policies.py"
"""AWS's own managed policies, as moto has them: every action that they name."""
BESIDE = {"securityhub:GetAdministratorAccount"}
"""Actions of the Service Authorization Reference that no managed policy names but by a pattern."""
READS = r"[a-z0-9-]+:(?:BatchGet|Describe|Filter|Get|GET|Head|List|Lookup|Search|Select|StartQuery|Decrypt)\w*"
SHOP = Wanted(functions=("shop:1",), clusters=("prod",))


@pytest.fixture(scope="module")
def known() -> set[str]:
    return set(re.findall(r'"([a-z0-9-]+:\w+)"', MANAGED.read_text("utf-8"))) | BESIDE


def whole(wanted: Wanted = SHOP) -> dict[str, list[str]]:
    """Every action with its resources."""
    allowed = [policy.of_set(item, wanted, [steps()[name] for name in item.steps]) for item in sets().values()]
    document = policy.document(
        [*allowed, policy.of_bucket("s3://logs/AWSLogs", ["arn:aws:kms:us-east-1:111122223333:key/k"])]
    )
    statements = document["Statement"]
    return {action: statement["Resource"] for statement in statements for action in statement["Action"]}


@pytest.mark.parametrize("call", declarations(), ids=lambda call: call.key)
def test_the_action_of_a_call_is_one_of_iams(call: Call, known: set[str]) -> None:
    assert policy.action(call) in known


def test_every_action_is_a_read_that_iam_knows(known: set[str]) -> None:
    assert [action for action in whole() if action not in known or not re.fullmatch(READS, action)] == []


def test_an_action_stands_in_one_statement_of_a_document_that_iam_takes() -> None:
    document = policy.document([policy.of_set(named("lambda"), SHOP, []), policy.of_set(named("eks"), SHOP, [])])
    assert document["Version"] == "2012-10-17"
    actions = [action for statement in document["Statement"] for action in statement["Action"]]
    assert len(actions) == len(set(actions))
    assert all(re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"]) for statement in document["Statement"])
    assert len({statement["Sid"] for statement in document["Statement"]}) == len(document["Statement"])
    assert {statement["Effect"] for statement in document["Statement"]} == {"Allow"}


def test_the_largest_policy_fits_into_a_managed_policy() -> None:
    allowed = [policy.of_set(item, Wanted(), [steps()[name] for name in item.steps]) for item in sets().values()]
    assert len(json.dumps(policy.document(allowed), separators=(",", ":"))) < 6144


def test_what_can_be_narrowed_to_what_is_named_is() -> None:
    allowed = policy.of_set(named("lambda"), SHOP, [])
    shop = ["arn:*:lambda:*:*:function:shop", "arn:*:lambda:*:*:function:shop:*"]
    assert allowed["lambda:GetFunction"] == allowed["lambda:GetPolicy"] == shop
    assert allowed["lambda:ListEventSourceMappings"] == allowed["iam:GetRole"] == ["*"]
    assert policy.of_set(named("eks"), SHOP, [])["eks:DescribeCluster"] == ["arn:*:eks:*:*:cluster/prod"]
    assert policy.of_set(named("lambda"), Wanted(), [])["lambda:GetFunction"] == ["*"]


def test_events_are_read_of_the_log_groups_that_are_named() -> None:
    wanted = named("lambda").narrowed(replace(SHOP, start=datetime(2026, 11, 5)))
    made = [steps()[name] for name in named("lambda").steps_for(wanted)]
    allowed = policy.of_set(named("lambda"), wanted, made)
    assert allowed["logs:FilterLogEvents"] == ["arn:*:logs:*:*:log-group:/aws/lambda/shop:*"]
    assert allowed["cloudtrail:LookupEvents"] == allowed["logs:DescribeLogGroups"] == ["*"]
    wild = policy.of_set(named("log-groups"), Wanted(log_groups=("/aws/[ab]*",)), [steps()["log-groups"]])
    assert wild["logs:FilterLogEvents"] == ["*"]


def test_a_bucket_is_read_under_its_prefix_and_decrypted_with_its_key() -> None:
    key = "arn:aws:kms:us-east-1:111122223333:key/k"
    allowed = policy.of_bucket("s3://logs/AWSLogs/111122223333/", [key])
    assert allowed["s3:ListBucket"] == ["arn:*:s3:::logs"]
    assert allowed["s3:GetObjectVersion"] == ["arn:*:s3:::logs/AWSLogs/111122223333/*"]
    assert allowed["kms:Decrypt"] == [key]
    assert "kms:Decrypt" not in policy.of_bucket("s3://logs")
    with pytest.raises(UsageError, match="give s3://BUCKET"):
        policy.of_bucket("logs")
