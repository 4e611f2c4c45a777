"""One event beside the table: its record as it stands in the evidence, what it is attributed to, what cites it."""

from __future__ import annotations

import json
from typing import Any

from forensics.case import Case
from forensics.errors import EvidenceError, UnknownName
from forensics.explorer.index import CERTAINTIES, Index
from forensics.explorer.page import QUESTIONS
from forensics.raw import raw_record
from forensics.views.labels import visible

LONGEST = 200_000
"""Characters of a record that are shown."""

_EVENT = """
SELECT e.rowid, e.object_id, e.record, e.source, CAST(e.time AS VARCHAR), e.summary
FROM event AS e
WHERE e.event_id = ?
"""

_ATTRIBUTED = """
SELECT question, CAST(workload AS VARCHAR), CAST(certainty AS VARCHAR)
FROM attributed
WHERE n = ?
"""

_CITED = """
SELECT f.finding_id, f.title, f.severity, v.why
FROM finding_evidence AS v
JOIN finding AS f ON f.finding_id = v.finding_id
WHERE v.event_id = ?
UNION ALL
SELECT f.finding_id, f.title, f.severity, 'this is the finding' AS why
FROM finding AS f
WHERE f.finding_id = ?
ORDER BY severity DESC NULLS LAST, title
LIMIT 20
"""

_PLACE = "SELECT uri, sha256 FROM evidence WHERE object_id = ?"


def record(index: Index, event_id: str) -> dict[str, Any]:
    """What is shown of an event: {id, summary, attributed, cited, text, pretty, where, sha256, problem}.

    `text` is the record as acquired; `pretty` the same indented, where it is JSON; `problem` says why there is none.
    Raises UnknownName.
    """
    found = index.rows(_EVENT, (event_id,))
    if not found:
        raise UnknownName("event", event_id)
    n, object_id, number, source, time, summary = found[0]
    attributed = sorted(index.rows(_ATTRIBUTED, (n,)), key=lambda said: CERTAINTIES.index(said[2]))
    placed = index.rows(_PLACE, (object_id,))
    uri, sha256 = placed[0] if placed else (object_id, "")
    return {
        "id": event_id,
        "shown": visible(event_id),
        "source": source,
        "time": time,
        "summary": visible(summary or ""),
        "attributed": [
            {"question": QUESTIONS.get(asked, asked), "value": workload, "text": visible(workload), "certainty": word}
            for asked, workload, word in attributed[:20]
        ],
        "cited": [
            {"value": key, "text": visible(title or key), "severity": severity, "why": visible(why)}
            for key, title, severity, why in index.rows(_CITED, (event_id, event_id))
        ],
        "where": visible(f"record {number} of {uri}"),
        "sha256": sha256,
        **_text(index.case, f"{object_id}#{number}"),
    }


def _text(case: Case, reference: str) -> dict[str, str]:
    try:
        text = raw_record(case, reference)
    except (EvidenceError, UnknownName) as error:
        return {"text": "", "pretty": "", "problem": visible(error)}
    shown = visible(text[:LONGEST], keep="\n\t")
    cut = "" if len(text) <= LONGEST else f"the first {LONGEST:,} of {len(text):,} characters"
    return {"text": shown, "pretty": visible(pretty(text)[:LONGEST], keep="\n"), "problem": cut}


def pretty(text: str) -> str:
    """JSON indented, every member of an object kept in its order; "" of what is no JSON object, or names a member twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            raise ValueError("a member is named twice")
        return made

    try:
        parsed = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return ""
    return json.dumps(parsed, indent=2, ensure_ascii=False) if isinstance(parsed, dict | list) else ""
