"""The case of `world`, made once, and the explorer's index of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.explorer.index import Index
from tests.explorer import world


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.made(tmp_path_factory.mktemp("explorer"))


@pytest.fixture(scope="session")
def case(place: Path) -> Iterator[Case]:
    with Case.open(place) as opened:
        yield opened


@pytest.fixture(scope="session")
def index(case: Case) -> Iterator[Index]:
    made = Index(case)
    yield made
    made.close()
