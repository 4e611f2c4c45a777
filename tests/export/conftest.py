"""Cases that the tests of exports share: they only read them."""

from collections.abc import Iterator

import pytest

from forensics.case import Case
from forensics.timeline import Timeline
from tests.export import worlds


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Timeline]:
    with worlds.hostile(tmp_path_factory.mktemp("hostile")) as case:
        yield Timeline(case)


@pytest.fixture(scope="session")
def specimens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Timeline]:
    with worlds.specimens(tmp_path_factory.mktemp("specimens")) as case:
        yield Timeline(case)


@pytest.fixture
def empty(tmp_path) -> Iterator[Timeline]:
    with Case.create(tmp_path / "empty") as case:
        yield Timeline(case)
