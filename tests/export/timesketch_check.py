"""What Timesketch does with a file it imports, from its guide "Create timeline from JSONL or CSV file" and its importer.

Mandatory are `message`, `datetime` (ISO 8601) and `timestamp_desc`; `timestamp` are microseconds; `tag` is a list, or text
that is read as JSON between brackets, as nothing of `-`, else split at commas. The name ends in .csv or .jsonl. Rows whose
datetime pandas cannot read are dropped. What its web export writes back is made here too: tags joined by commas, labels
as a Python list.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

MANDATORY = ("message", "datetime", "timestamp_desc")
RESERVED = ("_id", "_type", "_index", "_source", "__ts_timeline_id")
"""Fields that it takes off."""

Event = dict[str, Any]


def imported(path: Path) -> list[Event]:
    """The events that it would have; fails on what it refuses, drops or reads otherwise than it was meant."""
    assert path.suffix in (".csv", ".jsonl")
    events = _csv(path) if path.suffix == ".csv" else [json.loads(line) for line in _lines(path)]
    for event in events:
        assert set(MANDATORY) <= set(event) and not set(RESERVED) & set(event)
        assert all(isinstance(event[name], str) and event[name] for name in MANDATORY)
        moment = datetime.fromisoformat(event["datetime"])
        assert moment.tzinfo is not None
        assert event["timestamp"] == round(moment.timestamp() * 1_000_000)
        assert isinstance(event["tag"], list) and all(isinstance(tag, str) for tag in event["tag"])
    return events


def web_export(events: list[Event], path: Path) -> Path:
    """What its web page exports of events, with the annotations that they have under `tag`, `label` and `comment`."""
    rows = [
        event | {"tag": ",".join(event["tag"]), "label": event.get("label", []), "_id": "x", "_index": "y"}
        for event in events
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def client_export(events: list[Event], path: Path) -> Path:
    """What its Python client writes: every list as Python writes it."""
    pd.DataFrame(events).to_csv(path, index=False)
    return path


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").removesuffix("\n").split("\n")


def _csv(path: Path) -> list[Event]:
    frame = pd.read_csv(path, dtype={"message": str}, keep_default_na=True)
    frame["datetime"] = pd.to_datetime(frame["datetime"], errors="coerce")
    assert not frame["datetime"].isna().any()
    frame["datetime"] = frame["datetime"].apply(pd.Timestamp.isoformat).astype(str)
    frame["tag"] = frame["tag"].apply(_tags)
    return [row.dropna().to_dict() for _, row in frame.iterrows()]


def _tags(cell: Any) -> list[str]:
    text = cell if isinstance(cell, str) else str(cell)
    if text.startswith("[") and text.endswith("]"):
        found = json.loads(text)
        assert isinstance(found, list)
        return found
    return [] if text == "-" else text.split(",")
