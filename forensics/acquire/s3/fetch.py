"""Objects of a bucket fetched, several at a time; each comes whole, or with the reason why not."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError, ConnectionClosedError, IncompleteReadError
from urllib3.exceptions import HTTPError

from forensics.acquire import Found
from forensics.acquire.s3.listing import Listed
from forensics.acquire.s3.patience import Patience, Refused
from forensics.aws import Trouble

ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects must be restored before they can be read (page "Understanding storage classes")."""
SMALL = 512 << 10
"""Objects up to this size wait in memory, larger ones in files."""
CHUNK = 256 << 10
_MD5 = re.compile(r"[0-9a-f]{32}")


class NotItsDigest(BotoCoreError):  # type: ignore[misc]
    """The bytes that came are not those that S3 speaks of."""

    fmt = "its ETag says MD5 {etag}, what came has {digest}"


@dataclass
class Fetcher:
    """Fetches from one bucket; `problems` and `stopped` say what could not be had once it is done."""

    client: Any
    bucket: str
    scratch: Path
    jobs: int
    requester_pays: bool = False
    patience: Patience = field(default_factory=Patience)
    problems: list[tuple[str, Trouble]] = field(default_factory=list)
    stopped: Trouble | None = None

    def fetch(self, wanted: Iterable[Listed]) -> Iterator[Found]:
        """Each object as found, in order of arrival; ends early where no further request can succeed."""
        waiting = iter(wanted)
        under_way: set[Future[Found | Refused]] = set()
        pool = ThreadPoolExecutor(self.jobs, "s3")
        try:
            while True:
                self._send(pool, waiting, under_way)
                if not under_way:
                    return
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for item in done:
                    yield from self._came(item.result())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _send(self, pool: ThreadPoolExecutor, waiting: Iterator[Listed], under_way: set[Future[Any]]) -> None:
        while self.stopped is None and len(under_way) < 2 * self.jobs:
            item = next(waiting, None)
            if item is None:
                return
            under_way.add(pool.submit(self._one, item))

    def _came(self, result: Found | Refused) -> Iterator[Found]:
        if isinstance(result, Refused):
            self.stopped = self.stopped or result.trouble
            return
        yield result
        if result.stream:
            result.stream.close()

    def _one(self, item: Listed) -> Found | Refused:
        found = as_listed(self.bucket, item)
        if found.problem:
            return found
        if self.stopped:
            return Refused(self.stopped)
        try:
            return self.patience.call(lambda: self._get(found, item))
        except Refused as refused:
            if refused.trouble.stops:
                return refused
            self.problems.append((found.uri, refused.trouble))
            return replace(found, problem=_said(refused.trouble))
        except OSError as error:
            return replace(found, problem=f"it could not be written on this machine: {error.strerror}")

    def _get(self, found: Found, item: Listed) -> Found:
        parameters = {"Bucket": self.bucket, "Key": item.key}
        parameters |= {"VersionId": item.version_id} if item.version_id else {}
        parameters |= {"RequestPayer": "requester"} if self.requester_pays else {}
        answer = self.client.get_object(**parameters)
        stream, digest = self._body(answer["Body"], answer["ContentLength"])
        etag = answer.get("ETag", "").strip('"')
        if _plain(answer, etag) and digest != etag:
            stream.close()
            raise NotItsDigest(etag=etag, digest=digest)
        modified = answer.get("LastModified")
        version = answer.get("VersionId")
        return replace(
            found,
            stream=stream,
            size=answer["ContentLength"],
            etag=etag or found.etag,
            version_id=item.version_id or (None if version in (None, "null") else version),
            last_modified=modified.replace(tzinfo=None) if modified else found.last_modified,
            storage_class=answer.get("StorageClass", item.storage_class),
            metadata={name.lower(): text for name, text in answer["Metadata"].items()} or None,
        )

    def _body(self, body: Any, size: int) -> tuple[BinaryIO, str]:
        """All the bytes and their MD5; an error where they are not as many as was said."""
        held = cast(BinaryIO, tempfile.SpooledTemporaryFile(SMALL, dir=str(self.scratch)))  # noqa: SIM115
        digest = hashlib.md5(usedforsecurity=False)
        count = 0
        try:
            for chunk in _chunks(body):
                digest.update(chunk)
                count += held.write(chunk)
        except BaseException:
            held.close()
            raise
        finally:
            body.close()
        if count != size:
            held.close()
            raise IncompleteReadError(actual_bytes=count, expected_bytes=size)
        held.seek(0)
        return held, digest.hexdigest()


def _chunks(body: Any) -> Iterator[bytes]:
    """What the connection gives; its errors, some of which boto3 leaves as they are, as boto3's."""
    while True:
        try:
            chunk = body.read(CHUNK)
        except (OSError, HTTPError) as error:
            raise ConnectionClosedError(endpoint_url="the bucket", error=error) from None
        if not chunk:
            return
        yield chunk


def as_listed(bucket: str, item: Listed) -> Found:
    """An object as the listing tells it; with a problem where it cannot be fetched at all."""
    version = "" if item.latest else f"?versionId={item.version_id or 'null'}"
    found = Found(
        f"s3://{bucket}/{item.key}{version}".replace("\0", "\\x00"),
        size=item.size,
        last_modified=item.last_modified,
        etag=item.etag,
        version_id=item.version_id,
        storage_class=item.storage_class,
    )
    if item.deleted:
        return replace(found, problem=f"deleted: a delete marker of {item.last_modified:%Y-%m-%d %H:%M:%S} UTC")
    if item.storage_class in ARCHIVED and not item.restored:
        return replace(found, problem=f"archived in {item.storage_class}: restore it, then run this again")
    return found


def _said(found: Trouble) -> str:
    if found.kind == "missing":
        return f"listed, but gone when it was fetched: {found.code}"
    return f"cannot be fetched: {found}"


def _plain(answer: dict[str, Any], etag: str) -> bool:
    """Whether the ETag is the MD5 of the bytes (page "Checking object integrity")."""
    keys = answer.get("ServerSideEncryption", "") not in ("", "AES256") or "SSECustomerAlgorithm" in answer
    return bool(_MD5.fullmatch(etag)) and not keys
