"""A small HTTP proxy on loopback that does not always do what it is asked."""

import http.client
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class Fault:
    """What happens to requests whose line ("GET /bucket/key?query", unquoted) matches, the first `times` of each line.

    `code` is answered as S3 does, with `status`; `cut` sends that share of the body and hangs up; `change` alters the
    body's first byte; `seconds` is waited before anything. `after` lets so many matching requests pass first.
    """

    match: str
    times: int = 1_000_000
    status: int = 503
    code: str = ""
    message: str = "as the test asks"
    cut: float = 1.0
    change: bool = False
    seconds: float = 0.0
    after: int = 0
    headers: tuple[tuple[str, str], ...] = ()


class Proxy:
    """The faults at work, how often each line was asked, and the headers of all requests."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.faults: list[Fault] = []
        self.asked: dict[str, int] = {}
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()

    def fault(self, line: str) -> Fault | None:
        with self.lock:
            self.asked[line] = self.asked.get(line, 0) + 1
            for item in self.faults:
                if re.search(item.match, line):
                    if item.after:
                        item.after -= 1
                    elif self.asked[line] <= item.times:
                        return item
        return None


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            proxy.headers.append({name.lower(): text for name, text in self.headers.items()})
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = proxy.fault(f"{self.command} {unquote(self.path)}") or Fault("", status=0)
            time.sleep(fault.seconds)
            if fault.code:
                text = f"<Error><Code>{fault.code}</Code><Message>{fault.message}</Message></Error>".encode()
                self.reply(fault.status, list(fault.headers), text)
                return
            upstream = http.client.HTTPConnection(str(proxy.upstream.hostname), proxy.upstream.port)
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            data = answer.read()
            upstream.close()
            data = bytes([data[0] ^ 1]) + data[1:] if fault.change else data
            held = [item for item in answer.getheaders() if item[0].lower() not in ("content-length", "connection")]
            self.reply(answer.status, held, data, fault.cut)

        do_GET = do_POST = do_HEAD = do  # noqa: N815

        def reply(self, status: int, headers: list[tuple[str, str]], data: bytes, share: float = 1.0) -> None:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data[: int(len(data) * share)])
            self.close_connection = share < 1.0

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def faulty(upstream: str) -> Iterator[tuple[str, Proxy]]:
    """Its endpoint, and where faults are put."""
    proxy = Proxy(upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", proxy
    finally:
        server.shutdown()
        server.server_close()
