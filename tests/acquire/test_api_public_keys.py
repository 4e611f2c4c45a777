"""The keys of CloudTrail's digests are had from each Region and loaded with it."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from forensics.acquire import api_public_keys
from forensics.acquire.collect import Asking, collect
from forensics.acquire.step import Wanted
from forensics.aws import Aws
from forensics.case import Case
from forensics.load import load
from tests.acquire.asked import END, START, at, read, unlimited
from tests.api_server import ACCOUNT, Api, Fault, api_server

listed = partial(api_public_keys.found, limiter=unlimited)
KEY = {"Value": "MIIBCgKCAQEAn11L2YA=", "Fingerprint": "8eba5db5", "ValidityStartTime": 1793664000.5}


@pytest.fixture
def api() -> Iterator[Api]:
    with api_server() as found:
        found.handlers["ListPublicKeys"] = lambda _: {"PublicKeyList": [KEY | {"ValidityEndTime": 1796256000}]}
        yield found


def test_keys_are_loaded_with_their_region(api: Api, tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        aws = Aws(region="eu-west-1", endpoint=api.endpoint)
        collect(case, aws, [Asking("public-keys", listed)], wanted=Wanted(START, END))
        load(case, workers=1)
        rows = case.sql("SELECT fingerprint, value, account_id, region FROM cloudtrail_public_key").rows()
        assert rows == [("8eba5db5", KEY["Value"], ACCOUNT, "eu-west-1")]
        (times,) = case.sql("SELECT CAST(validity_start_time AS VARCHAR) FROM cloudtrail_public_key").rows()
        assert times == ("2026-11-03 00:00:00.5",)


def test_what_is_in_the_case_is_not_asked_again(api: Api) -> None:
    ((uri, _),) = read(listed(at(api.endpoint).place))
    assert read(listed(at(api.endpoint, held=[uri]).place)) == []
    assert api.counts["ListPublicKeys"] == 1


def test_a_refusal_is_noted(api: Api) -> None:
    api.handlers["ListPublicKeys"] = lambda _: Fault("AccessDeniedException")
    noted = at(api.endpoint)
    assert read(listed(noted.place)) == []
    assert noted.kinds == ["denied"] and "ListPublicKeys" in noted.troubles[0][0]
