"""CloudTrail records under other names than a trail's: CloudTrail Lake, Athena, the console's event history."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from forensics.jsons import parsed
from forensics.presto_text import parse_resources, parse_row

_TOP = (
    "eventVersion eventTime eventSource eventName awsRegion sourceIPAddress userAgent errorCode errorMessage"
    " requestParameters responseElements additionalEventData requestID eventID eventType apiVersion managementEvent"
    " readOnly resources recipientAccountId serviceEventDetails sharedEventID vpcEndpointId vpcEndpointAccountId"
    " eventCategory addendum sessionCredentialFromConsole eventContext edgeDeviceDetails tlsDetails userIdentity"
)
_INSIDE = (
    "type userName principalId arn accountId accessKeyId invokedBy identityProvider credentialId sessionContext"
    " sessionIssuer attributes creationDate mfaAuthenticated sourceIdentity ec2RoleDelivery assumedRoot"
    " webIdFederationData federatedProvider inScopeOf sourceArn sourceAccount issuerType credentialsIssuedTo onBehalfOf"
    " userId identityStoreArn tlsVersion cipherSuite clientProvidedHostHeader keyExchange"
)
_NAMES = {name.lower(): name for name in _TOP.split()}
_MEMBERS = {name.lower(): name for name in _INSIDE.split()} | {"credentiaisissuedto": "credentialsIssuedTo"}
_OBJECTS = frozenset(
    "userIdentity requestParameters responseElements additionalEventData resources serviceEventDetails addendum"
    " eventContext edgeDeviceDetails tlsDetails".split()
)
_KNOWN_ROWS = frozenset({"userIdentity", "tlsDetails"})
"""Rows whose members are known, so that Presto's text of them reads without doubt."""

_CONSOLE = {
    "Event ID": "eventID",
    "Event name": "eventName",
    "Event time": "eventTime",
    "Event source": "eventSource",
    "AWS region": "awsRegion",
    "Source IP address": "sourceIPAddress",
    "Error code": "errorCode",
    "Read-only": "readOnly",
    "Request ID": "requestID",
    "Recipient account Id": "recipientAccountId",
    "Event type": "eventType",
    "User agent": "userAgent",
}
_DISPLAYED = re.compile(r"(\w+ \d{1,2}, \d{4}, \d\d:\d\d:\d\d) \(UTC([+-]\d\d:\d\d)?\)")
_ABSENT = ("", "-", "null")


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record under a trail's names; a record that has them is given back as it is."""
    if "eventName" in record:
        return record
    if isinstance(text := record.get("eventjson"), str) and isinstance(whole := parsed(text), dict):
        return whole
    return _console(record) if "Event name" in record else _lower(record)


def _lower(record: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, held in record.items():
        field = _NAMES.get(name)
        if field is None:
            found[name] = held
        elif field in _OBJECTS:
            found |= _object(name, field, held)
        elif not isinstance(held, str) or held not in _ABSENT:
            found[field] = _boolean(held)
    if isinstance(when := found.get("eventTime"), str):
        found["eventTime"] = _utc(when)
    return found


def _boolean(held: Any) -> Any:
    return held == "true" if held in ("true", "false") else held


def _object(name: str, field: str, held: Any) -> dict[str, Any]:
    """An object of the record: JSON text, Presto's text of a known row, or its text under its own name."""
    value = parsed(held) if isinstance(held, str) else held
    if value is None and isinstance(held, str) and field in _KNOWN_ROWS:
        value = parse_row(held)
    if value is None and isinstance(held, str) and field == "resources":
        value = parse_resources(held)
    if isinstance(value, dict | list):
        return {field: _camel(value) if field in _KNOWN_ROWS else value}
    return {name: held} if isinstance(held, str) and held not in _ABSENT else {}


def _camel(held: Any) -> Any:
    if isinstance(held, dict):
        named = {_MEMBERS.get(name.lower(), name): _camel(inner) for name, inner in held.items() if inner is not None}
        return named | {name: _utc(when) for name in ("creationDate",) if isinstance(when := named.get(name), str)}
    return [_camel(inner) for inner in held] if isinstance(held, list) else held


def _utc(text: str) -> str:
    """A time of Presto, `2026-11-05 09:10:01.000`, in ISO 8601."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?: UTC)?", text)
    return f"{found[1]}T{found[2]}Z" if found else text


def _console(record: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, held in record.items():
        if not (isinstance(held, str) and held in _ABSENT):
            found[_CONSOLE.get(name, name)] = held
    if isinstance(when := found.get("eventTime"), str):
        found["eventTime"] = _displayed(when)
    found["readOnly"] = _boolean(found.get("readOnly"))
    who = {"userName": found.pop("User name", None), "accessKeyId": found.pop("AWS access key", None)}
    what = {"type": found.pop("Resource type", None), "ARN": found.pop("Resource name", None)}
    found["userIdentity"] = {name: held for name, held in who.items() if held}
    return found | ({"resources": [{name: held for name, held in what.items() if held}]} if any(what.values()) else {})


def _displayed(text: str) -> str:
    found = _DISPLAYED.fullmatch(text)
    if found is None:
        return text
    try:
        at = datetime.strptime(f"{found[1]} {(found[2] or '+00:00').replace(':', '')}", "%B %d, %Y, %H:%M:%S %z")
    except ValueError:
        return text
    return at.astimezone(UTC).isoformat()
