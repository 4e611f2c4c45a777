"""Counts the records of public log files with json and gzip alone, so that the readers can be held against it."""

import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FLOW_WORDS = {"srcaddr", "dstaddr", "srcport", "dstport", "start", "action", "version", "interface-id"}
STREAM = re.compile(r"^\d{4}/\d\d/\d\d/.*\[.+\]")


def count(folder: Path) -> tuple[dict[str, Counter[str]], set[str]]:
    """Records of each source by file, byte-identical files once, and the ids of all CloudTrail events."""
    found: dict[str, Counter[str]] = {}
    ids: set[str] = set()
    seen: set[str] = set()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            if digest not in seen and data[:4] != b"PAR1":
                seen.add(digest)
                found[path.relative_to(folder).as_posix()] = _file(data, ids)
    return found, ids


def _file(data: bytes, ids: set[str]) -> Counter[str]:
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8", "replace")
    counts: Counter[str] = Counter()
    documents = list(_documents(text))
    for document in documents:
        _walk(document, counts, ids)
    return counts if documents else _flows(text)


def _documents(text: str) -> Iterator[Any]:
    """Whole documents one after the other; after damage, whatever object begins next."""
    decoder = json.JSONDecoder(strict=False)
    place = 0
    if text.lstrip()[:1] not in ("{", "["):
        return
    while place < len(text):
        if text[place] not in "{[":
            place += 1
            continue
        try:
            held, place = decoder.raw_decode(text, place)
            yield held
        except (ValueError, RecursionError):
            place += 1


def _walk(held: Any, counts: Counter[str], ids: set[str]) -> None:
    if isinstance(held, list):
        for item in held:
            _walk(item, counts, ids)
    elif isinstance(held, dict):
        if "eventName" in held and ("eventVersion" in held or "eventSource" in held or "userIdentity" in held):
            counts["cloudtrail"] += 1
            ids.add(str(held.get("eventID")))
        elif {"severity", "type", "resource", "service"} <= held.keys() and isinstance(held["service"], dict):
            counts["guardduty"] += 1
        elif "logEvents" in held:
            _events(held["logEvents"], held.get("logGroup", ""), held.get("logStream", ""), counts, ids)
        elif isinstance(held.get("events"), list) and all("message" in item for item in held["events"] if item):
            _events(held["events"], "", "", counts, ids)
        else:
            _inside(held, counts, ids)


def _inside(held: dict[str, Any], counts: Counter[str], ids: set[str]) -> None:
    for name in ("CloudTrailEvent", "_raw"):
        if isinstance(held.get(name), str):
            counts += _text(held[name], ids)
            return
    for name in ("Records", "Events", "detail", "_source", "aws", "cloudtrail", "data"):
        if isinstance(held.get(name), dict | list):
            _walk(held[name], counts, ids)


def _text(text: str, ids: set[str]) -> Counter[str]:
    if text.lstrip().startswith("{"):
        return _file(text.encode(), ids)
    return Counter({"vpc_flow": 1}) if len(text.split()) == 14 and text.startswith("2 ") else Counter()


def _events(events: Any, group: str, stream: str, counts: Counter[str], ids: set[str]) -> None:
    messages = [str(item["message"]) for item in events]
    if (
        group.startswith("/aws/lambda/")
        or (STREAM.match(stream) and "rds" not in group)
        or any("RequestId: " in text[:40] for text in messages)
    ):
        counts["lambda_log"] += len(messages)
        return
    for message in messages:
        counts.update(_text(message, ids))


def _flows(text: str) -> Counter[str]:
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines:
        return Counter()
    if any(word.startswith("tgw-") for word in lines[0]):
        return Counter()
    if len(FLOW_WORDS & set(lines[0])) >= 4:
        return Counter({"vpc_flow": sum(len(line) == len(lines[0]) for line in lines[1:])})
    return Counter({"vpc_flow": sum(len(line) == 14 and line[0] == "2" for line in lines)})
