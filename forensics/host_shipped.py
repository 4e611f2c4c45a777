"""Records in which shippers hand on a host's lines: Fluentd, Fluent Bit, Logstash, Vector, the journal, Splunk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from forensics.host_lines import parse
from forensics.host_words import said

_TEXTS = ("message", "MESSAGE", "msg", "log", "event")
_TIMES = ("@timestamp", "time", "timestamp", "date", "_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP")
_MEMBERS = {
    "host": "hostName",
    "hostname": "hostName",
    "_HOSTNAME": "hostName",
    "path": "filePath",
    "file": "filePath",
    "source": "filePath",
    "log_file": "filePath",
    "ident": "program",
    "program": "program",
    "appname": "program",
    "SYSLOG_IDENTIFIER": "program",
    "process": "program",
    "_COMM": "program",
    "pid": "pid",
    "procid": "pid",
    "_PID": "pid",
    "ec2_instance_id": "instanceId",
    "instance_id": "instanceId",
    "level": "level",
    "severity": "level",
    "PRIORITY": "level",
}
"""What members of shippers' records are, the first of a field before the others."""
_OTHERS = frozenset(
    (
        *("kubernetes", "docker", "container_id", "container_name", "ecs_task_arn", "ecs_cluster"),
        *("eventVersion", "eventSource", "detail-type", "logEvents", "class_uid", "ddsource"),
    )
)
"""Members of records that other sources have."""
_JSON_OF_OTHERS = re.compile(
    r'"(?:eventVersion|eventSource|detail-type|logEvents|auditID|class_uid|[sS]chemaVersion|webaclId|query_timestamp'
    r'|configurationItem\w*|configSnapshotId|firewall_name)"\s*:'
)
_SPLUNK = {"host", "source", "sourcetype"}
_JOURNAL = {"_HOSTNAME", "SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "__REALTIME_TIMESTAMP"}
_HOSTS = {"host", "hostname", "ident", "ec2_instance_id"}
_SYSTEM = ("syslog", "journald", "file")
"""Kinds of sources of Vector that read hosts' lines."""

_DAY = re.compile(r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d$")
_NUMBER = re.compile(r"\d{9,19}(?:\.\d{1,9})?")
_SPACED_ZONE = re.compile(r" (?=[+-]\d\d:?\d\d$)")
_LONGEST_TIME = 64
_FIRST = 1e8
"""Seconds since 1970 below which a number is taken for no time."""
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))
"""Numbers below the first are in units of which a second has the second."""


def is_line(record: Mapping[str, Any]) -> bool:
    """Whether a shipper's record holds a line of a host, and is no other source's."""
    held = _flat(record)
    name = _text_name(held)
    if name is None or not _OTHERS.isdisjoint(held) or held.get("stream") in ("stdout", "stderr"):
        return False
    text = held[name]
    if text.lstrip()[:1] in ("{", "[") and _JSON_OF_OTHERS.search(text):
        return False
    if "sourcetype" in held and str(held["sourcetype"]).startswith("aws:"):
        return False
    return _of_shipper(held, record) or bool(parse(text))


def _of_shipper(held: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a record has the members of a shipper of hosts' lines, whatever the line says."""
    names = held.keys()
    if {"host", "ident"} <= names or ("MESSAGE" in names and not _JOURNAL.isdisjoint(names)):
        return True
    if "appname" in names and ("procid" in names or str(held.get("source_type")) in _SYSTEM):
        return True
    if names.isdisjoint(_TIMES):
        return False
    if "event" in record:
        return names >= _SPLUNK
    return {"@version", "@timestamp"} <= names or not _HOSTS.isdisjoint(names)


def _flat(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Splunk's record with the members of its event beside its own; those of the same name stay in the event."""
    inner = record.get("event")
    if not isinstance(inner, Mapping) or not record.keys() & _SPLUNK:
        return record
    apart = {name: held for name, held in inner.items() if name in record}
    own = {name: held for name, held in record.items() if name != "event"}
    return {**inner, **own} | ({"event": apart} if apart else {})


def _text_name(held: Mapping[str, Any]) -> str | None:
    for name in _TEXTS:
        if isinstance(held.get(name), str):
            return name
    return None


def fields_of(record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a record says by field of `host_log`, and its members that are none of them."""
    rest = dict(_flat(record))
    if (text := _text_name(rest)) is None:
        return {}, rest
    found: dict[str, Any] = {"message": rest.pop(text)}
    found |= _when(rest)
    for name, field in _MEMBERS.items() if not _MEMBERS.keys().isdisjoint(rest) else ():
        if name in rest and field not in found and _fits(field, rest[name]):
            found[field] = rest.pop(name)
    line = parse(found["message"])
    if not line and isinstance(found.get("program"), str):
        line = said(found["message"], found["program"])
    return {"logKind": "shipped"} | line | found, rest


def _fits(field: str, held: Any) -> bool:
    if field == "pid":
        return (isinstance(held, int) and not isinstance(held, bool)) or (isinstance(held, str) and held.isdecimal())
    return isinstance(held, str | int) and not isinstance(held, bool)


def _when(rest: dict[str, Any]) -> dict[str, Any]:
    """The first member that is a time, taken out; else one that lacks year or zone, as written."""
    for name in _TIMES:
        if name in rest and (at := moment(rest[name])) is not None:
            del rest[name]
            return {"time": at}
    name = next((name for name in _TIMES if _lacks_zone(rest.get(name))), "")
    return {"timeText": rest.pop(name)} if name else {}


def odd_time(rest: dict[str, Any]) -> dict[str, Any]:
    """The first member that should be a time and is none, taken out."""
    name = next((name for name in _TIMES if rest.get(name) is not None), "")
    return {"time": rest.pop(name)} if name else {}


def moment(held: Any) -> str | None:
    """A time as ISO 8601: of a number since 1970 in whichever unit, or of text with a zone. None for any other."""
    if isinstance(held, str):
        return _since(float(held)) if _NUMBER.fullmatch(held) else _of_text(held)
    return _since(held) if isinstance(held, int | float) and not isinstance(held, bool) else None


def _since(number: float) -> str | None:
    per_second = next((unit for below, unit in _UNITS if number < below), None)
    if per_second is None or number < _FIRST:
        return None
    try:
        return datetime.fromtimestamp(number / per_second, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return None


def _of_text(text: str) -> str | None:
    if len(text) > _LONGEST_TIME:
        return None
    try:
        at = datetime.fromisoformat(_SPACED_ZONE.sub("", text.strip()))
    except ValueError:
        return None
    return at.isoformat() if at.tzinfo else None


def _lacks_zone(held: Any) -> bool:
    if not isinstance(held, str) or len(held) > _LONGEST_TIME:
        return False
    try:
        return bool(_DAY.match(held)) or datetime.fromisoformat(held).tzinfo is None
    except ValueError:
        return False
