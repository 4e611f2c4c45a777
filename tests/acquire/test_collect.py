"""Calls and steps are made in each Region, every answer is evidence, and what is refused is noted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.acquire import Found
from forensics.acquire.calls import Call, call
from forensics.acquire.collect import Asking, Place, collect
from forensics.acquire.page import Asked
from forensics.aws import Aws
from forensics.case import Case
from forensics.load import load
from tests.moto_server import ACCOUNT, made, moto_server


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as found:
        yield found


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as found:
        yield found


@pytest.fixture
def aws(endpoint: str) -> Aws:
    return Aws(region="us-east-1", endpoint=endpoint, attempts=2)


def declared(service: str, operation: str) -> Call:
    found = call(service, operation)
    assert found
    return found


def test_what_is_described_is_loaded_as_inventory(case: Case, aws: Aws, endpoint: str) -> None:
    made(endpoint, "ec2").run_instances(ImageId="ami-12345678", MinCount=2, MaxCount=2)
    asked = [declared("ec2", "DescribeInstances"), declared("ec2", "DescribeNetworkInterfaces")]
    found = collect(case, aws, asked, regions=["us-east-1", "eu-west-1"])
    assert found.outcome == "complete"
    assert found.tallies["ec2", "DescribeInstances"].items == 2
    load(case, workers=1)
    rows = case.sql("SELECT region, count(resource_id), min(account_id) FROM inventory GROUP BY 1 ORDER BY 1").rows()
    assert rows == [("eu-west-1", 0, ACCOUNT), ("us-east-1", 4, ACCOUNT)]


def test_a_step_gives_records_and_notes_its_troubles(case: Case, aws: Aws) -> None:
    def looked_up(place: Place) -> Iterator[Found]:
        asked = Asked("cloudtrail", "LookupEvents", {}, place.account_id, place.region)
        yield asked.answered(0, {"Events": []})

    found = collect(case, aws, [Asking("lookup-events", looked_up)])
    assert (found.added.added, found.tallies["", "lookup-events"].pages) == (1, 1)
