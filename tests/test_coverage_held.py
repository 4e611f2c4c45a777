"""What is held of each hour is kept in the case: evidence that comes later gives the coverage of all of it at once."""

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from forensics import evidence, simulate
from forensics.case import Case
from forensics.load import load
from tests.fresh import fresh_case
from tests.loading import FLOW, FLOW_HEADER, finding, loaded, records, trail

TABLES = ("coverage", "logging_state", "digest_check", "finding_coverage", "superseded")
ARN = "arn:aws:iam::111122223333:user/mallory"


def at(hour: int, name: str = "ListBuckets", **more: Any) -> dict[str, Any]:
    """A call at ten past that hour, whose id tells both."""
    fields: dict[str, Any] = {"eventTime": f"2026-11-05T{hour:02}:10:00Z", "eventID": f"{name}-{hour}"}
    return trail(name, **fields | {"userIdentity": {"type": "IAMUser", "arn": ARN}} | more)


def stopped(hour: int) -> dict[str, Any]:
    return at(hour, "StopLogging", eventSource="cloudtrail.amazonaws.com", requestParameters={"name": "main"})


LOG = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/111122223333_CloudTrail_us-east-1_20261105T{}Z_Ab.json.gz"
DELETED = [{"ARN": f"arn:aws:s3:::logs/{LOG.format('1405')}"}, {"ARN": "arn:aws:s3:::logs"}]
NODATA = "2 111122223333 eni-0example - - - - - - - 1793876400 1793876458 - NODATA"

OBJECTS = {
    "first": {"first.json": records(at(9), at(10), stopped(11))},
    "again": {"again.json": records(at(9), at(10), at(15), at(15, "DeleteObject", resources=DELETED))},
    "flows": {"flows.log": f"{FLOW_HEADER}\n{FLOW}\n{NODATA}\n".encode()},
    "mixed": {"mixed.jsonl": "\n".join(json.dumps(item) for item in (at(12), at(13), finding())).encode()},
    "cut": {LOG.format("1255"): b"not gzip at all"},
}
"""Objects by the name of what they bring: copies of what is in another, records of two logs, one that does not load."""


def rows(case: Case) -> dict[str, list[str]]:
    """The tables that say what is logged, as sorted texts."""
    return {name: sorted(map(repr, case.sql(f"SELECT * FROM {name}").rows())) for name in TABLES}


def built(path: Path, steps: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """What a case says to which those objects are added and loaded, a step after the other."""
    with fresh_case(path / "case") as case:
        for step in steps:
            loaded(case, path / "logs", {name: data for part in step for name, data in OBJECTS[part].items()})
        return {name: [row.replace(str(path), "") for row in held] for name, held in rows(case).items()}


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the case says to which all objects are added at once."""
    return built(tmp_path_factory.mktemp("once"), [list(OBJECTS)])


@pytest.mark.parametrize(
    "steps",
    [
        [["first"], ["again", "flows"], ["mixed", "cut"]],
        [["mixed"], ["cut", "again"], ["flows", "first"]],
    ],
)
def test_evidence_added_in_pieces_gives_the_coverage_of_all_at_once(
    tmp_path: Path, at_once: dict[str, list[str]], steps: list[list[str]]
) -> None:
    assert built(tmp_path, steps) == at_once


def test_the_case_of_that_test_has_what_makes_it_hard(at_once: dict[str, list[str]]) -> None:
    assert len(at_once["superseded"]) == 2
    assert len(at_once["logging_state"]) == 1
    said = " ".join(at_once["coverage"])
    for word in ("deleted by", "did not load whole", "NODATA", "this one was off", "guardduty"):
        assert word in said


def test_the_bytes_of_an_object_with_two_logs_and_with_copies_are_its_size(tmp_path: Path) -> None:
    with fresh_case(tmp_path / "case") as case:
        for part in ("first", "mixed", "again"):
            loaded(case, tmp_path / part, OBJECTS[part])
        (size,) = case.sql("SELECT sum(size) FROM evidence").rows()[0]
        assert case.sql("SELECT sum(bytes), sum(records) FROM coverage").rows() == [(size, 8)]


def test_a_copy_that_comes_later_is_not_counted_again(tmp_path: Path) -> None:
    with fresh_case(tmp_path / "case") as case:
        for part in ("a", "b", "c"):
            flows = f"{FLOW_HEADER}\n{FLOW}\n{part}".encode()
            loaded(case, tmp_path / part, {f"{part}.json": records(at(9), at(9, f"Only{part}")), f"{part}.log": flows})
        found = case.sql("SELECT source, sum(records) FROM coverage GROUP BY source ORDER BY source").rows()
        assert found == [("cloudtrail", 4), ("vpc_flow", 3)]


@pytest.mark.long
def test_an_incident_added_in_ten_pieces_gives_the_coverage_of_all_at_once(tmp_path: Path) -> None:
    simulate.simulate("log-tampering", tmp_path / "all")
    whole, logs = tmp_path / "all" / "logs", tmp_path / "logs"
    files = sorted(path for path in whole.rglob("*") if path.is_file())
    random.Random(7).shuffle(files)
    with Case.create(tmp_path / "pieces") as case:
        for place in range(10):
            for path in files[place::10]:
                (logs / path.relative_to(whole)).parent.mkdir(parents=True, exist_ok=True)
                path.rename(logs / path.relative_to(whole))
            evidence.add(case, logs, in_place=True)
            load(case, workers=1)
        found = rows(case)
    with Case.create(tmp_path / "once") as case:
        evidence.add(case, logs, in_place=True)
        load(case, workers=1)
        assert found == rows(case)


def test_a_name_too_long_for_an_account_or_a_region_stands_in_no_hour(tmp_path: Path) -> None:
    long = "a" * 70_000
    logs = {"x.json": records(at(9), at(12, awsRegion=long, recipientAccountId=long), at(23))}
    with fresh_case(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", logs)
        assert case.sql("SELECT max(length(account_id)), max(length(region)) FROM coverage").rows() == [(12, 9)]
        assert case.sql("SELECT count(*) FROM event WHERE length(region) = 70000").rows() == [(1,)]
