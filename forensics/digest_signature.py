"""Signatures of CloudTrail digests: RSASSA-PKCS1-v1_5 with SHA-256, by the public keys that are in evidence.

Source: "Custom implementations of CloudTrail log file integrity validation"; ListPublicKeys.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from forensics.digest import SIGNED_WITH, Digest


class Proof(Enum):
    """What came of checking a signature."""

    HOLDS = "holds"
    FAILS = "fails"
    NO_KEY = "no key"
    """The key of that fingerprint is not in evidence, or cannot be read."""
    FOREIGN = "foreign"
    """The whole list of the keys that CloudTrail had then is in evidence, and the key is not in it."""
    UNKNOWN = "unknown"
    """Another algorithm than CloudTrail's only one."""


@dataclass(frozen=True)
class Asked:
    """A question to ListPublicKeys that was answered whole: the Region, and the time that was asked about."""

    region: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Keys:
    """Public keys by fingerprint (several under one, if evidence has it so), and what was asked to get them."""

    known: Mapping[str, tuple[RSAPublicKey, ...]] = field(default_factory=dict)
    asked: tuple[Asked, ...] = ()

    @classmethod
    def of(cls, values: Iterable[tuple[str, str]], asked: Iterable[Asked] = ()) -> Keys:
        """Keys from fingerprints and base64 of DER (PKCS #1 or SubjectPublicKeyInfo); what is no RSA key is left out."""
        known: dict[str, tuple[RSAPublicKey, ...]] = {}
        for fingerprint, value in values:
            if key := _key(value):
                known[fingerprint] = (*known.get(fingerprint, ()), key)
        return cls(known, tuple(asked))

    def prove(self, digest: Digest, signature: str) -> Proof:
        """Whether that signature (hex) is CloudTrail's of that digest."""
        if digest.algorithm != SIGNED_WITH:
            return Proof.UNKNOWN
        keys = self.known.get(digest.fingerprint, ())
        if not keys:
            return Proof.FOREIGN if self._listed(digest) else Proof.NO_KEY
        return Proof.HOLDS if any(_holds(key, digest.signed, signature) for key in keys) else Proof.FAILS

    def _listed(self, digest: Digest) -> bool:
        """Whether all keys of that Region and time are in evidence; those of a backfill digest are of a later time."""
        if digest.end is None or digest.backfill:
            return False
        return any(
            one.region == digest.region and one.since <= digest.end <= one.until for one in self.asked if self.known
        )


def _key(value: str) -> RSAPublicKey | None:
    try:
        found = load_der_public_key(base64.b64decode(value, validate=True))
    except (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error):
        return None
    return found if isinstance(found, RSAPublicKey) else None


def _holds(key: RSAPublicKey, signed: bytes, signature: str) -> bool:
    try:
        key.verify(bytes.fromhex(signature), signed, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True
