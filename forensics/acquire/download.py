"""A download by a presigned URL: the address alone lets it pass, no credentials are sent."""

from __future__ import annotations

import base64
import hashlib
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from forensics.aws import Trouble

LOOPBACK = ("127.0.0.1", "::1", "localhost")
LARGEST = 1 << 30
"""Bytes; a code package of Lambda has 250 MB unpacked at most."""
IN_MEMORY = 1 << 20
CHUNK = 1 << 20
SECONDS = 60


class NotHad(Exception):
    """The bytes could not be had; `trouble` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.trouble = Trouble("other", code, message)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A presigned URL leads to the bytes, or nowhere."""


@dataclass(frozen=True)
class Downloaded:
    """The bytes, how many, and their SHA-256 in base64 as Lambda writes it."""

    stream: BinaryIO
    size: int
    sha256: str


def download(url: str, *, endpoint: str | None = None) -> Downloaded:
    """What is at that address. Raises NotHad, whose text has no signature in it.

    Only https, except of a loopback address while the endpoint is one too.
    """
    parts = urlsplit(url)
    allowed = parts.scheme == "https" or (parts.scheme == "http" and _loops(url) and _loops(endpoint))
    if not allowed:
        raise NotHad("NotHttps", f"the address of the code begins with {parts.scheme[:20]}://, only https is followed")
    try:
        with urllib.request.build_opener(_NoRedirect).open(url, timeout=SECONDS) as answer:
            return _kept(answer)
    except urllib.error.HTTPError as error:
        raise NotHad(str(error.code), f"{parts.hostname} answered {error.code}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotHad(type(error).__name__, f"{parts.hostname} gave no bytes") from None


def _loops(url: str | None) -> bool:
    return bool(url) and urlsplit(url).hostname in LOOPBACK


def _kept(answer: Any) -> Downloaded:
    held = cast("BinaryIO", tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
    found = hashlib.sha256()
    while chunk := answer.read(CHUNK):
        held.write(chunk)
        found.update(chunk)
        if held.tell() > LARGEST:
            held.close()
            raise NotHad("TooLarge", f"the code has more than {LARGEST} bytes")
    size = held.tell()
    held.seek(0)
    return Downloaded(held, size, base64.b64encode(found.digest()).decode())
