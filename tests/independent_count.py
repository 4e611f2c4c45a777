"""Counts the records of public log files by simple rules of its own, so that the loader can be held against it."""

import base64
import gzip
import hashlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet

Record = tuple[str, str | None]
"""A source, and the event's id where the record states one."""

BROKEN = "broken"
"""Records that belong to no source, or cannot be read, beside or instead of good ones."""
HEADER = "header"
OTHER = "other"

KINDS = (
    ("cloudtrail_digest", {"digestS3Object", "digestStartTime"}),
    ("guardduty", {"severity", "type", "resource", "service"}),
    ("security_hub", {"SchemaVersion", "ProductArn", "GeneratorId"}),
    ("config_item", {"resourceType", "resourceId", "configurationItemStatus"}),
    ("waf", {"webaclId", "httpRequest"}),
    ("route53_resolver", {"query_name", "query_timestamp"}),
    ("network_firewall", {"firewall_name", "event"}),
    ("api_gateway", {"api_id", "request_id", "http_method"}),
    ("container_log", {"log", "stream", "time"}),
)
AUDIT = {"objectRef", "responseStatus", "sourceIPs", "requestURI"}
"""Fields of which a Kubernetes audit event has at least one, however reduced."""
EVENTBRIDGE = {"detail-type", "source", "account", "time", "region", "detail"}
RESULT = {"configuration", "supplementaryConfiguration"}
"""What the recorded queries of AWS Config select; `resourceId` only some of them."""
TEXTS = ("CloudTrailEvent", "_raw", "body", "invokingEvent", "Message")
"""Fields of wrappers that hold a record as text."""

DAY = r"\d{4}-\d\d-\d\d"
LINES = (
    (BROKEN, re.compile(rf"https? {DAY}T.* arn:aws:elasticloadbalancing:[\w-]+:\d+ ")),
    ("alb", re.compile(rf"(https?|h2|wss?|grpcs) {DAY}T")),
    ("nlb", re.compile(rf"tls \d\.\d {DAY}T")),
    ("clb", re.compile(rf"{DAY}T\d\d:\d\d:\d\d\.\d{{6}}Z \S+ \S+:\d+ ")),
    ("cloudfront", re.compile(rf"{DAY}\t\d\d:\d\d:\d\d\t")),
    ("s3_access", re.compile(r"\w{60,70} \S+ \[\d\d/\w{3}/\d{4}:")),
    ("rds_log", re.compile(rf"{DAY} \d\d:\d\d:\d\d UTC:")),
    ("cloudwatch_log", re.compile(rf"{DAY}T\d\d:\d\d:\d\d\.\d{{3}}Z ")),
    ("vpc_flow", re.compile(r"2 \d+ eni-\w+( \S+){11}$")),
)
CONTINUED = ("rds_log", "cloudwatch_log")
"""Sources of lines whose records may go on over lines of any kind."""
FLOW_WORDS = {"srcaddr", "dstaddr", "srcport", "dstport", "start", "action", "version", "tgw-id", "tgw-src-eni"}

LAMBDA_STREAM = re.compile(r"\d{4}/\d\d/\d\d/.*\[.+\]")
JSON_START = re.compile(r'\s*(\{\s*["}]|\[\s*[\[{\]])')
JSON_BEGINS = re.compile(r"[\[{]")


@dataclass(frozen=True)
class Counted:
    """One file, or one member of an archive."""

    sha256: str
    records: Counter[str]
    event_ids: frozenset[str]
    """Ids of CloudTrail events; "None" where a record has none."""


def count(folder: Path) -> dict[str, Counted]:
    """What each file of a folder holds, by its path in it; a member of an archive is `ARCHIVE!MEMBER`."""
    return {name: _counted(data) for name, data in _objects(folder)}


def _objects(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                yield from ((f"{name}!{member}", archive.read(member)) for member in archive.namelist())
        elif path.is_file():
            yield name, path.read_bytes()


def _counted(data: bytes) -> Counted:
    found = list(_records(data))
    records = Counter(source for source, _ in found if source != HEADER)
    strangers = records.pop(OTHER, 0)
    if records and strangers:
        records[BROKEN] += strangers
    ids = frozenset(str(event_id) for source, event_id in found if source == "cloudtrail")
    return Counted(hashlib.sha256(data).hexdigest(), records, ids)


def _records(data: bytes) -> Iterator[Record]:
    if data.startswith(b"PAR1"):
        return _rows(data)
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    return _text(data.decode("utf-8", "replace"))


def _rows(data: bytes) -> Iterator[Record]:
    table = pyarrow.parquet.ParquetFile(io.BytesIO(data))
    source = "api_gateway" if "api_id" in table.schema.names else "vpc_flow"
    return iter([(source, None)] * table.metadata.num_rows)


def _text(text: str) -> Iterator[Record]:
    return _documents(text) if JSON_START.match(text) else _lines(text)


def _documents(text: str) -> Iterator[Record]:
    """Whole documents one after the other; words between them, and documents within those, are one broken record."""
    damaged = False
    for document in _pieces(text):
        found = [] if isinstance(document, str) else list(_items(document))
        known = any(source != OTHER for source, _ in found)
        if damaged and known:
            yield BROKEN, None
        damaged = not known and (damaged or isinstance(document, str))
        if not damaged:
            yield from found
    if damaged:
        yield BROKEN, None


def _pieces(text: str) -> Iterator[Any]:
    """Documents as what they hold; words that belong to none as text."""
    decoder = json.JSONDecoder(strict=False)
    place = 0
    while begin := JSON_BEGINS.search(text, place):
        if re.search(r"\w", text[place : begin.start()]):
            yield text[place : begin.start()]
        try:
            document, place = decoder.raw_decode(text, begin.start())
            yield document
        except ValueError:
            place = begin.end()
    if re.search(r"\w", text[place:]):
        yield text[place:]


def _items(document: Any) -> Iterator[Record]:
    """The records of a document; what it lists without being one is a stranger."""
    for item in document if isinstance(document, list) else [document]:
        yield from list(_archived(item) or _walk(item)) or [(OTHER, None)]


def _archived(item: Any) -> list[Record]:
    """An event as a forwarder of logs keeps it, with its stream under `aws.awslogs`."""
    if isinstance(item, dict) and {"aws", "message"} <= item.keys() and "awslogs" in item["aws"]:
        return list(_stream(item["aws"]["awslogs"], [item["message"]]))
    return []


def _walk(held: Any) -> Iterator[Record]:
    if isinstance(held, list):
        for item in held:
            yield from _walk(item)
    elif isinstance(held, dict):
        if source := _kind(held):
            yield source, held.get("eventID")
        elif held.keys() >= EVENTBRIDGE and not str(held["source"]).startswith("aws."):
            yield "eventbridge_event", None
        elif messages := _messages(held):
            yield from _stream(held, messages)
        else:
            yield from _inside(held)


def _kind(held: dict[str, Any]) -> str | None:
    if {"eventName", "eventSource"} <= held.keys():
        return None if str(held["eventSource"]).startswith("aws:") else "cloudtrail"
    if held.get("kind") == "Event" and held.keys() & AUDIT:
        return "eks_audit"
    return next((source for source, keys in KINDS if keys <= held.keys()), None)


def _inside(held: dict[str, Any]) -> Iterator[Record]:
    found = [record for value in held.values() for record in _walk(value)]
    found += [record for name in TEXTS if isinstance(held.get(name), str) for record in _text(held[name])]
    if isinstance(held.get("Results"), list):
        found += [("config_item", None) for result in held["Results"] if json.loads(result).keys() >= RESULT]
    if isinstance(held.get("awslogs"), dict) and "data" in held["awslogs"]:
        found += _records(base64.b64decode(held["awslogs"]["data"]))
    if not found and held.keys() >= EVENTBRIDGE:
        found = [("eventbridge_event", None)]
    yield from found


def _messages(held: dict[str, Any]) -> list[str]:
    """The messages of log events, as a subscription sends them or the API answers."""
    events = held.get("logEvents") or held.get("events")
    if isinstance(events, list) and all({"message", "timestamp"} <= event.keys() for event in events):
        return [event["message"] for event in events]
    return []


def _stream(held: dict[str, Any], messages: list[str]) -> Iterator[Record]:
    group, stream = held.get("logGroup", ""), held.get("logStream", "")
    if group.startswith("/aws/rds/"):
        yield from [("rds_log", None)] * len(messages)
    elif (
        group.startswith("/aws/lambda/")
        or LAMBDA_STREAM.match(stream)
        or any("RequestId: " in message[:40] for message in messages)
    ):
        yield from [("lambda_log", None)] * len(messages)
    else:
        for message in messages:
            yield from _message(message)


def _message(message: str) -> list[Record]:
    try:
        return list(_walk(json.loads(message))) or [("cloudwatch_log", None)]
    except ValueError:
        return [("cloudwatch_log", None)]


def _lines(text: str) -> Iterator[Record]:
    lines = [line for line in text.split("\n") if line.strip()]
    if lines and len(FLOW_WORDS & set(lines[0].split())) >= 2:
        yield HEADER, None
        yield from _flows(lines[0].split(), lines[1:])
        return
    source = OTHER
    for line in lines:
        known = HEADER if line.startswith("#") else _line(line)
        if known or source not in CONTINUED:
            source = known or OTHER
            yield source, None


def _line(line: str) -> str | None:
    return next((source for source, layout in LINES if layout.match(line)), None)


def _flows(names: list[str], lines: list[str]) -> Iterator[Record]:
    source = "transit_gateway_flow" if "tgw-id" in names else "vpc_flow"
    for line in lines:
        yield source if len(line.split()) == len(names) else BROKEN, None
