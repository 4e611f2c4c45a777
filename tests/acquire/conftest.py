"""One account on loopback for all tests that only read it, and a proxy before it for those that meddle."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.aws import Aws
from forensics.case import Case
from tests.acquire.aws_worlds import World
from tests.acquire.aws_worlds import world as make
from tests.fresh import fresh_case
from tests.meddling import Meddler, meddling
from tests.moto_server import moto_server


@pytest.fixture(scope="session")
def quiet() -> Iterator[None]:
    log = logging.getLogger("werkzeug")
    before = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(before)


@pytest.fixture(scope="session")
def world(quiet: None) -> Iterator[World]:
    with moto_server() as endpoint:
        yield make(endpoint)


@pytest.fixture(scope="session")
def proxy(world: World) -> Iterator[Meddler]:
    with meddling(world.endpoint) as meddler:
        yield meddler


@pytest.fixture
def between(proxy: Meddler) -> Meddler:
    """The proxy, which passes everything until a rule is added."""
    proxy.reset()
    return proxy


@pytest.fixture(scope="session")
def asking(proxy: Meddler) -> Aws:
    return Aws(region="us-east-1", endpoint=proxy.url, attempts=2)


@pytest.fixture
def aws(asking: Aws, between: Meddler) -> Aws:
    """AWS behind the proxy; its clients are made once, which is what takes the time."""
    return asking


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with fresh_case(tmp_path / "case") as found:
        yield found
