"""Readers survive whatever specimens become: no exception, no hang, no growth, every row under a source."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from forensics.sources import sources
from tests.mutating import Endured, endure
from tests.sources.test_sources import data, specimens

MUTATIONS = [2_500, pytest.param(10_000, marks=pytest.mark.long)]
"""Of each source: in every run, and with `-m long`."""
PIECE = 64 << 10
"""Bytes of a specimen that are mutated: what a huge one repeats adds nothing."""
GROWTH = 256 << 10
"""KiB by which a process may grow over all mutations of a source: some are of 2 MB, read in several forms."""
SLOWEST = 10.0
"""Seconds that reading one may take: what is not linear in its length takes far longer."""
PATIENCE = 900
"""Seconds after which all mutations of a source count as a hang."""


@pytest.fixture(scope="module", params=MUTATIONS)
def endured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, dict[str, Future[Endured]]]]:
    """How many mutations, and what comes of every source, worked out by all processors."""
    folder = str(tmp_path_factory.mktemp("mutations"))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        yield (
            request.param,
            {name: pool.submit(endure, name, objects(name), request.param, folder) for name in sources()},
        )


def objects(name: str) -> list[tuple[str, bytes]]:
    return [(item["key"].removesuffix(".gz"), data({**item, "key": ""})[:PIECE]) for item in specimens(sources()[name])]


@pytest.mark.parametrize("name", list(sources()))
def test_mutated_specimens_are_read_without_a_crash(name: str, endured: tuple[int, dict[str, Future[Endured]]]) -> None:
    count, coming = endured
    came = coming[name].result(timeout=PATIENCE)
    assert came.read == count
    assert came.slowest < SLOWEST
    assert came.growth < GROWTH
