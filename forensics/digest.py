"""What a CloudTrail digest says: its period, the digest before it, the log files it vouches for, what was signed.

Source: "CloudTrail digest file structure" and "Custom implementations of CloudTrail log file integrity validation".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from forensics.jsons import parsed

HASH = "SHA-256"
SIGNED_WITH = "SHA256withRSA"

_KEY = re.compile(
    r"(?:(?P<organisation>o-[a-z0-9]+)/)?(?P<account>\d{12})/CloudTrail-Digest/(?P<region>[a-z0-9-]+)/\d{4}/\d\d/\d\d/"
    r"(?P<file>\d{12}_CloudTrail-Digest_[a-z0-9-]+_(?P<trail>.+)_(?P<home>[a-z0-9-]+)_\d{8}T\d{6}Z"
    r"(?P<backfill>_backfill)?\.json\.gz)\Z",
    re.DOTALL,
)
_FILE = re.compile(r"\d{12}_CloudTrail-Digest_[a-z0-9-]+_.+_[a-z0-9-]+_\d{8}T\d{6}Z(?:_backfill)?\.json(?:\.gz)?\Z")


class LogFile(NamedTuple):
    """A log file that a digest lists: `hash` is the SHA-256 of its decompressed bytes, in hex."""

    bucket: str
    key: str
    hash: str
    algorithm: str


class Previous(NamedTuple):
    """What a digest says of the one before it: where it was put, the SHA-256 of its decompressed bytes, its signature."""

    bucket: str
    key: str
    hash: str
    signature: str


@dataclass(frozen=True)
class Digest:
    """A digest in evidence; times are UTC without a zone.

    `sha256` is that of its decompressed bytes, `signature` the one of its own metadata, "" where that is not in evidence.
    `previous` is None of the first of a chain. `chain` tells the chains apart: account, Region, trail with its home
    Region and organisation, and whether they are backfill digests, which list what was delivered late.
    `problem` says why it is no digest, and then nothing else of it holds; `unread` says that this is no fault of its own.
    `uri` and `object_id` are of its evidence.
    """

    uri: str
    object_id: str
    sha256: str
    bucket: str = ""
    key: str = ""
    account_id: str | None = None
    region: str | None = None
    trail: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    end_text: str = ""
    fingerprint: str = ""
    algorithm: str = SIGNED_WITH
    signature: str = ""
    previous: Previous | None = None
    log_files: tuple[LogFile, ...] = ()
    chain: tuple[str, ...] = ()
    backfill: bool = False
    problem: str = ""
    unread: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """Bucket and key that it says it was delivered to."""
        return self.bucket, self.key

    @property
    def named(self) -> str:
        """`s3://BUCKET/KEY` as it says itself, or where it was found."""
        return f"s3://{self.bucket}/{self.key}" if self.key else self.uri

    @property
    def signed(self) -> bytes:
        """The bytes that CloudTrail signed."""
        before = (self.previous and self.previous.signature) or "null"
        text = "\n".join((self.end_text, f"{self.bucket}/{self.key}", self.sha256, before))
        return text.encode()

    @property
    def moved(self) -> bool:
        """Whether it lies under another digest's name; a name that is no digest's says nothing."""
        found = file_name(self.uri)
        return bool(_FILE.match(found)) and bare(found) != bare(file_name(self.key))


def read_digest(data: bytes, *, uri: str, object_id: str, metadata: Mapping[str, Any]) -> Digest:
    """The digest in its decompressed bytes; what is none says so in `problem`."""
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        held = parsed(data.decode("utf-8"))
    except UnicodeDecodeError:
        held = None
    if not isinstance(held, dict):
        return Digest(uri, object_id, sha256, problem="it is not the JSON object that a digest is", **_told(uri))
    texts = {name: _text(held.get(name)) for name in _NEEDED}
    wrong = [name for name, value in texts.items() if not value]
    start, end = (utc_time(texts[name]) for name in ("digestStartTime", "digestEndTime"))
    if wrong or start is None or end is None or not isinstance(held.get("logFiles"), list):
        what = ", ".join(wrong) or "logFiles or times"
        return Digest(uri, object_id, sha256, problem=f"it lacks what a digest has: {what}", **_told(uri))
    key = texts["digestS3Object"]
    return Digest(
        uri,
        object_id,
        sha256,
        bucket=texts["digestS3Bucket"],
        key=key,
        start=start,
        end=end,
        end_text=texts["digestEndTime"],
        fingerprint=texts["digestPublicKeyFingerprint"],
        algorithm=_text(held.get("digestSignatureAlgorithm")) or SIGNED_WITH,
        signature=_text(metadata.get("signature")),
        previous=_previous(held),
        log_files=tuple(_log_file(item) for item in held["logFiles"] if isinstance(item, dict)),
        **(_told(key) | ({} if _KEY.search(key) else {"account_id": _text(held.get("awsAccountId")) or None})),
    )


_NEEDED = ("digestStartTime", "digestEndTime", "digestS3Bucket", "digestS3Object", "digestPublicKeyFingerprint")


def file_name(place: str) -> str:
    """The last part of a key, path or uri, without the version that may follow it."""
    return place.partition("?versionId=")[0].rpartition("/")[2]


def bare(name: str) -> str:
    """A file's name without what says that it is packed: copies may have been unpacked."""
    return name.removesuffix(".gz")


def _told(key: str) -> dict[str, Any]:
    """What the key of a digest tells: whose it is, of which Region and chain."""
    found = _KEY.search(key.partition("?versionId=")[0])
    if not found:
        return {"chain": ("", "", key.rpartition("/")[0], "")}
    parts = found.groupdict(default="")
    return {
        "account_id": parts["account"],
        "region": parts["region"],
        "trail": parts["trail"],
        "backfill": bool(parts["backfill"]),
        "chain": tuple(parts[name] for name in ("account", "region", "organisation", "trail", "home", "backfill")),
    }


def _previous(held: Mapping[str, Any]) -> Previous | None:
    names = ("previousDigestS3Bucket", "previousDigestS3Object", "previousDigestHashValue", "previousDigestSignature")
    bucket, key, sha256, signature = (_text(held.get(name)) for name in names)
    return Previous(bucket, key, sha256.lower(), signature) if bucket or key or sha256 or signature else None


def _log_file(item: Mapping[str, Any]) -> LogFile:
    bucket, key, sha256 = (_text(item.get(name)) for name in ("s3Bucket", "s3Object", "hashValue"))
    return LogFile(bucket, key, sha256.lower(), _text(item.get("hashAlgorithm")) or HASH)


def _text(value: Any) -> str:
    """A text, in which half a character is an escape: no table holds it; "" of what is none."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else ""


def utc_time(value: Any) -> datetime | None:
    """A time in ISO 8601 as UTC without a zone; None of what is none."""
    try:
        found = datetime.fromisoformat(_text(value))
        return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
