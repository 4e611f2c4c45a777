"""Public logs load without an exception, every object accounted for, in the numbers that an independent count finds."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics import evidence
from forensics.case import Case
from forensics.load import Ledger, load
from tests.independent_count import count

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the public sample logs are not beside this repository")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Case, Ledger, int]]:
    """A case of all files, what loading said, and how many objects were seen."""
    with Case.create(tmp_path_factory.mktemp("real") / "case") as case:
        added = evidence.add(case, DATA)
        yield case, load(case), added.seen


def test_every_object_is_accounted_for(world: tuple[Case, Ledger, int]) -> None:
    _, ledger, seen = world
    assert set(ledger.objects) <= {"loaded", "partial", "rejected", "unrecognised", "duplicate"}
    assert sum(ledger.objects.values()) == seen


def test_every_file_gives_as_many_records_as_an_independent_count(world: tuple[Case, Ledger, int]) -> None:
    case, _, _ = world
    expected = {name: dict(+counts) for name, counts in count(DATA)[0].items() if +counts}
    found: dict[str, dict[str, int]] = {}
    for source in ("cloudtrail", "vpc_flow", "guardduty", "lambda_log"):
        rows = case.sql(
            f'SELECT e.uri, count(*) FROM "{source}" AS s JOIN evidence AS e ON e.object_id = s.object_id'
            " WHERE NOT ends_with(e.uri, '.parquet') GROUP BY e.uri"
        ).rows()
        for uri, number in rows:
            found.setdefault(Path(uri).relative_to(DATA).as_posix(), {})[source] = number
    assert found == expected


def test_the_distinct_cloudtrail_events_are_those_of_the_independent_count(world: tuple[Case, Ledger, int]) -> None:
    case, _, _ = world
    _, ids = count(DATA)
    rows = case.sql("SELECT DISTINCT coalesce(event_id, 'None') FROM cloudtrail").rows()
    assert Counter(row[0] for row in rows) == Counter(ids)
