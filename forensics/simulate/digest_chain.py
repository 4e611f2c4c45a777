"""Chains of CloudTrail digests as a trail with log file validation delivers them: hourly, signed, each naming the last.

Source: CloudTrail digest file structure; Custom implementations of CloudTrail log file integrity validation.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from forensics.simulate.digest_key import fingerprint, made_up_key, sign
from forensics.simulate.storage import gzip_bytes
from forensics.simulate.world import ACCOUNT, REGION, Json, date_path, iso


@dataclass(frozen=True)
class Delivered:
    """A log file that a trail delivered: `sha256` is of its decompressed bytes; times of its events are ISO text."""

    key: str
    sha256: str
    oldest: str | None = None
    newest: str | None = None

    @classmethod
    def of(cls, key: str, content: bytes, *, oldest: str | None = None, newest: str | None = None) -> Self:
        """One with that content."""
        return cls(key, hashlib.sha256(content).hexdigest(), oldest, newest)


@dataclass(frozen=True)
class Made:
    """A digest as delivered: its key, its decompressed bytes, and its signature, which S3 keeps as metadata."""

    key: str
    content: bytes
    signature: str
    end: int

    @property
    def data(self) -> bytes:
        """The bytes of the object."""
        return gzip_bytes(self.content)

    @property
    def head(self) -> bytes:
        """What `aws s3api head-object` says of it."""
        metadata = {"signature": self.signature, "signature-algorithm": "SHA256withRSA"}
        modified = datetime.fromtimestamp(self.end + 240, UTC).isoformat()
        etag = hashlib.md5(self.data, usedforsecurity=False).hexdigest()
        told = {"LastModified": modified, "ContentLength": len(self.data), "ETag": f'"{etag}"', "Metadata": metadata}
        return json.dumps({"AcceptRanges": "bytes", **told, "ContentType": "application/json"}, indent=4).encode()


@dataclass
class DigestChain:
    """One chain, of an account, a Region and a trail; `made` are its digests, the oldest first."""

    bucket: str
    account: str = ACCOUNT
    region: str = REGION
    trail: str = "example-trail"
    home: str = REGION
    organisation: str = ""
    key: RSAPrivateKey = field(default_factory=made_up_key)
    backfill: bool = False
    made: list[Made] = field(default_factory=list)

    def deliver(self, start: int, end: int, files: Sequence[Delivered], *, anew: bool = False) -> Made:
        """The digest of what was delivered between two moments; `anew` begins a chain that names none before."""
        before = self.made[-1] if self.made and not anew else None
        key = self._key(end)
        newest = max((item.newest for item in files if item.newest), default=None)
        oldest = min((item.oldest for item in files if item.oldest), default=None)
        document: Json = {
            "awsAccountId": self.account,
            "digestStartTime": iso(start),
            "digestEndTime": iso(end),
            "digestS3Bucket": self.bucket,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": fingerprint(self.key),
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": newest,
            "oldestEventTime": oldest,
            "previousDigestS3Bucket": self.bucket if before else None,
            "previousDigestS3Object": before.key if before else None,
            "previousDigestHashValue": hashlib.sha256(before.content).hexdigest() if before else None,
            "previousDigestHashAlgorithm": "SHA-256" if before else None,
            "previousDigestSignature": before.signature if before else None,
            "logFiles": [self._listed(item) for item in files],
        }
        made = signed(document, self.key, end)
        self.made.append(made)
        return made

    def _key(self, end: int) -> str:
        moment = datetime.fromtimestamp(end, UTC)
        owner = f"{self.organisation}/{self.account}" if self.organisation else self.account
        folder = f"AWSLogs/{owner}/CloudTrail-Digest/{self.region}/{date_path(end)}"
        name = f"{self.account}_CloudTrail-Digest_{self.region}_{self.trail}_{self.home}_{moment:%Y%m%dT%H%M%SZ}"
        return f"{folder}/{name}{'_backfill' if self.backfill else ''}.json.gz"

    def _listed(self, item: Delivered) -> Json:
        return {
            "s3Bucket": self.bucket,
            "s3Object": item.key,
            "hashValue": item.sha256,
            "hashAlgorithm": "SHA-256",
            "newestEventTime": item.newest,
            "oldestEventTime": item.oldest,
        }


def signed(document: Json, key: RSAPrivateKey, end: int) -> Made:
    """A digest with the signature of that key."""
    content = json.dumps(document, separators=(",", ":")).encode()
    place = f"{document['digestS3Bucket']}/{document['digestS3Object']}"
    sha256 = hashlib.sha256(content).hexdigest()
    before = document["previousDigestSignature"] or "null"
    text = f"{document['digestEndTime']}\n{place}\n{sha256}\n{before}"
    return Made(document["digestS3Object"], content, sign(key, text), end)
