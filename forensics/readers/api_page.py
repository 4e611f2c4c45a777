"""Pages of AWS's APIs as this package keeps them: records of what they tell, or one for each thing they describe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from forensics.acquire.calls import call as declared
from forensics.acquire.calls.call import Call, search
from forensics.jsons import written
from forensics.readers.documents import BAD_JSON, Json, members, value
from forensics.readers.log_events import LogEvent
from forensics.source import LogStream

encode = msgspec.json.encode

PAGE = {"call", "response"}
REFUSED = {"call", "error"}
_PLACED = frozenset({("cloudtrail", "ListPublicKeys")})
"""Operations whose records do not say of which account and Region they are."""


def is_page(parts: Mapping[str, Any]) -> bool:
    """Whether a document's members are those of a page."""
    return parts.keys() in (PAGE, REFUSED)


def described(document: Json) -> Iterator[bytes] | None:
    """A record for each thing that a page describes, one for a page without any; None for a page that tells records."""
    try:
        held = value(document)
    except BAD_JSON:
        return None
    asked = held.get("call")
    if not isinstance(asked, dict):
        return None
    known = declared(str(asked.get("service")), str(asked.get("operation")))
    if known is None and "response" in held:
        return None
    return _records(known, asked, held)


_TOLD = {
    ("cloudtrail", "LookupEvents"): "cloudtrail",
    ("cloudtrail", "ListPublicKeys"): "cloudtrail_public_key",
    ("guardduty", "GetFindings"): "guardduty",
    ("config", "GetResourceConfigHistory"): "config_item",
    ("logs", "FilterLogEvents"): "cloudwatch_log",
    ("logs", "StartQuery"): "cloudwatch_log",
}
"""Of what source the records of an answer are, also where it has none."""


def told_of(document: Json) -> str | None:
    """The source whose records a page without any would hold; None for any other document."""
    held = members(document)
    if held is None or held.keys() != PAGE:
        return None
    asked = asked_of(document)
    parameters = asked.get("parameters")
    if isinstance(parameters, dict) and parameters.get("EventCategory") == "insight":
        return "cloudtrail_insight"
    return _TOLD.get((str(asked.get("service")), str(asked.get("operation"))))


def asked_of(document: Json) -> dict[str, Any]:
    """What was asked, of a page that tells records."""
    try:
        found = value(document).get("call")
    except BAD_JSON:
        return {}
    return found if isinstance(found, dict) else {}


def in_place(record: Json, asked: Mapping[str, Any]) -> Json:
    """A record with the account and Region that were asked, of an operation whose records do not say."""
    held = members(record) if (str(asked.get("service")), str(asked.get("operation"))) in _PLACED else None
    if held is None:
        return record
    around = {"accountId": asked.get("account_id"), "region": asked.get("region")}
    return encode({**{name: value for name, value in around.items() if value is not None}, **held})


def placed(event: LogEvent, asked: Mapping[str, Any]) -> LogEvent:
    """A log event with the log group, account and Region that were asked, where it names none."""
    parameters = asked.get("parameters")
    given = parameters if isinstance(parameters, dict) else {}
    group = event.stream.log_group or _group(given)
    owner, region = (_text(asked.get(name)) for name in ("account_id", "region"))
    stream = LogStream(group, event.stream.log_stream, event.stream.owner or owner, event.stream.region or region)
    return LogEvent(stream, event.message, event.id, event.timestamp, event.ingestion_time)


def _group(given: Mapping[str, Any]) -> str | None:
    """The log group that FilterLogEvents, GetLogEvents or StartQuery was asked of, where it is one."""
    for name in ("logGroupName", "logGroupIdentifier"):
        if isinstance(found := given.get(name), str):
            return found.split(":log-group:")[-1].removesuffix(":*")
    return None


def _records(known: Call | None, asked: Mapping[str, Any], held: Mapping[str, Any]) -> Iterator[bytes]:
    kind = known.resource_type if known else None
    around = {name: asked.get(name) for name in ("operation", "parameters", "account_id", "region", "observed_at")}
    around |= {"api": asked.get("service"), "resource_type": kind}
    error = held.get("error")
    found = known.of(held["response"]) if known and "response" in held else []
    if isinstance(error, dict):
        yield written(around | {"error_code": error.get("code"), "error_message": error.get("message")}).encode()
    elif known is None or not found:
        yield written(around | {"described": 0}).encode()
    else:
        for item in found:
            yield written(around | _named(known, asked, item)).encode()


def _named(known: Call, asked: Mapping[str, Any], item: Any) -> dict[str, Any]:
    parameters = asked.get("parameters")
    about = parameters.get(known.about) if known.about and isinstance(parameters, dict) else None
    own = {name: _text(search(getattr(known, name), item)) for name in ("resource_id", "arn", "name", "created")}
    configuration = item if isinstance(item, dict) else {"value": item}
    if kind := search(known.kind, item):
        own["resource_type"] = _text(kind)
    return own | {"resource_id": own["resource_id"] or _text(about), "configuration": configuration}


def _text(found: Any) -> str | None:
    if isinstance(found, list):
        found = found[0] if found else None
    return None if found is None else str(found)
