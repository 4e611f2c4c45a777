"""Answers are whole or they are errors."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import IncompleteReadError

from forensics.acquire.asking import Lost, Paged
from forensics.aws import Aws
from tests.acquire.asked import at, unlimited
from tests.api_server import Api, Fault, api_server

GROUPS = Paged("logs", "DescribeLogGroups", "logGroups", "nextToken")


@pytest.fixture
def api() -> Iterator[Api]:
    with api_server() as found:
        yield found


def test_an_answer_that_was_cut_off_is_an_error_and_not_an_empty_answer(api: Api) -> None:
    api.handlers["DescribeLogGroups"] = lambda _: Fault(cut=True)
    aws = Aws(region="us-east-1", endpoint=api.endpoint, attempts=1)
    with pytest.raises(IncompleteReadError, match="21 read, but total bytes expected is 121"):
        aws.call("logs", "DescribeLogGroups")
    with pytest.raises(IncompleteReadError):
        list(aws.pages("logs", "DescribeLogGroups"))


def test_an_answer_that_was_cut_off_once_is_asked_for_again(api: Api) -> None:
    faults = iter([Fault(cut=True)])
    api.handlers["DescribeLogGroups"] = lambda _: next(faults, {"logGroups": []})
    assert GROUPS.answer(at(api.endpoint).place, {}, unlimited())["logGroups"] == []


def test_a_refusal_is_not_asked_again(api: Api) -> None:
    api.handlers["DescribeLogGroups"] = lambda _: Fault("AccessDeniedException", message="no\nlogs for you")
    with pytest.raises(Lost, match="no logs for you"):
        GROUPS.answer(at(api.endpoint).place, {}, unlimited())
    assert api.counts["DescribeLogGroups"] == 1
