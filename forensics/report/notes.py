"""What responders tagged and wrote, as a report and a notebook show it: who, when, about what; every text escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import accumulate

import pandas as pd
from markupsafe import Markup

from forensics.analysis.statement import Citation, records_of
from forensics.case import Case
from forensics.errors import ForensicsError
from forensics.notes import Notes, Standing
from forensics.report.appendix import Finding, Section
from forensics.report.cells import folded
from forensics.report.display import Shown, chips, record_anchor, show_table
from forensics.views.labels import count_of, moment, visible

SHOWN = 500
"""Notes, and tagged events and things, that a report lists at most."""

HEADINGS = {"at": "when, UTC", "by": "who", "about": "about", "note": "note", "remark": "remark"}

TEXT = 300_000
"""Characters of notes that a report holds at most."""


def show_notes(notes: Notes, *, limit: int | None = 100, caption: str | None = None) -> Shown:
    """The notes and tags that stand, texts first; for a notebook. `limit` rows of each at most (None: all)."""
    found = notes.rows()
    texts = [item for item in found if item.text is not None]
    tags = [item for item in found if item.tag is not None]
    parts = [_frame(some, name) for some, name in ((texts, "note"), (tags, "tag")) if some]
    shown = [show_table(frame, limit=limit, caption=caption or f"{name.capitalize()}s") for frame, name in parts]
    if not shown:
        shown = [show_table(pd.DataFrame(columns=["note"]), caption=caption or "Notes")]
    wrong = [
        show_table(pd.DataFrame({"not readable": [str(item) for item in told]})) for told in [notes.problems()] if told
    ]
    return Shown("".join(item.html for item in shown + wrong), "\n\n".join(item.text for item in shown + wrong))


def _frame(items: Sequence[Standing], name: str) -> tuple[pd.DataFrame, str]:
    rows = {
        "when": [item.at for item in items],
        "who": [item.by for item in items],
        "about": [str(item.about) for item in items],
        name: [item.text if item.text is not None else item.tag for item in items],
        "id": [item.id[:8] for item in items],
    }
    if any(item.remark for item in items):
        rows["remark"] = [item.remark or None for item in items]
    return pd.DataFrame(rows), name


def notes_section(case: Case) -> list[Section]:
    """The appendix with all notes and tags, each linked to its record where the report holds that; none without notes."""
    try:
        found, wrong = case.notes.rows(), [str(item) for item in case.notes.problems()]
    except ForensicsError as error:
        found, wrong = [], [str(error)]
    if not found and not wrong:
        return []
    texts = [item for item in found if item.text is not None]
    tags = [item for item in found if item.tag is not None]
    events = {item.about.key for item in (*texts[:SHOWN], *tags[:SHOWN]) if item.about.kind == "event"}
    places = records_of(case, events)
    said = (
        f"<p>{count_of(len(texts), 'note')} and {count_of(len(tags), 'tag')} of the people who worked on this case. They are"
        " what people say, not evidence: no statement of this report rests on them.</p>"
    )
    body = said + _texts(texts, places) + _tags(tags, places) + _unreadable(wrong)
    return [Section("Notes of the responders", "notes", Markup(body))]


def _texts(items: Sequence[Standing], places: Mapping[str, Citation]) -> str:
    shown = _within(items)
    cards = "".join(_text(item, places) for item in shown)
    return f'<ul class="fx-notes">{cards}</ul>{_more(items, len(shown))}' if items else ""


def _text(item: Standing, places: Mapping[str, Citation]) -> str:
    text = escape(visible(item.text or "", keep="\n"))
    head = f"<time>{moment(item.at)} UTC</time><strong>{escape(visible(item.by))}</strong>"
    head += f"<span>{_about(item, places)}</span>"
    return f'<li><div class="fx-head">{head}</div><div class="fx-text">{text}</div>{_remark(item)}</li>'


def _within(items: Sequence[Standing]) -> list[Standing]:
    """The first of them, as many as a report has room for."""
    lengths = accumulate(len(item.text or "") for item in items)
    return [item for item, length in zip(items[:SHOWN], lengths, strict=False) if length <= TEXT]


def _remark(item: Standing) -> str:
    said = [f"version {item.versions}, first written by {item.first_by}"] if item.versions > 1 else []
    said += [item.remark] if item.remark else []
    return f'<p class="fx-more">{escape(visible("; ".join(said)))}</p>' if said else ""


def _tags(items: Sequence[Standing], places: Mapping[str, Citation]) -> str:
    rows = "".join(
        f"<tr><td>{chips([item.tag or ''])}</td><td>{_about(item, places)}</td><td>{escape(visible(item.by))}</td>"
        f'<td class="fx-time">{moment(item.at)}</td></tr>'
        for item in sorted(items, key=lambda item: (item.tag or "", item.at, item.id))[:SHOWN]
    )
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("tag", "on", "who", "when, UTC"))
    table = f'<div class="fx-table" role="region" aria-label="Tags" tabindex="0"><table><caption>Tags</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"{table}{_more(items, SHOWN)}" if items else ""


def _more(items: Sequence[Standing], shown: int) -> str:
    left = len(items) - shown
    return f'<p class="fx-more">… {left:,} more: <code>forensics note CASE list</code></p>' if left > 0 else ""


def _unreadable(lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(visible(line))}</li>" for line in lines)
    return f"<p>What of the notes file cannot be read:</p><ul>{items}</ul>" if lines else ""


def _about(item: Standing, places: Mapping[str, Citation]) -> str:
    """What it is about; an event as a link, which the report keeps where it holds the record."""
    kind, key = item.about.kind, visible(item.about.key)
    if kind == "case":
        return "the case"
    text = escape(key) if len(key) < 200 else folded(key)
    if kind == "event" and (place := places.get(item.about.key)):
        return f'event <a class="fx-record" href="#{record_anchor(place)}">{text}</a>'
    return f"{kind} {text}" + (' <span class="fx-none">not in this case</span>' if kind == "event" else "")


def marks(notes: Notes, findings: Sequence[Finding]) -> dict[str, tuple[str, ...]]:
    """The tags of cited events, by the ids that a page gives the statements that cite them; none where notes cannot be read."""
    try:
        tagged = notes.tags_of({place["event_id"] for item in findings for place in item["evidence"]})
    except ForensicsError:
        return {}
    made = {}
    for item in findings:
        found = {tag for place in item["evidence"] for tag in tagged.get(place["event_id"], ())}
        if found:
            made[f"statement-{escape(visible(item['id']))}"] = tuple(sorted(found))
    return made
