"""What is read: the specimens of every source, and texts of theirs in every container that deliveries come in."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from forensics.source_check import data, read_specimen
from forensics.sources import sources
from tests.fuzz import changes, json_changes
from tests.fuzz.packing import Pack, as_bzip2, as_gzip, as_subscription, as_tar, as_zip, as_zstd, broken
from tests.fuzz.parquet import as_parquet

SPECIMENS = Path(__file__).parent.parent / "sources"
PIECE = 64 << 10
"""Bytes of a specimen that are changed as bytes: what a huge one repeats adds nothing."""
WHOLE = 256 << 10
"""Bytes of JSON that are changed as JSON."""

Object = tuple[str, bytes]
"""A key and the bytes under it."""


@dataclass(frozen=True)
class Reader:
    """What is changed, and how it is packed afterwards; the bytes of an `archive` hold objects."""

    name: str
    objects: Sequence[Object]
    pack: Pack | None = None
    ending: str = ""

    @property
    def archive(self) -> bool:
        """Whether taking it in opens it."""
        return self.ending in (".zip", ".tar")

    def made(self, seed: str, number: int) -> Object:
        """The object of that number: always the same of the same seed."""
        chance = random.Random(f"{seed}/{self.name}/{number}")
        key, text = chance.choice(self.objects)
        if chance.random() < 0.08:
            text = _joined(text, self._other(chance), chance)
        text = _changed(text, chance) if self.pack is None or chance.random() < 0.6 else text
        if self.pack is None:
            return (f"{key}.gz", gzip.compress(text, 1, mtime=0)) if chance.random() < 0.05 else (key, text)
        packed = self.pack(key, text[:WHOLE], chance)
        return key + self.ending, broken(packed, chance) if chance.random() < 0.7 else packed

    def _other(self, chance: random.Random) -> bytes:
        return chance.choice(plain(chance.choice(list(sources()))))[1]


def _joined(text: bytes, other: bytes, chance: random.Random) -> bytes:
    """Two objects one after the other, or the one within the other."""
    at = chance.choice((0, len(text), len(text), chance.randrange(len(text) + 1)))
    between = chance.choice((b"", b"\n", b",", b"\0"))
    return text[:at] + between + other[:PIECE] + between + text[at:]


def _changed(text: bytes, chance: random.Random) -> bytes:
    if len(text) <= WHOLE and chance.random() < 0.6 and (found := json_changes.changed(text, chance)) is not None:
        return changes.mutated(found, chance) if chance.random() < 0.1 else found
    return changes.mutated(text[:PIECE], chance)


@cache
def plain(name: str) -> tuple[Object, ...]:
    """A source's specimens, unpacked."""
    items = read_specimen(SPECIMENS / f"{name}.yaml")
    return tuple((item["key"].removesuffix(".gz"), data({**item, "key": ""})) for item in items)


@cache
def readers() -> dict[str, Reader]:
    """Every source by its name, then every container by its own."""
    found = {name: Reader(name, plain(name)) for name in sources()}
    return found | {item.name: item for item in _containers()}


def _containers() -> Iterator[Reader]:
    some = [item for name in sources() for item in plain(name)[:3] if len(item[1]) < PIECE]
    messages = [text.decode("utf-8", "replace").strip().split("\n")[:20] for _, text in some]
    yield Reader("gzip", some, as_gzip, ".gz")
    yield Reader("zstd", some, as_zstd, ".zst")
    yield Reader("bzip2", some, as_bzip2, ".bz2")
    yield Reader("zip", some, as_zip, ".zip")
    yield Reader("tar", some, as_tar, ".tar")
    yield Reader("parquet", some, as_parquet, ".parquet")
    envelopes = [("logs-1-2026-11-05-09-00-00-0example", _envelope(lines)) for lines in messages]
    yield Reader("subscription", envelopes)
    yield Reader("subscription-packed", envelopes, as_subscription)
    yield Reader("firehose", [(key, text + text) for key, text in envelopes])
    yield Reader("export", [("exportedlogs/task/stream/000000", _exported(lines)) for lines in messages])
    yield Reader("api-page", [("aws://111122223333/us-east-1/x/0.json", _page(lines)) for lines in messages])
    yield Reader(
        "insights-csv", [("query.csv", _csv(("@timestamp", "@message", "@logStream"), lines)) for lines in messages]
    )
    yield Reader("insights-json", [("query.json", _insights(lines)) for lines in messages])
    yield Reader("athena-csv", [("result.csv", _table(text)) for _, text in some])
    yield Reader("eventbridge", [("event.json", _event(text)) for _, text in some])
    yield Reader("queue", [("sqs.json", _queue(lines)) for lines in messages])


_STREAM = {"logGroup": "/aws/lambda/orders-fn", "logStream": "2026/11/05/[$LATEST]0123456789abcdef0123456789abcdef"}


def _event_list(lines: Sequence[str]) -> list[dict[str, Any]]:
    return [{"id": f"{n:056d}", "timestamp": 1793869200123 + n, "message": line} for n, line in enumerate(lines)]


def _envelope(lines: Sequence[str]) -> bytes:
    around = {"messageType": "DATA_MESSAGE", "owner": "111122223333", "subscriptionFilters": ["all"]}
    stream = _STREAM if len(lines) % 2 else {"logGroup": "CloudTrail", "logStream": "111122223333_CloudTrail_us-east-1"}
    return json.dumps(around | stream | {"logEvents": _event_list(lines)}).encode()


def _exported(lines: Sequence[str]) -> bytes:
    return "".join(f"2026-11-05T09:10:{n:02}.123Z {line}\n" for n, line in enumerate(lines)).encode()


def _page(lines: Sequence[str]) -> bytes:
    asked = {
        "service": "logs",
        "operation": ("FilterLogEvents", "StartQuery")[len(lines) % 2],
        "parameters": {"logGroupName": "/aws/lambda/orders-fn"},
        "account_id": "111122223333",
        "region": "us-east-1",
        "observed_at": "2026-11-05T10:00:00Z",
    }
    events = [{**event, "logStreamName": _STREAM["logStream"], "ingestionTime": 1} for event in _event_list(lines)]
    rows = [
        [{"field": "@message", "value": line}, {"field": "@timestamp", "value": "2026-11-05 09:10:00.123"}]
        for line in lines
    ]
    answer = {"events": events} if len(lines) % 2 == 0 else {"status": "Complete", "results": rows}
    return json.dumps({"call": asked, "response": answer}).encode()


def _insights(lines: Sequence[str]) -> bytes:
    rows = [[{"field": "@message", "value": line}, {"field": "@ptr", "value": "x"}] for line in lines]
    return json.dumps({"results": rows, "status": "Complete", "statistics": {}}).encode()


def _csv(header: Sequence[str], lines: Sequence[str]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(("2026-11-05 09:10:00.123", line.replace("\0", ""), "stream") for line in lines)
    return out.getvalue().encode()


def _table(text: bytes) -> bytes:
    """The records of a JSON text as a query's result has them: a column for each member."""
    try:
        held = json.loads(text)
    except ValueError:
        return _csv(("eventtime", "eventjson", "x"), text.decode("utf-8", "replace").split("\n")[:20])
    found = held.get("Records", [held]) if isinstance(held, dict) else held
    rows = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    names = sorted({name for row in rows for name in row})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow([name.lower() for name in names])
    writer.writerows([str(row.get(name, "")).replace("\0", "") for name in names] for row in rows)
    return out.getvalue().encode()


def _event(text: bytes) -> bytes:
    try:
        detail = json.loads(text)
    except ValueError:
        detail = text.decode("utf-8", "replace")
    return json.dumps(
        {
            "version": "0",
            "id": "e-1",
            "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.s3",
            "account": "111122223333",
            "time": "2026-11-05T09:10:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail": detail,
        }
    ).encode()


def _queue(lines: Sequence[str]) -> bytes:
    sns = [json.dumps({"Type": "Notification", "MessageId": "m", "TopicArn": "arn", "Message": line}) for line in lines]
    return json.dumps(
        {"Messages": [{"MessageId": "m", "ReceiptHandle": "r", "MD5OfBody": "x", "Body": s} for s in sns]}
    ).encode()
