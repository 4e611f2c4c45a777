"""Evidence that says next to nothing: columns that are NULL in every row stop neither resolution nor questions."""

import json
from pathlib import Path

import pytest

from forensics.analysis.credential_theft import Theft
from forensics.analysis.credential_use import uses
from forensics.analysis.intrusion import follow
from forensics.case import Case
from tests.loading import FLOW_HEADER, TRAIL_KEY, loaded, records, status

FLOW_KEY = (
    "AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/11/05/"
    "111122223333_vpcflowlogs_us-east-1_fl-0example_20261105T0900Z_abcdef12.log"
)
FINDING = {"schemaVersion": "2.0", "accountId": "111122223333", "region": "us-east-1", "id": "f-1", "type": "Recon:A/B"}
TIMES = {"createdAt": "2026-11-05T09:10:00.000Z", "updatedAt": "2026-11-05T09:10:00.000Z"}
FILES = {
    TRAIL_KEY.removesuffix(".gz"): records({"eventName": "ListBuckets", "eventVersion": "1.11"}),
    FLOW_KEY: f"{FLOW_HEADER}\n2 111122223333 eni-0example - - - - - - - 1793869200 1793869258 - NODATA\n".encode(),
    "AWSLogs/111122223333/GuardDuty/us-east-1/2026/11/05/a.jsonl": json.dumps(
        {**FINDING, **TIMES, "severity": 5.0, "resource": {}, "service": {}}
    ).encode(),
}
QUESTIONS = (
    "SELECT * FROM event WHERE action = 's3:ListBuckets'",
    "SELECT * FROM event WHERE principal = 'x' OR session = 'x'",
    "SELECT * FROM attribution WHERE workload = 'x'",
    "SELECT * FROM finding WHERE workload = 'x' OR principal = 'x'",
    "SELECT * FROM lifetime WHERE workload = 'x'",
)


@pytest.mark.parametrize("kept", [*([key] for key in FILES), [*FILES]], ids=["cloudtrail", "flow", "guardduty", "all"])
def test_one_sparse_record_of_a_source_loads_and_resolves(tmp_path: Path, kept: list[str]) -> None:
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {key: FILES[key] for key in kept})
        assert set(status(case).values()) == {("loaded", 1, 0)}
        for question in QUESTIONS:
            assert case.sql(question).rows() == []


def test_an_analysis_of_sparse_records_finds_nothing_and_names_the_gaps(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", FILES)
        assert uses(case, workload="arn:aws:lambda:us-east-1:111122223333:function:orders-fn") == []
        answer = Theft(case, follow(case, {}), None, ())
        assert (answer.statements, answer.touched.rows(), answer.lineage.rows()) == ([], [], [])
        assert "Which invocations ran in which execution environments" in [gap.question for gap in answer.gaps]
