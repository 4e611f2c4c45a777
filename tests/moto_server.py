"""AWS on loopback: moto's HTTP server in this process, asked by real boto3 over the wire."""

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

ACCOUNT = "123456789012"
"""The account that moto has callers of no role in."""

CREDENTIALS = {
    "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}


@contextmanager
def moto_server() -> Iterator[str]:
    """The endpoint of an empty AWS; credentials of an example are set while it runs."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    urllib.request.urlopen(
        urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST"), timeout=30
    ).close()
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in CREDENTIALS.items():
        patch.setenv(name.upper(), value)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    try:
        yield f"http://{host}:{port}"
    finally:
        patch.undo()
        server.stop()


def made(endpoint: str, service: str, region: str = "us-east-1") -> Any:
    """A client that can write too, to make what a test then finds."""
    return boto3.client(service, region_name=region, endpoint_url=endpoint, **CREDENTIALS)
