"""How rules are judged together never changes what they match."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from forensics.detect import scan
from tests.detect.run_worlds import OPS, at, detect, hold, states, whys
from tests.detect.sigma_worlds import rule
from tests.fresh import fresh_case

WAYS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "without a copy": {"FEW": 0, "SHARE": 0.0},
    "a copy of the rows of some rules": {"FEW": 2, "SHARE": 0.0},
    "each path followed anew": {"SLOTS": 0},
    "one slot": {"SLOTS": 1},
    "one by one": {"TOGETHER": 1},
    "on distinct values": {"ALIKE": 1, "OFTEN": 0},
}
AGENTS = [rule({"userAgent|contains": name}, title=f"agent {name}") for name in ("kali", "aws-cli", "pacu", "/2")]
RULES = [
    rule({"eventName": "CreateUser", "requestParameters.name": "b"}, title="path"),
    rule({"eventName": ["CreateUser", "DeleteUser"], "requestParameters.tags.key": "k"}, title="path through a list"),
    rule({"eventName": "DeleteUser", "requestParameters.nowhere": "x"}, title="nowhere"),
    rule({"requestParameters.name": "b"}, title="any call"),
    rule(
        {"a": {"eventName": "CreateUser"}, "b": {"requestParameters.name": "b"}, "condition": "a and not b"},
        title="not",
    ),
    rule({"a": {"eventName": "CreateUser"}, "b": {"eventName": "DeleteUser"}, "condition": ["a", "b"]}, title="either"),
    *AGENTS,
]
EXPECTED = {
    "path": ("fired", 1),
    "path through a list": ("fired", 2),
    "nowhere": ("inert", 0),
    "any call": ("fired", 2),
    "not": ("fired", 2),
    "either": ("fired", 4),
    "agent kali": ("loaded", 0),
    "agent aws-cli": ("fired", 4),
    "agent pacu": ("fired", 1),
    "agent /2": ("fired", 4),
}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with fresh_case(tmp_path_factory.mktemp("scan") / "case") as made:
        tags = [{"key": "a"}, {"key": ["k", "l"]}]
        hold(
            made,
            at("09:00:00", requestParameters={"name": "a", "tags": tags}),
            at("09:01:00", requestParameters={"name": ["b", "c"]}),
            at("09:02:00", OPS),
            at("09:03:00", name="iam:DeleteUser", requestParameters={"tags": {"key": "k"}}),
            at("09:04:00", name="iam:ListUsers", requestParameters={"name": "b"}, userAgent="pacu"),
        )
        yield made


@pytest.mark.parametrize("way", WAYS)
def test_rules_match_the_same_however_they_are_judged(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    for name, value in WAYS[way].items():
        monkeypatch.setattr(scan, name, value)
    found = detect(case, tmp_path, *RULES)
    assert states(found) == EXPECTED
    assert "requestParameters.nowhere" in whys(found)["nowhere"]


def test_paths_share_a_slot_only_where_no_kind_of_rows_needs_both() -> None:
    slots = scan._slots({"a": {1, 2}, "b": {2, 3}, "c": {3}, "d": {1}})
    assert slots == {"a": 0, "b": 1, "c": 0, "d": 1}
