"""Whatever the order and number of loads, an incident resolves to the same tables; late files repair earlier gaps."""

import random
from pathlib import Path

import pytest

from forensics import evidence, resolution
from forensics.case import Case
from forensics.load import load
from forensics.simulate import scenarios, simulate
from forensics.tables import KEPT, TABLES

RESOLVED = tuple(name for name in TABLES if name not in KEPT)
SMALL = 0.2
PIECES = 3
"""Loads that bring an incident in: each resolves what it brings, by what was read before (see `forensics.scanned`)."""
USUAL = {"eks-pod-irsa-theft", "fargate-task-role-theft", "lambda-credential-theft", "log-tampering"}
"""Incidents that are tried in every run, one of each platform; the others are with `-m long`."""


def resolved(case: Case) -> dict[str, list[str]]:
    """The rows of every resolution table and of the view `attribution`, as text, sorted."""
    names = (*RESOLVED, "attribution")
    return {name: sorted(map(str, case.sql(f'SELECT * FROM "{name}"').rows())) for name in names}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name not in USUAL)) for name in sorted(scenarios())]
)
def test_an_incident_loaded_in_parts_in_any_order_resolves_to_the_same_tables(name: str, tmp_path: Path) -> None:
    simulate(name, tmp_path / "incident", scale=SMALL)
    logs = tmp_path / "incident" / "logs"
    with Case.create(tmp_path / "once") as case:
        evidence.add(case, logs)
        load(case)
        once = resolved(case)
    files = sorted(path for path in logs.rglob("*") if path.is_file())
    random.Random(name).shuffle(files)
    with Case.create(tmp_path / "parts") as case:
        for place in range(PIECES):
            for path in files[place::PIECES]:
                evidence.add(case, path)
            load(case)
        parts = resolved(case)
    assert once["credential"]
    assert {table for table in once if once[table] != parts[table]} == set()


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(scenarios()))
def test_an_incident_loaded_object_by_object_resolves_to_what_a_resolution_from_nothing_gives(
    name: str, tmp_path: Path
) -> None:
    simulate(name, tmp_path / "incident", scale=SMALL)
    files = sorted(path for path in (tmp_path / "incident" / "logs").rglob("*") if path.is_file())
    random.Random(f"{name}, one by one").shuffle(files)
    with Case.create(tmp_path / "case") as case:
        for place, path in enumerate(files):
            evidence.add(case, path)
            load(case, workers=1, resolve=place % 5 == 0 or path == files[-1])
        pieces = resolved(case)
        case.connection.execute("DELETE FROM kept.scan")
        resolution.resolve(case.connection)
        whole = resolved(case)
    assert {table for table in whole if whole[table] != pieces[table]} == set()


def test_a_late_file_repairs_the_gap_that_its_absence_left(tmp_path: Path) -> None:
    """The object that holds the issuance of the stolen key comes last: the gap goes, the lineage is there."""
    simulate("lambda-credential-theft", tmp_path / "incident", scale=SMALL)
    with Case.create(tmp_path / "whole") as case:
        evidence.add(case, tmp_path / "incident" / "logs")
        load(case)
        key, uri = case.sql("""
SELECT c.access_key_id, v.uri
FROM credential AS c
JOIN event AS e ON e.event_id = c.issuance_event_id
JOIN evidence AS v ON v.object_id = e.object_id
WHERE c.workload LIKE '%:function:orders-fn'
ORDER BY c.issued_at DESC
LIMIT 1
""").rows()[0]
    late = next(path for path in (tmp_path / "incident").rglob("*") if path.name == Path(uri).name)
    late.rename(tmp_path / late.name)
    with Case.create(tmp_path / "late") as case:
        evidence.add(case, tmp_path / "incident" / "logs")
        load(case)
        gap = "SELECT count(*) FROM lineage_gap WHERE access_key_id = ?"
        issued = "SELECT issuance_event_id IS NOT NULL, workload IS NOT NULL FROM credential WHERE access_key_id = ?"
        assert case.sql(gap, (key,)).rows() == [(1,)]
        assert case.sql(issued, (key,)).rows() == [(False, True)]
        evidence.add(case, tmp_path / late.name)
        load(case)
        assert case.sql(gap, (key,)).rows() == [(0,)]
        assert case.sql(issued, (key,)).rows() == [(True, True)]
