"""Reads who acted out of public CloudTrail records by simple rules of its own, to hold the resolution against."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.independent_count import JSON_START, TEXTS, _objects, _pieces

IAM_ARN = re.compile(r"arn:[a-z-]+:iam::\d{12}:(?:user|role)/.+|arn:[a-z-]+:iam::\d{12}:root")
STS_ARN = re.compile(r"arn:[a-z-]+:sts::\d{12}:(?:assumed-role/[^/]+/.+|federated-user/.+)")
SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com|AWS Internal")


@dataclass(frozen=True)
class Stated:
    """What one record says of who acted."""

    event_id: str | None
    type: str | None
    principal: str | None
    """The ARN of the user, role or root, or the service's name, as the record itself has it."""
    session: str | None


def stated(folder: Path) -> list[Stated]:
    """Every CloudTrail record of a folder whose identity has an ARN of IAM or STS, or is a service."""
    found = [_stated(record) for _, data in _objects(folder) for record in _records(data)]
    return [item for item in found if item.principal or item.session]


def _records(data: bytes) -> Iterator[dict[str, Any]]:
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    text = data.decode("utf-8", "replace")
    if JSON_START.match(text):
        for document in _pieces(text):
            yield from _walk(document)


def _walk(held: Any) -> Iterator[dict[str, Any]]:
    if isinstance(held, dict) and {"eventName", "eventSource", "userIdentity"} <= held.keys():
        if not str(held["eventSource"]).startswith("aws:"):
            yield held
    elif isinstance(held, dict):
        for name, value in held.items():
            text = name in TEXTS and isinstance(value, str) and JSON_START.match(value)
            for document in _pieces(value) if text else [value]:
                yield from _walk(document)
    elif isinstance(held, list):
        for item in held:
            yield from _walk(item)


def _stated(record: dict[str, Any]) -> Stated:
    who = record["userIdentity"] if isinstance(record["userIdentity"], dict) else {}
    issuer = ((who.get("sessionContext") or {}).get("sessionIssuer") or {}).get("arn")
    arn = who.get("arn")
    kind = who.get("type")
    return Stated(record.get("eventID"), kind, _principal(who, arn, issuer), arn if _is(STS_ARN, arn) else None)


def _principal(who: dict[str, Any], arn: Any, issuer: Any) -> str | None:
    if who.get("type") == "AWSService" or not (who.get("type") or arn):
        return _is(SERVICE, who.get("invokedBy"))
    if _is(STS_ARN, arn) and ":assumed-role/" in arn:
        return _is(IAM_ARN, issuer)
    return _is(IAM_ARN, arn) or _is(STS_ARN, arn)


def _is(shape: re.Pattern[str], text: Any) -> str | None:
    return text if isinstance(text, str) and shape.fullmatch(text) else None
