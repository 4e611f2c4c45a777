"""One account on loopback for all tests that only read it, and a proxy before it for those that meddle."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import pytest

from forensics.aws import Aws
from forensics.case import Case
from tests.acquire.aws_worlds import World
from tests.acquire.aws_worlds import world as make
from tests.fresh import fresh_case
from tests.meddling import Meddler, meddling
from tests.moto_server import CREDENTIALS

SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
"""In a process of its own: within a process all servers of moto are one AWS, and others' tests want an empty one."""


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    command = [sys.executable, "-c", SERVE]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True) as server:
        assert server.stdin and server.stdout
        yield make(f"http://127.0.0.1:{server.stdout.readline().strip()}")
        server.stdin.close()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name.upper(), value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def proxy(world: World) -> Iterator[Meddler]:
    with meddling(world.endpoint) as meddler:
        yield meddler


@pytest.fixture
def between(proxy: Meddler, credentials: None) -> Meddler:
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
