"""A plain S3 on loopback that answers what it was given and writes down what it was asked.

It knows GetObject, ListObjectsV2, ListObjectVersions and GetCallerIdentity, and no more; `python -m tests.static_s3
COUNT SIZE` serves made-up CloudTrail keys (see `many`) from a process of its own and prints its endpoint.
"""

import asyncio
import hashlib
import json
import sys
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

import pytest

from tests.moto_server import CREDENTIALS

BUCKET = "trail-logs"
CALLER = "arn:aws:iam::111122223333:user/responder"
START = datetime(2026, 11, 1)
IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    f"<Arn>{CALLER}</Arn><UserId>AIDAEXAMPLE</UserId><Account>111122223333</Account></GetCallerIdentityResult>"
    "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
)


@dataclass(frozen=True)
class Kept:
    """One object: its bytes, and what S3 says of it."""

    body: bytes
    last_modified: datetime = datetime(2026, 11, 5, 9, 20)
    storage_class: str = "STANDARD"
    metadata: Mapping[str, str] = field(default_factory=dict)
    version_id: str = ""
    older: tuple[tuple[str, bytes | None], ...] = ()
    """Versions before it, newest first; None is a delete marker."""

    @property
    def etag(self) -> str:
        return hashlib.md5(self.body).hexdigest()


def many(count: int, size: int) -> dict[str, Callable[[], Kept]]:
    """Keys of two accounts, two Regions and ten days, made when asked for; a fifth of them on 5 and 6 November."""
    base = hashlib.shake_256(b"log").digest(size)
    made = {}
    for number in range(count):
        account = ("111122223333", "444455556666")[number % 2]
        region = ("us-east-1", "eu-west-1")[number // 2 % 2]
        at = START + timedelta(seconds=number * 864_000 // count)
        name = f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{number:016}.json.gz"
        key = f"AWSLogs/{account}/CloudTrail/{region}/{at:%Y/%m/%d}/{name}"
        made[key] = lambda number=number, at=at: Kept(b"%016d" % number + base[16:], at)
    return made


class StaticS3:
    """The objects by key, and the requests so far: (operation, key or prefix, keys told)."""

    def __init__(self, objects: Mapping[str, Kept | Callable[[], Kept]], page: int = 1000) -> None:
        self.objects, self.page = dict(objects), page
        self.order = sorted(self.objects)
        self.log: list[tuple[str, str, list[str]]] = []
        self.connections: set[asyncio.BaseTransport] = set()

    def told(self) -> set[str]:
        """Every key that a listing told, or that was fetched."""
        return {key for _, _, keys in self.log for key in keys}

    def kept(self, key: str) -> Kept:
        found = self.objects[key]
        return found if isinstance(found, Kept) else found()

    def answer(self, method: str, target: str) -> tuple[int, dict[str, str], bytes]:
        path, _, query = target.partition("?")
        asked = dict(parse_qsl(query, keep_blank_values=True))
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        if method == "POST":
            return 200, {"Content-Type": "text/xml"}, IDENTITY.encode()
        if not bucket:
            return 200, {}, json.dumps(self.log).encode()
        if bucket != BUCKET:
            return _error(404, "NoSuchBucket", "The specified bucket does not exist")
        if key:
            return self._object(key, asked.get("versionId", ""))
        return self._versions(asked) if "versions" in asked else self._list(asked)

    def _object(self, key: str, version: str) -> tuple[int, dict[str, str], bytes]:
        self.log.append(("GET", key, [key]))
        if key not in self.objects:
            return _error(404, "NoSuchKey", "The specified key does not exist.")
        kept = self.kept(key)
        bodies = {kept.version_id: kept.body, **dict(kept.older)}
        body = bodies.get(version or kept.version_id)
        if body is None:
            return _error(404, "NoSuchVersion", "The specified version does not exist.")
        headers = {"ETag": f'"{hashlib.md5(body).hexdigest()}"', "Content-Type": "application/json"}
        headers["Last-Modified"] = format_datetime(kept.last_modified.replace(tzinfo=UTC), usegmt=True)
        headers |= {f"x-amz-meta-{name}": text for name, text in kept.metadata.items()}
        if kept.version_id:
            headers["x-amz-version-id"] = version or kept.version_id
        return 200, headers, body

    def _list(self, asked: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
        after = asked.get("continuation-token", "") or asked.get("start-after", "")
        keys, folders, last, more = self._page(prefix, delimiter, after)
        self.log.append(("LIST", f"{prefix}|{delimiter}|{after}", keys))
        parts = [f"<Prefix>{_xml(prefix)}</Prefix><IsTruncated>{str(more).lower()}</IsTruncated>"]
        parts += [f"<NextContinuationToken>{_xml(last)}</NextContinuationToken>"] if more else []
        for key in keys:
            kept = self.kept(key)
            parts.append(
                f"<Contents><Key>{_xml(key)}</Key><LastModified>{kept.last_modified:%Y-%m-%dT%H:%M:%S.000Z}"
                f"</LastModified><ETag>&quot;{kept.etag}&quot;</ETag><Size>{len(kept.body)}</Size>"
                f"<StorageClass>{kept.storage_class}</StorageClass></Contents>"
            )
        parts += [f"<CommonPrefixes><Prefix>{_xml(item)}</Prefix></CommonPrefixes>" for item in folders]
        return 200, {}, _document("ListBucketResult", "<EncodingType>url</EncodingType>" + "".join(parts))

    def _page(self, prefix: str, delimiter: str, after: str) -> tuple[list[str], list[str], str, bool]:
        place = max(bisect_left(self.order, prefix), bisect_right(self.order, after) if after else 0)
        keys: list[str] = []
        folders: list[str] = []
        last = ""
        while place < len(self.order) and self.order[place].startswith(prefix):
            if len(keys) + len(folders) == self.page:
                return keys, folders, last, True
            key = self.order[place]
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut < 0:
                keys.append(key)
                last, place = key, place + 1
                continue
            folder = key[: cut + 1]
            if not after.startswith(folder):
                folders.append(folder)
            last = folder + "\U0010ffff"
            place = bisect_right(self.order, last)
        return keys, folders, last, False

    def _versions(self, asked: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        prefix = asked.get("prefix", "")
        keys = [key for key in self.order if key.startswith(prefix)]
        self.log.append(("VERSIONS", prefix, keys))
        parts = []
        for key in keys:
            kept = self.kept(key)
            for place, (version, body) in enumerate([(kept.version_id, kept.body), *kept.older]):
                parts.append(_version(key, version, body, kept.last_modified - timedelta(minutes=place), place == 0))
        start = f"<Prefix>{_xml(prefix)}</Prefix><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>"
        return 200, {}, _document("ListVersionsResult", start + "".join(parts))


def _version(key: str, version: str, body: bytes | None, at: datetime, latest: bool) -> str:
    common = (
        f"<Key>{_xml(key)}</Key><VersionId>{version}</VersionId><IsLatest>{str(latest).lower()}</IsLatest>"
        f"<LastModified>{at:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
    )
    if body is None:
        return f"<DeleteMarker>{common}</DeleteMarker>"
    rest = f"<ETag>&quot;{hashlib.md5(body).hexdigest()}&quot;</ETag><Size>{len(body)}</Size>"
    return f"<Version>{common}{rest}<StorageClass>STANDARD</StorageClass></Version>"


def _xml(text: str) -> str:
    return escape(quote(text, safe="/"))


def _document(name: str, inside: str) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{head}<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inside}</{name}>'.encode()


def _error(status: int, code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    return status, {}, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with connections that stay, as little of it as the clients here need."""

    def __init__(self, service: StaticS3) -> None:
        self.service, self.buffer = service, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.service.connections.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self.service.connections.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, rest = self.buffer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            length = next((int(line[15:]) for line in lines if line.lower().startswith("content-length:")), 0)
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            method, target, _ = lines[0].split(" ")
            self.reply(*self.service.answer(method, target))

    def reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        self.transport.write(head.encode("latin-1") + body)


@contextmanager
def static_s3(service: StaticS3) -> Iterator[str]:
    """The endpoint, while it runs in a thread of this process; credentials of an example are set."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    making = asyncio.run_coroutine_threadsafe(_serve(loop, service), loop)
    server = making.result()
    patch = pytest.MonkeyPatch()
    for name, value in CREDENTIALS.items():
        patch.setenv(name.upper(), value)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        patch.undo()
        asyncio.run_coroutine_threadsafe(_stop(server, service), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve(loop: asyncio.AbstractEventLoop, service: StaticS3) -> asyncio.Server:
    return await loop.create_server(lambda: _Connection(service), "127.0.0.1", 0)


async def _stop(server: asyncio.Server, service: StaticS3) -> None:
    server.close()
    for connection in list(service.connections):
        connection.close()
    await asyncio.sleep(0.01)


async def _run(service: StaticS3) -> None:
    server = await _serve(asyncio.get_running_loop(), service)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_run(StaticS3(many(int(sys.argv[1]), int(sys.argv[2])))))
