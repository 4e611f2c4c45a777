"""How a report opens: what is in evidence, and what did not load."""

import json
from pathlib import Path

from forensics.analysis import holdings
from forensics.case import Case
from tests.loading import TRAIL_KEY, loaded, records, trail

KEY = TRAIL_KEY.removesuffix(".gz")


def test_each_source_in_evidence_or_wanted_is_a_row(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {KEY: records(trail(), trail("GetObject", eventTime="2026-11-05T09:20:00Z"))})
        rows = holdings.held(case, wanted=("vpc_flow",)).df().to_dict("records")
    held = {row["source"]: (row["objects"], row["records"], row["rejected"]) for row in rows}
    assert held == {"cloudtrail": (1, 2, 0), "vpc_flow": (0, 0, 0)}
    assert (f"{rows[0]['first']:%H:%M}", f"{rows[0]['last']:%H:%M}") == ("09:10", "09:20")


def test_objects_that_did_not_load_whole_are_counted_by_status(tmp_path: Path) -> None:
    cut = records(trail(), trail("GetObject"))[:-40]
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {KEY: cut, "notes.json": json.dumps({"of": "nothing known"}).encode()})
        rows = {row[0]: row[1:3] for row in holdings.left_out(case).rows()}
    assert rows["partial"] == (1, 1)
    assert set(rows) == {"partial", "unrecognised"}
