"""An AWS on loopback whose answers a test writes itself, faults and all: what moto does not have, over the wire."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.moto_server import CREDENTIALS

ACCOUNT = "111122223333"
_CALLER = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::{ACCOUNT}:user/responder</Arn><UserId>AIDAEXAMPLE</UserId><Account>{ACCOUNT}</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
_ROUTES = (
    ("ListDetectors", re.compile(r"GET /detector\b[^/]*$")),
    ("ListFindings", re.compile(r"POST /detector/(?P<detectorId>[^/]+)/findings$")),
    ("GetFindings", re.compile(r"POST /detector/(?P<detectorId>[^/]+)/findings/get$")),
)
"""GuardDuty's operations, which are told by their paths; the others by a header."""


@dataclass(frozen=True)
class Fault:
    """An answer that is none: an error `code`, after `delay` seconds; `cut` sends half of a body and hangs up."""

    code: str = ""
    status: int = 400
    message: str = ""
    delay: float = 0.0
    cut: bool = False


Handler = Callable[[dict[str, Any]], dict[str, Any] | Fault]


@dataclass
class Api:
    """Its endpoint, what it answers by operation (as on the wire), and what it was asked."""

    endpoint: str = ""
    handlers: dict[str, Handler] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        return Counter(operation for operation, _ in self.asked)

    def requests(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.asked if name == operation]


@contextmanager
def api_server() -> Iterator[Api]:
    """One that answers nothing yet; credentials of an example are set while it runs."""
    api = Api()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if b"Action=GetCallerIdentity" in body:
                self._send(200, _CALLER.encode(), "text/xml")
                return
            operation, more = _operation(self.headers.get("X-Amz-Target"), f"{self.command} {self.path.split('?')[0]}")
            request = {**(json.loads(body) if body else {}), **more}
            api.asked.append((operation, request))
            self._answer(api.handlers[operation](request))

        do_GET = do_POST  # noqa: N815

        def _answer(self, given: dict[str, Any] | Fault) -> None:
            fault = given if isinstance(given, Fault) else Fault()
            time.sleep(fault.delay)
            if fault.code:
                said = {"__type": fault.code, "message": fault.message}
                self._send(fault.status, json.dumps(said).encode(), error=fault.code)
            elif fault.cut:
                self.close_connection = True
                self._send(200, b'{"Events": [{"EventId', longer=100)
            else:
                self._send(200, json.dumps(given).encode())

        def _send(self, status: int, body: bytes, kind: str = "application/x-amz-json-1.1", **more: Any) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) + more.get("longer", 0)))
            if "error" in more:
                self.send_header("x-amzn-ErrorType", more["error"])
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    api.endpoint = f"http://127.0.0.1:{server.server_port}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name.upper(), value)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        try:
            yield api
        finally:
            server.shutdown()
            server.server_close()


def _operation(target: str | None, line: str) -> tuple[str, dict[str, Any]]:
    if target:
        return target.rpartition(".")[2], {}
    for name, path in _ROUTES:
        if found := path.search(line):
            return name, found.groupdict()
    raise LookupError(line)
