"""The empty case of a module's tests of runs, emptied before each."""

from collections.abc import Iterator

import pytest

from forensics.case import Case
from tests.fresh import fresh_case


@pytest.fixture(scope="module")
def one_case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with fresh_case(tmp_path_factory.mktemp("run") / "case") as case:
        yield case


@pytest.fixture
def case(one_case: Case) -> Case:
    for table in ("stored.cloudtrail", "finding", "finding_evidence", "coverage"):
        one_case.connection.execute(f"DELETE FROM {table}")
    return one_case
