"""Where to go from a name: ready Python text, quoted by `repr`, so that no name breaks out of it."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from functools import cache
from typing import Any

from forensics.case import Case

LONGEST = 400
"""Characters of a name that is led on from; longer ones are no names."""

_METHODS = {
    "principal": "principal",
    "role": "principal",
    "ancestor_principal": "principal",
    "issued_by_principal": "principal",
    "issuer": "principal",
    "by": "principal",
    "session": "session",
    "workload": "workload",
    "access_key_id": "credential",
    "access key": "credential",
    "ancestor_access_key_id": "credential",
    "issued_by_access_key_id": "credential",
    "finding_id": "finding",
    "finding": "finding",
    "event_id": "record",
    "event_ids": "record",
    "first_event_id": "record",
    "cause_event_id": "record",
    "issuance_event_id": "record",
    "evidence_event_ids": "record",
    "event": "record",
    "object_id": "evidence",
    "object": "evidence",
    "resource": "resource",
    "resources": "resource",
    "resource / destination": "resource",
    "address": "address",
    "source_ip": "address",
    "destination_ip": "address",
    "from": "address",
    "holds": "holds",
    "held": "holds",
    "name_of": "name_of",
}
"""The method of `Case` that a value of a column, or of a fact, is given to."""

_EXPLORED = frozenset({"principal", "session", "workload", "credential", "finding", "address", "resource"})
_KEY = re.compile(r"(?:AKIA|ASIA)[0-9A-Z]{4,124}")
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com")
_SESSION = re.compile(r"arn:[a-z-]+:sts::[0-9]{12}:(?:assumed-role|federated-user)/")


def calls(column: str, value: Any, *, at: datetime | None = None) -> tuple[str, ...]:
    """The calls that lead on from a value of that column, the card of it first; none where it is no name.

    `at`, the time of the row, is when the holder of an address is asked for.
    """
    if not isinstance(value, str) or not value or len(value) > LONGEST:
        return ()
    method = _method(column, value)
    if not method:
        return ()
    first: tuple[str, ...] = (f"case.{method}({value!r})",)
    if method == "address" and at is not None:
        first += (f"case.who_was({value!r}, at={at.isoformat(sep=' ', timespec='seconds')!r})",)
    return first + ((f"case.explore({value!r})",) if method in _EXPLORED and _can_explore() else ())


def _method(column: str, value: str) -> str:
    method = _METHODS.get(column.lower(), "")
    if method == "address":
        return "address" if is_address(value) else "principal" if _SERVICE.fullmatch(value) else ""
    if method == "holds":
        return _held(value)
    return method


def _held(value: str) -> str:
    if is_address(value):
        return "address"
    if _KEY.fullmatch(value):
        return "credential"
    return "session" if _SESSION.match(value) else ""


def is_address(value: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


@cache
def _can_explore() -> bool:
    return hasattr(Case, "explore")
