"""The same evidence gives the same tables: in any order, in one go or in pieces, by any number of processes."""

from pathlib import Path

import pytest

from forensics.simulate import scenarios
from tests.faults import orders
from tests.faults.orders import Way


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many processes, batches and commits, however little there is."""
    for module, name, value in (*orders.SMALL, orders.SMALL_COMMITS):
        monkeypatch.setattr(module, name, value)


@pytest.mark.usefixtures("small")
def test_an_incident_gives_the_same_tables_in_any_order_in_pieces_and_in_another_process(tmp_path: Path) -> None:
    files = orders.incident("lambda-credential-theft", tmp_path / "made", 0.05)
    expected = orders.tables(tmp_path / "as-they-come", files, Way())
    assert len([item for item in expected.digests if item.rows]) > 20
    assert orders.elsewhere(tmp_path / "elsewhere", files, Way(pieces=3, workers=2, seed=1)) == str(expected)


@pytest.mark.long
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", scenarios())
def test_every_incident_gives_the_same_tables_however_it_is_loaded(name: str, tmp_path: Path) -> None:
    files = orders.incident(name, tmp_path / "made", 1.0)
    expected = orders.tables(tmp_path / "as-they-come", files, Way())
    ways = [Way(pieces, workers, seed) for seed, (pieces, workers) in enumerate(((1, 2), (10, 3), (10, 1), (1, 5)), 1)]
    for place, way in enumerate(ways):
        assert (way, orders.tables(tmp_path / f"way{place}", files, way).differing(expected)) == (way, [])
    assert orders.elsewhere(tmp_path / "elsewhere", files, Way(3, 2, 9)) == str(expected)
