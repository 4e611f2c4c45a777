"""A page of an API's answer as evidence: one JSON object that says what was asked, of whom, and what was answered.

`{"call": {service, operation, parameters, account_id, region, observed_at}, "response": …}`, or `"error"` {code, message}
in the place of a response. `observed_at` is there where the answer tells a state at a moment, and not where it tells
records: the same records asked for twice are the same bytes. Tokens of paging and what boto3 says of the transport are
left out for the same reason; the custody record has the caller, the endpoint and the times.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from forensics.acquire import Found
from forensics.aws import Trouble

_TRANSPORT = re.compile(
    r"\A(?:ResponseMetadata|NextToken|nextToken|NextMarker|Marker|nextForwardToken|nextBackwardToken)\Z"
)


@dataclass(frozen=True)
class Asked:
    """What was asked: `observed_at` (UTC without a zone) is None where the answer tells records."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    account_id: str
    region: str
    observed_at: datetime | None = None

    @property
    def place(self) -> str:
        """The uri that its pages' begin with: aws://ACCOUNT/REGION/SERVICE/OPERATION/PARAMETERS[/MOMENT]."""
        given = ",".join(f"{name}={_brief(value)}" for name, value in sorted(self.parameters.items())) or "-"
        at = f"/{self.observed_at:%Y%m%dT%H%M%S%fZ}" if self.observed_at else ""
        named = f"{self.service}/{self.operation}/{quote(given, safe='=,:*')}"
        return f"aws://{self.account_id}/{self.region}/{named}{at}"

    @property
    def last(self) -> str:
        """The uri of the last page, of an answer whose last page is told from the others."""
        return f"{self.place}/last.json"

    def answered(self, number: int, response: Mapping[str, Any], *, last: bool = False) -> Found:
        """A page of the answer, `number` counting from 0; `last` where its uri is to say that it is."""
        held = {name: value for name, value in response.items() if not _TRANSPORT.match(name)}
        return self._found("last" if last else number, {"call": self._call(), "response": held})

    def none(self, code: str) -> Found:
        """An answer that describes nothing: AWS says so by an error code."""
        return self._found(0, {"call": self._call() | {"absent": code}, "response": {}})

    def refused(self, found: Trouble, number: int = 0) -> Found:
        """A call that was not answered, after `number` pages: that is evidence too."""
        return self._found(number, {"call": self._call(), "error": {"code": found.code, "message": found.message}})

    def _call(self) -> dict[str, Any]:
        call: dict[str, Any] = {"service": self.service, "operation": self.operation, "parameters": self.parameters}
        call |= {"account_id": self.account_id, "region": self.region}
        return call | ({"observed_at": _written(self.observed_at)} if self.observed_at else {})

    def _found(self, number: int | str, page: Mapping[str, Any]) -> Found:
        text = json.dumps(page, default=_written, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()
        name = number if isinstance(number, str) else f"{number:05}"
        return Found(f"{self.place}/{name}.json", io.BytesIO(text), last_modified=self.observed_at, size=len(text))


def _written(value: Any) -> Any:
    """A value of boto3 that JSON does not have: times in ISO 8601, UTC; bytes in base64."""
    if isinstance(value, datetime):
        at = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        return at.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "read"):
        return value.read().decode("utf-8", "replace")
    return str(value)


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=_written, sort_keys=True)
    return text if len(text) <= 120 else f"{text[:100]}…{hashlib.sha256(text.encode()).hexdigest()[:12]}"
