"""A proxy on loopback between boto3 and moto that refuses, slows down or alters answers, as AWS may."""

import http.client
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit


@dataclass
class Request:
    """One request: `name` is the operation where its protocol says it, else the path."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]

    @property
    def name(self) -> str:
        action = re.search(rb"(?:^|&)Action=(\w+)", self.body)
        if action:
            return action.group(1).decode()
        return self.headers.get("x-amz-target", "").rpartition(".")[2] or self.path

    @property
    def region(self) -> str:
        found = re.search(r"/\d{8}/([\w-]+)/\w", self.headers.get("authorization", ""))
        return found.group(1) if found else ""


Answer = tuple[int, str, bytes]
"""Status, content type, body."""
Rule = Callable[[Request], Answer | None]


def refused(status: int, code: str, message: str = "no") -> Answer:
    """An error in the form that JSON services give; XML ones read the status and the code alike."""
    body = f'{{"__type": "{code}", "message": "{message}"}}'.encode()
    return status, f"application/x-amz-json-1.1#{code}", body


def refused_xml(status: int, code: str, message: str = "no") -> Answer:
    """An error in the form that EC2, IAM and STS give."""
    text = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>r</RequestID></Response>"
    if code in ("ExpiredToken", "InvalidClientTokenId", "Throttling", "AccessDenied"):
        text = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    return status, "text/xml", text.encode()


@dataclass
class Meddler:
    """Rules in order, the first that answers wins; `seen` are the names of requests, `altered` rewrites bodies."""

    url: str = ""
    rules: list[Rule] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    alter: Callable[[Request, bytes], bytes] = lambda _, body: body

    def reset(self) -> None:
        """Pass everything as it is."""
        self.rules.clear()
        self.seen.clear()
        self.alter = lambda _, body: body


@contextmanager
def meddling(endpoint: str) -> Iterator[Meddler]:
    """A proxy before that endpoint, to which rules may be added while it runs."""
    meddler = Meddler()
    host = urlsplit(endpoint).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, body, headers)
            meddler.seen.append(request.name)
            status, kind, text = next((found for rule in meddler.rules if (found := rule(request))), None) or forwarded(
                request
            )
            self.send_response(status)
            kind, _, code = kind.partition("#")
            if code:
                self.send_header("x-amzn-errortype", code)
            self.send_header("content-type", kind)
            text = meddler.alter(request, text) if status == 200 else text
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    def forwarded(request: Request) -> Answer:
        connection = http.client.HTTPConnection(host, timeout=30)
        try:
            connection.request(request.method, request.path, request.body, request.headers)
            found = connection.getresponse()
            code = found.getheader("x-amzn-errortype") or ""
            kind = found.getheader("content-type") or "application/json"
            return found.status, f"{kind}#{code}" if code else kind, found.read()
        finally:
            connection.close()

    for method in ("GET", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()
    meddler.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield meddler
    finally:
        server.shutdown()
        server.server_close()
