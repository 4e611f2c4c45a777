"""What AWS Config recorded of named resources is had whole, and loads as its items do."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from forensics.acquire import api_config_history
from forensics.acquire.collect import Asking, collect
from forensics.acquire.step import Wanted
from forensics.aws import Aws
from forensics.case import Case
from forensics.load import load
from tests.acquire.asked import END, START, at, pages, read, unlimited
from tests.api_server import ACCOUNT, Api, Fault, api_server

history = partial(api_config_history.found, limiter=unlimited)
KIND = "AWS::EC2::NetworkInterface"


@pytest.fixture
def api() -> Iterator[Api]:
    with api_server() as found:
        found.handlers["GetResourceConfigHistory"] = items
        found.handlers["ListDiscoveredResources"] = lambda request: {
            "resourceIdentifiers": [{"resourceType": KIND, "resourceId": f"eni-0{name}"} for name in "ab"]
        }
        yield found


def items(request: dict[str, Any]) -> dict[str, Any]:
    """Two items in two pages."""
    second = "nextToken" in request
    item = {
        "version": "1.3",
        "accountId": ACCOUNT,
        "configurationItemCaptureTime": 1793869801.123 + 60 * second,
        "configurationItemStatus": "OK",
        "configurationStateId": str(int(second)),
        "arn": f"arn:aws:ec2:us-east-1:{ACCOUNT}:network-interface/{request['resourceId']}",
        "resourceType": request["resourceType"],
        "resourceId": request["resourceId"],
        "awsRegion": "us-east-1",
        "configuration": '{"networkInterfaceId":"eni-0a","privateIpAddress":"10.0.1.23"}',
    }
    return {"configurationItems": [item]} if second else {"configurationItems": [item], "nextToken": "2"}


def test_items_of_a_resource_are_loaded(api: Api, tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        wanted = Wanted(START, END, resources=(f"{KIND}/eni-0a",))
        collect(
            case, Aws(region="us-east-1", endpoint=api.endpoint), [Asking("config-history", history)], wanted=wanted
        )
        load(case, workers=1)
        rows = case.sql(
            "SELECT resource_id, aws_account_id, aws_region, configuration->>'$.privateIpAddress' FROM config_item"
        ).rows()
        assert rows == [("eni-0a", ACCOUNT, "us-east-1", "10.0.1.23")] * 2
        (asked, _) = api.requests("GetResourceConfigHistory")
        assert "earlierTime" not in asked and asked["laterTime"] == 1793923200


def test_all_resources_of_a_type_are_asked_for_deleted_ones_too(api: Api, tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        wanted = Wanted(resources=(KIND,))
        collect(
            case, Aws(region="us-east-1", endpoint=api.endpoint), [Asking("config-history", history)], wanted=wanted
        )
        load(case, workers=1)
        assert case.sql("SELECT DISTINCT resource_id FROM config_item ORDER BY 1").rows() == [("eni-0a",), ("eni-0b",)]
        assert case.sql("SELECT resource_id FROM inventory ORDER BY 1").rows() == [("eni-0a",), ("eni-0b",)]
        assert api.requests("ListDiscoveredResources")[0]["includeDeletedResources"] is True


def test_what_is_in_the_case_is_not_asked_again(api: Api) -> None:
    wanted = {"resources": (f"{KIND}/eni-0a",)}
    done = read(history(at(api.endpoint, **wanted).place))
    assert [uri.rpartition("/")[2] for uri, _ in done] == ["00000.json", "last.json"]
    assert read(history(at(api.endpoint, held=[uri for uri, _ in done], **wanted).place)) == []


def test_a_resource_that_config_does_not_know_is_an_answer(api: Api) -> None:
    api.handlers["GetResourceConfigHistory"] = lambda _: Fault("ResourceNotDiscoveredException")
    noted = at(api.endpoint, resources=(f"{KIND}/eni-0a",))
    (page,) = pages(read(history(noted.place)))
    assert page["call"]["absent"] == "ResourceNotDiscoveredException" and noted.troubles == []


def test_where_config_records_nothing_one_line_says_so(api: Api) -> None:
    api.handlers["GetResourceConfigHistory"] = lambda _: Fault(
        "NoAvailableConfigurationRecorderException", message="none"
    )
    noted = at(api.endpoint, resources=(f"{KIND}/eni-0a", f"{KIND}/eni-0b"))
    assert read(history(noted.place)) == []
    assert len(noted.troubles) == 1


def test_what_is_no_resource_is_said_and_the_others_are_asked(api: Api) -> None:
    noted = at(api.endpoint, resources=("i-0abc", f"{KIND}/eni-0a"))
    assert len(read(history(noted.place))) == 2
    assert "'i-0abc' is no resource: give TYPE/ID or TYPE" in str(noted.troubles[0][1])
