"""The cited records as a report holds them: the raw text of each, folded, under an id that statements link to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from itertools import zip_longest

import msgspec
from markupsafe import Markup

from forensics.analysis.statement import Citation
from forensics.case import Case
from forensics.errors import EvidenceError, UnknownName
from forensics.raw import raw_records
from forensics.report.appendix import Finding, Section
from forensics.report.cells import cell_html
from forensics.report.display import record_anchor
from forensics.views.labels import moment, visible

RECORDS = 500
"""Cited records whose text a report holds at most; each statement's first records come before the others."""

TEXT = 1_500_000
"""Bytes of all those together at most, where there is room for them."""

LONGEST = 20_000
"""Characters of one; the rest is left to `forensics show`."""

_OBJECTS = """
SELECT sha256, uri, object_id, source
FROM evidence
WHERE list_contains(CAST(? AS VARCHAR[]), sha256)
"""

_EVENTS = """
SELECT event_id, time, action
FROM event
WHERE list_contains(CAST(? AS VARCHAR[]), source)
  AND list_contains(CAST(? AS VARCHAR[]), event_id)
"""

Place = tuple[str, int]
"""SHA-256 of an object, and a record's place in it."""


@dataclass
class _Cited:
    """A cited record and the ids of the statements that cite it."""

    citation: Citation
    by: list[str] = field(default_factory=list)
    text: str | None = None
    why: str = ""
    source: str = ""
    time: datetime | None = None
    action: str = ""


def cited_records(case: Case, findings: Sequence[Finding], *, room: int = TEXT) -> tuple[Section, frozenset[str]]:
    """The section, of at most `room` bytes or somewhat more, and the ids under which it holds records."""
    cited = _cited(findings)
    chosen = [cited[place] for place in list(dict.fromkeys(_by_rank(findings)))[:RECORDS]]
    _read(case, chosen)
    held = _within(chosen, min(room, TEXT))
    body = "".join(held[place] for place in cited if place in held)
    anchors = frozenset(record_anchor(cited[place].citation) for place in held)
    return Section("The cited records", "records", Markup(f"<p>{_said(len(held), len(cited))}</p>{body}")), anchors


def _said(held: int, cited: int) -> str:
    if not cited:
        return "No record is cited: nothing was found."
    all_of_them = (
        f"{held:,} of {cited:,} cited records are here" if held < cited else f"All {cited:,} cited records are here"
    )
    return (
        f"{all_of_them}, as they stand in the evidence; JSON is indented for reading, nothing else is changed."
        " <code>forensics show CASE EVENT_ID</code> prints any of them, and findings.json lists them all."
    )


def _cited(findings: Sequence[Finding]) -> dict[Place, _Cited]:
    """Each cited record once, in the order of the statements."""
    found: dict[Place, _Cited] = {}
    for item in findings:
        for given in item["evidence"]:
            citation = Citation(**given)
            found.setdefault(_place(citation), _Cited(citation)).by.append(item["id"])
    return found


def _place(citation: Citation) -> Place:
    return citation.sha256, citation.record


def _by_rank(findings: Sequence[Finding]) -> Iterator[Place]:
    """Every statement's first record, then every statement's second, and so on."""
    lists = [[(given["sha256"], given["record"]) for given in item["evidence"]] for item in findings]
    return (place for rank in zip_longest(*lists) for place in rank if place)


def _read(case: Case, chosen: Sequence[_Cited]) -> None:
    """Put its text, or why there is none, into each; every object is read once."""
    by_object: dict[str, list[_Cited]] = {}
    for item in chosen:
        by_object.setdefault(item.citation.sha256, []).append(item)
    objects: Mapping[str, list[tuple[str, str, str]]] = {}
    for sha256, *rest in case.sql(_OBJECTS, (list(by_object),)).rows():
        objects = {**objects, sha256: [*objects.get(sha256, []), (rest[0], rest[1], rest[2])]}
    for sha256, items in by_object.items():
        known = objects.get(sha256, [])
        named = [held for held in known if held[0] == items[0].citation.uri] or known
        _fill(case, items, *(named[0][1:] if named else ("", "")))
    of_sources, ids = {item.source for item in chosen}, [item.citation.event_id for item in chosen]
    events = {row[0]: row for row in case.sql(_EVENTS, (sorted(of_sources), ids)).rows()} if chosen else {}
    for item in chosen:
        _, item.time, item.action = events.get(item.citation.event_id, ("", None, ""))


def _fill(case: Case, items: Sequence[_Cited], object_id: str, source: str | None) -> None:
    try:
        texts = raw_records(case, object_id, [item.citation.record for item in items])
        why = "the object does not hold that record"
    except (EvidenceError, UnknownName) as error:
        texts, why = {}, str(error)
    for item in items:
        item.text, item.why, item.source = texts.get(item.citation.record), why, source or ""


def _within(chosen: Sequence[_Cited], room: int) -> dict[Place, str]:
    """The HTML of those that fit together, in the order given."""
    held: dict[Place, str] = {}
    for item in chosen:
        entry = _entry(item)
        room -= len(entry.encode())
        if room < 0:
            break
        held[_place(item.citation)] = entry
    return held


def _entry(item: _Cited) -> str:
    place = item.citation
    by = ", ".join(f'<a href="#statement-{escape(visible(name))}">{escape(visible(name))}</a>' for name in item.by)
    facts = {"object": visible(place.uri), "SHA-256": visible(place.sha256), "record": place.record}
    rows = "".join(f"<dt>{name}</dt><dd>{cell_html(value)}</dd>" for name, value in facts.items())
    known = [moment(item.time)] if item.time else []
    head = f"{escape(visible(place.event_id))} <span>{escape(visible(' '.join([*known, item.source, item.action or ''])))}</span>"
    text = f"<pre>{_shown(item.text)}</pre>" if item.text is not None else f"<p>{escape(visible(item.why))}</p>"
    inside = f"<dl><dt>cited by</dt><dd>{by}</dd>{rows}</dl>{text}"
    return f'<details class="fx-raw"><summary>{head}</summary><div id="{record_anchor(place)}">{inside}</div></details>'


def _shown(text: str) -> str:
    more = f'<span class="fx-none"> … {len(text) - LONGEST:,} more characters</span>' if len(text) > LONGEST else ""
    return escape(visible(_indented(text)[:LONGEST], keep="\n\t"), quote=False) + more


def _indented(text: str) -> str:
    """JSON with its tokens as they are, on lines of their own; other text unchanged."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return msgspec.json.format(text.encode("utf-8", "surrogatepass"), indent=2).decode("utf-8")
    except (msgspec.DecodeError, UnicodeError):
        return text
