"""Every row's raw record is one call away, in whatever shape the evidence holds it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.errors import EvidenceError, UnknownName
from forensics.raw import raw_record
from tests.loading import FLOW, FLOW_HEADER, envelope, loaded, records, trail


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Records of each shape."""
    files = {
        "calls.json": records(trail("A"), trail("B", eventTime="soon")),
        "flows.log": f"{FLOW_HEADER}\n\n{FLOW}\nbroken\n{FLOW} \n".encode(),
        "lambda.json": envelope("one", "two"),
    }
    with Case.create(tmp_path / "case") as made:
        loaded(made, tmp_path / "logs", files)
        yield made


def object_of(case: Case, name: str) -> str:
    return str(case.sql("SELECT object_id FROM evidence WHERE ends_with(uri, ?)", (name,)).rows()[0][0])


def test_a_call_is_found_by_its_event_id(case: Case) -> None:
    assert json.loads(raw_record(case, "event-B")) == trail("B", eventTime="soon")


def test_a_flow_is_found_by_its_event_id_and_by_its_place(case: Case) -> None:
    flows = object_of(case, "flows.log")
    assert raw_record(case, f"{flows}/0") == raw_record(case, f"{flows}#0") == FLOW
    assert raw_record(case, f"{flows}#1") == "broken"


def test_a_log_event_comes_with_what_its_envelope_says(case: Case) -> None:
    held = json.loads(raw_record(case, f"{object_of(case, 'lambda.json')}#1"))
    assert (held["message"], held["log_group"], held["timestamp"]) == ("two", "/aws/lambda/orders-fn", 1793869200124)


@pytest.mark.parametrize("reference", ["nothing", "nothing#0", "", "#", "'; DROP TABLE event; --"])
def test_what_is_not_there_is_an_unknown_name(case: Case, reference: str) -> None:
    with pytest.raises(UnknownName):
        raw_record(case, reference)


def test_a_place_beyond_the_end_is_an_unknown_name(case: Case) -> None:
    with pytest.raises(UnknownName, match="no record named"):
        raw_record(case, f"{object_of(case, 'calls.json')}#99")


def test_evidence_that_is_gone_is_said(case: Case) -> None:
    for path in (case.path / "evidence").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(EvidenceError, match="verify the case"):
        raw_record(case, "event-A")
