"""Tags and notes on the rows of the table, as the case's notes have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from forensics.case import Case
from forensics.views.labels import moment, visible


def of_events(case: Case, event_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Of each of the events that has any: {tags, notes: how many}."""
    wanted = set(event_ids)
    found: dict[str, dict[str, Any]] = {}
    for item in case.notes.rows():
        if item.about.kind == "event" and item.about.key in wanted:
            made = found.setdefault(item.about.key, {"tags": [], "notes": 0})
            if item.tag is None:
                made["notes"] += 1
            elif item.tag not in made["tags"]:
                made["tags"].append(item.tag)
    return found


def of_event(case: Case, event_id: str) -> dict[str, Any]:
    """What stands about one event: {tags: [{tag, by}], notes: [{id, text, by, at, remark}]}."""
    rows = case.notes.rows(("event", event_id))
    tags: dict[str, list[str]] = {}
    for item in rows:
        if item.tag is not None:
            tags.setdefault(item.tag, []).append(item.by)
    return {
        "tags": [{"tag": tag, "by": ", ".join(dict.fromkeys(by))} for tag, by in tags.items()],
        "notes": [
            {
                "id": item.id,
                "text": visible(item.text, keep="\n"),
                "by": visible(item.by),
                "at": moment(item.at)[:16],
                "remark": visible(item.remark),
            }
            for item in rows
            if item.text is not None
        ],
    }
