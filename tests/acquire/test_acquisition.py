"""An acquisition says in the custody record and in the case who asked for what, and how it ended."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics import custody
from forensics.acquire.acquisition import acquisition
from forensics.aws import Aws, Trouble
from forensics.case import Case
from forensics.errors import AwsError
from tests.fresh import fresh_case
from tests.moto_server import ACCOUNT, moto_server

DENIED = Trouble("denied", "AccessDenied", "no")


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with moto_server() as endpoint:
        yield Aws(region="eu-west-1", endpoint=endpoint)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with fresh_case(tmp_path / "case") as made:
        yield made


def test_begin_and_end_stand_in_the_chain_with_the_caller(case: Case, aws: Aws) -> None:
    with acquisition(case, aws, "s3", command="add s3://b", parameters={"from": "2026-11-05"}) as made:
        made.objects, made.bytes = 3, 300
    begun, ended = custody.entries(case.path)
    assert begun["command"] == "begin add s3://b" and ended["command"] == "end add s3://b"
    assert begun["detail"]["caller"]["account_id"] == ACCOUNT
    assert (begun["detail"]["region"], begun["detail"]["endpoint"]) == ("eu-west-1", aws.endpoint)
    assert begun["detail"]["parameters"] == {"from": "2026-11-05"}
    assert (ended["detail"]["outcome"], ended["detail"]["objects"]) == ("complete", 3)
    assert custody.check(case.path) == []
    row = case.sql("SELECT kind, account_id, outcome, objects, bytes, ended_at >= started_at FROM acquisition").rows()
    assert row == [("s3", ACCOUNT, "complete", 3, 300, True)]


def test_what_could_not_be_had_makes_it_partial_or_failed(case: Case, aws: Aws) -> None:
    for objects in (1, 0):
        with acquisition(case, aws, "api", command="collect account", parameters={}) as made:
            made.objects = objects
            made.trouble("ec2 DescribeInstances in eu-west-1", DENIED)
    rows = case.sql("SELECT outcome, problems->>'$[0].code' FROM acquisition ORDER BY started_at").rows()
    assert rows == [("partial", "AccessDenied"), ("failed", "AccessDenied")]


def test_one_that_is_interrupted_has_no_end(case: Case, aws: Aws) -> None:
    with pytest.raises(KeyboardInterrupt), acquisition(case, aws, "s3", command="add s3://b", parameters={}):
        raise KeyboardInterrupt
    assert case.sql("SELECT outcome, ended_at FROM acquisition").rows() == [(None, None)]
    assert [entry["command"] for entry in custody.entries(case.path)] == ["begin add s3://b"]


def test_without_a_caller_nothing_is_recorded(case: Case, monkeypatch: pytest.MonkeyPatch, aws: Aws) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AwsError, match="who is calling"):
        with acquisition(case, Aws(endpoint=aws.endpoint), "s3", command="add", parameters={}):
            pass
    assert case.sql("SELECT count(*) FROM acquisition").rows() == [(0,)]
